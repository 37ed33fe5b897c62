//! Rendering what changed, and holding it ready to be sent.
//!
//! A fleet can reach millions of series. So that a scrape costs a copy and a
//! change costs what changed, the fleet's text is kept in *pieces*: one for each
//! family and *chunk* (a range of client ids with a few hundred channels),
//! deflated when its data changed. Every piece ends on a byte boundary, so any
//! sequence of pieces between a header and a trailer is one gzip member, and
//! pieces of neighbouring chunks are kept joined, ready to be sent.
//!
//! ```text
//! fleet ─► Publisher (chunks, pieces) ─► Snapshot ─► ScrapeBody (frames of bytes)
//! ```
//!
//! * [`Publisher`] makes anew the pieces of chunks that changed.
//! * [`Snapshot`] is what one publication left behind: immutable, cheap to share.
//! * [`ScrapeBody`] is one scrape: a filter, a format, an encoding.
//!
//! Never here: I/O, clocks, waiting.

mod crc;
mod negotiation;
mod piece;
mod publisher;
mod render;
mod scrape_body;
mod self_metrics;
mod snapshot;
mod snapshot_cell;
mod text;

pub use negotiation::{Escaping, Format, accepts_gzip, negotiate};
pub use publisher::Publisher;
pub use render::{PhoneNumbers, RenderSettings};
pub use scrape_body::{Filter, ScrapeBody};
pub use snapshot::{PartnerSummary, Snapshot};
pub use snapshot_cell::SnapshotCell;

#[cfg(test)]
mod tests;
