//! The exporter's own instruments, on the `prometheus` crate, and its log.
//!
//! Here: what the exporter measures about itself and about the API as it sees
//! it. Never here: the fleet's families (they can reach millions of series and
//! are rendered in [`crate::exposition`]), domain rules.
//!
//! Every series that can exist starts at 0 when its partner becomes known.

mod declare;
mod instruments;
pub mod logging;

pub use instruments::{FAMILIES, HttpRejection, LastFailure, PartnerInstruments, Telemetry};
