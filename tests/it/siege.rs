//! The exporter under siege: floods of connections, pages, passwords, half
//! headers and readers that do not read, with few threads and descriptors, while
//! a scraper goes on as Prometheus does.
//!
//! Short and small here; `make siege` makes each attack longer and as large as
//! they come, in release, and writes the figures into `docs/benchmarks.md`.
//!
//! * [`besieged`]: the exporter, the scraper, and the bounds
//! * [`floods`], [`http2`]: the attackers
//! * [`figures`]: where the figures go

#![allow(clippy::print_stdout, reason = "the figures are for whoever runs the siege")]

mod besieged;
mod figures;
mod floods;
mod http2;

use std::time::Duration;

use besieged::{Scraper, besieged};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{Instant, sleep};

use crate::harness::{Api, Exporter, fleet, http_client};
use crate::web_config::{Directory, HASH, TLS};

/// New data all the time.
const QUICK: &str = "--poll.interval=1s";

/// How long each attack lasts, if it is for the figures.
fn seconds() -> Option<u64> {
    std::env::var("SIEGE_SECONDS").ok().map(|text| text.parse().expect("seconds in SIEGE_SECONDS"))
}

/// How long each attack lasts.
fn duration() -> Duration {
    Duration::from_secs(seconds().unwrap_or(3))
}

/// A size for the figures, and one that beside other tests is enough.
fn large_or(large: usize, small: usize) -> usize {
    if seconds().is_some() { large } else { small }
}

/// Lets this process have as many descriptors as it may: attackers need them.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

/// How often the log may report a flood in this time: once a minute.
fn lines_allowed(began: Instant) -> usize {
    2 + usize::try_from(began.elapsed().as_secs() / 60).unwrap()
}

/// No bound was broken; the exporter stops in time, having logged the flood, but not too often.
async fn ends_well(exporter: Exporter, scraper: &Scraper, began: Instant) {
    let allowed = lines_allowed(began);
    let stopping = Instant::now();
    let output = exporter.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(15), "{:?} to stop", stopping.elapsed());
    let lines = output.lines().filter(|line| line.contains("more requests or connections")).count();
    assert!(lines <= allowed, "{lines} lines:\n{output}");
    assert_eq!(*scraper.broken.lock().unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_go_on_under_every_flood_of_connections() {
    raise_descriptors();
    let (directory, began) = (Directory::new(), Instant::now());
    let api = Api::start(fleet(100, 4)).await;
    let exporter = besieged(&api, &directory, &[QUICK]).await;
    exporter.ready().await;
    let address = exporter.address();
    let scraper = Scraper::new(format!("http://{address}/metrics"), &directory);
    let idle = scraper.for_a_while(duration() / 2).await;
    scraper.judge("none", &idle, &idle);

    let many = large_or(500, 300);
    scraper.under("pages", &idle, floods::askers(many, address, "/?q=a")).await;
    scraper.under("searches as JSON", &idle, floods::askers(many, address, "/api/v1/channels?q=a")).await;
    scraper.under("scrapes", &idle, floods::askers(many, address, "/metrics")).await;
    scraper.under("half headers", &idle, floods::half_headers(large_or(1500, 500), address)).await;
    scraper.under("idle connections", &idle, floods::idlers(large_or(9000, 600), address)).await;
    scraper.under("readers that do not read", &idle, floods::deaf(large_or(500, 100), address)).await;

    let shown = exporter.scrape().await;
    let displaced = shown.value("d360_exporter_http_rejected_total", &[("reason", "connections")]);
    assert!(displaced.is_some_and(|n| n > 0.0), "{displaced:?}");
    ends_well(exporter, &scraper, began).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_go_on_while_http2_streams_ask_or_keep_their_windows_closed() {
    let (directory, began) = (Directory::new(), Instant::now());
    let web = directory.write("web.yml", TLS);
    let api = Api::start(fleet(100, 4)).await;
    let exporter = besieged(&api, &directory, &[QUICK, &format!("--web.config.file={}", web.display())]).await;
    let address = exporter.address();
    let scraper = Scraper::new(format!("https://{address}/metrics"), &directory);
    let idle = scraper.for_a_while(duration() / 2).await;
    scraper.judge("none, TLS", &idle, &idle);

    scraper.under("pages, 6 × 64 streams", &idle, http2::askers(6, address, &directory, "/?q=a")).await;
    scraper.under("scrapes, 6 × 64 streams", &idle, http2::askers(6, address, &directory, "/metrics")).await;
    scraper.under("closed windows, 100 × 64 streams", &idle, http2::closed_windows(100, address, &directory)).await;
    scraper.under("idle connections, TLS", &idle, floods::idlers(large_or(1000, 300), address)).await;
    ends_well(exporter, &scraper, began).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_logs_in_while_300_connections_guess_passwords() {
    let (directory, began) = (Directory::new(), Instant::now());
    let api = Api::start(fleet(2, 2)).await;
    let web =
        directory.write("web.yml", &format!("basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n  carol: {HASH}\n"));
    let exporter = besieged(&api, &directory, &[QUICK, &format!("--web.config.file={}", web.display())]).await;
    let mut scraper = Scraper::new(format!("http://{}/metrics", exporter.address()), &directory);
    scraper.user = Some(("alice", "Secret1"));
    let idle = scraper.for_a_while(duration() / 2).await;

    // As many as there are connections for from the scraper's own address, as behind
    // a proxy; more than that from another one.
    for (user, from, count) in [("bob", "127.0.0.1", 150), ("carol", "127.0.0.2", 300)] {
        let flood = floods::guessers(from, count, exporter.address(), user);
        sleep(Duration::from_secs(1)).await;
        let started = Instant::now();
        // The name that is guessed at, for the first time.
        let request = http_client().get(&scraper.url).basic_auth(user, Some("Secret1"));
        assert_eq!(request.send().await.unwrap().status(), 200);
        let took = started.elapsed();
        println!("siege: passwords of {user}: first login after {took:?}");
        let longest = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });
        assert!(took <= longest, "{took:?} for the first login");
        scraper.under(&format!("passwords, {count} connections"), &idle, flood).await;
    }
    ends_well(exporter, &scraper, began).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_large_bodies_hold_up_no_scrape() {
    let (directory, began) = (Directory::new(), Instant::now());
    let api = Api::start(fleet(large_or(10_000, 100), large_or(6, 4))).await;
    let exporter = besieged(&api, &directory, &["--poll.strategy=bulk", "--poll.interval=5s"]).await;
    exporter.ready().await;
    let plain = exporter.get("/metrics", &[]).await.content_length().unwrap();
    let address = exporter.address();
    let scraper = Scraper::new(format!("http://{address}/metrics"), &directory);
    let idle = scraper.for_a_while(duration() / 2).await;
    let name = format!("slow readers of {} MB", plain / 1_000_000);
    scraper.under(&name, &idle, floods::slow_readers(large_or(150, 50), address)).await;
    ends_well(exporter, &scraper, began).await;
}
