//! The state: what is known of one partner's clients and channels, how old it
//! is, and what changed.
//!
//! Here: [`Fleet::apply`], the one way in; [`Fleet::expire`], the bound on age;
//! transitions; [`Changes`], which tell the renderer what to make anew.
//!
//! Never here: reqwest, axum, text of metrics. `now` is a parameter.
//!
//! **Invariant:** what leaves, leaves because a complete answer no longer holds
//! it, or because it could not be read for longer than the bound. A value that
//! has expired is hidden, not forgotten: when its client can be read again, a
//! drop in between is still a transition.

mod changes;
mod clock_step;
mod gone;
mod history;
mod overview;
mod saved;
pub mod state_file;
pub mod state_storage;
mod transitions;
mod wabas;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeBounds;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::model::{
    Availability, Channel, ChannelId, Client, ClientId, LifecycleStatus, Observation, PartnerId, Timestamp,
};

pub use changes::{Change, Changes};
pub use gone::{Gone, GoneChannel, GoneClient, GoneReason};
pub use history::{History, LastChange};
pub use overview::{Listed, Overview};
pub use transitions::{Direction, Transition, TransitionCounts, WatchedField};

/// One partner's fleet.
#[derive(Debug)]
pub struct Fleet {
    partner: PartnerId,
    max_staleness: SignedDuration,
    /// Boxed: a map's nodes are half empty.
    clients: BTreeMap<ClientId, Box<ClientState>>,
    partner_state: PartnerState,
    gone: Gone,
    changes: Changes,
    /// The number of the bulk read that is under way or was last.
    bulk_read: u32,
    fingerprint_hasher: RandomState,
    /// Nothing expires before; found anew whenever that time has come.
    next_expiry: Option<Timestamp>,
}

/// What is known of the partner as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartnerState {
    /// Whether the last attempt to list the clients succeeded.
    pub up: bool,
    /// When the last full cycle ended, and how long it took.
    pub last_cycle: Option<(Timestamp, Duration)>,
    /// How often watched fields changed.
    pub transitions: TransitionCounts,
}

/// What is known of one client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientState {
    /// The client as listed. Shared with the overview of its chunk.
    pub client: Arc<Client>,
    /// Its channels as last read, sorted by id. Not a map: most clients have a
    /// handful, and a map's nodes would waste more than they hold.
    pub channels: Vec<ChannelState>,
    /// Whether the last attempt to read the channels succeeded; `None` before
    /// the first one.
    pub up: Option<bool>,
    /// When the channels were last read.
    pub last_refresh: Option<Timestamp>,
    /// When the client was first listed: what its age counts from until it was
    /// read.
    pub first_listed: Timestamp,
    /// Since when the client is missing from lists that do not prove it gone.
    pub missing_since: Option<Timestamp>,
    /// Not read for longer than the bound: hidden, but for its name and age.
    pub expired: bool,
}

/// What is known of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelState {
    /// The channel as last read. Shared with the overview of its chunk.
    pub channel: Arc<Channel>,
    /// When the channel was seen to change into its present condition; `None`
    /// if it has been in it for as long as it is known.
    pub changed_at: Option<Timestamp>,
    /// The last change of each watched field.
    pub history: History,
    /// Whether it was ever ready.
    was_ready: bool,
    /// Since when the channel is missing from answers that do not prove it gone.
    pub missing_since: Option<Timestamp>,
    /// The bulk read that came by it last.
    seen_in: u32,
    /// The channel's fingerprint; 0 if it was not read by this run.
    fingerprint: u64,
}

/// A channel in an answer.
struct ReceivedChannel {
    channel: Channel,
    /// A digest of all of it under this run's own secret. In most answers most
    /// channels are as they were, and two equal fingerprints say so without a look at
    /// the memory where the channel lies. Nobody who names channels can make two
    /// fingerprints equal, and chance does once in 10^19 comparisons.
    fingerprint: u64,
    /// The bulk read that is under way or was last.
    bulk_read: u32,
    at: Timestamp,
}

/// Up to so many channels of a client are looked through for a fingerprint.
const LINEAR_SCAN_LIMIT: usize = 16;

impl ClientState {
    fn new(client: Client, at: Timestamp) -> Self {
        Self {
            client: Arc::new(client),
            channels: Vec::new(),
            up: None,
            last_refresh: None,
            first_listed: at,
            missing_since: None,
            expired: false,
        }
    }

    fn unreadable(&mut self, changes: &mut Changes) {
        if self.up != Some(false) {
            self.up = Some(false);
            changes.client(self.client.id.clone(), Change::Freshness);
        }
    }

    /// When the data of the client is too old to be shown.
    fn expires(&self, max_staleness: SignedDuration) -> Timestamp {
        let age_from = self.last_refresh.unwrap_or(self.first_listed);
        age_from.saturating_add(max_staleness)
    }
}

/// Whether a channel was available at some time, as far as it shows.
fn was_ready(channel: &Channel) -> bool {
    channel.availability == Availability::Ready
        || channel.status == LifecycleStatus::Ready
        || channel.billing_started_at.is_some()
}

impl ChannelState {
    fn new(channel: Channel) -> Self {
        Self {
            was_ready: was_ready(&channel),
            channel: Arc::new(channel),
            changed_at: None,
            history: History::default(),
            missing_since: None,
            seen_in: 0,
            fingerprint: 0,
        }
    }
}

/// How channels come in: one by one, and then the end of the answer.
impl ClientState {
    /// Takes in a channel that an answer holds.
    fn upsert(&mut self, seen: ReceivedChannel, transitions: &mut Vec<Transition>) -> Change {
        let ReceivedChannel { channel, fingerprint, bulk_read, at } = seen;
        let place = match self.find_slot(&channel, fingerprint) {
            Ok(place) => {
                let known = &mut self.channels[place];
                known.seen_in = bulk_read;
                known.missing_since = None;
                if known.fingerprint == fingerprint {
                    return Change::Freshness;
                }
                known.fingerprint = fingerprint;
                if *known.channel == channel {
                    return Change::Freshness;
                }
                let first = transitions.len();
                transitions::between(&self.client.id, &known.channel, &channel, transitions);
                transitions[first..].iter_mut().for_each(|transition| known.history.record(transition, at));
                known.was_ready |= was_ready(&channel);
                if known.channel.condition() != channel.condition() {
                    known.changed_at = Some(at);
                }
                known.channel = Arc::new(channel);
                place
            }
            Err(place) => {
                // Most clients have a handful, and seldom one more.
                self.channels.reserve_exact(1);
                let known = ChannelState { seen_in: bulk_read, fingerprint, ..ChannelState::new(channel) };
                self.channels.insert(place, known);
                place
            }
        };
        self.share_waba(place);
        Change::Data
    }

    /// Where a channel stands, or belongs.
    fn find_slot(&self, channel: &Channel, fingerprint: u64) -> Result<usize, usize> {
        let unchanged = self.channels.iter().take(LINEAR_SCAN_LIMIT).position(|known| known.fingerprint == fingerprint);
        let by_id = || self.channels.binary_search_by(|known| known.channel.id.cmp(&channel.id));
        unchanged.map_or_else(by_id, Ok)
    }

    /// Ends an answer: what it lacks is gone if it was complete, or if it has
    /// been missing for longer than the bound.
    fn finish_read(
        &mut self,
        bulk_read: u32,
        complete: bool,
        at: Timestamp,
        max_staleness: SignedDuration,
        gone: &mut Gone,
    ) -> Change {
        let before = self.channels.len();
        let client = &self.client;
        self.channels.retain_mut(|known| {
            if known.seen_in == bulk_read {
                return true;
            }
            let since = *known.missing_since.get_or_insert(at);
            let stays = !complete && at.duration_since(since) < max_staleness;
            if !stays {
                gone.channel_left(client, known, at);
            }
            stays
        });
        let shown_anew = self.last_refresh.is_none() || self.expired;
        self.up = Some(true);
        self.last_refresh = Some(at);
        self.expired = false;
        if shown_anew || self.channels.len() != before { Change::Data } else { Change::Freshness }
    }
}

impl Fleet {
    /// A fleet of which nothing is known yet.
    pub fn new(partner: PartnerId, max_staleness: Duration) -> Self {
        Self {
            partner,
            max_staleness: SignedDuration::try_from(max_staleness).unwrap_or(SignedDuration::MAX),
            clients: BTreeMap::new(),
            partner_state: PartnerState::default(),
            gone: Gone::default(),
            changes: Changes::default(),
            bulk_read: 0,
            fingerprint_hasher: RandomState::new(),
            next_expiry: None,
        }
    }

    /// Whose fleet it is.
    pub fn partner(&self) -> &PartnerId {
        &self.partner
    }

    /// What is known of the partner as a whole.
    pub fn partner_state(&self) -> &PartnerState {
        &self.partner_state
    }

    /// The clients in a range of ids, in order.
    pub fn clients(&self, range: impl RangeBounds<ClientId>) -> impl DoubleEndedIterator<Item = &ClientState> {
        self.clients.range(range).map(|(_, state)| &**state)
    }

    /// The ids of all clients.
    pub fn client_ids(&self) -> Vec<ClientId> {
        self.clients.keys().cloned().collect()
    }

    /// One client.
    pub fn client(&self, id: &ClientId) -> Option<&ClientState> {
        self.clients.get(id).map(|state| &**state)
    }

    /// Takes in what an earlier run knew.
    fn restore(&mut self, state: PartnerState, clients: impl Iterator<Item = ClientState>) {
        self.partner_state = state;
        self.changes.partner();
        for client in clients {
            self.changes.client(client.client.id.clone(), Change::Data);
            self.clients.insert(client.client.id.clone(), Box::new(client));
        }
    }

    /// What is gone of the fleet.
    pub fn gone(&self) -> &Gone {
        &self.gone
    }

    /// Takes what changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        if self.gone.is_unsettled() {
            let there = self.clients.values().flat_map(|state| &state.channels).map(|known| &known.channel.id);
            let changed = self.gone.settle(there);
            self.change_clients(changed);
        }
        std::mem::take(&mut self.changes)
    }

    fn change_clients(&mut self, clients: Vec<ClientId>) {
        clients.into_iter().for_each(|id| self.changes.client(id, Change::Data));
    }

    /// A channel was seen: it is not gone, whoever it was gone from.
    fn channel_is_there(&mut self, id: &ChannelId) {
        let client = self.gone.channel_is_back(id);
        self.change_clients(client.into_iter().collect());
    }

    /// Whether anything changed since [`Fleet::take_changes`].
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes in one observation, and returns the transitions that it shows.
    pub fn apply(&mut self, observation: Observation) -> Vec<Transition> {
        match observation {
            Observation::ClientsListed { clients, complete, at } => {
                self.clients_listed(clients, complete, at);
                Vec::new()
            }
            Observation::PartnerUnreadable => {
                self.set_up(false);
                Vec::new()
            }
            Observation::ChannelsRead { client, channels, complete, at } => {
                self.channels_read(&client, channels, complete, at)
            }
            Observation::BulkReadStarted => {
                self.bulk_read = self.bulk_read.wrapping_add(1);
                Vec::new()
            }
            Observation::ChannelsSeen { channels, at } => self.channels_seen(channels, at),
            Observation::BulkReadCompleted { complete, at } => {
                self.bulk_read_completed(complete, at);
                Vec::new()
            }
            Observation::BulkReadFailed => {
                let Self { clients, changes, .. } = self;
                clients.values_mut().for_each(|state| state.unreadable(changes));
                Vec::new()
            }
            Observation::ChannelsUnreadable { client } => {
                if let Some(state) = self.clients.get_mut(&client) {
                    state.unreadable(&mut self.changes);
                }
                Vec::new()
            }
            Observation::CycleCompleted { took, at } => {
                self.partner_state.last_cycle = Some((at, took));
                self.changes.partner();
                Vec::new()
            }
        }
    }

    /// Hides the data of clients that could not be read for longer than the
    /// bound. Costs nothing before something can expire.
    pub fn expire(&mut self, now: Timestamp) {
        let forgotten = self.gone.expire(now);
        self.change_clients(forgotten);
        if self.next_expiry.is_some_and(|at| now < at) {
            return;
        }
        let mut next = None;
        for (id, state) in self.clients.iter_mut().filter(|(_, state)| !state.expired) {
            let expires = state.expires(self.max_staleness);
            if expires <= now {
                state.expired = true;
                self.changes.client(id.clone(), Change::Data);
            } else {
                next = Some(next.map_or(expires, |n: Timestamp| n.min(expires)));
            }
        }
        // A client that comes later can't expire earlier than this.
        let latest = now.saturating_add(self.max_staleness);
        self.next_expiry = Some(next.unwrap_or(latest));
    }

    fn set_up(&mut self, up: bool) {
        if self.partner_state.up != up {
            self.partner_state.up = up;
            self.changes.partner();
        }
    }

    fn clients_listed(&mut self, clients: Vec<Client>, complete: bool, at: Timestamp) {
        self.set_up(true);
        let mut missing: std::collections::BTreeSet<ClientId> = self.clients.keys().cloned().collect();
        for client in clients {
            missing.remove(&client.id);
            match self.clients.get_mut(&client.id) {
                None => {
                    self.gone.client_is_back(&client.id);
                    self.changes.client(client.id.clone(), Change::Data);
                    self.clients.insert(client.id.clone(), Box::new(ClientState::new(client, at)));
                }
                Some(state) => {
                    state.missing_since = None;
                    if *state.client != client {
                        self.changes.client(client.id.clone(), Change::Data);
                        state.client = Arc::new(client);
                    }
                }
            }
        }
        for id in missing {
            if (complete || self.is_expired(&id, at))
                && let Some(state) = self.clients.remove(&id)
            {
                self.gone.client_left(&state, at);
                self.changes.client(id, Change::Data);
            }
        }
    }

    fn is_expired(&mut self, id: &ClientId, at: Timestamp) -> bool {
        let Some(state) = self.clients.get_mut(id) else { return false };
        let since = *state.missing_since.get_or_insert(at);
        at.duration_since(since) >= self.max_staleness
    }

    fn channels_read(
        &mut self,
        id: &ClientId,
        channels: Vec<Channel>,
        complete: bool,
        at: Timestamp,
    ) -> Vec<Transition> {
        // A client that left the list while it was being read is gone.
        if self.clients.contains_key(id) {
            channels.iter().for_each(|channel| self.channel_is_there(&channel.id));
        }
        let Some(state) = self.clients.get_mut(id) else { return Vec::new() };
        let mut transitions = Vec::new();
        // What was read is as good as seen by the bulk read that may be under way;
        // what was not must not look so.
        let unseen = self.bulk_read.wrapping_sub(1);
        state.channels.iter_mut().for_each(|known| known.seen_in = unseen);
        let mut change = Change::Freshness;
        for channel in channels {
            let fingerprint = self.fingerprint_hasher.hash_one(&channel);
            change = change.max(
                state.upsert(ReceivedChannel { channel, fingerprint, bulk_read: self.bulk_read, at }, &mut transitions),
            );
        }
        change = change.max(state.finish_read(self.bulk_read, complete, at, self.max_staleness, &mut self.gone));
        self.changes.client(id.clone(), change);
        self.count(&transitions);
        transitions
    }

    fn channels_seen(&mut self, channels: Vec<(ClientId, Channel)>, at: Timestamp) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for (id, channel) in channels {
            if self.clients.contains_key(&id) {
                self.channel_is_there(&channel.id);
            }
            let Some(state) = self.clients.get_mut(&id) else { continue };
            let fingerprint = self.fingerprint_hasher.hash_one(&channel);
            if state.upsert(ReceivedChannel { channel, fingerprint, bulk_read: self.bulk_read, at }, &mut transitions)
                == Change::Data
            {
                self.changes.client(id, Change::Data);
            }
        }
        self.count(&transitions);
        transitions
    }

    fn bulk_read_completed(&mut self, complete: bool, at: Timestamp) {
        for (id, state) in &mut self.clients {
            let change = state.finish_read(self.bulk_read, complete, at, self.max_staleness, &mut self.gone);
            self.changes.client(id.clone(), change);
        }
    }

    fn count(&mut self, transitions: &[Transition]) {
        if !transitions.is_empty() {
            transitions.iter().for_each(|transition| self.partner_state.transitions.count(transition));
            self.changes.partner();
        }
    }
}

#[cfg(test)]
mod tests;
