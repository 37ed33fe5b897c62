//! Secrets, and a log of everything while connections fail.

use d360_exporter::simulator::API_PREFIX;

use super::servers::{Noted, tls_in_front_of};
use crate::harness::{Api, Authority, Exporter, fleet, wait_until};
use crate::web_config::{Directory, HASH, TLS, client};

const KEY: &str = "canary-api-key";
const TRACE: &[&str] = &["--log.level=trace"];

/// Runs an exporter until a request failed for this reason, and returns its log
/// of everything with the pages that it shows.
async fn failing(base_url: &str, env: &[(&str, &str)], reason: &str) -> String {
    let exporter = Exporter::start_with(base_url, KEY, TRACE, env).await;
    // Retries are over when the line comes: it is the error as a person sees it.
    let line = exporter.program.line_with("cannot list the clients").await;
    assert!(line.contains(&format!("reason={reason}")), "{line}");
    let mut all = exporter.text("/metrics").await;
    for page in ["/", "/config"] {
        all.push_str(&exporter.text(page).await);
    }
    all.push_str(&exporter.stop().await);
    all
}

fn assert_silent(output: &str, canaries: &[&str]) {
    for canary in canaries {
        if let Some(line) = output.lines().find(|line| line.contains(canary)) {
            panic!("expected {canary} nowhere, found it in: {line}");
        }
    }
}

#[tokio::test]
async fn tls_failures_show_no_key() {
    let authority = Authority::new("company");
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("company.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let trusted = [("SSL_CERT_FILE", ca.to_str().unwrap())];
    let api = Api::start(fleet(1, 1)).await;

    // Of an authority that nobody knows, for another name, and no TLS at all.
    let unknown = tls_in_front_of(api.address(), &Authority::new("stranger").issue(&["127.0.0.1"])).await;
    let misnamed = tls_in_front_of(api.address(), &authority.issue(&["api.example"])).await;
    for address in [unknown.as_str(), misnamed.as_str(), api.address()] {
        let output = failing(&format!("https://{address}{API_PREFIX}"), &trusted, "connect").await;
        assert_silent(&output, &[KEY]);
    }
    // Through TLS, the key arrives and is refused.
    let secure = tls_in_front_of(api.address(), &authority.issue(&["127.0.0.1"])).await;
    let output = failing(&format!("https://{secure}{API_PREFIX}"), &trusted, "unauthorized").await;
    assert_silent(&output, &[KEY]);
}

#[tokio::test]
async fn proxy_failures_show_neither_the_key_nor_the_password_of_the_proxy() {
    // `user:canary-proxy` in base64, as the header carries it.
    let canaries = [KEY, "canary-proxy", "dXNlcjpjYW5hcnktcHJveHk="];
    let refusing =
        Noted::responding("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let broken = Noted::responding("what?\r\n\r\n".to_owned()).await;
    let gone = Noted::responding(String::new()).await;
    for proxy in [&refusing, &broken, &gone] {
        let url = format!("http://user:canary-proxy@{}", proxy.address());
        let output = failing(&format!("https://api.example{API_PREFIX}"), &[("HTTPS_PROXY", &url)], "connect").await;
        assert_silent(&output, &canaries);
        let head = proxy.heads().remove(0);
        assert!(head.contains("dXNlcjpjYW5hcnktcHJveHk="), "the proxy has it: {head}");
    }
}

#[tokio::test]
async fn the_web_side_shows_no_password_no_hash_and_no_private_key() {
    let directory = Directory::new();
    let pair = directory.authority.issue(&["127.0.0.1"]);
    let indented = |pem: &str| pem.trim_end().replace('\n', "\n    ");
    let inline = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n  client_ca_file: ca.crt\n  client_auth_type: VerifyClientCertIfGiven\n\
         basic_auth_users:\n  alice: {HASH}\n",
        indented(&pair.certificate),
        indented(&pair.key)
    );
    let api = Api::start(fleet(1, 1)).await;
    let exporter = directory.serve_with(&api, &inline, TRACE).await;
    let trusting = client(directory.authority.pem(), None);
    let url = |path: &str| format!("https://{}{path}", exporter.address());
    let ask = async |user: &str, password: &str, path: &str| {
        trusting.get(url(path)).basic_auth(user, Some(password)).send().await.unwrap().text().await.unwrap()
    };
    let mut all = String::new();
    for path in ["/", "/config", "/metrics"] {
        for (user, password) in [("alice", "Secret1"), ("alice", "canary-wrong"), ("bob", "canary-wrong")] {
            all.push_str(&ask(user, password, path).await);
        }
    }
    // Clients that do not trust it, are not trusted by it, or do not speak TLS.
    let stranger = Authority::new("stranger");
    let shown = stranger.issue(&["scraper.example"]);
    for failing in [client(stranger.pem(), None), client(directory.authority.pem(), Some(&shown))] {
        assert!(failing.get(url("/")).send().await.is_err());
    }
    let plain = trusting.get(format!("http://{}/", exporter.address())).send().await.unwrap();
    assert_eq!(plain.status(), 400);
    // A file that is broken later, at the key and at the password.
    let canary = "canary-in-a-key";
    for broken in [
        inline.replace("-----BEGIN PRIVATE KEY-----", canary),
        inline.replace(HASH, "canary-in-a-hash"),
        inline.replace("basic_auth_users:\n  alice:", "basic_auth_users:"),
        format!("{TLS}  key: {canary}\n"),
    ] {
        let before = exporter.program.lines_with("not in force").len();
        directory.write("web.yml", &broken);
        wait_until("a line about the broken file", async || {
            all.push_str(&ask("alice", "Secret1", "/config").await);
            (exporter.program.lines_with("not in force").len() > before).then_some(())
        })
        .await;
    }
    all.push_str(&exporter.stop().await);
    let key_lines: Vec<&str> = pair.key.lines().filter(|line| !line.starts_with("---")).collect();
    assert_silent(&all, &key_lines);
    // `alice:Secret1` and `alice:canary-wrong` in base64, too.
    assert_silent(&all, &["Secret1", "canary", HASH, &HASH[29..], "YWxpY2U6U2VjcmV0MQ", "YWxpY2U6Y2FuYXJ5"]);
}
