//! What each receiver of `rules/alertmanager.yml` gets: the shipped configuration and templates in a real Alertmanager that
//! sends to receivers of the test. Every notification is compared whole with a file, which the README shows.
//!
//! `UPDATE_DOCS=1` writes the files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use regex_lite::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::daemon::{Daemon, free_port, until};
use super::files::{Rule, alerts, list, path, read};
use super::programs::command;
use super::stack::{PATIENCE, get};

/// What came, by receiver.
type Received = Arc<Mutex<BTreeMap<String, String>>>;

/// Writes down a notification under what got it and what its title begins with.
fn keep(received: &Received, kind: &str, extension: &str, text: String) {
    let title = Regex::new("(RESOLVED|CRITICAL|WARNING|INFO): ").unwrap();
    let about = title.captures(&text).map(|found| format!("-{}", found[1].to_lowercase())).unwrap_or_default();
    received.lock().unwrap().insert(format!("{kind}{about}.{extension}"), text);
}

/// Takes the JSON that Slack, `PagerDuty` and webhooks get.
async fn take(State(received): State<Received>, uri: Uri, body: Bytes) -> &'static str {
    let json: Value = serde_json::from_slice(&body).unwrap();
    // What Alertmanager itself sends has no title.
    let kind = match json["status"].as_str() {
        Some(status) => format!("{}-{status}", uri.path().trim_start_matches('/')),
        None => uri.path().trim_start_matches('/').to_owned(),
    };
    keep(&received, &kind, "json", serde_json::to_string_pretty(&json).unwrap() + "\n");
    "ok"
}

/// A mail with its headers sorted, as Alertmanager sends them in any order.
fn in_order(mail: &str) -> String {
    let (headers, body) = mail.split_once("\n\n").unwrap();
    let mut headers: Vec<_> = headers.lines().collect();
    headers.sort_unstable();
    format!("{}\n\n{body}", headers.join("\n"))
}

/// Speaks as much SMTP as Alertmanager does, and keeps each mail, those to Teams apart.
async fn mail(stream: TcpStream, received: Received) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut recipient, mut line) = ("", String::new());
    stream.write_all(b"220 test ESMTP\r\n").await?;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.split([' ', ':', '\r']).next().unwrap_or_default() {
            "RCPT" => {
                recipient = if line.contains("@teams.") { "teams" } else { "mail" };
                b"250 ok\r\n"
            }
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.write_all(reply).await?;
        if line.starts_with("DATA") {
            let mut text = String::new();
            loop {
                line.clear();
                stream.read_line(&mut line).await?;
                if line == ".\r\n" {
                    break;
                }
                text.push_str(&line);
            }
            keep(&received, recipient, "txt", in_order(&text.replace("\r\n", "\n").replace("=\n", "")));
            stream.write_all(b"250 ok\r\n").await?;
        }
    }
}

/// The shipped configuration with other addresses, sent without waiting.
fn configuration(web: u16, smtp: u16) -> String {
    let mut config = read("rules/alertmanager.yml");
    for (shipped, ours) in [
        ("127.0.0.1:5001", format!("127.0.0.1:{web}")),
        ("127.0.0.1:5025", format!("127.0.0.1:{smtp}")),
        ("      - routing_key:", format!("      - url: http://127.0.0.1:{web}/pagerduty\n        routing_key:")),
        ("group_wait: 30s", "group_wait: 3s".to_owned()),
        ("group_wait: 10m", "group_wait: 3s".to_owned()),
        ("group_interval: 5m", "group_interval: 3s".to_owned()),
    ] {
        assert!(config.contains(shipped), "expected {shipped}");
        config = config.replace(shipped, &ours);
    }
    config
}

/// An alert as Prometheus sends it, with the texts of the rules where the template needs no more than names.
fn alert(rules: &[Rule], name: &str, labels: &Value, names: &[(&str, &str)]) -> Value {
    let rule = rules.iter().find(|rule| rule.name() == name).unwrap_or_else(|| panic!("no alert {name}"));
    let mut all = labels.clone();
    all["alertname"] = json!(name);
    all["severity"] = json!(rule.labels["severity"]);
    let say = |template: &str| {
        let mut text = template.to_owned();
        for (from, to) in names {
            text = text.replace(from, to);
        }
        for (label, value) in labels.as_object().unwrap() {
            let plain = format!("{{{{ $labels.{label} }}}}");
            let query = format!("{{{{ $labels.{label} | urlquery }}}}");
            text = text.replace(&plain, value.as_str().unwrap()).replace(&query, value.as_str().unwrap());
        }
        assert!(!text.contains("{{"), "{name}: {text}");
        text
    };
    let annotations: BTreeMap<_, _> = rule.annotations.iter().map(|(key, value)| (key.clone(), say(value))).collect();
    json!({"labels": all, "annotations": annotations, "generatorURL": "http://prometheus.example/"})
}

/// What the templates of a rule say of two channels of a bakery.
fn bakery() -> Vec<Value> {
    let rules = alerts();
    let who = "{{ with $labels.phone_number }}{{ if match \"^[0-9]+$\" . }}+{{ end }}{{ . }}{{ else }}{{ $labels.channel_id }}{{ end }}";
    let client = "{{ with $labels.client_name }}{{ . }}{{ else }}{{ $labels.client_id }}{{ end }}";
    let shown = "{{ with $labels.display_name }} \"{{ . }}\"{{ end }}";
    let named = "{{ with $labels.client_name }} \"{{ . }}\"{{ end }}";
    let channel = |name: &str, id: &str, number: &str, display: &str, more: &[(&str, &str)]| {
        let labels = json!({"partner_id": "examplePA", "client_id": "aaa111CL", "channel_id": id, "waba_account_id": "wa1WA", "business_id": "bm1", "cluster": "production"});
        let display = format!(" \"{display}\"");
        let mut names = vec![(who, number), (client, "Bakery One"), (shown, &*display), (named, " \"Bakery One\"")];
        names.extend(more);
        alert(&rules, name, &labels, &names)
    };
    let fell = [("{{ $labels.from }}", "high"), ("{{ $labels.to }}", "medium")];
    vec![
        channel("D360ChannelError", "ch1CH", "+4930000001", "Bakery & Café", &[]),
        channel("D360ChannelError", "ch2CH", "+4930000002", "Bakery <b>Two</b>", &[]),
        channel("D360ChannelQualityDropped", "ch3CH", "+4930000003", "Bakery Three", &fell),
        channel("D360ChannelCancelled", "ch4CH", "+4930000004", "Bakery Four", &[]),
        alert(&rules, "D360Watchdog", &json!({"partner_id": "examplePA", "cluster": "production"}), &[]),
    ]
}

/// What changes from run to run.
fn settled(text: &str) -> String {
    let mut text = text.to_owned();
    for (changing, settled) in [
        (r"http://127\.0\.0\.1:\d+", "http://alertmanager.example"),
        (r"(?m)^Message-Id: .*$", "Message-Id: <id>"),
        (r"(?m)^Date: .*$", "Date: today"),
        (r"[0-9a-f]{60}", "boundary"),
        (r#""(startsAt|endsAt)": "2[^"]*""#, r#""$1": "time""#),
        (r#""(dedup_key|fingerprint)": "[^"]*""#, r#""$1": "hash""#),
    ] {
        text = Regex::new(changing).unwrap().replace_all(&text, settled).into_owned();
    }
    text
}

#[tokio::test]
async fn every_receiver_gets_the_text_that_is_written_down_for_it() {
    d360_exporter::install_crypto_provider();
    let (dir, received) = (TempDir::new().unwrap(), Received::default());
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = configuration(web.local_addr().unwrap().port(), smtp.local_addr().unwrap().port());
    let router = Router::new().fallback(take).with_state(received.clone());
    tokio::spawn(async move {
        let server = axum_server::from_tcp(web.into_std().unwrap()).unwrap();
        server.serve(router.into_make_service()).await.unwrap();
    });
    let mails = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = smtp.accept().await {
            tokio::spawn(mail(stream, mails.clone()));
        }
    });

    std::fs::write(dir.path().join("alertmanager.yml"), config).unwrap();
    std::fs::copy(path("rules/d360.tmpl"), dir.path().join("d360.tmpl")).unwrap();
    let port = free_port();
    let mut alertmanager = command("prometheus-alertmanager", "prometheus-alertmanager");
    alertmanager.arg("--cluster.listen-address=").arg(format!("--web.listen-address=127.0.0.1:{port}"));
    alertmanager.arg(format!("--config.file={}", dir.path().join("alertmanager.yml").display()));
    alertmanager.arg(format!("--storage.path={}", dir.path().join("data").display()));
    alertmanager.arg(format!("--web.external-url=http://127.0.0.1:{port}"));
    let _alertmanager = Daemon::start(&alertmanager, dir.path().join("alertmanager.log"));
    let (http, url) = (reqwest::Client::builder().no_proxy().build().unwrap(), format!("http://127.0.0.1:{port}"));
    until("Alertmanager to start", PATIENCE, async || get(&http, &format!("{url}/-/ready"), &[]).await).await;
    let mut bakery = bakery();
    let send = async |alerts: &[Value]| {
        let body = Value::Array(alerts.to_vec()).to_string();
        let sent = http.post(format!("{url}/api/v2/alerts")).header("Content-Type", "application/json").body(body);
        assert!(sent.send().await.unwrap().status().is_success());
    };
    send(&bakery).await;
    let came = || received.lock().unwrap().keys().cloned().collect::<Vec<_>>();
    let arrived = async |expected: &[&str]| {
        let all = || expected.iter().all(|name| came().iter().any(|came| came == name));
        until("notifications", PATIENCE, async || if all() { Ok(()) } else { Err(format!("{:?}", came())) }).await;
    };
    let firing = ["alerts-firing.json", "mail-info.txt", "pagerduty-critical.json", "slack-critical.json"];
    arrived(&firing).await;
    arrived(&["heartbeat-firing.json", "slack-warning.json", "teams-critical.txt", "teams-warning.txt"]).await;

    // Both channels of the page are repaired.
    for repaired in bakery.iter_mut().take(2) {
        repaired["endsAt"] = json!(d360_exporter::clock::Clock::system().now().to_string());
    }
    send(&bakery[..2]).await;
    arrived(&["alerts-resolved.json", "pagerduty-resolved.json", "slack-resolved.json", "teams-resolved.txt"]).await;

    let written: Vec<_> = list("rules/tests/notifications", "").iter().map(|file| file[26..].to_owned()).collect();
    for (name, text) in received.lock().unwrap().iter() {
        let (file, text) = (path(&format!("rules/tests/notifications/{name}")), settled(text));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), text, "{name}");
    }
    assert_eq!(came(), written);
}

#[test]
fn the_readme_shows_what_slack_pagerduty_and_a_mail_say() {
    let readme = read("rules/README.md");
    let slack: Value = serde_json::from_str(&read("rules/tests/notifications/slack-critical.json")).unwrap();
    let attachment = &slack["attachments"][0];
    for shown in [&attachment["title"], &attachment["text"]] {
        assert!(readme.contains(shown.as_str().unwrap()), "expected in the README: {shown}");
    }
    let pages: Value = serde_json::from_str(&read("rules/tests/notifications/pagerduty-critical.json")).unwrap();
    assert!(readme.contains(pages["payload"]["summary"].as_str().unwrap()));
    let mail = read("rules/tests/notifications/mail-info.txt");
    let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    assert!(readme.contains(subject), "expected in the README: {subject}");
}
