//! `check`: is the configuration right, and is a running exporter alive.

mod found;
mod live;
mod report;

use clap::Args;

use super::failure::{Failure, environment};
use super::serve::warn_of;
use crate::config::{Config, Flags};
use crate::web::WebConfig;

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

impl CheckFlags {
    /// The configuration to check.
    pub(super) fn flags(&self) -> &Flags {
        &self.flags
    }
}

/// Checks.
pub(super) async fn run(flags: &CheckFlags) -> Result<(), Failure> {
    if flags.healthy {
        // Whom to poll does not matter here: the demo has no such settings.
        let web = WebConfig::load(&flags.flags)?;
        return healthy(&web).await.map_err(Failure::Run);
    }
    let config = Config::load(&flags.flags, &environment)?;
    for partner in &config.partners {
        let source = partner.key.file().map_or("the environment".to_owned(), |f| format!("`{}`", f.display()));
        eprintln!("partner {}: API at {}, key from {source}", partner.id, partner.settings.http.base_url);
    }
    warn_of(&config);
    eprintln!("the configuration is valid");
    if flags.live {
        live::run(&config).await?;
    }
    Ok(())
}

/// Asks the first listener. Any response is a sign of life: with basic auth it is
/// a 401, and where clients have to show a certificate it is the refusal of a
/// client that has none.
async fn healthy(web: &WebConfig) -> anyhow::Result<()> {
    let Some(address) = web.listen.first() else {
        anyhow::bail!("expected an address in --web.listen-address, found none");
    };
    let scheme = if web.protection.is_tls() { "https" } else { "http" };
    let url = format!("{scheme}://{}{}/-/healthy", address.reachable(), web.route_prefix);
    let client = reqwest::Client::builder()
        .no_proxy()
        // It asks itself, by an address that no certificate names, and sends no secret.
        .tls_danger_accept_invalid_certs(true)
        // HTTP/2 would show of a refusal only that the connection broke.
        .http1_only()
        .timeout(std::time::Duration::from_secs(5))
        .build()?;
    match client.get(&url).send().await {
        Ok(_) => {}
        Err(e) if web.protection.client_auth().is_mandatory() && is_refusal(&e) => {}
        Err(e) => return Err(e.into()),
    }
    eprintln!("healthy");
    Ok(())
}

/// Whether a TLS server said that it wants a certificate.
fn is_refusal(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(c) = cause {
        // I/O errors, one in another, hide what they are made of from the chain.
        let mut inner = c;
        while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            inner = wrapped;
        }
        if let Some(rustls::Error::AlertReceived(alert)) = inner.downcast_ref() {
            use rustls::AlertDescription::{CertificateRequired, HandshakeFailure};
            // TLS 1.2 has no alert of its own for it.
            return matches!(*alert, CertificateRequired | HandshakeFailure);
        }
        cause = c.source();
    }
    false
}
