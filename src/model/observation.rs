//! What a read of the API proves.

use std::time::Duration;

use super::{Balance, Channel, ChannelId, Client, ClientId, Failure, Moment, Timestamp};

/// How the channels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// One request per client.
    PerClient,
    /// The partner's channel list, page by page.
    Bulk,
}

impl Reads {
    /// Every way, in the order of exposition.
    pub const ALL: &'static [Self] = &[Self::PerClient, Self::Bulk];

    /// Every way as a label value, in the same order.
    pub const TEXTS: &'static [&'static str] = &[Self::PerClient.as_str(), Self::Bulk.as_str()];

    /// The way as a label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerClient => "per_client",
            Self::Bulk => "bulk",
        }
    }
}

/// One verdict on what was read, in the order in which it was reached.
///
/// Observations are the only way from the poller to the fleet, which applies
/// them and judges nothing: what was seen, who was read as a whole, and who is
/// gone has been decided by the poller's confidence rules.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The partner's client list was read.
    ClientsListed {
        /// The clients of this process's shard that count, each id once.
        clients: Vec<Client>,
        /// Clients that are believed to have left.
        gone: Vec<ClientId>,
        /// Whether every client that was known was seen, or has left.
        whole: bool,
        /// When the read began.
        at: Moment,
    },
    /// The client list could not be read.
    PartnerUnreadable {
        /// Why. A refused key is a failed attempt to read every client.
        failure: Failure,
    },
    /// A client's channels were read.
    ChannelsRead {
        /// The owner.
        client: ClientId,
        /// Its channels that count, each id once.
        channels: Vec<Channel>,
        /// Channels that are believed to have left.
        gone: Vec<ChannelId>,
        /// Whether every channel that was known was seen, has left, or waits for
        /// its loss to be confirmed.
        whole: bool,
        /// When the read began.
        at: Moment,
    },
    /// Channels that a bulk read has come by: true whether it reaches its end or
    /// not.
    ChannelsSeen {
        /// Each with its owner.
        channels: Vec<(ClientId, Channel)>,
        /// When their page arrived.
        at: Timestamp,
    },
    /// A bulk read reached its end.
    BulkReadEnded {
        /// The clients that it was a whole read of.
        whole: Vec<ClientId>,
        /// The clients of which something known was not seen.
        incomplete: Vec<ClientId>,
        /// When the read began.
        at: Moment,
    },
    /// A bulk read failed: it read nobody.
    BulkReadFailed {
        /// Why.
        failure: Failure,
    },
    /// A client's channels could not be read.
    ChannelsUnreadable {
        /// The owner.
        client: ClientId,
        /// Why.
        failure: Failure,
    },
    /// Channels that are believed to have left, found by a look at several reads
    /// together.
    ChannelsGone {
        /// Each with its owner.
        channels: Vec<(ClientId, ChannelId)>,
        /// When that was decided.
        at: Timestamp,
    },
    /// How many clients and channels are missing but not yet believed to be gone.
    RemovalsUnconfirmed {
        /// Clients.
        clients: usize,
        /// Channels.
        channels: usize,
    },
    /// The channels are read this way from now on.
    StrategyChosen(Reads),
    /// The partner's prepaid balances were read.
    PartnerBalance {
        /// One per currency.
        balances: Vec<Balance>,
        /// When.
        at: Timestamp,
    },
    /// A client's prepaid balances were read, or are no longer known.
    ClientBalance {
        /// Whose.
        client: ClientId,
        /// One per currency.
        balances: Vec<Balance>,
        /// When it was read.
        at: Moment,
    },
    /// Pages of this size work.
    PageSizeLearned(usize),
    /// A full cycle ended: the list was read, and every client was read or
    /// failed on its own path.
    CycleCompleted {
        /// How long it took.
        took: Duration,
        /// When it ended.
        at: Timestamp,
    },
}
