//! The dashboards' files are what their source gives, and what a panel shows stays small however large the fleet is.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;

use super::daemon::{Daemon, free_port, until};
use super::files::{Dashboard, Target, dashboards, items, path, read, text};
use super::programs::{command, exporter, succeeds};
use super::queries::substituted;
use super::stack::{PATIENCE, get, quick_dashboard_rules, quick_rules};

/// What a person, a browser and Prometheus can take.
const SERIES: usize = 1000;
const ROWS: usize = 500;
const SECONDS: f64 = 2.0;

/// Channels of each client of the fleet.
const CHANNELS_PER_CLIENT: usize = 10;

#[test]
fn the_dashboards_are_what_their_source_gives() {
    let written = TempDir::new().unwrap();
    let mut build = command("python3", "python3");
    build.arg(path("dashboards/build.py")).arg(written.path());
    succeeds(build.env("PYTHONPATH", path("target/python")).env("PYTHONDONTWRITEBYTECODE", "1"));
    for dashboard in dashboards() {
        let name = dashboard.file.trim_start_matches("dashboards/");
        let built = std::fs::read_to_string(written.path().join(name)).unwrap();
        assert!(built == read(&dashboard.file), "{name} is not what its source gives; run make dashboards");
    }
    assert_eq!(std::fs::read_dir(written.path()).unwrap().count(), dashboards().len());
}

/// A graph over a day reads every sample of its series: of a series per channel that is too much, whatever the limit.
#[test]
fn graphs_of_the_whole_fleet_read_recording_rules_and_what_partners_have() {
    let per_channel = |expr: &str| regex_lite::Regex::new(r"d360_channel_\w+\{").unwrap().is_match(expr);
    for dashboard in dashboards().iter().filter(|dashboard| !dashboard.file.contains("channel.json")) {
        for target in dashboard.all_targets().iter().filter(|target| !target.instant) {
            let counted = target.expr.contains("d360_channel_transitions_total{");
            assert!(counted || !per_channel(&target.expr), "{}: {}", target.place, target.expr);
        }
    }
}

/// A Prometheus with the shipped rules over an exporter with a large fleet.
struct Large {
    prometheus: String,
    http: reqwest::Client,
    client: String,
    // In the order in which they end.
    programs: [Daemon; 3],
    _dir: TempDir,
}

impl Large {
    async fn start(clients: usize) -> Self {
        d360_exporter::install_crypto_provider();
        let dir = TempDir::new().unwrap();
        let file = |name: &str| dir.path().join(name);
        let [simulator, served, asked] = [(); 3].map(|()| free_port());
        std::fs::write(file("quick.rules.yml"), quick_rules()).unwrap();
        std::fs::write(file("quick.dashboards.rules.yml"), quick_dashboard_rules()).unwrap();
        let config = format!(
            "global: {{scrape_interval: 30s, scrape_timeout: 20s, evaluation_interval: 30s}}\n\
             rule_files: [quick.rules.yml, quick.dashboards.rules.yml]\n\
             scrape_configs: [{{job_name: whatsapp, static_configs: [{{targets: ['127.0.0.1:{served}']}}]}}]\n"
        );
        std::fs::write(file("prometheus.yml"), config).unwrap();

        let mut simulate = exporter();
        simulate.args(["simulate", "--incidents=0", &format!("--listen=127.0.0.1:{simulator}")]);
        simulate.arg(format!("--clients={clients}")).arg(format!("--channels-per-client={CHANNELS_PER_CLIENT}"));
        let mut serve = exporter();
        serve.env("D360_API_KEY", "demo-key").args(["serve", "--partner.id=examplePA", "--poll.strategy=bulk"]);
        serve.arg(format!("--api.base-url=http://127.0.0.1:{simulator}/api/v2"));
        serve.args(["--api.min-rate=100/s", "--api.max-rate=1000/s", "--poll.interval=10m", "--poll.max-staleness=1h"]);
        serve.arg(format!("--web.listen-address=127.0.0.1:{served}"));
        let mut prometheus = command("prometheus", "prometheus");
        prometheus.arg(format!("--config.file={}", file("prometheus.yml").display())).arg("--log.level=warn");
        prometheus.arg(format!("--storage.tsdb.path={}", file("data").display()));
        prometheus.arg(format!("--web.listen-address=127.0.0.1:{asked}"));

        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let simulator = Daemon::start(&simulate, file("simulator.log"));
        let serving = Daemon::start(&serve, file("exporter.log"));
        until("the fleet to be read", PATIENCE * 4, async || {
            get(&http, &format!("http://127.0.0.1:{served}/-/ready"), &[]).await
        })
        .await;
        let programs = [Daemon::start(&prometheus, file("prometheus.log")), serving, simulator];
        let prometheus = format!("http://127.0.0.1:{asked}");
        let large = Self { prometheus, http, client: String::new(), programs, _dir: dir };
        let channels = clients * CHANNELS_PER_CLIENT;
        let recorded = format!("sum(partner_status:d360_channel_availability_status:sum) == {channels}");
        until("the fleet to be recorded", PATIENCE * 4, async || {
            match large.ask("query", &[("query", &recorded)]).await {
                Ok(data) if items(&data, "result").is_empty() => Err("no result".to_owned()),
                other => other,
            }
        })
        .await;
        let clients = large.ask("query", &[("query", "topk(1, d360_client_info)")]).await.unwrap();
        Self { client: text(&clients["result"][0]["metric"], "client_id").to_owned(), ..large }
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let response = get(&self.http, &format!("{}/api/v1/{path}", self.prometheus), query).await?;
        let response: Value = serde_json::from_str(&response).map_err(|e| e.to_string())?;
        if text(&response, "status") == "success" { Ok(response["data"].clone()) } else { Err(response.to_string()) }
    }

    /// A panel's query over a day: how many series it returns, and the processor seconds that Prometheus takes for it, which
    /// is what it takes on a machine that does nothing else.
    async fn open(&self, target: &Target) -> Result<(usize, f64), String> {
        const DAY: u64 = 86400;
        let now = self.ask("query", &[("query", "time()")]).await?["result"][0].as_f64().unwrap_or_default();
        let begin = now - DAY as f64;
        let expr = substituted(target, &self.client, DAY, begin);
        let before = self.programs[0].cpu_seconds();
        let data = if target.instant {
            self.ask("query", &[("query", &expr)]).await?
        } else {
            let (start, end) = (begin.to_string(), now.to_string());
            self.ask("query_range", &[("query", &expr), ("start", &start), ("end", &end), ("step", "216")]).await?
        };
        Ok((items(&data, "result").len(), self.programs[0].cpu_seconds() - before))
    }
}

/// The clients of the fleet. `make bench-dashboards` chooses more.
fn clients() -> usize {
    std::env::var("DASHBOARD_CLIENTS").map_or(1000, |clients| clients.parse().unwrap())
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "`make bench-dashboards` shows the figures")]
async fn every_panel_of_a_large_fleet_opens_within_two_seconds_with_few_series_and_rows() {
    let large = Large::start(clients()).await;
    let (mut findings, mut slowest) = (Vec::new(), BTreeMap::new());
    for target in dashboards().iter().flat_map(Dashboard::all_targets) {
        let limit = if target.format == "table" { ROWS } else { SERIES };
        let mut best = f64::INFINITY;
        // Rules are evaluated meanwhile, so the best of a few counts.
        for _ in 0..5 {
            match large.open(&target).await {
                Ok((found, seconds)) => {
                    best = best.min(seconds);
                    if found > limit {
                        findings.push(format!("{}: expected at most {limit} series, found {found}", target.place));
                    }
                }
                Err(why) => findings.push(format!("{}: {why}", target.place)),
            }
            if best < SECONDS {
                break;
            }
        }
        if best >= SECONDS {
            findings.push(format!("{}: expected a response within {SECONDS} s, took {best:.1} s", target.place));
        }
        slowest.insert((best * 1e6) as u64, target.place.clone());
    }
    for (microseconds, place) in slowest.iter().rev().take(10) {
        println!("{:7.3} s  {place}", *microseconds as f64 / 1e6);
    }
    findings.dedup();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
