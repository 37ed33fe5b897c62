//! What changed since the last publication.

use std::collections::BTreeMap;

use crate::model::ClientId;

/// How much of a client changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only whether and when it was read.
    Freshness,
    /// Anything else.
    Data,
}

/// What changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The clients, each with the most that changed of it. A client that is no
    /// longer there has changed, too.
    pub clients: BTreeMap<ClientId, Change>,
    /// The state of the partner as a whole.
    pub partner: bool,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && !self.partner
    }

    pub(super) fn client(&mut self, id: ClientId, change: Change) {
        let most = self.clients.entry(id).or_insert(change);
        *most = change.max(*most);
    }

    pub(super) fn partner(&mut self) {
        self.partner = true;
    }
}
