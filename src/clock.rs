//! The one place that reads the wall clock.
//!
//! Loops ask a [`Clock`] and pass `now` on; everything else takes `now` as a
//! parameter. A virtual clock follows tokio's, so a test that pauses time
//! pauses dates too.

use jiff::SignedDuration;
use tokio::time::Instant;

use crate::model::Timestamp;

/// Where the time of day comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    System,
    Virtual { start: Timestamp, since: Instant },
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `start` now and moves with tokio's clock.
    pub fn virtual_from(start: Timestamp) -> Self {
        Self(Source::Virtual { start, since: Instant::now() })
    }

    /// The time of day.
    #[expect(clippy::disallowed_methods, reason = "this is the place it is allowed in")]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::System => jiff::Timestamp::now().into(),
            Source::Virtual { start, since } => {
                let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
                start.saturating_add(elapsed)
            }
        }
    }
}
