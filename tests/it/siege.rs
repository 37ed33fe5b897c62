//! The exporter under siege: floods of connections, pages, passwords, half
//! headers and readers that do not read, with few threads and descriptors, while
//! a scraper goes on as Prometheus does.
//!
//! Short here; `SIEGE_SECONDS` makes each attack longer (`make siege`), and the
//! figures are printed.

#![allow(clippy::print_stdout, reason = "the figures are for whoever runs the siege")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::harness::{Api, Exporter, Exposition, Program, fleet, http_client, wait_until};
use crate::web_config::{Directory, HASH};

/// How long each attack lasts.
fn duration() -> Duration {
    let seconds = std::env::var("SIEGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(4))
}

/// A scrape takes one second at most. Tests build without optimisation and share
/// the machine with each other: there it only has to succeed.
const LONGEST_SCRAPE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 80 } else { 1 });

/// Memory that an attack may cost beside twice the idle size.
const MORE_MEMORY: f64 = 64.0 * 1024.0 * 1024.0;

/// An exporter with few descriptors.
async fn besieged(api: &Api, directory: &Directory, flags: &[&str]) -> Exporter {
    let key = directory.write("key", "demo-key");
    let key_file = format!("--partner.api-key-file={}", key.display());
    let base_url = format!("--api.base-url={}", api.base_url());
    let mut command = tokio::process::Command::new("prlimit");
    command.args(["--nofile=256", env!("CARGO_BIN_EXE_d360_exporter"), "serve", "--partner.id=examplePA"]);
    command.args([&key_file, &base_url, "--web.listen-address=127.0.0.1:0", "--poll.interval=1s"]);
    command.args(["--api.min-rate=1000/s", "--api.max-rate=1000/s"]).args(flags);
    Exporter::of(Program::spawn(command)).await
}

/// Scrapes once a quarter of a second while `attack` goes on, and returns how
/// long each took, and the last.
async fn scrape_under(
    exporter: &Exporter,
    user: Option<(&str, &str)>,
    attacks: JoinSet<()>,
) -> (Vec<Duration>, Exposition) {
    let url = format!("http://{}/metrics", exporter.address());
    // A new connection for each: the attack may have had the old one closed.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).gzip(true).build().unwrap();
    let until = Instant::now() + duration();
    let mut took = Vec::new();
    let mut last = None;
    while Instant::now() < until {
        let started = Instant::now();
        // Whoever scrapes tries again.
        let response = wait_until("a response", async || {
            let request = client.get(&url);
            let request = match user {
                Some((user, password)) => request.basic_auth(user, Some(password)),
                None => request,
            };
            request.send().await.ok()
        })
        .await;
        assert_eq!(response.status(), 200);
        last = Some(Exposition::parse(&response.text().await.expect("a scrape is whole")));
        took.push(started.elapsed());
        sleep(Duration::from_millis(250)).await;
    }
    drop(attacks);
    took.sort();
    (took, last.unwrap())
}

/// Judges what the scraper saw, and prints it.
fn judge(attack: &str, idle: &Exposition, (took, shown): (Vec<Duration>, Exposition)) {
    let value = |shown: &Exposition, family: &str| shown.value(family, &[]).unwrap();
    let [memory, descriptors, threads] =
        ["process_resident_memory_bytes", "process_open_fds", "process_threads"].map(|family| value(&shown, family));
    let at = |part: usize| took[(took.len() - 1) * part / 100];
    println!(
        "siege: {attack}: {} scrapes, p50 {:?}, p99 {:?}, max {:?}; {:.0} MiB, {descriptors} descriptors, {threads} threads",
        took.len(),
        at(50),
        at(99),
        at(100),
        memory / 1024.0 / 1024.0
    );
    assert!(at(100) <= LONGEST_SCRAPE, "{attack}: {took:?}");
    let idle_memory = value(idle, "process_resident_memory_bytes");
    assert!(memory < 2.0 * idle_memory + MORE_MEMORY, "{attack}: {memory} bytes, idle {idle_memory}");
    assert!(descriptors <= 256.0, "{attack}: {descriptors} descriptors");
    assert!(threads <= value(idle, "process_threads"), "{attack}: {threads} threads");
}

/// Connections that each do the same again and again.
fn attackers<F: Future<Output = std::io::Result<()>> + Send>(
    count: usize,
    address: &str,
    attack: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> JoinSet<()> {
    let attack = Arc::new(attack);
    let address: SocketAddr = address.parse().unwrap();
    let mut attackers = JoinSet::new();
    for _ in 0..count {
        let attack = attack.clone();
        attackers.spawn(async move {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                let _ = socket.set_recv_buffer_size(8 * 1024);
                if let Ok(stream) = socket.connect(address).await {
                    let _ = attack(stream).await;
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
    }
    attackers
}

/// Sends a request and reads what comes, again and again.
async fn ask(mut stream: TcpStream, request: String) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        stream.write_all(request.as_bytes()).await?;
        // Whatever comes within a moment; the rest is read with the next response.
        if timeout(Duration::from_secs(2), stream.read(&mut buffer)).await.is_ok_and(|read| read.is_ok_and(|n| n == 0))
        {
            return Ok(());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_go_on_under_every_flood() {
    let directory = Directory::new();
    let api = Api::start(fleet(100, 4)).await;
    let exporter = besieged(&api, &directory, &[]).await;
    exporter.ready().await;
    let idle = exporter.scrape().await;
    let address = exporter.address().to_owned();

    for (name, path) in [("pages", "/?q=a"), ("scrapes", "/metrics")] {
        let flood =
            attackers(300, &address, move |stream| ask(stream, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")));
        judge(name, &idle, scrape_under(&exporter, None, flood).await);
    }
    let half = attackers(500, &address, |mut stream| async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").await?;
        for i in 0..400 {
            stream.write_all(format!("x-{i}: {}\r\n", "a".repeat(1000)).as_bytes()).await?;
        }
        let _ = stream.read(&mut [0; 1024]).await?;
        Ok(())
    });
    judge("half headers", &idle, scrape_under(&exporter, None, half).await);
    let idlers = attackers(600, &address, |mut stream| async move {
        let _ = stream.read(&mut [0; 16]).await?;
        Ok(())
    });
    judge("idle connections", &idle, scrape_under(&exporter, None, idlers).await);
    let deaf = attackers(100, &address, |mut stream| async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        std::future::pending().await
    });
    judge("readers that do not read", &idle, scrape_under(&exporter, None, deaf).await);

    let shown = exporter.scrape().await;
    let displaced = shown.value("d360_exporter_http_rejected_total", &[("reason", "connections")]);
    assert!(displaced.is_some_and(|n| n > 0.0), "{displaced:?}");
    let output = exporter.stop().await;
    let lines = output.lines().filter(|line| line.contains("more requests or connections")).count();
    assert!(
        (1..=1 + usize::try_from(duration().as_secs() * 6 / 60).unwrap() + 1).contains(&lines),
        "{lines} lines:\n{output}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_logs_in_while_150_connections_guess_passwords() {
    let directory = Directory::new();
    let api = Api::start(fleet(2, 2)).await;
    let web = directory.write("web.yml", &format!("basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"));
    let exporter = besieged(&api, &directory, &[&format!("--web.config.file={}", web.display())]).await;
    let url = format!("http://{}/metrics", exporter.address());
    let first = http_client().get(&url).basic_auth("alice", Some("Secret1")).send().await.unwrap();
    let idle = Exposition::parse(&first.text().await.unwrap());
    let counter = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let flood = attackers(150, exporter.address(), move |mut stream| {
        let counter = counter.clone();
        async move {
            let mut buffer = vec![0; 4096];
            loop {
                use base64::Engine as _;
                let guess = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let user = base64::engine::general_purpose::STANDARD.encode(format!("bob:guess{guess}"));
                let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\n\r\n");
                stream.write_all(request.as_bytes()).await?;
                if stream.read(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    });
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    let response = http_client().get(&url).basic_auth("bob", Some("Secret1")).send().await.unwrap();
    let took = started.elapsed();
    assert_eq!(response.status(), 200);
    assert!(took <= Duration::from_secs(2) + LONGEST_SCRAPE, "{took:?} for the first login");
    println!("siege: passwords: first login after {took:?}");
    judge("passwords", &idle, scrape_under(&exporter, Some(("alice", "Secret1")), flood).await);
    exporter.stop().await;
}
