//! `simulate`: the simulator of the Partner API by itself.

use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tracing::info;

use super::failure::Failure;
use super::signal::stop_with_terminal;
use crate::clock::Clock;
use crate::config::{self, ConfigError, ConfigErrors};
use crate::simulator::{API_PREFIX, ChannelsEnvelope, Options, RateLimit, Simulator};

/// The flags of `simulate`.
#[derive(Debug, Clone, Args)]
pub(super) struct SimulateFlags {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:10361")]
    listen: String,
    /// Id of the only partner
    #[arg(long, value_name = "ID", default_value = "examplePA")]
    partner_id: String,
    /// API key of the partner
    #[arg(long, value_name = "KEY", default_value = "demo-key")]
    api_key: String,
    #[command(flatten)]
    fleet: FleetFlags,
    /// Latency of every response
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    latency: String,
    /// Rate limit, such as `5/30s`, which is what the real API is believed to have; further requests get 429
    #[arg(long, value_name = "RATE")]
    rate_limit: Option<String>,
    /// Maximum page size; larger `limit`s are clamped
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    max_page: usize,
    /// Random changes per minute (0 = none)
    #[arg(long, value_name = "COUNT", default_value_t = 0.0)]
    incidents: f64,
    /// Shape of a client's channel list: array or object
    #[arg(long, value_name = "FORM", default_value = "array")]
    channels_envelope: String,
}

/// The size of a simulated fleet.
#[derive(Debug, Clone, Args)]
pub(super) struct FleetFlags {
    /// Clients of the fleet
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    pub(super) clients: usize,
    /// Channels of each client
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub(super) channels_per_client: usize,
    /// The same seed gives the same fleet and the same incidents
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
}

/// Serves a simulated Partner API until it is stopped.
pub(super) async fn run(flags: &SimulateFlags) -> Result<(), Failure> {
    let options = options(flags)?;
    let listener = TcpListener::bind(&flags.listen)
        .await
        .map_err(|e| anyhow::anyhow!("cannot listen on {} (--listen): {e}", flags.listen))?;
    let address = listener.local_addr()?;
    info!(%address, clients = options.clients, channels_per_client = options.channels_per_client, "simulating the Partner API");
    eprintln!("Partner API: http://{address}{}", API_PREFIX);
    let stop = stop_with_terminal()?;
    Simulator::new(options).serve(listener, stop.cancelled_owned()).await?;
    Ok(())
}

fn options(flags: &SimulateFlags) -> Result<Options, ConfigErrors> {
    let mut errors = Vec::new();
    let mut note = |setting: &str, expected: String, found: &str| {
        let message = format!("expected {expected}, found `{found}`");
        errors.push(ConfigError { setting: setting.to_owned(), message });
    };
    let latency = config::parse_duration(&flags.latency).unwrap_or_else(|e| {
        note("--latency", e, &flags.latency);
        Duration::ZERO
    });
    let rate_limit = flags.rate_limit.as_deref().and_then(|text| {
        let rate = config::parse_rate(text).map_err(|e| note("--rate-limit", e, text)).ok()?;
        Some(RateLimit { requests: rate.count, window: rate.per })
    });
    let channels_envelope = match flags.channels_envelope.as_str() {
        "array" => ChannelsEnvelope::Array,
        "object" => ChannelsEnvelope::Object,
        other => {
            note("--channels-envelope", "`array` or `object`".to_owned(), other);
            ChannelsEnvelope::Array
        }
    };
    if flags.max_page == 0 {
        note("--max-page", "a whole number of at least 1".to_owned(), "0");
    }
    if !(flags.incidents.is_finite() && flags.incidents >= 0.0) {
        note("--incidents", "a number of at least 0".to_owned(), &flags.incidents.to_string());
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    Ok(Options {
        partner_id: flags.partner_id.clone(),
        api_key: flags.api_key.clone(),
        clients: flags.fleet.clients,
        channels_per_client: flags.fleet.channels_per_client,
        seed: flags.fleet.seed,
        latency,
        rate_limit,
        max_page: flags.max_page,
        incidents_per_minute: flags.incidents,
        channels_envelope,
        started_at: Clock::system().now().into(),
    })
}
