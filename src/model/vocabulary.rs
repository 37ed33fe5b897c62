//! The words in which requests to the API are spoken of: operations, failure
//! reasons, and fields whose values may be unknown. Each is a closed list,
//! because each is a label.

use std::fmt;

use super::words::words;

words! {
    /// The operations of the API, as the `endpoint` label names them.
    Endpoint {
        /// `GET partners/{partner}/clients`
        Clients = "clients",
        /// `GET partners/{partner}/clients/{client}/channels`
        ClientChannels = "client_channels",
        /// `GET partners/{partner}/channels`
        PartnerChannels = "partner_channels",
        /// `PATCH partners/{partner}/clients/{client}`
        ClientUpdate = "client_update",
        /// `GET partners/{partner}/balance`
        PartnerBalance = "partner_balance",
        /// `GET partners/{partner}/clients/{client}/info/balance`
        ClientBalance = "client_balance",
    }
}

impl Endpoint {
    /// The texts of the lists.
    pub const LIST_TEXTS: &'static [&'static str] =
        &[Self::Clients.as_str(), Self::ClientChannels.as_str(), Self::PartnerChannels.as_str()];

    /// The texts of the lists of channels.
    pub const CHANNEL_LIST_TEXTS: &'static [&'static str] =
        &[Self::ClientChannels.as_str(), Self::PartnerChannels.as_str()];
}

words! {
    /// The fixed list of failure reasons: the `reason` label of
    /// `d360_api_request_failures_total`.
    Reason {
        /// 401: the key is missing, wrong or revoked. Nothing helps but a new key.
        Unauthorized = "unauthorized",
        /// 403: this one object is not for this key.
        Forbidden = "forbidden",
        /// 404: no such partner or client.
        NotFound = "not_found",
        /// 429: wait.
        RateLimited = "rate_limited",
        /// 5xx: try again.
        ServerError = "server_error",
        /// No complete response within the time-out: try again.
        Timeout = "timeout",
        /// No connection, or it broke before the response was complete: try again.
        Connect = "connect",
        /// The response is larger than the limit.
        TooLarge = "too_large",
        /// The response is of no known shape.
        Decode = "decode",
        /// The API pointed elsewhere; redirects are not followed.
        Redirect = "redirect",
        /// The pages of a list do not add up.
        Paging = "paging",
        /// Anything else, a 400 for example.
        Other = "other",
    }
}

impl Reason {
    /// The reasons after which the same request may succeed when it is simply
    /// sent again.
    pub const TRANSIENT: &'static [Self] = &[Self::RateLimited, Self::ServerError, Self::Timeout, Self::Connect];

    /// The texts of [`Reason::TRANSIENT`].
    pub const TRANSIENT_TEXTS: &'static [&'static str] = &{
        let mut texts = [""; Self::TRANSIENT.len()];
        let mut i = 0;
        while i < texts.len() {
            texts[i] = Self::TRANSIENT[i].as_str();
            i += 1;
        }
        texts
    };

    /// Whether the API refuses a path to this key, or does not have it.
    pub fn refuses_path(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Forbidden | Self::NotFound)
    }

    /// Whether the same request may succeed when it is simply sent again.
    pub fn is_transient(self) -> bool {
        Self::TRANSIENT.contains(&self)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

words! {
    /// A field whose values are counted when unknown: the `field` label of
    /// `d360_api_unknown_values_total`.
    Field {
        /// `availability_status`
        AvailabilityStatus = "availability_status",
        /// `current_quality_rating`
        QualityRating = "quality_rating",
        /// `current_limit`
        MessagingLimit = "messaging_limit",
        /// `status`
        Status = "status",
        /// `hub_status`
        HubStatus = "hub_status",
        /// A timestamp that cannot be parsed.
        Timestamp = "timestamp",
        /// A `max_channels` that is not a non-negative integer.
        MaxChannels = "max_channels",
        /// An `is_oba` that is not a boolean.
        OfficialBusinessAccount = "official_business_account",
        /// An `is_on_biz_app` that is not a boolean.
        OnBusinessApp = "on_business_app",
    }
}

words! {
    /// A field of a channel whose key must not vanish: the `field` label of
    /// `d360_api_items_without_field`.
    KeyField {
        /// `availability_status`
        AvailabilityStatus = "availability_status",
        /// `current_quality_rating`
        QualityRating = "quality_rating",
        /// `current_limit`
        MessagingLimit = "messaging_limit",
        /// `status`
        Status = "status",
    }
}

words! {
    /// Why an item of a response was skipped: the `reason` label of
    /// `d360_api_rejected_items_total`.
    RejectReason {
        /// It could not be decoded.
        Unreadable = "unreadable",
        /// Its id had come before.
        Duplicate = "duplicate",
        /// A channel of the partner's list whose client is not known.
        Ownerless = "ownerless",
        /// A channel in one client's list that names another client.
        Foreign = "foreign",
    }
}
