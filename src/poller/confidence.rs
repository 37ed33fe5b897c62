//! The one place that decides what a read proves.
//!
//! Here: for client lists, reads of one client and bulk reads alike, which of
//! the items count, who was read as a whole, and who is gone. The table of the
//! rules is in `docs/architecture.md`; the property tests are that table.
//!
//! Never here: when to read (the plan), what is shown (the fleet, which only
//! applies the verdicts), requests.
//!
//! Three rules stand above all others. What was seen is true at once. What was
//! not seen is gone only after evidence as strong as the loss is large. And of
//! two reads of one client, the one that started later wins.

mod absence;
mod bulk;
mod client;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Channel, ChannelId, Client, ClientId};
use crate::partner_api::Coverage;

use absence::{Absence, Absences, Allowance};
use list::ListMemory;

pub(super) use bulk::BulkVerdict;

/// A client that is known, with its channels: what a poller begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownClient {
    /// The client.
    pub id: ClientId,
    /// Its channels.
    pub channels: Vec<ChannelId>,
}

/// Losses of up to this many clients of a list, or channels of a cycle, are
/// small: they are believed at once.
const SMALL_LOSS: usize = 5;

/// A loss of more than [`SMALL_LOSS`] channels in one cycle is large if it is
/// more than this part of the fleet.
const LARGE_PART: usize = 5;

/// A second read confirms a large loss if it starts this long after the first.
const CONFIRMATION_DELAY: Duration = Duration::from_secs(30);

/// For this long a read of one client is more credible than a bulk read, which
/// is known to lag behind.
const SINGLE_READ_PREVAILS: Duration = Duration::from_secs(10 * 60);

/// A list that grows to more than twice what was known and so many more is not
/// believed at once.
const GROWTH_ALLOWANCE: usize = 100;

/// The most items that a list may grow to before it is taken for invented.
fn growth_bound(known: usize) -> usize {
    known.saturating_mul(2).saturating_add(GROWTH_ALLOWANCE)
}

/// What is known of one partner's clients and channels, and how well.
#[derive(Debug)]
pub struct Confidence {
    clients: BTreeMap<ClientId, Known>,
    /// Channels of all clients.
    channels: usize,
    list: ListMemory,
    /// Channels that are missing but not yet believed to be gone.
    missing: Absences<(ClientId, ChannelId)>,
    bulk: bulk::BulkMemory,
    cycle: Cycle,
}

/// What is known of one client.
#[derive(Debug, Default)]
struct Known {
    /// Sorted by id.
    channels: Vec<KnownChannel>,
    /// When the latest read of this client alone started.
    single_read: Option<Instant>,
    /// Whether any read of this run counted for it.
    unreadable: Allowance,
}

/// What is known of one channel.
#[derive(Debug)]
struct KnownChannel {
    id: ChannelId,
    /// Of everything that counts as its value now.
    fingerprint: Fingerprint,
    /// The bulk read that came by it last.
    seen_in: u32,
}

/// Fingerprints of a channel's value; 0 if this run has not read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fingerprint {
    whole: u64,
    /// Of the fields whose changes are transitions.
    watched: u64,
}

impl Fingerprint {
    fn of(channel: &Channel) -> Self {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let digest = |write: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            write(&mut hasher);
            hasher.finish() | 1
        };
        Self {
            whole: digest(&|hasher| channel.hash(hasher)),
            watched: digest(&|hasher| {
                (channel.availability, channel.quality, channel.limit, channel.status).hash(hasher);
            }),
        }
    }
}

/// The losses of a cycle are judged together.
#[derive(Debug, Default)]
struct Cycle {
    number: u64,
    /// Channels that were known when it began.
    channels: usize,
    /// Channels that have left in it.
    left: usize,
    /// Channels whose loss waits for the end of the cycle.
    waiting: Vec<(ClientId, ChannelId)>,
}

impl Confidence {
    /// What an earlier run or an earlier poller knew.
    pub fn new(known: Vec<KnownClient>) -> Self {
        let mut confidence = Self {
            clients: BTreeMap::new(),
            channels: 0,
            list: ListMemory::default(),
            missing: Absences::default(),
            bulk: bulk::BulkMemory::default(),
            cycle: Cycle::default(),
        };
        for KnownClient { id, mut channels } in known {
            channels.sort();
            channels.dedup();
            confidence.channels += channels.len();
            let channels =
                channels.into_iter().map(|id| KnownChannel { id, fingerprint: Fingerprint::default(), seen_in: 0 });
            confidence.clients.insert(id, Known { channels: channels.collect(), ..Known::default() });
        }
        confidence.cycle.channels = confidence.channels;
        confidence
    }

    /// What a poller that takes over begins with.
    pub fn known(&self) -> Vec<KnownClient> {
        let ids = |known: &Known| known.channels.iter().map(|channel| channel.id.clone()).collect();
        self.clients.iter().map(|(id, known)| KnownClient { id: id.clone(), channels: ids(known) }).collect()
    }

    /// The clients that are known.
    pub fn client_ids(&self) -> BTreeSet<ClientId> {
        self.clients.keys().cloned().collect()
    }

    /// How many clients and channels are missing but not yet believed to be
    /// gone.
    pub fn unconfirmed(&self) -> (usize, usize) {
        (self.list.missing.len(), self.missing.len())
    }

    /// A new cycle begins. Returns the channels whose loss was judged at the end
    /// of the one before and is believed.
    pub fn begin_cycle(&mut self, number: u64) -> Vec<(ClientId, ChannelId)> {
        let gone = self.end_cycle();
        self.cycle = Cycle { number, channels: self.channels, ..Cycle::default() };
        gone
    }

    /// Judges the losses that wait for the end of the cycle, and returns those
    /// that are believed.
    pub fn end_cycle(&mut self) -> Vec<(ClientId, ChannelId)> {
        let waiting = std::mem::take(&mut self.cycle.waiting);
        let waiting: Vec<_> = waiting.into_iter().filter(|absent| self.missing.holds(absent)).collect();
        if self.cycle.is_large(waiting.len()) {
            return Vec::new();
        }
        waiting.iter().for_each(|(client, channel)| self.forget_channel(client, channel));
        self.cycle.left += waiting.len();
        waiting
    }

    /// The client's channels were seen by a read that counts: their values are
    /// the ones that are known.
    fn remember_value(&mut self, client: &ClientId, id: &ChannelId, fingerprint: Fingerprint) {
        let seen_in = self.bulk.number;
        let Some(known) = self.clients.get_mut(client) else { return };
        match known.find(id) {
            Ok(place) => known.channels[place] = KnownChannel { id: id.clone(), fingerprint, seen_in },
            Err(place) => {
                known.channels.insert(place, KnownChannel { id: id.clone(), fingerprint, seen_in });
                self.channels += 1;
            }
        }
    }

    fn forget_channel(&mut self, client: &ClientId, channel: &ChannelId) {
        if let Some(known) = self.clients.get_mut(client)
            && let Ok(place) = known.find(channel)
        {
            known.channels.remove(place);
            self.channels -= 1;
        }
        self.missing.seen(&(client.clone(), channel.clone()));
    }

    fn forget_client(&mut self, client: &ClientId) {
        if let Some(known) = self.clients.remove(client) {
            self.channels -= known.channels.len();
            for channel in known.channels {
                self.missing.seen(&(client.clone(), channel.id));
            }
        }
    }

    fn absence(&self, started: Instant) -> Absence {
        Absence { since: started, cycle: self.cycle.number }
    }
}

impl Known {
    fn find(&self, id: &ChannelId) -> Result<usize, usize> {
        self.channels.binary_search_by(|known| known.id.cmp(id))
    }
}

impl Cycle {
    /// Whether so many more lost channels make the losses of this cycle large.
    fn is_large(&self, more: usize) -> bool {
        let lost = self.left + more;
        lost > SMALL_LOSS && lost * LARGE_PART > self.channels
    }
}

/// Whether the read proves the absence of what it did not show, but for a
/// handful of unreadable items.
fn proves_absence(coverage: Coverage) -> bool {
    coverage.adds_up && !coverage.shrank
}

#[cfg(test)]
mod tests;
