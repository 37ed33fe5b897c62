//! A partner's client, with the fields of the "Client Management" page.

use super::{ClientId, ShortText, Timestamp};

/// A client of the partner. Fields that the API leaves out or sends as `null`
/// are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The client's id.
    pub id: ClientId,
    /// Company name.
    pub name: Option<ShortText>,
    /// Free text; only `active` is documented.
    pub status: Option<ShortText>,
    /// When the client was created.
    pub created_at: Option<Timestamp>,
    /// When the client was last modified.
    pub modified_at: Option<Timestamp>,
    /// Most channels that the client may have.
    pub max_channels: Option<u64>,
    /// Free text of the partner's own. It may hold anything, secrets included,
    /// so it is never a label.
    pub partner_payload: Option<ShortText>,
    /// Deprecated.
    pub organisation: Option<ShortText>,
    /// Meta business id of the client's first WhatsApp business account.
    pub business_id: Option<ShortText>,
    /// An internal field of the hub.
    pub suspicious: Option<bool>,
}

impl Client {
    /// A client of which only the id is known.
    pub fn new(id: impl Into<ClientId>) -> Self {
        Self {
            id: id.into(),
            name: None,
            status: None,
            created_at: None,
            modified_at: None,
            max_channels: None,
            partner_payload: None,
            organisation: None,
            business_id: None,
            suspicious: None,
        }
    }
}
