//! How fast requests may start: pure, given the time and the 429s.
//!
//! Additive increase, multiplicative decrease between two bounds. The rate
//! climbs while requests have to wait for it and no 429 comes. The first 429
//! teaches the limit: what the last window of 30 seconds admitted, if the wait
//! fits a window of that length. From then on no window holds more than the rate
//! allows, whatever was saved up.
//!
//! Between two 429s lies budget that is not used, so the sawtooth is kept
//! shallow: the way back to just below the known limit is quick, and from there
//! the rate follows a cubic curve, flat near the limit and steeper the longer
//! nothing is refused beyond it (the shape of TCP's CUBIC, RFC 9438). A limit
//! that is exceeded by a fifth without a 429 is no limit any more.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::MAX_WAIT;

/// The numbers of the pacer. Each was measured: against limits from 5 in 30 s to
/// 10 per second, with the tests of this module.
struct Tuning {
    /// Where the rate starts, in requests per second, or at the nearer bound.
    start: f64,
    /// While no limit is known, the climb from the lower to the upper bound
    /// takes so many seconds of demand.
    climb_seconds: f64,
    /// The way back up to a known limit takes at most so many seconds of demand.
    return_seconds: f64,
    /// The part below a known limit at which the way back ends and the curve
    /// begins.
    return_margin: f64,
    /// How long the curve takes to a known limit, at least.
    plateau_seconds: f64,
    /// How many requests the curve takes to a known limit, at least: at low
    /// rates a minute has so few that its 429 would be a large part of them.
    plateau_requests: f64,
    /// What started in this time shows what a limit allows: one window of the
    /// API's only documented limit.
    window: Duration,
    /// Requests that start just a window apart may arrive a little closer.
    window_margin: Duration,
    /// A window admits so many, whatever the rate: the documented limit.
    window_requests: f64,
    /// How much shorter than the rest of a window a wait may be and still fit.
    wait_tolerance: Duration,
    /// So much of a window is taken for a whole one: its first request may have
    /// started later than it did.
    whole_window: f64,
    /// What a limit falls to that is refused again, where no window shows it.
    caution: f64,
    /// A limit that is exceeded by this factor without a 429 is disproved.
    disproved: f64,
    /// A request that was to start in the last moment may still start: timers
    /// are late by up to a millisecond, and at high rates that must not add up.
    lateness: Duration,
    /// A request that comes within this part of the time between two starts has
    /// waited for its place, or nearly.
    demand: f64,
}

const TUNING: Tuning = Tuning {
    start: 2.0,
    climb_seconds: 16.0,
    return_seconds: 2.0,
    return_margin: 0.02,
    plateau_seconds: 60.0,
    plateau_requests: 80.0,
    window: Duration::from_secs(30),
    window_margin: Duration::from_millis(500),
    window_requests: 5.0,
    wait_tolerance: Duration::from_millis(1_500),
    whole_window: 0.8,
    caution: 0.9,
    disproved: 1.2,
    lateness: Duration::from_millis(20),
    demand: 0.25,
};

/// The request budget.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    min: f64,
    max: f64,
    rate: f64,
    /// When the next request may start.
    next: Instant,
    /// Nothing starts before.
    closed_until: Instant,
    /// When the limit was last learned.
    limited_at: Option<Instant>,
    limit: Option<Limit>,
    /// When requests started that were not refused, in the last window.
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

impl Budget {
    /// A budget between two rates in requests per second.
    pub(super) fn new(min: f64, max: f64, now: Instant) -> Self {
        let min = min.min(max);
        Self {
            min,
            max,
            rate: TUNING.start.clamp(min, max),
            next: now,
            closed_until: now,
            limited_at: None,
            limit: None,
            admitted: VecDeque::new(),
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn closed_until(&self) -> Instant {
        self.closed_until
    }

    /// Takes over what an earlier budget learned, within the bounds of this one.
    pub(super) fn resume(&mut self, earlier: Self) {
        let (min, max) = (self.min, self.max);
        *self = Self { min, max, rate: earlier.rate.clamp(min, max), ..earlier };
    }

    /// When the next request may start.
    pub(super) fn next_start(&self, now: Instant) -> Instant {
        let earliest = now.checked_sub(TUNING.lateness).unwrap_or(now);
        let start = self.next.max(earliest).max(self.closed_until);
        self.window_opens().map_or(start, |opens| start.max(opens))
    }

    /// When the window holds less than a known limit allows.
    fn window_opens(&self) -> Option<Instant> {
        let (allowed, window) = self.allowed(self.limit?);
        let begins = self.admitted.len().checked_sub(allowed)?;
        Some(self.admitted[begins] + window)
    }

    /// How many requests a window of which length may hold.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
    fn allowed(&self, limit: Limit) -> (usize, Duration) {
        let by_rate = (self.rate.max(limit.rate) * TUNING.window.as_secs_f64()).floor();
        if by_rate > TUNING.window_requests {
            (by_rate as usize, TUNING.window)
        } else {
            (TUNING.window_requests as usize, TUNING.window + TUNING.window_margin)
        }
    }

    /// A request that was due at `start` starts.
    pub(super) fn take(&mut self, start: Instant, now: Instant) {
        let step = 1.0 / self.rate;
        let demand = start <= self.next.max(self.closed_until) + Duration::from_secs_f64(step * TUNING.demand)
            && start > self.closed_until
            && !self.admitted.is_empty();
        self.next = start + Duration::from_secs_f64(step);
        self.forget_admitted(now);
        self.admitted.push_back(now);
        if demand {
            // Each place that is waited for brings the climb of the time that it
            // takes.
            self.climb(step);
        }
        if self.limit.is_some_and(|limit| {
            self.admitted.len() as f64 > limit.rate * TUNING.window.as_secs_f64() * TUNING.disproved + 0.5
        }) {
            self.limit = None;
        }
    }

    /// Climbs for the time that one place takes.
    fn climb(&mut self, step: f64) {
        let quick = (self.max - self.min) / TUNING.climb_seconds;
        let rate = match &mut self.limit {
            None => self.rate + quick * step,
            Some(limit) => {
                let safe = limit.rate * (1.0 - TUNING.return_margin);
                if limit.on_curve.is_none() && self.rate < safe {
                    let back = quick.max(limit.rate / 2.0 / TUNING.return_seconds);
                    safe.min(self.rate + back * step)
                } else {
                    let plateau = TUNING.plateau_seconds.max(TUNING.plateau_requests / limit.rate);
                    let on_curve = limit.on_curve.get_or_insert(0.0);
                    *on_curve += step;
                    let curve = limit.rate * (1.0 + TUNING.return_margin * (*on_curve / plateau - 1.0).powi(3));
                    self.rate.max(curve)
                }
            }
        };
        self.rate = rate.min(self.max);
    }

    /// A request that started at `started` was refused.
    pub(super) fn on_rate_limited(&mut self, started: Instant, wait: Option<Duration>, now: Instant) {
        self.forget_admitted(now);
        if let Some(place) = self.admitted.iter().rposition(|start| *start <= started) {
            self.admitted.remove(place);
        }
        // Where the API names none, one window is sure to be enough.
        let wait = wait.unwrap_or(TUNING.window).min(MAX_WAIT);
        self.close(now + wait);
        // Requests that were under way together are refused together.
        if self.limited_at.is_none_or(|at| started > at) {
            let rate = self.learned(now, wait).clamp(self.min, self.max);
            self.limit = Some(Limit { rate, on_curve: None });
            self.limited_at = Some(now);
            self.rate = (self.rate.min(rate) / 2.0).max(self.min);
        }
    }

    /// Nothing starts before `until`.
    pub(super) fn close(&mut self, until: Instant) {
        self.closed_until = self.closed_until.max(until);
        self.next = self.next.max(self.closed_until);
    }

    /// What the API seems to allow, now that it refused.
    fn learned(&self, now: Instant, wait: Duration) -> f64 {
        let Some(first) = self.admitted.front() else {
            // A window that was empty because of a wait teaches nothing.
            return self.limit.map_or(self.rate, |limit| limit.rate);
        };
        let oldest = now - *first;
        let measured = self.admitted.len() as f64 / TUNING.window.as_secs_f64();
        if wait + TUNING.wait_tolerance >= TUNING.window.saturating_sub(oldest) {
            // The API lets go when our window does: it counts as we do.
            return measured;
        }
        let again = self.limited_at.is_some_and(|at| now < at + wait + TUNING.window);
        if !again {
            // The rate itself was too high, by a little or by much.
            return self.rate;
        }
        // It was not (only) the rate: the window of the limit is longer than the
        // time since the last refusal, so that what went before counts. A whole
        // window of ours is a fair measure of it.
        let whole = oldest > TUNING.window.mul_f64(TUNING.whole_window);
        measured.max(self.rate * if whole { 0.5 } else { TUNING.caution })
    }

    fn forget_admitted(&mut self, now: Instant) {
        let window = TUNING.window + TUNING.window_margin;
        while self.admitted.front().is_some_and(|start| now - *start > window) {
            self.admitted.pop_front();
        }
    }
}
