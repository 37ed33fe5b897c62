//! The whole chain, started on free ports: simulator, exporter, Prometheus, Alertmanager, and a receiver of its
//! notifications. The rules are the shipped ones with minutes turned into seconds, as rules/README.md shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Duration;

use super::daemon::{Daemon, free_port, until};
use super::files::{DASHBOARD_RULES, RULES, captures, items, path, read, text};
use super::programs::{command, exporter, succeeds};

/// How long a program may take to start, or a change to show.
pub(super) const PATIENCE: Duration = Duration::from_secs(45);

/// The states of a channel in which nothing is wrong.
fn healthy() -> Value {
    json!({
        "status": "ready", "hub_status": "live", "availability_status": "ready", "current_quality_rating": "High",
        "current_limit": "TIER_10K", "current_quality_update_event": null, "cancelled_at": null, "terminated_at": null,
    })
}

/// A client of the simulated fleet.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) channels: Vec<String>,
}

/// The running chain.
#[derive(Debug)]
pub(super) struct Stack {
    // In the order in which they end: clients before servers.
    _alertmanager: Daemon,
    _prometheus: Daemon,
    exporter: Option<Daemon>,
    _simulator: Daemon,
    exporter_port: u16,
    prometheus: String,
    simulator: String,
    http: reqwest::Client,
    /// Every alert of every notification, in the order in which they came.
    received: Arc<Mutex<Vec<String>>>,
    /// How many heartbeats came.
    beats: Arc<AtomicUsize>,
    /// How many of them were expected.
    expected: usize,
    /// The fleet, in order.
    pub(super) clients: Vec<Client>,
    dir: TempDir,
}

/// An alert as a notification shows it: state, name and all its labels.
fn shown(alert: &Value) -> String {
    let mut labels: BTreeMap<_, _> = alert["labels"].as_object().unwrap().iter().collect();
    let name = labels.remove(&"alertname".to_owned()).unwrap().as_str().unwrap();
    // The simulator invents them.
    labels.retain(|label, _| !["waba_account_id", "business_id"].contains(&label.as_str()));
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
    format!("{} {name} {}", text(alert, "status"), labels.join(" "))
}

/// The receivers: write down what comes to the chat and by mail, and count the heartbeats.
async fn receiver() -> (u16, Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>) {
    let (received, beats) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (into, counted) = (received.clone(), beats.clone());
    let take = move |body: Bytes| async move {
        let notification: Value = serde_json::from_slice(&body).unwrap();
        into.lock().unwrap().extend(items(&notification, "alerts").iter().map(shown));
    };
    let beat = move || async move {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/alerts", post(take)).route("/heartbeat", post(beat));
    tokio::spawn(async move { axum_serve(listener, router).await });
    (port, received, beats)
}

async fn axum_serve(listener: tokio::net::TcpListener, router: Router) {
    let server = axum_server::from_tcp(listener.into_std().unwrap()).unwrap();
    server.serve(router.into_make_service()).await.unwrap();
}

/// The shipped rules, transformed by the command that rules/README.md shows.
pub(super) fn quick_rules() -> String {
    let lines = captures(r"(?m)^(sed -E .*) d360\.rules\.yml > quick\.rules\.yml$", &read("rules/README.md"));
    let [line] = lines.as_slice() else { panic!("expected one transformation in the README, found {lines:?}") };
    let quick = succeeds(Command::new("sh").args(["-c", &format!("{line} \"$0\"")]).arg(path(RULES)));
    assert_eq!(captures(r"(?m)(^ +(?:interval|\w*for): \d+m$|\[\d+m\])", &quick), [""; 0], "minutes are left");
    quick
}

/// The rules of the dashboards, evaluated as often as all others here.
pub(super) fn quick_dashboard_rules() -> String {
    let rules = read(DASHBOARD_RULES);
    assert_eq!(captures(r"(?m)^    interval: (\w+)$", &rules), ["3m"]);
    rules.replace("    interval: 3m\n", "")
}

/// The shipped routes and inhibitions of Alertmanager with shorter times. What goes to the chat or by mail comes to the
/// test once; a page says the same again, put together otherwise, and goes nowhere.
fn quick_alertmanager(receiver: u16) -> String {
    let shipped = read("rules/alertmanager.yml");
    let (routes, rest) = shipped.split_once("\nreceivers:\n").expect("receivers");
    let (_, routes) = routes.split_once("\nroute:\n").expect("routes");
    let (_, inhibitions) = rest.split_once("\ninhibit_rules:\n").expect("inhibitions");
    let mut routes = routes.to_owned();
    for (shipped, quick) in [
        ("group_wait: 30s", "group_wait: 5s"),
        ("group_wait: 10m", "group_wait: 10s"),
        ("group_interval: 5m", "group_interval: 5s"),
        ("group_interval: 1m", "group_interval: 5s"),
        ("repeat_interval: 5m", "repeat_interval: 5s"),
    ] {
        assert_eq!(routes.matches(shipped).count(), 1, "expected {shipped} once");
        routes = routes.replace(shipped, quick);
    }
    let webhook = |path: &str| {
        format!("webhook_configs: [{{url: 'http://127.0.0.1:{receiver}/{path}', send_resolved: {}}}]", path == "alerts")
    };
    format!(
        "route:\n{routes}\nreceivers:\n  - name: default\n  - name: d360-page\n  - name: d360-chat\n    {chat}\n  \
         - name: d360-mail\n    {chat}\n  - name: d360-heartbeat\n    {heartbeat}\ninhibit_rules:\n{inhibitions}",
        chat = webhook("alerts"),
        heartbeat = webhook("heartbeat"),
    )
}

fn prometheus_config(exporter: u16, alertmanager: u16) -> String {
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [quick.rules.yml, quick.dashboards.rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}
scrape_configs: [{{job_name: whatsapp, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}]
"
    )
}

impl Stack {
    /// Starts all of it over a fleet in which nothing is wrong, and waits until Prometheus has seen the fleet for some
    /// seconds.
    pub(super) async fn start(clients: usize, channels_per_client: usize) -> Self {
        d360_exporter::install_crypto_provider();
        let dir = TempDir::new().unwrap();
        let log = |name: &str| dir.path().join(format!("{name}.log"));
        let [simulator_port, exporter_port, prometheus_port, alertmanager_port] = [(); 4].map(|()| free_port());
        let (receiver_port, received, beats) = receiver().await;
        std::fs::write(dir.path().join("quick.rules.yml"), quick_rules()).unwrap();
        std::fs::write(dir.path().join("quick.dashboards.rules.yml"), quick_dashboard_rules()).unwrap();
        std::fs::write(dir.path().join("prometheus.yml"), prometheus_config(exporter_port, alertmanager_port)).unwrap();
        std::fs::write(dir.path().join("alertmanager.yml"), quick_alertmanager(receiver_port)).unwrap();

        let mut simulate = exporter();
        simulate.args(["simulate", "--listen", &format!("127.0.0.1:{simulator_port}")]);
        simulate.args(["--clients", &clients.to_string(), "--channels-per-client", &channels_per_client.to_string()]);
        let simulator = Daemon::start(&simulate, log("simulator"));
        let mut alertmanager = command("prometheus-alertmanager", "prometheus-alertmanager");
        alertmanager
            .arg("--cluster.listen-address=")
            .arg(format!("--web.listen-address=127.0.0.1:{alertmanager_port}"));
        alertmanager.arg(format!("--config.file={}", dir.path().join("alertmanager.yml").display()));
        alertmanager.arg(format!("--storage.path={}", dir.path().join("alertmanager").display()));
        let alertmanager = Daemon::start(&alertmanager, log("alertmanager"));

        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let simulator_url = format!("http://127.0.0.1:{simulator_port}");
        let fleet = normalise(&http, &simulator_url).await;
        until("Alertmanager to start", PATIENCE, async || {
            get(&http, &format!("http://127.0.0.1:{alertmanager_port}/-/ready"), &[]).await
        })
        .await;
        let exporter = start_exporter(exporter_port, &simulator_url, log("exporter"));
        let mut prometheus = command("prometheus", "prometheus");
        prometheus.arg(format!("--web.listen-address=127.0.0.1:{prometheus_port}")).arg("--log.level=warn");
        prometheus.arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()));
        prometheus.arg(format!("--storage.tsdb.path={}", dir.path().join("prometheus").display()));
        let stack = Self {
            _prometheus: Daemon::start(&prometheus, log("prometheus")),
            _alertmanager: alertmanager,
            exporter: Some(exporter),
            _simulator: simulator,
            exporter_port,
            prometheus: format!("http://127.0.0.1:{prometheus_port}"),
            simulator: simulator_url,
            http,
            received,
            beats,
            expected: 0,
            clients: fleet,
            dir,
        };
        let channels = clients * channels_per_client;
        stack
            .until_it_holds(&format!(
                r#"count(count_over_time(d360_channel_quality_rating{{rating="high"}}[1m]) > 3) == {channels}"#
            ))
            .await;
        stack
    }

    /// Changes fields of a channel in the simulator.
    pub(super) async fn patch_channel(&self, id: &str, fields: &Value) {
        self.control(reqwest::Method::PATCH, &format!("channels/{id}"), Some(fields)).await;
    }

    /// Asks the simulator's controls for something.
    pub(super) async fn control(&self, method: reqwest::Method, path: &str, body: Option<&Value>) {
        control(&self.http, &self.simulator, method, path, body).await;
    }

    /// Ends the exporter, in peace.
    pub(super) async fn stop_exporter(&mut self) {
        let status = self.exporter.take().expect("the exporter runs").stop().await;
        assert_eq!(status.code(), Some(0));
    }

    /// Starts the exporter again.
    pub(super) fn start_exporter(&mut self) {
        self.exporter = Some(start_exporter(self.exporter_port, &self.simulator, self.log("exporter")));
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }

    /// The address under which Prometheus knows the exporter.
    pub(super) fn instance(&self) -> String {
        format!("127.0.0.1:{}", self.exporter_port)
    }

    /// Prometheus' response to a query of its API.
    pub(super) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let response = get(&self.http, &format!("{}/api/v1/{path}", self.prometheus), query).await?;
        let response: Value = serde_json::from_str(&response).map_err(|e| e.to_string())?;
        if text(&response, "status") == "success" { Ok(response["data"].clone()) } else { Err(response.to_string()) }
    }

    /// The result of an expression now.
    pub(super) async fn query(&self, expr: &str) -> Result<Vec<Value>, String> {
        Ok(items(&self.ask("query", &[("query", expr)]).await?, "result").to_vec())
    }

    /// The value of an expression that returns one series.
    pub(super) async fn scalar(&self, expr: &str) -> String {
        let result = self.query(expr).await.unwrap();
        let [series] = result.as_slice() else { panic!("expected one series of {expr}, found {result:?}") };
        series["value"][1].as_str().unwrap().to_owned()
    }

    /// Waits until an expression returns something.
    pub(super) async fn until_it_holds(&self, expr: &str) {
        until(expr, PATIENCE, async || match self.query(expr).await {
            Ok(result) if result.is_empty() => Err("no result".to_owned()),
            other => other,
        })
        .await;
    }

    /// Every alert that fired in the last half hour, notified or not.
    pub(super) async fn fired(&self) -> Vec<String> {
        let all = r#"max by (alertname, client_id, channel_id) (
            max_over_time(ALERTS{alertname!="D360Watchdog", alertstate="firing"}[30m])
        )"#;
        let result = self.query(all).await.unwrap();
        let one = |series: &Value| {
            let labels = &series["metric"];
            let of = ["alertname", "client_id", "channel_id"].map(|label| text(labels, label));
            of.join(" ").trim_end().to_owned()
        };
        let mut fired: Vec<_> = result.iter().map(one).collect();
        fired.sort();
        fired
    }

    /// Waits for the next notifications, in any order; one that is not expected fails the test at once.
    pub(super) async fn notified(&mut self, mut expected: Vec<String>) {
        expected.sort();
        let news = || {
            let mut news = self.received.lock().unwrap()[self.expected..].to_vec();
            news.sort();
            news
        };
        until("notifications", PATIENCE, async || {
            let news = news();
            let surplus: Vec<_> = news.iter().filter(|line| !expected.contains(line)).collect();
            assert!(surplus.is_empty(), "expected {expected:#?}, also came {surplus:#?}");
            if news == expected { Ok(()) } else { Err(format!("expected {expected:#?}, came {news:#?}")) }
        })
        .await;
        self.expected += expected.len();
    }

    /// Waits for further heartbeats.
    pub(super) async fn beats(&self) {
        let before = self.beats.load(Ordering::Relaxed);
        until("a heartbeat", PATIENCE, async || {
            if self.beats.load(Ordering::Relaxed) > before { Ok(()) } else { Err(format!("still {before}")) }
        })
        .await;
    }

    /// Asserts that no notification came since the last that was expected.
    pub(super) fn silent(&self) {
        assert_eq!(self.received.lock().unwrap()[self.expected..], [""; 0]);
    }
}

/// Brings every channel and client of the simulator to a state in which nothing is wrong.
async fn normalise(http: &reqwest::Client, simulator: &str) -> Vec<Client> {
    let truth = until("the simulator to start", PATIENCE, async || {
        get(http, &format!("{simulator}/_simulator/truth"), &[]).await
    })
    .await;
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let mut clients = Vec::new();
    for client in items(&truth, "clients") {
        let id = text(client, "id").to_owned();
        let channels: Vec<_> = items(client, "channels").iter().map(|channel| text(channel, "id").to_owned()).collect();
        let path = format!("clients/{id}");
        control(http, simulator, reqwest::Method::PATCH, &path, Some(&json!({"max_channels": 10}))).await;
        for channel in &channels {
            let path = format!("channels/{channel}");
            control(http, simulator, reqwest::Method::PATCH, &path, Some(&healthy())).await;
        }
        clients.push(Client { id, channels });
    }
    clients
}

fn start_exporter(port: u16, simulator: &str, log: PathBuf) -> Daemon {
    let mut command = exporter();
    command.env("D360_API_KEY", "demo-key");
    command.args(["serve", "--partner.id", "examplePA", "--api.base-url", &format!("{simulator}/api/v2")]);
    // The default interval by the same transformation: what the rules say of age stays in proportion.
    command.args(["--poll.interval", "5s", "--poll.strategy", "per-client"]);
    // Quick enough for a cycle a second, whatever went wrong before.
    command.args(["--api.min-rate", "100/s", "--api.max-rate", "1000/s"]);
    command.args(["--web.listen-address", &format!("127.0.0.1:{port}")]);
    Daemon::start(&command, log)
}

/// The body of a successful response.
pub(super) async fn get(http: &reqwest::Client, url: &str, query: &[(&str, &str)]) -> Result<String, String> {
    let response = http.get(url).query(query).send().await.map_err(|e| format!("{url}: {e}"))?;
    let status = response.status();
    let body = response.text().await.map_err(|e| format!("{url}: {e}"))?;
    if status.is_success() { Ok(body) } else { Err(format!("{url}: {status}: {body}")) }
}

async fn control(http: &reqwest::Client, simulator: &str, method: reqwest::Method, path: &str, body: Option<&Value>) {
    let request = http.request(method, format!("{simulator}/_simulator/{path}"));
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
}
