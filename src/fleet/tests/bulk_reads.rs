//! Reads of the channels of all clients.

use super::*;

fn seen(channels: &[(&str, &str)]) -> Observation {
    let channels = channels.iter().map(|&(client, id)| (client.into(), good(id))).collect();
    Observation::ChannelsSeen { channels, at: at(0) }
}

fn ended(second: i64, whole: &[&str], incomplete: &[&str]) -> Observation {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.into()).collect();
    Observation::BulkReadEnded { whole: ids(whole), incomplete: ids(incomplete), at: at(second).into() }
}

/// Clients `a` with channels `x` and `y`, and `b` with channel `z`, read by a
/// bulk read that began at second 0.
fn read_in_bulk() -> Fleet {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b"]));
    fleet.apply(seen(&[("a", "x"), ("b", "z")]));
    fleet.apply(seen(&[("a", "y")]));
    fleet.apply(ended(0, &["a", "b"], &[]));
    fleet.take_changes();
    fleet
}

#[test]
fn a_bulk_read_that_reaches_its_end_is_the_read_of_the_clients_it_names() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b", "c"]));
    fleet.apply(seen(&[("a", "y"), ("a", "x")]));
    fleet.take_changes();
    let state = |fleet: &Fleet| fleet.clients(..).map(|s| (s.up, s.last_refresh)).collect::<Vec<_>>();
    assert_eq!(state(&fleet), [(None, None); 3]);
    fleet.apply(ended(9, &["a", "b"], &["c"]));
    assert_eq!(state(&fleet), [(Some(true), Some(at(9))), (Some(true), Some(at(9))), (Some(false), None)]);
    assert_eq!((channel_ids(&fleet, "a"), channel_ids(&fleet, "b")), (vec!["x".to_owned(), "y".to_owned()], vec![]));
    let expected = [("a", Change::Data), ("b", Change::Data), ("c", Change::Freshness)];
    assert_eq!(fleet.take_changes(), changes(false, &expected));
}

#[test]
fn a_bulk_read_that_brings_nothing_new_changes_the_freshness_alone() {
    let mut fleet = read_in_bulk();
    fleet.apply(seen(&[("a", "x"), ("a", "y"), ("b", "z")]));
    assert!(!fleet.has_changes());
    fleet.apply(ended(60, &["a", "b"], &[]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness), ("b", Change::Freshness)]));
}

#[test]
fn a_bulk_read_that_fails_takes_nothing_away_and_what_it_saw_counts() {
    let mut fleet = read_in_bulk();
    let dropped = Channel { quality: QualityRating::Low, ..good("x") };
    let transitions = fleet.apply(Observation::ChannelsSeen { channels: vec![("a".into(), dropped)], at: at(30) });
    assert_eq!(transitions.len(), 1);
    assert_eq!(fleet.client(&"a".into()).unwrap().channels[0].changed_at, Some(at(30)));
    fleet.apply(Observation::BulkReadFailed { failure: Reason::Timeout.into() });
    let state: Vec<_> = fleet.clients(..).map(|state| (state.up, state.last_refresh, state.channels.len())).collect();
    assert_eq!(state, [(Some(false), Some(at(0)), 2), (Some(false), Some(at(0)), 1)]);
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data), ("b", Change::Freshness)]));
}

#[test]
fn channels_of_a_client_that_left_the_list_meanwhile_are_not_taken_in() {
    let mut fleet = read_in_bulk();
    fleet.apply(listed_without(50, &["b"]));
    fleet.take_changes();
    assert_eq!(fleet.apply(seen(&[("b", "z")])), []);
    assert_eq!((client_ids(&fleet), fleet.has_changes()), (vec!["a"], false));
}

#[test]
fn what_expired_is_shown_again_at_the_end_of_a_bulk_read_and_not_before() {
    let mut fleet = read_in_bulk();
    fleet.expire(at(3 * BOUND));
    fleet.apply(seen(&[("a", "x"), ("a", "y"), ("b", "z")]));
    assert!(fleet.clients(..).all(|state| state.expired));
    fleet.take_changes();
    fleet.apply(ended(3 * BOUND + 1, &["a", "b"], &[]));
    assert!(!fleet.clients(..).any(|state| state.expired));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data), ("b", Change::Data)]));
}
