//! What to ask next: pure, given the time and the results.
//!
//! A cycle is: list the clients, then read every client's channels. There are
//! two ways to read them: one request per client, spread evenly over the interval
//! (the first cycle as fast as the budget allows), or one bulk read of the
//! partner's channel list. `auto` begins with a bulk read, because it costs pages
//! and not clients; then it reads per client while a cycle of that fits into the
//! interval at the measured pace, else in bulk, and spends what is left of the
//! budget on single reads of the clients that need watching. A cycle that can no
//! longer end in time is finished in bulk.
//!
//! A refused key stops everything but one probe every 30 seconds; when nothing
//! succeeds, the client list is tried before anything else.

mod cycle;
mod queue;
mod results;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::watch::Look;
use crate::model::{ClientId, Reads, Reason};

use cycle::{Cycle, Phase};
use queue::Queue;

/// How the channels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// One request per client.
    PerClient,
    /// One bulk read of the partner's channel list.
    Bulk,
    /// The first while it fits, else the second.
    #[default]
    Auto,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// List the clients.
    List,
    /// Read one client's channels.
    Read(ClientId),
    /// The same, but a time-out is not tried again: its last read timed out.
    ReadOnce(ClientId),
    /// Read the partner's channel list.
    BulkRead,
    /// Nothing before this time, unless a result comes.
    Wait(Instant),
}

/// What the API allows now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests per second.
    pub requests_per_second: f64,
    /// Items of a page.
    pub page_size: usize,
    /// Nothing may start before, if that lies ahead.
    pub paused_until: Option<Instant>,
    /// Nothing has succeeded for a while.
    pub outage: bool,
}

impl Pace {
    /// A pace without a pause, with an API that responds.
    pub fn of(requests_per_second: f64, page_size: usize) -> Self {
        Self { requests_per_second, page_size, paused_until: None, outage: false }
    }
}

/// A full cycle that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// From its start to its last result.
    pub took: Duration,
}

/// Between two probes with a refused key.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// Between two attempts to read a list that can't be read, within a cycle.
pub(super) const LIST_RETRY: Duration = Duration::from_secs(30);

/// How long a client whose read timed out waits for its second turn in a cycle.
const SECOND_TURN_DELAY: Duration = Duration::from_secs(30);

/// How long a list or a read keeps the next cycle waiting, where an interval is
/// shorter. Eight of one page, in flight together, take less at the slowest pace.
const STRAGGLER_TIMEOUT: Duration = Duration::from_secs(60);

/// For how many cycles a client whose channels changed is watched.
const WATCHED_CYCLES: u64 = 3;

/// How long a partner channel list that is refused, or names no owners, is not
/// asked for again.
const BULK_REFUSED_FOR: Duration = Duration::from_secs(60 * 60);

/// Where a request of a cycle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Due(Instant),
    Running(Instant),
    Done,
}

impl Slot {
    fn is_due(self, now: Instant) -> bool {
        matches!(self, Self::Due(at) if at <= now)
    }

    fn due_at(self) -> Option<Instant> {
        match self {
            Self::Due(at) => Some(at),
            Self::Running(_) | Self::Done => None,
        }
    }

    fn is_running(self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// Whether the API takes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Accepted,
    /// A path refused it: the client list will tell whether that is the path's
    /// way or the key's.
    Suspected,
    Refused,
}

/// What is remembered of a client.
#[derive(Debug, Clone, Default)]
struct Schedule {
    look: Look,
    /// When it was last read, in whatever way.
    read_at: Option<Instant>,
    /// When it was last read alone.
    single_at: Option<Instant>,
    changed_in_cycle: Option<u64>,
    /// Its last read failed.
    failing: bool,
    /// Its last read timed out.
    hangs: bool,
    /// The cycle in which it got a second turn after a time-out.
    second_turn_in_cycle: u64,
    /// Its path refuses a key that the client list takes.
    path_refused: bool,
    /// The cycle in which it was read again at once.
    again_in_cycle: u64,
}

/// The plan of one partner.
#[derive(Debug)]
pub struct Plan {
    interval: Duration,
    strategy: Strategy,
    /// Requests that may be under way together.
    places: usize,
    clients: BTreeMap<ClientId, Schedule>,
    cycle: Cycle,
    list: Slot,
    /// When the last list was begun.
    list_began: Option<Instant>,
    bulk: Slot,
    queue: Queue,
    /// Reads under way, each with its start.
    running: BTreeMap<ClientId, Instant>,
    /// Those of `running` that an earlier cycle began, and second turns: this
    /// cycle does not wait for them.
    stragglers: BTreeSet<ClientId>,
    /// A cycle that ended but for stragglers, when the next one began.
    late_cycle: Option<Ended>,
    key: Key,
    /// Since when nothing succeeds.
    outage_since: Option<Instant>,
    bulk_refused_until: Option<Instant>,
    /// The first reads of this run are done.
    begun: bool,
    /// A client was read in this run.
    anyone_read: bool,
}

impl Plan {
    /// A plan whose first cycle starts at `now`. `places` requests may be under
    /// way together.
    pub fn new(interval: Duration, strategy: Strategy, places: usize, known: Vec<ClientId>, now: Instant) -> Self {
        Self {
            interval,
            strategy,
            places,
            clients: known.into_iter().map(|id| (id, Schedule::default())).collect(),
            cycle: Cycle::first(now),
            list: Slot::Due(now),
            list_began: None,
            bulk: Slot::Done,
            queue: Queue::default(),
            running: BTreeMap::new(),
            stragglers: BTreeSet::new(),
            late_cycle: None,
            key: Key::Accepted,
            outage_since: None,
            bulk_refused_until: None,
            begun: false,
            anyone_read: false,
        }
    }

    /// The clients of the last good list.
    pub fn clients(&self) -> Vec<ClientId> {
        self.clients.keys().cloned().collect()
    }

    /// The number of the cycle, from 1.
    pub fn cycle(&self) -> u64 {
        self.cycle.number
    }

    /// How the channels are read in this cycle, once that is decided.
    pub fn reads(&self) -> Option<Reads> {
        self.cycle.reads
    }

    /// What to do at `now`. An operation that is returned counts as started.
    pub fn next(&mut self, now: Instant, pace: Pace) -> Next {
        if self.key == Key::Refused && (self.bulk.is_running() || !self.running.is_empty()) {
            return Next::Wait(now + self.interval);
        }
        if self.next_cycle().is_some_and(|at| now >= at) {
            self.start_cycle(now);
            if self.list.is_running() {
                self.plan_reads(now, pace);
            }
        }
        self.heed_outage(now, pace);
        if self.list.is_due(now) {
            self.list = Slot::Running(now);
            self.list_began = Some(now);
            return Next::List;
        }
        if !self.may_read() {
            return Next::Wait(self.wake(now, pace));
        }
        self.heed_collapse(now, pace);
        if pace.paused_until.is_none_or(|until| until <= now) {
            if self.bulk.is_due(now) {
                self.bulk = Slot::Running(now);
                return Next::BulkRead;
            }
            if let Some(client) = self.queue.pop(now, self.room_for_doubtful()) {
                return self.read_client(client, now);
            }
            if self.can_afford_second_turn(now, pace)
                && let Some(client) = self.queue.pop_second_turn(now)
            {
                self.stragglers.insert(client.clone());
                return self.read_client(client, now);
            }
        }
        Next::Wait(self.wake(now, pace))
    }

    /// Whether anything but the client list may be asked for: not with a key
    /// that may be refused, and not in an outage before the list was tried.
    fn may_read(&self) -> bool {
        self.key == Key::Accepted && (self.outage_since.is_none() || self.listed_since_outage())
    }

    fn listed_since_outage(&self) -> bool {
        !self.list.is_running() && self.list_began >= self.outage_since
    }

    /// When nothing succeeds any more, the client list is tried first.
    fn heed_outage(&mut self, now: Instant, pace: Pace) {
        if !pace.outage {
            self.outage_since = None;
            return;
        }
        if self.outage_since.is_none() && self.key != Key::Refused {
            self.outage_since = Some(now);
            if !self.list.is_running() {
                self.list = Slot::Due(now);
            }
        }
    }

    fn read_client(&mut self, client: ClientId, now: Instant) -> Next {
        self.running.insert(client.clone(), now);
        let hangs = self.clients.get(&client).is_some_and(|known| known.hangs);
        if hangs { Next::ReadOnce(client) } else { Next::Read(client) }
    }

    /// Whether one more client may be read that may hang: those never hold more
    /// than half of the places.
    fn room_for_doubtful(&self) -> bool {
        let doubtful = self.running.keys().filter(|id| self.clients.get(*id).is_some_and(|client| self.doubts(client)));
        doubtful.count() < (self.places / 2).max(1)
    }

    /// Whether a read of this client may hang: its last one failed, or it is new
    /// among others that can be read.
    fn doubts(&self, client: &Schedule) -> bool {
        client.failing || (self.anyone_read && client.read_at.is_none())
    }

    /// A second turn takes a place and a request that nobody else needs.
    fn can_afford_second_turn(&self, now: Instant, pace: Pace) -> bool {
        let left = (self.cycle.started + self.interval).saturating_duration_since(now);
        let affordable = pace.requests_per_second * left.as_secs_f64();
        !pace.outage && self.room_for_doubtful() && affordable >= (self.queue.len() + 1) as f64
    }

    fn wake(&self, now: Instant, pace: Pace) -> Instant {
        let reads = if self.may_read() {
            let queue = self.queue.due_at(self.room_for_doubtful());
            let second_turn =
                self.queue.second_turn_at().filter(|at| self.can_afford_second_turn((*at).max(now), pace));
            let due = self.bulk.due_at().into_iter().chain(queue).chain(second_turn).min();
            due.map(|due| pace.paused_until.map_or(due, |until| due.max(until)))
        } else {
            None
        };
        let cycle = self.next_cycle().filter(|at| *at > now);
        [self.list.due_at(), reads, cycle].into_iter().flatten().min().unwrap_or(now + self.interval).max(now)
    }
}

#[cfg(test)]
mod tests;
