//! What `/metrics` has to say of a fleet, computed from the simulator's truth
//! and the contract, without any code of the exporter.

use jiff::Timestamp;
use serde_json::Value;

use super::{Exposition, Series, SeriesMap};

const PARTNER: &str = "examplePA";
const AVAILABILITY: &[&str] = &["ready", "setting_up", "error", "unknown"];
const RATINGS: &[&str] = &["high", "medium", "low", "na", "unknown"];

/// Families that say when and how the data was read, and not what it is.
const FRESHNESS: &[&str] = &["d360_client_up", "d360_client_last_refresh_timestamp_seconds"];

/// Whether a family describes a client, a channel or an account as it is now.
pub fn is_of_fleet(family: &str) -> bool {
    let of_fleet = ["d360_client_", "d360_channel_", "d360_waba_"].iter().any(|prefix| family.starts_with(prefix));
    let of_history = family.ends_with("_gone_timestamp_seconds") || family.ends_with("_last_change_timestamp_seconds");
    of_fleet && !of_history && family != "d360_channel_transitions_total" && !FRESHNESS.contains(&family)
}

/// All series of clients and channels, without those of freshness.
pub fn metrics_of(exposition: &Exposition) -> SeriesMap {
    exposition.series(is_of_fleet)
}

/// The series that the truth stands for.
pub fn expected(truth: &Value) -> SeriesMap {
    let mut all = SeriesMap::new();
    for client in truth["clients"].as_array().unwrap() {
        let ids = vec![("partner_id", PARTNER), ("client_id", client["id"].as_str().unwrap())];
        let name = client["name"].as_str().unwrap_or_default();
        let mut add = |family: &str, more: &[(&str, &str)], value: Option<f64>| {
            all.extend(value.map(|value| (series(family, &ids, more), value)));
        };
        add("d360_client_info", &[("client_name", name)], Some(1.0));
        if let Some(status) = client["status"].as_str() {
            add("d360_client_status", &[("status", &status.to_lowercase())], Some(1.0));
        }
        let channels = client["channels"].as_array().unwrap();
        add("d360_client_channels", &[], Some(channels.len() as f64));
        add("d360_client_max_channels", &[], client["max_channels"].as_f64());
        add("d360_client_created_timestamp_seconds", &[], seconds(&client["created_at"]));
        for item in channels {
            let mut ids = ids.clone();
            ids.push(("channel_id", item["id"].as_str().unwrap()));
            channel(&mut all, &ids, name, item);
        }
        let mut accounts: Vec<&Value> = Vec::new();
        for account in
            channels.iter().map(|channel| &channel["waba_account"]).filter(|account| account["id"].is_string())
        {
            if !accounts.iter().any(|known| known["id"] == account["id"]) {
                accounts.push(account);
            }
        }
        for account in accounts {
            let mut ids = ids.clone();
            ids.push(("waba_account_id", account["id"].as_str().unwrap()));
            waba(&mut all, &ids, account);
        }
    }
    all
}

fn waba(all: &mut SeriesMap, ids: &[(&str, &str)], item: &Value) {
    let mut add = |family: &str, more: &[(&str, &str)]| {
        all.insert(series(&format!("d360_waba_account_{family}"), ids, more), 1.0);
    };
    let text = |key: &str| item[key].as_str().unwrap_or_default().to_lowercase();
    let name = item["name"].as_str().unwrap_or_default();
    add("info", &[("waba_account_name", name), ("business_id", &text("fb_business_id"))]);
    for (family, key) in [("status", "status"), ("verification_status", "fb_account_status")] {
        if item[key].is_string() {
            add(family, &[("status", &text(key))]);
        }
    }
}

fn channel(all: &mut SeriesMap, ids: &[(&str, &str)], client_name: &str, item: &Value) {
    let mut add = |family: &str, more: &[(&str, &str)], value: Option<f64>| {
        all.extend(value.map(|value| (series(&format!("d360_channel_{family}"), ids, more), value)));
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let names = [
        ("client_name", client_name.to_owned()),
        ("phone_number", text(&item["setup_info"]["phone_number"])),
        ("display_name", text(&item["setup_info"]["phone_name"])),
        ("waba_account_id", text(&item["waba_account_id"])),
    ];
    let names: Vec<(&str, &str)> = names.iter().map(|(name, value)| (*name, value.as_str())).collect();
    add("info", &names, Some(1.0));
    let known = |states: &[&'static str], value: &Value| {
        let value = value.as_str().map(str::to_lowercase);
        states.iter().copied().find(|state| Some(*state) == value.as_deref()).unwrap_or("unknown")
    };
    let available = known(AVAILABILITY, &item["availability_status"]);
    for state in AVAILABILITY {
        add("availability_status", &[("status", state)], Some(f64::from(u8::from(*state == available))));
    }
    // `null` is "not rated"; an absent key, which is null here too, does not occur.
    let rated = match &item["current_quality_rating"] {
        Value::Null => "na",
        rating => known(RATINGS, rating),
    };
    for rating in RATINGS {
        add("quality_rating", &[("rating", rating)], Some(f64::from(u8::from(*rating == rated))));
    }
    let score = [("high", 3.0), ("medium", 2.0), ("low", 1.0)];
    add("quality_score", &[], score.iter().find(|(rating, _)| *rating == rated).map(|(_, score)| *score));
    add("messaging_limit", &[], item["current_limit"].as_str().and_then(recipients));
    if let Some(status) = item["status"].as_str() {
        add("status", &[("status", status)], Some(1.0));
    }
    if let Some(status) = item["hub_status"].as_str() {
        add("hub_status", &[("status", status)], Some(1.0));
    }
    if let Some(event) = item["current_quality_update_event"].as_str() {
        add("last_quality_event", &[("event", event)], Some(1.0));
    }
    if let Some(status) = item["setup_info"]["new_name_status"].as_str() {
        add("new_name_status", &[("status", &status.to_lowercase())], Some(1.0));
    }
    let setup = item["setup_info"].as_object().and_then(|setup| setup.get("error"));
    add("setup_error", &[], setup.map(|error| f64::from(u8::from(!matches!(error.as_str(), None | Some(""))))));
    add("on_business_app", &[], item["is_on_biz_app"].as_bool().map(|is| f64::from(u8::from(is))));
    add("official_business_account", &[], item["is_oba"].as_bool().map(|is| f64::from(u8::from(is))));
    add("created_timestamp_seconds", &[], seconds(&item["created_at"]));
    add("cancelled_timestamp_seconds", &[], seconds(&item["cancelled_at"]));
    add("termination_timestamp_seconds", &[], seconds(&item["terminated_at"]));
}

/// The tiers that the simulator knows, one by one.
fn recipients(tier: &str) -> Option<f64> {
    Some(match tier {
        "NA" | "TIER_NOT_SET" => return None,
        "TIER_50" => 50.0,
        "TIER_250" => 250.0,
        "TIER_1K" => 1_000.0,
        "TIER_2K" => 2_000.0,
        "TIER_10K" => 10_000.0,
        "TIER_100K" => 100_000.0,
        "TIER_UNLIMITED" => f64::INFINITY,
        other => panic!("expected a tier of the simulator, found {other}"),
    })
}

fn seconds(date: &Value) -> Option<f64> {
    date.as_str().map(|date| date.parse::<Timestamp>().unwrap().as_second() as f64)
}

fn series(family: &str, ids: &[(&str, &str)], more: &[(&str, &str)]) -> Series {
    let labels = ids.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    (family.to_owned(), labels)
}
