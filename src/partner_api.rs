//! The 360dialog Partner API, typed: the three operations of the "Client
//! Management" page and the partner-wide channel list.
//!
//! Here: endpoints, paging, tolerant decoding into [`crate::model`], the pacer,
//! retries, and errors named by what the caller can do. What is on the wire is
//! read in three steps: a [`Transport`] moves one request, [`wire`] reads
//! one body, [`PartnerApi`] makes operations of them.
//!
//! Never here: what to fetch next (the poller), what it means for the fleet,
//! metric names.

mod body;
mod carried;
mod check_response;
pub mod credentials;
pub mod error;
mod health;
pub mod http;
mod operations;
pub mod pacer;
mod page_size;
pub mod pager;
mod roots;
#[cfg(test)]
pub(crate) mod testing;
pub mod transport;
pub mod wire;

pub use carried::{Carried, LastReads};
pub use credentials::ApiKey;
pub use error::ApiError;
pub use operations::{ClientUpdate, Listing, Memory, Pagination, PartnerApi, Retries, Settings};
pub use pacer::{Pacer, Rate};
pub use page_size::PageSize;
pub use pager::Coverage;
pub use transport::{Request, Response, Transport};

pub use crate::model::{Endpoint, Reason};
