//! Clients that would cost others: silent ones, and readers that hardly read.
//!
//! Sockets are real. What must not depend on time happens on the real clock;
//! then the clock is paused, and jumps to the next time-out whenever all wait.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, pause, sleep};

use super::*;
use crate::clock::Clock;
use crate::exposition::{Publisher, RenderSettings, Snapshot, SnapshotCell};
use crate::fleet::Fleet;
use crate::model::{Channel, Client, Observation, Timestamp};
use crate::telemetry::Telemetry;
use crate::web::{Protection, WebConfig, bind};

/// A server on a free port.
struct Server {
    address: SocketAddr,
    published: Arc<SnapshotCell>,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(protection: Protection, first: Snapshot) -> Self {
        let published = Arc::new(SnapshotCell::new(first));
        let config = WebConfig {
            listen: Vec::new(),
            telemetry_path: "/metrics".to_owned(),
            protection,
            max_requests: 2,
            max_connections: 512,
            route_prefix: String::new(),
            external_url: None,
            systemd_socket: false,
            grafana_url: None,
            runbook_url: None,
            enable_lifecycle: false,
        };
        let web = Web::new(published.clone(), Telemetry::new(), Clock::system(), &config, String::new(), None).unwrap();
        let listener = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap().remove(0);
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, web, stop.clone()));
        Self { address, published, stop, task }
    }

    /// Asks for the metrics with a window so small that a large body waits on
    /// the server's side.
    async fn ask(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        stream
    }

    /// A scrape as a quick reader sees it: the first line, and the length.
    async fn scrape(&self) -> (String, usize) {
        let mut response = Vec::new();
        self.ask().await.read_to_end(&mut response).await.unwrap();
        let text = String::from_utf8(response).unwrap();
        (text.lines().next().unwrap().to_owned(), text.len())
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn nothing() -> Snapshot {
    Publisher::new(RenderSettings::default()).snapshot()
}

fn tls() -> Protection {
    crate::install_crypto_provider();
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["exporter.example".to_owned()]).unwrap();
    std::fs::write(directory.path().join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(directory.path().join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    let file = directory.path().join("web.yml");
    std::fs::write(&file, "tls_server_config: {cert_file: tls.crt, key_file: tls.key}").unwrap();
    Protection::load(&file).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_sent_away_with_and_without_tls() {
    for protection in [Protection::none(), tls()] {
        let server = Server::start(protection, nothing());
        let started = Instant::now();
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        let said = silent.read(&mut [0; 64]).await;
        assert!(said.as_ref().is_ok_and(|&n| n == 0), "{said:?}");
        let waited = started.elapsed();
        assert!((HEADER_TIMEOUT..IDLE_TIMEOUT).contains(&waited), "{waited:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn hundreds_of_clients_that_say_nothing_delay_no_scrape_and_are_all_sent_away() {
    // Both ends of each connection are in this process, beside other tests.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let clients = (files.saturating_sub(600) / 2).min(400);
    assert!(clients >= 200, "expected room for 1,000 open files, found {files}; raise `ulimit -n`");
    let server = Server::start(Protection::none(), nothing());
    let mut silent = Vec::new();
    for _ in 0..clients {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(server.scrape().await.0, "HTTP/1.1 200 OK");

    pause();
    let started = Instant::now();
    for client in &mut silent {
        assert_eq!(client.read(&mut [0; 64]).await.unwrap(), 0);
    }
    let waited = started.elapsed();
    assert!(waited <= HEADER_TIMEOUT, "{waited:?} for {clients}");
    server.stop().await;
}

/// Publications of a fleet whose text is larger than what buffers can hold.
struct Large {
    fleet: Fleet,
    publisher: Publisher,
}

const CLIENTS: usize = 40;
const CHANNELS: usize = 200;

impl Large {
    fn new() -> Self {
        let at = Timestamp::UNIX_EPOCH;
        let mut fleet = Fleet::new("examplePA".into(), Duration::from_secs(60));
        let clients = (0..CLIENTS).map(|i| Client::new(format!("client{i}CL").as_str())).collect();
        fleet.apply(Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: at.into() });
        let mut large = Self { fleet, publisher: Publisher::new(RenderSettings::default()) };
        (0..CLIENTS).for_each(|client| large.change(client, "first"));
        large
    }

    fn change(&mut self, client: usize, name: &str) {
        let id = format!("client{client}CL");
        let channel = |i| Channel { display_name: Some(name.into()), ..Channel::new(format!("ch{i}of{id}").as_str()) };
        let channels = (0..CHANNELS).map(channel).collect();
        let at = Timestamp::UNIX_EPOCH;
        self.fleet.apply(Observation::ChannelsRead {
            client: id.as_str().into(),
            channels,
            gone: Vec::new(),
            whole: true,
            at: at.into(),
        });
    }

    fn publish(&mut self) -> Snapshot {
        self.publisher.update(&mut self.fleet);
        self.publisher.snapshot()
    }
}

/// Which publications are still in memory.
fn alive(publications: &[Weak<Snapshot>]) -> Vec<usize> {
    (0..publications.len()).filter(|&i| publications[i].strong_count() > 0).collect()
}

#[tokio::test]
async fn a_reader_that_hardly_reads_delays_no_scrape_and_pins_one_publication_for_a_minute_at_most() {
    let mut large = Large::new();
    let server = Server::start(Protection::none(), large.publish());
    let mut publications = vec![Arc::downgrade(&server.published.current())];
    let mut slow = server.ask().await;
    assert_eq!(slow.read_u8().await.unwrap(), b'H');
    for round in 1..=5 {
        large.change(round, "changed");
        server.published.replace(large.publish());
        publications.push(Arc::downgrade(&server.published.current()));
        let (status, length) = server.scrape().await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert!(length > 6 * 1024 * 1024, "larger than what the sender's buffer can hold: {length}");
        slow.read_u8().await.unwrap();
    }

    pause();
    let paused = Instant::now();
    // A quick reader has its last byte a moment before the server is done.
    while alive(&publications).len() > 2 && paused.elapsed() < HEADER_TIMEOUT {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(alive(&publications), [0, 5], "the one that is read, and the latest");
    while alive(&publications).len() > 1 && paused.elapsed() < 2 * IDLE_TIMEOUT {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(alive(&publications), [5]);
    assert!(paused.elapsed() <= IDLE_TIMEOUT + Duration::from_secs(1), "{:?}", paused.elapsed());
    drop(slow);
    server.stop().await;
}
