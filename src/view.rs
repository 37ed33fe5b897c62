//! The fleet as people and scripts read it: one definition for the pages, the
//! JSON API and the commands.
//!
//! Here: rows of named fields and their values, which channels need a person and
//! why, search, filters, sorting, and spans of time in words.
//!
//! Never here: HTML, HTTP, terminals, clap, clocks. `now` is a parameter.

mod attention;
mod change;
mod channel;
mod client;
mod field;
mod query;
mod search;
mod text;
mod value;

pub use attention::{Trouble, WABA_TROUBLE, severity};
pub use change::{CHANGE_FIELDS, ChangeRow};
pub use channel::{CHANNEL_FIELDS, ChannelRow};
pub use client::{CLIENT_FIELDS, ClientRow, PARTNER_PAYLOAD};
pub use field::{Field, Object, Sort, sort_rows};
pub use query::{MAX_PER_PAGE, PER_PAGE, Parameter, Query};
pub use search::Search;
pub use text::{shortened, span, thousands, visible};
pub use value::{Tone, Value};
