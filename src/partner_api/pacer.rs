//! The request budget of one partner: how fast requests may start.
//!
//! Additive increase, multiplicative decrease between two bounds, on tokio's
//! clock. The rate climbs while requests have to wait for it and no 429 comes;
//! it halves on a 429, and nothing starts before the wait that the API asked
//! for is over. Two additions keep the saw's teeth small: the rate that was
//! refused is remembered, the climb is quick below it and slow near it, and a
//! burst of answers to requests that were under way together counts as one.
//!
//! Every request of a partner goes through its one pacer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::telemetry::PartnerInstruments;

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// Requests per second.
    pub fn per_second(self) -> f64 {
        f64::from(self.count) / self.per.as_secs_f64()
    }
}

/// Where the rate starts, in requests per second, or at the nearer bound.
const START: f64 = 2.0;

/// The climb from the lower to the upper bound takes so many seconds of demand.
const CLIMB_SECONDS: f64 = 32.0;

/// The part of a refused rate up to which the climb is quick again.
const SAFE_PART: f64 = 0.9;

/// How much slower the climb is beyond that part.
const CAREFUL: f64 = 50.0;

/// A request that was to start in the last moment may still start: timers are
/// late by up to a millisecond, and at high rates that must not add up.
const LATENESS: Duration = Duration::from_millis(20);

/// The wait after a 429 that names none: one window of the API's only
/// documented limit.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// The longest wait that the API is believed.
pub const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// The pacer of one partner.
#[derive(Debug)]
pub struct Pacer {
    min: f64,
    max: f64,
    state: Mutex<State>,
    instruments: PartnerInstruments,
}

#[derive(Debug)]
struct State {
    rate: f64,
    /// When the next request may start.
    next: Instant,
    /// Nothing starts before.
    closed_until: Instant,
    /// When the rate was last halved.
    halved_at: Option<Instant>,
    /// The rate that was refused last.
    refused: Option<f64>,
}

impl Pacer {
    /// A pacer between two rates.
    pub fn new(min: Rate, max: Rate, instruments: PartnerInstruments) -> Self {
        let (min, max) = (min.per_second(), max.per_second());
        let now = Instant::now();
        let rate = START.clamp(min.min(max), max);
        instruments.budget(rate);
        let state = State { rate, next: now, closed_until: now, halved_at: None, refused: None };
        Self { min, max, state: Mutex::new(state), instruments }
    }

    /// Requests per second that may start now.
    pub fn rate(&self) -> f64 {
        self.lock().rate
    }

    /// Waits until a request may start, and takes its place.
    pub async fn acquire(&self) {
        let asked = Instant::now();
        loop {
            let (start, closed_until) = self.reserve();
            sleep_until(start).await;
            // A 429 may have come while this place was waited for.
            if self.lock().closed_until <= Instant::now().max(closed_until) {
                break;
            }
        }
        self.instruments.throttled(asked.elapsed());
    }

    fn reserve(&self) -> (Instant, Instant) {
        let now = Instant::now();
        let mut state = self.lock();
        let earliest = now.checked_sub(LATENESS).unwrap_or(now);
        let start = state.next.max(earliest).max(state.closed_until);
        let step = 1.0 / state.rate;
        state.next = start + Duration::from_secs_f64(step);
        if start > now {
            // There is demand beyond the rate: each place that is waited for
            // brings the climb of the time that it takes.
            let quick = (self.max - self.min) / CLIMB_SECONDS;
            let climb = match state.refused {
                Some(refused) if state.rate >= refused * SAFE_PART => quick / CAREFUL,
                _ => quick,
            };
            state.rate = (state.rate + climb * step).min(self.max);
            self.instruments.budget(state.rate);
        }
        (start, state.closed_until)
    }

    /// Takes note of a 429 to a request that started at `started`: nothing
    /// starts for `wait` (clamped to [`MAX_WAIT`]; [`DEFAULT_WAIT`] if the API
    /// did not say), and the rate halves, once for all requests that were under
    /// way together.
    pub fn refused(&self, started: Instant, wait: Option<Duration>) {
        let now = Instant::now();
        let wait = wait.unwrap_or(DEFAULT_WAIT).min(MAX_WAIT);
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(now + wait);
        state.next = state.next.max(state.closed_until);
        if state.halved_at.is_none_or(|at| started > at) {
            state.halved_at = Some(now);
            state.refused = Some(state.rate);
            state.rate = (state.rate / 2.0).max(self.min.min(self.max));
            self.instruments.budget(state.rate);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PartnerId;
    use crate::telemetry::Telemetry;

    fn pacer(min: (u32, u64), max: (u32, u64)) -> Pacer {
        let rate = |(count, seconds)| Rate { count, per: Duration::from_secs(seconds) };
        let telemetry = Telemetry::new();
        Pacer::new(rate(min), rate(max), telemetry.partner(&PartnerId::from("p")))
    }

    /// Starts `n` requests and returns when each started, in milliseconds.
    async fn starts(pacer: &Pacer, n: usize) -> Vec<u128> {
        let begin = Instant::now();
        let mut starts = Vec::new();
        for _ in 0..n {
            pacer.acquire().await;
            starts.push(begin.elapsed().as_millis());
        }
        starts
    }

    #[tokio::test(start_paused = true)]
    async fn with_equal_bounds_requests_start_evenly() {
        let pacer = pacer((10, 1), (10, 1));
        assert_eq!(starts(&pacer, 5).await, [0, 100, 200, 300, 400]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_starts_at_two_a_second_and_climbs_to_the_upper_bound_under_demand() {
        let pacer = pacer((10, 60), (10, 1));
        assert_eq!(pacer.rate(), 2.0);
        let begin = Instant::now();
        while pacer.rate() < 10.0 {
            pacer.acquire().await;
        }
        assert_eq!(begin.elapsed().as_secs(), 26);
    }

    #[tokio::test(start_paused = true)]
    async fn without_demand_the_rate_stays() {
        let pacer = pacer((10, 60), (10, 1));
        for _ in 0..10 {
            pacer.acquire().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(pacer.rate(), 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_the_rate_once_and_nothing_starts_before_the_wait_is_over() {
        let pacer = pacer((1, 1), (8, 1));
        let together = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        pacer.refused(together, Some(Duration::from_secs(7)));
        pacer.refused(together, Some(Duration::from_secs(5)));
        assert_eq!(pacer.rate(), 1.0);
        assert_eq!(starts(&pacer, 2).await[0], 7_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_its_place_waits_on_when_a_refusal_comes() {
        let pacer = std::sync::Arc::new(pacer((1, 1), (1, 1)));
        pacer.acquire().await;
        let waiting = tokio::spawn({
            let pacer = pacer.clone();
            async move { starts(&pacer, 1).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        pacer.refused(Instant::now(), None);
        assert_eq!(waiting.await.unwrap(), [30_500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_longer_than_five_minutes_is_not_believed() {
        let pacer = pacer((1, 1), (1, 1));
        pacer.refused(Instant::now(), Some(Duration::from_secs(86_400)));
        assert_eq!(starts(&pacer, 1).await, [300_000]);
    }
}
