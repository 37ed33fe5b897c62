//! A thread that does one job after another, so that what may block keeps nothing
//! else waiting.
//!
//! Each part has its thread from the start: under a limit of threads there may be
//! no new one later.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The thread. It ends when this is dropped, after the job that it is at.
#[derive(Debug)]
pub(super) struct Worker(Sender<Job>);

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Fails if there can be no more threads.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        thread::Builder::new().name(name.to_owned()).spawn(move || waiting.into_iter().for_each(|job| job()))?;
        Ok(Self(jobs))
    }

    /// Does the work after all that was asked for before, whether or not anybody
    /// waits for the result. If it panics, so does whoever waits.
    pub(super) fn run<T, F>(&self, work: F) -> impl Future<Output = T> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
        let job = Box::new(move || drop(done.send(catch_unwind(AssertUnwindSafe(work)))));
        let sent = self.0.send(job);
        async move {
            match result.await {
                Ok(Ok(value)) if sent.is_ok() => value,
                Ok(Err(panic)) => resume_unwind(panic),
                _ => resume_unwind(Box::new("a thread of the exporter is gone")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn jobs_are_done_in_their_order_and_one_that_panics_ends_only_itself() {
        let worker = Worker::start("test").unwrap();
        let first = worker.run(|| 1);
        let bad = worker.run(|| -> u8 { panic!("a bad job") });
        let last = worker.run(|| thread::current().name().map(str::to_owned));
        assert_eq!(last.await.as_deref(), Some("test"));
        assert_eq!(first.await, 1);
        let panic = AssertUnwindSafe(bad).catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a bad job"));
    }
}
