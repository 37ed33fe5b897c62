//! A WhatsApp business account (WABA): the account at Meta that a client's
//! numbers belong to.

use super::ShortText;

/// A WABA as a channel's item describes it. Fields that the API leaves out or sends
/// as `null` are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WabaAccount {
    /// 360dialog's id of the account.
    pub id: ShortText,
    /// Its name.
    pub name: Option<ShortText>,
    /// Meta's id of the business portfolio that the account belongs to.
    pub business_id: Option<ShortText>,
    /// `approved`, `banned` and the like, lower case: an open set.
    pub status: Option<ShortText>,
    /// Meta's verification of the business, lower case: an open set.
    pub verification: Option<ShortText>,
}

impl WabaAccount {
    /// An account of which only the id is known.
    pub fn new(id: impl Into<ShortText>) -> Self {
        Self { id: id.into(), name: None, business_id: None, status: None, verification: None }
    }

    /// Whether more than the id is known.
    pub fn is_described(&self) -> bool {
        self.name.is_some() || self.business_id.is_some() || self.status.is_some() || self.verification.is_some()
    }
}
