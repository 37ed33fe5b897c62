//! Why a request or an operation failed, named by what the caller can do.

use std::time::Duration;

use crate::model::{Failure, Reason};

/// A failed request or operation.
///
/// The text never holds a URL or a header, and of a body at most the message of
/// an error, cut short and without the key: the rest may carry what must not be
/// logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ApiError {
    /// What kind of failure it is.
    pub reason: Reason,
    /// What was expected, what was found, in lower case.
    pub detail: String,
    /// The HTTP status, where the failure is one.
    pub status: Option<u16>,
    /// How long the API asked us to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// A failure that is no HTTP status.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), status: None, retry_after: None }
    }
}

impl From<&ApiError> for Failure {
    fn from(error: &ApiError) -> Self {
        Self { reason: error.reason, error: error.detail.as_str().into() }
    }
}
