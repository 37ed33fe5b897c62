//! The state of a fleet, observation by observation.

mod bulk_reads;
mod expiry;
mod fingerprints;
mod gone;
mod transitions;

use std::time::Duration;

use super::*;
use crate::model::{Availability, ChannelId, LifecycleStatus, MessagingLimit, QualityRating, Reason};

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
    Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: at(second).into() }
}

/// A list that shows that `gone` have left.
fn listed_without(second: i64, gone: &[&str]) -> Observation {
    let gone = gone.iter().map(|&id| id.into()).collect();
    Observation::ClientsListed { clients: Vec::new(), gone, whole: true, at: at(second).into() }
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
    Observation::ChannelsRead { client: client.into(), channels, gone: Vec::new(), whole: true, at: at(second).into() }
}

/// A read of all channels that shows that `gone` have left.
fn read_without(second: i64, client: &str, gone: &[&str]) -> Observation {
    let gone = gone.iter().map(|&id| id.into()).collect();
    let (client, at) = (client.into(), at(second).into());
    Observation::ChannelsRead { client, channels: Vec::new(), gone, whole: true, at }
}

/// A read that saw no more than these.
fn read_in_part(second: i64, client: &str, ids: &[&str]) -> Observation {
    let channels = ids.iter().map(|id| good(id)).collect();
    let (client, at) = (client.into(), at(second).into());
    Observation::ChannelsRead { client, channels, gone: Vec::new(), whole: false, at }
}

fn unreadable(client: &str) -> Observation {
    Observation::ChannelsUnreadable { client: client.into(), failure: Reason::Timeout.into() }
}

fn client_ids(fleet: &Fleet) -> Vec<&str> {
    fleet.clients(..).map(|state| state.client.id.as_str()).collect()
}

fn channel_ids(fleet: &Fleet, client: &str) -> Vec<String> {
    let state = fleet.client(&client.into()).unwrap();
    state.channels.iter().map(|c| c.channel.id.to_string()).collect()
}

/// The channels of a client.
fn channels(fleet: &Fleet, client: &str) -> Vec<Channel> {
    let state = fleet.client(&client.into()).unwrap();
    state.channels.iter().map(|c| (*c.channel).clone()).collect()
}

fn changes(partner: bool, clients: &[(&str, Change)]) -> Changes {
    Changes { clients: clients.iter().map(|&(id, change)| (id.into(), change)).collect(), partner }
}

#[test]
fn of_a_new_fleet_nothing_is_known_and_nothing_changed() {
    let fleet = fleet();
    assert_eq!(fleet.partner_state(), &PartnerState::default());
    assert_eq!(fleet.partner_state().up, None);
    assert_eq!((client_ids(&fleet), fleet.has_changes()), (vec![], false));
}

#[test]
fn a_listed_client_is_known_before_its_channels_are() {
    let mut fleet = fleet();
    let client = Client { name: Some("A".into()), ..Client::new("a") };
    let listed =
        Observation::ClientsListed { clients: vec![client.clone()], gone: Vec::new(), whole: true, at: at(5).into() };
    assert_eq!(fleet.apply(listed), []);
    let state = ClientState {
        client: Arc::new(client),
        channels: Vec::new(),
        balances: Box::default(),
        balances_read: Timestamp::UNIX_EPOCH,
        up: None,
        last_refresh: None,
        age_from: at(5),
        failed: false,
        expired: false,
    };
    assert_eq!(fleet.client(&"a".into()), Some(&state));
    assert_eq!(fleet.partner_state().up, Some(true));
    assert_eq!(fleet.take_changes(), changes(true, &[("a", Change::Data)]));
    assert!(!fleet.has_changes());
}

#[test]
fn a_read_brings_the_channels_in_order_and_its_time() {
    let mut fleet = fleet();
    fleet.apply(listed(0, &["a"]));
    fleet.take_changes();
    assert_eq!(fleet.apply(read(7, "a", &["y", "x", "z"])), []);
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!(channels(&fleet, "a"), ["x", "y", "z"].map(good));
    assert_eq!((state.up, state.last_refresh, state.age_from), (Some(true), Some(at(7)), at(7)));
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
    fleet.apply(read_without(60, "a", &["y"]));
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
    fleet.apply(Observation::ClientsListed {
        clients: vec![client.clone()],
        gone: Vec::new(),
        whole: true,
        at: at(61).into(),
    });
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Data)]));
    let state = fleet.client(&"a".into()).unwrap();
    assert_eq!((&*state.client, state.age_from, state.last_refresh), (&client, at(0), Some(at(0))));
}

#[test]
fn a_failed_read_is_reported_once_and_costs_no_data() {
    let mut fleet = known();
    let before = fleet.client(&"a".into()).unwrap().clone();
    fleet.apply(unreadable("a"));
    assert_eq!(fleet.client(&"a".into()), Some(&ClientState { up: Some(false), failed: true, ..before.clone() }));
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
    fleet.apply(unreadable("a"));
    assert!(!fleet.has_changes());
    fleet.apply(read(60, "a", &["x", "y"]));
    assert_eq!(
        fleet.client(&"a".into()),
        Some(&ClientState { last_refresh: Some(at(60)), age_from: at(60), ..before })
    );
    assert_eq!(fleet.take_changes(), changes(false, &[("a", Change::Freshness)]));
}

#[test]
fn a_failed_list_is_reported_once_and_costs_no_data() {
    let mut fleet = known();
    fleet.apply(Observation::PartnerUnreadable { failure: Reason::Connect.into() });
    assert_eq!(fleet.partner_state().up, Some(false));
    assert_eq!(channel_ids(&fleet, "a"), ["x", "y"]);
    assert_eq!(fleet.take_changes(), changes(true, &[]));
    fleet.apply(Observation::PartnerUnreadable { failure: Reason::Connect.into() });
    assert!(!fleet.has_changes());
    fleet.apply(listed(60, &["a"]));
    assert_eq!(fleet.partner_state().up, Some(true));
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

#[test]
fn a_refused_key_is_a_failed_attempt_to_read_every_client() {
    let mut fleet = known();
    fleet.apply(Observation::PartnerUnreadable { failure: Reason::Unauthorized.into() });
    assert_eq!((fleet.partner_state().up, fleet.client(&"a".into()).unwrap().failed), (Some(false), true));
    fleet.expire(at(BOUND));
    assert!(fleet.client(&"a".into()).unwrap().expired);
}

#[test]
fn a_fleet_is_ready_once_every_client_was_tried_and_one_was_read() {
    let mut fleet = fleet();
    let mut ready = vec![fleet.is_ready()];
    for observation in [listed(0, &["a", "b"]), unreadable("a"), unreadable("b"), read(1, "b", &["x"])] {
        fleet.apply(observation);
        ready.push(fleet.is_ready());
    }
    assert_eq!(ready, [false, false, false, false, true]);
}

#[test]
fn a_fleet_without_clients_is_ready_once_that_is_known() {
    let mut fleet = fleet();
    fleet.apply(Observation::PartnerUnreadable { failure: Reason::Connect.into() });
    assert!(!fleet.is_ready());
    fleet.apply(listed(0, &[]));
    assert!(fleet.is_ready());
}

#[test]
fn what_the_poller_reports_of_the_partner_is_kept() {
    let mut fleet = fleet();
    fleet.apply(Observation::RemovalsUnconfirmed { clients: 6, channels: 12 });
    fleet.apply(Observation::StrategyChosen(Reads::Bulk));
    fleet.apply(Observation::PageSizeLearned(250));
    let state = PartnerState {
        unconfirmed_removals: (6, 12),
        strategy: Some(Reads::Bulk),
        page_size: Some(250),
        ..PartnerState::default()
    };
    assert_eq!((fleet.partner_state().clone(), fleet.take_changes()), (state, changes(true, &[])));
}
