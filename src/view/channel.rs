//! A channel as a row: whose it is, what the API says of it, and what changed.

use std::sync::Arc;

use super::{Field, Trouble, Value};
use crate::fleet::{Direction, History, LastChange, WatchedField};
use crate::model::{Channel, Client, ClientId, PartnerId, ShortText, Timestamp};

/// A channel, whose it is, and what is known of its past.
#[derive(Debug, Clone)]
pub struct ChannelRow {
    /// The partner.
    pub partner: PartnerId,
    /// The owner; `None` if the API does not name it.
    pub client: Option<Arc<Client>>,
    /// The channel.
    pub channel: Arc<Channel>,
    /// As much of its number as is to be shown; empty for none.
    pub phone_number: ShortText,
    /// Why it needs a person, the worst first.
    pub troubles: Vec<Trouble>,
    /// When it was seen to change into its present condition.
    pub changed_at: Option<Timestamp>,
    /// The last change of each field.
    pub history: History,
}

impl ChannelRow {
    /// A channel of which nothing else is known.
    pub fn new(partner: PartnerId, channel: Channel) -> Self {
        Self {
            partner,
            client: None,
            channel: Arc::new(channel),
            phone_number: ShortText::default(),
            troubles: Vec::new(),
            changed_at: None,
            history: History::default(),
        }
    }

    /// The owner's id.
    pub fn client_id(&self) -> Option<&ClientId> {
        self.client.as_ref().map(|client| &client.id)
    }

    /// The owner's name.
    pub fn client_name(&self) -> Option<&str> {
        self.client.as_ref()?.name.as_deref()
    }

    /// The status of its WhatsApp business account.
    pub fn waba_status(&self) -> Option<&str> {
        self.channel.waba.as_ref()?.status.as_deref()
    }

    /// What became of the display name that was asked for last.
    pub fn new_name_status(&self) -> Option<&str> {
        self.channel.new_name_status.as_deref()
    }

    /// When one of its fields last got worse.
    pub fn worse_since(&self) -> Option<Timestamp> {
        self.worse().map(|change| change.at)
    }

    /// The last change for the worse.
    fn worse(&self) -> Option<&LastChange> {
        self.history.iter().filter(|change| change.direction == Direction::Worse).max_by_key(|change| change.at)
    }

    /// The last change of any field.
    pub fn last_change(&self) -> Option<&LastChange> {
        self.history.iter().max_by_key(|change| change.at)
    }

    /// The alert about the field that got worse last.
    pub fn worse_alert(&self) -> &'static str {
        match self.worse().map(|change| change.field) {
            Some(WatchedField::AvailabilityStatus | WatchedField::Status) => "D360ChannelError",
            Some(WatchedField::MessagingLimit) => "D360ChannelMessagingLimitReduced",
            Some(WatchedField::LastQualityEvent) => "D360ChannelFlagged",
            Some(WatchedField::WabaAccountStatus) => "D360WabaBanned",
            Some(WatchedField::QualityRating) | None => "D360ChannelQualityDropped",
        }
    }

    /// The names and ids that a search looks through.
    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        let client = self.client.as_deref();
        [
            self.channel.display_name.as_deref(),
            client.and_then(|client| client.name.as_deref()),
            Some(self.channel.id.as_str()),
            client.map(|client| client.id.as_str()),
        ]
        .into_iter()
        .flatten()
    }
}

/// Every field of a channel.
pub const CHANNEL_FIELDS: &[Field<ChannelRow>] = &[
    Field { name: "partner_id", heading: Some("PARTNER"), value: |row| Value::Text(row.partner.to_string()) },
    Field {
        name: "client_id",
        heading: Some("CLIENT"),
        value: |row| Value::text(row.client_id().map(ClientId::as_str)),
    },
    Field { name: "client_name", heading: Some("CLIENT NAME"), value: |row| Value::text(row.client_name()) },
    Field { name: "id", heading: Some("CHANNEL"), value: |row| Value::Text(row.channel.id.to_string()) },
    Field {
        name: "phone_number",
        heading: Some("NUMBER"),
        value: |row| Value::text(Some(row.phone_number.as_str()).filter(|number| !number.is_empty())),
    },
    Field {
        name: "display_name",
        heading: Some("DISPLAY NAME"),
        value: |row| Value::text(row.channel.display_name.as_deref()),
    },
    Field {
        name: "availability_status",
        heading: Some("AVAILABILITY"),
        value: |row| Value::availability(row.channel.availability),
    },
    Field { name: "quality_rating", heading: Some("RATING"), value: |row| Value::quality(row.channel.quality) },
    Field { name: "messaging_limit", heading: Some("LIMIT"), value: |row| Value::limit(row.channel.limit) },
    Field { name: "status", heading: Some("STATUS"), value: |row| Value::text(Some(row.channel.status.as_str())) },
    Field { name: "waba_account_status", heading: Some("ACCOUNT"), value: |row| Value::text(row.waba_status()) },
    Field {
        name: "attention",
        heading: Some("NEEDS"),
        value: |row| {
            let troubles: Vec<_> = row.troubles.iter().map(|trouble| trouble.as_str()).collect();
            Value::text((!troubles.is_empty()).then(|| troubles.join(", ")).as_deref())
        },
    },
    Field {
        name: "hub_status",
        heading: None,
        value: |row| Value::text(row.channel.hub_status.map(|status| status.as_str())),
    },
    Field {
        name: "last_quality_event",
        heading: None,
        value: |row| Value::text(row.channel.last_quality_event.as_deref()),
    },
    Field {
        name: "official_business_account",
        heading: None,
        value: |row| Value::boolean(row.channel.official_business_account),
    },
    Field { name: "waba_account_id", heading: None, value: |row| Value::text(row.channel.waba_account_id()) },
    Field {
        name: "waba_account_name",
        heading: None,
        value: |row| Value::text(row.channel.waba.as_ref().and_then(|waba| waba.name.as_deref())),
    },
    Field {
        name: "waba_account_verification",
        heading: None,
        value: |row| Value::text(row.channel.waba.as_ref().and_then(|waba| waba.verification.as_deref())),
    },
    Field { name: "new_name_status", heading: None, value: |row| Value::text(row.new_name_status()) },
    Field {
        name: "setup_error",
        heading: None,
        value: |row| Value::text(row.channel.setup_error.as_deref().filter(|error| !error.is_empty())),
    },
    Field { name: "on_business_app", heading: None, value: |row| Value::boolean(row.channel.on_business_app) },
    Field { name: "created_at", heading: None, value: |row| Value::time(row.channel.created_at) },
    Field { name: "cancelled_at", heading: None, value: |row| Value::time(row.channel.cancelled_at) },
    Field { name: "terminated_at", heading: None, value: |row| Value::time(row.channel.terminated_at) },
    Field {
        name: "last_change",
        heading: None,
        value: |row| {
            let text = |change: &LastChange| format!("{} {} -> {}", change.field.as_str(), change.from, change.to);
            Value::text(row.last_change().map(text).as_deref())
        },
    },
    Field {
        name: "last_change_at",
        heading: None,
        value: |row| Value::time(row.last_change().map(|change| change.at)),
    },
    Field { name: "changed_at", heading: None, value: |row| Value::time(row.changed_at) },
];
