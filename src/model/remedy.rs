//! A failed request in words: what went wrong and what a person can do about it.
//! The same words in the log, on the pages and in the commands.

use super::Reason;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure.
    pub reason: Reason,
    /// What was found, for people; free of keys and addresses.
    pub error: Box<str>,
}

impl From<Reason> for Failure {
    /// A failure of which only the kind is known.
    fn from(reason: Reason) -> Self {
        Self { reason, error: reason.in_words().into() }
    }
}

impl Reason {
    /// What went wrong, to follow "cannot list the clients:".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unauthorized => "the API rejects the key (401)",
            Self::Forbidden => "the key may not read this (403)",
            Self::NotFound => "the API does not know this partner or client (404)",
            Self::RateLimited => "too many requests (429)",
            Self::ServerError => "the API has an error of its own (5xx)",
            Self::Timeout => "no complete response in time",
            Self::Connect => "no connection to the API",
            Self::TooLarge => "the response is larger than allowed",
            Self::Decode => "the response is not what the Partner API sends",
            Self::Redirect => "the API redirects elsewhere, which is not followed",
            Self::Paging => "the pages of the list do not add up",
            Self::Other => "the API refuses the request",
        }
    }

    /// What to do about it, as one sentence without a full stop.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "create a new Partner API key in the Partner Hub and write it to the file of --partner.api-key-file"
            }
            Self::Forbidden => "use an API key of this partner account",
            Self::NotFound => "compare --partner.id with the Partner Hub, and check --api.base-url",
            Self::RateLimited => "wait a minute; lower --api.max-rate if other programs use the same partner account",
            Self::ServerError => "wait: the exporter keeps trying; if it lasts, ask 360dialog's support",
            Self::Timeout => "wait, or allow more time with --api.timeout",
            Self::Connect => "check the network, the proxy, and --api.base-url",
            Self::TooLarge => "lower --api.page-size, or raise --api.max-response-size",
            Self::Decode | Self::Redirect => "check that --api.base-url is the Partner API, path included",
            Self::Paging => "wait: the list is read again; if it lasts, ask 360dialog's support",
            Self::Other => "run the exporter with --log.level=debug to see the requests",
        }
    }
}
