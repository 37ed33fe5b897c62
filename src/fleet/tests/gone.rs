//! Gone, missing, and not known any more.

use super::*;

#[test]
fn a_client_that_a_complete_list_does_not_hold_is_gone() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b", "c"]));
    fleet.apply(read(0, "b", &["x"]));
    fleet.take_changes();
    fleet.apply(listed(60, &["a", "c"]));
    assert_eq!(client_ids(&fleet), ["a", "c"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("b", Change::Data)]));
}

#[test]
fn a_client_that_comes_back_is_a_new_one() {
    let mut fleet = known();
    fleet.apply(listed(60, &[]));
    fleet.apply(listed(120, &["a"]));
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!((state.channels.len(), state.up, state.last_refresh, state.first_listed), (0, None, None, at(120)));
    let worse = Channel { quality: QualityRating::Low, ..good("x") };
    assert_eq!(fleet.apply(read_as(121, "a", vec![worse])), []);
}

#[test]
fn a_client_that_an_incomplete_list_does_not_hold_stays_until_the_bound() {
    let mut fleet = known();
    fleet.apply(listed_in_part(100, &[]));
    fleet.apply(listed_in_part(100 + BOUND - 1, &[]));
    assert_eq!(client_ids(&fleet), ["a"]);
    assert_eq!(fleet.client(&"a".into()).unwrap().missing_since, Some(at(100)));
    assert!(!fleet.has_changes());
    fleet.apply(listed_in_part(100 + BOUND, &[]));
    assert_eq!(client_ids(&fleet), [""; 0]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_client_that_was_missing_and_is_listed_again_has_its_whole_time_again() {
    let mut fleet = known();
    fleet.apply(listed_in_part(100, &[]));
    fleet.apply(listed_in_part(200, &["a"]));
    assert_eq!(fleet.client(&"a".into()).unwrap().missing_since, None);
    fleet.apply(listed_in_part(100 + BOUND, &[]));
    assert_eq!(client_ids(&fleet), ["a"]);
}

#[test]
fn an_incomplete_list_brings_new_clients() {
    let mut fleet = known();
    fleet.apply(listed_in_part(100, &["b"]));
    assert_eq!(client_ids(&fleet), ["a", "b"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("b", Change::Data)]));
}

#[test]
fn a_client_that_leaves_the_list_while_it_is_read_stays_gone() {
    let mut fleet = known();
    fleet.apply(listed(60, &[]));
    fleet.take_changes();
    assert_eq!(fleet.apply(read(61, "a", &["x"])), []);
    fleet.apply(unreadable("a"));
    assert_eq!(client_ids(&fleet), [""; 0]);
    assert!(!fleet.has_changes());
}

#[test]
fn a_channel_that_a_complete_answer_does_not_hold_is_gone() {
    for (left, gone_where) in [(&["y"][..], "first"), (&["x"], "last"), (&[], "all")] {
        let mut fleet = known();
        assert_eq!(fleet.apply(read(60, "a", left)), []);
        assert_eq!(channel_ids(&fleet, "a"), left, "{gone_where}");
        assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]), "{gone_where}");
    }
}

#[test]
fn a_channel_that_an_incomplete_answer_does_not_hold_stays_until_the_bound() {
    let mut fleet = known();
    fleet.apply(read_in_part(100, "a", &["y"]));
    fleet.apply(read_in_part(100 + BOUND - 1, "a", &["y"]));
    assert_eq!(channels(&fleet, "a"), [(good("x"), Some(at(100))), (good("y"), None)]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
    fleet.apply(read_in_part(100 + BOUND, "a", &["y"]));
    assert_eq!(channels(&fleet, "a"), [(good("y"), None)]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_channel_that_was_missing_and_comes_again_has_its_whole_time_again() {
    let mut fleet = known();
    fleet.apply(read_in_part(100, "a", &["y"]));
    fleet.apply(read_in_part(200, "a", &["x", "y"]));
    fleet.apply(read_in_part(100 + BOUND, "a", &["y"]));
    assert_eq!(channel_ids(&fleet, "a"), ["x", "y"]);
    assert_eq!(fleet.client(&"a".into()).unwrap().channels[0].missing_since, Some(at(100 + BOUND)));
}

#[test]
fn channels_of_one_client_do_not_touch_those_of_another() {
    let mut fleet = known();
    fleet.apply(listed(1, &["a", "b"]));
    fleet.apply(read(1, "b", &["x"]));
    fleet.apply(read(2, "b", &[]));
    assert_eq!((channel_ids(&fleet, "a"), channel_ids(&fleet, "b")), (vec!["x".to_owned(), "y".to_owned()], vec![]));
}
