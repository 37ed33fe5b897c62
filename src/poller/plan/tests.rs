//! The plan, driven through time against a world that answers at once.

mod bulk;
mod keys;
mod lists;
mod per_client;

use std::collections::BTreeMap;

use super::*;

/// A plan, what the API would answer now, and what was asked so far.
struct Drive {
    plan: Plan,
    start: Instant,
    now: Duration,
    pace: Pace,
    list: Result<Vec<String>, Reason>,
    /// False: the list does not prove who is gone.
    complete: bool,
    sweep: Result<(), Reason>,
    /// Clients whose reads fail.
    failing: BTreeMap<String, Reason>,
    /// What clients look like, where they are not fine.
    looks: BTreeMap<String, Look>,
    log: Vec<String>,
}

const FINE: Look = Look { troubled: false, fingerprint: 0, channels: 1 };
const TROUBLED: Look = Look { troubled: true, ..FINE };

impl Drive {
    /// Cycles of 100 seconds over the clients a, b, c and d, with budget for
    /// one request a second.
    fn new(strategy: Strategy) -> Self {
        Self::with(strategy, Duration::from_secs(100), &[])
    }

    fn with(strategy: Strategy, interval: Duration, known: &[&str]) -> Self {
        let start = Instant::now();
        let known = known.iter().map(|&id| id.into()).collect();
        Self {
            plan: Plan::new(interval, strategy, known, start),
            start,
            now: Duration::ZERO,
            pace: Pace { requests_per_second: 1.0, page_size: 2 },
            list: Ok(["a", "b", "c", "d"].map(str::to_owned).to_vec()),
            complete: true,
            sweep: Ok(()),
            failing: BTreeMap::new(),
            looks: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn look(&self, client: &ClientId) -> Look {
        self.looks.get(client.as_str()).copied().unwrap_or(FINE)
    }

    fn say(&mut self, what: &str) {
        self.log.push(format!("{} {what}", self.now.as_secs()));
    }

    /// Does what the plan says until the second `end`, that one included, and
    /// returns what was done since the last call, each with its second.
    fn until(&mut self, end: u64) -> Vec<String> {
        loop {
            let now = self.instant();
            match self.plan.next(now, self.pace) {
                Next::Wait(until) => {
                    assert!(until > now, "the plan would have its loop spin at {:?}", self.now);
                    self.now = until - self.start;
                    if self.now > Duration::from_secs(end) {
                        self.now = Duration::from_secs(end);
                        return std::mem::take(&mut self.log);
                    }
                }
                next => {
                    self.answer(&next);
                    if let Some(Ended { took }) = self.plan.ended(now) {
                        self.say(&format!("cycle of {}", took.as_secs()));
                    }
                }
            }
        }
    }

    fn answer(&mut self, next: &Next) {
        let now = self.instant();
        match next {
            Next::List => {
                self.say("list");
                match self.list.clone() {
                    Ok(ids) => {
                        let ids = ids.into_iter().map(ClientId::from);
                        if !self.plan.listed(now, ids, self.complete, self.pace) {
                            self.say("not believed");
                        }
                    }
                    Err(reason) => self.plan.list_failed(now, reason, self.pace),
                }
            }
            Next::Read(client) => {
                self.say(&format!("read {client}"));
                match self.failing.get(client.as_str()) {
                    Some(&reason) => self.plan.read_failed(now, client, reason),
                    None => self.plan.read(now, client, self.look(client)),
                }
            }
            Next::BulkRead => {
                self.say("sweep");
                if let Err(reason) = self.sweep {
                    if self.plan.sweep_failed(now, reason, self.pace) {
                        self.say("all unread");
                    }
                    return;
                }
                let looks: Vec<_> = self.plan.clients().into_iter().map(|id| (self.look(&id), id)).collect();
                let channels = looks.iter().map(|(look, _)| look.channels).sum();
                if !self.plan.sweep_is_believed(channels, true) {
                    return self.say("not believed");
                }
                let looks = looks.into_iter().map(|(look, id)| (id, look)).collect();
                self.plan.swept(now, &looks, self.pace);
            }
            Next::Wait(_) => unreachable!("nothing to answer"),
        }
    }
}

/// Names of clients.
fn many(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("c{i:02}")).collect()
}
