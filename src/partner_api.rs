//! The 360dialog Partner API, typed: the three operations of the "Client
//! Management" page and the partner-wide channel list.
//!
//! Here: endpoints, paging, tolerant decoding into [`crate::model`], the pacer,
//! retries, and errors named by what the caller can do. What is on the wire is
//! told apart in three steps: a [`Transport`] moves one request, [`wire`] reads
//! one body, [`PartnerApi`] makes operations of them.
//!
//! Never here: what to fetch next (the poller), what it means for the fleet,
//! metric names.

pub mod credentials;
pub mod error;
pub mod http;
mod operations;
pub mod pacer;
pub mod pager;
mod roots;
#[cfg(test)]
pub(crate) mod testing;
pub mod transport;
pub mod wire;

pub use credentials::ApiKey;
pub use error::ApiError;
pub use operations::{ClientUpdate, Listing, PageSize, PartnerApi, Settings, Walk};
pub use pacer::{Pacer, Rate};
pub use transport::{Request, Response, Transport};

pub use crate::model::{Endpoint, Reason};
