//! A point in time on both clocks: what to show, and what to count from.

use super::Timestamp;

/// When something happened, on the wall clock and on one that never steps.
///
/// Whatever people see is the time of day; every age is counted on the steady
/// clock, so that a wrong time of day makes nothing old or young.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The time of day.
    pub wall: Timestamp,
    /// The same moment on the steady clock: the time of day at which the process
    /// started, plus the time that has passed since.
    pub steady: Timestamp,
}

impl From<Timestamp> for Moment {
    /// A moment at which both clocks agree.
    fn from(at: Timestamp) -> Self {
        Self { wall: at, steady: at }
    }
}
