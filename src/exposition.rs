//! Rendering what changed, and holding it ready to be sent.
//!
//! A fleet can reach millions of series. So that a scrape costs a copy and a
//! change costs what changed, the fleet's text is kept in *blocks*: one for each
//! family and *bucket* (a range of client ids with a few hundred channels),
//! deflated when its data changed. Every block ends on a byte boundary, so any
//! sequence of blocks between a header and a trailer is one gzip member, and
//! blocks of neighbouring buckets are kept joined, ready to be sent.
//!
//! ```text
//! fleet ─► Publisher (buckets, blocks) ─► Snapshot ─► Answer (frames of bytes)
//! ```
//!
//! * [`Publisher`] makes anew the blocks of buckets that changed.
//! * [`Snapshot`] is what one publication left behind: immutable, cheap to share.
//! * [`Answer`] is one scrape: a filter, a format, an encoding.
//!
//! Never here: I/O, clocks, waiting.

mod answer;
mod block;
mod crc;
mod negotiation;
mod own;
mod published;
mod publisher;
mod render;
mod snapshot;
mod text;

pub use answer::{Answer, Filter};
pub use negotiation::{Escaping, Format, accepts_gzip, negotiate};
pub use published::Published;
pub use publisher::Publisher;
pub use render::{PhoneNumbers, RenderSettings};
pub use snapshot::{PartnerSummary, Snapshot};

#[cfg(test)]
mod tests;
