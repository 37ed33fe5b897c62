//! The running exporter: which tasks and threads there are, how they end, reload,
//! and the task that owns the state.
//!
//! Here: [`Exporter`], the pollers of all partners, the state task.
//!
//! Never here: flags, rendering, HTTP details.

mod connect;
mod exporter;
mod narrator;
mod partners;
mod reload;
mod state_keeper;
mod state_task;
mod worker;

pub use connect::connect_counted;
pub use exporter::Exporter;
pub use reload::Reload;
