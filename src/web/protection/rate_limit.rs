//! A token bucket over all requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A bucket of `burst` requests that gets one more every `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateLimit {
    pub(super) interval: Duration,
    pub(super) burst: u32,
}

/// The bucket, as the instant at which it will be full again. It outlives a
/// change of the limit.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<Option<Instant>>);

impl Limiter {
    /// Takes one request out of the bucket, if there is one.
    pub(super) fn allows(&self, limit: Option<RateLimit>, now: Instant) -> bool {
        let Some(RateLimit { interval, burst }) = limit else { return true };
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = full_at.map_or(now, |at| at.max(now));
        if full - now > interval.saturating_mul(burst - 1) {
            return false;
        }
        *full_at = full.checked_add(interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_request_an_interval() {
        let limiter = Limiter::default();
        let limit = Some(RateLimit { interval: Duration::from_secs(2), burst: 3 });
        let start = Instant::now();
        let passed: Vec<u64> = [0, 0, 0, 0, 1, 2, 2, 3, 4, 100, 100, 100, 100]
            .into_iter()
            .filter(|&second| limiter.allows(limit, start + Duration::from_secs(second)))
            .collect();
        assert_eq!(passed, [0, 0, 0, 2, 4, 100, 100, 100]);
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let limiter = Limiter::default();
        assert!((0..1000).all(|_| limiter.allows(None, Instant::now())));
    }
}
