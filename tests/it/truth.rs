//! Every client and channel of the simulator is on `/metrics` with the right
//! values, and nothing else is.

use d360_exporter::simulator::{ChannelsEnvelope, Options};
use serde_json::json;

use crate::harness::{Api, Exporter, Exposition, expected, fleet, metrics_of, wait_until};

/// Waits until `/metrics` holds exactly the series of the truth. What differs is
/// shown by the comparison after the wait.
async fn shows_the_truth(exporter: &Exporter, api: &Api) -> Exposition {
    let truth = expected(&api.truth().await);
    let deadline = tokio::time::Instant::now() + crate::harness::DEADLINE;
    loop {
        let shown = exporter.scrape().await;
        let series = metrics_of(&shown);
        if series == truth || tokio::time::Instant::now() > deadline {
            let missing: Vec<_> = truth.iter().filter(|(k, v)| series.get(*k) != Some(*v)).collect();
            let surplus: Vec<_> = series.iter().filter(|(k, v)| truth.get(*k) != Some(*v)).collect();
            assert_eq!((missing, surplus), (vec![], vec![]), "missing and surplus series");
            return shown;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn compare(options: Options, strategy: &str) {
    let api = Api::start(options).await;
    let exporter = Exporter::start(&api, &["--api.page-size=50", strategy]).await;
    exporter.ready().await;
    let shown = shows_the_truth(&exporter, &api).await;
    for (client, _) in api.ids().await {
        assert_eq!(shown.value("d360_client_up", &[("client_id", &client)]), Some(1.0));
    }
    exporter.stop().await;
}

#[tokio::test]
async fn read_client_by_client_from_bare_arrays() {
    compare(fleet(60, 3), "--poll.strategy=per-client").await;
}

#[tokio::test]
async fn read_client_by_client_from_envelopes_page_by_page() {
    let options = Options { channels_envelope: ChannelsEnvelope::Object, max_page: 4, ..fleet(12, 11) };
    compare(options, "--poll.strategy=per-client").await;
}

#[tokio::test]
async fn read_in_bulk_from_the_partners_channel_list() {
    compare(fleet(60, 3), "--poll.strategy=bulk").await;
}

#[tokio::test]
async fn read_with_the_strategy_that_is_chosen_by_itself() {
    compare(fleet(60, 3), "--poll.strategy=auto").await;
}

#[tokio::test]
async fn a_partner_without_clients_has_no_series_of_clients() {
    compare(fleet(0, 0), "--poll.strategy=per-client").await;
}

#[tokio::test]
async fn a_client_without_channels_is_there_with_none() {
    compare(fleet(3, 0), "--poll.strategy=bulk").await;
}

#[tokio::test]
async fn names_of_any_characters_survive() {
    let api = Api::start(fleet(3, 2)).await;
    let names = ["\"}\n# TYPE x gauge\nx{a=\"", "\\", "\\n\u{0}\r\t\u{2028}.", "🌮 日本 عربى", "", "{a=\"b\"} 1\n2"];
    for (name, (client, channels)) in names.chunks(2).zip(api.ids().await) {
        api.patch_client(&client, json!({ "name": name[0] })).await;
        api.patch_channel(&channels[0], json!({ "setup_info": { "phone_name": name[1], "phone_number": "+1 \"2\"" } }))
            .await;
    }
    let exporter = Exporter::start(&api, &[]).await;
    shows_the_truth(&exporter, &api).await;
    exporter.stop().await;
}

/// The truth of a fleet in motion is asked for before and after the scrapes, so
/// incidents have to be over when it is compared: they are made by hand here,
/// one of each kind.
#[tokio::test]
async fn after_changes_of_every_kind_the_truth_is_shown_again() {
    for strategy in ["--poll.strategy=per-client", "--poll.strategy=bulk"] {
        let api = Api::start(fleet(20, 3)).await;
        let exporter = Exporter::start(&api, &[strategy]).await;
        exporter.ready().await;
        let ids = api.ids().await;
        api.patch_channel(&ids[0].1[0], json!({ "current_quality_rating": "Low", "current_limit": "TIER_UNLIMITED" }))
            .await;
        api.patch_channel(&ids[1].1[1], json!({ "availability_status": "error", "status": "error" })).await;
        api.patch_channel(
            &ids[2].1[2],
            json!({ "current_limit": null, "current_quality_rating": null, "hub_status": null }),
        )
        .await;
        api.patch_channel(&ids[3].1[0], json!({ "cancelled_at": "2026-01-02T03:04:05Z", "is_oba": null })).await;
        api.delete_channel(&ids[4].1[0]).await;
        api.delete_client(&ids[5].0).await;
        api.put_channel("newcomer01CH", json!({ "client_id": ids[6].0 })).await;
        api.patch_client(&ids[7].0, json!({ "name": "Renamed", "max_channels": null, "status": "Disabled" })).await;
        shows_the_truth(&exporter, &api).await;
        exporter.stop().await;
    }
}

/// Incidents of the simulator itself, slow enough that a cycle falls between two
/// of them. A scrape lags behind by a publication, so that it is compared with
/// every truth that was seen since the first transition.
#[tokio::test]
async fn after_incidents_of_the_simulator_the_truth_is_shown_again() {
    let api = Api::start(Options { incidents_per_minute: 10.0, ..fleet(40, 3) }).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.until("a transition", |e| e.sum("d360_channel_transitions_total", &[]) >= 1.0).await;
    let first = expected(&api.truth().await);
    let mut later = Vec::new();
    wait_until("a scrape that shows a later truth", async || {
        let truth = expected(&api.truth().await);
        if truth != first && later.last() != Some(&truth) {
            later.push(truth);
        }
        let shown = metrics_of(&exporter.scrape().await);
        later.contains(&shown).then_some(())
    })
    .await;
    exporter.stop().await;
}
