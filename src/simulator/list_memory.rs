//! Faults of a list over several requests: what is remembered of its reads, and what changes between two pages.
//! Never here: faults that a single request shows, which are in `distort`.

use std::collections::VecDeque;

use rand::rngs::StdRng;

use super::exchange::Now;
use super::faults::Kind;
use super::fleet::Fleet;
use super::generate;
use super::listing::{Collection, Query};
use super::records::Id;

/// What is remembered of the reads of one list.
#[derive(Debug, Default)]
pub(super) struct ListMemory {
    /// The fleet at the start of the latest reads, oldest first.
    snapshots: VecDeque<Fleet>,
    /// Whether items were inserted or removed in this read.
    is_shifted: bool,
    /// Items that were inserted so far.
    inserted: u64,
    /// Requests so far.
    requests: u64,
}

impl ListMemory {
    /// The number of this request, from 1 on.
    pub(super) fn request(&self) -> u64 {
        self.requests
    }

    /// Notes a request for a page, and changes the fleet if a fault says so. A read starts at offset 0.
    pub(super) fn note(
        &mut self,
        fleet: &mut Fleet,
        collection: Collection<'_>,
        query: &Query,
        faults: &[Kind],
        rng: &mut StdRng,
        now: Now,
    ) {
        self.requests += 1;
        for kind in faults {
            match kind {
                Kind::StaleList { reads } if query.offset == 0 && query.filters.is_empty() => {
                    self.snapshots.push_back(fleet.clone());
                    while self.snapshots.len() > reads.saturating_add(1) {
                        self.snapshots.pop_front();
                    }
                }
                Kind::ShiftingList { insert, remove } if query.offset > 0 && !self.is_shifted => {
                    for _ in 0..*remove {
                        remove_first(fleet, collection);
                    }
                    for _ in 0..*insert {
                        self.insert_first(fleet, collection, rng, now);
                    }
                }
                _ => {}
            }
        }
        self.is_shifted = query.offset > 0;
    }

    /// The fleet that the list shows.
    pub(super) fn source<'a>(&'a self, fleet: &'a Fleet, query: &Query, faults: &[Kind]) -> &'a Fleet {
        let is_stale = faults.iter().any(|kind| matches!(kind, Kind::StaleList { .. })) && query.filters.is_empty();
        self.snapshots.front().filter(|_| is_stale).unwrap_or(fleet)
    }

    /// Inserts an item whose id sorts in front of the others.
    fn insert_first(&mut self, fleet: &mut Fleet, collection: Collection<'_>, rng: &mut StdRng, now: Now) {
        self.inserted += 1;
        let number = self.inserted;
        if let Collection::Clients = collection {
            let mut client = generate::client(fleet, rng, 0, now.wall);
            client.id = Id::from(format!("{number:06}CL"));
            fleet.add_client(client);
            return;
        }
        let owner = match collection {
            Collection::ClientChannels(client, _) => fleet.client(client),
            _ => fleet.client_ids().first().and_then(|id| fleet.client(id)),
        };
        if let Some(owner) = owner {
            let mut channel = generate::channel(fleet, rng, owner, now.wall);
            channel.id = Id::from(format!("{number:06}CH"));
            fleet.add_channel(channel);
        }
    }
}

fn remove_first(fleet: &mut Fleet, collection: Collection<'_>) {
    match collection {
        Collection::Clients => {
            if let Some(id) = fleet.client_ids().first().cloned() {
                fleet.remove_client(&id);
            }
        }
        Collection::PartnerChannels => {
            if let Some(id) = fleet.channel_ids().first().cloned() {
                fleet.remove_channel(&id);
            }
        }
        Collection::ClientChannels(client, _) => {
            if let Some(id) = fleet.client(client).and_then(|client| client.channels.first()).cloned() {
                fleet.remove_channel(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
