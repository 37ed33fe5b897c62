//! `serve`: the exporter.

use tracing::{info, warn};

use super::failure::{Failure, environment};
use super::signal::stop_on_signal;
use crate::clock::Clock;
use crate::config::{self, Config, Flags};
use crate::runtime::{Exporter, Reload};

/// Runs the exporter until it is stopped.
pub(super) async fn run(flags: &Flags) -> Result<(), Failure> {
    // First of all: no signal may find the process without them.
    let stop = stop_on_signal()?;
    let flags = flags.clone();
    let reload = Reload::listen(move || Config::load(&flags, &environment))?;
    let config = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        loaded = reload.load() => loaded?,
    };
    info!(
        version = crate::VERSION,
        revision = crate::REVISION,
        partners = config.partners.len(),
        "starting d360_exporter"
    );
    warn_of(&config);
    let exporter = Exporter::bind(config, Clock::system(), Some(reload))?;
    exporter.run(stop).await?;
    Ok(())
}

/// Logs what is no error and should be known.
pub(super) fn warn_of(config: &Config) {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = config::unknown_variables(names).join(", ");
    if !unknown.is_empty() {
        warn!(variables = unknown, "unknown D360_ variables have no effect; correct their names or unset them");
    }
    for warning in &config.warnings {
        warn!("{warning}");
    }
}
