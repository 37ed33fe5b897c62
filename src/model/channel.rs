//! A channel, with the fields of the "Client Management" page, and the
//! messaging limit that its tier stands for.

use std::fmt;
use std::sync::Arc;

use super::{
    AccountMode, Availability, ChannelId, HubStatus, LifecycleStatus, QualityRating, ShortText, Timestamp, WabaAccount,
};

/// One WhatsApp number of a client. Fields that the API leaves out or sends as
/// `null` are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    /// The channel's id.
    pub id: ChannelId,
    /// Availability for messaging.
    pub availability: Availability,
    /// Meta's quality rating.
    pub quality: QualityRating,
    /// Recipients per rolling 24 h outside a service window.
    pub limit: Option<MessagingLimit>,
    /// Where the channel stands in its life.
    pub status: LifecycleStatus,
    /// Deprecated upstream.
    pub hub_status: Option<HubStatus>,
    /// Meta's last event about the number's quality, lower case.
    pub last_quality_event: Option<ShortText>,
    /// Whether Meta lists the number as an Official Business Account.
    pub official_business_account: Option<bool>,
    /// E.164 digits as the API writes them.
    pub phone_number: Option<ShortText>,
    /// The display name that recipients see.
    pub display_name: Option<ShortText>,
    /// The WhatsApp business account. Channels of one client share it in memory.
    pub waba: Option<Arc<WabaAccount>>,
    /// `setup_info.new_name_status`: how the request for a new display name
    /// stands, lower case, an open set.
    pub new_name_status: Option<Box<str>>,
    /// `setup_info.error`: what went wrong while the number was set up. Empty if
    /// the API says that nothing did, `None` if it says nothing.
    pub setup_error: Option<Box<str>>,
    /// Whether the number is also in use in the Business app (coexistence).
    pub on_business_app: Option<bool>,
    /// When the channel was created.
    pub created_at: Option<Timestamp>,
    /// When the cancellation was registered.
    pub cancelled_at: Option<Timestamp>,
    /// When the channel ends; may lie in the future.
    pub terminated_at: Option<Timestamp>,
    /// Deprecated: whether the channel is live or in the sandbox.
    pub account_mode: Option<AccountMode>,
    /// Deprecated: when billing started.
    pub billing_started_at: Option<Timestamp>,
    /// Deprecated: version of the channel's stack.
    pub version: Option<u32>,
}

impl Channel {
    /// A channel of which only the id is known.
    pub fn new(id: impl Into<ChannelId>) -> Self {
        Self {
            id: id.into(),
            availability: Availability::Unknown,
            quality: QualityRating::Unknown,
            limit: None,
            status: LifecycleStatus::Unknown,
            hub_status: None,
            last_quality_event: None,
            official_business_account: None,
            phone_number: None,
            display_name: None,
            waba: None,
            new_name_status: None,
            setup_error: None,
            on_business_app: None,
            created_at: None,
            cancelled_at: None,
            terminated_at: None,
            account_mode: None,
            billing_started_at: None,
            version: None,
        }
    }

    /// 360dialog's id of the WhatsApp business account.
    pub fn waba_account_id(&self) -> Option<&str> {
        self.waba.as_ref().map(|waba| waba.id.as_str())
    }

    /// Whether the channel is on its way out.
    pub fn is_ending(&self) -> bool {
        self.hub_status == Some(HubStatus::PendingDeletion) || self.cancelled_at.is_some()
    }

    /// What a person judges a channel by at a glance: "since" counts from its last
    /// change.
    pub(crate) fn condition(&self) -> (Availability, QualityRating, bool) {
        (self.availability, self.quality, self.is_ending())
    }
}

/// How many users a number may open conversations with in a rolling 24 h.
///
/// Since October 2025 the limit belongs to the business portfolio and is shared
/// by its numbers, so limits must not be added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessagingLimit {
    /// So many recipients.
    Recipients(u64),
    /// `TIER_UNLIMITED`.
    Unlimited,
}

impl MessagingLimit {
    /// Parses a tier such as `TIER_250`, `TIER_1K` or `TIER_UNLIMITED`, or a number
    /// as Meta's own API writes it, where -1 is unlimited. Tiers are not listed:
    /// Meta has changed the set before.
    ///
    /// `Ok(None)` is "no limit is set" (`NA`, `TIER_NOT_SET`, empty).
    ///
    /// # Errors
    ///
    /// [`UnknownTier`] if the text is no tier.
    ///
    /// ```
    /// use d360_exporter::model::MessagingLimit;
    ///
    /// assert_eq!(MessagingLimit::parse("TIER_1K"), Ok(Some(MessagingLimit::Recipients(1_000))));
    /// assert_eq!(MessagingLimit::parse("TIER_UNLIMITED"), Ok(Some(MessagingLimit::Unlimited)));
    /// assert_eq!(MessagingLimit::parse("TIER_NOT_SET"), Ok(None));
    /// assert!(MessagingLimit::parse("TIER_MOON").is_err());
    /// ```
    pub fn parse(tier: &str) -> Result<Option<Self>, UnknownTier> {
        let tier = tier.trim();
        if ["", "NA", "TIER_NOT_SET"].iter().any(|t| tier.eq_ignore_ascii_case(t)) {
            return Ok(None);
        }
        let amount = match tier.split_at_checked("TIER_".len()) {
            Some((prefix, amount)) if prefix.eq_ignore_ascii_case("TIER_") => amount,
            _ if tier == "-1" => return Ok(Some(Self::Unlimited)),
            _ => tier,
        };
        if amount.eq_ignore_ascii_case("UNLIMITED") {
            return Ok(Some(Self::Unlimited));
        }
        let (digits, factor) = match amount.as_bytes().last() {
            Some(b'k' | b'K') => (&amount[..amount.len() - 1], 1_000),
            Some(b'm' | b'M') => (&amount[..amount.len() - 1], 1_000_000),
            _ => (amount, 1),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UnknownTier);
        }
        let recipients = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
        recipients.map(|n| Some(Self::Recipients(n))).ok_or(UnknownTier)
    }
}

/// A text that is no tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTier;

impl fmt::Display for MessagingLimit {
    /// As a sample value: a number, or `+Inf`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipients(n) => write!(f, "{n}"),
            Self::Unlimited => f.write_str("+Inf"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_become_recipients_and_new_tiers_need_no_release() {
        let parsed = ["TIER_50", "TIER_250", "TIER_1K", "tier_2k", "TIER_100K", "TIER_5M", "2000"]
            .map(|t| MessagingLimit::parse(t).unwrap().unwrap().to_string());
        assert_eq!(parsed, ["50", "250", "1000", "2000", "100000", "5000000", "2000"]);
        for unlimited in ["TIER_UNLIMITED", "unlimited", "-1"] {
            assert_eq!(MessagingLimit::parse(unlimited), Ok(Some(MessagingLimit::Unlimited)), "{unlimited}");
        }
    }

    #[test]
    fn a_missing_limit_is_no_limit_and_nonsense_is_an_error() {
        for none in ["NA", "na", "", " ", "TIER_NOT_SET"] {
            assert_eq!(MessagingLimit::parse(none), Ok(None), "{none:?}");
        }
        for bad in [
            "TIER_",
            "TIER_K",
            "TIER_-1",
            "TIER_1.5K",
            "-2",
            "2.5",
            "GOLD",
            "TIER_99999999999999999999",
            "TIER_9999999999999999999M",
            "é",
            "TIER_1é",
        ] {
            assert_eq!(MessagingLimit::parse(bad), Err(UnknownTier), "{bad:?}");
        }
    }
}
