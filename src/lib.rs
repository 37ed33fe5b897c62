//! A Prometheus exporter for WhatsApp numbers on 360dialog: a guided tour.
//!
//! The path that the data takes, from the Partner API to a scrape:
//!
//! ```text
//! partner_api ─► poller ─► fleet ─► exposition ─► web
//! ```
//!
//! * [`partner_api`] asks the Partner API: pagination, odd bodies, rate limit, retries.
//! * [`poller`] decides what to ask next, and sends what it learned on as
//!   [`model::Observation`]s.
//! * [`fleet`] keeps the state: what is known of every client and channel, how
//!   old it is, and what changed.
//! * [`exposition`] renders what changed and keeps it ready to be sent.
//! * [`web`] sends it.
//!
//! A second picture shows which room imports which. Each room may import the rooms below it,
//! never one above or beside it, unless the table in `tests/it/structure.rs` says
//! so:
//!
//! ```text
//! cli                                  the commands; sees everything
//! runtime          simulator           tasks and threads; the API, served
//! config                               flags, environment and YAML
//! poller           web
//! partner_api      exposition
//! catalogue                            every family, and how it is read
//! telemetry        view
//!                  fleet
//! family  clock  model  redaction  yaml   plain values and constants
//! ```
//!
//! * [`cli`] holds the commands, [`runtime`] runs the exporter that they start.
//! * [`config`] turns flags, environment and YAML into one validated configuration.
//! * [`catalogue`] is the table of all metric families, each described as a
//!   [`family::Family`]; [`telemetry`] holds the exporter's own metrics and the log.
//! * [`model`] holds the plain values that all others share, [`clock`] the time,
//!   `yaml` files that may hold secrets; [`redaction`] takes API keys out of text.
//! * [`view`] is the fleet as people read it: rows and filters that the pages of
//!   [`web`] and the commands of [`cli`] share.
//! * [`simulator`] serves the same API for `demo`, tests and benchmarks; only
//!   commands and tests import it.

pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod exposition;
pub mod family;
pub mod fleet;
pub mod model;
pub mod partner_api;
pub mod poller;
pub mod redaction;
pub mod runtime;
pub mod simulator;
pub mod telemetry;
pub mod view;
pub mod web;
mod yaml;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The Git revision of this build, `unknown` outside a checkout.
pub const REVISION: &str = match option_env!("D360_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Installs ring as the TLS implementation of the process. A second call does
/// nothing.
pub fn install_crypto_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
