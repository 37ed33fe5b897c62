//! A Partner API to try things on: the operations the exporter uses, over a generated fleet in which things happen.
//!
//! [`Simulator::answer`] is the whole API as a function, without sockets and without tasks: it reads tokio's clock,
//! so a test with paused time decides when incidents come and when a request window slides.
//! [`Simulator::router`] and [`Simulator::serve`] put it on HTTP/1.1 and act out slow, cut and missing answers.
//!
//! The API lies under `/api/v2`. Under `/_simulator` lie the controls, which need no key: they change any field of a
//! client or channel, set faults, and tell the truth to compare with.
//!
//! The rest of the crate does not know the simulator; only commands and tests use it.

mod api;
mod control;
mod distort;
mod faults;
mod fleet;
mod generate;
mod http;
mod incidents;
mod limiter;
mod listing;
mod names;
mod profiles;
mod records;
#[cfg(test)]
mod testing;
mod views;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The partner whose clients these are. Any other id is answered 404.
    pub partner_id: String,
    /// The key that must come in `X-API-Key`.
    pub api_key: String,
    /// Number of clients at the start.
    pub clients: usize,
    /// Number of channels of each client at the start.
    pub channels_per_client: usize,
    /// Decides the fleet and the incidents.
    pub seed: u64,
    /// How long every answer of the API takes.
    pub latency: Duration,
    /// More requests than this are answered 429.
    pub rate_limit: Option<RateLimit>,
    /// Larger `limit`s are clamped to this.
    pub max_page: usize,
    /// Changes of the fleet per minute; 0 keeps it still.
    pub incidents_per_minute: f64,
    /// The shape of the channel list of one client.
    pub channels_envelope: ChannelsEnvelope,
    /// The time of day when the simulator starts.
    pub started_at: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partner_id: "examplePA".to_owned(),
            api_key: "demo-key".to_owned(),
            clients: 40,
            channels_per_client: 3,
            seed: 1,
            latency: Duration::ZERO,
            rate_limit: None,
            max_page: 1000,
            incidents_per_minute: 0.0,
            channels_envelope: ChannelsEnvelope::Array,
            // A fixed day: who wants today's passes it.
            started_at: Timestamp::constant(1_767_225_600, 0),
        }
    }
}

/// At most `requests` in any `window`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Requests that go through.
    pub requests: u32,
    /// The span over which they are counted.
    pub window: Duration,
}

/// The shape of the channel list of one client. The documentation leaves it open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ChannelsEnvelope {
    /// A bare array of all channels.
    #[default]
    Array,
    /// An object with `limit`, `offset`, `total`, `count` and `channels`, paged.
    Object,
}

/// A request as it comes in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// The path, percent-encoded as on the wire.
    pub path: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The value of `X-API-Key`.
    pub api_key: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer and how it reaches the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers beside those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// How head and body get there.
    pub delivery: Delivery,
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// At once and in one piece.
    Whole,
    /// In one piece, late.
    After(Duration),
    /// Never: the connection stays open and silent.
    Hang,
    /// The head at once, then the body piece by piece.
    Drip {
        /// Bytes of a piece.
        chunk: usize,
        /// The wait before each piece.
        every: Duration,
    },
    /// The head announces the whole body, which ends early with the connection.
    Truncated {
        /// Bytes that are sent.
        at: usize,
    },
    /// The body over and over, without an announced length.
    Repeated {
        /// Bytes that are sent in all.
        total: u64,
    },
}

/// The path prefix of the API.
pub const API_PREFIX: &str = "/api/v2";

/// A Partner API with a fleet of its own. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    started: Instant,
    state: Mutex<State>,
}

/// Everything that changes.
#[derive(Debug)]
struct State {
    fleet: fleet::Fleet,
    incidents: incidents::Incidents,
    faults: faults::Faults,
    limiter: Option<limiter::Limiter>,
    /// Answers by operation and status.
    requests: BTreeMap<&'static str, BTreeMap<u16, u64>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The fleet would fill screens.
        f.debug_struct("Simulator").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Simulator {
    /// A simulator whose clock starts now.
    pub fn new(options: Options) -> Self {
        let fleet = generate::fleet(options.seed, options.clients, options.channels_per_client, options.started_at);
        let state = State {
            fleet,
            incidents: incidents::Incidents::new(options.seed, options.incidents_per_minute, options.started_at),
            faults: faults::Faults::new(options.seed),
            limiter: options.rate_limit.map(limiter::Limiter::new),
            requests: BTreeMap::new(),
        };
        Self { shared: Arc::new(Shared { options, started: Instant::now(), state: Mutex::new(state) }) }
    }

    /// What the simulator was made with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The id of a channel that is ready and rated `High`, for who wants to
    /// watch a fall.
    pub fn healthy_channel(&self) -> Option<String> {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = state.fleet.channel_ids().iter();
        let mut healthy = ids.filter(|id| state.fleet.channel(id).is_some_and(|(c, _)| c.is_healthy()));
        healthy.next().map(ToString::to_string)
    }

    /// Answers a request to the API or to the controls.
    pub fn answer(&self, request: &Request) -> Answer {
        let options = &self.shared.options;
        let elapsed = self.shared.started.elapsed();
        let now = Now {
            elapsed,
            wall: SignedDuration::try_from(Duration::from_secs(elapsed.as_secs()))
                .ok()
                .and_then(|since| options.started_at.checked_add(since).ok())
                .unwrap_or(options.started_at),
        };
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { incidents, fleet, .. } = &mut *state;
        incidents.advance(fleet, elapsed);
        let Some(path) = api::segments(&request.path) else {
            return api::error(400, "the path is not valid percent-encoded UTF-8");
        };
        match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["api", "v2", path @ ..] => api::answer(&mut state, options, now, path, request),
            ["_simulator", path @ ..] => control::answer(&mut state, now, path, request),
            [""] => control::index(options),
            _ => api::error(404, "no such path: the API lies under /api/v2, the controls under /_simulator"),
        }
    }
}

/// The time of a request.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Since the start of the simulator.
    elapsed: Duration,
    /// The time of day.
    wall: Timestamp,
}
