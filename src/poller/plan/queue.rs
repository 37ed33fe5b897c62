//! The reads of single clients that are to be done.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// Reads to do, each with its earliest time, in order of time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    reads: VecDeque<Read>,
    /// Second turns of clients whose reads timed out, in order of time. They are
    /// extra: no cycle waits for them, and they end with it.
    second_turns: VecDeque<(Instant, ClientId)>,
}

#[derive(Debug)]
struct Read {
    due: Instant,
    client: ClientId,
    /// It may hang.
    doubtful: bool,
}

impl Queue {
    pub(super) fn clear(&mut self) {
        self.reads.clear();
        self.second_turns.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.reads.len()
    }

    pub(super) fn replace(&mut self, reads: impl IntoIterator<Item = (Instant, ClientId, bool)>) {
        self.second_turns.clear();
        self.reads = reads.into_iter().map(|(due, client, doubtful)| Read { due, client, doubtful }).collect();
    }

    /// Puts a read before all others.
    pub(super) fn push_first(&mut self, due: Instant, client: ClientId, doubtful: bool) {
        self.reads.retain(|read| read.client != client);
        self.reads.push_front(Read { due, client, doubtful });
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&ClientId) -> bool) {
        self.reads.retain(|read| keep(&read.client));
        self.second_turns.retain(|(_, client)| keep(client));
    }

    /// Takes the first read that is due; of a client that may hang only where
    /// there is room for one.
    pub(super) fn pop(&mut self, now: Instant, room_for_doubtful: bool) -> Option<ClientId> {
        let due = self.reads.iter().take_while(|read| read.due <= now);
        let place = due.into_iter().position(|read| room_for_doubtful || !read.doubtful)?;
        self.reads.remove(place).map(|read| read.client)
    }

    /// Reads a client again at `due`, if its cycle lasts until then.
    pub(super) fn give_second_turn(&mut self, due: Instant, client: ClientId) {
        self.second_turns.push_back((due, client));
    }

    /// Takes the first second turn that is due.
    pub(super) fn pop_second_turn(&mut self, now: Instant) -> Option<ClientId> {
        self.second_turn_at().filter(|due| *due <= now)?;
        self.second_turns.pop_front().map(|(_, client)| client)
    }

    /// When the next second turn is due.
    pub(super) fn second_turn_at(&self) -> Option<Instant> {
        self.second_turns.front().map(|(due, _)| *due)
    }

    /// When the next read is due.
    pub(super) fn due_at(&self, room_for_doubtful: bool) -> Option<Instant> {
        self.reads.iter().find(|read| room_for_doubtful || !read.doubtful).map(|read| read.due)
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
        let new = new.into_iter().map(|(id, client)| (now, id.clone(), self.doubts(client)));
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
