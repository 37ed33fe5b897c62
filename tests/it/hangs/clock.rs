//! A wall clock that steps while the exporter runs.

use serde_json::json;

use super::borrowed;
use crate::harness::{Api, Exporter, Exposition, WallClock, expected, fleet, metrics_of, wait_until};

async fn start(clock: &WallClock, api: &Api, flags: &[&str]) -> Exporter {
    Exporter::start_with(&api.base_url(), "demo-key", flags, &borrowed(&clock.env())).await
}

fn now() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

/// The times that the exporter saw things at, as far as they are shown.
fn seen(shown: &Exposition) -> Vec<f64> {
    let families = ["d360_client_last_refresh_timestamp_seconds", "d360_partner_last_refresh_timestamp_seconds"];
    families.iter().flat_map(|family| shown.matching(family, &[])).map(|(_, value)| value).collect()
}

async fn a_step(offset: &str, seconds: f64) {
    let (api, clock) = (Api::start(fleet(4, 2)).await, WallClock::new());
    let exporter = start(&clock, &api, &["--poll.max-staleness=30m", "--api.timeout=10m"]).await;
    exporter.ready().await;
    let truth = expected(&api.truth().await);
    exporter.until("everything", |e| metrics_of(e) == truth).await;
    // Nothing is read any more, so that what is shown is what was read before.
    api.faults(json!([{ "kind": "hang" }])).await;
    let began = now();
    clock.step(offset);
    exporter.program.line_with("the wall clock was set").await;
    let shown = wait_until("times on the new clock", async || {
        let shown = exporter.scrape().await;
        let ages: Vec<f64> = seen(&shown).iter().map(|at| now() + seconds - at).collect();
        (!ages.is_empty() && ages.iter().all(|age| (-1.0..60.0 + now() - began).contains(age))).then_some(shown)
    })
    .await;
    assert_eq!(metrics_of(&shown), truth, "nothing expires, and nothing stays that had to go");
    // Nothing is wrong with it when it goes on.
    api.heal().await;
    exporter.stop().await;
}

#[tokio::test]
async fn a_wall_clock_that_steps_back_an_hour_changes_nothing_but_the_times_shown() {
    a_step("-3600", -3600.0).await;
}

#[tokio::test]
async fn a_wall_clock_that_steps_two_hours_ahead_changes_nothing_but_the_times_shown() {
    a_step("+7200", 7200.0).await;
}

#[tokio::test]
async fn data_expires_in_its_time_whatever_the_wall_clock_says() {
    for offset in ["-3600", "+7200"] {
        let (api, clock) = (Api::start(fleet(4, 2)).await, WallClock::new());
        let exporter = start(&clock, &api, &["--poll.max-staleness=5s", "--api.timeout=10m"]).await;
        exporter.until("channels", |e| e.matching("d360_channel_info", &[]).len() == 8).await;
        api.faults(json!([{ "kind": "hang" }])).await;
        clock.step(offset);
        exporter.until("the expiry", |e| e.matching("d360_channel_info", &[]).is_empty()).await;
        api.heal().await;
        exporter.stop().await;
    }
}
