//! The pacer against limits of many kinds, on paused time.

use std::collections::VecDeque;

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
        pacer.acquire(false).await;
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
        pacer.acquire(false).await;
    }
    assert_eq!(begin.elapsed().as_secs(), 13);
}

/// An API that serves `count` requests in any `per`, with the exact wait in
/// whole seconds in its 429s.
struct Limited {
    limit: Rate,
    served: VecDeque<Instant>,
}

impl Limited {
    fn ask(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        while self.served.front().is_some_and(|then| *then + self.limit.per <= now) {
            self.served.pop_front();
        }
        if self.served.len() < self.limit.count as usize {
            self.served.push_back(now);
            return Ok(());
        }
        let wait = self.served[0] + self.limit.per - now;
        Err(Duration::from_secs(wait.as_secs_f64().ceil() as u64))
    }
}

/// Asks until so many requests were served. Returns how long that took as a
/// multiple of the shortest time that the limit allows in the long run, and
/// the share of responses that were 429.
async fn used(pacer: &Pacer, api: &mut Limited, requests: u32) -> (f64, f64) {
    let (begin, mut refused) = (Instant::now(), 0);
    for _ in 0..requests {
        loop {
            pacer.acquire(false).await;
            let started = Instant::now();
            match api.ask() {
                Ok(()) => break,
                Err(wait) => pacer.on_rate_limited(started, Some(wait)),
            }
            refused += 1;
        }
    }
    let floor = f64::from(requests) / api.limit.per_second();
    (begin.elapsed().as_secs_f64() / floor, f64::from(refused) / f64::from(requests + refused))
}

#[tokio::test(start_paused = true)]
async fn an_undocumented_limit_is_found_and_used_to_95_percent() {
    let mut missed = Vec::new();
    for (count, seconds) in [(600, 30), (240, 30), (150, 30), (90, 30), (40, 30), (10, 1)] {
        let pacer = pacer((10, 60), (40, 1));
        let limit = Rate { count, per: Duration::from_secs(seconds) };
        let mut api = Limited { limit, served: VecDeque::new() };
        // What is learned first costs more: a limit over one second is
        // passed before a window of ours can tell.
        for (what, most, most_refused) in [("first", 1.09, 0.012), ("then", 1.05, 0.01)] {
            let (took, refused) = used(&pacer, &mut api, 3000).await;
            if took > most || refused > most_refused {
                missed.push(format!("{count} in {seconds} s, {what}: {took:.3} of the floor, {refused:.4} refused"));
            }
        }
    }
    assert_eq!(missed, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_demand_the_rate_does_not_climb_beyond_what_was_refused() {
    let pacer = pacer((10, 60), (40, 1));
    pacer.on_rate_limited(Instant::now(), Some(Duration::ZERO));
    while pacer.rate() < 2.0 * 0.98 {
        pacer.acquire(false).await;
    }
    tokio::time::sleep(Duration::from_secs(3600)).await;
    starts(&pacer, 10).await;
    assert!(pacer.rate() < 2.0, "found {}", pacer.rate());
}

#[tokio::test(start_paused = true)]
async fn without_demand_the_rate_stays() {
    let pacer = pacer((10, 60), (10, 1));
    for _ in 0..10 {
        pacer.acquire(false).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(pacer.rate(), 2.0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_halves_the_rate_once_and_nothing_starts_before_the_wait_is_over() {
    let pacer = pacer((1, 1), (8, 1));
    let together = Instant::now();
    tokio::time::advance(Duration::from_millis(1)).await;
    pacer.on_rate_limited(together, Some(Duration::from_secs(7)));
    pacer.on_rate_limited(together, Some(Duration::from_secs(5)));
    assert_eq!(pacer.rate(), 1.0);
    assert_eq!(starts(&pacer, 2).await[0], 7_000);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_place_waits_on_when_a_refusal_comes() {
    let pacer = std::sync::Arc::new(pacer((1, 1), (1, 1)));
    pacer.acquire(false).await;
    let waiting = tokio::spawn({
        let pacer = pacer.clone();
        async move { starts(&pacer, 1).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    pacer.on_rate_limited(Instant::now(), None);
    assert_eq!(waiting.await.unwrap(), [30_500]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_five_minutes_is_not_believed() {
    let pacer = pacer((1, 1), (1, 1));
    pacer.on_rate_limited(Instant::now(), Some(Duration::from_secs(86_400)));
    assert_eq!(starts(&pacer, 1).await, [300_000]);
}
