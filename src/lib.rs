//! A Prometheus exporter for WhatsApp numbers on 360dialog: a guided tour.
//!
//! ```text
//! config ─► partner_api ─► poller ─► fleet ─► exposition ─► web
//! ```
//!
//! Data flows along the arrows, and what stands at an arrow's head may know
//! what stands at its tail, never the other way round.
//!
//! * [`config`] makes one validated configuration of flags, environment and YAML.
//! * [`partner_api`] asks the Partner API: pages, odd bodies, pace, retries.
//! * [`poller`] decides what to ask next and says what it learned, as
//!   [`model::Observation`]s.
//! * [`fleet`] keeps the state: what is known of every client and channel, how
//!   old it is, and what changed.
//! * [`exposition`] renders what changed and holds it ready to be sent.
//! * [`web`] sends it.
//!
//! Beside the line stand [`model`] (the plain values that all speak of),
//! [`catalogue`] (every family with its help), [`telemetry`] (own instruments and
//! the log), [`clock`], `yaml` (files that may hold secrets) and, imported by no one but commands and tests,
//! [`simulator`]: the same API, served. [`cli`] puts it all together.

pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod exposition;
pub mod fleet;
pub mod model;
pub mod partner_api;
pub mod poller;
pub mod simulator;
pub mod telemetry;
pub mod web;
mod yaml;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision that this build was made of, `unknown` outside a checkout.
pub const REVISION: &str = match option_env!("D360_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Chooses ring as the TLS implementation of the process. A second call changes
/// nothing.
pub fn install_crypto_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
