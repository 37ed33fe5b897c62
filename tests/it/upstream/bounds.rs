//! What the API allows, and what a response of it may cost.

use std::io::Write as _;
use std::time::Duration;

use d360_exporter::simulator::{Options, RateLimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::failures;
use crate::harness::{Api, Exporter, Program, expected, fleet, metrics_of};

#[tokio::test]
async fn five_requests_in_thirty_seconds_show_500_clients_with_all_flags_at_their_defaults() {
    let limit = RateLimit { requests: 5, window: Duration::from_secs(30) };
    let api = Api::start(Options { rate_limit: Some(limit), ..fleet(500, 4) }).await;
    let key_file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key_file.path(), "demo-key").unwrap();
    let key = format!("--partner.api-key-file={}", key_file.path().display());
    let base_url = format!("--api.base-url={}", api.base_url());
    let args = ["serve", "--partner.id=examplePA", &key, &base_url, "--web.listen-address=127.0.0.1:0"];
    let exporter = Exporter::of(Program::start(&args, &[])).await;
    exporter.ready().await;
    let shown = exporter.scrape().await;
    assert_eq!(metrics_of(&shown), expected(&api.truth().await));
    assert_eq!(shown.sum("d360_client_up", &[]), 500.0);
    let refused = shown.sum("d360_api_request_failures_total", &[("reason", "rate_limited")]);
    assert!(refused <= 1.0, "{refused} of {} requests", shown.sum("d360_api_requests_total", &[]));
    exporter.stop().await;
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    // The most that it ever was.
    kib("VmHWM:") * 1024
}

#[tokio::test]
async fn two_million_tiny_items_are_too_large_and_take_little_memory() {
    let idle = {
        let api = Api::start(fleet(1, 1)).await;
        let exporter = Exporter::start(&api, &[]).await;
        exporter.ready().await;
        let idle = resident(exporter.program.id());
        exporter.stop().await;
        idle
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"{\"clients\":[").unwrap();
    for item in 0..2_000_000 {
        write!(gzip, "{}{{\"id\":\"c{item}\"}}", if item == 0 { "" } else { "," }).unwrap();
    }
    gzip.write_all(b"]}").unwrap();
    let body = gzip.finish().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v2", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let response = [head.as_bytes(), &body].concat();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&response).await;
            let _ = stream.shutdown().await;
        }
    });
    let exporter = Exporter::start_with(&base_url, "demo-key", &["--api.max-response-size=64MiB"], &[]).await;
    exporter.until("a response that is too large", |e| failures(e, "clients", "too_large") >= 1.0).await;
    let most = resident(exporter.program.id());
    let bound = 2 * idle + 2 * (64 << 20);
    println!("at most {} MiB, idle {} MiB, bound {} MiB", most >> 20, idle >> 20, bound >> 20);
    assert!(most < bound, "{most} bytes, idle {idle}");
    exporter.stop().await;
}
