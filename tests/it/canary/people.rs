//! The commands that a person runs, at their loudest, when requests fail.

use futures_util::future::join_all;
use serde_json::json;

use super::{CANARY, is_silent};
use crate::harness::{Api, Program, fleet};

const COMMANDS: &[&[&str]] = &[
    &["check", "--live"],
    &["clients", "list"],
    &["clients", "list", "--output=json"],
    &["clients", "update", "abcCL", "--max-channels=3", "--yes"],
    &["channels", "list"],
    &["channels", "list", "--client=abcCL"],
];

/// Runs all commands against an API, and checks that each of them fails and says
/// why.
async fn fail_without_the_key(base_url: &str, why: &str) {
    let env = [
        ("D360_PARTNER_ID", "examplePA"),
        ("D360_API_KEY", CANARY),
        ("D360_API_BASE_URL", base_url),
        ("D360_API_MIN_RATE", "1000/s"),
        ("D360_API_MAX_RATE", "1000/s"),
    ];
    join_all(COMMANDS.iter().map(async |command| {
        let (code, output) = Program::start(&[command, &["--log.level=trace"][..]].concat(), &env).end().await;
        assert!(
            code == Some(1) && output.contains(why),
            "{command:?}: expected a failure for {why:?}, found:\n{output}"
        );
        is_silent(&output, &format!("{command:?} at {base_url}"));
    }))
    .await;
}

#[tokio::test]
async fn commands_show_no_key_when_it_is_refused() {
    let api = Api::start(fleet(1, 1)).await;
    fail_without_the_key(&api.base_url(), "the key is refused").await;
}

#[tokio::test]
async fn commands_show_no_key_when_the_connection_fails() {
    let api = Api::start(fleet(1, 1)).await;
    for url in ["http://127.0.0.1:9/api/v2".to_owned(), format!("https://{}/api/v2", api.address())] {
        fail_without_the_key(&url, "the connection failed or broke").await;
    }
}

#[tokio::test]
async fn commands_show_no_key_when_the_response_is_unusable() {
    let api = Api::start(d360_exporter::simulator::Options { api_key: CANARY.to_owned(), ..fleet(1, 1) }).await;
    api.faults(json!([{"kind": "html"}])).await;
    fail_without_the_key(&api.base_url(), "expected JSON, found markup").await;
}
