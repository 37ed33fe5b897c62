//! What takes minutes, on paused time: poller, state and renderer in the test's
//! process, over the simulator as a function.

mod pace;
pub(crate) mod rig;
mod wire;

use std::time::Duration;

use serde_json::json;

use crate::harness::{SeriesMap, metrics_of};
use rig::Rig;

const MINUTE: Duration = Duration::from_secs(60);

/// Seconds from one request to the next.
fn gaps(starts: &[Duration]) -> Vec<u64> {
    starts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_down_for_ten_minutes_takes_nothing_before_the_bound_and_everything_after_it() {
    let bound = 5 * MINUTE;
    let mut rig = Rig::start(4, MINUTE, bound).await;
    rig.run_for(3 * MINUTE).await;
    let before = rig.scrape();
    let truth = rig.truth();
    assert_eq!(metrics_of(&before), truth);
    let refreshed = |e: &crate::harness::Exposition| e.matching("d360_client_last_refresh_timestamp_seconds", &[]);
    let died = rig.now();
    rig.kill();
    let (mut shown, mut ages) = (before.clone(), refreshed(&before));
    for _ in 0..600 {
        rig.run_for(Duration::from_secs(1)).await;
        shown = rig.scrape();
        let now = rig.now() as f64;
        // Responses sent before the end still come in; from then on ages stand still.
        ages = refreshed(&shown);
        let oldest = ages.values().copied().fold(f64::INFINITY, f64::min);
        let newest = ages.values().copied().fold(0.0, f64::max);
        assert!(newest <= died as f64, "nothing is read from an API that is down");
        if now < oldest + bound.as_secs_f64() {
            assert_eq!(metrics_of(&shown), truth, "before the bound, {} s after the end", now as i64 - died);
        } else if now > newest + bound.as_secs_f64() {
            let names: SeriesMap = truth.clone().into_iter().filter(|(s, _)| s.0 == "d360_client_info").collect();
            assert_eq!(metrics_of(&shown), names, "after the bound, {} s after the end", now as i64 - died);
        }
    }
    // The exporter's own metrics show what happened.
    assert_eq!(ages.len(), 4, "the age of every client stays");
    assert_eq!(shown.value("d360_partner_up", &[]), Some(0.0));
    assert_eq!(shown.matching("d360_client_up", &[]).len(), 4);
    assert_eq!(shown.sum("d360_client_up", &[]), 0.0);
    let family = "d360_partner_last_refresh_timestamp_seconds";
    assert!(shown.value(family, &[]).unwrap() <= died as f64, "no cycle ended since");
    let counted = |family: &str, labels: &[(&str, &str)]| shown.sum(family, labels) - before.sum(family, labels);
    let sent = counted("d360_api_requests_total", &[]);
    assert!(sent > 0.0);
    assert_eq!(counted("d360_api_request_failures_total", &[("reason", "connect")]), sent);
    assert_eq!(counted("d360_api_request_failures_total", &[]), sent);
    assert!(counted("d360_api_retries_total", &[("reason", "connect")]) > 0.0);
    assert_eq!(rig.sent() as f64, shown.sum("d360_api_requests_total", &[]));

    rig.revive();
    rig.run_for(2 * MINUTE).await;
    let after = rig.scrape();
    assert_eq!(metrics_of(&after), truth);
    assert_eq!((after.value("d360_partner_up", &[]), after.sum("d360_client_up", &[])), (Some(1.0), 4.0));
    assert_eq!(after.sum("d360_channel_transitions_total", &[]), 0.0, "nothing changed meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_change_while_the_data_was_hidden_is_a_transition_afterwards() {
    let mut rig = Rig::start(2, MINUTE, 2 * MINUTE).await;
    rig.run_for(2 * MINUTE).await;
    let (_, channels) = rig.ids().remove(0);
    let was = rig.rating(&channels[0]);
    rig.kill();
    rig.run_for(5 * MINUTE).await;
    rig.patch_channel(&channels[0], &json!({ "current_quality_rating": if was == "low" { "High" } else { "Low" } }));
    rig.revive();
    rig.run_for(2 * MINUTE).await;
    assert_eq!(rig.scrape().sum("d360_channel_transitions_total", &[("from", &was)]), 1.0);
}

/// After a 429 on one request, how long nothing starts.
async fn waits_after_429(retry_after: serde_json::Value, wait: u64) {
    let mut rig = Rig::start(3, MINUTE, 30 * MINUTE).await;
    rig.run_for(3 * MINUTE).await;
    let budget = |rig: &mut Rig| rig.scrape().value("d360_api_budget_requests_per_second", &[]).unwrap();
    let before = budget(&mut rig);
    let sent = rig.starts().len();
    rig.faults(&json!([{"kind": "rate_limited", "retry_after": retry_after, "times": 1}]));
    while rig.starts().len() == sent {
        rig.run_for(Duration::from_secs(1)).await;
    }
    // Halved from where it had climbed to by then.
    let after = budget(&mut rig);
    assert!(after < before * 0.75, "{before} to {after}");
    while rig.starts().len() < sent + 2 {
        rig.run_for(Duration::from_secs(1)).await;
    }
    assert_eq!(gaps(&rig.starts()[sent..])[0], wait, "{retry_after}");
    rig.run_for(5 * MINUTE).await;
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_no_wait_waits_one_window_of_30_seconds() {
    waits_after_429(json!(null), 30).await;
    waits_after_429(json!("soon"), 30).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_seconds_waits_so_long() {
    waits_after_429(json!(7), 7).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_a_date_waits_until_then() {
    // Thirty seconds ahead of a clock that shows whole seconds.
    waits_after_429(json!("http_date"), 30).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_a_day_is_not_believed_for_more_than_five_minutes() {
    waits_after_429(json!(86_400), 300).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_429_the_pace_climbs_again_slowly() {
    let mut rig = Rig::start(30, Duration::from_secs(10), 30 * MINUTE).await;
    rig.run_for(5 * MINUTE).await;
    let budget = |rig: &mut Rig| rig.scrape().value("d360_api_budget_requests_per_second", &[]).unwrap();
    rig.faults(&json!([{"kind": "rate_limited", "times": 1}]));
    rig.run_for(Duration::from_secs(15)).await;
    let halved = budget(&mut rig);
    rig.run_for(20 * MINUTE).await;
    let later = budget(&mut rig);
    assert!(later > halved && later <= 10.0, "{halved} to {later}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_everything_but_a_probe_every_30_seconds() {
    let bound = 5 * MINUTE;
    let mut rig = Rig::start(3, MINUTE, bound).await;
    rig.run_for(2 * MINUTE).await;
    let truth = rig.truth();
    let sent = rig.starts().len();
    rig.faults(&json!([{"kind": "unauthorized"}]));
    while rig.starts().len() == sent {
        rig.run_for(Duration::from_secs(1)).await;
    }
    let refused = rig.starts().len();
    assert_eq!(refused, sent + 1, "the same key is not tried twice");
    assert_eq!(metrics_of(&rig.scrape()), truth, "data stays");
    assert_eq!(rig.scrape().value("d360_partner_up", &[]), Some(0.0));
    rig.run_for(3 * MINUTE).await;
    assert_eq!(gaps(&rig.starts()[sent..]), [30; 6], "one probe every 30 s and nothing else");
    assert!(rig.paths()[refused..].iter().all(|path| path.ends_with("/clients")), "{:?}", &rig.paths()[refused..]);
    assert_eq!(metrics_of(&rig.scrape()), truth, "data stays until the bound");
    rig.run_for(bound).await;
    assert_eq!(rig.scrape().matching("d360_channel_info", &[]).len(), 0, "and leaves after it");
}

#[tokio::test(start_paused = true)]
async fn a_new_key_in_the_file_is_tried_at_once() {
    let mut rig = Rig::start(3, MINUTE, 30 * MINUTE).await;
    rig.run_for(2 * MINUTE).await;
    rig.faults(&json!([{"kind": "unauthorized"}]));
    // Long enough for the refusal; the next probe is up to 30 s away.
    let sent = rig.starts().len();
    while rig.starts().len() == sent {
        rig.run_for(Duration::from_secs(1)).await;
    }
    let refused = rig.starts().len();
    rig.faults(&json!([]));
    rig.write_key("demo-key \n");
    rig.run_for(Duration::from_secs(10)).await;
    assert_eq!(rig.starts().len(), refused, "white space around it makes no new key");
    rig.write_key("other-key");
    rig.run_for(Duration::from_secs(6)).await;
    assert_eq!(rig.starts().len(), refused + 1, "the new key is tried once");
    rig.write_key("demo-key");
    rig.run_for(Duration::from_secs(6)).await;
    let shown = rig.scrape();
    assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn on_a_401_the_key_file_is_read_again_before_the_key_counts_as_refused() {
    let mut rig = Rig::start(3, MINUTE, 30 * MINUTE).await;
    rig.run_for(2 * MINUTE).await;
    let before = rig.scrape();
    // The API takes only the new key from here on; the file has it already, and
    // the next request comes before the next look at the file.
    rig.rotate("second-key");
    rig.run_for(3 * MINUTE).await;
    let shown = rig.scrape();
    assert_eq!(metrics_of(&shown), metrics_of(&before));
    assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
    assert_eq!(shown.sum("d360_client_up", &[]), 3.0);
}

#[tokio::test(start_paused = true)]
async fn an_endless_list_counts_as_paging_failure_and_removes_nobody() {
    let mut rig = Rig::start(4, 10 * MINUTE, 60 * MINUTE).await;
    rig.run_for(MINUTE).await;
    let truth = rig.truth();
    rig.faults(&json!([
        {"kind": "clamped_pages", "limit": 1, "operation": "clients"},
        {"kind": "endless_pages", "operation": "clients"},
    ]));
    let failed = |rig: &mut Rig| {
        rig.scrape().value("d360_api_request_failures_total", &[("endpoint", "clients"), ("reason", "paging")])
    };
    for _ in 0..60 {
        rig.run_for(MINUTE).await;
        if failed(&mut rig).is_some_and(|n| n >= 1.0) {
            break;
        }
    }
    assert!(failed(&mut rig).is_some_and(|n| n >= 1.0));
    let shown = rig.scrape();
    assert_eq!(shown.value("d360_partner_up", &[]), Some(0.0));
    let clients: Vec<_> = shown.matching("d360_client_info", &[]).into_keys().collect();
    assert_eq!(clients, truth.into_keys().filter(|s| s.0 == "d360_client_info").collect::<Vec<_>>());
}
