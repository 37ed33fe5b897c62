//! What to ask next: pure, told the time and the results.
//!
//! A cycle is: list the clients, then read every client's channels. There are
//! two ways to read them: one request a client, spread evenly over the interval
//! (the first cycle as fast as the budget allows), or one sweep through the
//! partner's channel list. `auto` takes the first while a cycle of it fits into
//! the interval at today's pace, else the second, and then spends what is left
//! of the budget on single reads of the clients that need watching.
//!
//! A refused key stops everything but one probe every 30 seconds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::cost::Reads;
use super::watch::Look;
use crate::model::{ClientId, Reason};

/// How the channels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// One request a client.
    PerClient,
    /// One sweep through the partner's channel list.
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
    /// Read the partner's channel list.
    BulkRead,
    /// Nothing before this time, unless a result comes.
    Wait(Instant),
}

/// What the budget allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Requests per second.
    pub requests_per_second: f64,
    /// Items of a page.
    pub page_size: usize,
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

/// How long a list or a read keeps the next cycle waiting, where an interval is
/// shorter. Eight of one page, in flight together, take less at the slowest pace.
const PATIENCE: Duration = Duration::from_secs(60);

/// For how many cycles a client whose channels changed is watched.
const WATCHED_CYCLES: u64 = 3;

/// How long a refused partner channel list is not asked for again.
const SWEEP_REFUSED_FOR: Duration = Duration::from_secs(60 * 60);

/// A list that loses more clients than this, and more than half, is read again
/// before it is believed.
const BELIEVABLE_LOSS: usize = 5;

/// Where a step of a cycle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Due(Instant),
    Running,
    Done,
}

impl Step {
    fn due(self, now: Instant) -> bool {
        matches!(self, Self::Due(at) if at <= now)
    }

    fn due_at(self) -> Option<Instant> {
        match self {
            Self::Due(at) => Some(at),
            Self::Running | Self::Done => None,
        }
    }
}

/// What is remembered of a client.
#[derive(Debug, Clone, Default)]
struct Known {
    look: Look,
    read_at: Option<Instant>,
    changed_in_cycle: Option<u64>,
}

/// The plan of one partner.
#[derive(Debug)]
pub struct Plan {
    interval: Duration,
    strategy: Strategy,
    clients: BTreeMap<ClientId, Known>,
    cycle: u64,
    started: Instant,
    list: Step,
    /// When the list that is under way was begun.
    list_began: Instant,
    /// The list was read in this cycle.
    listed: bool,
    /// The reads of this cycle were planned.
    planned: bool,
    sweep: Step,
    /// Reads to do, each with its earliest time, in order of time.
    queue: VecDeque<(Instant, ClientId)>,
    /// Reads under way, each with its start.
    running: BTreeMap<ClientId, Instant>,
    /// Those of `running` that an earlier cycle began: this one does not wait
    /// for them, and leaves them out.
    stragglers: BTreeSet<ClientId>,
    /// Single reads for watching: they don't belong to the full cycle.
    extra: bool,
    succeeded: usize,
    reported: bool,
    /// A cycle that ended but for stragglers, when the next one began.
    unreported: Option<Ended>,
    /// The list lost so much that it is being read again.
    list_doubted: bool,
    /// As `list_doubted`; both may be under way together.
    sweep_doubted: bool,
    key_refused: bool,
    sweep_refused_until: Option<Instant>,
}

impl Plan {
    /// A plan whose first cycle starts at `now`.
    pub fn new(interval: Duration, strategy: Strategy, known: Vec<ClientId>, now: Instant) -> Self {
        Self {
            interval,
            strategy,
            clients: known.into_iter().map(|id| (id, Known::default())).collect(),
            cycle: 1,
            started: now,
            list: Step::Due(now),
            listed: false,
            planned: false,
            sweep: Step::Done,
            queue: VecDeque::new(),
            running: BTreeMap::new(),
            stragglers: BTreeSet::new(),
            extra: false,
            succeeded: 0,
            reported: false,
            unreported: None,
            list_began: now,
            list_doubted: false,
            sweep_doubted: false,
            key_refused: false,
            sweep_refused_until: None,
        }
    }

    /// The clients of the last good list.
    pub fn clients(&self) -> Vec<ClientId> {
        self.clients.keys().cloned().collect()
    }

    /// Whether the client is in the last good list.
    pub fn knows(&self, client: &ClientId) -> bool {
        self.clients.contains_key(client)
    }

    /// What to do at `now`. An operation that is returned counts as started.
    pub fn next(&mut self, now: Instant, pace: Pace) -> Next {
        if self.key_refused && (self.sweep == Step::Running || !self.running.is_empty()) {
            return Next::Wait(now + self.interval);
        }
        if self.next_cycle().is_some_and(|at| now >= at) {
            self.start_cycle(now);
            if self.list == Step::Running {
                self.plan_reads(now, pace);
            }
        }
        if self.list.due(now) {
            self.list = Step::Running;
            self.list_began = now;
            return Next::List;
        }
        if !self.key_refused {
            if self.sweep.due(now) {
                self.sweep = Step::Running;
                return Next::BulkRead;
            }
            if let Some((due, _)) = self.queue.front()
                && *due <= now
                && let Some((_, client)) = self.queue.pop_front()
            {
                self.running.insert(client.clone(), now);
                return Next::Read(client);
            }
        }
        Next::Wait(self.wake(now))
    }

    fn wake(&self, now: Instant) -> Instant {
        let queue = self.queue.front().map(|(due, _)| *due).filter(|_| !self.key_refused);
        [self.list.due_at(), self.sweep.due_at(), queue, self.next_cycle()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + self.interval)
    }

    /// When the next cycle begins, if no more than time is missing for it.
    fn next_cycle(&self) -> Option<Instant> {
        // With a refused key the probes have their own rhythm, and a cycle begins
        // with the one that succeeds.
        if self.key_refused || self.sweep != Step::Done || !self.queue.is_empty() {
            return None;
        }
        let patience = self.interval.max(PATIENCE);
        // A list that can't be read, or does not end, does not keep the known
        // clients from being read again.
        let list = match self.list {
            Step::Done => self.started,
            Step::Due(_) if self.planned => self.started,
            Step::Running if self.planned || !self.clients.is_empty() => self.list_began + patience,
            Step::Due(_) | Step::Running => return None,
        };
        // Nor does a client whose read does not end keep the others from it.
        let last_read = self.running.values().max().map_or(self.started, |began| *began + patience);
        let others = self.running.is_empty() || self.running.len() < self.clients.len();
        others.then(|| list.max(last_read).max(self.started + self.interval))
    }

    fn start_cycle(&mut self, now: Instant) {
        // A cycle that ran over its interval does not shift the ones after it
        // by more than it has to.
        if self.list == Step::Done && self.listed && !self.reported && self.succeeded > 0 {
            // All but the stragglers.
            self.unreported = Some(Ended { took: now - self.started });
        }
        self.started = now;
        self.stragglers = self.running.keys().cloned().collect();
        self.cycle += 1;
        if self.list != Step::Running {
            self.list = Step::Due(now);
        }
        self.listed = false;
        self.planned = false;
        self.extra = false;
        self.succeeded = 0;
        self.reported = false;
    }

    /// The list was read: `ids` are this shard's clients. False if it lost so
    /// much that it has to be read again before it is believed; then nothing
    /// of it may be used.
    pub fn listed(&mut self, now: Instant, ids: impl Iterator<Item = ClientId>, complete: bool, pace: Pace) -> bool {
        let ids: BTreeSet<ClientId> = ids.collect();
        let lost = self.clients.keys().filter(|id| !ids.contains(*id)).count();
        if complete && !self.list_doubted && lost > BELIEVABLE_LOSS && lost * 2 > self.clients.len() {
            self.list_doubted = true;
            self.list = Step::Due(now);
            return false;
        }
        self.list_doubted = false;
        if std::mem::take(&mut self.key_refused) {
            self.start_cycle(now);
        }
        self.list = Step::Done;
        self.listed = true;
        if complete {
            self.clients.retain(|id, _| ids.contains(id));
            self.queue.retain(|(_, id)| ids.contains(id));
        }
        let new: Vec<ClientId> = ids.into_iter().filter(|id| !self.clients.contains_key(id)).collect();
        self.clients.extend(new.iter().map(|id| (id.clone(), Known::default())));
        if self.planned {
            // The known clients are being read already, because the list failed
            // at first; only the new ones are missing.
            for id in new {
                self.queue.push_front((now, id));
            }
        } else {
            self.plan_reads(now, pace);
        }
        true
    }

    /// The list could not be read.
    pub fn list_failed(&mut self, now: Instant, reason: Reason, pace: Pace) {
        self.list_doubted = false;
        if reason == Reason::Unauthorized || self.key_refused {
            return self.refuse_key(now);
        }
        self.list = Step::Due(now + LIST_RETRY.min(self.interval));
        if !self.planned && !self.clients.is_empty() {
            self.plan_reads(now, pace);
        }
    }

    fn plan_reads(&mut self, now: Instant, pace: Pace) {
        self.planned = true;
        if self.by_sweep(now, pace) {
            self.sweep = Step::Due(now);
        } else {
            self.queue_reads(now);
        }
    }

    /// A client's channels were read.
    pub fn read(&mut self, now: Instant, client: &ClientId, look: Look) {
        self.running.remove(client);
        self.stragglers.remove(client);
        self.succeeded += 1;
        self.remember(now, client, look);
    }

    /// A client's channels could not be read.
    pub fn read_failed(&mut self, now: Instant, client: &ClientId, reason: Reason) {
        self.running.remove(client);
        self.stragglers.remove(client);
        if reason == Reason::Unauthorized {
            self.refuse_key(now);
        }
    }

    /// Whether a sweep that brought so many channels is believed. If not, it is
    /// read again.
    pub fn sweep_is_believed(&mut self, channels: usize, complete: bool) -> bool {
        let before: usize = self.clients.values().map(|known| known.look.channels).sum();
        let lost = before.saturating_sub(channels);
        if complete && !self.sweep_doubted && lost > BELIEVABLE_LOSS && lost * 2 > before {
            self.sweep_doubted = true;
            // With a refused key nothing is due but the probe.
            self.sweep = if self.key_refused { Step::Done } else { Step::Due(self.started) };
            return false;
        }
        self.sweep_doubted = false;
        true
    }

    /// A sweep was taken in whole: what it saw of each client. A client of which
    /// it saw nothing has no channels.
    pub fn swept(&mut self, now: Instant, looks: &BTreeMap<ClientId, Look>, pace: Pace) {
        self.sweep = Step::Done;
        self.succeeded += 1;
        for client in self.clients() {
            self.remember(now, &client, looks.get(&client).copied().unwrap_or_default());
        }
        if self.strategy == Strategy::Auto {
            self.queue_watched(now, pace);
        }
    }

    /// A sweep failed. True if that leaves all clients unread in this cycle.
    pub fn sweep_failed(&mut self, now: Instant, reason: Reason, pace: Pace) -> bool {
        self.sweep_doubted = false;
        self.sweep = Step::Done;
        match reason {
            Reason::Unauthorized => {
                self.refuse_key(now);
                true
            }
            Reason::Forbidden | Reason::NotFound if self.strategy == Strategy::Auto => {
                self.sweep_refused_until = Some(now + SWEEP_REFUSED_FOR);
                self.queue_reads(now);
                false
            }
            _ => {
                // The rest of the cycle's budget still serves those who matter.
                if self.strategy == Strategy::Auto {
                    self.queue_watched(now, pace);
                }
                true
            }
        }
    }

    /// The key file holds another key: if the old one was refused, try it now.
    pub fn key_changed(&mut self, now: Instant) {
        if self.key_refused && self.list != Step::Running {
            self.list = Step::Due(now);
        }
    }

    /// The full cycle that ended with the last result, told once. A cycle whose
    /// reads all failed is none.
    pub fn ended(&mut self, now: Instant) -> Option<Ended> {
        if let Some(earlier) = self.unreported.take() {
            return Some(earlier);
        }
        let reads_done = self.queue.is_empty() && self.running.len() == self.stragglers.len();
        let reads_done = self.sweep == Step::Done && (self.extra || reads_done);
        let full = self.list == Step::Done && self.listed && reads_done && !self.key_refused;
        let worth_it = self.succeeded > 0 || self.clients.is_empty();
        if !full || !worth_it || self.reported {
            return None;
        }
        self.reported = true;
        Some(Ended { took: now - self.started })
    }

    fn refuse_key(&mut self, now: Instant) {
        self.key_refused = true;
        self.queue.clear();
        self.list = Step::Due(now + PROBE_INTERVAL);
        self.sweep = match self.sweep {
            Step::Running => Step::Running,
            Step::Due(_) | Step::Done => Step::Done,
        };
    }

    fn remember(&mut self, now: Instant, client: &ClientId, look: Look) {
        let cycle = self.cycle;
        let Some(known) = self.clients.get_mut(client) else { return };
        if known.read_at.is_some() && known.look.fingerprint != look.fingerprint {
            known.changed_in_cycle = Some(cycle);
        }
        known.look = look;
        known.read_at = Some(now);
    }

    fn by_sweep(&self, now: Instant, pace: Pace) -> bool {
        let refused = self.strategy == Strategy::Auto && self.sweep_refused_until.is_some_and(|until| now < until);
        !refused && self.strategy.choose(self.clients.len(), pace, self.interval) == Reads::Bulk
    }

    /// Every known client, spread over what is left of the interval, or at once
    /// where none was read yet. Clients that were never read come first.
    fn queue_reads(&mut self, now: Instant) {
        let first = self.clients.values().all(|known| known.read_at.is_none());
        let idle = self.clients.iter().filter(|(id, _)| !self.running.contains_key(*id));
        let (new, known): (Vec<_>, Vec<_>) = idle.partition(|(_, known)| known.read_at.is_none());
        let gap = self.interval / u32::try_from(known.len().max(1)).unwrap_or(u32::MAX);
        let spread = known.into_iter().enumerate().map(|(i, (id, _))| {
            let due = self.started + gap * u32::try_from(i).unwrap_or(u32::MAX);
            (if first { now } else { due }, id.clone())
        });
        self.queue = new.into_iter().map(|(id, _)| (now, id.clone())).chain(spread).collect();
    }

    /// The clients that need watching, longest unread first, as many as the
    /// rest of the interval has requests for, spread over it.
    fn queue_watched(&mut self, now: Instant, pace: Pace) {
        let end = self.started + self.interval;
        let left = end.saturating_duration_since(now);
        let mut watched: Vec<(Option<Instant>, &ClientId)> = self
            .clients
            .iter()
            .filter(|(id, _)| !self.running.contains_key(*id))
            .filter(|(_, known)| {
                known.look.troubled
                    || known.changed_in_cycle.is_some_and(|cycle| self.cycle.saturating_sub(cycle) < WATCHED_CYCLES)
            })
            .map(|(id, known)| (known.read_at, id))
            .collect();
        watched.sort();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
        let affordable = (pace.requests_per_second * left.as_secs_f64()) as usize;
        watched.truncate(affordable);
        let gap = left / u32::try_from(watched.len().max(1)).unwrap_or(u32::MAX);
        self.queue = watched
            .into_iter()
            .enumerate()
            .map(|(i, (_, id))| (now + gap * u32::try_from(i).unwrap_or(u32::MAX), id.clone()))
            .collect();
        self.extra = true;
    }
}

#[cfg(test)]
mod tests;
