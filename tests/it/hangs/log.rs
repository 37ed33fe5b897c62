//! The log: nobody reads it, and what a line looks like.

use std::io::Read as _;
use std::process::Stdio;

use futures_util::future::join_all;
use rustix::pipe::fcntl_setpipe_size;
use serde_json::json;

use super::{command, ends_in_time, file, free_port};
use crate::harness::{Api, Exporter, Exposition, fleet, http_client, wait_until};

const DROPPED: &str = "d360_exporter_log_lines_dropped_total";

/// A running exporter whose log goes into a small pipe.
struct Unread {
    child: tokio::process::Child,
    pipe: std::io::PipeReader,
    url: String,
    _directory: tempfile::TempDir,
}

impl Unread {
    async fn start(api: &Api, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = format!("--partner.api-key-file={}", file(directory.path(), "key", "demo-key"));
        let port = free_port();
        let (listen, url) =
            (format!("--web.listen-address=127.0.0.1:{port}"), format!("--api.base-url={}", api.base_url()));
        let fixed = ["serve", "--partner.id=examplePA", &key, &listen, &url, "--poll.interval=300ms"];
        let rates = ["--api.min-rate=1000/s", "--api.max-rate=1000/s", "--api.timeout=2s"];
        let (pipe, writer) = std::io::pipe().unwrap();
        fcntl_setpipe_size(&pipe, 4096).unwrap();
        let child = command(&[&fixed[..], &rates, flags].concat()).stderr(Stdio::from(writer)).spawn().unwrap();
        let unread = Self { child, pipe, url: format!("http://127.0.0.1:{port}/metrics"), _directory: directory };
        unread.until("the first scrape", |_| true).await;
        unread
    }

    async fn until(&self, what: &str, shows: impl Fn(&Exposition) -> bool) -> Exposition {
        let client = http_client();
        wait_until(what, async || {
            let response = client.get(&self.url).send().await.ok()?;
            Some(Exposition::parse(&response.text().await.unwrap())).filter(|shown| shows(shown))
        })
        .await
    }
}

/// Channels whose changes fill the log: fifteen lines of 400 bytes for each.
const CHANNELS: usize = 400;

/// A channel's id that makes a line about it long.
fn long_id(nth: usize) -> String {
    format!("{}{nth}CH", "x".repeat(240))
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_neither_polling_nor_expiry_nor_scrapes() {
    let api = Api::start(fleet(3, 1)).await;
    let client = api.ids().await.remove(0).0;
    for nth in 0..CHANNELS {
        api.put_channel(&long_id(nth), json!({ "client_id": client, "current_quality_rating": "High" })).await;
    }
    let exporter = Unread::start(&api, &["--poll.max-staleness=5s"]).await;
    exporter.until("all channels", |e| e.matching("d360_channel_info", &[]).len() == CHANNELS + 3).await;
    let transitions = |e: &Exposition| e.sum("d360_channel_transitions_total", &[]);
    // More than waits in the queue.
    for round in 1..=15_u32 {
        let rating = if round % 2 == 0 { "High" } else { "Low" };
        let changed = (0..CHANNELS).map(async |nth| {
            api.patch_channel(&long_id(nth), json!({ "current_quality_rating": rating })).await;
        });
        join_all(changed).await;
        exporter.until("the transitions", |e| transitions(e) >= f64::from(round) * CHANNELS as f64).await;
    }
    exporter.until("dropped lines", |e| e.sum(DROPPED, &[]) > 100.0).await;
    api.faults(json!([{ "kind": "hang" }])).await;
    exporter.until("the expiry", |e| e.matching("d360_channel_info", &[]).is_empty()).await;
    api.heal().await;
    let shown =
        exporter.until("the channels again", |e| e.matching("d360_channel_info", &[]).len() == CHANNELS + 3).await;

    // Read again, it says how many lines are missing.
    let mut pipe = exporter.pipe.try_clone().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut log, mut bytes) = (Vec::new(), [0; 64 * 1024]);
        loop {
            let read = pipe.read(&mut bytes).unwrap();
            log.extend_from_slice(&bytes[..read]);
            let text = String::from_utf8_lossy(&log);
            if let Some(line) =
                text.lines().find(|line| line.contains("log lines were dropped") && line.contains(" lines="))
            {
                return line.to_owned();
            }
        }
    });
    let line = reading.await.unwrap();
    assert!(line.contains(" level=WARN msg=\"log lines were dropped because nobody read the log\" lines="), "{line}");
    let reported: f64 = line.rsplit('=').next().unwrap().parse().unwrap();
    assert!((reported - shown.sum(DROPPED, &[])).abs() < 50.0, "{line} and {}", shown.sum(DROPPED, &[]));
    ends_in_time(exporter.child).await;
}

#[tokio::test]
async fn sigterm_ends_the_process_although_nobody_reads_the_log() {
    let api = Api::start(fleet(40, 2)).await;
    let exporter = Unread::start(&api, &["--log.level=trace"]).await;
    exporter.until("a full cycle", |e| e.matching("d360_channel_info", &[]).len() == 80).await;
    // More than the pipe holds, so that it is full.
    for (_, channels) in api.ids().await {
        api.patch_channel(&channels[0], json!({ "current_quality_rating": "Low" })).await;
        api.patch_channel(&channels[1], json!({ "availability_status": "error" })).await;
    }
    let transitions = |e: &Exposition| e.sum("d360_channel_transitions_total", &[]);
    exporter.until("transitions", |e| transitions(e) >= 40.0).await;
    ends_in_time(exporter.child).await;
}

#[tokio::test]
async fn log_lines_have_the_keys_of_prometheus() {
    let api = Api::start(fleet(2, 2)).await;
    let line = regex_lite::Regex::new(
        r#"^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(DEBUG|INFO|WARN|ERROR) msg=("[^"]+"|\w+)( [a-z_]+=\S.*)?$"#,
    );
    let line = line.unwrap();
    for format in ["logfmt", "json"] {
        let exporter = Exporter::start(&api, &[&format!("--log.format={format}"), "--log.level=debug"]).await;
        exporter.ready().await;
        let output = exporter.stop().await;
        assert!(output.lines().count() > 2, "{output}");
        for found in output.lines() {
            if format == "logfmt" {
                assert!(line.is_match(found), "{found}");
            } else {
                let event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(found).unwrap();
                assert!(["time", "level", "msg"].iter().all(|key| event[*key].is_string()), "{found}");
                assert!(!event.contains_key("target"), "{found}");
            }
        }
    }
}
