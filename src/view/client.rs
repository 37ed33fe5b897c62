//! A client as a row: what the API says of it, and how many of its channels it
//! uses.

use std::sync::Arc;

use super::{Field, Value};
use crate::model::{Client, PartnerId, Timestamp};

/// A client, whose it is, and what is known of its channels.
#[derive(Debug, Clone)]
pub struct ClientRow {
    /// The partner.
    pub partner: PartnerId,
    /// The client.
    pub client: Arc<Client>,
    /// How many channels it has; `None` if they were not read.
    pub channels: Option<u64>,
    /// How many of them need a person; `None` if they were not read.
    pub attention: Option<u64>,
    /// Whether its channels could be read last time; `None` before the first
    /// time.
    pub up: Option<bool>,
    /// When its channels were last read as a whole.
    pub last_refresh: Option<Timestamp>,
    /// Whether what was read is too old to be shown.
    pub expired: bool,
}

impl ClientRow {
    /// A client of which only the API's own words are known.
    pub fn new(partner: PartnerId, client: Client) -> Self {
        let client = Arc::new(client);
        Self { partner, client, channels: None, attention: None, up: None, last_refresh: None, expired: false }
    }

    /// Whether its data is missing or ages: its last read failed, or what was
    /// read has expired.
    pub fn is_unreadable(&self) -> bool {
        self.up == Some(false) || self.expired
    }

    /// The names and ids that a search looks through.
    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        [self.client.name.as_deref(), Some(self.client.id.as_str())].into_iter().flatten()
    }
}

/// Where [`CLIENT_FIELDS`] has the partner's free text, which may hold secrets: a
/// web server leaves it out.
pub const PARTNER_PAYLOAD: usize = 8;

/// Every field of a client.
pub const CLIENT_FIELDS: &[Field<ClientRow>] = &[
    Field { name: "partner_id", heading: Some("PARTNER"), value: |row| Value::Text(row.partner.to_string()) },
    Field { name: "id", heading: Some("ID"), value: |row| Value::Text(row.client.id.to_string()) },
    Field { name: "name", heading: Some("NAME"), value: |row| Value::text(row.client.name.as_deref()) },
    Field { name: "status", heading: Some("STATUS"), value: |row| Value::text(row.client.status.as_deref()) },
    Field { name: "channels", heading: Some("CHANNELS"), value: |row| Value::count(row.channels) },
    Field { name: "max_channels", heading: Some("MAX"), value: |row| Value::count(row.client.max_channels) },
    Field { name: "created_at", heading: Some("CREATED"), value: |row| Value::time(row.client.created_at) },
    Field { name: "modified_at", heading: None, value: |row| Value::time(row.client.modified_at) },
    // May hold anything and be of any length.
    Field { name: "partner_payload", heading: None, value: |row| Value::text(row.client.partner_payload.as_deref()) },
    Field { name: "organisation", heading: None, value: |row| Value::text(row.client.organisation.as_deref()) },
    Field { name: "business_id", heading: None, value: |row| Value::text(row.client.business_id.as_deref()) },
    Field { name: "suspicious", heading: None, value: |row| Value::boolean(row.client.suspicious) },
];
