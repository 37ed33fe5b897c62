//! The reads of single clients that are to be done.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// Reads to do, each with its earliest time, in order of time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    reads: VecDeque<Read>,
}

#[derive(Debug)]
struct Read {
    due: Instant,
    client: ClientId,
    /// Its last read failed.
    failing: bool,
}

impl Queue {
    pub(super) fn clear(&mut self) {
        self.reads.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.reads.len()
    }

    pub(super) fn replace(&mut self, reads: impl IntoIterator<Item = (Instant, ClientId, bool)>) {
        self.reads = reads.into_iter().map(|(due, client, failing)| Read { due, client, failing }).collect();
    }

    /// Puts a read before all others.
    pub(super) fn push_first(&mut self, due: Instant, client: ClientId, failing: bool) {
        self.reads.retain(|read| read.client != client);
        self.reads.push_front(Read { due, client, failing });
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&ClientId) -> bool) {
        self.reads.retain(|read| keep(&read.client));
    }

    /// Takes the first read that is due; of a client that fails only where there
    /// is room for one.
    pub(super) fn pop(&mut self, now: Instant, room_for_failing: bool) -> Option<(ClientId, bool)> {
        let due = self.reads.iter().take_while(|read| read.due <= now);
        let place = due.into_iter().position(|read| room_for_failing || !read.failing)?;
        self.reads.remove(place).map(|read| (read.client, read.failing))
    }

    /// When the next read is due.
    pub(super) fn due_at(&self, room_for_failing: bool) -> Option<Instant> {
        self.reads.iter().find(|read| room_for_failing || !read.failing).map(|read| read.due)
    }
}

impl Plan {
    /// Every known client, spread over what is left of the interval, or at once
    /// where none was read yet. Clients that were never read come first.
    pub(super) fn queue_reads(&mut self, now: Instant) {
        let first = self.clients.values().all(|client| client.read_at.is_none());
        let idle = self.clients.iter().filter(|(id, _)| !self.running.contains_key(*id));
        let (new, known): (Vec<_>, Vec<_>) = idle.partition(|(_, client)| client.read_at.is_none());
        let gap = self.interval / u32::try_from(known.len().max(1)).unwrap_or(u32::MAX);
        let spread = known.into_iter().enumerate().map(|(i, (id, client))| {
            let due = self.cycle.started + gap * u32::try_from(i).unwrap_or(u32::MAX);
            (if first { now } else { due }, id.clone(), client.failing)
        });
        let new = new.into_iter().map(|(id, client)| (now, id.clone(), client.failing));
        self.queue.replace(new.chain(spread).collect::<Vec<_>>());
    }

    /// Single reads beside a bulk read: first of the clients of which it
    /// contradicts a single read, then of those that need watching, longest
    /// unread first, as many as the rest of the interval has requests for,
    /// spread over it.
    pub(super) fn queue_watched(&mut self, now: Instant, pace: Pace, contradicted: &BTreeSet<ClientId>) {
        self.cycle.phase = Phase::Watching;
        let left = (self.cycle.started + self.interval).saturating_duration_since(now);
        let idle = |id: &ClientId| !self.running.contains_key(id);
        let needs_watching = |client: &Schedule| {
            let lately = |cycle| self.cycle.number.saturating_sub(cycle) < WATCHED_CYCLES;
            client.look.troubled || client.failing || client.changed_in_cycle.is_some_and(lately)
        };
        let mut watched: Vec<(Option<Instant>, &ClientId)> = self
            .clients
            .iter()
            .filter(|(id, client)| idle(id) && needs_watching(client) && !contradicted.contains(*id))
            .map(|(id, client)| (client.single_at, id))
            .collect();
        watched.sort();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
        let affordable = (pace.requests_per_second * left.as_secs_f64()) as usize;
        watched.truncate(affordable.saturating_sub(contradicted.len()));
        let gap = left / u32::try_from(watched.len().max(1)).unwrap_or(u32::MAX);
        let failing = |id: &ClientId| self.clients.get(id).is_some_and(|client| client.failing);
        let again = contradicted.iter().filter(|id| idle(id)).map(|id| (now, id.clone(), failing(id)));
        let watched = watched
            .into_iter()
            .enumerate()
            .map(|(i, (_, id))| (now + gap * u32::try_from(i).unwrap_or(u32::MAX), id.clone(), failing(id)));
        let reads: Vec<_> = again.take(affordable.max(1)).chain(watched).collect();
        self.queue.replace(reads);
    }
}
