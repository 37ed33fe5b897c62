//! The signals that end the program.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

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
