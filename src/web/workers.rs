//! A few threads, made at the start, for work that takes a while: pages,
//! passwords, files.
//!
//! tokio's own pool grows by a thread per waiting job and ends the process when
//! the system refuses one, so that a flood of requests could end it. This one
//! never grows, and its queue has an end: what does not fit is refused, and the
//! caller says so. Never here: what the work is.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A pool of threads. Clones share it; they end with the last clone.
#[derive(Clone)]
pub(super) struct Workers(SyncSender<Job>);

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotDone {
    /// As much waits as may.
    #[error("too much is waiting")]
    Busy,
    /// The work panicked.
    #[error("the work panicked")]
    Panicked,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

impl Workers {
    /// Starts `threads` threads for which up to `queue` jobs wait.
    ///
    /// # Errors
    ///
    /// Fails if the system has no room for the threads.
    pub(super) fn start(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<Job>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = receiver.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                give_way();
                work(&receiver);
            })?;
        }
        Ok(Self(sender))
    }

    /// Does the work in one of the threads.
    ///
    /// # Errors
    ///
    /// Fails at once if the queue is full, and later if the work panics.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            let _ = sender.send(work());
        });
        self.0.try_send(job).map_err(|_| NotDone::Busy)?;
        receiver.await.map_err(|_| NotDone::Panicked)
    }
}

/// Lets the threads that serve scrapes go first, where the system can tell
/// threads apart: on Linux, the priority is the calling thread's.
fn give_way() {
    const NICE: i32 = 5;
    let _ = rustix::process::setpriority_process(None, NICE);
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // The panic is reported by its hook, and the caller learns of it.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_and_a_panic_ends_no_thread() {
        let workers = Workers::start("test", 1, 4).unwrap();
        assert_eq!(workers.run(|| 1 + 1).await, Ok(2));
        assert_eq!(workers.run(|| -> u8 { panic!("broken") }).await, Err(NotDone::Panicked));
        assert_eq!(workers.run(|| 2 + 2).await, Ok(4));
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_queue_is_refused_at_once() {
        let workers = Workers::start("test", 1, 1).unwrap();
        let (go, wait) = sync_channel::<()>(0);
        let (begun, begins) = sync_channel::<()>(1);
        let slow = tokio::spawn({
            let workers = workers.clone();
            async move {
                let work = move || {
                    let _ = begun.send(());
                    let _ = wait.recv();
                };
                workers.run(work).await
            }
        });
        tokio::task::yield_now().await;
        begins.recv().unwrap();
        let waiting = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(|| 7).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(workers.run(|| 8).await, Err(NotDone::Busy));
        go.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(()));
        assert_eq!(waiting.await.unwrap(), Ok(7));
    }
}
