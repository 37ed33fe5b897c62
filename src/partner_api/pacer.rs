//! The request budget of one partner: how fast requests may start.
//!
//! Here: the queue in front of the [`Budget`], which knows how fast. Every
//! request of a partner goes through its one pacer. Requests of the client list
//! go first; among the others, who asked first starts first.

mod budget;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::telemetry::PartnerInstruments;

use budget::Budget;

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

/// The longest wait that the API is believed.
pub const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// How often a request of the lowest priority looks whether it may start.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The pacer of one partner.
#[derive(Debug)]
pub struct Pacer {
    budget: Mutex<Budget>,
    /// The one that waits for its start; the others wait for it.
    turn: tokio::sync::Mutex<()>,
    /// As `turn`, among urgent requests.
    urgent_turn: tokio::sync::Mutex<()>,
    /// Urgent requests that wait.
    urgent: watch::Sender<usize>,
    instruments: PartnerInstruments,
}

/// What a pacer learned, for the one that takes over from it.
#[derive(Debug, Clone)]
pub struct Memory(Budget);

impl Pacer {
    /// A pacer between two rates.
    pub fn new(min: Rate, max: Rate, instruments: PartnerInstruments) -> Self {
        let budget = Budget::new(min.per_second(), max.per_second(), Instant::now());
        instruments.budget(budget.rate());
        Self {
            budget: Mutex::new(budget),
            turn: tokio::sync::Mutex::default(),
            urgent_turn: tokio::sync::Mutex::default(),
            urgent: watch::Sender::new(0),
            instruments,
        }
    }

    /// Requests per second that may start now.
    pub fn rate(&self) -> f64 {
        self.lock().rate()
    }

    /// Before when nothing starts, if that lies ahead.
    pub fn paused_until(&self) -> Option<Instant> {
        let until = self.lock().closed_until();
        (until > Instant::now()).then_some(until)
    }

    /// What was learned, a pending wait included.
    pub fn memory(&self) -> Memory {
        Memory(self.lock().clone())
    }

    /// Goes on from what an earlier pacer learned, within the bounds of this one.
    pub fn resume(&self, memory: Memory) {
        let mut budget = self.lock();
        budget.resume(memory.0);
        self.instruments.budget(budget.rate());
    }

    /// Waits until a request may start, and takes its place. Urgent requests
    /// start before all others.
    pub async fn acquire(&self, urgent: bool) {
        let asked = Instant::now();
        let mut urgent_waiting = self.urgent.subscribe();
        let _announced = urgent.then(|| Announced::new(&self.urgent));
        let _turn = if urgent { self.urgent_turn.lock().await } else { self.turn.lock().await };
        loop {
            if !urgent {
                // The sender lives as long as this pacer.
                let _ = urgent_waiting.wait_for(|waiting| *waiting == 0).await;
            }
            let start = self.lock().next_start(Instant::now());
            sleep_until(start).await;
            if !urgent && *self.urgent.borrow() > 0 {
                continue;
            }
            let (now, mut budget) = (Instant::now(), self.lock());
            // A 429 may have come while this place was waited for.
            let start = budget.next_start(now);
            if start <= now {
                budget.take(start, now);
                self.instruments.budget(budget.rate());
                break;
            }
        }
        self.instruments.throttled(asked.elapsed());
    }

    /// Waits until a request could start at once and none waits: the moment for
    /// requests of the lowest priority.
    pub async fn idle(&self) {
        loop {
            let now = Instant::now();
            let start = self.lock().next_start(now);
            if start <= now && *self.urgent.borrow() == 0 && self.turn.try_lock().is_ok() {
                return;
            }
            sleep_until(start.max(now + IDLE_CHECK_INTERVAL)).await;
        }
    }

    /// Records a 429 to a request that started at `started`: nothing
    /// starts for `wait` (clamped to [`MAX_WAIT`]; one window of 30 seconds if the
    /// API did not say), and the limit is learned, once for all requests that
    /// were under way together.
    pub fn on_rate_limited(&self, started: Instant, wait: Option<Duration>) {
        let mut budget = self.lock();
        budget.on_rate_limited(started, wait, Instant::now());
        self.instruments.budget(budget.rate());
    }

    /// Nothing starts for `wait`: the API asked for it with another status than
    /// 429, which says nothing of a limit.
    pub fn pause(&self, wait: Duration) {
        self.lock().close(Instant::now() + wait.min(MAX_WAIT));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An urgent request that waits.
struct Announced<'a>(&'a watch::Sender<usize>);

impl<'a> Announced<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

#[cfg(test)]
mod tests;
