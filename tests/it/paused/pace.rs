//! The pace of the API as partners describe it, five requests in thirty seconds,
//! and others: how soon everything is shown, how many requests are refused.

use std::fmt::Write as _;
use std::time::Duration;

use d360_exporter::exposition::Filter;
use d360_exporter::partner_api::PageSize;
use d360_exporter::poller::Strategy;
use d360_exporter::simulator::Options;
use serde_json::json;

use super::rig::{Rig, Scene};
use crate::harness::{Exposition, fleet, metrics_of, repository};

const INTERVAL: Duration = Duration::from_secs(300);

/// Five requests in thirty seconds, in requests per second.
const REAL_PACE: f64 = 5.0 / 30.0;

/// Between two looks at a long run.
const LOOK: Duration = Duration::from_secs(150);

/// A fleet under the defaults of all flags.
fn defaults(clients: usize, channels_per_client: usize) -> Scene {
    Scene {
        options: Options { latency: Duration::from_millis(200), ..fleet(clients, channels_per_client) },
        interval: INTERVAL,
        max_staleness: Duration::from_secs(30 * 60),
        strategy: Strategy::Auto,
        page_size: PageSize::Auto,
        max_rate: 10,
        timeout: Duration::from_secs(30),
    }
}

/// The exporter's own view of the API: rendering a fleet for it would take most
/// of the time.
fn seen(rig: &mut Rig) -> Exposition {
    let names = [
        "d360_api_budget_requests_per_second",
        "d360_api_request_failures_total",
        "d360_api_requests_total",
        "d360_partner_strategy",
    ];
    Exposition::parse(&rig.body(&Filter::Names(names.map(str::to_owned).into())))
}

/// Requests that were sent, and those of them that were refused.
fn requests(rig: &mut Rig) -> (f64, f64) {
    let shown = seen(rig);
    let refused = shown.sum("d360_api_request_failures_total", &[("reason", "rate_limited")]);
    (shown.sum("d360_api_requests_total", &[]), refused)
}

fn budget(rig: &mut Rig) -> f64 {
    seen(rig).value("d360_api_budget_requests_per_second", &[]).unwrap()
}

/// How the channels are read now.
fn strategy(rig: &mut Rig) -> String {
    let shown = seen(rig).matching("d360_partner_strategy", &[]);
    let (series, _) = shown.into_iter().find(|(_, value)| *value == 1.0).unwrap();
    series.1.last().unwrap().1.clone()
}

/// Until everything is read, in whole seconds.
async fn until_whole(rig: &mut Rig, at_most: Duration) -> u64 {
    for second in 1..=at_most.as_secs() {
        rig.tick().await;
        if rig.is_ready() && rig.partner_is_up() && rig.down().is_empty() {
            return second;
        }
    }
    panic!("expected everything to be read within {at_most:?}, found {} clients that were not", rig.down().len());
}

async fn the_defaults_at_the_real_pace(names_wait: bool) {
    let mut rig = Rig::of(defaults(500, 4)).await;
    rig.limit(5, 30, names_wait);
    let (whole, began) = (until_whole(&mut rig, INTERVAL).await, rig.sent());
    assert!(whole <= 60, "everything within the first windows, not after {whole} s and {began} requests");
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
    rig.run_for(Duration::from_secs(90)).await;
    let (mut passed, mut before) = (Duration::from_secs(whole + 90), (0.0, 0.0));
    // What the alert looks at: a tenth of half an hour.
    let (mut window, mut alerts) = ((0.0, 0.0), 0);
    while passed < 20 * INTERVAL {
        let (budget, now) = (budget(&mut rig), requests(&mut rig));
        assert!((budget / REAL_PACE - 1.0).abs() <= 0.2, "a budget of {budget} after {passed:?}");
        assert!(rig.down().is_empty() && rig.partner_is_up(), "after {passed:?}");
        if now.0 - window.0 >= 300.0 {
            alerts += i32::from((now.1 - window.1) / (now.0 - window.0) > 0.1);
            window = now;
        }
        if passed <= 10 * INTERVAL {
            before = now;
        }
        rig.run_for(LOOK).await;
        passed += LOOK;
    }
    let all = requests(&mut rig);
    let (first, later) = (before.1 / before.0, (all.1 - before.1) / (all.0 - before.0));
    assert!(first < 0.05, "{first} of the requests of the first ten cycles were refused");
    assert!(later < 0.01, "{later} of the requests after them were refused");
    assert_eq!(alerts, 0, "D360RateLimited is silent");
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
}

#[tokio::test(start_paused = true)]
async fn the_defaults_show_500_clients_at_the_real_pace_where_a_429_names_its_wait() {
    the_defaults_at_the_real_pace(true).await;
}

#[tokio::test(start_paused = true)]
async fn the_defaults_show_500_clients_at_the_real_pace_where_a_429_names_no_wait() {
    the_defaults_at_the_real_pace(false).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_the_first_cycle_of_2000_clients_takes_ten_seconds() {
    let mut rig = Rig::of(Scene { max_rate: 1000, ..defaults(2000, 5) }).await;
    assert!(until_whole(&mut rig, INTERVAL).await <= 10);
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_falls_in_a_cycle_is_met_in_bulk_and_one_that_rises_is_found() {
    let mut rig = Rig::of(defaults(500, 4)).await;
    rig.limit(300, 30, true);
    until_whole(&mut rig, INTERVAL).await;
    rig.run_for(5 * INTERVAL).await;
    assert_eq!(strategy(&mut rig), "per_client");
    // In the middle of a cycle.
    rig.run_for(INTERVAL / 2).await;
    rig.limit(5, 30, true);
    let fell = rig.now();
    rig.run_for(INTERVAL).await;
    assert_eq!(strategy(&mut rig), "bulk");
    let oldest = rig.scrape().matching("d360_client_last_refresh_timestamp_seconds", &[]);
    let oldest = oldest.values().copied().fold(f64::INFINITY, f64::min);
    assert!(oldest > (fell - 10) as f64, "every client is read in bulk within the interval");
    assert!(rig.down().is_empty() && rig.partner_is_up());
    rig.run_for(5 * INTERVAL).await;
    rig.limit(300, 30, true);
    rig.run_for(24 * INTERVAL).await;
    assert_eq!(strategy(&mut rig), "per_client", "the budget is {} now", budget(&mut rig));
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
}

/// How long faults of single requests last.
const HOURS: u64 = 6;

/// Hours of faults of single requests.
async fn hours_of(faults: serde_json::Value) {
    let mut rig = Rig::of(defaults(20, 2)).await;
    until_whole(&mut rig, INTERVAL).await;
    let whole = rig.data();
    rig.faults(&faults);
    let (mut looks, mut down) = (0_usize, 0);
    for cycle in 0..HOURS * 12 {
        rig.run_for(INTERVAL).await;
        let data = rig.data();
        let changed: Vec<_> = data.iter().zip(&whole).filter(|(now, then)| now != then).map(|(now, _)| now).collect();
        assert!(changed.is_empty(), "nothing is stale and nothing is wrong in cycle {cycle}: {changed:?}");
        looks += whole.len();
        down += rig.down().len();
    }
    let share = down as f64 / looks as f64;
    assert!(share < 0.1, "{share} of the looks found a client down");
    rig.faults(&json!([]));
    rig.run_for(2 * INTERVAL).await;
    assert!(rig.down().is_empty() && rig.partner_is_up());
    assert_eq!(metrics_of(&rig.scrape()), rig.truth());
}

#[tokio::test(start_paused = true)]
async fn hours_of_web_pages_and_server_errors_leave_nothing_stale() {
    hours_of(
        json!([{"kind": "html", "probability": 0.15}, {"kind": "server_error", "status": 500, "probability": 0.15}]),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn hours_of_time_outs_leave_nothing_stale() {
    hours_of(json!([{"kind": "hang", "probability": 0.3}])).await;
}

/// Clients and channels per client of the fleets of `docs/benchmarks.md`.
const FLEETS: [(usize, usize); 2] = [(500, 4), (5_000, 4)];

const BEGIN: &str = "<!-- real pace: begin -->\n";
const END: &str = "<!-- real pace: end -->\n";

#[tokio::test(start_paused = true)]
async fn the_first_complete_picture_at_the_real_pace_takes_what_its_pages_take() {
    let mut table = "| clients / channels | pages | requests | pages ÷ rate | measured | bound | refused with 429 |\n\
                     | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (clients, each) in FLEETS {
        let mut rig = Rig::of(defaults(clients, each)).await;
        rig.limit(5, 30, true);
        let whole = until_whole(&mut rig, 4 * INTERVAL).await;
        assert_eq!(metrics_of(&rig.scrape()), rig.truth());
        let (sent, refused) = requests(&mut rig);
        let pages = clients.div_ceil(1000) + (clients * each).div_ceil(1000);
        let floor = pages as f64 / REAL_PACE;
        let bound = floor + 35.0;
        let (channels, share) = (clients * each, refused / sent * 100.0);
        let _ = writeln!(
            table,
            "| {clients} / {channels} | {pages} | {sent} | {floor:.0} s | {whole} s | ≤ {bound:.0} s | {share:.1} % |"
        );
        assert!(whole as f64 <= bound, "{table}");
    }
    println!("{table}");
    let path = repository("docs/benchmarks.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = old.split_once(BEGIN).expect("docs/benchmarks.md has the mark where the table begins");
    let (_, tail) = rest.split_once(END).expect("docs/benchmarks.md has the mark where the table ends");
    let new = format!("{head}{BEGIN}\n{table}\n{END}{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(path, new).unwrap();
    } else {
        assert_eq!(old, new, "UPDATE_DOCS=1 writes the table of docs/benchmarks.md");
    }
}
