//! What is known of one client and its channels: how channels come in, change
//! and leave one by one, and when the client's data is too old to be shown.
//!
//! Never here: what proves that something is gone, and anything of the partner.

use std::sync::Arc;

use jiff::SignedDuration;

use super::changes::{Change, Changes};
use super::history::History;
use super::transitions::{self, Transition};
use crate::model::{Availability, Balance, Channel, ChannelId, Client, LifecycleStatus, Moment, Timestamp};

/// What is known of one client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientState {
    /// The client as listed. Shared with the overview of its chunk.
    pub client: Arc<Client>,
    /// Its channels as last read, sorted by id. Not a map: most clients have a
    /// handful, and a map's nodes would waste more than they hold.
    pub channels: Vec<ChannelState>,
    /// Its prepaid balances, one per currency.
    pub balances: Box<[Balance]>,
    /// When they were read, on the steady clock; no meaning without balances.
    pub(super) balances_read: Timestamp,
    /// Whether the last attempt to read the channels succeeded and saw all of
    /// them; `None` before this run's first one.
    pub up: Option<bool>,
    /// When the last read of all channels began.
    pub last_refresh: Option<Timestamp>,
    /// The same on the steady clock; when the client was first listed until it
    /// was read. Its age counts from here.
    pub age_from: Timestamp,
    /// Whether an attempt to read the channels failed since the last good one.
    pub failed: bool,
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
    pub(super) was_ready: bool,
    /// The channel's fingerprint; 0 if it was not read by this run.
    pub(super) fingerprint: u64,
}

/// A channel in a response.
pub(super) struct ReceivedChannel {
    pub(super) channel: Channel,
    /// A digest of all of it under this run's own secret. In most responses most
    /// channels are as they were, and two equal fingerprints say so without a look at
    /// the memory where the channel lies. Nobody who names channels can make two
    /// fingerprints equal, and chance does once in 10^19 comparisons.
    pub(super) fingerprint: u64,
    pub(super) at: Timestamp,
}

/// Up to so many channels of a client are looked through for a fingerprint.
pub(super) const LINEAR_SCAN_LIMIT: usize = 16;

/// What was not tried again since its last good read stays this many times as
/// long as what failed: its turn was late, nothing more.
const UNTRIED_BOUNDS: i32 = 3;

/// A balance that is this old is no longer shown: it is read once an hour, so at
/// least two reads in a row failed or never came.
pub(super) const BALANCE_BOUND: SignedDuration = SignedDuration::from_hours(3);

impl ClientState {
    pub(super) fn new(client: Client, at: Timestamp) -> Self {
        Self {
            client: Arc::new(client),
            channels: Vec::new(),
            balances: Box::default(),
            balances_read: Timestamp::UNIX_EPOCH,
            up: None,
            last_refresh: None,
            age_from: at,
            failed: false,
            expired: false,
        }
    }

    pub(super) fn unreadable(&mut self, changes: &mut Changes) {
        self.failed = true;
        if self.up != Some(false) {
            self.up = Some(false);
            changes.client(self.client.id.clone(), Change::Freshness);
        }
    }

    /// When the data of the client is too old to be shown, on the steady clock.
    pub(super) fn expires(&self, max_staleness: SignedDuration) -> Timestamp {
        let bounds = if self.failed { 1 } else { UNTRIED_BOUNDS };
        self.age_from.saturating_add(max_staleness.saturating_mul(bounds))
    }

    /// When its balances are too old to be shown; `None` without any.
    pub(super) fn balances_expire(&self) -> Option<Timestamp> {
        (!self.balances.is_empty()).then(|| self.balances_read.saturating_add(BALANCE_BOUND))
    }

    /// Records that all channels were read. True if that shows them anew.
    pub(super) fn refreshed(&mut self, at: Moment) -> bool {
        let shown_anew = self.last_refresh.is_none() || self.expired;
        self.up = Some(true);
        self.last_refresh = Some(at.wall);
        self.age_from = at.steady;
        self.failed = false;
        self.expired = false;
        shown_anew
    }
}

/// Whether a channel was available at some time, as far as it shows.
fn was_ready(channel: &Channel) -> bool {
    channel.availability == Availability::Ready
        || channel.status == LifecycleStatus::Ready
        || channel.billing_started_at.is_some()
}

impl ChannelState {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            was_ready: was_ready(&channel),
            channel: Arc::new(channel),
            changed_at: None,
            history: History::default(),
            fingerprint: 0,
        }
    }

    /// The times that the exporter took.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.changed_at.iter_mut().chain(self.history.times_mut())
    }
}

/// How channels come in and leave, one by one.
impl ClientState {
    /// Puts back a channel as it was when it left.
    pub(super) fn put_back(&mut self, known: ChannelState) {
        if let Err(place) = self.channels.binary_search_by(|other| other.channel.id.cmp(&known.channel.id)) {
            self.channels.reserve_exact(1);
            self.channels.insert(place, known);
            self.share_waba(place);
        }
    }

    /// Takes in a channel that a response holds.
    pub(super) fn upsert(&mut self, seen: ReceivedChannel, transitions: &mut Vec<Transition>) -> Change {
        let ReceivedChannel { channel, fingerprint, at } = seen;
        let place = match self.find_slot(&channel, fingerprint) {
            Ok(place) => {
                let known = &mut self.channels[place];
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
                self.channels.insert(place, ChannelState { fingerprint, ..ChannelState::new(channel) });
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

    /// Takes a channel away, and returns it if it was there.
    pub(super) fn remove(&mut self, id: &ChannelId) -> Option<ChannelState> {
        let found = self.channels.binary_search_by(|known| known.channel.id.cmp(id)).ok()?;
        Some(self.channels.remove(found))
    }
}
