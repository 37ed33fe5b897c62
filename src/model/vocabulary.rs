//! The words in which requests to the API are spoken of: operations, failure
//! reasons, and fields whose values may be unknown. Each is a closed list,
//! because each is a label.

use std::fmt;

/// The operations of the API, as the `endpoint` label names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `GET partners/{partner}/clients`
    Clients,
    /// `GET partners/{partner}/clients/{client}/channels`
    ClientChannels,
    /// `GET partners/{partner}/channels`
    PartnerChannels,
    /// `PATCH partners/{partner}/clients/{client}`
    ClientUpdate,
}

impl Endpoint {
    /// Every endpoint, in the order of exposition.
    pub const ALL: &'static [Self] = &[Self::Clients, Self::ClientChannels, Self::PartnerChannels, Self::ClientUpdate];

    /// The endpoint as a label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::ClientChannels => "client_channels",
            Self::PartnerChannels => "partner_channels",
            Self::ClientUpdate => "client_update",
        }
    }
}

/// The fixed list of failure reasons: the `reason` label of
/// `d360_api_request_failures_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// 401: the key is missing, wrong or revoked. Nothing helps but a new key.
    Unauthorized,
    /// 403: this one object is not for this key.
    Forbidden,
    /// 404: no such partner or client.
    NotFound,
    /// 429: wait.
    RateLimited,
    /// 5xx: try again.
    ServerError,
    /// No complete answer within the time-out: try again.
    Timeout,
    /// No connection, or it broke before the answer was complete: try again.
    Connect,
    /// The answer is larger than the limit.
    TooLarge,
    /// The answer is of no known shape.
    Decode,
    /// The API pointed elsewhere; redirects are not followed.
    Redirect,
    /// The pages of a list do not add up to a whole.
    Paging,
    /// Anything else, a 400 for example.
    Other,
}

impl Reason {
    /// Every reason, in the order of exposition.
    pub const ALL: &'static [Self] = &[
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::ServerError,
        Self::Timeout,
        Self::Connect,
        Self::TooLarge,
        Self::Decode,
        Self::Redirect,
        Self::Paging,
        Self::Other,
    ];

    /// The reason as a label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::TooLarge => "too_large",
            Self::Decode => "decode",
            Self::Redirect => "redirect",
            Self::Paging => "paging",
            Self::Other => "other",
        }
    }

    /// Whether the same request may succeed when it is simply sent again.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::ServerError | Self::Timeout | Self::Connect)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field whose values are counted when unknown: the `field` label of
/// `d360_api_unknown_values_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `availability_status`
    AvailabilityStatus,
    /// `current_quality_rating`
    QualityRating,
    /// `current_limit`
    MessagingLimit,
    /// `status`
    Status,
    /// `hub_status`
    HubStatus,
    /// Any date that is no date.
    Timestamp,
    /// `max_channels` that is no count.
    MaxChannels,
    /// `is_oba` that is no truth value.
    OfficialBusinessAccount,
}

impl Field {
    /// Every field, in the order of exposition.
    pub const ALL: &'static [Self] = &[
        Self::AvailabilityStatus,
        Self::QualityRating,
        Self::MessagingLimit,
        Self::Status,
        Self::HubStatus,
        Self::Timestamp,
        Self::MaxChannels,
        Self::OfficialBusinessAccount,
    ];

    /// The field as a label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AvailabilityStatus => "availability_status",
            Self::QualityRating => "quality_rating",
            Self::MessagingLimit => "messaging_limit",
            Self::Status => "status",
            Self::HubStatus => "hub_status",
            Self::Timestamp => "timestamp",
            Self::MaxChannels => "max_channels",
            Self::OfficialBusinessAccount => "official_business_account",
        }
    }
}
