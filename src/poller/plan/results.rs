//! What results mean for what comes next.

use super::*;

impl Plan {
    /// The list was read: `ids` are this shard's clients, as far as they are
    /// believed in. A list that was not `whole` makes no full cycle; `again` asks
    /// for another read at once.
    pub fn listed(&mut self, now: Instant, ids: BTreeSet<ClientId>, whole: bool, again: bool, pace: Pace) {
        // Where it was suspected, it was the path that refused the key.
        if std::mem::replace(&mut self.key, Key::Accepted) == Key::Refused {
            self.start_cycle(now);
            self.bulk_refused_until = None;
        }
        self.list = Slot::Done;
        self.cycle.listed |= whole;
        if again && !std::mem::replace(&mut self.cycle.list_repeated, true) {
            self.list = Slot::Due(now);
        }
        self.clients.retain(|id, _| ids.contains(id));
        self.queue.retain(|id| ids.contains(id));
        let new: Vec<ClientId> = ids.into_iter().filter(|id| !self.clients.contains_key(id)).collect();
        self.clients.extend(new.iter().map(|id| (id.clone(), Schedule::default())));
        match self.cycle.phase {
            Phase::Listing => self.plan_reads(now, pace),
            // The bulk read that is under way will come by them.
            Phase::Bulk => {}
            // The known clients are being read already, because the list failed
            // at first; only the new ones are missing.
            Phase::PerClient | Phase::Watching => {
                for id in new {
                    self.queue.push_first(now, id, self.anyone_read);
                }
            }
        }
    }

    /// The list could not be read.
    pub fn list_failed(&mut self, now: Instant, reason: Reason, pace: Pace) {
        if reason == Reason::Unauthorized || self.key == Key::Refused {
            return self.refuse_key(now);
        }
        self.key = Key::Accepted;
        self.list = Slot::Due(now + LIST_RETRY.min(self.interval));
        if self.cycle.phase == Phase::Listing && !self.clients.is_empty() {
            self.plan_reads(now, pace);
        }
    }

    /// A client's channels were read, all of them if `whole`. `again` asks for
    /// another read at once.
    pub fn read(&mut self, now: Instant, client: &ClientId, look: Look, whole: bool, again: bool) {
        self.read_ended(client);
        if self.cycle.phase == Phase::PerClient && whole {
            self.cycle.succeeded += 1;
        }
        self.remember(now, client, look, true);
        let cycle = self.cycle.number;
        let Some(known) = self.clients.get_mut(client) else { return };
        (known.failing, known.hangs, known.path_refused) = (!whole, false, false);
        if again && std::mem::replace(&mut known.again_in_cycle, cycle) != cycle {
            self.queue.push_first(now, client.clone(), false);
        }
    }

    /// A client's channels could not be read.
    pub fn read_failed(&mut self, now: Instant, client: &ClientId, reason: Reason) {
        self.read_ended(client);
        let (cycle, phase) = (self.cycle.number, self.cycle.phase);
        let Some(known) = self.clients.get_mut(client) else { return };
        (known.failing, known.hangs) = (true, reason == Reason::Timeout);
        let per_client = phase == Phase::PerClient;
        if known.hangs && per_client && std::mem::replace(&mut known.second_turn_in_cycle, cycle) != cycle {
            self.queue.give_second_turn(now + SECOND_TURN_DELAY, client.clone());
        }
        if reason == Reason::Unauthorized && !std::mem::replace(&mut known.path_refused, true) {
            self.suspect_key(now);
        }
    }

    fn read_ended(&mut self, client: &ClientId) {
        self.running.remove(client);
        self.stragglers.remove(client);
    }

    /// A bulk read reached its end: what it saw of each client that it is a read
    /// of. `contradicted` clients are read alone again; `again` asks for another
    /// bulk read at once.
    pub fn bulk_read(
        &mut self,
        now: Instant,
        looks: impl Iterator<Item = (ClientId, Look)>,
        contradicted: &BTreeSet<ClientId>,
        again: bool,
        pace: Pace,
    ) {
        self.bulk = Slot::Done;
        self.begun = true;
        self.cycle.succeeded += 1;
        for (client, look) in looks {
            self.remember(now, &client, look, false);
            if let Some(known) = self.clients.get_mut(&client) {
                (known.failing, known.hangs) = (false, false);
            }
        }
        if self.key == Key::Refused {
            return;
        }
        if again && !std::mem::replace(&mut self.cycle.bulk_repeated, true) {
            self.bulk = Slot::Due(now);
            return;
        }
        self.watch(now, contradicted, pace);
    }

    /// A bulk read failed. True if that leaves all clients unread in this cycle.
    pub fn bulk_failed(&mut self, now: Instant, reason: Reason, pace: Pace) -> bool {
        self.bulk = Slot::Done;
        if self.key == Key::Refused {
            return true;
        }
        if reason == Reason::Unauthorized {
            self.suspect_key(now);
        }
        let refused = matches!(reason, Reason::Unauthorized | Reason::Forbidden | Reason::NotFound | Reason::Decode);
        if refused && self.strategy == Strategy::Auto {
            self.bulk_refused_until = Some(now + BULK_REFUSED_FOR);
            self.read_by(Reads::PerClient, now);
            return false;
        }
        if !refused && !std::mem::replace(&mut self.cycle.bulk_repeated, true) {
            self.bulk = Slot::Due(now + LIST_RETRY.min(self.interval));
            return true;
        }
        // The rest of the cycle's budget still serves those who matter.
        self.watch(now, &BTreeSet::new(), pace);
        true
    }

    fn watch(&mut self, now: Instant, contradicted: &BTreeSet<ClientId>, pace: Pace) {
        if self.strategy == Strategy::Auto {
            self.queue_watched(now, pace, contradicted);
        } else {
            self.cycle.phase = Phase::Watching;
        }
    }

    /// The key file holds another key: if the old one was refused, try it now.
    pub fn key_changed(&mut self, now: Instant) {
        if self.key == Key::Refused && !self.list.is_running() {
            self.list = Slot::Due(now);
        }
    }

    /// A path refused the key. The client list shows what that means.
    fn suspect_key(&mut self, now: Instant) {
        if self.key == Key::Accepted {
            self.key = Key::Suspected;
            if !self.list.is_running() {
                self.list = Slot::Due(now);
            }
        }
    }

    fn refuse_key(&mut self, now: Instant) {
        self.key = Key::Refused;
        self.queue.clear();
        self.list = Slot::Due(now + PROBE_INTERVAL);
        if !self.bulk.is_running() {
            self.bulk = Slot::Done;
        }
    }

    fn remember(&mut self, now: Instant, client: &ClientId, look: Look, single: bool) {
        let cycle = self.cycle.number;
        let Some(known) = self.clients.get_mut(client) else { return };
        if known.read_at.is_some() && known.look.fingerprint != look.fingerprint {
            known.changed_in_cycle = Some(cycle);
        }
        self.anyone_read = true;
        known.look = look;
        known.read_at = Some(now);
        if single {
            known.single_at = Some(now);
        }
    }
}
