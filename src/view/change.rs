//! A change of one field of one channel, as a row.

use super::{Field, Value};
use crate::model::{ChannelId, ClientId, PartnerId, ShortText, Timestamp};

/// One change.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// The partner.
    pub partner: PartnerId,
    /// The owner.
    pub client: ClientId,
    /// The owner's name, if the client is still there.
    pub client_name: Option<ShortText>,
    /// The channel.
    pub channel: ChannelId,
    /// The channel's display name, if the channel is still there.
    pub display_name: Option<ShortText>,
    /// When it was seen.
    pub at: Timestamp,
    /// The field, as the `field` label names it.
    pub field: &'static str,
    /// What it was.
    pub from: ShortText,
    /// What it is.
    pub to: ShortText,
    /// `worse`, `better` or `other`.
    pub direction: &'static str,
}

/// Every field of a change.
pub const CHANGE_FIELDS: &[Field<ChangeRow>] = &[
    Field { name: "at", heading: Some("WHEN"), value: |row| Value::Time(row.at) },
    Field { name: "partner_id", heading: Some("PARTNER"), value: |row| Value::Text(row.partner.to_string()) },
    Field { name: "client_id", heading: Some("CLIENT"), value: |row| Value::Text(row.client.to_string()) },
    Field { name: "client_name", heading: Some("CLIENT NAME"), value: |row| Value::text(row.client_name.as_deref()) },
    Field { name: "channel_id", heading: Some("CHANNEL"), value: |row| Value::Text(row.channel.to_string()) },
    Field {
        name: "display_name",
        heading: Some("DISPLAY NAME"),
        value: |row| Value::text(row.display_name.as_deref()),
    },
    Field { name: "field", heading: Some("FIELD"), value: |row| Value::text(Some(row.field)) },
    Field { name: "from", heading: Some("FROM"), value: |row| Value::text(Some(&row.from)) },
    Field { name: "to", heading: Some("TO"), value: |row| Value::text(Some(&row.to)) },
    Field { name: "direction", heading: Some("DIRECTION"), value: |row| Value::text(Some(row.direction)) },
];

impl ChangeRow {
    /// The names and ids that a search looks through.
    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        [
            self.display_name.as_deref(),
            self.client_name.as_deref(),
            Some(self.channel.as_str()),
            Some(self.client.as_str()),
        ]
        .into_iter()
        .flatten()
    }
}
