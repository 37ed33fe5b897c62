//! The fleet has the requested size, every documented value, and is the same for the same seed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::simulator::item::Item;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn truth(fleet: &Fleet) -> Vec<Value> {
    let clients = fleet.client_ids().iter().map(|id| Item::Client(fleet.client(id).unwrap()).to_value());
    let channels = fleet.channel_ids().iter().map(|id| {
        let (channel, client) = fleet.channel(id).unwrap();
        Item::Channel(channel, client).to_value()
    });
    clients.chain(channels).collect()
}

fn values(fleet: &Fleet, field: &str) -> BTreeSet<String> {
    truth(fleet).iter().filter_map(|item| item.get(field)).map(ToString::to_string).collect()
}

fn quoted(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| format!("\"{value}\"")).collect()
}

#[test]
fn the_same_seed_gives_the_same_fleet_and_another_seed_another() {
    let one = truth(&fleet(7, 30, 3, start()));
    assert_eq!(one, truth(&fleet(7, 30, 3, start())));
    assert_ne!(one, truth(&fleet(8, 30, 3, start())));
}

#[test]
fn sizes_are_exact() {
    let fleet = fleet(1, 41, 7, start());
    assert_eq!((fleet.client_ids().len(), fleet.channel_ids().len()), (41, 287));
    let per_client: BTreeSet<usize> =
        fleet.client_ids().iter().map(|id| fleet.client(id).unwrap().channels.len()).collect();
    assert_eq!(per_client, BTreeSet::from([7]));
}

#[test]
fn ids_and_telephone_numbers_are_unique_and_of_the_right_form() {
    let fleet = fleet(3, 1000, 3, start());
    let ids: BTreeSet<&Id> = fleet.client_ids().iter().chain(fleet.channel_ids()).collect();
    assert_eq!(ids.len(), 4000);
    assert!(fleet.client_ids().iter().all(|id| id.len() == 8 && id.ends_with("CL")));
    assert!(fleet.channel_ids().iter().all(|id| id.len() == 8 && id.ends_with("CH")));
    let numbers: BTreeSet<String> =
        fleet.channel_ids().iter().map(|id| fleet.channel(id).unwrap().0.phone_number.to_string()).collect();
    assert_eq!(numbers.len(), 3000);
    assert!(numbers.iter().all(|number| (10..=15).contains(&number.len())), "{numbers:?}");
}

#[test]
fn a_fleet_of_a_hundred_channels_holds_every_value_of_every_enum() {
    let fleet = fleet(1, 50, 2, start());
    let mut ratings = quoted(&["NA", "Low", "Medium", "High"]);
    ratings.insert("null".to_owned());
    assert_eq!(values(&fleet, "current_quality_rating"), ratings);
    let mut tiers = quoted(&[
        "NA",
        "TIER_50",
        "TIER_250",
        "TIER_1K",
        "TIER_2K",
        "TIER_10K",
        "TIER_100K",
        "TIER_UNLIMITED",
        "TIER_NOT_SET",
    ]);
    tiers.insert("null".to_owned());
    assert_eq!(values(&fleet, "current_limit"), tiers);
    assert_eq!(values(&fleet, "availability_status"), quoted(&["setting_up", "ready", "error"]));
    assert_eq!(
        values(&fleet, "hub_status"),
        quoted(&["live", "sandbox", "done", "pending", "draft", "pending_deletion", "unregistered", "unknown",])
    );
    let statuses = [
        "created",
        "unverified",
        "verified",
        "ready",
        "transferred",
        "modified",
        "imported",
        "new_name_requested",
        "certificate_declined",
        "consents_signed",
        "error",
        "porting_ready",
        "ready_for_migration",
        "waiting_for_migration_code",
        "migration_code_requested",
        "migration_verified",
        "unregistered",
        "removed",
        "active",
    ];
    assert_eq!(values(&fleet, "status"), quoted(&statuses));
}

#[test]
fn nine_of_ten_channels_are_healthy() {
    for (clients, channels) in [(40, 3), (1000, 3)] {
        let fleet = fleet(1, clients, channels, start());
        let healthy = fleet
            .channel_ids()
            .iter()
            .filter(|id| {
                let channel = fleet.channel(id).unwrap().0;
                channel.availability() == Some("ready") && matches!(channel.rating(), Some("High" | "Medium"))
            })
            .count();
        let share = healthy * 100 / (clients * channels);
        assert!((88..=92).contains(&share), "{share} of 100 are healthy in a fleet of {clients} clients");
    }
}

#[test]
fn a_channel_shows_every_documented_field() {
    let fleet = fleet(1, 1, 1, start());
    let channel = &truth(&fleet)[1];
    let keys: BTreeSet<&str> = channel.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        BTreeSet::from([
            "account_mode",
            "availability_status",
            "billing_started_at",
            "cancelled_at",
            "client",
            "client_id",
            "created_at",
            "current_limit",
            "current_quality_rating",
            "current_quality_update_event",
            "external_id",
            "has_inbox",
            "hub_status",
            "id",
            "integration",
            "is_migrated",
            "is_oba",
            "is_on_biz_app",
            "modified_at",
            "profile_info",
            "project",
            "setup_info",
            "status",
            "terminated_at",
            "type",
            "version",
            "waba_account",
            "waba_account_id",
        ])
    );
    assert_eq!(channel["client"]["id"], channel["client_id"]);
    assert_eq!(channel["version"], json!(2));
    assert_eq!(channel["waba_account"]["id"], channel["waba_account_id"]);
}

#[test]
fn names_in_many_scripts_and_names_that_need_escaping_occur() {
    let fleet = fleet(1, 200, 1, start());
    let names: String = fleet.client_ids().iter().map(|id| fleet.client(id).unwrap().name.as_str()).collect();
    for sample in ['ü', 'А', 'ر', 'श', 'า', '日', 'さ', '한', 'Φ', '🍷', '"', '\\', '\n'] {
        let found = names.chars().any(|c| c == sample) || sample == 'А' && names.contains("Аптека");
        assert!(found || sample == '日' && names.contains('行'), "no {sample:?} in any name");
    }
}
