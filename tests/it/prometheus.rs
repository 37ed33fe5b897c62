//! A real Prometheus scrapes the demo, and promtool reads `/metrics`.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::harness::{Api, Exporter, Program, expected, http_client, listening_on, tool, wait_until};

/// The demo with a fleet that stands still, and its simulator.
async fn demo() -> (Exporter, Api) {
    let program = Program::start(&["demo", "--incidents=0", "--web.listen-address=127.0.0.1:0"], &[]);
    let line = program.line_with("Simulator:").await;
    let address = line.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
    let exporter = Exporter::of(program).await;
    exporter.ready().await;
    (exporter, Api::at(&address))
}

/// Prometheus with a directory of its own, which ends with it.
struct Prometheus {
    program: Program,
    address: String,
    client: reqwest::Client,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    async fn scraping(target: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("prometheus.yml");
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: d360\n  static_configs:\n  - targets: ['{target}']\n"
        );
        std::fs::write(&file, config).unwrap();
        let mut command = tool("prometheus", "prometheus");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
        command.arg("--web.listen-address=127.0.0.1:0");
        let program = Program::spawn(command);
        let address = listening_on(&program).await;
        program.line_with("Server is ready").await;
        Self { program, address, client: http_client(), _directory: directory }
    }

    /// The result of an instant query: for each, the value of one label and the sample.
    async fn query(&self, query: &str, label: &str) -> Vec<(String, f64)> {
        let encoded: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let url = format!("http://{}/api/v1/query?{encoded}", self.address);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let response: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(response["status"], "success", "{text}");
        let mut result: Vec<_> = response["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let value = one["value"][1].as_str().unwrap().parse().unwrap();
                (one["metric"][label].as_str().unwrap_or_default().to_owned(), value)
            })
            .collect();
        result.sort_by(|a: &(String, f64), b| a.0.cmp(&b.0));
        result
    }
}

#[tokio::test]
async fn prometheus_scrapes_the_demo_and_has_its_true_values() {
    let (exporter, api) = demo().await;
    let prometheus = Prometheus::scraping(exporter.address()).await;
    let up = async || (prometheus.query("up", "job").await == [("d360".to_owned(), 1.0)]).then_some(());
    wait_until("a scrape", up).await;

    let truth = expected(&api.truth().await);
    for (family, label) in [
        ("d360_channel_availability_status", "status"),
        ("d360_channel_quality_rating", "rating"),
        ("d360_channel_status", "status"),
        ("d360_channel_hub_status", "status"),
        ("d360_client_status", "status"),
    ] {
        let mut sums = std::collections::BTreeMap::<String, f64>::new();
        for ((_, labels), value) in truth.iter().filter(|((name, _), _)| name == family) {
            let (_, state) = labels.iter().find(|(name, _)| name == label).unwrap();
            *sums.entry(state.clone()).or_default() += value;
        }
        let asked = prometheus.query(&format!("sum by ({label}) ({family})"), label).await;
        assert_eq!(asked, sums.into_iter().collect::<Vec<_>>(), "{family}");
    }
    let limits = truth.iter().filter(|((name, _), _)| name == "d360_channel_messaging_limit");
    let mut by_limit = std::collections::BTreeMap::<String, f64>::new();
    for (_, limit) in limits {
        *by_limit.entry(limit.to_string().replace("inf", "+Inf")).or_default() += 1.0;
    }
    let asked = prometheus.query("count_values(\"limit\", d360_channel_messaging_limit)", "limit").await;
    assert_eq!(asked, by_limit.into_iter().collect::<Vec<_>>());
    let names = prometheus.query("d360_client_info", "client_name").await;
    let mut expected: Vec<_> = truth
        .iter()
        .filter(|((name, _), _)| name == "d360_client_info")
        .map(|((_, labels), _)| (labels[2].1.clone(), 1.0))
        .collect();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(names, expected, "names of every script, and awkward ones");
    // Every series that is exposed is stored: nothing is dropped on the way.
    let stored = prometheus.query("count({__name__=~\"d360_cl.*|d360_cha.*\"})", "").await;
    let shown = exporter.scrape().await.series(|name| name.starts_with("d360_cl") || name.starts_with("d360_cha"));
    assert_eq!(stored, [(String::new(), shown.len() as f64)]);
    prometheus.program.stop().await;
    exporter.stop().await;
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_metrics() {
    let (exporter, api) = demo().await;
    let (_, channels) = api.ids().await.remove(0);
    api.patch_channel(&channels[0], serde_json::json!({"availability_status": "setting_up"})).await;
    let changed = |e: &crate::harness::Exposition| e.sum("d360_channel_transitions_total", &[]) > 0.0;
    exporter.until("a transition", changed).await;
    let body = exporter.text("/metrics").await;
    let mut command = tool("promtool", "prometheus");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(body.as_bytes()).await.unwrap();
    drop(stdin);
    let said = promtool.wait_with_output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!((said.status.code(), text.as_str()), (Some(0), ""));
    exporter.stop().await;
}
