//! `check`: is the configuration right, and is a running exporter alive.

mod live;
mod report;

use clap::Args;

use super::{Failure, environment};
use crate::config::{Config, Flags, ListenAddress};

/// The flags of `check`.
#[derive(Debug, Clone, Args)]
pub(super) struct CheckFlags {
    #[command(flatten)]
    flags: Flags,
    /// Instead ask the exporter that runs with this configuration for
    /// `/-/healthy`: for the health checks of containers
    #[arg(long, conflicts_with = "live")]
    healthy: bool,
    /// Also call the API for each partner: what may be read, what a cycle costs,
    /// and what would be exported
    #[arg(long)]
    live: bool,
}

/// Checks.
pub(super) async fn run(flags: &CheckFlags) -> Result<(), Failure> {
    let config = Config::load(&flags.flags, &environment)?;
    if flags.healthy {
        return healthy(&config).await.map_err(Failure::Run);
    }
    for partner in &config.partners {
        let source = partner.key.file().map_or("the environment".to_owned(), |f| format!("`{}`", f.display()));
        eprintln!("partner {}: API at {}, key from {source}", partner.id, partner.http.base_url);
    }
    eprintln!("the configuration is valid");
    if flags.live {
        live::run(&config).await?;
    }
    Ok(())
}

/// Asks the first listener. Any answer of a web server is a sign of life: with
/// basic auth it is a 401.
async fn healthy(config: &Config) -> anyhow::Result<()> {
    let Some(ListenAddress(address)) = config.web.listen.first() else {
        anyhow::bail!("expected an address in --web.listen-address, found none");
    };
    let host = match address.ip() {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    let url = format!("http://{host}:{}/-/healthy", address.port());
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5)).build()?;
    let status = client.get(&url).send().await?.status();
    anyhow::ensure!(status.is_success(), "expected status 200 of {url}, found {status}");
    eprintln!("healthy");
    Ok(())
}
