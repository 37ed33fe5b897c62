//! The parts of the exporter between the API and a body, with the test as the
//! loop around them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use d360_exporter::clock::Clock;
use d360_exporter::exposition::{Answer, Filter, Format, Publisher, RenderSettings};
use d360_exporter::fleet::Fleet;
use d360_exporter::model::{Observation, PartnerId, Reason};
use d360_exporter::partner_api::{ApiError, ApiKey, Pacer, PartnerApi, Rate, Request, Response, Settings, Transport};
use d360_exporter::poller::{self, Shard, Strategy};
use d360_exporter::simulator::{self, API_PREFIX, Delivery, Simulator};
use d360_exporter::telemetry::Telemetry;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::harness::{Exposition, SeriesMap, expected, fleet};

/// Everything from the simulator to a body.
pub(super) struct Rig {
    wire: Wire,
    observed: mpsc::Receiver<(PartnerId, Observation)>,
    fleet: Fleet,
    publisher: Publisher,
    telemetry: Telemetry,
    clock: Clock,
    folder: TempDir,
}

/// The simulator as a transport that writes down what is asked.
#[derive(Clone)]
struct Wire {
    simulator: Simulator,
    down: Arc<AtomicBool>,
    /// A key that the API takes in the place of the simulator's.
    key: Arc<Mutex<Option<String>>>,
    began: Instant,
    asked: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Transport for Wire {
    async fn send(&self, request: &Request, key: &SecretString) -> Result<Response, ApiError> {
        let path = format!("{API_PREFIX}/{}", request.path.join("/"));
        self.asked.lock().unwrap().push((self.began.elapsed(), path.clone()));
        if self.down.load(Ordering::Relaxed) {
            return Err(ApiError::new(Reason::Connect, "the API is down"));
        }
        let query: Vec<_> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut key = key.expose_secret().to_owned();
        if let Some(taken) = self.key.lock().unwrap().as_ref() {
            key = if key == *taken { "demo-key".to_owned() } else { "refused".to_owned() };
        }
        let answer = self.simulator.answer(&simulator::Request {
            method: "GET".to_owned(),
            path,
            query: Some(query.join("&")),
            api_key: Some(key),
            body: Vec::new(),
        });
        assert_eq!(answer.delivery, Delivery::Whole, "other deliveries need a connection");
        let retry_after =
            answer.headers.iter().find(|(name, _)| *name == "retry-after").map(|(_, value)| value.clone());
        Ok(Response { status: answer.status, retry_after, body: answer.body })
    }
}

impl Rig {
    /// A fleet of `clients` with two channels each, of which nothing was read yet.
    pub(super) async fn start(clients: usize, interval: Duration, max_staleness: Duration) -> Self {
        let options = fleet(clients, 2);
        let clock = Clock::virtual_from(options.started_at);
        let partner = PartnerId::from(options.partner_id.as_str());
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, &options.api_key).unwrap();
        let wire = Wire {
            simulator: Simulator::new(options),
            down: Arc::default(),
            key: Arc::default(),
            began: Instant::now(),
            asked: Arc::default(),
        };
        let telemetry = Telemetry::new();
        let instruments = telemetry.partner(&partner);
        let rate = |count, per| Rate { count, per: Duration::from_secs(per) };
        let pacer = Pacer::new(rate(10, 60), rate(10, 1), instruments.clone());
        let settings = Settings { partner: partner.clone(), page_size: 200 };
        let key = ApiKey::from_file(key_file).unwrap();
        let api = PartnerApi::new(wire.clone(), settings, key, pacer, instruments, clock);
        let (observations, observed) = mpsc::channel(100_000);
        let settings = poller::Settings {
            interval,
            strategy: Strategy::PerClient,
            concurrency: 8,
            shard: Shard { index: 0, total: 1 },
        };
        let run = poller::run(Arc::new(api), settings, Vec::new(), observations, clock, CancellationToken::new());
        tokio::spawn(run);
        let fleet = Fleet::new(partner, max_staleness);
        let publisher = Publisher::new(RenderSettings::default());
        Self { wire, observed, fleet, publisher, telemetry, clock, folder }
    }

    /// Lets time pass, a second at a time as publications do.
    pub(super) async fn run_for(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            while let Ok((_, observation)) = self.observed.try_recv() {
                self.fleet.apply(observation);
            }
            self.fleet.expire(self.clock.now());
        }
    }

    /// What a scrape would show now.
    pub(super) fn scrape(&mut self) -> Exposition {
        self.publisher.update(&mut self.fleet);
        let snapshot = Arc::new(self.publisher.snapshot());
        let answer = Answer::new(&snapshot, &self.telemetry.gather(), Format::default(), false, &Filter::All);
        let body: Vec<u8> = answer.flatten().collect();
        Exposition::parse(&String::from_utf8(body).unwrap())
    }

    /// Unix seconds.
    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// From now on no connection is made.
    pub(super) fn kill(&self) {
        self.wire.down.store(true, Ordering::Relaxed);
    }

    /// Ends [`Rig::kill`].
    pub(super) fn revive(&self) {
        self.wire.down.store(false, Ordering::Relaxed);
    }

    /// When requests started, since the start.
    pub(super) fn starts(&self) -> Vec<Duration> {
        self.wire.asked.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    /// What they asked for.
    pub(super) fn paths(&self) -> Vec<String> {
        self.wire.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).collect()
    }

    /// How many requests were sent.
    pub(super) fn sent(&self) -> usize {
        self.wire.asked.lock().unwrap().len()
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Writes the key file.
    pub(super) fn write_key(&self, key: &str) {
        std::fs::write(self.key_file(), key).unwrap();
    }

    /// Makes `key` the only one that the API takes, and writes it to the file.
    pub(super) fn rotate(&self, key: &str) {
        *self.wire.key.lock().unwrap() = Some(key.to_owned());
        self.write_key(key);
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.wire.simulator.answer(&simulator::Request {
            method: method.to_owned(),
            path: format!("/_simulator/{path}"),
            body: body.to_string().into_bytes(),
            ..simulator::Request::default()
        });
        assert_eq!(answer.status, 200, "{method} {path}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Puts these faults in the place of those in force.
    pub(super) fn faults(&self, faults: &Value) {
        self.control("PUT", "faults", &json!({ "faults": faults }));
    }

    /// Changes fields of a channel.
    pub(super) fn patch_channel(&self, id: &str, fields: &Value) {
        self.control("PATCH", &format!("channels/{id}"), fields);
    }

    /// The series that the simulator's fleet stands for.
    pub(super) fn truth(&self) -> SeriesMap {
        expected(&self.control("GET", "truth", &Value::Null))
    }

    /// Ids of the clients, each with those of its channels.
    pub(super) fn ids(&self) -> Vec<(String, Vec<String>)> {
        let truth = self.control("GET", "truth", &Value::Null);
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        list(&truth["clients"]).iter().map(|c| (id(c), list(&c["channels"]).iter().map(id).collect())).collect()
    }

    /// The rating that is shown of a channel.
    pub(super) fn rating(&mut self, channel: &str) -> String {
        let shown = self.scrape().matching("d360_channel_quality_rating", &[("channel_id", channel)]);
        let (series, _) = shown.into_iter().find(|(_, value)| *value == 1.0).unwrap();
        series.1.last().unwrap().1.clone()
    }
}
