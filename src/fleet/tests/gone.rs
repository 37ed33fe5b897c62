//! Who leaves, and what stays.

use super::*;

#[test]
fn clients_leave_when_they_are_said_to_be_gone_and_not_for_being_missing() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a", "b", "c"]));
    fleet.apply(read(0, "b", &["x"]));
    fleet.take_changes();
    fleet.apply(listed(60, &["a"]));
    assert_eq!((client_ids(&fleet), fleet.has_changes()), (vec!["a", "b", "c"], false));
    fleet.apply(listed_without(60, &["b", "z"]));
    assert_eq!(client_ids(&fleet), ["a", "c"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("b", Change::Data)]));
}

#[test]
fn a_list_that_lacks_a_known_client_does_not_show_the_partner_up() {
    let mut fleet = known();
    fleet.apply(Observation::ClientsListed { clients: vec![], gone: vec![], whole: false, at: at(60).into() });
    assert_eq!((client_ids(&fleet), fleet.partner_state().up), (vec!["a"], Some(false)));
}

#[test]
fn a_client_that_comes_back_is_a_new_one_with_the_channels_that_it_had() {
    for published in [false, true] {
        let mut fleet = known();
        fleet.apply(listed_without(60, &["a"]));
        if published {
            fleet.take_changes();
        }
        fleet.apply(listed(120, &["a"]));
        let state = fleet.client(&"a".into()).unwrap();
        assert_eq!((state.channels.len(), state.up, state.last_refresh, state.age_from), (0, None, None, at(120)));
        let worse = Channel { quality: QualityRating::Low, ..good("x") };
        let transitions = fleet.apply(read_as(121, "a", vec![worse, Channel::new("z")]));
        assert_eq!(
            transitions.iter().map(|t| (t.channel.as_str(), t.from.as_ref(), t.to.as_ref())).collect::<Vec<_>>(),
            [("x", "high", "low")]
        );
        assert_eq!(channel_ids(&fleet, "a"), ["x", "z"]);
    }
}

#[test]
fn a_channel_that_is_back_after_an_empty_list_goes_on_with_its_history() {
    let mut fleet = known();
    let worse = || Channel { quality: QualityRating::Low, ..good("x") };
    fleet.apply(read_as(60, "a", vec![worse()]));
    let before = fleet.client(&"a".into()).unwrap().channels[0].clone();
    assert_eq!((before.changed_at, before.history.iter().count(), before.was_ready), (Some(at(60)), 1, true));
    fleet.apply(read_without(120, "a", &["x", "y"]));
    fleet.take_changes();
    assert_eq!(fleet.gone().channels(..).count(), 2);
    assert_eq!(fleet.apply(read_as(180, "a", vec![worse()])), []);
    assert_eq!(fleet.client(&"a".into()).unwrap().channels, [before]);
    assert_eq!(fleet.gone().channels(..).map(|(_, gone)| gone.id().as_str()).collect::<Vec<_>>(), ["y"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_channel_that_left_one_client_and_is_back_under_another_goes_on_with_its_history() {
    let mut fleet = known();
    fleet.apply(listed(1, &["a", "b"]));
    fleet.apply(read_without(60, "a", &["x"]));
    fleet.take_changes();
    let worse = Channel { quality: QualityRating::Low, ..good("x") };
    assert_eq!(fleet.apply(read_as(120, "b", vec![worse])).len(), 1);
    assert_eq!((channel_ids(&fleet, "a"), channel_ids(&fleet, "b")), (vec!["y".to_owned()], vec!["x".to_owned()]));
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data), ("b", Change::Data)]));
}

#[test]
fn a_client_that_leaves_the_list_while_it_is_read_stays_gone() {
    let mut fleet = known();
    fleet.apply(listed_without(60, &["a"]));
    fleet.take_changes();
    assert_eq!(fleet.apply(read(61, "a", &["x"])), []);
    fleet.apply(unreadable("a"));
    assert_eq!(client_ids(&fleet), [""; 0]);
    assert!(!fleet.has_changes());
}

#[test]
fn channels_leave_when_they_are_said_to_be_gone() {
    for (gone, left) in [(&["x"][..], &["y"][..]), (&["y"], &["x"]), (&["x", "y"], &[]), (&["z"], &["x", "y"])] {
        let mut fleet = known();
        assert_eq!(fleet.apply(read_without(60, "a", gone)), []);
        assert_eq!(channel_ids(&fleet, "a"), left);
        let change = if gone == ["z"] { Change::Freshness } else { Change::Data };
        assert_eq!(fleet.take_changes(), changes(false, &[("a", change)]));
    }
}

#[test]
fn channels_leave_by_a_look_at_several_reads_too() {
    let mut fleet = known();
    fleet.apply(Observation::ChannelsGone {
        channels: vec![("a".into(), "x".into()), ("b".into(), "x".into())],
        at: at(60),
    });
    assert_eq!(channel_ids(&fleet, "a"), ["y"]);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_read_in_part_brings_values_and_counts_as_failed() {
    let mut fleet = known();
    fleet.apply(read_in_part(100, "a", &["y", "z"]));
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!((state.up, state.failed, state.last_refresh), (Some(false), true, Some(at(0))));
    assert_eq!(channels(&fleet, "a"), ["x", "y", "z"].map(good));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn channels_of_one_client_do_not_touch_those_of_another() {
    let mut fleet = known();
    fleet.apply(listed(1, &["a", "b"]));
    fleet.apply(read(1, "b", &["x"]));
    fleet.apply(read_without(2, "b", &["x"]));
    assert_eq!((channel_ids(&fleet, "a"), channel_ids(&fleet, "b")), (vec!["x".to_owned(), "y".to_owned()], vec![]));
}
