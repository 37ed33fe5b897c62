//! When the state file is read and written: in a thread of its own, so that a disk
//! that hangs, is full or read-only keeps nothing else waiting.
//!
//! Never here: what is in the file, and how it is replaced
//! ([`crate::fleet::state_file`], [`crate::fleet::state_storage`]).

use std::fmt;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use super::worker::Worker;
use crate::clock::Clock;
use crate::fleet::{state_file, state_storage};
use crate::model::PartnerId;
use crate::telemetry::Telemetry;

/// From one write of the state file to the next, at least.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// Writing takes at most this part of the time, however large the fleet is.
const SAVE_PART: u32 = 50;

/// A read or a write that takes longer counts as failed.
const LIMIT: Duration = Duration::from_secs(10);

/// How long the end of the process waits for the last write.
const LAST_WRITE: Duration = Duration::from_secs(8);

/// The state file and its thread.
#[derive(Debug)]
pub(super) struct StateKeeper {
    path: PathBuf,
    disk: Worker,
    telemetry: Telemetry,
    clock: Clock,
    /// The next write is not due before.
    next: Instant,
    writing: Option<Writing>,
    /// Since when the state is not saved any more.
    failing_since: Option<Instant>,
}

/// A write under way.
struct Writing {
    began: Instant,
    /// Whether it already counts as failed.
    late: bool,
    result: BoxFuture<'static, io::Result<()>>,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").field("began", &self.began).field("late", &self.late).finish_non_exhaustive()
    }
}

impl StateKeeper {
    /// Starts the thread. Nothing is read or written yet.
    ///
    /// # Errors
    ///
    /// Fails if there can be no more threads.
    pub(super) fn start(path: PathBuf, telemetry: Telemetry, clock: Clock) -> io::Result<Self> {
        telemetry.state_file_in_use();
        let (disk, next) = (Worker::start("state file")?, Instant::now() + SAVE_INTERVAL);
        Ok(Self { path, disk, telemetry, clock, next, writing: None, failing_since: None })
    }

    /// What an earlier run left for any of these partners. A file that cannot be
    /// used is kept aside.
    pub(super) async fn load(&mut self, partners: Vec<PartnerId>) -> Option<state_file::Saved> {
        let path = self.path.clone();
        match timeout(LIMIT, self.disk.run(move || load(&path, &partners))).await {
            Ok(saved) => saved,
            Err(_) => {
                warn!(file = %self.path.display(), "the state file could not be read within {LIMIT:?}, starting cold");
                None
            }
        }
    }

    /// Whether the last write failed: it is tried again even if nothing changes.
    pub(super) fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// Whether it is time for a write. One that is due while an earlier one is
    /// still under way is skipped, and counted if that one is late.
    pub(super) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next {
            return false;
        }
        self.next = now + SAVE_INTERVAL;
        match &self.writing {
            None => true,
            Some(writing) => {
                if writing.late {
                    self.telemetry.state_write_failed();
                }
                false
            }
        }
    }

    /// Begins to write, if nothing is being written. `began` is when the content
    /// began to be made.
    pub(super) fn write(&mut self, content: io::Result<Vec<u8>>, began: Instant) {
        if self.writing.is_some() {
            return;
        }
        let path = self.path.clone();
        let write = move || content.and_then(|content| state_storage::replace(&path, &content));
        self.writing = Some(Writing { began, late: false, result: self.disk.run(write).boxed() });
    }

    /// Waits until the write under way ends or is late. For ever if there is none.
    pub(super) async fn progress(&mut self) {
        let Some(writing) = &mut self.writing else { return pending().await };
        let result = tokio::select! {
            result = &mut writing.result => result,
            () = sleep_until(writing.began + LIMIT), if !writing.late => {
                writing.late = true;
                self.failed(&format!("a write is not done after {LIMIT:?}; does the disk hang?"));
                return;
            }
        };
        let took = writing.began.elapsed();
        self.writing = None;
        self.next = Instant::now() + SAVE_INTERVAL.max(took * SAVE_PART);
        match result {
            Ok(()) => self.saved(),
            Err(error) => self.failed(&error.to_string()),
        }
    }

    /// Writes once more before the process ends, if the disk allows it in time.
    pub(super) async fn write_last(mut self, content: impl Future<Output = io::Result<Vec<u8>>>) {
        let file = self.path.clone();
        let last = async {
            while self.writing.is_some() {
                self.progress().await;
            }
            let began = Instant::now();
            self.write(content.await, began);
            self.progress().await;
        };
        if timeout(LAST_WRITE, last).await.is_err() {
            warn!(file = %file.display(), "the state was not saved within {LAST_WRITE:?}; the next start begins with older data");
        }
    }

    fn saved(&mut self) {
        self.telemetry.state_written(self.clock.now());
        if let Some(since) = self.failing_since.take() {
            info!(file = %self.path.display(), after_seconds = since.elapsed().as_secs(), "the state is saved again");
        }
    }

    fn failed(&mut self, error: &str) {
        self.telemetry.state_write_failed();
        if self.failing_since.is_none() {
            self.failing_since = Some(Instant::now());
            warn!(file = %self.path.display(), error, "cannot save the state, trying again; a restart would begin with older data");
        }
    }
}

/// Reads the file, in the thread that may wait for the disk.
fn load(path: &Path, partners: &[PartnerId]) -> Option<state_file::Saved> {
    let reason = match state_storage::load(path) {
        Ok(Some(saved)) if saved.partners().any(|id| partners.iter().any(|partner| partner.as_str() == id)) => {
            return Some(saved);
        }
        Ok(Some(_)) => "expected the state of a configured partner, found only others".to_owned(),
        Ok(None) => {
            info!(file = %path.display(), "no state file yet, starting cold");
            return None;
        }
        Err(error) => error.to_string(),
    };
    match state_storage::set_aside(path) {
        Ok(kept) => {
            warn!(file = %path.display(), reason, kept = %kept.display(), "the state file was not taken, starting cold");
        }
        Err(error) => {
            warn!(file = %path.display(), reason, %error, "the state file was not taken and can't be kept aside, starting cold");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A keeper whose disk hangs until the sender is used or dropped.
    fn hanging(path: &Path) -> (StateKeeper, Telemetry, Sender<()>) {
        let (telemetry, clock) = (Telemetry::new(), Clock::virtual_from(crate::model::Timestamp::UNIX_EPOCH));
        let keeper = StateKeeper::start(path.to_owned(), telemetry.clone(), clock).unwrap();
        let (disk_works, hangs) = channel();
        drop(keeper.disk.run(move || hangs.recv().is_ok()));
        (keeper, telemetry, disk_works)
    }

    fn shown(telemetry: &Telemetry) -> [Option<f64>; 2] {
        let value = |name: &str| {
            let family = telemetry.gather().into_iter().find(|family| family.name() == name)?;
            let metric = family.get_metric().first()?;
            Some(metric.get_counter().get_value() + metric.get_gauge().get_value())
        };
        [value("d360_exporter_state_write_failures_total"), value("d360_exporter_state_last_write_timestamp_seconds")]
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_hangs_is_counted_once_and_skipped_ones_are_until_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let (mut keeper, telemetry, disk_works) = hanging(&path);
        assert_eq!(shown(&telemetry), [Some(0.0), None]);
        keeper.write(Ok(b"d360_exporter-state 1".to_vec()), Instant::now());
        keeper.progress().await;
        assert_eq!(shown(&telemetry), [Some(1.0), None]);
        assert!(!keeper.is_due(), "an earlier write is under way");
        assert_eq!(shown(&telemetry), [Some(2.0), None]);
        assert!(!keeper.is_due(), "not before five seconds have passed");
        assert_eq!(shown(&telemetry), [Some(2.0), None]);
        disk_works.send(()).unwrap();
        keeper.progress().await;
        let [failures, written] = shown(&telemetry);
        assert_eq!(failures, Some(2.0));
        assert!(written.is_some_and(|at| at >= 10.0), "{written:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"d360_exporter-state 1");
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_write_is_not_waited_for_when_the_disk_hangs() {
        let directory = tempfile::tempdir().unwrap();
        let (mut keeper, _, disk_works) = hanging(&directory.path().join("state"));
        keeper.write(Ok(Vec::new()), Instant::now());
        let began = Instant::now();
        keeper.write_last(async { Ok(Vec::new()) }).await;
        assert_eq!(began.elapsed(), LAST_WRITE);
        drop(disk_works);
    }

    #[tokio::test]
    async fn a_write_that_fails_is_counted_and_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let (mut keeper, telemetry, disk_works) = hanging(&directory.path().join("gone/state"));
        drop(disk_works);
        keeper.write(Ok(Vec::new()), Instant::now());
        keeper.progress().await;
        assert_eq!(shown(&telemetry), [Some(1.0), None]);
        std::fs::create_dir(directory.path().join("gone")).unwrap();
        keeper.write(Ok(Vec::new()), Instant::now());
        keeper.progress().await;
        assert_eq!(shown(&telemetry), [Some(1.0), Some(0.0)]);
    }
}
