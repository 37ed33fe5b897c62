//! The loop against a small API, on paused time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::*;
use crate::model::ClientId;
use crate::partner_api::ApiKey;
use crate::partner_api::testing::{Fake, Outcome, Sent, counts, ok, some_key, status};
use crate::telemetry::Telemetry;

/// Clients with their channels, as the API holds them; and the paths that
/// response otherwise.
#[derive(Debug, Default)]
struct World {
    clients: BTreeMap<String, Vec<String>>,
    refusals: BTreeMap<String, u16>,
    key: Option<String>,
}

type Shared = Arc<Mutex<World>>;

fn world<const N: usize>(clients: [(&str, &[&str]); N]) -> Shared {
    let clients = clients.map(|(id, channels)| (id.to_owned(), channels.iter().map(|&c| c.to_owned()).collect()));
    Arc::new(Mutex::new(World { clients: clients.into(), ..World::default() }))
}

impl World {
    fn response(&self, sent: &Sent) -> Outcome {
        let target = sent.line.strip_prefix("GET ").expect("reads only");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if self.key.as_ref().is_some_and(|key| *key != sent.key) {
            return status(401);
        }
        if let Some(&refusal) = self.refusals.get(path) {
            return status(refusal);
        }
        let offset = query.split('&').find_map(|pair| pair.strip_prefix("offset=")).map_or(0, |o| o.parse().unwrap());
        let channel = |client: &str, id: &String| json!({"id": id, "client_id": client, "status": "ready", "availability_status": "ready", "current_quality_rating": "High"});
        if path == "clients" {
            let page: Vec<Value> = self.clients.keys().map(|id| json!({"id": id})).skip(offset).take(2).collect();
            return ok(&json!({"clients": page, "total": self.clients.len()}));
        }
        if path == "channels" {
            let all = self.clients.iter().flat_map(|(client, ids)| ids.iter().map(move |id| channel(client, id)));
            return ok(&json!({"partner_channels": all.skip(offset).take(2).collect::<Vec<_>>()}));
        }
        let client =
            path.strip_prefix("clients/").and_then(|rest| rest.strip_suffix("/channels")).expect("a known path");
        match self.clients.get(client) {
            Some(channels) => ok(&channels.iter().map(|id| channel(client, id)).collect()),
            None => status(404),
        }
    }
}

/// A poller at work.
struct Polling {
    fake: Fake,
    telemetry: Telemetry,
    observations: mpsc::Receiver<(PartnerId, Observation)>,
    stop: CancellationToken,
    started: Instant,
    task: JoinHandle<Handover>,
}

const SETTINGS: Settings = Settings {
    interval: Duration::from_secs(100),
    strategy: Strategy::PerClient,
    concurrency: 1,
    shard: Shard { index: 0, total: 1 },
    balance: CollectBalance::Off,
};

fn poll(fake: Fake, settings: Settings, key: ApiKey) -> Polling {
    let telemetry = Telemetry::new();
    let api = Arc::new(fake.api(key, &telemetry));
    let (sender, observations) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let clock = Clock::virtual_from("2026-01-01T00:00:00Z".parse().unwrap());
    let task = tokio::spawn(run(api, settings, Handover::default(), sender, clock, stop.clone()));
    Polling { fake, telemetry, observations, stop, started: Instant::now(), task }
}

fn poll_world(world: &Shared, settings: Settings) -> Polling {
    let world = world.clone();
    poll(Fake::new(move |sent| world.lock().unwrap().response(sent)), settings, some_key())
}

impl Polling {
    /// What is heard up to this second, each with its second.
    async fn until(&mut self, second: u64) -> Vec<String> {
        let end = self.started + Duration::from_secs(second) + Duration::from_millis(500);
        let mut heard = Vec::new();
        while let Ok(Some((partner, observation))) = timeout_at(end, self.observations.recv()).await {
            assert_eq!(partner.as_str(), "examplePA");
            heard.push(format!("{} {}", self.started.elapsed().as_secs(), said(&observation)));
        }
        heard
    }
}

fn said(observation: &Observation) -> String {
    let in_part = |whole: bool| if whole { "" } else { " in part" };
    let lost = |gone: Vec<&str>| if gone.is_empty() { String::new() } else { format!(", gone: {}", gone.join(" ")) };
    let owned = |channels: &mut dyn Iterator<Item = (String, String)>| {
        channels.map(|(client, channel)| format!("{client}/{channel}")).collect::<Vec<_>>().join(" ")
    };
    match observation {
        Observation::ClientsListed { clients, gone, whole, .. } => {
            let ids: Vec<&str> = clients.iter().map(|client| client.id.as_str()).collect();
            let gone = lost(gone.iter().map(|id| id.as_str()).collect());
            format!("listed{}: {}{gone}", in_part(*whole), ids.join(" "))
        }
        Observation::PartnerUnreadable { failure } if failure.reason == crate::model::Reason::Unauthorized => {
            "key refused".to_owned()
        }
        Observation::PartnerUnreadable { .. } => "partner unreadable".to_owned(),
        Observation::ChannelsRead { client, channels, gone, whole, .. } => {
            let ids: Vec<&str> = channels.iter().map(|channel| channel.id.as_str()).collect();
            let gone = lost(gone.iter().map(|id| id.as_str()).collect());
            format!("read {client}{}: {}{gone}", in_part(*whole), ids.join(" "))
        }
        Observation::ChannelsSeen { channels, .. } => {
            let ids = channels.iter().map(|(client, channel)| (client.to_string(), channel.id.to_string()));
            format!("seen: {}", owned(&mut ids.into_iter()))
        }
        Observation::BulkReadEnded { whole, incomplete, .. } => {
            let ids = |ids: &[ClientId]| ids.iter().map(ClientId::to_string).collect::<Vec<_>>().join(" ");
            let lacking = if incomplete.is_empty() { String::new() } else { format!(", in part: {}", ids(incomplete)) };
            format!("bulk read of: {}{lacking}", ids(whole))
        }
        Observation::BulkReadFailed { .. } => "bulk read failed".to_owned(),
        Observation::ChannelsUnreadable { client, .. } => format!("unreadable {client}"),
        Observation::ChannelsGone { channels, .. } => {
            let ids = channels.iter().map(|(client, channel)| (client.to_string(), channel.to_string()));
            format!("gone: {}", owned(&mut ids.into_iter()))
        }
        Observation::RemovalsUnconfirmed { clients, channels } => format!("unconfirmed: {clients} {channels}"),
        Observation::StrategyChosen(reads) => reads.as_str().to_owned(),
        Observation::PartnerBalance { .. } | Observation::ClientBalance { .. } => String::from("balance"),
        Observation::PageSizeLearned(size) => format!("pages of {size}"),
        Observation::CycleCompleted { took, .. } => format!("cycle of {}", took.as_secs()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_dies_is_the_death_of_the_poller() {
    let Polling { task, observations, .. } = poll(Fake::new(|_| panic!("no such page")), SETTINGS, some_key());
    let died = task.await.unwrap_err();
    assert_eq!(died.into_panic().downcast_ref::<&str>(), Some(&"no such page"));
    drop(observations);
}

#[tokio::test(start_paused = true)]
async fn what_is_learned_is_said_in_order_cycle_after_cycle() {
    let world = world([("a", &["x", "y"]), ("b", &[])]);
    let mut polling = poll_world(&world, SETTINGS);
    assert_eq!(
        polling.until(99).await,
        ["0 listed: a b", "0 per_client", "0 read a: x y", "0 read b: ", "0 cycle of 0"]
    );
    world.lock().unwrap().clients.insert("b".to_owned(), vec!["z".to_owned()]);
    assert_eq!(polling.until(199).await, ["100 listed: a b", "100 read a: x y", "150 read b: z", "150 cycle of 50"]);
}

#[tokio::test(start_paused = true)]
async fn reads_carry_the_time_at_which_they_began_and_cycles_that_at_which_they_ended() {
    let world = world([("a", &[])]);
    let fake = Fake::slow(Duration::from_secs(5), move |sent| world.lock().unwrap().response(sent));
    let mut polling = poll(fake, SETTINGS, some_key());
    let mut times = Vec::new();
    while times.len() < 3 {
        let at = match polling.observations.recv().await.unwrap().1 {
            Observation::ClientsListed { at, .. } | Observation::ChannelsRead { at, .. } => at.wall,
            Observation::CycleCompleted { at, .. } => at,
            Observation::StrategyChosen(_) => continue,
            other => panic!("unexpected: {other:?}"),
        };
        times.push(at.as_second() - 1_767_225_600);
    }
    // Two pages of the list, then the client.
    assert_eq!(times, [0, 10, 15]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_followed_at_once_whatever_is_under_way() {
    let mut polling = poll(Fake::slow(Duration::from_secs(3_600), |_| status(500)), SETTINGS, some_key());
    assert_eq!(polling.until(10).await, [""; 0]);
    polling.stop.cancel();
    let stopped = Instant::now();
    polling.task.await.unwrap();
    assert_eq!(stopped.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert_eq!(polling.fake.lines(), ["GET clients?limit=2&offset=0&sort=id"]);
}

#[tokio::test(start_paused = true)]
async fn a_poller_that_nobody_listens_to_ends() {
    let polling = poll_world(&world([("a", &[])]), SETTINGS);
    drop(polling.observations);
    polling.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_panics_ends_the_poller_with_a_panic() {
    let polling = poll(Fake::new(|_| panic!("a bug in the program")), SETTINGS, some_key());
    assert!(polling.task.await.unwrap_err().is_panic());
}

#[tokio::test(start_paused = true)]
async fn as_many_requests_as_allowed_are_under_way_and_never_more() {
    for concurrency in [1, 3] {
        let many = (0..10).map(|i| (format!("c{i}"), Vec::new())).collect();
        let world = World { clients: many, ..World::default() };
        let fake = Fake::slow(Duration::from_secs(1), move |sent| world.response(sent));
        let mut polling = poll(fake, Settings { concurrency, ..SETTINGS }, some_key());
        let heard = polling.until(99).await;
        assert_eq!((heard.len(), polling.fake.most_in_flight()), (13, concurrency), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_read_is_said_so_and_the_others_are_read() {
    let world = world([("a", &["x"]), ("b", &["y"])]);
    for refusal in [403, 404] {
        world.lock().unwrap().refusals.insert("clients/a/channels".to_owned(), refusal);
        let mut polling = poll_world(&world, SETTINGS);
        assert_eq!(
            polling.until(99).await,
            ["0 listed: a b", "0 per_client", "0 unreadable a", "0 read b: y", "0 cycle of 0"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_said_so_and_the_known_clients_are_read() {
    let world = world([("a", &["x"])]);
    let mut polling = poll_world(&world, SETTINGS);
    polling.until(99).await;
    world.lock().unwrap().refusals.insert("clients".to_owned(), 403);
    assert_eq!(polling.until(131).await, ["100 partner unreadable", "100 read a: x", "130 partner unreadable"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_path_refuses_the_key_is_that_client_alone() {
    let world = world([("a", &["x"]), ("b", &["y"])]);
    world.lock().unwrap().refusals.insert("clients/a/channels".to_owned(), 401);
    let mut polling = poll_world(&world, SETTINGS);
    let expected = ["0 listed: a b", "0 per_client", "0 unreadable a", "0 listed: a b", "0 read b: y", "0 cycle of 0"];
    assert_eq!(polling.until(99).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_probed_every_30_seconds_and_a_new_one_in_the_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "old").unwrap();
    let world = world([("a", &["x"])]);
    world.lock().unwrap().key = Some("new".to_owned());
    let fake = {
        let world = world.clone();
        Fake::new(move |sent| world.lock().unwrap().response(sent))
    };
    let mut polling = poll(fake, SETTINGS, ApiKey::from_file(&file).unwrap());
    assert_eq!(polling.until(62).await, ["0 key refused", "30 key refused", "60 key refused"]);
    std::fs::write(&file, "new").unwrap();
    assert_eq!(polling.until(66).await, ["65 listed: a", "65 per_client", "65 read a: x", "65 cycle of 0"]);
    let keys: Vec<String> = polling.fake.sent().into_iter().map(|sent| sent.key).collect();
    assert_eq!(keys, ["old", "old", "old", "new", "new", "new"]);
}

#[tokio::test(start_paused = true)]
async fn clients_that_most_of_a_list_lost_leave_when_a_list_of_the_next_cycle_confirms_it() {
    let all: BTreeMap<_, _> = (0..8).map(|i| (format!("c{i}"), Vec::new())).collect();
    let world = Arc::new(Mutex::new(World { clients: all, ..World::default() }));
    let mut polling = poll_world(&world, SETTINGS);
    polling.until(99).await;
    world.lock().unwrap().clients.retain(|id, _| id == "c0");
    let listed = |heard: Vec<String>| heard.into_iter().filter(|line| !line.contains("read")).collect::<Vec<_>>();
    // The others are still read: their paths say 404.
    assert_eq!(listed(polling.until(101).await), ["100 listed: c0", "100 unconfirmed: 7 0"]);
    let gone = "200 listed: c0, gone: c1 c2 c3 c4 c5 c6 c7";
    let heard = listed(polling.until(201).await);
    assert_eq!(heard[heard.len() - 3..], [gone, "200 unconfirmed: 0 0", "200 cycle of 0"], "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn only_the_clients_of_the_shard_are_listed_and_read() {
    let world = world([("a", &["x"]), ("b", &["y"]), ("c", &["z"]), ("d", &[])]);
    let mut seen = Vec::new();
    for index in 0..2 {
        let shard = Shard { index, total: 2 };
        let own = |id: &&str| shard.holds(&ClientId::from(*id));
        let mut polling = poll_world(&world, Settings { shard, ..SETTINGS });
        let heard = polling.until(1).await;
        let ids: Vec<&str> = ["a", "b", "c", "d"].into_iter().filter(own).collect();
        assert_eq!(heard[0], format!("0 listed: {}", ids.join(" ")));
        let read: Vec<&str> = heard.iter().filter_map(|line| line.strip_prefix("0 read ")).map(|l| &l[..1]).collect();
        assert_eq!(read, ids);
        seen.extend(ids);
    }
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_bulk_read_is_the_read_of_every_client_of_the_shard() {
    let world = world([("a", &["x", "y"]), ("b", &[]), ("c", &["z"])]);
    let mut polling = poll_world(&world, Settings { strategy: Strategy::Bulk, ..SETTINGS });
    let expected =
        ["0 listed: a b c", "0 bulk", "0 seen: a/x a/y", "0 seen: c/z", "0 bulk read of: a b c", "0 cycle of 0"];
    assert_eq!(polling.until(1).await, expected);
    let bulk = [
        "GET channels?limit=2&offset=0&sort=id",
        "GET channels?limit=2&offset=2&sort=id",
        "GET channels?limit=2&offset=3&sort=id",
    ];
    assert_eq!(polling.fake.lines()[3..], bulk);
    assert_eq!(counts(&polling.telemetry), ["requests{clients} 3", "requests{partner_channels} 3"]);

    let shard = Shard { index: 0, total: 2 };
    let mut polling = poll_world(&world, Settings { strategy: Strategy::Bulk, shard, ..SETTINGS });
    let seen: Vec<String> = polling.until(1).await.into_iter().filter(|line| line.contains("seen")).collect();
    let own = |ids: &[(&str, &str)]| {
        let own = ids.iter().filter(|(client, _)| shard.holds(&ClientId::from(*client)));
        format!("0 seen: {}", own.map(|(client, id)| format!("{client}/{id}")).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(seen, [own(&[("a", "x"), ("a", "y")]), own(&[("c", "z")])]);
    assert_eq!(counts(&polling.telemetry), ["requests{clients} 3", "requests{partner_channels} 3"]);
}

#[tokio::test(start_paused = true)]
async fn channels_of_a_bulk_read_that_no_known_client_owns_are_counted_and_left_out() {
    let fake = Fake::new(|sent| {
        if sent.line.starts_with("GET clients") {
            return ok(&json!([{"id": "a"}]));
        }
        let channel =
            |id, client| json!({"id": id, "client_id": client, "status": "ready", "availability_status": "ready"});
        ok(&json!([channel("x", Some("a")), channel("y", Some("nobody")), channel("z", None)]))
    });
    let mut polling = poll(fake, Settings { strategy: Strategy::Bulk, ..SETTINGS }, some_key());
    assert_eq!(
        polling.until(1).await,
        [
            "0 listed: a",
            "0 bulk",
            "0 seen: a/x",
            "0 bulk read of: a",
            "0 seen: a/x",
            "0 bulk read of: a",
            "0 cycle of 0"
        ]
    );
    assert_eq!(
        counts(&polling.telemetry),
        ["rejected_items{partner_channels,ownerless} 4", "requests{clients} 2", "requests{partner_channels} 4"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_bulk_read_that_fails_leaves_every_client_unread() {
    let world = world([("a", &["x"]), ("b", &[])]);
    world.lock().unwrap().refusals.insert("channels".to_owned(), 403);
    let mut polling = poll_world(&world, Settings { strategy: Strategy::Bulk, ..SETTINGS });
    assert_eq!(polling.until(1).await, ["0 listed: a b", "0 bulk", "0 bulk read failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_a_value_is_never_looked_for_in_a_file() {
    let world = world([("a", &[])]);
    world.lock().unwrap().key = Some("right".to_owned());
    let fake = Fake::new(move |sent| world.lock().unwrap().response(sent));
    let mut polling = poll(fake, SETTINGS, ApiKey::fixed(SecretString::from("wrong")));
    assert_eq!(polling.until(40).await, ["0 key refused", "30 key refused"]);
    assert_eq!(counts(&polling.telemetry), ["request_failures{clients,unauthorized} 2", "requests{clients} 2"]);
}

#[tokio::test(start_paused = true)]
async fn channels_that_most_of_a_bulk_read_lost_leave_when_the_next_cycle_confirms_it() {
    let all: BTreeMap<_, _> = (0..8).map(|i| (format!("c{i}"), vec![format!("x{i}")])).collect();
    let world = Arc::new(Mutex::new(World { clients: all, ..World::default() }));
    let mut polling = poll_world(&world, Settings { strategy: Strategy::Bulk, ..SETTINGS });
    polling.until(99).await;
    world.lock().unwrap().clients.iter_mut().skip(1).for_each(|(_, channels)| channels.clear());
    let of_losses = |heard: Vec<String>| {
        heard.into_iter().filter(|line| line.contains("gone") || line.contains("unconfirmed")).collect::<Vec<_>>()
    };
    assert_eq!(of_losses(polling.until(199).await), ["100 unconfirmed: 0 7"]);
    let gone = "200 gone: c1/x1 c2/x2 c3/x3 c4/x4 c5/x5 c6/x6 c7/x7";
    assert_eq!(of_losses(polling.until(299).await), [gone, "200 unconfirmed: 0 0"]);
}
