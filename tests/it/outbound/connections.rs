//! Proxies, certificates, redirects, and the name that the API sees.

use d360_exporter::simulator::API_PREFIX;

use super::servers::{Noted, tls_in_front_of};
use crate::harness::{Api, Authority, Exporter, expected, fleet, metrics_of, wait_until};

const KEY: &str = "demo-key";

/// Failed requests for the client list of one reason.
async fn failures(exporter: &Exporter, reason: &str) -> f64 {
    let labels = [("endpoint", "clients"), ("reason", reason)];
    exporter.scrape().await.sum("d360_api_request_failures_total", &labels)
}

async fn until_failing(exporter: &Exporter, reason: &str) {
    wait_until(&format!("failures of reason {reason}"), async || {
        (failures(exporter, reason).await > 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_api_is_reached_through_the_proxy_of_the_environment_by_an_authority_of_ones_own() {
    let authority = Authority::new("company");
    let api = Api::start(fleet(2, 2)).await;
    let secure = tls_in_front_of(api.address(), &authority.issue(&["api.example"])).await;
    let proxy = Noted::tunnel(&secure).await;
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("company.pem");
    std::fs::write(&ca, authority.pem()).unwrap();

    let proxy_url = format!("http://{}", proxy.address());
    let base_url = format!("https://api.example{API_PREFIX}");
    let file = ("SSL_CERT_FILE", ca.to_str().unwrap());
    let directory = ("SSL_CERT_DIR", directory.path().to_str().unwrap());
    for trust in [file, directory] {
        let env = [("HTTPS_PROXY", proxy_url.as_str()), trust];
        let exporter = Exporter::start_with(&base_url, KEY, &[], &env).await;
        exporter.ready().await;
        assert_eq!(metrics_of(&exporter.scrape().await), expected(&api.truth().await));
        exporter.stop().await;
    }
    let heads = proxy.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with("CONNECT api.example:443 HTTP/1.1\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("x-api-key"), "{head}");
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_a_failure_and_sees_no_key() {
    let authority = Authority::new("stranger");
    let listening = Noted::responding("HTTP/1.1 500 no\r\n\r\n".to_owned()).await;
    let secure = tls_in_front_of(listening.address(), &authority.issue(&["127.0.0.1"])).await;
    let exporter = Exporter::start_with(&format!("https://{secure}{API_PREFIX}"), KEY, &[], &[]).await;
    let line = exporter.program.line_with("cannot list the clients").await;
    assert!(line.contains("reason=connect") && line.contains("UnknownIssuer"), "{line}");
    exporter.stop().await;
    assert_eq!(listening.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn no_proxy_keeps_an_address_away_from_the_proxy() {
    let authority = Authority::new("company");
    let api = Api::start(fleet(1, 1)).await;
    let secure = tls_in_front_of(api.address(), &authority.issue(&["127.0.0.1"])).await;
    let proxy = Noted::tunnel(&secure).await;
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("company.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let proxy_url = format!("http://{}", proxy.address());
    let base_url = format!("https://{secure}{API_PREFIX}");
    let mut env = vec![("HTTPS_PROXY", proxy_url.as_str()), ("SSL_CERT_FILE", ca.to_str().unwrap())];
    env.push(("NO_PROXY", "127.0.0.1"));
    let exporter = Exporter::start_with(&base_url, KEY, &[], &env).await;
    exporter.ready().await;
    exporter.stop().await;
    assert_eq!(proxy.heads(), Vec::<String>::new());

    env.pop();
    let exporter = Exporter::start_with(&base_url, KEY, &[], &env).await;
    exporter.ready().await;
    exporter.stop().await;
    assert_ne!(proxy.heads(), Vec::<String>::new(), "without NO_PROXY it goes there");
}

#[tokio::test]
async fn plain_http_stays_on_the_machine_whatever_the_environment_says_of_proxies() {
    let api = Api::start(fleet(1, 1)).await;
    let proxy = Noted::responding("HTTP/1.1 502 no\r\n\r\n".to_owned()).await;
    let proxy_url = format!("http://{}", proxy.address());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let exporter = Exporter::start_with(&api.base_url(), KEY, &[], &[(variable, &proxy_url)]).await;
        exporter.ready().await;
        exporter.stop().await;
    }
    assert_eq!(proxy.heads(), Vec::<String>::new(), "the key would be readable there");
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_takes_the_key_nowhere() {
    let elsewhere = Noted::responding("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_owned()).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let response = format!(
            "HTTP/1.1 {status}\r\nlocation: http://{}/api\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            elsewhere.address()
        );
        let api = Noted::responding(response).await;
        let exporter = Exporter::start_with(&format!("http://{}/api/v2", api.address()), KEY, &[], &[]).await;
        until_failing(&exporter, "redirect").await;
        exporter.stop().await;
        let head = api.heads().remove(0);
        assert!(head.contains("x-api-key: demo-key\r\n"), "{head}");
    }
    assert_eq!(elsewhere.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn requests_carry_the_exporters_user_agent() {
    let api = Noted::responding("HTTP/1.1 500 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()).await;
    let exporter = Exporter::start_with(&format!("http://{}/api/v2", api.address()), KEY, &[], &[]).await;
    until_failing(&exporter, "server_error").await;
    exporter.stop().await;
    let head = api.heads().remove(0);
    let user_agent = format!("user-agent: d360_exporter/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(head.contains(&user_agent), "{head}");
}
