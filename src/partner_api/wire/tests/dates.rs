//! Dates, in every form that was seen.

use super::*;
use crate::model::Timestamp;

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn the_end_of_a_channel_has_two_possible_keys_and_may_lie_in_the_future() {
    for key in ["terminated_at", "terminates_at"] {
        let (read, found) = only(item_with(key, json!("2999-12-31T00:00:00Z")));
        assert_eq!((read.channel.terminated_at, found), (at("2999-12-31T00:00:00Z"), Vec::new()), "{key}");
    }
}

#[test]
fn dates_before_2009_are_absent_and_reported() {
    for date in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2008-12-31T23:59:59Z", "0"] {
        let found = vec![(Field::Timestamp, date.into())];
        assert_eq!(only(item_with("created_at", json!(date))), (owned("ch0001CH"), found), "{date}");
    }
    assert!(only(item_with("created_at", json!("2009-01-01T00:00:00Z"))).0.channel.created_at.is_some());
}

#[test]
fn dates_are_read_in_every_form_that_was_seen() {
    let dates = [
        json!("2024-03-01T10:00:00Z"),
        json!("2024-03-01T10:00:00.000Z"),
        json!("2024-03-01T10:00:00.000000+00:00"),
        json!("2024-03-01T12:00:00+02:00"),
        json!("2024-03-01t10:00:00z"),
        json!("2024-03-01T10:00:00"),
        json!("2024-03-01 10:00:00"),
        json!(" 2024-03-01T10:00 "),
        json!(1_709_287_200),
        json!("1709287200"),
        json!(1_709_287_200.0),
        json!(1_709_287_200_000_u64),
    ];
    for date in dates {
        let (read, found) = only(item_with("created_at", date.clone()));
        assert_eq!((read.channel.created_at, found), (at("2024-03-01T10:00:00Z"), Vec::new()), "{date}");
    }
    let (read, found) = only(item_with("created_at", json!("2024-03-01")));
    assert_eq!((read.channel.created_at, found), (at("2024-03-01T00:00:00Z"), Vec::new()));
}

#[test]
fn a_bad_date_costs_the_date_and_not_the_channel() {
    let bad = ["soon", "2024-13-01T00:00:00Z", "0000-00-00", "NaN", "inf", "1e300", "2024-03-01T25:00:00"];
    for date in bad {
        let found = vec![(Field::Timestamp, date.into())];
        assert_eq!(only(item_with("cancelled_at", json!(date))), (owned("ch0001CH"), found), "{date}");
    }
    let (read, found) = only(item_with("cancelled_at", json!(true)));
    assert_eq!((read, found), (owned("ch0001CH"), vec![(Field::Timestamp, "true".into())]));
}
