//! The figures of `docs/sizing.md`: measured on a simulated fleet, and the
//! requests computed by the poller's own plan. `UPDATE_DOCS=1` writes them.

use std::fmt::Write as _;
use std::time::Duration;

use d360_exporter::catalogue::{FAMILIES, Scope};
use d360_exporter::model::Reads;
use d360_exporter::poller::{Pace, Strategy, bulk_requests, per_client_requests};

use super::markdown::root;
use crate::harness::{Api, Exporter, Exposition, fleet, tool};

/// Clients and channels per client of the fleet that is measured.
const MEASURED: (usize, usize) = (200, 3);

/// The fleets that the page speaks of: clients, channels per client.
const FLEETS: &[(usize, usize)] = &[(40, 3), (400, 3), (2_000, 5), (20_000, 5)];

/// The pace that the pacer starts with, and the defaults of `--api.page-size`
/// and `--poll.interval`.
const PACE: Pace = Pace { requests_per_second: 2.0, page_size: 1000, paused_until: None, outage: false };
const INTERVAL: Duration = Duration::from_secs(300);

const BEGIN: &str = "<!-- measured -->\n";
const END: &str = "<!-- /measured -->\n";

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two significant digits: more would pretend that fleets are alike.
fn about(number: usize) -> String {
    let unit = 10_usize.pow(number.max(1).ilog10().saturating_sub(1));
    thousands(number.div_ceil(unit) * unit)
}

fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs(seconds.ceil() as u64);
    humantime::format_duration(whole).to_string()
}

/// Bytes of a response with the families of a scope, plain and gzipped.
async fn bytes(exporter: &Exporter, scope: Scope) -> [usize; 2] {
    let names: Vec<_> = FAMILIES.iter().filter(|f| f.scope == scope).map(|f| format!("name[]={}", f.name)).collect();
    let path = format!("/metrics?{}", names.join("&"));
    let mut sizes = [0; 2];
    for (size, encoding) in sizes.iter_mut().zip(["identity", "gzip"]) {
        let response = exporter.get(&path, &[("Accept-Encoding", encoding)]).await;
        *size = response.bytes().await.unwrap().len();
    }
    sizes
}

async fn measured() -> String {
    let (clients, per_client) = MEASURED;
    let channels = clients * per_client;
    let api = Api::start(fleet(clients, per_client)).await;
    // One read, so that nothing moves while it is measured.
    let exporter = Exporter::start(&api, &["--poll.interval=1h", "--poll.max-staleness=2h"]).await;
    exporter.ready().await;
    let complete = |shown: &Exposition| shown.matching("d360_client_up", &[]).len() == clients;
    let shown = exporter.until("all clients", complete).await;
    let series = |scope| shown.series(|name| FAMILIES.iter().any(|f| f.name == name && f.scope == scope)).len();
    let [plain, gzip] = bytes(&exporter, Scope::Channel).await;
    exporter.stop().await;
    let of_channel = series(Scope::Channel) as f64 / channels as f64;
    let of_client = series(Scope::Client) as f64 / clients as f64;

    let mut text = String::from("\n| | |\n|---|---|\n");
    writeln!(text, "| series per channel | {of_channel:.1} |").unwrap();
    writeln!(text, "| series per client | {of_client:.1} |").unwrap();
    writeln!(text, "| bytes of a scrape a channel | {} |", about(plain / channels)).unwrap();
    writeln!(text, "| the same with gzip | {} |", about(gzip / channels)).unwrap();
    text.push_str("\n| clients | channels | series | scrape | with gzip | per client | bulk | `auto` takes |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for &(clients, per_client) in FLEETS {
        let n = clients * per_client;
        let size = |bytes: usize| format!("{} kB", about((bytes / channels * n / 1_000).max(1)));
        let takes = match Strategy::Auto.choose(clients, PACE, INTERVAL) {
            Reads::PerClient => "per client",
            Reads::Bulk => "bulk",
        };
        let requests = [per_client_requests(clients, PACE.page_size), bulk_requests(clients, n, PACE.page_size)];
        let [per_client, bulk] = requests.map(|count| {
            format!("{} requests, {}", thousands(count), duration(count as f64 / PACE.requests_per_second))
        });
        let series = about((of_channel * n as f64 + of_client * clients as f64) as usize);
        let (plain, gzip) = (size(plain), size(gzip));
        let (clients, n) = (thousands(clients), thousands(n));
        writeln!(text, "| {clients} | {n} | {series} | {plain} | {gzip} | {per_client} | {bulk} | {takes} |").unwrap();
    }
    text.push('\n');
    text
}

#[tokio::test]
async fn the_figures_on_sizing_are_measured() {
    let path = root().join("docs/sizing.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("a mark before the figures");
    let (figures, after) = rest.split_once(END).expect("a mark behind the figures");
    let measured = measured().await;
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{measured}{END}{after}")).unwrap();
    } else {
        assert_eq!(figures, measured, "write them with `UPDATE_DOCS=1 cargo test --test it sizing`");
    }
}

#[tokio::test]
async fn the_script_measures_the_memory_of_a_fleet() {
    tool("curl", "curl");
    let mut script = tokio::process::Command::new(root().join("scripts/memory.sh"));
    let output = script.args([env!("CARGO_BIN_EXE_d360_exporter"), "20", "2"]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<(&str, f64)> = said
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
    let names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["d360_exporter_series", "process_resident_memory_bytes"]);
    assert!(lines[0].1 > 40.0 * 12.0 && lines[1].1 > 1e6, "{said}");
}
