//! What a read of the client list proves.

use super::*;

/// What is remembered of client lists.
#[derive(Debug, Default)]
pub(super) struct ListMemory {
    /// Clients that complete lists did not show.
    pub(super) missing: Absences<ClientId>,
    unreadable: Allowance,
    /// New clients of the last incomplete list: a second one may confirm them.
    unproven: BTreeSet<ClientId>,
    /// Items of the last list that counted, those of other shards included.
    items: usize,
}

/// New clients of one incomplete list that are remembered, at most.
const MAX_UNPROVEN: usize = 100_000;

/// What a client list proves.
#[derive(Debug, PartialEq, Eq)]
pub struct ListVerdict {
    /// The clients that count.
    pub clients: Vec<Client>,
    /// Clients that are gone.
    pub gone: Vec<ClientId>,
    /// Every client that was known was seen, or is believed to be gone or going.
    pub whole: bool,
    /// The list should be read again at once.
    pub again: bool,
}

impl Confidence {
    /// How many items a client list should have, if that is known.
    pub fn expected_clients(&self) -> Option<usize> {
        Some(self.list.items.max(self.clients.len())).filter(|known| *known > 0)
    }

    /// Judges a client list that was read to its end: the clients of this shard,
    /// out of `received` items.
    pub fn list(&mut self, items: Vec<Client>, received: usize, coverage: Coverage, started: Instant) -> ListVerdict {
        let ids: BTreeSet<&ClientId> = items.iter().map(|client| &client.id).collect();
        let absent: Vec<ClientId> = self.clients.keys().filter(|id| !ids.contains(id)).cloned().collect();
        let nobody_listed = ids.is_empty();
        for client in &items {
            self.list.missing.seen(&client.id);
        }
        let grew = self.expected_clients().is_some_and(|known| received > growth_bound(known));
        if !coverage.adds_up || coverage.endless || grew {
            return self.incomplete_list(items, absent.is_empty(), coverage);
        }
        self.list.unproven.clear();
        self.list.items = received;
        let gone =
            if coverage.shrank { Vec::new() } else { self.gone_clients(&absent, nobody_listed, coverage, started) };
        for id in &gone {
            self.list.missing.seen(id);
            self.forget_client(id);
        }
        for client in &items {
            self.clients.entry(client.id.clone()).or_default();
        }
        let whole = absent.is_empty() || !coverage.shrank;
        ListVerdict { clients: items, gone, whole, again: !whole }
    }

    /// Those of `absent` that a complete list proves gone.
    fn gone_clients(
        &mut self,
        absent: &[ClientId],
        nobody_listed: bool,
        coverage: Coverage,
        started: Instant,
    ) -> Vec<ClientId> {
        let read = self.absence(started);
        let mut absent = absent.to_vec();
        let allowance = self.list.unreadable.for_read(coverage.unreadable);
        self.list.missing.excuse(&mut absent, allowance, read);
        let excusing = self.list.missing.excuses(|_| true);
        self.list.unreadable.after_read(coverage.unreadable, excusing);
        let (mut gone, fresh) = self.list.missing.split(absent, read);
        if nobody_listed || fresh.len() > SMALL_LOSS {
            self.list.missing.remember(fresh, read);
        } else {
            gone.extend(fresh);
        }
        gone
    }

    /// A list that does not add up: who was seen is there, nobody is gone, and
    /// who is new counts once a second list shows it, or where nobody was known.
    /// A list without end may invent clients, the same ones again and again: nobody
    /// who is new counts by it.
    fn incomplete_list(&mut self, items: Vec<Client>, whole: bool, coverage: Coverage) -> ListVerdict {
        let nothing_known = self.clients.is_empty() && !coverage.endless;
        let (counted, new): (Vec<Client>, Vec<Client>) = items.into_iter().partition(|client| {
            let confirmed = !coverage.endless && self.list.unproven.contains(&client.id);
            nothing_known || confirmed || self.clients.contains_key(&client.id)
        });
        self.list.unproven = new.into_iter().map(|client| client.id).take(MAX_UNPROVEN).collect();
        for client in &counted {
            self.clients.entry(client.id.clone()).or_default();
        }
        // An endless list from which nobody is known proves nothing at all.
        let whole = whole && !(coverage.endless && counted.is_empty());
        ListVerdict { clients: counted, gone: Vec::new(), whole, again: true }
    }
}
