//! What the Partner API sends, as plain values.
//!
//! Here: ids, the client, the channel, their closed enumerations with an
//! `Unknown` that is a value like any other, and [`Observation`], the one kind
//! of message that flows from the poller to the fleet.
//!
//! Never here: serde, prometheus, I/O, clocks. A type of this module can be
//! built by hand in a test, in one expression.

mod balance;
mod channel;
mod client;
mod enums;
mod ids;
mod keys;
mod moment;
mod observation;
mod remedy;
mod timestamp;
mod vocabulary;
mod waba;
mod words;

pub use balance::Balance;
pub use channel::{Channel, MessagingLimit, UnknownTier};
pub use client::Client;
pub use enums::{AccountMode, Availability, HubStatus, LifecycleStatus, QualityRating};
pub use ids::{ChannelId, ClientId, PartnerId};
pub use keys::Keys;
pub use moment::Moment;
pub use observation::{Observation, Reads};
pub use remedy::Failure;
pub use timestamp::Timestamp;
pub use vocabulary::{Endpoint, Field, KeyField, Reason, RejectReason};
pub use waba::WabaAccount;
pub(crate) use words::words;

/// A text of the API. Almost all are ids, numbers and names of up to 24 bytes,
/// which stand in their place: a fleet is compared and held without a heap
/// block, and a look at other memory, for each.
pub type ShortText = compact_str::CompactString;
