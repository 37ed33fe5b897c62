//! Channels and clients that a believed read no longer held, remembered for a
//! week.
//!
//! A channel that is back, under whatever client, is no longer gone: a move is no
//! loss. It goes on with its history, so that an empty list is no way to forget
//! what a channel was.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Bound, RangeBounds};

use jiff::SignedDuration;

use super::{ChannelState, ClientState};
use crate::model::{ChannelId, Client, ClientId, LifecycleStatus, ShortText, Timestamp, words};

/// How long what is gone is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

words! {
    /// Why a channel is gone, as far as the exporter can tell: the first of these
    /// that fits.
    GoneReason {
        /// Its client is gone.
        ClientGone = "client_gone",
        /// It was transferred or removed.
        Transferred = "transferred",
        /// It was cancelled, or its end had come.
        Cancelled = "cancelled",
        /// It was never available.
        NeverReady = "never_ready",
        /// Nothing announced it.
        Disappeared = "disappeared",
    }
}

/// A channel that is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct GoneChannel {
    /// The name of its client.
    pub client_name: Option<ShortText>,
    /// What was known of it.
    pub last: ChannelState,
    /// Why it is gone.
    pub reason: GoneReason,
    /// When that was believed.
    pub at: Timestamp,
}

impl GoneChannel {
    fn new(client: &Client, known: &ChannelState, client_gone: bool, at: Timestamp) -> Self {
        let channel = &known.channel;
        let transferred = matches!(channel.status, LifecycleStatus::Transferred | LifecycleStatus::Removed);
        let reason = if client_gone {
            GoneReason::ClientGone
        } else if transferred {
            GoneReason::Transferred
        } else if channel.cancelled_at.is_some() || channel.terminated_at.is_some_and(|end| end <= at) {
            GoneReason::Cancelled
        } else if !known.was_ready {
            GoneReason::NeverReady
        } else {
            GoneReason::Disappeared
        };
        Self {
            client_name: client.name.clone(),
            // Only what this run reads has a fingerprint.
            last: ChannelState { fingerprint: 0, ..known.clone() },
            reason,
            at,
        }
    }

    /// Its id.
    pub fn id(&self) -> &ChannelId {
        &self.last.channel.id
    }
}

/// A client that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneClient {
    /// Its name.
    pub name: Option<ShortText>,
    /// When that was believed.
    pub at: Timestamp,
}

/// What is gone of one partner's fleet.
#[derive(Debug, Default)]
pub struct Gone {
    channels: BTreeMap<ClientId, Vec<GoneChannel>>,
    clients: BTreeMap<ClientId, GoneClient>,
    /// The client under which each channel of `channels` is gone.
    owners: HashMap<ChannelId, ClientId>,
    /// Channels that left since the last [`Gone::settle`].
    left: Vec<(ClientId, GoneChannel)>,
    /// Nothing is forgotten before.
    next_expiry: Option<Timestamp>,
}

impl Gone {
    /// The channels that are gone of the clients in a range of ids.
    pub fn channels(&self, ids: impl RangeBounds<ClientId>) -> impl Iterator<Item = (&ClientId, &GoneChannel)> {
        self.channels.range(ids).flat_map(|(client, gone)| gone.iter().map(move |gone| (client, gone)))
    }

    /// The clients in a range of ids that are gone.
    pub fn clients(&self, ids: impl RangeBounds<ClientId>) -> impl Iterator<Item = (&ClientId, &GoneClient)> {
        self.clients.range(ids)
    }

    /// Whether nothing is gone of the clients in a range of ids.
    pub fn is_empty_in(&self, ids: (Bound<ClientId>, Bound<ClientId>)) -> bool {
        self.clients(ids.clone()).next().is_none() && self.channels(ids).next().is_none()
    }

    /// All channels that are gone, those of the last moment included.
    pub(super) fn all_channels(&self) -> impl Iterator<Item = (&ClientId, &GoneChannel)> {
        self.channels(..).chain(self.left.iter().map(|(client, gone)| (client, gone)))
    }

    /// Records a channel that left.
    pub(super) fn channel_left(&mut self, client: &Client, known: &ChannelState, at: Timestamp) {
        self.left.push((client.id.clone(), GoneChannel::new(client, known, false, at)));
    }

    /// Records a client that left, with all of its channels.
    pub(super) fn client_left(&mut self, state: &ClientState, at: Timestamp) {
        let client = &state.client;
        let gone = state.channels.iter().map(|known| GoneChannel::new(client, known, true, at));
        self.left.extend(gone.map(|gone| (client.id.clone(), gone)));
        // Its channels that left before left because it was about to.
        self.restore_client(client.id.clone(), GoneClient { name: client.name.clone(), at });
    }

    /// Takes in a channel that is gone.
    pub(super) fn restore_channel(&mut self, client: ClientId, gone: GoneChannel) {
        self.expect_expiry(gone.at);
        if let Some(before) = self.owners.insert(gone.id().clone(), client.clone()) {
            self.take_channel(&before, gone.id());
        }
        self.channels.entry(client).or_default().push(gone);
    }

    /// Takes in a client that is gone.
    pub(super) fn restore_client(&mut self, client: ClientId, gone: GoneClient) {
        self.expect_expiry(gone.at);
        self.clients.insert(client, gone);
    }

    /// A channel is there. Returns the client under which it was gone, and what
    /// was known of it.
    pub(super) fn channel_is_back(&mut self, id: &ChannelId) -> Option<(ClientId, ChannelState)> {
        if let Some(place) = self.left.iter().position(|(_, gone)| gone.id() == id) {
            let (client, gone) = self.left.swap_remove(place);
            return Some((client, gone.last));
        }
        if self.owners.is_empty() {
            return None;
        }
        let client = self.owners.remove(id)?;
        let gone = self.take_channel(&client, id)?;
        Some((client, gone.last))
    }

    /// A client is there. True if it was gone.
    pub(super) fn client_is_back(&mut self, id: &ClientId) -> bool {
        self.clients.remove(id).is_some()
    }

    fn take_channel(&mut self, client: &ClientId, id: &ChannelId) -> Option<GoneChannel> {
        let all = self.channels.get_mut(client)?;
        let place = all.iter().position(|gone| gone.id() == id)?;
        let taken = all.remove(place);
        if all.is_empty() {
            self.channels.remove(client);
        }
        Some(taken)
    }

    /// Whether channels left that may be there under another client.
    pub(super) fn is_unsettled(&self) -> bool {
        !self.left.is_empty()
    }

    /// Decides on the channels that left: one that is still there, under another
    /// client, has moved and is not gone. Returns the clients of which something
    /// is gone now.
    pub(super) fn settle<'a>(&mut self, there: impl Iterator<Item = &'a ChannelId>) -> Vec<ClientId> {
        let left = std::mem::take(&mut self.left);
        let ids: HashSet<&ChannelId> = left.iter().map(|(_, gone)| gone.id()).collect();
        let moved: HashSet<ChannelId> = there.filter(|id| ids.contains(id)).cloned().collect();
        let gone = left.into_iter().filter(|(_, gone)| !moved.contains(gone.id()));
        gone.map(|(client, gone)| {
            self.restore_channel(client.clone(), gone);
            client
        })
        .collect()
    }

    /// Forgets what has been gone for a week. Returns whose that was.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<ClientId> {
        if self.next_expiry.is_none_or(|at| now < at) {
            return Vec::new();
        }
        self.next_expiry = None;
        let mut changed = Vec::new();
        let is_kept = |at: Timestamp| now < at.saturating_add(KEPT);
        let Self { channels, clients, owners, .. } = self;
        channels.retain(|client, gone| {
            let before = gone.len();
            gone.retain(|gone| {
                let kept = is_kept(gone.at);
                if !kept {
                    owners.remove(gone.id());
                }
                kept
            });
            changed.extend((gone.len() < before).then(|| client.clone()));
            !gone.is_empty()
        });
        clients.retain(|client, gone| {
            let kept = is_kept(gone.at);
            changed.extend((!kept).then(|| client.clone()));
            kept
        });
        let times: Vec<_> =
            self.channels(..).map(|(_, gone)| gone.at).chain(self.clients.values().map(|c| c.at)).collect();
        times.into_iter().for_each(|at| self.expect_expiry(at));
        changed
    }

    /// Calls `set` with all times, and returns whose they are.
    pub(super) fn set_times(&mut self, set: impl Fn(&mut Timestamp)) -> Vec<ClientId> {
        let channels = self.channels.values_mut().flatten().chain(self.left.iter_mut().map(|(_, gone)| gone));
        for gone in channels {
            set(&mut gone.at);
            gone.last.times_mut().for_each(&set);
        }
        self.clients.values_mut().map(|gone| &mut gone.at).for_each(&set);
        self.next_expiry.iter_mut().for_each(&set);
        self.channels.keys().chain(self.clients.keys()).cloned().collect()
    }

    fn expect_expiry(&mut self, gone_at: Timestamp) {
        let at = gone_at.saturating_add(KEPT);
        self.next_expiry = Some(self.next_expiry.map_or(at, |next| next.min(at)));
    }
}
