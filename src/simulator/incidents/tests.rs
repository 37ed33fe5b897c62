//! Incidents repeat, keep their rate, and leave the fleet about as healthy as it was.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::simulator::generate;
use crate::simulator::item::Item;
use crate::simulator::records::Id;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn run(seed: u64, steps: &[u64]) -> Fleet {
    let mut fleet = generate::fleet(1, 40, 3, start());
    let mut incidents = Incidents::new(seed, 60.0, start());
    for seconds in steps {
        incidents.advance(&mut fleet, Duration::from_secs(*seconds));
    }
    fleet
}

fn channels(fleet: &Fleet) -> BTreeMap<Id, Value> {
    let value = |id: &Id| fleet.channel(id).map(|(channel, client)| Item::Channel(channel, client).to_value()).unwrap();
    fleet.channel_ids().iter().map(|id| (id.clone(), value(id))).collect()
}

fn balances(fleet: &Fleet) -> Vec<i64> {
    let of_clients = fleet.client_ids().iter().map(|id| fleet.client(id).unwrap().balance.cents);
    of_clients.chain(fleet.partner_balances.iter().map(|balance| balance.cents)).collect()
}

#[test]
fn the_number_of_requests_does_not_change_the_incidents() {
    let step_by_step: Vec<u64> = (0..=600).collect();
    assert_eq!(channels(&run(1, &[600])), channels(&run(1, &step_by_step)));
}

#[test]
fn another_seed_gives_other_incidents() {
    assert_ne!(channels(&run(1, &[60])), channels(&run(2, &[60])));
}

#[test]
fn every_incident_changes_something() {
    let state = |fleet: Fleet| (channels(&fleet), balances(&fleet));
    let mut before = state(run(1, &[0]));
    for second in 1..=300 {
        let after = state(run(1, &[second]));
        assert_ne!(before, after, "incident {second} left everything as it was");
        before = after;
    }
}

#[test]
fn at_least_half_of_the_incidents_concern_rating_availability_or_limit() {
    let mut fleet = generate::fleet(1, 40, 3, start());
    let mut incidents = Incidents::new(1, 60.0, start());
    let watched = |fleet: &Fleet| -> BTreeMap<Id, [Value; 3]> {
        let fields = ["current_quality_rating", "availability_status", "current_limit"];
        channels(fleet).into_iter().map(|(id, channel)| (id, fields.map(|field| channel[field].clone()))).collect()
    };
    let mut before = watched(&fleet);
    let mut seen = 0;
    for second in 1..=400 {
        incidents.advance(&mut fleet, Duration::from_secs(second));
        let after = watched(&fleet);
        seen += usize::from(after.iter().any(|(id, now)| before.get(id).is_some_and(|then| then != now)));
        before = after;
    }
    assert!((200..=390).contains(&seen), "{seen} of 400");
}

#[test]
fn after_hours_the_fleet_is_about_as_large_and_healthy_as_before() {
    let fleet = run(1, &[20_000]);
    let all = channels(&fleet);
    let healthy = all
        .values()
        .filter(|channel| channel["availability_status"] == "ready" && channel["current_quality_rating"] != "Low")
        .count();
    assert!(all.len() > 60, "{} channels left of 120", all.len());
    assert!(healthy * 100 / all.len() > 70, "{healthy} of {} are healthy", all.len());
}

#[test]
fn a_cancelled_channel_waits_for_deletion_and_then_leaves() {
    let mut fleet = generate::fleet(1, 1, 1, start());
    let mut rng = StdRng::seed_from_u64(1);
    let id = fleet.channel_ids()[0].clone();
    fleet.cancelled.clear();
    let channel = fleet.channel_mut(&id).unwrap();
    channel.set_state("availability_status", Some("ready"));
    channel.set_state("hub_status", Some("live"));
    assert!(super::fleet::channel_is_cancelled(&mut fleet, &mut rng, start()));
    let cancelled = channels(&fleet)[&id].clone();
    assert_eq!(
        (&cancelled["cancelled_at"], &cancelled["terminated_at"], &cancelled["hub_status"]),
        (&"2026-01-01T00:00:00Z".into(), &"2026-01-31T00:00:00Z".into(), &"live".into())
    );
    assert!(super::fleet::cancellation_proceeds(&mut fleet, &mut rng, start()));
    assert_eq!(channels(&fleet)[&id]["hub_status"], "pending_deletion");
    assert!(super::fleet::cancellation_proceeds(&mut fleet, &mut rng, start()));
    assert_eq!(channels(&fleet), BTreeMap::new());
}

#[test]
fn an_empty_fleet_stays_small() {
    let mut fleet = generate::fleet(1, 0, 0, start());
    Incidents::new(1, 60.0, start()).advance(&mut fleet, Duration::from_secs(3600));
    assert!(fleet.channel_ids().len() < 3600);
}

/// A fleet in which every client has three healthy channels.
fn healthy() -> Fleet {
    let mut fleet = generate::fleet(1, 3, 3, start());
    for id in fleet.channel_ids().to_vec() {
        let channel = fleet.channel_mut(&id).unwrap();
        for (key, value) in [("availability_status", "ready"), ("status", "ready"), ("current_limit", "TIER_2K")] {
            channel.set_state(key, Some(value));
        }
        channel.cancelled_at = None;
    }
    fleet
}

/// The values at a path of all channels, each with how many have it.
fn counted(fleet: &Fleet, pointer: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for channel in channels(fleet).values() {
        *counted.entry(channel.pointer(pointer).unwrap().to_string()).or_default() += 1;
    }
    counted
}

#[test]
fn a_ban_concerns_all_channels_of_an_account_which_still_say_that_they_are_ready() {
    let (mut fleet, mut rng) = (healthy(), StdRng::seed_from_u64(1));
    assert!(accounts::account_is_banned(&mut fleet, &mut rng, start()));
    let statuses = BTreeMap::from([("\"approved\"".to_owned(), 6), ("\"banned\"".to_owned(), 3)]);
    assert_eq!(counted(&fleet, "/waba_account/status"), statuses);
    assert_eq!(counted(&fleet, "/availability_status"), BTreeMap::from([("\"ready\"".to_owned(), 9)]));
    while !accounts::account_is_reinstated(&mut fleet, &mut rng, start()) {}
    assert_eq!(counted(&fleet, "/waba_account/status"), BTreeMap::from([("\"approved\"".to_owned(), 9)]));
}

#[test]
fn the_limit_of_a_portfolio_falls_for_all_its_channels_at_once() {
    let (mut fleet, mut rng) = (healthy(), StdRng::seed_from_u64(1));
    let clients = fleet.client_ids().to_vec();
    // Two clients share a portfolio.
    for id in &clients[..2] {
        fleet.client_mut(id).unwrap().waba.fb_business_id = 42;
    }
    fleet.remove_client(&clients[2]);
    assert!(accounts::portfolio_limit_falls(&mut fleet, &mut rng, start()));
    assert_eq!(counted(&fleet, "/current_limit"), BTreeMap::from([("\"TIER_250\"".to_owned(), 6)]));
}

#[test]
fn a_balance_falls_until_nothing_is_left_and_is_then_topped_up() {
    let (mut fleet, mut rng) = (healthy(), StdRng::seed_from_u64(1));
    while accounts::client_balance_falls(&mut fleet, &mut rng, start()) {}
    while accounts::partner_balance_falls(&mut fleet, &mut rng, start()) {}
    let cents = |fleet: &Fleet| fleet.client_ids().iter().map(|id| fleet.client(id).unwrap().balance.cents).min();
    assert!(cents(&fleet).unwrap() < 500);
    assert!(accounts::client_balance_is_topped_up(&mut fleet, &mut rng, start()));
    assert!(accounts::partner_balance_is_topped_up(&mut fleet, &mut rng, start()));
    assert!(fleet.partner_balances.iter().any(|balance| balance.cents >= 100_000));
}
