//! Cycles: when one begins, how it reads, when it has ended.

use super::*;
use crate::poller::cost::bulk_requests;

/// What the reads of a cycle are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The clients are being listed; no read is planned.
    Listing,
    /// Every client is read alone.
    PerClient,
    /// A bulk read is due, or under way.
    Bulk,
    /// The bulk read is over. Single reads that follow are for watching, and no
    /// part of the full cycle.
    Watching,
}

/// One cycle.
#[derive(Debug)]
pub(super) struct Cycle {
    pub(super) number: u64,
    pub(super) started: Instant,
    pub(super) phase: Phase,
    /// How the channels are read, once that is decided. It stays over the
    /// listing of the next cycle.
    pub(super) reads: Option<Reads>,
    /// The list was read in this cycle.
    pub(super) listed: bool,
    /// Reads of the full cycle that succeeded.
    pub(super) succeeded: usize,
    /// Its end was reported.
    pub(super) reported: bool,
    /// The list, or the bulk read, was read again at once.
    pub(super) list_repeated: bool,
    pub(super) bulk_repeated: bool,
}

impl Cycle {
    pub(super) fn first(now: Instant) -> Self {
        Self {
            number: 1,
            started: now,
            phase: Phase::Listing,
            reads: None,
            listed: false,
            succeeded: 0,
            reported: false,
            list_repeated: false,
            bulk_repeated: false,
        }
    }
}

impl Plan {
    /// When the next cycle begins, if no more than time is missing for it.
    pub(super) fn next_cycle(&self) -> Option<Instant> {
        // With a refused key the probes have their own rhythm, and a cycle begins
        // with the one that succeeds.
        if self.key != Key::Accepted || self.bulk != Slot::Done || !self.queue.is_empty() {
            return None;
        }
        let patience = self.interval.max(STRAGGLER_TIMEOUT);
        let planned = self.cycle.phase != Phase::Listing;
        // A list that can't be read, or does not end, does not keep the known
        // clients from being read again.
        let list = match self.list {
            Slot::Done => self.cycle.started,
            Slot::Due(_) if planned => self.cycle.started,
            Slot::Running(began) if planned || !self.clients.is_empty() => began + patience,
            Slot::Due(_) | Slot::Running(_) => return None,
        };
        // Nor does a client whose read does not end keep the others from it.
        let awaited = self.running.iter().filter(|(id, _)| !self.stragglers.contains(*id));
        let last_read = awaited.map(|(_, began)| *began + patience).max().unwrap_or(self.cycle.started);
        let others = self.running.is_empty() || self.running.len() < self.clients.len();
        others.then(|| list.max(last_read).max(self.cycle.started + self.interval))
    }

    pub(super) fn start_cycle(&mut self, now: Instant) {
        // A cycle that ran over its interval does not shift the ones after it
        // by more than it has to.
        if self.list == Slot::Done && self.cycle.listed && !self.cycle.reported && self.cycle.succeeded > 0 {
            // All but the stragglers.
            self.late_cycle = Some(Ended { took: now - self.cycle.started });
        }
        self.stragglers = self.running.keys().cloned().collect();
        self.cycle = Cycle { number: self.cycle.number + 1, reads: self.cycle.reads, ..Cycle::first(now) };
        if !self.list.is_running() {
            self.list = Slot::Due(now);
        }
    }

    /// Decides how the clients are read.
    pub(super) fn plan_reads(&mut self, now: Instant, pace: Pace) {
        let reads = if !self.bulk_is_open(now) {
            Reads::PerClient
        } else if self.strategy == Strategy::Auto && !self.begun {
            Reads::Bulk
        } else {
            self.strategy.choose(self.clients.len(), pace, self.interval)
        };
        self.read_by(reads, now);
    }

    /// Reads all clients in this way.
    pub(super) fn read_by(&mut self, reads: Reads, now: Instant) {
        self.cycle.reads = Some(reads);
        match reads {
            Reads::PerClient => {
                self.cycle.phase = Phase::PerClient;
                self.queue_reads(now);
            }
            Reads::Bulk => {
                self.cycle.phase = Phase::Bulk;
                self.queue.clear();
                self.bulk = Slot::Due(now);
            }
        }
    }

    fn bulk_is_open(&self, now: Instant) -> bool {
        match self.strategy {
            Strategy::PerClient => false,
            Strategy::Bulk => true,
            Strategy::Auto => self.bulk_refused_until.is_none_or(|until| until <= now),
        }
    }

    /// A cycle that can no longer end within the interval, because the pace has
    /// collapsed, is finished in bulk.
    pub(super) fn heed_collapse(&mut self, now: Instant, pace: Pace) {
        let left = self.queue.len();
        if self.strategy != Strategy::Auto
            || self.cycle.phase != Phase::PerClient
            || self.bulk != Slot::Done
            || left == 0
            || !self.bulk_is_open(now)
        {
            return;
        }
        let time = (self.cycle.started + self.interval).saturating_duration_since(now);
        let affordable = pace.requests_per_second * time.as_secs_f64();
        let channels: usize = self.clients.values().map(|client| client.look.channels).sum();
        let in_bulk = bulk_requests(self.clients.len(), channels.max(self.clients.len()), pace.page_size);
        if left as f64 > affordable && left > in_bulk {
            // What was read alone is no full cycle by itself.
            self.cycle.succeeded = 0;
            self.read_by(Reads::Bulk, now);
        }
    }

    /// The full cycle that ended with the last result, reported once. A cycle in
    /// which every read failed does not count.
    pub fn ended(&mut self, now: Instant) -> Option<Ended> {
        if let Some(earlier) = self.late_cycle.take() {
            return Some(earlier);
        }
        let reads_done = match self.cycle.phase {
            Phase::Listing | Phase::Bulk => false,
            Phase::PerClient => self.queue.is_empty() && self.running.len() == self.stragglers.len(),
            Phase::Watching => true,
        };
        let full = self.list == Slot::Done && self.cycle.listed && reads_done && self.key == Key::Accepted;
        let worth_it = self.cycle.succeeded > 0 || self.clients.is_empty();
        if !full || !worth_it || self.cycle.reported {
            return None;
        }
        self.cycle.reported = true;
        Some(Ended { took: now - self.cycle.started })
    }
}
