//! The request limit: a window that slides over the times of the requests that were let through.

use std::collections::VecDeque;
use std::time::Duration;

use super::options::RateLimit;

/// Counts requests against a [`RateLimit`].
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    names_wait: bool,
    /// When the requests of the window came, since the start of the simulator, oldest first.
    passed: VecDeque<Duration>,
}

impl Limiter {
    /// A limiter that has let nothing through yet.
    pub(super) fn new(limit: RateLimit, names_wait: bool) -> Self {
        Self { limit, names_wait, passed: VecDeque::new() }
    }

    /// The limit.
    pub(super) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Whether a 429 has `Retry-After`.
    pub(super) fn names_wait(&self) -> bool {
        self.names_wait
    }

    /// Lets a request through, or returns how long the window stays full. A refused request does not count.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        while self.passed.front().is_some_and(|then| *then + self.limit.window <= now) {
            self.passed.pop_front();
        }
        if self.passed.len() < self.limit.requests as usize {
            self.passed.push_back(now);
            return Ok(());
        }
        let free_at = self.passed.front().map_or(now + self.limit.window, |then| *then + self.limit.window);
        Err(free_at - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_and_refused_requests_do_not_fill_it() {
        let mut limiter = Limiter::new(RateLimit { requests: 2, window: Duration::from_secs(30) }, true);
        let at = Duration::from_secs;
        let results = [0, 10, 20, 29, 30, 31, 40].map(|second| limiter.admit(at(second)));
        assert_eq!(results, [Ok(()), Ok(()), Err(at(10)), Err(at(1)), Ok(()), Err(at(9)), Ok(())]);
    }

    #[test]
    fn a_limit_of_zero_refuses_every_request() {
        let mut limiter = Limiter::new(RateLimit { requests: 0, window: Duration::from_secs(30) }, true);
        assert_eq!(limiter.admit(Duration::ZERO), Err(Duration::from_secs(30)));
    }
}
