//! `serve`: the exporter.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Exporter, Failure, environment};
use crate::clock::Clock;
use crate::config::{Config, Flags};

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

/// A token that is cancelled by the first SIGTERM (a service manager stops us)
/// or SIGINT (a person presses Ctrl-C).
pub(super) fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => info!("stopping on SIGTERM"),
                _ = interrupt.recv() => info!("stopping on SIGINT"),
            }
            stop.cancel();
        }
    });
    Ok(stop)
}
