//! The soak: the program under everything at once, for `SOAK_SECONDS` (20
//! without a word; `make soak` takes half an hour).
//!
//! Rounds of incidents, faults, reloads and restarts of the API go on while 40
//! scrapers read and some take a byte a second. In some rounds nobody reads the
//! log, the disk of the state file hangs, the wall clock steps, or a flood asks for pages. Whenever it is still, every
//! value is compared with the simulator's truth. In the end memory, descriptors
//! and threads have to be where they were after the warm-up, and no scrape may
//! have failed.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails panics, and says what it did"
)]
#![allow(missing_docs, unreachable_pub, reason = "a binary of tests has no users")]

#[allow(dead_code, unused_imports, reason = "shared with the other integration tests")]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use d360_exporter::simulator::Simulator;
use harness::{Api, Exporter, Exposition, Hanging, WallClock, expected, fleet, http_client, metrics_of, wait_until};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Scrapers that read as fast as a scraper should.
const SCRAPERS: usize = 40;

/// Scrapers that take a byte a second.
const SLOW_SCRAPERS: usize = 4;

/// Connections of a flood of pages.
const FLOOD: usize = 50;

/// From one scrape of a scraper to its next.
const SCRAPE_INTERVAL: Duration = Duration::from_millis(500);

/// Threads of the runtime for blocking work come and go.
const MORE_THREADS: f64 = 3.0;

/// Connections to the API that are kept for the next requests: as many as are
/// under way at once, by the default of --poll.concurrency. How many of them are
/// open at a moment is chance.
const MORE_DESCRIPTORS: f64 = 8.0;

/// What an allocator may keep.
const MORE_MEMORY: f64 = 16.0 * 1024.0 * 1024.0;

/// Faults, of which each round takes two. A refused key is none of them: it is
/// tried again after half a minute, and the rounds would be of waiting.
const FAULTS: &[&str] = &[
    r#"{"kind": "latency", "ms": 300}"#,
    r#"{"kind": "rate_limited", "retry_after": 1, "times": 3}"#,
    r#"{"kind": "server_error", "status": 502, "probability": 0.5}"#,
    r#"{"kind": "hang", "times": 2}"#,
    r#"{"kind": "drip", "chunk": 64, "every_ms": 100, "probability": 0.3}"#,
    r#"{"kind": "truncated", "probability": 0.5}"#,
    r#"{"kind": "html"}"#,
    r#"{"kind": "wrong_shape"}"#,
    r#"{"kind": "redirect"}"#,
    r#"{"kind": "shuffled_pages"}"#,
    r#"{"kind": "wrong_total", "total": 100000}"#,
    r#"{"kind": "duplicates"}"#,
    r#"{"kind": "broken_item", "probability": 0.5}"#,
    r#"{"kind": "huge_body", "mib": 64, "times": 2}"#,
    r#"{"kind": "wrong_encoding", "probability": 0.5}"#,
    r#"{"kind": "unknown_values"}"#,
    r#"{"kind": "nulls"}"#,
];

fn main() {
    // `cargo test WORDS` gives its words to every binary of tests.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if !words.is_empty() && !words.iter().any(|word| "soak".contains(word.as_str())) {
        return;
    }
    let seconds = std::env::var("SOAK_SECONDS")
        .map_or(20, |text| text.parse().unwrap_or_else(|_| panic!("expected seconds in SOAK_SECONDS, found {text:?}")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(soak(Duration::from_secs(seconds)));
}

async fn soak(time: Duration) {
    let began = Instant::now();
    let mut upstream = Upstream::start().await;
    let directory = tempfile::tempdir().unwrap();
    let state = format!("--state.file={}", directory.path().join("state").display());
    let flags = [state.as_str(), "--api.max-response-size=1MiB", "--api.timeout=1s", "--web.max-requests=100"];
    let outside = Outside { disk: Hanging::new(), clock: WallClock::new() };
    let env = outside.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = upstream.api.base_url();
    let exporter = Arc::new(Exporter::start_with(&url, "demo-key", &flags, &env).await);
    exporter.ready().await;
    let mut rng = StdRng::seed_from_u64(7);

    let mut rounds = 0;
    let mut whole = 0;
    let mut at_first = None;
    // A fifth of the time warms up; then the same goes on, and is compared.
    for until in [time / 5, time] {
        let scrapers = Scrapers::start(&exporter);
        loop {
            let flood = outside.trouble(&exporter, &mut rng);
            round(&mut upstream, &exporter, &mut rng).await;
            drop(flood);
            outside.heal(&exporter);
            rounds += 1;
            if began.elapsed() >= until {
                break;
            }
        }
        whole += scrapers.stop().await;
        let Some(first) = at_first else {
            at_first = Some(Usage::settled(&exporter).await);
            continue;
        };
        wait_until(&format!("usage no greater than {first:?}"), async || {
            let now = Usage::of(&exporter.scrape().await);
            let back = now.is_back_at(&first);
            println!("{rounds} rounds, {whole} scrapes: {first:?} after the warm-up, {now:?} in the end");
            back.then_some(())
        })
        .await;
    }
    let exporter = Arc::into_inner(exporter).expect("no scraper is left");
    exporter.stop().await;
    println!("soak: ok, {rounds} rounds and {whole} scrapes in {:?}", began.elapsed());
}

/// The log, the disk and the wall clock of the exporter's machine.
struct Outside {
    disk: Hanging,
    clock: WallClock,
}

impl Outside {
    /// The environment that the exporter is started with.
    fn env(&self) -> Vec<(String, String)> {
        let (mut env, clock) = (self.disk.env(), self.clock.env());
        let libraries = [&env, &clock].map(|env| env.iter().find(|(name, _)| name == "LD_PRELOAD").unwrap().1.clone());
        env.extend(clock);
        env.retain(|(name, _)| name != "LD_PRELOAD");
        env.push(("LD_PRELOAD".to_owned(), libraries.join(":")));
        env
    }

    /// Any of it goes wrong, for one round. What is shown must be right all the same.
    fn trouble(&self, exporter: &Exporter, rng: &mut StdRng) -> JoinSet<()> {
        exporter.program.leave_unread(rng.random_bool(0.3));
        if rng.random_bool(0.3) {
            self.disk.set("disk", true);
        }
        self.clock.step(["+0", "-3600", "+7200"].choose(rng).unwrap());
        let mut flood = JoinSet::new();
        if rng.random_bool(0.3) {
            for _ in 0..FLOOD {
                flood.spawn(ask_for_pages(exporter.address().to_owned()));
            }
        }
        flood
    }

    fn heal(&self, exporter: &Exporter) {
        exporter.program.leave_unread(false);
        self.disk.set("disk", false);
        self.clock.step("+0");
    }
}

/// Asks for a page without a pause, and again whenever the connection is closed.
async fn ask_for_pages(address: String) {
    loop {
        if let Ok(mut connection) = TcpStream::connect(&address).await {
            let mut buffer = vec![0; 16 * 1024];
            while connection.write_all(b"GET /?q=a HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok()
                && matches!(connection.read(&mut buffer).await, Ok(1..))
            {}
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Trouble, then stillness, and a look at every value.
async fn round(upstream: &mut Upstream, exporter: &Exporter, rng: &mut StdRng) {
    let api = &upstream.api;
    let faults = FAULTS.sample(rng, 2).map(|fault| serde_json::from_str::<Value>(fault).unwrap()).collect();
    api.faults(faults).await;
    let ids = api.ids().await;
    for _ in 0..5 {
        let (client, channels) = ids.choose(rng).unwrap();
        let Some(channel) = channels.choose(rng) else { continue };
        let rating = ["High", "Medium", "Low", "NA"].choose(rng).unwrap();
        let status = ["ready", "setting_up", "error"].choose(rng).unwrap();
        api.patch_channel(channel, json!({ "current_quality_rating": rating, "availability_status": status })).await;
        api.patch_client(client, json!({ "name": format!("\"{}\"\n\\", rng.random::<u32>()) })).await;
    }
    // One channel comes and goes.
    let newcomer = json!({ "client_id": ids.choose(rng).unwrap().0 });
    api.put_channel("newcomer01CH", newcomer).await;
    if rng.random_bool(0.5) {
        api.delete_channel("newcomer01CH").await;
    }
    if rng.random_bool(0.5) {
        exporter.signal(Signal::HUP);
    }
    sleep(Duration::from_secs(1)).await;
    if rng.random_bool(0.3) {
        upstream.restart(Duration::from_secs(1)).await;
    }
    upstream.api.heal().await;
    let truth = expected(&upstream.api.truth().await);
    let clients = ids.len() as f64;
    exporter
        .until("the truth when all is still", |shown| {
            let up = shown.sum("d360_client_up", &[]) == clients && shown.value("d360_partner_up", &[]) == Some(1.0);
            up && metrics_of(shown) == truth
                && shown.value("d360_exporter_config_last_reload_successful", &[]) == Some(1.0)
        })
        .await;
}

/// A simulator that can be away for a while.
struct Upstream {
    api: Api,
    simulator: Simulator,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Upstream {
    async fn start() -> Self {
        let simulator = Simulator::new(fleet(20, 3));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api::at(&listener.local_addr().unwrap().to_string());
        let (stop, serving) = Self::serve(&simulator, listener);
        Self { api, simulator, stop, serving }
    }

    fn serve(simulator: &Simulator, listener: TcpListener) -> (CancellationToken, JoinHandle<()>) {
        let (simulator, stop) = (simulator.clone(), CancellationToken::new());
        let stopped = stop.clone().cancelled_owned();
        (stop, tokio::spawn(async move { simulator.serve(listener, stopped).await.unwrap() }))
    }

    /// Goes away, and comes back at the same address with the same fleet.
    async fn restart(&mut self, away: Duration) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
        sleep(away).await;
        let address = self.api.address().to_owned();
        let listener =
            wait_until("the address to be free again", async || TcpListener::bind(&address).await.ok()).await;
        (self.stop, self.serving) = Self::serve(&self.simulator, listener);
    }
}

/// All who scrape meanwhile.
struct Scrapers {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    whole: Arc<AtomicU64>,
}

impl Scrapers {
    fn start(exporter: &Arc<Exporter>) -> Self {
        let (stop, whole) = (CancellationToken::new(), Arc::<AtomicU64>::default());
        let mut tasks = JoinSet::new();
        for nth in 0..SCRAPERS {
            let url = format!("http://{}/metrics", exporter.address());
            let (stop, whole) = (stop.clone(), whole.clone());
            tasks.spawn(async move {
                let client = http_client();
                let encoding = if nth % 2 == 0 { "gzip" } else { "identity" };
                while !stop.is_cancelled() {
                    let response = client.get(&url).header("accept-encoding", encoding).send().await.unwrap();
                    assert_eq!(response.status(), 200, "a scrape");
                    let body = response.bytes().await.expect("a whole body");
                    // One of them reads what it gets.
                    if nth == 1 {
                        Exposition::parse(std::str::from_utf8(&body).unwrap());
                    }
                    whole.fetch_add(1, Ordering::Relaxed);
                    sleep(SCRAPE_INTERVAL).await;
                }
            });
        }
        for _ in 0..SLOW_SCRAPERS {
            let (address, stop) = (exporter.address().to_owned(), stop.clone());
            tasks.spawn(async move {
                let dawdle = async {
                    loop {
                        let mut connection = TcpStream::connect(&address).await.unwrap();
                        connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
                        // The exporter may close on whoever is this slow.
                        while let Ok(1) = connection.read(&mut [0]).await {
                            sleep(Duration::from_secs(1)).await;
                        }
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = dawdle => {}
                }
            });
        }
        Self { stop, tasks, whole }
    }

    /// Ends all of them, and returns how many scrapes there were. All of those
    /// were whole: one that was not ends the soak.
    async fn stop(mut self) -> u64 {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("every scrape succeeds");
        }
        let whole = self.whole.load(Ordering::Relaxed);
        assert!(whole >= SCRAPERS as u64, "{whole} scrapes are none to speak of");
        whole
    }
}

/// What the exporter holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usage {
    memory: f64,
    descriptors: f64,
    threads: f64,
}

impl Usage {
    fn of(shown: &Exposition) -> Self {
        let value = |family| shown.value(family, &[]).unwrap_or_else(|| panic!("expected {family}"));
        Self {
            memory: value("process_resident_memory_bytes"),
            descriptors: value("process_open_fds"),
            threads: value("process_threads"),
        }
    }

    /// The usage when connections of scrapers that have left are gone.
    async fn settled(exporter: &Exporter) -> Self {
        let (mut last, mut alike) = (Self::of(&exporter.scrape().await), 0);
        wait_until("descriptors and threads to settle", async || {
            let now = Self::of(&exporter.scrape().await);
            let same = (now.descriptors, now.threads) == (last.descriptors, last.threads);
            alike = if same { alike + 1 } else { 0 };
            last = now;
            (alike >= 20).then_some(now)
        })
        .await
    }

    fn is_back_at(&self, first: &Self) -> bool {
        self.memory <= first.memory * 1.25 + MORE_MEMORY
            && self.descriptors <= first.descriptors + MORE_DESCRIPTORS
            && self.threads <= first.threads + MORE_THREADS
    }
}
