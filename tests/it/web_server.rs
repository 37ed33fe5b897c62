//! The web server's manners: hosts, headers, prefixes, listeners from systemd.

use crate::harness::{Api, Exporter, Program, fleet, http_client, wait_until};

#[tokio::test]
async fn a_reload_from_another_site_is_refused_and_nothing_is_stored() {
    let api = Api::start(fleet(2, 2)).await;
    let exporter = Exporter::start(&api, &["--web.enable-lifecycle"]).await;
    exporter.ready().await;
    for site in ["cross-site", "same-site"] {
        let refused = exporter.request("POST", "/-/reload", &[("sec-fetch-site", site)]).await;
        assert_eq!(refused.status(), 403, "{site}");
    }
    assert_eq!(exporter.request("POST", "/-/reload", &[("sec-fetch-site", "same-origin")]).await.status(), 200);
    for path in ["/metrics", "/config", "/", "/-/healthy"] {
        assert_eq!(exporter.get(path, &[]).await.headers()["cache-control"], "no-store", "{path}");
    }
    exporter.stop().await;
}

/// Sends bytes, and returns the first line that comes.
async fn first_line(exporter: &Exporter, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(exporter.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8_lossy(&response).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_request_has_one_host_and_headers_of_32_kib_at_most() {
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start(&api, &[]).await;
    let close = "Connection: close\r\n\r\n";
    let healthy = |headers: &str| format!("GET /-/healthy HTTP/1.1\r\n{headers}{close}");
    assert_eq!(first_line(&exporter, &healthy("Host: x\r\n")).await, "HTTP/1.1 200 OK");
    assert_eq!(first_line(&exporter, &healthy("")).await, "HTTP/1.1 400 Bad Request");
    assert_eq!(first_line(&exporter, &healthy("Host: x\r\nHost: y\r\n")).await, "HTTP/1.1 400 Bad Request");
    let large = format!("Host: x\r\nx-large: {}\r\n", "a".repeat(40 * 1024));
    let refused = first_line(&exporter, &healthy(&large)).await;
    assert_eq!(refused, "HTTP/1.1 431 Request Header Fields Too Large");
    exporter.stop().await;
}

#[tokio::test]
async fn everything_works_below_a_path() {
    let api = Api::start(fleet(1, 1)).await;
    let exporter = Exporter::start(&api, &["--web.external-url=https://monitoring.example/d360/"]).await;
    for path in ["/d360/metrics", "/d360/", "/d360/style.css", "/d360/-/healthy"] {
        assert_eq!(exporter.get(path, &[]).await.status(), 200, "{path}");
    }
    for path in ["/", "/d360"] {
        let redirect = exporter.get(path, &[]).await;
        assert_eq!(
            (redirect.status().as_u16(), redirect.headers()["location"].to_str().unwrap()),
            (307, "/d360/"),
            "{path}"
        );
    }
    for path in ["/metrics", "/d360x/metrics", "/-/healthy"] {
        assert_eq!(exporter.get(path, &[]).await.status(), 404, "{path}");
    }
    let metrics = exporter.text("/d360/metrics").await;
    assert!(metrics.contains(r#"d360_exporter_http_requests_total{handler="/metrics",code="200"}"#), "{metrics}");
    let listen = format!("--web.listen-address={}", exporter.address());
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k"), ("D360_WEB_EXTERNAL_URL", "http://x/d360")];
    let (code, output) = Program::start(&["check", "--healthy", &listen], &env).end().await;
    assert_eq!((code, output.as_str()), (Some(0), "healthy\n"));
    exporter.stop().await;
}

#[tokio::test]
async fn listeners_come_from_systemd() {
    let api = Api::start(fleet(1, 1)).await;
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, "demo-key").unwrap();
    // A port that is free: systemd-socket-activate binds it itself.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = crate::harness::tool("systemd-socket-activate", "systemd");
    command.args([&format!("--listen=127.0.0.1:{port}"), env!("CARGO_BIN_EXE_d360_exporter"), "serve"]);
    command.args([
        &format!("--partner.api-key-file={}", key.display()),
        "--partner.id=examplePA",
        "--web.systemd-socket",
    ]);
    command.arg(format!("--api.base-url={}", api.base_url()));
    let program = Program::spawn(command);
    let url = format!("http://127.0.0.1:{port}/-/healthy");
    // The first connection starts it.
    let status = wait_until("a response", async || http_client().get(&url).send().await.ok().map(|r| r.status())).await;
    assert_eq!(status, 200);
    program.stop().await;
    let env = [("D360_PARTNER_ID", "examplePA"), ("D360_API_KEY", "k")];
    let (code, output) = Program::start(&["serve", "--web.systemd-socket"], &env).end().await;
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("expected listeners from systemd"), "{output}");
}
