//! What shows whether a number can send, and what got worse or went away: each
//! family against the simulator, over real HTTP.

mod balances;
mod drift;

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Api, Exporter, Exposition, fleet};

async fn with_state(api: &Api, file: &Path) -> Exporter {
    Exporter::start(api, &[&format!("--state.file={}", file.display())]).await
}

/// The series of a family with these labels: the other labels that are asked for.
fn labels(shown: &Exposition, family: &str, with: &[(&str, &str)], wanted: &[&str]) -> Vec<Vec<String>> {
    let series = shown.matching(family, with);
    let value = |labels: &[(String, String)], name: &str| {
        labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    series.keys().map(|(_, labels)| wanted.iter().map(|name| value(labels, name)).collect()).collect()
}

const CHANGE: &str = "d360_channel_last_change_timestamp_seconds";
const GONE: &str = "d360_channel_gone_timestamp_seconds";

async fn channel_of(api: &Api, id: &str) -> Value {
    let truth = api.truth().await;
    let mut channels = truth["clients"].as_array().unwrap().iter().flat_map(|c| c["channels"].as_array().unwrap());
    channels.find(|channel| channel["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn a_banned_account_shows_within_a_poll_and_the_change_is_kept_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let api = Api::start(fleet(3, 2)).await;
    let exporter = with_state(&api, &file).await;
    exporter.ready().await;
    let shown = exporter.scrape().await;
    assert_eq!(shown.matching(CHANGE, &[]).len(), 0, "the first sight of a value is no change");
    let (client, channels) = api.ids().await.remove(0);
    for id in &channels {
        let mut account = channel_of(&api, id).await["waba_account"].clone();
        account["status"] = json!("BANNED");
        api.patch_channel(id, json!({ "waba_account": account })).await;
    }
    let banned = |e: &Exposition| {
        e.matching("d360_waba_account_status", &[("client_id", &client), ("status", "banned")]).len() == 1
            && e.matching(CHANGE, &[]).len() == 2
    };
    let shown = exporter.until("a banned account", banned).await;
    assert_eq!(shown.matching("d360_waba_account_status", &[("client_id", &client)]).len(), 1);
    let wanted = ["field", "from", "to", "direction"];
    let change = vec!["waba_account_status", "approved", "banned", "worse"];
    assert_eq!(labels(&shown, CHANGE, &[("client_id", &client)], &wanted), [change.clone(), change.clone()]);
    let before = shown.matching(CHANGE, &[]);
    exporter.stop().await;

    api.faults(json!([{"kind": "hang"}])).await;
    let exporter = with_state(&api, &file).await;
    assert_eq!(exporter.scrape().await.matching(CHANGE, &[]), before);
    exporter.stop().await;
}

#[tokio::test]
async fn a_better_value_that_lasted_a_moment_makes_its_end_no_change_for_the_worse() {
    let api = Api::start(fleet(1, 1)).await;
    let (_, channels) = api.ids().await.remove(0);
    let set = async |rating: &str, limit: &str| {
        api.patch_channel(&channels[0], json!({ "current_quality_rating": rating, "current_limit": limit })).await;
    };
    set("High", "TIER_2K").await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    let mut seen = Vec::new();
    for (rating, limit) in [("Low", "TIER_250"), ("High", "TIER_2K"), ("Low", "TIER_250")] {
        set(rating, limit).await;
        let rating = rating.to_lowercase();
        let there = |e: &Exposition| e.value("d360_channel_quality_rating", &[("rating", &rating)]) == Some(1.0);
        let shown = exporter.until("the rating", there).await;
        let direction = |field| labels(&shown, CHANGE, &[("field", field)], &["direction"]).concat().concat();
        seen.push(["quality_rating", "messaging_limit"].map(direction));
    }
    assert_eq!(seen, [["worse", "worse"], ["better", "better"], ["other", "other"]]);
    exporter.stop().await;
}

#[tokio::test]
async fn a_channel_that_is_gone_is_named_with_its_reason_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let api = Api::start(fleet(6, 3)).await;
    let ids = api.ids().await;
    let states = [
        (
            "disappeared",
            json!({"status": "ready", "availability_status": "ready", "cancelled_at": null, "terminated_at": null}),
        ),
        ("cancelled", json!({"status": "ready", "cancelled_at": "2026-01-02T03:04:05Z", "terminated_at": null})),
        ("transferred", json!({"status": "transferred", "cancelled_at": "2026-01-02T03:04:05Z"})),
        (
            "never_ready",
            json!({"status": "created", "availability_status": "setting_up", "cancelled_at": null,
            "terminated_at": null, "billing_started_at": null}),
        ),
    ];
    for ((_, channels), (_, state)) in ids.iter().zip(&states) {
        api.patch_channel(&channels[0], state.clone()).await;
    }
    let exporter = with_state(&api, &file).await;
    exporter.ready().await;
    for (_, channels) in &ids[..4] {
        api.delete_channel(&channels[0]).await;
    }
    let shown = exporter.until("four channels that are gone", |e| e.matching(GONE, &[]).len() == 4).await;
    for ((_, channels), (reason, _)) in ids.iter().zip(&states) {
        let names = labels(&shown, GONE, &[("channel_id", &channels[0])], &["reason"]);
        assert_eq!(names, [[*reason]]);
        assert_eq!(shown.matching("d360_channel_info", &[("channel_id", &channels[0])]).len(), 0);
    }
    exporter.stop().await;

    let exporter = with_state(&api, &file).await;
    assert_eq!(exporter.scrape().await.matching(GONE, &[]), shown.matching(GONE, &[]), "kept over a restart");
    // Back under its own client, and back under another one.
    for (channel, client) in [(&ids[0].1[0], &ids[0].0), (&ids[1].1[0], &ids[2].0)] {
        api.put_channel(channel, json!({ "client_id": client })).await;
    }
    exporter.until("two that are still gone", |e| e.matching(GONE, &[]).len() == 2).await;
    exporter.stop().await;
}

#[tokio::test]
async fn a_client_that_is_gone_is_named_with_its_channels_even_if_it_was_the_last() {
    let api = Api::start(fleet(1, 2)).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    let (client, _) = api.ids().await.remove(0);
    let name = api.truth().await["clients"][0]["name"].as_str().unwrap().to_owned();
    api.delete_client(&client).await;
    let gone = |e: &Exposition| e.matching("d360_client_gone_timestamp_seconds", &[]).len() == 1;
    let shown = exporter.until("a client that is gone", gone).await;
    let names = labels(&shown, "d360_client_gone_timestamp_seconds", &[], &["client_id", "client_name"]);
    assert_eq!(names, [[client, name.clone()]]);
    let channels = labels(&shown, GONE, &[], &["client_name", "reason"]);
    assert_eq!(channels, [[name.as_str(), "client_gone"], [name.as_str(), "client_gone"]]);
    exporter.stop().await;
}

#[tokio::test]
async fn a_name_of_a_hundred_kilobytes_is_cut_and_counted() {
    let api = Api::start(fleet(2, 1)).await;
    let exporter = Exporter::start(&api, &["--metrics.max-label-length=32"]).await;
    exporter.ready().await;
    let before = exporter.scrape().await.value("d360_exporter_truncated_label_values", &[]).unwrap();
    let (client, _) = api.ids().await.remove(0);
    api.patch_client(&client, json!({ "name": "é".repeat(50_000) })).await;
    let cut = format!("{}…", "é".repeat(14));
    let shows =
        |e: &Exposition| e.value("d360_client_info", &[("client_id", &client), ("client_name", &cut)]) == Some(1.0);
    let shown = exporter.until("a name that is cut", shows).await;
    // In the series of the client and of its channel.
    assert!(shown.value("d360_exporter_truncated_label_values", &[]).unwrap() >= before + 2.0);
    exporter.stop().await;
}
