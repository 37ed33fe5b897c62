//! The log as a person reads it: it works, trouble begins, trouble is over.

use serde_json::{Value, json};

use crate::harness::{Api, Exporter, fleet};

/// The log without what differs from run to run, and without the line of the
/// listener, which may come before or after the first of the poller.
fn normalised(log: &str) -> String {
    let patterns = [
        (r"time=\S+ ", ""),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\brevision=\S+", "revision=REVISION"),
        (r"(?m)^level=INFO msg=listening .*\n", ""),
        (r"(?m)^.* the key file .*\n", ""),
        (r"\bversion=\S+", "version=VERSION"),
        (r"\b(seconds|requests_per_second)=[0-9.e-]+", "$1=N"),
        (r"\blasted=(\d+\w+)", "lasted=TIME"),
    ];
    patterns.iter().fold(log.to_owned(), |log, (pattern, to)| {
        regex_lite::Regex::new(pattern).unwrap().replace_all(&log, *to).into_owned()
    })
}

#[tokio::test]
async fn a_start_with_a_healthy_api_is_a_few_lines_and_the_cycles_after_it_are_none() {
    let api = Api::start(fleet(3, 2)).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=bulk"]).await;
    exporter.cycles(5).await;
    insta::assert_snapshot!(normalised(&exporter.stop().await));
}

#[tokio::test]
async fn an_outage_is_one_line_when_it_begins_and_one_when_it_is_over() {
    let api = Api::start(fleet(30, 2)).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=bulk"]).await;
    exporter.cycles(2).await;
    let lists = api.responses("clients").await;
    api.faults(json!([{"kind": "server_error", "status": 500}])).await;
    exporter.program.line_with("cannot list the clients").await;
    exporter
        .until("an outage of several cycles", |scrape| {
            scrape.sum("d360_api_request_failures_total", &[("endpoint", "clients")]) >= 9.0
        })
        .await;
    assert!(api.responses("clients").await > lists);
    api.heal().await;
    exporter.program.line_with("the clients can be listed again").await;
    exporter.cycles(2).await;
    let log = normalised(&exporter.stop().await);
    // Whether a bulk read meets the outage before the client list does is chance.
    let (bulk, rest): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.contains("the partner's channel list"));
    assert!(bulk.len() <= 2, "{log}");
    insta::assert_snapshot!(rest.join("\n"));
}

#[tokio::test]
async fn an_outage_of_many_clients_names_the_first_three_only() {
    let api = Api::start(fleet(40, 1)).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.cycles(2).await;
    let healthy = exporter.program.output().lines().count();
    api.faults(json!([{"kind": "server_error", "status": 500, "operation": "client_channels"}])).await;
    exporter.program.line_with("cannot read the channels of more clients").await;
    exporter
        .until("clients that fail again and again", |scrape| {
            scrape.sum("d360_api_request_failures_total", &[("endpoint", "client_channels")]) >= 200.0
        })
        .await;
    api.heal().await;
    exporter.program.line_with("the channels of all clients can be read again").await;
    let log = exporter.stop().await;
    let outage: Vec<_> = log.lines().skip(healthy).filter(|line| !line.contains("stop")).collect();
    assert!(outage.len() <= 10, "expected at most ten lines, found {}:\n{log}", outage.len());
}

#[tokio::test]
async fn one_client_that_fails_is_one_line_when_it_begins_and_one_when_it_is_over() {
    let api = Api::start(fleet(3, 2)).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.cycles(2).await;
    let (client, _) = api.ids().await.swap_remove(1);
    api.faults(json!([{"kind": "forbidden", "operation": "client_channels", "client_id": client}])).await;
    exporter.program.line_with("cannot read the client's channels").await;
    exporter
        .until("a client that fails in several cycles", |scrape| {
            scrape.sum("d360_api_request_failures_total", &[("endpoint", "client_channels")]) >= 4.0
        })
        .await;
    api.heal().await;
    exporter.program.line_with("the client's channels can be read again").await;
    insta::assert_snapshot!(normalised(&exporter.stop().await).replace(&client, "CLIENT"));
}
#[tokio::test]
async fn the_log_says_that_it_works_when_trouble_begins_and_how_long_it_lasted() {
    let api = Api::start(fleet(3, 2)).await;
    let exporter = Exporter::start(&api, &[]).await;
    let works = exporter.program.line_with("first cycle done").await;
    let shape = regex_lite::Regex::new(
        r#"^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO msg="first cycle done, all clients were tried" partner=examplePA clients=3 channels=6 unreadable_clients=0 seconds=[0-9.]+ strategy=(bulk|per_client)$"#,
    )
    .unwrap();
    assert!(shape.is_match(&works), "{works}");

    api.faults(json!([{"kind": "unauthorized"}])).await;
    let begins = exporter.program.line_with("cannot list the clients: the API rejects the key (401)").await;
    assert!(begins.contains("level=ERROR") && begins.contains("remedy=\"create a new Partner API key"), "{begins}");
    api.heal().await;
    exporter.write_key("demo-key");
    let over = exporter.program.line_with("the clients can be listed again").await;
    assert!(over.contains("level=INFO") && over.contains("lasted="), "{over}");
    let output = exporter.stop().await;
    let times = |part: &str| output.lines().filter(|line| line.contains(part)).count();
    assert_eq!(times("remedy="), 1, "trouble is logged once:\n{output}");
    assert_eq!(times("first cycle done"), 1, "{output}");
}

#[tokio::test]
async fn json_has_the_same_keys_and_no_names_of_modules() {
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start(&api, &["--log.format=json"]).await;
    exporter.program.line_with("first cycle done").await;
    let output = exporter.stop().await;
    assert!(!output.contains("d360_exporter::"), "{output}");
    for line in output.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"));
        for key in ["time", "level", "msg"] {
            assert!(line[key].is_string(), "{key} in {line}");
        }
    }
}
