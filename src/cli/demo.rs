//! `demo`: simulator and exporter in one process, without any configuration.

use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::signal::stop_with_terminal;
use super::simulate::FleetFlags;
use crate::clock::Clock;
use crate::config::{Config, Flags, flags};
use crate::runtime::Exporter;
use crate::simulator::{API_PREFIX, HealthyChannel, Options, Simulator};

/// Where `simulate` listens, too; another port is taken if it is in use.
const SIMULATOR_ADDRESS: &str = "127.0.0.1:10361";

/// The flags of `demo`.
#[derive(Debug, Clone, Args)]
pub(super) struct DemoFlags {
    #[command(flatten)]
    fleet: FleetFlags,
    /// Random changes per minute (0 = none)
    #[arg(long, value_name = "COUNT", default_value_t = 30.0)]
    incidents: f64,
    /// Address to listen on; may be repeated
    #[arg(
        long = "web.listen-address",
        env = "D360_WEB_LISTEN_ADDRESS",
        hide_env_values = true,
        value_name = "ADDRESS",
        default_value = ":10360",
        value_delimiter = ','
    )]
    web_listen_address: Vec<String>,
}

/// Runs simulator and exporter until stopped.
pub(super) async fn run(flags: &DemoFlags) -> Result<(), Failure> {
    let clock = Clock::system();
    let options = Options {
        clients: flags.fleet.clients,
        channels_per_client: flags.fleet.channels_per_client,
        seed: flags.fleet.seed,
        incidents_per_minute: flags.incidents,
        started_at: clock.now().into(),
        ..Options::default()
    };
    let listener = match TcpListener::bind(SIMULATOR_ADDRESS).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await?,
    };
    let simulator_address = listener.local_addr()?;
    let api_key = options.api_key.clone();
    let exporter_flags = exporter_flags(flags, &options.partner_id, &format!("http://{simulator_address}{API_PREFIX}"));
    let config =
        Config::load(&exporter_flags, &|name| (name == crate::config::API_KEY_VARIABLE).then(|| api_key.clone()))?;
    let exporter = Exporter::bind(config, clock, None)?;
    let simulator = Simulator::new(options);
    announce(&exporter, &simulator_address.to_string(), simulator.healthy_channel());

    let stop = stop_with_terminal()?;
    let mut tasks = JoinSet::new();
    tasks.spawn({
        let stop = stop.clone();
        async move { simulator.serve(listener, stop.cancelled_owned()).await.map_err(anyhow::Error::from) }
    });
    tasks.spawn({
        let stop = stop.clone();
        async move { exporter.run(stop).await }
    });
    // Whichever ends first, by itself or by a signal, ends the other.
    while let Some(ended) = tasks.join_next().await {
        stop.cancel();
        ended.map_err(anyhow::Error::from)??;
    }
    Ok(())
}

/// The flags that a person would give to `serve` for this simulator: the
/// defaults, but quicker.
fn exporter_flags(flags: &DemoFlags, partner_id: &str, base_url: &str) -> Flags {
    Flags::default()
        .with(&flags::PARTNER_ID, partner_id)
        .with(&flags::API_BASE_URL, base_url)
        .with(&flags::API_MIN_RATE, "10/s")
        .with(&flags::API_MAX_RATE, "1000/s")
        .with(&flags::POLL_INTERVAL, "5s")
        .with(&flags::POLL_MAX_STALENESS, "1m")
        .with(&flags::POLL_STRATEGY, "per-client")
        .with(&flags::WEB_LISTEN_ADDRESS, flags.web_listen_address.join(","))
}

fn announce(exporter: &Exporter, simulator: &str, channel: Option<HealthyChannel>) {
    for address in exporter.addresses() {
        let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        eprintln!("Status page:   http://{host}:{}/", address.port());
        eprintln!("Metrics:       http://{host}:{}/metrics", address.port());
    }
    eprintln!("Simulator:     http://{simulator}/");
    if let Some(HealthyChannel { id, waba_account_id }) = channel {
        let control = format!("curl -X PATCH http://{simulator}/_simulator");
        eprintln!("Drop a rating: {control}/channels/{id} -d '{{\"current_quality_rating\":\"Low\"}}'");
        eprintln!("Ban a number:  {control}/waba_accounts/{waba_account_id} -d '{{\"status\":\"banned\"}}'");
    }
}
