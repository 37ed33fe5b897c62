//! Who is let in, and what each request gets.

use reqwest::{Client, StatusCode};

use super::{Directory, HASH, status};
use crate::harness::{Exporter, http_client, wait_until};

async fn get(client: &Client, exporter: &Exporter, path: &str, user: Option<(&str, &str)>) -> reqwest::Response {
    let request = client.get(format!("http://{}{path}", exporter.address()));
    let request = match user {
        Some((user, password)) => request.basic_auth(user, Some(password)),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn everything_is_behind_the_password() {
    let directory = Directory::new();
    let exporter = directory.serve(&format!("basic_auth_users:\n  alice: {HASH}\n")).await;
    let client = http_client();
    let paths = ["/", "/metrics", "/config", "/style.css", "/-/healthy", "/healthz", "/livez", "/nothing", "/-/reload"];
    for path in paths {
        let refused = get(&client, &exporter, path, None).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(refused.headers()["www-authenticate"], "Basic", "{path}");
        assert_eq!(refused.text().await.unwrap(), "unauthorized\n", "{path}");
        for user in [("alice", "Secret2"), ("bob", "Secret1"), ("", "")] {
            let refused = get(&client, &exporter, path, Some(user)).await;
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        let let_in = get(&client, &exporter, path, Some(("alice", "Secret1"))).await;
        assert_ne!(let_in.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let metrics = get(&client, &exporter, "/metrics", Some(("alice", "Secret1"))).await.text().await.unwrap();
    let counted = "d360_exporter_http_requests_total{handler=\"/metrics\",code=\"401\"} 4\n";
    assert!(metrics.contains(counted), "{metrics}");
    let output = exporter.stop().await;
    assert!(!output.contains("Secret"), "{output}");
}

#[tokio::test]
async fn users_come_and_go_while_connections_stay() {
    let directory = Directory::new();
    let users = |names: &[&str]| {
        let lines: Vec<_> = names.iter().map(|name| format!("  {name}: {HASH}\n")).collect();
        format!("basic_auth_users:\n{}", lines.concat())
    };
    let exporter = directory.serve(&users(&["alice"])).await;
    let client = http_client();
    let alice = async || get(&client, &exporter, "/-/healthy", Some(("alice", "Secret1"))).await.status();
    let bob = async || get(&client, &exporter, "/-/healthy", Some(("bob", "Secret1"))).await.status();
    assert_eq!((alice().await, bob().await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    directory.write("web.yml", &users(&["bob"]));
    wait_until("bob in the place of alice", async || (bob().await == StatusCode::OK).then_some(())).await;
    assert_eq!(alice().await, StatusCode::UNAUTHORIZED);
    directory.write("web.yml", "");
    let line = wait_until("a line that an empty file changes nothing", async || {
        assert_eq!(alice().await, StatusCode::UNAUTHORIZED);
        exporter.program.lines_with("not in force").into_iter().next()
    })
    .await;
    assert!(line.contains("basic_auth_users: expected at least one user"), "{line}");
}

#[tokio::test]
async fn more_requests_than_the_limit_get_429() {
    let directory = Directory::new();
    let exporter = directory.serve("rate_limit:\n  interval: 1h\n  burst: 3\n").await;
    let client = http_client();
    let mut statuses = Vec::new();
    for path in ["/metrics", "/", "/-/healthy", "/-/healthy", "/metrics"] {
        statuses.push(get(&client, &exporter, path, None).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(status(&client, &exporter, "/").await, "refused", "there is no TLS");
}

#[tokio::test]
async fn headers_of_the_file_are_on_every_response() {
    let directory = Directory::new();
    let wanted = [
        ("content-security-policy", "default-src 'none'"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "sameorigin"),
        ("x-xss-protection", "0"),
    ];
    let lines: Vec<_> = wanted
        .iter()
        .zip([
            "Content-Security-Policy",
            "Strict-Transport-Security",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "X-XSS-Protection",
        ])
        .map(|((_, value), name)| format!("    {name}: \"{value}\"\n"))
        .collect();
    let users = format!("basic_auth_users:\n  alice: {HASH}\n");
    let exporter = directory.serve(&format!("http_server_config:\n  headers:\n{}{users}", lines.concat())).await;
    for (path, user) in
        [("/metrics", None), ("/metrics", Some(("alice", "Secret1"))), ("/", Some(("alice", "Secret1")))]
    {
        let response = get(&http_client(), &exporter, path, user).await;
        for (name, value) in wanted {
            let found: Vec<_> = response.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect();
            assert_eq!(found, [value], "{name} of {path}");
        }
    }
}
