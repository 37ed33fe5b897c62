//! Clients whose channels can't be read: logged when it begins and when it is
//! over, never per cycle, and only the first few by name.

use std::collections::BTreeMap;

use tracing::{info, warn};

use super::lasted;
use crate::model::{ClientId, Failure, PartnerId, Reason, Timestamp};

/// So many clients are logged by name at the same time. Who fails beside them is
/// on the pages and in `d360_client_up`.
const NAMED: usize = 3;

/// What was logged about clients that can't be read.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    clients: BTreeMap<ClientId, (Timestamp, Logged)>,
    /// Since when there are too many to name.
    many: Option<Timestamp>,
    /// Since when the partner's channel list can't be read.
    bulk: Option<Timestamp>,
}

/// What was logged about one client since it can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logged {
    /// Nothing yet: its key was refused once, which the client list will explain.
    Nothing,
    /// A line of its own.
    Named,
    /// It is one of many.
    Counted,
}

impl Unreadable {
    /// A client's channels could not be read. During an outage of the whole API
    /// its own lines say enough; whom it leaves unreadable is logged then.
    pub(super) fn begins(
        &mut self,
        partner: &PartnerId,
        client: &ClientId,
        failure: &Failure,
        outage: bool,
        now: Timestamp,
    ) {
        let Failure { reason, error } = failure;
        let known = self.clients.get(client).copied();
        if outage || known.is_some_and(|(_, logged)| logged != Logged::Nothing) {
            return;
        }
        let (since, logged) = match known {
            None if *reason == Reason::Unauthorized => (now, Logged::Nothing),
            known => (known.map_or(now, |(since, _)| since), self.place()),
        };
        self.clients.insert(client.clone(), (since, logged));
        let (cause, remedy) = (reason.in_words(), reason.remedy());
        match logged {
            Logged::Nothing => {}
            Logged::Named => {
                warn!(%partner, %client, reason = reason.as_str(), error, remedy, "cannot read the client's channels: {cause}");
            }
            Logged::Counted if self.many.is_some() => {}
            Logged::Counted => {
                self.many = Some(now);
                warn!(%partner, reason = reason.as_str(), error, remedy, "cannot read the channels of more clients: {cause}");
            }
        }
    }

    /// By name as long as few are.
    fn place(&self) -> Logged {
        let named = self.clients.values().filter(|(_, logged)| *logged == Logged::Named).count();
        if named < NAMED { Logged::Named } else { Logged::Counted }
    }

    /// A client's channels were read.
    pub(super) fn ends(&mut self, partner: &PartnerId, client: &ClientId, now: Timestamp) {
        if let Some((since, Logged::Named)) = self.clients.remove(client) {
            info!(%partner, %client, lasted = lasted(since, now), "the client's channels can be read again");
        }
        if self.clients.is_empty()
            && let Some(since) = self.many.take()
        {
            info!(%partner, lasted = lasted(since, now), "the channels of all clients can be read again");
        }
    }

    /// A client has left.
    pub(super) fn forget(&mut self, client: &ClientId) {
        self.clients.remove(client);
    }

    /// The partner's channel list could not be read.
    pub(super) fn bulk_begins(&mut self, partner: &PartnerId, failure: &Failure, outage: bool, now: Timestamp) {
        if outage || self.bulk.is_some() {
            return;
        }
        self.bulk = Some(now);
        let Failure { reason, error } = failure;
        let (cause, remedy) = (reason.in_words(), reason.remedy());
        warn!(%partner, reason = reason.as_str(), error, remedy, "cannot read the partner's channel list: {cause}");
    }

    /// The partner's channel list was read.
    pub(super) fn bulk_ends(&mut self, partner: &PartnerId, now: Timestamp) {
        if let Some(since) = self.bulk.take() {
            info!(%partner, lasted = lasted(since, now), "the partner's channel list can be read again");
        }
    }
}
