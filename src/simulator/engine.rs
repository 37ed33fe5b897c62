//! The simulator as a function from a request to a response. Never here: sockets, and what the API says.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::exchange::{Now, Request, Response};
use super::options::Options;
use super::state::State;
use super::{api, control};

/// A Partner API with a fleet of its own. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

/// The ids of a channel and of its WhatsApp Business account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthyChannel {
    /// The channel.
    pub id: String,
    /// The account, which the other channels of the client share.
    pub waba_account_id: String,
}

struct Shared {
    options: Options,
    started: Instant,
    state: Mutex<State>,
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
        let state = State::new(&options);
        Self { shared: Arc::new(Shared { options, started: Instant::now(), state: Mutex::new(state) }) }
    }

    /// The options that the simulator was made with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A channel that is ready and rated `High`, to try changes on.
    pub fn healthy_channel(&self) -> Option<HealthyChannel> {
        let state = self.state();
        let mut channels = state.fleet.channel_ids().iter().filter_map(|id| state.fleet.channel(id));
        let (channel, client) = channels.find(|(channel, _)| channel.is_healthy())?;
        Some(HealthyChannel { id: channel.id.to_string(), waba_account_id: client.waba.id.to_string() })
    }

    /// Responds to a request to the API or to the controls.
    pub fn respond(&self, request: &Request) -> Response {
        let options = &self.shared.options;
        let now = self.now();
        let mut state = self.state();
        state.advance(now.elapsed);
        let Some(path) = segments(&request.path) else {
            return Response::error(400, "the path is not valid percent-encoded UTF-8");
        };
        match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["api", "v2", path @ ..] => api::respond(&mut state, options, now, path, request),
            ["_simulator", path @ ..] => control::respond(&mut state, now, path, request),
            [""] => control::index(options),
            _ => Response::error(404, "no such path: the API is under /api/v2, the controls are under /_simulator"),
        }
    }

    fn now(&self) -> Now {
        let started_at = self.shared.options.started_at;
        let elapsed = self.shared.started.elapsed();
        let since = SignedDuration::try_from(Duration::from_secs(elapsed.as_secs()));
        let wall = since.ok().and_then(|since| started_at.checked_add(since).ok());
        Now { elapsed, wall: wall.unwrap_or(started_at) }
    }
}

/// The decoded segments of a path; `None` if one of them is not UTF-8 or has a bad escape.
fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix('/')?.split('/').map(decoded).collect()
}

fn decoded(segment: &str) -> Option<String> {
    // `percent_decode_str` leaves a bad escape as it is.
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    if !segment.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(Cow::into_owned)
}
