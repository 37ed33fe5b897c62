//! The state of a fleet, observation by observation.

mod bulk_reads;
mod expiry;
mod fingerprints;
mod gone;
mod transitions;

use std::time::Duration;

use super::*;
use crate::model::{Availability, ChannelId, LifecycleStatus, MessagingLimit, QualityRating};

/// The bound on age in all of these tests, in seconds.
const BOUND: i64 = 1_800;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn fleet() -> Fleet {
    Fleet::new("examplePA".into(), Duration::from_secs(BOUND.unsigned_abs()))
}

/// A fleet with client `a`, whose channels `x` and `y` were read at second 0,
/// and whose changes were taken.
fn known() -> Fleet {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a"]));
    fleet.apply(read(0, "a", &["x", "y"]));
    fleet.take_changes();
    fleet
}

fn listed(second: i64, ids: &[&str]) -> Observation {
    let clients = ids.iter().map(|&id| Client::new(id)).collect();
    Observation::ClientsListed { clients, complete: true, at: at(second) }
}

fn listed_in_part(second: i64, ids: &[&str]) -> Observation {
    let clients = ids.iter().map(|&id| Client::new(id)).collect();
    Observation::ClientsListed { clients, complete: false, at: at(second) }
}

fn good(id: &str) -> Channel {
    Channel {
        availability: Availability::Ready,
        quality: QualityRating::High,
        limit: Some(MessagingLimit::Recipients(1_000)),
        status: LifecycleStatus::Ready,
        ..Channel::new(ChannelId::from(id))
    }
}

fn read(second: i64, client: &str, ids: &[&str]) -> Observation {
    read_as(second, client, ids.iter().map(|id| good(id)).collect())
}

fn read_as(second: i64, client: &str, channels: Vec<Channel>) -> Observation {
    Observation::ChannelsRead { client: client.into(), channels, complete: true, at: at(second) }
}

fn read_in_part(second: i64, client: &str, ids: &[&str]) -> Observation {
    let channels = ids.iter().map(|id| good(id)).collect();
    Observation::ChannelsRead { client: client.into(), channels, complete: false, at: at(second) }
}

fn unreadable(client: &str) -> Observation {
    Observation::ChannelsUnreadable { client: client.into() }
}

fn client_ids(fleet: &Fleet) -> Vec<&str> {
    fleet.clients(..).map(|state| state.client.id.as_str()).collect()
}

fn channel_ids(fleet: &Fleet, client: &str) -> Vec<String> {
    let state = fleet.client(&client.into()).unwrap();
    state.channels.iter().map(|c| c.channel.id.to_string()).collect()
}

/// The channels of a client, each with the time since when it is missing.
fn channels(fleet: &Fleet, client: &str) -> Vec<(Channel, Option<Timestamp>)> {
    let state = fleet.client(&client.into()).unwrap();
    state.channels.iter().map(|c| ((*c.channel).clone(), c.missing_since)).collect()
}

fn changes(partner: bool, clients: &[(&str, Change)]) -> Changes {
    Changes { clients: clients.iter().map(|&(id, change)| (id.into(), change)).collect(), partner }
}

#[test]
fn of_a_new_fleet_nothing_is_known_and_nothing_changed() {
    let fleet = fleet();
    assert_eq!(fleet.partner_state(), &PartnerState::default());
    assert!(!fleet.partner_state().up);
    assert_eq!((client_ids(&fleet), fleet.has_changes()), (vec![], false));
}

#[test]
fn a_listed_client_is_known_before_its_channels_are() {
    let mut fleet = fleet();
    let client = Client { name: Some("A".into()), ..Client::new("a") };
    let listed = Observation::ClientsListed { clients: vec![client.clone()], complete: true, at: at(5) };
    assert_eq!(fleet.apply(listed), []);
    let state = ClientState {
        client: Arc::new(client),
        channels: Vec::new(),
        up: None,
        last_refresh: None,
        first_listed: at(5),
        missing_since: None,
        expired: false,
    };
    assert_eq!(fleet.client(&"a".into()), Some(&state));
    assert!(fleet.partner_state().up);
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data)]));
    assert!(!fleet.has_changes());
}

#[test]
fn a_read_brings_the_channels_in_order_and_tells_when() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a"]));
    fleet.take_changes();
    assert_eq!(fleet.apply(read(7, "a", &["y", "x", "z"])), []);
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!(channels(&fleet, "a"), ["x", "y", "z"].map(|id| (good(id), None)));
    assert_eq!((state.up, state.last_refresh, state.first_listed), (Some(true), Some(at(7)), at(0)));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_first_read_that_brings_no_channels_is_data_too() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a"]));
    fleet.take_changes();
    fleet.apply(read(1, "a", &[]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn a_read_that_brings_nothing_new_changes_the_freshness_alone() {
    let mut fleet = known();
    assert_eq!(fleet.apply(read(60, "a", &["y", "x"])), []);
    assert_eq!(fleet.client(&"a".into()).unwrap().last_refresh, Some(at(60)));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
}

#[test]
fn a_read_that_brings_a_new_channel_or_another_name_changes_data() {
    let mut fleet = known();
    fleet.apply(read(60, "a", &["x", "y", "z"]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
    let renamed = Channel { display_name: Some("New".into()), ..good("x") };
    assert_eq!(fleet.apply(read_as(61, "a", vec![renamed, good("y"), good("z")])), []);
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn the_most_that_changed_of_a_client_is_what_changed() {
    let mut fleet = known();
    fleet.apply(read(60, "a", &["x"]));
    fleet.apply(read(61, "a", &["x"]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
    fleet.apply(unreadable("a"));
    fleet.apply(read(62, "a", &["x", "y"]));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
}

#[test]
fn the_same_list_again_changes_nothing_and_another_name_changes_data() {
    let mut fleet = known();
    fleet.apply(listed(60, &["a"]));
    assert!(!fleet.has_changes());
    let client = Client { name: Some("A".into()), ..Client::new("a") };
    fleet.apply(Observation::ClientsListed { clients: vec![client.clone()], complete: true, at: at(61) });
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!((&*state.client, state.first_listed, state.last_refresh), (&client, at(0), Some(at(0))));
}

#[test]
fn a_failed_read_is_told_once_and_costs_no_data() {
    let mut fleet = known();
    let before = fleet.client(&"a".into()).unwrap().clone();
    fleet.apply(unreadable("a"));
    assert_eq!(fleet.client(&"a".into()), Some(&ClientState { up: Some(false), ..before.clone() }));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
    fleet.apply(unreadable("a"));
    assert!(!fleet.has_changes());
    fleet.apply(read(60, "a", &["x", "y"]));
    assert_eq!(fleet.client(&"a".into()), Some(&ClientState { last_refresh: Some(at(60)), ..before }));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
}

#[test]
fn a_failed_list_is_told_once_and_costs_no_data() {
    let mut fleet = known();
    fleet.apply(Observation::PartnerUnreadable);
    assert!(!fleet.partner_state().up);
    assert_eq!(channel_ids(&fleet, "a"), ["x", "y"]);
    assert_eq!(fleet.take_changes(), changes(true, &[]));
    fleet.apply(Observation::PartnerUnreadable);
    assert!(!fleet.has_changes());
    fleet.apply(listed(60, &["a"]));
    assert!(fleet.partner_state().up);
    assert_eq!(fleet.take_changes(), changes(true, &[]));
}

#[test]
fn a_completed_cycle_is_the_partners() {
    let mut fleet = known();
    let took = Duration::from_millis(1_500);
    assert_eq!(fleet.apply(Observation::CycleCompleted { took, at: at(9) }), []);
    assert_eq!(fleet.partner_state().last_cycle, Some((at(9), took)));
    assert_eq!(fleet.take_changes(), changes(true, &[]));
}
