//! The one place that reads clocks.
//!
//! Loops ask a [`Clock`] and pass `now` on; everything else takes `now` as a
//! parameter. There are two clocks. Ages are counted on the steady one, which
//! nothing sets. People see the time of day: it runs on the steady clock as well,
//! and follows the system's when the one task that owns the state asks it to
//! ([`Clock::follow`]). So no part of the process sees a step before the others do,
//! and times that were shown before are moved with it.
//!
//! A virtual clock follows tokio's, so a test that pauses time pauses dates too.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use crate::model::{Moment, Timestamp};

/// A smaller difference between the clocks is no step: the system's time of day is
/// slowed down and sped up all the time.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    System,
    Virtual { start: Timestamp, since: Instant },
}

/// The clocks of this process, from its first look at them.
static SYSTEM: LazyLock<System> = LazyLock::new(|| System {
    started: wall(),
    since: Instant::now(),
    booted: since_boot(),
    ahead: AtomicI64::new(0),
    slept: AtomicI64::new(0),
});

#[derive(Debug)]
struct System {
    started: Timestamp,
    since: Instant,
    /// The time since the machine's start, sleep included, at that moment.
    booted: SignedDuration,
    /// How far the time of day is ahead of the steady clock, in microseconds.
    ahead: AtomicI64,
    /// How long the machine slept until that was measured, in microseconds.
    slept: AtomicI64,
}

impl System {
    fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    fn steady(&self) -> Timestamp {
        self.started.saturating_add(self.elapsed())
    }

    fn ahead(&self) -> SignedDuration {
        SignedDuration::from_micros(self.ahead.load(Ordering::Relaxed))
    }

    fn follow(&self) -> Option<SignedDuration> {
        let measured = Measured {
            ahead: wall().duration_since(self.steady()),
            slept: since_boot().saturating_sub(self.booted).saturating_sub(self.elapsed()),
        };
        let known =
            Measured { ahead: self.ahead(), slept: SignedDuration::from_micros(self.slept.load(Ordering::Relaxed)) };
        let step = known.step_to(measured)?;
        let micros = |duration: SignedDuration| i64::try_from(duration.as_micros()).unwrap_or(0);
        self.ahead.store(micros(measured.ahead), Ordering::Relaxed);
        self.slept.store(micros(measured.slept), Ordering::Relaxed);
        Some(step)
    }
}

/// What the steady clock does not see.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// How far the time of day is ahead of it.
    ahead: SignedDuration,
    /// How long the machine slept.
    slept: SignedDuration,
}

impl Measured {
    /// How far somebody has set the time of day, if it is another one now. Zero if
    /// the machine slept: the time of day was right all along.
    fn step_to(self, now: Self) -> Option<SignedDuration> {
        let moved = now.ahead.saturating_sub(self.ahead);
        if moved.abs() < STEP {
            return None;
        }
        let set = moved.saturating_sub(now.slept.saturating_sub(self.slept));
        Some(if set.abs() < STEP { SignedDuration::ZERO } else { set })
    }
}

impl Clock {
    /// The system's clocks. All of a process are the same.
    pub fn system() -> Self {
        LazyLock::force(&SYSTEM);
        Self(Source::System)
    }

    /// A clock that shows `start` now and moves with tokio's clock.
    pub fn virtual_from(start: Timestamp) -> Self {
        Self(Source::Virtual { start, since: Instant::now() })
    }

    /// The time of day, as of the last time it followed the system's.
    pub fn now(&self) -> Timestamp {
        self.moment().wall
    }

    /// The time on the steady clock, for ages.
    pub fn steady(&self) -> Timestamp {
        match self.0 {
            Source::System => SYSTEM.steady(),
            Source::Virtual { start, since } => {
                start.saturating_add(SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX))
            }
        }
    }

    /// Now, on both clocks.
    pub fn moment(&self) -> Moment {
        let steady = self.steady();
        let wall = match self.0 {
            Source::System => steady.saturating_add(SYSTEM.ahead()),
            Source::Virtual { .. } => steady,
        };
        Moment { wall, steady }
    }

    /// Follows the system's time of day. If that was set, returns how far: times
    /// that were shown before have to be moved as far, so that what was a minute
    /// ago stays a minute ago.
    pub fn follow(&self) -> Option<SignedDuration> {
        match self.0 {
            Source::System => SYSTEM.follow(),
            Source::Virtual { .. } => None,
        }
    }
}

/// The system's time of day, as it is: for the log, and for [`Clock`].
#[expect(clippy::disallowed_methods, reason = "this is the place it is allowed in")]
pub fn wall() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn since_boot() -> SignedDuration {
    let at = clock_gettime(ClockId::Boottime);
    SignedDuration::new(at.tv_sec, i32::try_from(at.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ahead: i64, slept: i64) -> Measured {
        Measured { ahead: SignedDuration::from_millis(ahead), slept: SignedDuration::from_millis(slept) }
    }

    #[test]
    fn a_clock_that_was_set_differs_from_one_that_drifts_and_from_a_machine_that_slept() {
        let step = |to: Measured| measured(500, 2000).step_to(to).map(|step| step.as_millis());
        assert_eq!(step(measured(1400, 2000)), None);
        assert_eq!(step(measured(-3_599_500, 2000)), Some(-3_600_000));
        assert_eq!(step(measured(7_200_500, 2000)), Some(7_200_000));
        assert_eq!(step(measured(60_500, 62_000)), Some(0), "asleep for a minute");
        assert_eq!(step(measured(7_260_500, 62_000)), Some(7_200_000), "asleep, and set meanwhile");
    }

    #[test]
    fn all_clocks_of_the_system_are_one() {
        let (one, other) = (Clock::system(), Clock::system());
        let (before, after) = (one.steady(), other.steady());
        assert!(before <= after && after.duration_since(before) < STEP);
        assert!(wall().duration_since(one.now()).abs() < STEP);
    }
}
