//! The log as a person reads it: it works, trouble begins, trouble is over.

use serde_json::{Value, json};

use crate::harness::{Api, Exporter, fleet};

#[tokio::test]
async fn the_log_says_that_it_works_when_trouble_begins_and_how_long_it_lasted() {
    let api = Api::start(fleet(3, 2)).await;
    let exporter = Exporter::start(&api, &[]).await;
    let works = exporter.program.line_with("first cycle done").await;
    let shape = regex_lite::Regex::new(
        r#"^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO msg="first cycle done, all clients were tried" partner=examplePA clients=3 channels=6 unreadable_clients=0 seconds=[0-9.]+$"#,
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
