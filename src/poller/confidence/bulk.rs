//! What a bulk read, page by page through the partner's channel list, proves.
//!
//! The list is known to lag behind reads of single clients. Where it says
//! something else than such a read of the last ten minutes, it does not
//! overwrite: the client is read again, and only what two bulk reads in a row
//! say, or the single read, counts.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::partner_api::wire::OwnedChannel;
use crate::poller::watch::Look;

/// What is remembered of bulk reads.
#[derive(Debug, Default)]
pub(super) struct BulkMemory {
    /// Counts them.
    pub(super) number: u32,
    under_way: Option<UnderWay>,
    unreadable: Allowance,
    /// What bulk reads said against single reads, and which read said it last.
    said: BTreeMap<ClientId, BTreeMap<ChannelId, Said>>,
    /// New channels of the last bulk read that was not believed.
    unproven: HashSet<ChannelId>,
    /// Items of the last bulk read that counted, those of other shards included.
    items: usize,
}

/// What a bulk read said of a channel against a single read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    /// The number of the bulk read.
    in_read: u32,
    /// The value; `None` if the channel was missing.
    fingerprint: Option<u64>,
}

/// The bulk read that is under way.
#[derive(Debug)]
struct UnderWay {
    started: Instant,
    /// No channel was known before.
    first: bool,
    /// Channels that nobody knew, until the read ends.
    new: Vec<(ClientId, Channel)>,
    looks: BTreeMap<ClientId, Look>,
    contradicted: BTreeSet<ClientId>,
    items: usize,
    ownerless: usize,
    /// The owners of the known channels, once an item names none.
    owners: Option<HashMap<ChannelId, ClientId>>,
}

/// What one page of a bulk read proves.
#[derive(Debug, PartialEq, Eq)]
pub struct PageVerdict {
    /// The channels that count, each with its owner.
    pub channels: Vec<(ClientId, Channel)>,
    /// Items without an owner, or with one that is not in the client list.
    pub ownerless: usize,
}

/// What a bulk read proves at its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BulkVerdict {
    /// Channels that count only now.
    pub channels: Vec<(ClientId, Channel)>,
    /// Clients that it was a whole read of.
    pub whole: Vec<ClientId>,
    /// Clients of which something known was not seen.
    pub incomplete: Vec<ClientId>,
    /// Channels that are gone.
    pub gone: Vec<(ClientId, ChannelId)>,
    /// Clients of which the bulk read contradicts a recent single read.
    pub contradicted: BTreeSet<ClientId>,
    /// What the clients look like.
    pub looks: BTreeMap<ClientId, Look>,
    /// The read should be repeated at once.
    pub again: bool,
}

impl BulkMemory {
    pub(super) fn forget_said(&mut self, client: &ClientId) {
        if !self.said.is_empty() {
            self.said.remove(client);
        }
    }

    /// Whether the bulk read says so for the second time in a row.
    fn says_again(&mut self, client: &ClientId, channel: &ChannelId, fingerprint: Option<u64>) -> bool {
        let said = Said { in_read: self.number, fingerprint };
        let channels = self.said.entry(client.clone()).or_default();
        let before = channels.insert(channel.clone(), said);
        before.is_some_and(|before| before.fingerprint == fingerprint && before.in_read.wrapping_add(1) == self.number)
    }
}

impl Confidence {
    /// How many items a bulk read should have, if that is known.
    pub fn expected_channels(&self) -> Option<usize> {
        Some(self.bulk.items.max(self.channels)).filter(|known| *known > 0)
    }

    /// A bulk read starts.
    pub fn bulk_started(&mut self, started: Instant) {
        self.bulk.number = self.bulk.number.wrapping_add(1);
        self.bulk.under_way = Some(UnderWay {
            started,
            first: self.channels == 0,
            new: Vec::new(),
            looks: BTreeMap::new(),
            contradicted: BTreeSet::new(),
            items: 0,
            ownerless: 0,
            owners: None,
        });
    }

    /// Judges a page. `mine` decides which are the clients of this shard.
    pub fn bulk_page(
        &mut self,
        page: Vec<OwnedChannel>,
        now: Instant,
        mine: impl Fn(&ClientId) -> bool,
    ) -> PageVerdict {
        let mut verdict = PageVerdict { channels: Vec::with_capacity(page.len()), ownerless: 0 };
        let Some(mut read) = self.bulk.under_way.take() else { return verdict };
        read.items += page.len();
        for OwnedChannel { client, channel } in page {
            let owner = client.or_else(|| {
                let owner = self.last_owner(&mut read, &channel.id);
                read.ownerless += usize::from(owner.is_none());
                owner
            });
            match owner {
                Some(owner) if self.clients.contains_key(&owner) => {
                    if self.counts(&mut read, &owner, &channel, now) {
                        verdict.channels.push((owner, channel));
                    }
                }
                Some(owner) if !mine(&owner) => {}
                _ => verdict.ownerless += 1,
            }
        }
        self.bulk.under_way = Some(read);
        verdict
    }

    /// Whether the value that a bulk read shows of a channel counts now.
    fn counts(&mut self, read: &mut UnderWay, owner: &ClientId, channel: &Channel, now: Instant) -> bool {
        let Some(known) = self.clients.get_mut(owner) else { return false };
        if known.single_read.is_some_and(|single| single > read.started) {
            // A later-started read of the client has the word.
            return false;
        }
        read.looks.entry(owner.clone()).or_default().add(channel);
        let fingerprint = Fingerprint::of(channel);
        let recent =
            known.single_read.is_some_and(|single| now.saturating_duration_since(single) < SINGLE_READ_PREVAILS);
        let place = known.find(&channel.id);
        if let Ok(place) = place {
            known.channels[place].seen_in = self.bulk.number;
            self.missing.seen(&(owner.clone(), channel.id.clone()));
        }
        let before = place.ok().map(|place| known.channels[place].fingerprint);
        if recent && before != Some(fingerprint) {
            if before.is_some_and(|before| before.watched == fingerprint.watched) {
                return false;
            }
            if !self.bulk.says_again(owner, &channel.id, Some(fingerprint.whole)) {
                read.contradicted.insert(owner.clone());
                return false;
            }
        }
        if before.is_none() && !read.first {
            read.new.push((owner.clone(), channel.clone()));
            return false;
        }
        self.remember_value(owner, &channel.id, fingerprint);
        true
    }

    /// The client that a channel was last seen at.
    fn last_owner(&self, read: &mut UnderWay, channel: &ChannelId) -> Option<ClientId> {
        let owners = read.owners.get_or_insert_with(|| {
            let of = |(owner, known): (&ClientId, &Known)| {
                known.channels.iter().map(|channel| (channel.id.clone(), owner.clone())).collect::<Vec<_>>()
            };
            self.clients.iter().flat_map(of).collect()
        });
        owners.get(channel).cloned()
    }

    /// The bulk read failed: it proves nothing but what its pages showed.
    pub fn bulk_failed(&mut self) {
        self.bulk.under_way = None;
    }

    /// Judges a bulk read that was read to its end. `None` if most items lack an
    /// owner: then it is no read of anybody.
    pub fn bulk_ended(&mut self, mut coverage: Coverage, now: Instant) -> Option<BulkVerdict> {
        let mut read = self.bulk.under_way.take()?;
        if read.ownerless * 2 > read.items {
            return None;
        }
        let grew = self.expected_channels().is_some_and(|known| !read.first && read.items > growth_bound(known));
        coverage.adds_up &= read.ownerless == 0 && !grew && !coverage.endless;
        let mut verdict = BulkVerdict { again: !coverage.adds_up, ..BulkVerdict::default() };
        verdict.channels = self.new_channels(&mut read, grew || coverage.endless);
        if coverage.adds_up {
            self.bulk.items = read.items;
        }
        let absent = self.unseen_clients(&mut read, &mut verdict, coverage, now);
        if coverage.adds_up && coverage.shrank {
            verdict.again = !verdict.incomplete.is_empty();
        }
        if proves_absence(coverage) {
            verdict.gone = self.gone_by_bulk(absent, coverage, read.started);
        }
        verdict.contradicted = read.contradicted;
        verdict.looks = read.looks;
        Some(verdict)
    }

    /// The channels that nobody knew. Of a list that is taken for invented only
    /// those count that the one before showed, too.
    fn new_channels(&mut self, read: &mut UnderWay, invented: bool) -> Vec<(ClientId, Channel)> {
        let new = std::mem::take(&mut read.new);
        let unproven = std::mem::take(&mut self.bulk.unproven);
        let (counted, left): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|(_, channel)| !invented || unproven.contains(&channel.id));
        self.bulk.unproven = left.into_iter().map(|(_, channel)| channel.id).collect();
        for (owner, channel) in &counted {
            self.remember_value(owner, &channel.id, Fingerprint::of(channel));
        }
        counted
    }

    /// Sorts the clients by what the read saw of them, and returns the channels
    /// whose absence it has to speak of.
    fn unseen_clients(
        &mut self,
        read: &mut UnderWay,
        verdict: &mut BulkVerdict,
        coverage: Coverage,
        now: Instant,
    ) -> Vec<(ClientId, Vec<ChannelId>, bool)> {
        let number = self.bulk.number;
        let mut absent = Vec::new();
        for (id, known) in &self.clients {
            if known.single_read.is_some_and(|single| single > read.started) {
                continue;
            }
            let recent =
                known.single_read.is_some_and(|single| now.saturating_duration_since(single) < SINGLE_READ_PREVAILS);
            let unseen = known.channels.iter().filter(|channel| channel.seen_in != number);
            let mut unseen: Vec<ChannelId> = unseen.map(|channel| channel.id.clone()).collect();
            if recent && !unseen.is_empty() && proves_absence(coverage) {
                let before = unseen.len();
                let bulk = &mut self.bulk;
                unseen.retain(|channel| bulk.says_again(id, channel, None));
                if unseen.len() < before {
                    read.contradicted.insert(id.clone());
                }
            }
            if read.contradicted.contains(id) {
                continue;
            }
            if unseen.is_empty() || proves_absence(coverage) {
                verdict.whole.push(id.clone());
            } else {
                verdict.incomplete.push(id.clone());
            }
            if !unseen.is_empty() {
                let all_of_several = unseen.len() == known.channels.len() && unseen.len() > 1;
                absent.push((id.clone(), unseen, all_of_several));
            }
        }
        absent
    }

    /// Those of `absent` that a complete bulk read proves gone. Losses of the
    /// whole read are judged together: it is a cycle of its own.
    fn gone_by_bulk(
        &mut self,
        absent: Vec<(ClientId, Vec<ChannelId>, bool)>,
        coverage: Coverage,
        started: Instant,
    ) -> Vec<(ClientId, ChannelId)> {
        let read = self.absence(started);
        let pairs = |(client, channels, _): &(ClientId, Vec<ChannelId>, bool)| {
            channels.iter().map(|channel| (client.clone(), channel.clone())).collect::<Vec<_>>()
        };
        let large: BTreeSet<ClientId> =
            absent.iter().filter(|(.., all)| *all).map(|(client, ..)| client.clone()).collect();
        let mut absent: Vec<_> = absent.iter().flat_map(pairs).collect();
        self.missing.excuse(&mut absent, self.bulk.unreadable.for_read(coverage.unreadable), read);
        let excusing = self.missing.excuses(|_| true);
        self.bulk.unreadable.after_read(coverage.unreadable, excusing);

        let (mut gone, fresh) = self.missing.split(absent, read);
        let together = self.cycle.is_large(fresh.len());
        let (small, large): (Vec<_>, Vec<_>) =
            fresh.into_iter().partition(|(client, _)| !together && !large.contains(client));
        self.missing.remember(large, read);
        self.cycle.left += small.len();
        gone.extend(small);
        gone.iter().for_each(|(client, channel)| self.forget_channel(client, channel));
        gone
    }
}
