//! The signals that end the program, and the limit for its end.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::telemetry::logging;

/// The process is gone this long after the signal, whatever hangs: a disk, a name
/// server, a connection. Service managers kill later.
const LIMIT: Duration = Duration::from_secs(14);

/// A token that is cancelled by the first SIGTERM (a service manager stops us)
/// or SIGINT (a person presses Ctrl-C).
pub(super) fn stop_on_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let limit = limit_of_the_end()?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            // Nobody is left to notify only when the process has ended.
            let _ = limit.send(());
            stop.cancel();
            info!("stopping on {name}");
        }
    });
    Ok(stop)
}

/// A thread that ends the process after [`LIMIT`]. It is there from the start: when
/// it is needed there may be no new one.
fn limit_of_the_end() -> io::Result<mpsc::Sender<()>> {
    let (limit, stopped) = mpsc::channel();
    thread::Builder::new().name("end".to_owned()).spawn(move || {
        if stopped.recv().is_ok() {
            thread::sleep(LIMIT);
            warn!("something hangs and the process is not stopped after {LIMIT:?}; ending it now");
            logging::flush();
            std::process::exit(0);
        }
    })?;
    Ok(limit)
}

/// Like [`stop_on_signal`], for a command that a person runs in a terminal:
/// closing the terminal (SIGHUP) ends it, too.
pub(super) fn stop_with_terminal() -> std::io::Result<CancellationToken> {
    let stop = stop_on_signal()?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn({
        let stop = stop.clone();
        async move {
            hangup.recv().await;
            // Whoever reads the log may be gone as well.
            stop.cancel();
        }
    });
    Ok(stop)
}
