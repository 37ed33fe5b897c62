//! The seam between operations and HTTP: one request out, one response back.
//!
//! A test puts its own API here and runs on paused time; the exporter puts
//! [`super::http::HttpTransport`] here.

use std::future::Future;

use bytes::Bytes;
use secrecy::SecretString;

use super::ApiError;
use crate::model::Endpoint;

/// One request, before a host and a key are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which operation it belongs to.
    pub endpoint: Endpoint,
    /// Path below the base URL, segment by segment, not percent-encoded.
    pub path: Vec<String>,
    /// Query parameters, not percent-encoded.
    pub query: Vec<(&'static str, String)>,
    /// A JSON body makes the request a `PATCH`; without one it is a `GET`.
    pub patch: Option<String>,
}

/// One response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header as sent.
    pub retry_after: Option<String>,
    /// The whole body, decompressed, within the size limit.
    pub body: Bytes,
}

/// Moves one request to the API and its whole response back.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` with `key`.
    ///
    /// # Errors
    ///
    /// Fails with [`crate::model::Reason::Timeout`], [`crate::model::Reason::Connect`],
    /// [`crate::model::Reason::TooLarge`], [`crate::model::Reason::Decode`] (a content
    /// encoding that is not what it says) or [`crate::model::Reason::Other`]. A status
    /// is not a failure here.
    fn send(&self, request: &Request, key: &SecretString) -> impl Future<Output = Result<Response, ApiError>> + Send;
}
