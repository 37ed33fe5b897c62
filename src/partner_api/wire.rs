//! Reading bodies, tolerantly.
//!
//! The API's documents disagree in places, so decoding follows three rules:
//! one odd field costs that field, one odd item costs that item, and a response
//! of no known shape is an error, never "nothing there". What was odd comes
//! back as [`Findings`], for the counters and the log.
//!
//! Bodies are read once, without a tree in between, and texts that are not
//! kept are not copied.

mod balances;
mod convert;
mod lenient;
mod repair;

pub use balances::decode_balances;
#[cfg(any(test, feature = "bench"))]
pub use convert::parse_channels_only;
pub use convert::{decode_channels, decode_channels_within, decode_client, decode_clients, decode_clients_within};

use crate::model::{Field, Keys, ShortText};

/// Bytes of a response for which one item is allowed: an item of the API has more,
/// and in memory one takes no more than a few times that.
pub const BYTES_PER_ITEM: usize = 256;

/// One page of a list, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items that could be decoded, in the order of the response.
    pub items: Vec<T>,
    /// Length of the array as sent: what an offset has to move by.
    pub received: usize,
    /// The envelope's `total`; `None` for a bare array.
    pub total: Option<u64>,
    /// What was odd.
    pub findings: Findings,
}

/// An item of the partner's channel list: the channel and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedChannel {
    /// The owner, if the item names it.
    pub client: Option<crate::model::ClientId>,
    /// The channel.
    pub channel: crate::model::Channel,
}

/// What was odd in a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Items that could not be decoded.
    pub rejected: usize,
    /// Values that nobody has seen: the field, and the value as sent.
    pub unknown: Vec<(Field, ShortText)>,
    /// Channels that were read, and those of them without a key that all should
    /// have.
    pub keys: Keys,
}

#[cfg(test)]
mod tests;
