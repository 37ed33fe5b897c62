//! `serve`: the exporter.

use tracing::info;

use super::failure::{Failure, environment};
use super::signal::stop_on_signal;
use crate::clock::Clock;
use crate::config::{Config, Flags};
use crate::runtime::Exporter;

/// Runs the exporter until it is told to stop.
pub(super) async fn run(flags: &Flags) -> Result<(), Failure> {
    let config = Config::load(flags, &environment)?;
    info!(
        version = crate::VERSION,
        revision = crate::REVISION,
        partners = config.partners.len(),
        "starting d360_exporter"
    );
    let reload = flags.clone();
    let reload = Box::new(move || Config::load(&reload, &environment));
    let exporter = Exporter::bind(config, Clock::system(), Some(reload))?;
    exporter.run(stop_on_signal()?).await?;
    Ok(())
}
