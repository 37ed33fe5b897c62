//! The exporter as a process, and its web side.

use reqwest::Response;
use rustix::process::Signal;
use tempfile::TempDir;

use super::{Api, Exposition, Program, http_client, wait_until};

/// Flags of an exporter that a test does not have to wait for.
const QUICK: &[&str] = &["--poll.interval=300ms", "--api.min-rate=1000/s", "--api.max-rate=1000/s", "--api.timeout=2s"];

/// A running exporter.
#[derive(Debug)]
pub struct Exporter {
    /// The process.
    pub program: Program,
    address: String,
    client: reqwest::Client,
    /// Holds the key file.
    directory: TempDir,
}

impl Exporter {
    /// Starts `serve` with the simulator's key and the flags of [`QUICK`]; later
    /// ones win.
    pub async fn start(api: &Api, flags: &[&str]) -> Self {
        Self::start_with(&api.base_url(), "demo-key", flags, &[]).await
    }

    /// Starts `serve` against any URL with any key.
    pub async fn start_with(base_url: &str, key: &str, flags: &[&str], env: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key_file = directory.path().join("key");
        std::fs::write(&key_file, key).unwrap();
        let key_file = format!("--partner.api-key-file={}", key_file.display());
        let base_url = format!("--api.base-url={base_url}");
        let fixed = ["serve", "--partner.id=examplePA", &key_file, &base_url, "--web.listen-address=127.0.0.1:0"];
        let args = merged(&[&fixed, QUICK, flags].concat());
        let program = Program::start(&args, env);
        let line = program.line_with("listening").await;
        let address = address_in(&line);
        Self { program, address, client: http_client(), directory }
    }

    /// Waits for a program that logs or prints where it listens.
    pub async fn of(program: Program) -> Self {
        let address = address_in(&program.line_with("listening").await);
        Self { program, address, client: http_client(), directory: tempfile::tempdir().unwrap() }
    }

    /// The address, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts another key into the key file.
    pub fn write_key(&self, key: &str) {
        std::fs::write(self.directory.path().join("key"), key).unwrap();
    }

    /// Asks for a path.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.request("GET", path, headers).await
    }

    /// Asks in another way than `GET`.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// The text of a page that is there.
    pub async fn text(&self, path: &str) -> String {
        let response = self.get(path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// What `/metrics` shows.
    pub async fn scrape(&self) -> Exposition {
        Exposition::parse(&self.text("/metrics").await)
    }

    /// Scrapes until `/metrics` shows what is waited for.
    pub async fn until(&self, what: &str, shows: impl Fn(&Exposition) -> bool) -> Exposition {
        wait_until(what, async || Some(self.scrape().await).filter(&shows)).await
    }

    /// Waits for the first full cycle, without a scrape.
    pub async fn ready(&self) {
        wait_until("readiness", async || (self.get("/-/ready", &[]).await.status() == 200).then_some(())).await;
    }

    /// Waits for `cycles` more full cycles, and returns what `/metrics` shows
    /// after them: what the upstream did before the call is then in it, because
    /// a cycle that began after it has ended.
    pub async fn cycles(&self, cycles: usize) -> Exposition {
        let end = |e: &Exposition| e.value("d360_partner_refresh_duration_seconds", &[]).unwrap_or(f64::NAN);
        let mut shown = self.scrape().await;
        for _ in 0..cycles {
            let before = end(&shown);
            shown = self.until("the end of another cycle", |e| end(e).to_bits() != before.to_bits()).await;
        }
        shown
    }

    /// Stops with SIGTERM, which is a success, and returns the output.
    pub async fn stop(self) -> String {
        self.program.stop().await
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }
}

/// Flags without those that a later one replaces: the command line takes each
/// once.
fn merged<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    let name = |flag: &&str| flag.split('=').next().unwrap_or_default().to_owned();
    let last = |i: usize, flag: &&str| !flags[i + 1..].iter().any(|later| name(later) == name(flag));
    flags.iter().enumerate().filter(|(i, flag)| last(*i, flag)).map(|(_, flag)| *flag).collect()
}

/// The `127.0.0.1:PORT` in a line.
fn address_in(line: &str) -> String {
    let start = line.find("127.0.0.1:").unwrap_or_else(|| panic!("expected an address, found {line:?}"));
    line[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ':').collect()
}
