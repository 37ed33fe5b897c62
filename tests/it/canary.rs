//! The API key gets out nowhere: not into a log line at trace level, not onto a
//! page, not into a metric or an error, whatever goes wrong.
//!
//! Here: faults of the API, of the network and of the configuration. Beside it:
//!
//! * [`echo`]: a server that repeats the key
//! * [`reload`]: configurations, good and bad, that are read while it runs
//! * [`panics`]: a task that dies with everything at hand
//! * [`people`]: the commands that a person runs
//!
//! Proxies, certificates and the web side are in `outbound/canaries.rs`.

mod echo;
mod panics;
mod people;
mod reload;

use d360_exporter::simulator::Options;
use serde_json::{Value, json};

use crate::harness::{Api, Exporter, Exposition, Program, fleet};

const CANARY: &str = "Canary7Key9InTheCoalMine";

/// A word of a proxy's URL, which is a secret too.
const PROXY_PASSWORD: &str = "Canary8Proxy3Password";

/// The ways in which the key could be written.
fn is_silent(text: &str, place: &str) {
    let base64 = "Q2FuYXJ5N0tleTlJblRoZUNvYWxNaW5l";
    let bytes: Vec<String> = CANARY.bytes().map(|byte| byte.to_string()).collect();
    for secret in [CANARY, base64, &bytes.join(", "), PROXY_PASSWORD] {
        let at = text.find(secret).map(|at| text[..at + secret.len()].chars().rev().take(300).collect::<String>());
        let line = at.map(|line| line.chars().rev().collect::<String>());
        assert_eq!(line, None, "a secret in {place}");
    }
}

async fn is_silent_everywhere(exporter: Exporter) {
    for path in ["/", "/metrics", "/config", "/-/healthy", "/-/ready", "/-/reload", "/style.css", "/nowhere"] {
        let openmetrics = "application/openmetrics-text;version=1.0.0";
        let response = exporter.get(path, &[("accept", openmetrics)]).await;
        is_silent(&format!("{:?}", response.headers()), path);
        is_silent(&response.text().await.unwrap(), path);
    }
    is_silent(&exporter.stop().await, "the log");
}

/// Faults that concern one client each, all at the same time.
fn faults_of_clients(ids: &[String]) -> Value {
    let faults = [
        json!({"kind": "server_error", "status": 500}),
        json!({"kind": "forbidden"}),
        json!({"kind": "not_found"}),
        json!({"kind": "hang"}),
        json!({"kind": "drip", "chunk": 1, "every_ms": 50}),
        json!({"kind": "truncated"}),
        json!({"kind": "html"}),
        json!({"kind": "not_json"}),
        json!({"kind": "empty_body"}),
        json!({"kind": "wrong_shape"}),
        json!({"kind": "redirect", "location": "http://127.0.0.1:9/elsewhere"}),
        json!({"kind": "huge_body", "mib": 40}),
        json!({"kind": "wrong_encoding"}),
        json!({"kind": "latency", "ms": 10}),
        json!({"kind": "duplicates"}),
        json!({"kind": "broken_item"}),
        json!({"kind": "unknown_values"}),
        json!({"kind": "nulls"}),
    ];
    let with_client = faults.into_iter().zip(ids).map(|(mut fault, id)| {
        fault["client_id"] = json!(id);
        fault
    });
    with_client.collect()
}

async fn under_every_fault(format: &str) {
    let api = Api::start(Options { api_key: CANARY.to_owned(), ..fleet(18, 2) }).await;
    let flags = ["--log.level=trace", format, "--api.timeout=1s", "--api.page-size=5"];
    let exporter = Exporter::start_with(&api.base_url(), CANARY, &flags, &[]).await;
    exporter.ready().await;
    let ids: Vec<String> = api.ids().await.into_iter().map(|(id, _)| id).collect();
    let failed = |e: &Exposition, reason: &str| e.sum("d360_api_request_failures_total", &[("reason", reason)]) > 0.0;

    api.faults(faults_of_clients(&ids)).await;
    let reasons = ["server_error", "forbidden", "not_found", "timeout", "connect", "decode", "redirect", "too_large"];
    exporter.until("a failure for every reason", |e| reasons.iter().all(|reason| failed(e, reason))).await;
    for fault in [
        json!({"kind": "repeated_page"}),
        json!({"kind": "shuffled_pages"}),
        json!({"kind": "overlapping_pages"}),
        json!({"kind": "wrong_total", "total": "many"}),
        json!({"kind": "short_list", "keep": 2}),
    ] {
        let asked = api.responses("clients").await;
        api.faults(json!([fault])).await;
        let again = async || (api.responses("clients").await > asked + 8).then_some(());
        crate::harness::wait_until("the list under a fault of paging", again).await;
    }
    api.faults(json!([{"kind": "rate_limited", "retry_after": 1, "times": 1}])).await;
    exporter.until("a 429", |e| failed(e, "rate_limited")).await;
    api.faults(json!([{"kind": "unauthorized"}])).await;
    exporter.until("a 401", |e| failed(e, "unauthorized")).await;
    // A key file that is read again and does not hold a key.
    exporter.write_key(&format!("{CANARY} {CANARY}"));
    exporter.program.line_with("cannot read the API key file").await;
    assert!(exporter.program.output().contains(&ids[1]), "the log is there");
    is_silent_everywhere(exporter).await;
}

#[tokio::test]
async fn the_key_gets_out_nowhere_under_every_fault_with_logfmt() {
    under_every_fault("--log.format=logfmt").await;
}

#[tokio::test]
async fn the_key_gets_out_nowhere_under_every_fault_with_json() {
    under_every_fault("--log.format=json").await;
}

#[tokio::test]
async fn the_key_gets_out_nowhere_when_there_is_no_tls_at_the_other_end_or_nobody() {
    let plain = Api::start(fleet(1, 1)).await;
    for base_url in [format!("https://{}/api/v2", plain.address()), "http://127.0.0.1:9/api/v2".to_owned()] {
        let exporter = Exporter::start_with(&base_url, CANARY, &["--log.level=trace"], &[]).await;
        let failed = |e: &Exposition| e.sum("d360_api_request_failures_total", &[("reason", "connect")]) > 0.0;
        exporter.until("a failed connection", failed).await;
        exporter.program.line_with("cannot list the clients").await;
        is_silent_everywhere(exporter).await;
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_proxy_with_a_password_get_out_nowhere() {
    let api = Api::start(fleet(1, 1)).await;
    let proxy = format!("http://user:{PROXY_PASSWORD}@127.0.0.1:9");
    let proxied =
        [("HTTP_PROXY", proxy.as_str()), ("http_proxy", &proxy), ("ALL_PROXY", &proxy), ("HTTPS_PROXY", &proxy)];
    // Plain http does not leave the machine, so that only https goes to a proxy.
    let (direct, elsewhere) = (api.base_url(), "https://hub.example.invalid/api/v2");
    for (url, env, reason) in [(&*direct, &[][..], "unauthorized"), (elsewhere, &proxied[..], "connect")] {
        let exporter = Exporter::start_with(url, CANARY, &["--log.level=trace"], env).await;
        let failed = |e: &Exposition| e.sum("d360_api_request_failures_total", &[("reason", reason)]) > 0.0;
        exporter.until(reason, failed).await;
        exporter.program.line_with("cannot list the clients").await;
        is_silent_everywhere(exporter).await;
    }
}

#[tokio::test]
async fn errors_about_the_key_do_not_show_it() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let two_keys = write("two", &format!("{CANARY}\n{CANARY}\n"));
    let pasted = write("config.yml", &format!("partners:\n- id: p\n  api_key: {CANARY}\n"));
    let as_a_path = write("path.yml", &format!("partners:\n- id: p\n  api_key_file: [{CANARY}]\n"));
    let partner = "--partner.id=p";
    let with_space = format!("{CANARY} x");
    for (args, env) in [
        (vec![partner, "--partner.api-key-file", &two_keys], vec![]),
        (vec!["--config.file", &pasted], vec![]),
        (vec!["--config.file", &as_a_path], vec![]),
        (vec![partner], vec![("D360_API_KEY", with_space.as_str())]),
    ] {
        for command in ["serve", "check"] {
            let (code, output) = Program::start(&[&[command], &args[..]].concat(), &env).end().await;
            assert_eq!(code, Some(2), "{args:?}: {output}");
            is_silent(&output, &format!("{command} {args:?}"));
        }
    }
}
