//! Walks through the channels of all clients.

use super::*;

fn seen(channels: &[(&str, &str)]) -> Observation {
    let channels = channels.iter().map(|&(client, id)| (client.into(), good(id))).collect();
    Observation::ChannelsSeen { channels, at: at(0) }
}

fn completed(second: i64, complete: bool) -> Observation {
    Observation::BulkReadCompleted { complete, at: at(second) }
}

/// Clients `a` with channels `x` and `y`, and `b` with channel `z`, read by a
/// sweep that ended at second 0.
fn swept() -> Fleet {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b"]));
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("b", "z")]));
    fleet.apply(seen(&[("a", "y")]));
    fleet.apply(completed(0, true));
    fleet.take_changes();
    fleet
}

#[test]
fn a_sweep_that_reaches_its_end_is_the_read_of_every_client() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b"]));
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "y"), ("a", "x")]));
    fleet.take_changes();
    let before: Vec<_> = fleet.clients(..).map(|state| (state.up, state.last_refresh)).collect();
    assert_eq!(before, [(None, None); 2]);
    fleet.apply(completed(9, true));
    let after: Vec<_> = fleet.clients(..).map(|state| (state.up, state.last_refresh)).collect();
    assert_eq!(after, [(Some(true), Some(at(9))); 2]);
    assert_eq!((channel_ids(&fleet, "a"), channel_ids(&fleet, "b")), (vec!["x".to_owned(), "y".to_owned()], vec![]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data), ("b", Change::Data)]));
}

#[test]
fn a_sweep_that_brings_nothing_new_changes_the_freshness_alone() {
    let mut fleet = swept();
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("a", "y"), ("b", "z")]));
    assert!(!fleet.has_changes());
    fleet.apply(completed(60, true));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness), ("b", Change::Freshness)]));
}

#[test]
fn a_channel_that_a_complete_sweep_did_not_see_is_gone_at_its_end() {
    let mut fleet = swept();
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("b", "z")]));
    assert_eq!(channel_ids(&fleet, "a"), ["x", "y"]);
    fleet.apply(completed(60, true));
    assert_eq!(channel_ids(&fleet, "a"), ["x"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data), ("b", Change::Freshness)]));
}

#[test]
fn a_channel_that_incomplete_sweeps_did_not_see_stays_until_the_bound() {
    let mut fleet = swept();
    for second in [100, 100 + BOUND - 1] {
        fleet.apply(Observation::BulkReadStarted);
        fleet.apply(seen(&[("a", "x"), ("b", "z")]));
        fleet.apply(completed(second, false));
        assert_eq!(channels(&fleet, "a"), [(good("x"), None), (good("y"), Some(at(100)))]);
    }
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("b", "z")]));
    fleet.apply(completed(100 + BOUND, false));
    assert_eq!(channel_ids(&fleet, "a"), ["x"]);
}

#[test]
fn a_sweep_that_breaks_off_takes_nothing_away_and_what_it_saw_counts() {
    let mut fleet = swept();
    fleet.apply(Observation::BulkReadStarted);
    let dropped = Channel { quality: QualityRating::Low, ..good("x") };
    let transitions = fleet.apply(Observation::ChannelsSeen { channels: vec![("a".into(), dropped)], at: at(30) });
    assert_eq!(transitions.len(), 1);
    assert_eq!(fleet.client(&"a".into()).unwrap().channels[0].changed_at, Some(at(30)));
    fleet.apply(Observation::BulkReadFailed);
    let state: Vec<_> = fleet.clients(..).map(|state| (state.up, state.last_refresh, state.channels.len())).collect();
    assert_eq!(state, [(Some(false), Some(at(0)), 2), (Some(false), Some(at(0)), 1)]);
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data), ("b", Change::Freshness)]));
    // The next one does not take for seen what only the broken one saw.
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "y"), ("b", "z")]));
    fleet.apply(completed(60, true));
    assert_eq!(channel_ids(&fleet, "a"), ["y"]);
}

#[test]
fn a_client_that_is_read_during_a_sweep_keeps_what_that_read_brought() {
    let mut fleet = swept();
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("a", "y"), ("b", "z")]));
    fleet.apply(read(50, "a", &["new", "y"]));
    fleet.apply(completed(60, true));
    assert_eq!(channel_ids(&fleet, "a"), ["new", "y"]);
}

#[test]
fn channels_of_a_client_that_left_the_list_meanwhile_are_not_taken_in() {
    let mut fleet = swept();
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(listed(50, &["a"]));
    fleet.take_changes();
    assert_eq!(fleet.apply(seen(&[("b", "z")])), []);
    assert_eq!((client_ids(&fleet), fleet.has_changes()), (vec!["a"], false));
}

#[test]
fn what_expired_is_shown_again_at_the_end_of_a_sweep_and_not_before() {
    let mut fleet = swept();
    fleet.expire(at(BOUND));
    fleet.apply(Observation::BulkReadStarted);
    fleet.apply(seen(&[("a", "x"), ("a", "y"), ("b", "z")]));
    assert!(fleet.clients(..).all(|state| state.expired));
    fleet.take_changes();
    fleet.apply(completed(BOUND + 1, true));
    assert!(!fleet.clients(..).any(|state| state.expired));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data), ("b", Change::Data)]));
}
