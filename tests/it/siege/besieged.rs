//! The exporter that is besieged, the scraper beside the attack, and the judge.

use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{duration, figures};
use crate::harness::{Api, Exporter, Exposition, Program};
use crate::web_config::Directory;

/// Without optimisation, and beside other tests, a scrape only has to come at
/// all; with it, within a second or twice its idle time.
const LONGEST_SCRAPE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });

/// Memory that an attack may cost beside twice the idle size.
const MORE_MEMORY: f64 = 64.0 * 1024.0 * 1024.0;

/// The user and the group that own nothing.
const NOBODY: u32 = 65534;

/// What the exporter may have.
const DESCRIPTORS: u32 = 256;
const THREADS: u32 = 128;

/// From one scrape to the next.
const PAUSE: Duration = Duration::from_millis(250);

/// How the scraper comes in.
#[derive(Debug, Clone)]
pub struct Scraper {
    pub client: reqwest::Client,
    pub url: String,
    pub user: Option<(&'static str, &'static str)>,
    /// Bounds that did not hold. All attacks are played before they count, so that
    /// one of them leaves the figures of the others.
    pub broken: Arc<Mutex<Vec<String>>>,
}

/// What a scraper saw.
#[derive(Debug)]
pub struct Seen {
    /// How long each scrape took, the shortest first.
    took: Vec<Duration>,
    /// Tries that failed.
    missed: usize,
    last: Exposition,
}

/// An exporter with few descriptors; and as nobody with few threads, where the
/// test may become nobody.
pub async fn besieged(api: &Api, directory: &Directory, flags: &[&str]) -> Exporter {
    let key = directory.write("key", "demo-key");
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={DESCRIPTORS}"));
    if rustix::process::geteuid().is_root() {
        let program = directory.path().join("d360_exporter");
        std::fs::copy(env!("CARGO_BIN_EXE_d360_exporter"), &program).unwrap();
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.arg(format!("--nproc={THREADS}")).arg("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(program);
    } else {
        command.arg(env!("CARGO_BIN_EXE_d360_exporter"));
    }
    command.args(["serve", "--partner.id=examplePA", "--web.listen-address=127.0.0.1:0"]);
    command.arg(format!("--partner.api-key-file={}", key.display()));
    command.arg(format!("--api.base-url={}", api.base_url()));
    command.args(["--api.min-rate=1000/s", "--api.max-rate=1000/s"]).args(flags);
    Exporter::of(Program::spawn(command)).await
}

impl Scraper {
    /// A scraper that makes a connection for each scrape: the attack may have had
    /// the former one closed.
    pub fn new(url: String, directory: &Directory) -> Self {
        d360_exporter::install_crypto_provider();
        let trusted = reqwest::Certificate::from_pem(directory.authority.pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).gzip(true);
        let client = builder.tls_certs_only([trusted]).timeout(Duration::from_secs(90)).build().unwrap();
        Self { client, url, user: None, broken: Arc::default() }
    }

    async fn scrape(&self) -> Option<String> {
        let request = self.client.get(&self.url);
        let request = match self.user {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        request.send().await.ok()?.error_for_status().ok()?.text().await.ok()
    }

    /// Scrapes until `stop`, and once at least.
    async fn go_on(&self, stop: &AtomicBool) -> Seen {
        let (mut took, mut missed) = (Vec::new(), 0);
        loop {
            let started = Instant::now();
            let text = loop {
                match self.scrape().await {
                    Some(text) => break text,
                    None => missed += 1,
                }
                assert!(started.elapsed() < crate::harness::DEADLINE, "no scrape came through, {missed} tries");
                sleep(Duration::from_millis(10)).await;
            };
            took.push(started.elapsed());
            if stop.load(Ordering::Relaxed) {
                took.sort();
                return Seen { took, missed, last: Exposition::parse(&text) };
            }
            sleep(PAUSE).await;
        }
    }

    /// Scrapes for a time, in a thread of its own: the attackers are many, and
    /// would make the scraper wait for its turn in theirs.
    pub async fn for_a_while(&self, time: Duration) -> Seen {
        let (stop, scraper) = (Arc::new(AtomicBool::new(false)), self.clone());
        let scraping = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(scraper.go_on(&stop))
            }
        });
        sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        while !scraping.is_finished() {
            sleep(PAUSE / 10).await;
        }
        scraping.join().unwrap()
    }

    /// Scrapes beside an attack, and judges what was seen.
    pub async fn under(&self, attack: &str, idle: &Seen, attackers: JoinSet<()>) {
        let seen = self.for_a_while(duration()).await;
        drop(attackers);
        self.judge(attack, idle, &seen);
    }

    /// Writes down what was seen, and which bounds are broken.
    pub fn judge(&self, attack: &str, idle: &Seen, seen: &Seen) {
        seen.write_down(attack);
        let broken = seen.broken(idle).into_iter().map(|bound| format!("{attack}: {bound}"));
        self.broken.lock().unwrap().extend(broken);
    }
}

impl Seen {
    fn at(&self, part: usize) -> Duration {
        self.took[(self.took.len() - 1) * part / 100]
    }

    fn value(&self, family: &str) -> f64 {
        self.last.value(family, &[]).unwrap()
    }

    fn memory(&self) -> f64 {
        self.value("process_resident_memory_bytes")
    }

    fn descriptors(&self) -> f64 {
        self.value("process_open_fds")
    }

    fn threads(&self) -> f64 {
        self.value("process_threads")
    }

    fn write_down(&self, attack: &str) {
        let milliseconds = |part: usize| format!("{:.0} ms", self.at(part).as_secs_f64() * 1000.0);
        figures::write_down(&[
            attack.to_owned(),
            self.took.len().to_string(),
            self.missed.to_string(),
            milliseconds(50),
            milliseconds(99),
            milliseconds(100),
            format!("{:.0} MiB", self.memory() / 1024.0 / 1024.0),
            self.descriptors().to_string(),
            self.threads().to_string(),
        ]);
    }

    /// The bounds that do not hold, compared with the time before the attack.
    fn broken(&self, idle: &Self) -> Vec<String> {
        let bounds = [
            ("seconds", self.at(100).as_secs_f64(), LONGEST_SCRAPE.max(2 * idle.at(100)).as_secs_f64()),
            ("bytes of memory", self.memory(), 2.0 * idle.memory() + MORE_MEMORY),
            ("descriptors", self.descriptors(), f64::from(DESCRIPTORS)),
            ("threads", self.threads(), idle.threads()),
        ];
        let broken = bounds.iter().filter(|(_, found, most)| found > most);
        broken.map(|(what, found, most)| format!("expected at most {most} {what}, found {found}")).collect()
    }
}
