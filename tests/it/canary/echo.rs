//! The API, or a proxy before it, repeats the key in what it sends, in many ways.

use d360_exporter::simulator::Options;
use serde_json::json;

use super::CANARY;
use crate::harness::{Api, Exporter, fleet};

/// The key as a server may write it, and `user:key`, both in base64.
const BASE64: [&str; 2] = ["Q2FuYXJ5N0tleTlJblRoZUNvYWxNaW5l", "dXNlcjpDYW5hcnk3S2V5OUluVGhlQ29hbE1pbmU="];

fn percent_encoded() -> String {
    CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn forms() -> Vec<String> {
    let mut forms = vec![
        CANARY.to_owned(),
        CANARY.to_uppercase(),
        CANARY.replace("InThe", "\r\nInThe"),
        CANARY.replace("InThe", "\u{7}In\u{200b}The\u{202e}"),
        CANARY.replace("InThe", "%0aInThe"),
        percent_encoded(),
    ];
    forms.extend(BASE64.map(str::to_owned));
    forms
}

/// Looks for the key by another way than the program does.
fn assert_silent(text: &str, place: &str) {
    // Escapes of control characters, in JSON, logfmt and HTML, are taken out with them.
    let escapes = regex_lite::Regex::new(r"\\u[0-9a-fA-F]{4}|\\[nrt]|%0[aAdD]|&#x?[0-9a-fA-F]+;").unwrap();
    let plain: String = escapes.replace_all(text, "").chars().filter(char::is_ascii_graphic).collect();
    let lower = plain.to_lowercase();
    let whole = [CANARY.to_lowercase(), percent_encoded().to_lowercase(), BASE64[0].to_lowercase()];
    // Behind `user:` this is what base64 makes of the key's middle.
    for secret in whole.iter().map(String::as_str).chain(["hcnk3S2V5OUluVGhlQ29hbE1pb"]) {
        let at = lower.find(&secret.to_lowercase());
        assert_eq!(at.map(|at| &lower[at.saturating_sub(200)..at]), None, "{secret} in {place}");
    }
}

#[tokio::test]
async fn a_key_that_the_api_repeats_is_redacted_in_logs_metrics_pages_and_the_state_file() {
    let forms = forms();
    let api = Api::start(Options { api_key: CANARY.to_owned(), ..fleet(forms.len(), 2) }).await;
    for ((client, channels), form) in api.ids().await.into_iter().zip(&forms) {
        api.patch_client(&client, json!({ "name": form, "status": form, "organisation": form })).await;
        let names = json!({ "setup_info": { "phone_name": form, "phone_number": form }, "last_quality_event": form });
        api.patch_channel(&channels[0], names).await;
        let enums = ["availability_status", "current_quality_rating", "current_limit", "status", "hub_status"];
        for field in enums {
            api.patch_channel(&channels[1], json!({ field: form })).await;
        }
    }
    let (client, _) = api.ids().await.remove(0);
    api.put_channel(CANARY, json!({ "client_id": client })).await;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    for format in ["--log.format=logfmt", "--log.format=json"] {
        let flags = [&format!("--state.file={}", state.display()), format, "--log.level=trace"];
        let exporter = Exporter::start_with(&api.base_url(), CANARY, &flags, &[]).await;
        exporter.ready().await;
        exporter.cycles(1).await;
        let metrics = exporter.text("/metrics").await;
        assert!(metrics.contains("client_name=\"[redacted]\""), "{metrics}");
        assert!(metrics.contains("channel_id=\"[redacted]\""), "{metrics}");
        for path in ["/metrics", "/", "/?q=redacted", "/config"] {
            assert_silent(&exporter.text(path).await, path);
        }
        let output = exporter.stop().await;
        assert!(output.contains("[redacted]"), "{output}");
        assert_silent(&output, "the log");
        assert_silent(&std::fs::read_to_string(&state).unwrap(), "the state file");
    }
}
