//! The state: what is known of one partner's clients and channels, how old it
//! is, and what changed.
//!
//! Here: [`Fleet::apply`], the one way in; [`Fleet::expire`], the bound on age;
//! transitions; [`Changes`], which list what the renderer has to render again.
//!
//! Never here: reqwest, axum, text of metrics. `now` is a parameter.
//!
//! **Invariant:** what leaves, leaves because the poller's confidence rules said
//! so, through one place ([`Fleet::apply`]); nothing leaves because of its age. A
//! value that has expired is hidden, not forgotten: when its client can be read
//! again, a drop in between is still a transition.

mod changes;
mod client;
mod clock_step;
mod gone;
mod history;
mod overview;
mod recent;
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

use client::ReceivedChannel;

use crate::model::{
    Balance, Channel, ChannelId, Client, ClientId, Moment, Observation, PartnerId, Reads, Reason, Timestamp,
};

pub use changes::{Change, Changes};
pub use client::{ChannelState, ClientState};
pub use gone::{Gone, GoneChannel, GoneClient, GoneReason};
pub use history::{History, LastChange};
pub use overview::{Freshness, ListedChannel, ListedClient, Overview};
pub use recent::{ChangeRecord, MAX_CHANGES, RecentChanges};
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
    fingerprint_hasher: RandomState,
    /// Nothing expires before this; recomputed once that time is reached.
    next_expiry: Option<Timestamp>,
    /// An earlier run left data that had not expired.
    warm: bool,
}

/// What is known of the partner as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartnerState {
    /// Whether the last attempt to list the clients succeeded and saw all that
    /// were known; `None` before this run's first attempt ended.
    pub up: Option<bool>,
    /// When the last full cycle ended, and how long it took.
    pub last_cycle: Option<(Timestamp, Duration)>,
    /// How often watched fields changed.
    pub transitions: TransitionCounts,
    /// How the channels are read; `None` before the first cycle.
    pub strategy: Option<Reads>,
    /// Clients and channels that are missing but not yet believed to be gone.
    pub unconfirmed_removals: (usize, usize),
    /// The prepaid balances, one per currency.
    pub balances: Vec<Balance>,
    /// When they were read.
    pub balance_read: Option<Timestamp>,
    /// The page size that works, once it was found.
    pub page_size: Option<usize>,
    /// The last of them, one by one.
    pub recent: RecentChanges,
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
            fingerprint_hasher: RandomState::new(),
            next_expiry: None,
            warm: false,
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

    /// One client.
    pub fn client(&self, id: &ClientId) -> Option<&ClientState> {
        self.clients.get(id).map(|state| &**state)
    }

    /// Takes in what an earlier run knew. Nothing of it counts as tried by this
    /// run; what is older than the bound is hidden at once.
    fn restore(&mut self, state: PartnerState, clients: impl Iterator<Item = ClientState>, now: Timestamp) {
        self.partner_state = state;
        self.changes.partner();
        for mut client in clients {
            client.expired = client.age_from.saturating_add(self.max_staleness) <= now;
            self.warm |= client.last_refresh.is_some() && !client.expired;
            self.changes.client(client.client.id.clone(), Change::Data);
            self.clients.insert(client.client.id.clone(), Box::new(client));
        }
    }

    /// What is gone of the fleet.
    pub fn gone(&self) -> &Gone {
        &self.gone
    }

    /// Whether there is something to serve: the list was read, every client of
    /// it was tried and one was read (or there is none), or an earlier run left
    /// data that had not expired.
    pub fn is_ready(&self) -> bool {
        let tried = || self.clients.values().all(|state| state.up.is_some());
        let read = || self.clients.is_empty() || self.clients.values().any(|state| state.up == Some(true));
        self.warm || (self.partner_state.up == Some(true) && tried() && read())
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

    /// A channel of a client was seen: it is not gone, whoever it was gone from, and
    /// goes on as what it was.
    fn channel_is_there(&mut self, client: &ClientId, id: &ChannelId) {
        let Some((owner, known)) = self.gone.channel_is_back(id) else { return };
        if let Some(state) = self.clients.get_mut(client) {
            state.put_back(known);
        }
        self.change_clients(vec![owner, client.clone()]);
    }

    /// Whether anything changed since [`Fleet::take_changes`].
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes in one observation, and returns the transitions that it shows.
    pub fn apply(&mut self, observation: Observation) -> Vec<Transition> {
        match observation {
            Observation::ClientsListed { clients, gone, whole, at } => self.clients_listed(clients, &gone, whole, at),
            Observation::PartnerUnreadable { failure } => {
                self.set_up(false);
                if failure.reason == Reason::Unauthorized {
                    self.clients.values_mut().for_each(|state| state.failed = true);
                    self.next_expiry = None;
                }
            }
            Observation::ChannelsRead { client, channels, gone, whole, at } => {
                return self.channels_read(&client, channels, &gone, whole, at);
            }
            Observation::ChannelsSeen { channels, at } => return self.channels_seen(channels, at),
            Observation::BulkReadEnded { whole, incomplete, at } => self.bulk_read_ended(&whole, &incomplete, at),
            Observation::BulkReadFailed { .. } => {
                let Self { clients, changes, .. } = self;
                clients.values_mut().for_each(|state| state.unreadable(changes));
                self.next_expiry = None;
            }
            Observation::ChannelsUnreadable { client, .. } => self.unreadable(&client),
            Observation::ChannelsGone { channels, at } => {
                for (client, channel) in channels {
                    self.remove_channels(&client, &[channel], at);
                }
            }
            Observation::RemovalsUnconfirmed { clients, channels } => {
                self.change_partner(|state| state.unconfirmed_removals = (clients, channels));
            }
            Observation::StrategyChosen(reads) => self.change_partner(|state| state.strategy = Some(reads)),
            Observation::PartnerBalance { balances, at } => {
                self.change_partner(|state| (state.balances, state.balance_read) = (balances, Some(at)));
            }
            Observation::ClientBalance { client, balances, at } => self.apply_balance(client, balances, at.steady),
            Observation::PageSizeLearned(size) => self.change_partner(|state| state.page_size = Some(size)),
            Observation::CycleCompleted { took, at } => {
                self.change_partner(|state| state.last_cycle = Some((at, took)));
            }
        }
        Vec::new()
    }

    /// Hides the data of clients that could not be read for longer than the
    /// bound. Ages run on the steady clock. Costs nothing before something can
    /// expire.
    pub fn expire(&mut self, now: impl Into<Moment>) {
        let Moment { wall, steady: now } = now.into();
        let forgotten = self.gone.expire(wall);
        self.change_clients(forgotten);
        if self.next_expiry.is_some_and(|at| now < at) {
            return;
        }
        let mut next = None;
        for (id, state) in &mut self.clients {
            let mut expires = [(!state.expired).then(|| state.expires(self.max_staleness)), state.balances_expire()];
            if expires[0].take_if(|at| *at <= now).is_some() {
                state.expired = true;
                self.changes.client(id.clone(), Change::Data);
            }
            if expires[1].take_if(|at| *at <= now).is_some() {
                state.balances = Box::default();
                self.changes.client(id.clone(), Change::Data);
            }
            next = expires.into_iter().flatten().chain(next).min();
        }
        // A client that comes later can't expire earlier than this.
        let latest = now.saturating_add(self.max_staleness);
        self.next_expiry = Some(next.unwrap_or(latest));
    }

    fn apply_balance(&mut self, client: ClientId, balances: Vec<Balance>, read: Timestamp) {
        if let Some(state) = self.clients.get_mut(&client) {
            (state.balances, state.balances_read) = (balances.into(), read);
            self.next_expiry = self.next_expiry.into_iter().chain(state.balances_expire()).min();
            self.changes.client(client, Change::Data);
        }
    }

    fn change_partner(&mut self, change: impl FnOnce(&mut PartnerState)) {
        change(&mut self.partner_state);
        self.changes.partner();
    }

    fn set_up(&mut self, up: bool) {
        if self.partner_state.up != Some(up) {
            self.change_partner(|state| state.up = Some(up));
        }
    }

    fn clients_listed(&mut self, clients: Vec<Client>, gone: &[ClientId], whole: bool, at: Moment) {
        self.set_up(whole);
        for client in clients {
            match self.clients.get_mut(&client.id) {
                None => {
                    self.gone.client_is_back(&client.id);
                    self.changes.client(client.id.clone(), Change::Data);
                    self.clients.insert(client.id.clone(), Box::new(ClientState::new(client, at.steady)));
                }
                Some(state) if *state.client != client => {
                    self.changes.client(client.id.clone(), Change::Data);
                    state.client = Arc::new(client);
                }
                Some(_) => {}
            }
        }
        for id in gone {
            if let Some(state) = self.clients.remove(id) {
                self.gone.client_left(&state, at.wall);
                self.changes.client(id.clone(), Change::Data);
            }
        }
    }

    fn channels_read(
        &mut self,
        id: &ClientId,
        channels: Vec<Channel>,
        gone: &[ChannelId],
        whole: bool,
        at: Moment,
    ) -> Vec<Transition> {
        let seen = channels.into_iter().map(|channel| (id.clone(), channel)).collect();
        let transitions = self.channels_seen(seen, at.wall);
        self.remove_channels(id, gone, at.wall);
        if whole {
            self.refreshed(id, at);
        } else {
            self.unreadable(id);
        }
        transitions
    }

    fn channels_seen(&mut self, channels: Vec<(ClientId, Channel)>, at: Timestamp) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for (id, channel) in channels {
            // A client that left the list while it was being read is gone.
            if self.clients.contains_key(&id) {
                self.channel_is_there(&id, &channel.id);
            }
            let Some(state) = self.clients.get_mut(&id) else { continue };
            let fingerprint = self.fingerprint_hasher.hash_one(&channel);
            if state.upsert(ReceivedChannel { channel, fingerprint, at }, &mut transitions) == Change::Data {
                self.changes.client(id, Change::Data);
            }
        }
        self.count(&transitions, at);
        transitions
    }

    fn bulk_read_ended(&mut self, whole: &[ClientId], incomplete: &[ClientId], at: Moment) {
        whole.iter().for_each(|id| self.refreshed(id, at));
        incomplete.iter().for_each(|id| self.unreadable(id));
    }

    fn refreshed(&mut self, id: &ClientId, at: Moment) {
        if let Some(state) = self.clients.get_mut(id) {
            let change = if state.refreshed(at) { Change::Data } else { Change::Freshness };
            self.changes.client(id.clone(), change);
        }
    }

    fn unreadable(&mut self, id: &ClientId) {
        if let Some(state) = self.clients.get_mut(id) {
            state.unreadable(&mut self.changes);
            let expires = state.expires(self.max_staleness);
            self.next_expiry = self.next_expiry.map(|at| at.min(expires));
        }
    }

    /// The only place where channels are removed.
    fn remove_channels(&mut self, id: &ClientId, gone: &[ChannelId], at: Timestamp) {
        let Some(state) = self.clients.get_mut(id) else { return };
        let left: Vec<ChannelState> = gone.iter().filter_map(|channel| state.remove(channel)).collect();
        if left.is_empty() {
            return;
        }
        left.iter().for_each(|known| self.gone.channel_left(&state.client, known, at));
        self.changes.client(id.clone(), Change::Data);
    }

    fn count(&mut self, transitions: &[Transition], at: Timestamp) {
        if !transitions.is_empty() {
            self.partner_state.recent.record(transitions, at);
            transitions.iter().for_each(|transition| self.partner_state.transitions.count(transition));
            self.changes.partner();
        }
    }
}

#[cfg(test)]
mod tests;
