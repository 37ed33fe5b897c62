//! The plan, driven through time against a world that responds at once.

mod bulk;
mod keys;
mod lists;
mod outages;
mod per_client;

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A plan, what the API would respond now, and what was asked so far.
struct Drive {
    plan: Plan,
    start: Instant,
    now: Duration,
    pace: Pace,
    list: Result<Vec<String>, Reason>,
    /// False: the list lacks somebody who is known.
    whole: bool,
    /// Lists and bulk reads ask to be read again at once.
    again: bool,
    /// Clients of which bulk reads contradict single reads.
    contradicted: BTreeSet<ClientId>,
    bulk: Result<(), Reason>,
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
            plan: Plan::new(interval, strategy, 8, known, start),
            start,
            now: Duration::ZERO,
            pace: Pace::of(1.0, 2),
            list: Ok(["a", "b", "c", "d"].map(str::to_owned).to_vec()),
            whole: true,
            again: false,
            contradicted: BTreeSet::new(),
            bulk: Ok(()),
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
                    self.response(&next);
                    if let Some(Ended { took }) = self.plan.ended(now) {
                        self.say(&format!("cycle of {}", took.as_secs()));
                    }
                }
            }
        }
    }

    fn response(&mut self, next: &Next) {
        let now = self.instant();
        match next {
            Next::List => {
                self.say("list");
                match self.list.clone() {
                    Ok(ids) => {
                        let ids = ids.into_iter().map(ClientId::from).collect();
                        self.plan.listed(now, ids, self.whole, self.again, self.pace);
                    }
                    Err(reason) => self.plan.list_failed(now, reason, self.pace),
                }
            }
            Next::Read(client) | Next::ReadOnce(client) => {
                let once = matches!(next, Next::ReadOnce(_));
                self.say(&format!("read {client}{}", if once { " once" } else { "" }));
                match self.failing.get(client.as_str()) {
                    Some(&reason) => self.plan.read_failed(now, client, reason),
                    None => self.plan.read(now, client, self.look(client), true, false),
                }
            }
            Next::BulkRead => {
                self.say("bulk");
                if let Err(reason) = self.bulk {
                    if self.plan.bulk_failed(now, reason, self.pace) {
                        self.say("all unread");
                    }
                    return;
                }
                let looks: Vec<_> = self.plan.clients().into_iter().map(|id| (id.clone(), self.look(&id))).collect();
                self.plan.bulk_read(now, looks.into_iter(), &self.contradicted, self.again, self.pace);
            }
            Next::Wait(_) => unreachable!("nothing to respond to"),
        }
    }
}

/// Clients that a list holds.
fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<ClientId> {
    ids.map(ClientId::from).into()
}

/// Names of clients.
fn many(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("c{i:02}")).collect()
}
