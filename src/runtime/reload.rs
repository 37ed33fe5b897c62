//! Reading the configuration again: on SIGHUP, and when asked.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::worker::Worker;
use crate::config::{Config, ConfigErrors};

/// How long the files of the configuration may take to be read.
const LIMIT: Duration = Duration::from_secs(10);

/// Reads the configuration from the flags and files it came from.
type Load = dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync;

/// Where a new configuration comes from, and the signal that asks for it.
pub struct Reload {
    load: Arc<Load>,
    /// Files may be on a disk that hangs.
    files: Worker,
    hangup: Signal,
}

impl Reload {
    /// Listens for SIGHUP from now on: it does not end the process any more.
    /// Needs a runtime.
    ///
    /// # Errors
    ///
    /// Fails if the signal cannot be had, or no thread.
    pub fn listen(load: impl Fn() -> Result<Config, ConfigErrors> + Send + Sync + 'static) -> io::Result<Self> {
        let files = Worker::start("configuration")?;
        Ok(Self { load: Arc::new(load), files, hangup: signal(SignalKind::hangup())? })
    }

    /// Reads the configuration, for as long as it takes.
    pub fn load(&self) -> impl Future<Output = Result<Config, ConfigErrors>> + Send + use<> {
        let load = self.load.clone();
        self.files.run(move || load())
    }

    /// Reads the configuration. The error is for a person.
    pub(super) async fn load_in_time(&self) -> Result<Config, String> {
        match timeout(LIMIT, self.load()).await {
            Ok(loaded) => loaded.map_err(|errors| errors.to_string()),
            Err(_) => Err(format!(
                "expected to read the files of the configuration within {LIMIT:?}, found a file that hangs; check their disks"
            )),
        }
    }

    /// Waits for SIGHUP.
    pub(super) async fn asked(&mut self) {
        if self.hangup.recv().await.is_none() {
            pending().await
        }
    }
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").finish_non_exhaustive()
    }
}
