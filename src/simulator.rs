//! A simulated Partner API: the operations that the exporter uses, over a generated fleet with incidents and faults.
//!
//! [`Simulator::respond`] is the whole API as a function, without sockets and without tasks: it reads tokio's clock,
//! so a test with paused time decides when incidents happen and when a rate limit's window slides.
//! [`Simulator::router`] and [`Simulator::serve`] put it on HTTP/1.1 and act out slow, cut and missing responses.
//!
//! The API is under `/api/v2`. The controls are under `/_simulator` and need no key: they change any field of a
//! client, channel or WhatsApp Business account, set faults and rate limits, and show the fleet as it really is.
//! `docs/simulator.md` documents them.
//!
//! | to add | change |
//! |---|---|
//! | a field | one line of a `view!` in `views` |
//! | an operation | one entry of `operations!` in `operation` |
//! | a fault | one variant of `Kind` in `faults`, and the place where it takes effect |
//! | an incident | one entry of `INCIDENTS` in `incidents` |
//!
//! The rest of the crate does not know the simulator; only commands and tests use it.

mod api;
mod call;
mod control;
mod distort;
mod engine;
mod exchange;
mod faults;
mod faulty;
mod fleet;
mod generate;
mod http;
mod incidents;
mod item;
mod limiter;
mod list_memory;
mod listing;
mod names;
mod operation;
mod options;
mod profiles;
mod records;
mod state;
#[cfg(test)]
mod testing;
mod views;

pub use engine::{HealthyChannel, Simulator};
pub use exchange::{Delivery, Request, Response};
pub use options::{ChannelsEnvelope, Options, RateLimit};

/// The path prefix of the API.
pub const API_PREFIX: &str = "/api/v2";
