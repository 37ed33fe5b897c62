//! The request budget of one partner: how fast requests may start.
//!
//! Additive increase, multiplicative decrease between two bounds, on tokio's
//! clock. The rate climbs while requests have to wait for it and no 429 comes;
//! it halves on a 429, and nothing starts before the wait that the API asked
//! for is over; a burst of answers to requests that were under way together
//! counts as one.
//!
//! Between two 429s lies budget that is not used, so the saw's teeth are kept
//! small and few: what the API seems to allow is remembered, the way back to
//! just below it is quick, and from there the rate follows a cubic curve, flat
//! near the remembered rate and steeper the longer nothing is refused beyond it
//! (the shape of TCP's CUBIC, RFC 9438).
//!
//! Every request of a partner goes through its one pacer.

use std::collections::VecDeque;
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

/// While no limit is known, the climb from the lower to the upper bound takes so
/// many seconds of demand.
const CLIMB_SECONDS: f64 = 16.0;

/// The way back up to a known limit takes at most so many seconds of demand.
const RETURN_SECONDS: f64 = 2.0;

/// The part below a known limit at which the way back ends and the curve begins.
const DIP: f64 = 0.02;

/// How long the curve takes to a known limit, at least.
const PLATEAU_SECONDS: f64 = 60.0;

/// How many requests the curve takes to a known limit, at least: at low rates a
/// minute has so few that its 429 would be a large part of them.
const PLATEAU_REQUESTS: f64 = 150.0;

/// What started in this time tells what a limit allows: one window of the API's
/// only documented limit.
const WINDOW: Duration = Duration::from_secs(30);

/// So much of a window is taken for a whole one: its first request may have
/// started later than it did.
const WHOLE: f64 = 0.8;

/// The part of a refused rate that is tried next while there is no whole window
/// to judge by.
const CAUTION: f64 = 0.9;

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
    limit: Option<Limit>,
    /// When requests started that were not refused, in the last [`WINDOW`].
    admitted: VecDeque<Instant>,
}

/// What the API seems to allow.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Requests per second.
    rate: f64,
    /// Seconds of demand since the way back was over.
    on_curve: Option<f64>,
}

impl State {
    /// Climbs for the time that one place takes.
    fn climb(&mut self, step: f64, quick: f64, max: f64) {
        let rate = match &mut self.limit {
            None => self.rate + quick * step,
            Some(limit) => {
                let safe = limit.rate * (1.0 - DIP);
                if limit.on_curve.is_none() && self.rate < safe {
                    let back = quick.max(limit.rate / 2.0 / RETURN_SECONDS);
                    safe.min(self.rate + back * step)
                } else {
                    let plateau = PLATEAU_SECONDS.max(PLATEAU_REQUESTS / limit.rate);
                    let on_curve = limit.on_curve.get_or_insert(0.0);
                    *on_curve += step;
                    let curve = limit.rate * (1.0 + DIP * (*on_curve / plateau - 1.0).powi(3));
                    self.rate.max(curve)
                }
            }
        };
        self.rate = rate.min(max);
    }

    /// What the API seems to allow, now that it refused.
    fn limit_after_refusal(&mut self, now: Instant, wait: Duration) -> f64 {
        self.forget_admitted(now);
        let again = self.halved_at.is_some_and(|at| now < at + wait + WINDOW);
        if !again {
            // The rate itself was too high, by a little or by much.
            return self.rate;
        }
        // It was not (only) the rate: the window of the limit is longer than the
        // time since the last refusal, so that what went before counts. A whole
        // window of ours is a fair measure of it.
        let measured = self.admitted.len() as f64 / WINDOW.as_secs_f64();
        let whole = self.admitted.front().is_some_and(|first| now - *first > WINDOW.mul_f64(WHOLE));
        measured.max(self.rate * if whole { 0.5 } else { CAUTION })
    }

    fn forget_admitted(&mut self, now: Instant) {
        while self.admitted.front().is_some_and(|start| now - *start > WINDOW) {
            self.admitted.pop_front();
        }
    }
}

impl Pacer {
    /// A pacer between two rates.
    pub fn new(min: Rate, max: Rate, instruments: PartnerInstruments) -> Self {
        let (min, max) = (min.per_second(), max.per_second());
        let now = Instant::now();
        let rate = START.clamp(min.min(max), max);
        instruments.budget(rate);
        let state =
            State { rate, next: now, closed_until: now, halved_at: None, limit: None, admitted: VecDeque::new() };
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
            let (now, mut state) = (Instant::now(), self.lock());
            // A 429 may have come while this place was waited for.
            if state.closed_until <= now.max(closed_until) {
                state.forget_admitted(now);
                state.admitted.push_back(now);
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
            state.climb(step, quick, self.max);
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
        state.admitted.pop_back();
        if state.halved_at.is_none_or(|at| started > at) {
            let rate = state.limit_after_refusal(now, wait);
            state.limit = Some(Limit { rate, on_curve: None });
            state.halved_at = Some(now);
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
        assert_eq!(begin.elapsed().as_secs(), 13);
    }

    /// An API that answers `count` requests in any `per`, with the exact wait in
    /// whole seconds in its 429s.
    struct Limited {
        limit: Rate,
        answered: VecDeque<Instant>,
    }

    impl Limited {
        fn ask(&mut self) -> Result<(), Duration> {
            let now = Instant::now();
            while self.answered.front().is_some_and(|then| *then + self.limit.per <= now) {
                self.answered.pop_front();
            }
            if self.answered.len() < self.limit.count as usize {
                self.answered.push_back(now);
                return Ok(());
            }
            let wait = self.answered[0] + self.limit.per - now;
            Err(Duration::from_secs(wait.as_secs_f64().ceil() as u64))
        }
    }

    /// Asks until so many requests were answered. Returns how long that took as a
    /// multiple of the shortest time that the limit allows in the long run, and
    /// the part of answers that were 429.
    async fn used(pacer: &Pacer, api: &mut Limited, requests: u32) -> (f64, f64) {
        let (begin, mut refused) = (Instant::now(), 0);
        for _ in 0..requests {
            loop {
                pacer.acquire().await;
                let started = Instant::now();
                match api.ask() {
                    Ok(()) => break,
                    Err(wait) => pacer.refused(started, Some(wait)),
                }
                refused += 1;
            }
        }
        let floor = f64::from(requests) / api.limit.per_second();
        (begin.elapsed().as_secs_f64() / floor, f64::from(refused) / f64::from(requests + refused))
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_nobody_told_is_found_and_used_to_the_last_twentieth() {
        let mut missed = Vec::new();
        for (count, seconds) in [(600, 30), (240, 30), (150, 30), (90, 30), (40, 30), (10, 1)] {
            let pacer = pacer((10, 60), (40, 1));
            let limit = Rate { count, per: Duration::from_secs(seconds) };
            let mut api = Limited { limit, answered: VecDeque::new() };
            // What is learned first costs more: a limit over one second is
            // passed before a window of ours can tell.
            for (what, most, most_refused) in [("first", 1.09, 0.012), ("then", 1.05, 0.01)] {
                let (took, refused) = used(&pacer, &mut api, 3000).await;
                if took > most || refused > most_refused {
                    missed
                        .push(format!("{count} in {seconds} s, {what}: {took:.3} of the floor, {refused:.4} refused"));
                }
            }
        }
        assert_eq!(missed, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_demand_the_rate_does_not_climb_beyond_what_was_refused() {
        let pacer = pacer((10, 60), (40, 1));
        pacer.refused(Instant::now(), Some(Duration::ZERO));
        while pacer.rate() < 2.0 * (1.0 - DIP) {
            pacer.acquire().await;
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
        starts(&pacer, 10).await;
        assert!(pacer.rate() < 2.0, "found {}", pacer.rate());
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
