//! The parts of the exporter between the API and a body, with the test as the
//! loop around them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use d360_exporter::clock::Clock;
use d360_exporter::exposition::{Filter, Format, Publisher, RenderSettings, ScrapeBody};
use d360_exporter::fleet::{ClientState, Fleet, state_file};
use d360_exporter::model::{Channel, Client, Observation, PartnerId};
use d360_exporter::partner_api::{ApiKey, Memory, Pacer, PageSize, PartnerApi, Rate, Settings};
use d360_exporter::poller::{self, Handover, KnownClient, Shard, Strategy};
use d360_exporter::simulator::{self, Options, Simulator};
use d360_exporter::telemetry::Telemetry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::wire::Wire;
use crate::harness::{Exposition, SeriesMap, expected, fleet};

/// What a rig is made of.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) options: Options,
    pub(crate) interval: Duration,
    pub(crate) max_staleness: Duration,
    pub(crate) strategy: Strategy,
    pub(crate) page_size: PageSize,
    /// The pacer's upper bound, in requests per second.
    pub(crate) max_rate: u32,
    /// One request, start to last byte.
    pub(crate) timeout: Duration,
}

/// Everything from the simulator to a body.
pub(crate) struct Rig {
    scene: Scene,
    wire: Wire,
    stop: CancellationToken,
    observed: mpsc::Receiver<(PartnerId, Observation)>,
    fleet: Fleet,
    publisher: Publisher,
    telemetry: Telemetry,
    clock: Clock,
    directory: TempDir,
}

/// Of each client the client, whether it was read, whether it is hidden, and its
/// channels.
pub(crate) type Data = Vec<(Arc<Client>, bool, bool, Vec<Arc<Channel>>)>;

impl Rig {
    /// A fleet of `clients` with two channels each, of which nothing was read yet.
    pub(crate) async fn start(clients: usize, interval: Duration, max_staleness: Duration) -> Self {
        Self::of(Scene {
            options: fleet(clients, 2),
            interval,
            max_staleness,
            strategy: Strategy::PerClient,
            page_size: PageSize::Fixed(200),
            max_rate: 10,
            timeout: Duration::from_secs(30),
        })
        .await
    }

    /// A fleet of which nothing was read yet.
    pub(crate) async fn of(scene: Scene) -> Self {
        let options = scene.options.clone();
        let clock = Clock::virtual_from(options.started_at.into());
        let partner = PartnerId::from(options.partner_id.as_str());
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("key"), &options.api_key).unwrap();
        let wire = Wire {
            simulator: Simulator::new(options),
            down: Arc::default(),
            key: Arc::default(),
            began: Instant::now(),
            asked: Arc::default(),
            timeout: scene.timeout,
        };
        let mut rig = Self {
            wire,
            stop: CancellationToken::new(),
            observed: mpsc::channel(1).1,
            fleet: Fleet::new(partner, scene.max_staleness),
            publisher: Publisher::new(RenderSettings::default()),
            telemetry: Telemetry::new(),
            clock,
            directory,
            scene,
        };
        rig.poll();
        rig
    }

    /// Starts a poller that knows what the fleet knows.
    fn poll(&mut self) {
        let Scene { interval, strategy, page_size, max_rate, .. } = self.scene;
        let partner = self.fleet.partner().clone();
        let instruments = self.telemetry.partner(&partner);
        let rate = |count, per| Rate { count, per: Duration::from_secs(per) };
        let pacer = Pacer::new(rate(10, 60), rate(max_rate, 1), instruments.clone());
        let settings = Settings { partner: partner.clone(), page_size, max_items: 100_000 };
        let key = ApiKey::from_file(self.key_file()).unwrap();
        let api = PartnerApi::new(self.wire.clone(), settings, key, pacer, instruments, self.clock);
        let (observations, observed) = mpsc::channel(100_000);
        let settings = poller::Settings {
            interval,
            strategy,
            concurrency: 8,
            shard: Shard { index: 0, total: 1 },
            balance: poller::CollectBalance::Off,
        };
        let channels = |client: &ClientState| client.channels.iter().map(|known| known.channel.id.clone()).collect();
        let known = |client: &ClientState| KnownClient { id: client.client.id.clone(), channels: channels(client) };
        let known = Handover { clients: self.fleet.clients(..).map(known).collect(), api: Memory::default() };
        self.stop = CancellationToken::new();
        tokio::spawn(poller::run(Arc::new(api), settings, known, observations, self.clock, self.stop.clone()));
        self.observed = observed;
    }

    /// Ends the exporter. Its state file, if it has one.
    pub(crate) fn shut_down(&mut self) -> Vec<u8> {
        self.stop.cancel();
        self.take_in();
        state_file::encode(std::iter::once(&self.fleet)).unwrap()
    }

    /// Starts the exporter again, with a state file or without one.
    pub(crate) fn start_again(&mut self, state: Option<&[u8]>) {
        let partner = self.fleet.partner().clone();
        let max_staleness = self.scene.max_staleness;
        let saved = state.and_then(|content| {
            state_file::decode(content).unwrap().take(&partner, max_staleness, self.clock.moment(), |_| true)
        });
        self.fleet = saved.unwrap_or_else(|| Fleet::new(partner, max_staleness));
        self.publisher = Publisher::new(RenderSettings::default());
        self.telemetry = Telemetry::new();
        self.poll();
    }

    /// Declares what the parts outside the rig declare: the settings and the shard.
    pub(crate) fn declare(&self) {
        self.telemetry.settings(self.scene.interval, self.scene.max_staleness);
        self.telemetry.reloaded(true, self.clock.now());
        self.telemetry.partner(self.fleet.partner()).shard(0, 1);
    }

    fn take_in(&mut self) {
        while let Ok((_, observation)) = self.observed.try_recv() {
            self.fleet.apply(observation);
        }
    }

    /// Lets time pass without the exporter, or in one go.
    pub(crate) async fn sleep(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        self.take_in();
        self.fleet.expire(self.clock.steady());
    }

    /// Lets time pass, a second at a time as publications do.
    pub(crate) async fn run_for(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.tick().await;
        }
    }

    /// One second. True if there is something to publish after it.
    pub(crate) async fn tick(&mut self) -> bool {
        self.sleep(Duration::from_secs(1)).await;
        self.fleet.has_changes()
    }

    /// What a scrape would show now.
    pub(crate) fn scrape(&mut self) -> Exposition {
        Exposition::parse(&self.body(&Filter::All))
    }

    /// The body of a scrape of some families.
    pub(crate) fn body(&mut self, filter: &Filter) -> String {
        self.publisher.update(&mut self.fleet);
        let snapshot = Arc::new(self.publisher.snapshot());
        let scrape = ScrapeBody::new(&snapshot, &self.telemetry.gather(), Format::default(), false, filter);
        let body: Vec<u8> = scrape.flatten().collect();
        String::from_utf8(body).unwrap()
    }

    /// What the series of the fleet are made of, for who wants to know whether
    /// they changed.
    pub(crate) fn data(&self) -> Data {
        let channels = |state: &ClientState| state.channels.iter().map(|known| known.channel.clone()).collect();
        let shown =
            |state: &ClientState| (state.client.clone(), state.last_refresh.is_some(), state.expired, channels(state));
        self.fleet.clients(..).map(shown).collect()
    }

    /// Clients that the last read failed of.
    pub(crate) fn down(&self) -> Vec<String> {
        let down = self.fleet.clients(..).filter(|state| state.up != Some(true));
        down.map(|state| state.client.id.to_string()).collect()
    }

    /// Whether the clients could be listed.
    pub(crate) fn partner_is_up(&self) -> bool {
        self.fleet.partner_state().up == Some(true)
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// From now on no connection is made.
    pub(crate) fn kill(&self) {
        self.wire.down.store(true, Ordering::Relaxed);
    }

    /// Ends [`Rig::kill`].
    pub(crate) fn revive(&self) {
        self.wire.down.store(false, Ordering::Relaxed);
    }

    /// When requests started, since the start.
    pub(crate) fn starts(&self) -> Vec<Duration> {
        self.wire.asked.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    /// What they asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.wire.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).collect()
    }

    /// How many requests were sent.
    pub(crate) fn sent(&self) -> usize {
        self.wire.asked.lock().unwrap().len()
    }

    fn key_file(&self) -> PathBuf {
        self.directory.path().join("key")
    }

    /// Writes the key file.
    pub(crate) fn write_key(&self, key: &str) {
        std::fs::write(self.key_file(), key).unwrap();
    }

    /// Makes `key` the only one that the API takes, and writes it to the file.
    pub(crate) fn rotate(&self, key: &str) {
        *self.wire.key.lock().unwrap() = Some(key.to_owned());
        self.write_key(key);
    }

    /// Uses a control of the simulator. What it returns, null if it returns nothing.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.wire.simulator.respond(&simulator::Request {
            method: method.to_owned(),
            path: format!("/_simulator/{path}"),
            body: body.to_string().into_bytes(),
            ..simulator::Request::default()
        });
        assert!((200..300).contains(&response.status), "{method} {path}: {}", response.status);
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// Puts these faults in the place of those in force.
    pub(crate) fn faults(&self, faults: &Value) {
        self.control("PUT", "faults", &json!({ "faults": faults }));
    }

    /// Lets so many requests through in so many seconds, and refuses the others
    /// with a 429 that names the wait, or does not.
    pub(crate) fn limit(&self, requests: u32, seconds: u32, names_wait: bool) {
        let limit = json!({ "requests": requests, "window_seconds": seconds, "retry_after": names_wait });
        self.control("PUT", "rate_limit", &limit);
    }

    /// Whether the web server would call it ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.fleet.is_ready()
    }

    /// Changes fields of a channel.
    pub(crate) fn patch_channel(&self, id: &str, fields: &Value) {
        self.control("PATCH", &format!("channels/{id}"), fields);
    }

    /// The series that the simulator's fleet stands for.
    pub(crate) fn truth(&self) -> SeriesMap {
        expected(&self.fleet_as_it_is())
    }

    /// The simulator's fleet.
    pub(crate) fn fleet_as_it_is(&self) -> Value {
        self.control("GET", "truth", &Value::Null)
    }

    /// Ids of the clients, each with those of its channels.
    pub(crate) fn ids(&self) -> Vec<(String, Vec<String>)> {
        let truth = self.control("GET", "truth", &Value::Null);
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        list(&truth["clients"]).iter().map(|c| (id(c), list(&c["channels"]).iter().map(id).collect())).collect()
    }

    /// The rating that is shown of a channel.
    pub(crate) fn rating(&mut self, channel: &str) -> String {
        let shown = self.scrape().matching("d360_channel_quality_rating", &[("channel_id", channel)]);
        let (series, _) = shown.into_iter().find(|(_, value)| *value == 1.0).unwrap();
        series.1.last().unwrap().1.clone()
    }
}
