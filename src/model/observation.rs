//! What a read of the API taught us.

use std::time::Duration;

use super::{Channel, Client, ClientId, Timestamp};

/// One thing learned from the API, in the order in which it was learned.
///
/// Observations are the only way from the poller to the fleet. "Gone" is never
/// said: it follows from a *complete* answer that lacks what was known. "Could
/// not read" is said, by the two `Unreadable` variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The partner's client list was read to its end.
    ClientsListed {
        /// The clients of this process's shard, each id once.
        clients: Vec<Client>,
        /// False if an item could not be decoded: the answer then proves who is
        /// there, but not who is gone.
        complete: bool,
        /// When the last page arrived.
        at: Timestamp,
    },
    /// The client list could not be read, or the key was refused.
    PartnerUnreadable,
    /// A client's channels were read to their end.
    ChannelsRead {
        /// The owner.
        client: ClientId,
        /// Its channels, each id once.
        channels: Vec<Channel>,
        /// As in [`Observation::ClientsListed`].
        complete: bool,
        /// When the answer arrived.
        at: Timestamp,
    },
    /// A walk through the channels of all clients begins.
    BulkReadStarted,
    /// Channels that the walk has come by: true whether it reaches its end or
    /// not.
    ChannelsSeen {
        /// Each with its owner.
        channels: Vec<(ClientId, Channel)>,
        /// When their page arrived.
        at: Timestamp,
    },
    /// The walk reached its end: it was the read of every client.
    BulkReadCompleted {
        /// As in [`Observation::ClientsListed`].
        complete: bool,
        /// When the last page arrived.
        at: Timestamp,
    },
    /// The walk broke off: no client's channels could be read to their end.
    BulkReadFailed,
    /// A client's channels could not be read.
    ChannelsUnreadable {
        /// The owner.
        client: ClientId,
    },
    /// A full cycle ended: the list was read and every client attempted.
    CycleCompleted {
        /// How long it took.
        took: Duration,
        /// When it ended.
        at: Timestamp,
    },
}
