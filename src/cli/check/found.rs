//! What `check --live` learned from the API about one partner. Never here: how it
//! is read or printed.

use crate::cli::access;
use crate::config::PartnerConfig;
use crate::model::{Balance, Channel, Client, ClientId, Endpoint};
use crate::partner_api::{ApiError, Carried, Listing};
use crate::poller::{Pace, Strategy};

/// What the API returned to one partner.
#[derive(Debug)]
pub(super) struct Found {
    /// What the pacer starts with.
    pub(super) pace: Pace,
    /// This shard's clients.
    pub(super) clients: Result<Listing<Client>, ApiError>,
    /// The channels of one client, if there is one.
    pub(super) client_channels: Option<(ClientId, Result<Listing<Channel>, ApiError>)>,
    /// How many channels the partner's list holds for this shard; not asked for
    /// without a list of clients.
    pub(super) partner_channels: Option<Result<usize, ApiError>>,
    /// What the channel lists that were read carried.
    pub(super) carried: Vec<(Endpoint, Carried)>,
    /// The partner's prepaid balances; not asked for without a list of clients.
    pub(super) balances: Option<Result<Vec<Balance>, ApiError>>,
    /// Series of everything that was read.
    pub(super) series: usize,
    /// Series of one client with one channel, as they would be exported.
    pub(super) sample: String,
}

impl Found {
    /// What keeps the exporter from its work, and what to do. A list that the
    /// strategy can do without is no problem.
    pub(super) fn problems(&self, partner: &PartnerConfig) -> Vec<String> {
        if let Err(error) = &self.clients {
            return vec![access::failure(partner, "list the clients", error)];
        }
        let single = self.client_channels.as_ref().and_then(|(id, read)| {
            let error = read.as_ref().err()?;
            Some(access::failure(partner, &format!("read the channels of the client `{id}`"), error))
        });
        let bulk = self.partner_channels.as_ref().and_then(|read| read.as_ref().err());
        let bulk = bulk.map(|error| access::failure(partner, "read the partner's channel list", error));
        match (partner.settings.poll.strategy, single, bulk) {
            (Strategy::PerClient, single, _) => single.into_iter().collect(),
            (Strategy::Bulk, _, bulk) => bulk.into_iter().collect(),
            (Strategy::Auto, Some(single), Some(bulk)) => vec![single, bulk],
            (Strategy::Auto, _, _) => Vec::new(),
        }
    }
}
