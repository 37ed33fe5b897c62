//! The operations: lists read page by page, oddities counted.

mod calls;
mod pagination;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::carried::{Carried, LastReads};
use super::health::Health;
use super::page_size::{PageSize, PageSizes};
use super::pager::{Bounds, Coverage, MAX_CLIENT_PAGES, MAX_ITEMS, Pager, Step};
use super::wire::{self, OwnedChannel};
use super::{ApiError, ApiKey, Pacer, Request, Transport, pacer};
use crate::clock::Clock;
use crate::model::{
    Balance, Channel, ChannelId, Client, ClientId, Endpoint, Field, PartnerId, Reason, RejectReason, ShortText,
};
use crate::telemetry::PartnerInstruments;

pub use calls::Retries;
pub use pagination::Pagination;

/// How the API is to be asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose clients.
    pub partner: PartnerId,
    /// `limit` of a page.
    pub page_size: PageSize,
    /// Largest number of items in one response.
    pub max_items: usize,
}

/// What was learned about a partner's API: the page size that works, the pace, a
/// pending wait included, and what its lists carry.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The page size that works, if one was found.
    pub page_size: Option<usize>,
    /// What the pacer learned.
    pub pacer: Option<pacer::Memory>,
    /// What the channel lists carried when they were last read.
    pub last_reads: LastReads,
}

/// A list that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items, each id once.
    pub items: Vec<T>,
    /// Items as sent, the unreadable ones included.
    pub received: usize,
    /// How much of the list that is.
    pub coverage: Coverage,
    /// When the read began.
    pub started: Instant,
}

impl<T> Listing<T> {
    /// Whether everything that the list holds was seen and read.
    pub fn is_complete(&self) -> bool {
        self.coverage.is_complete()
    }
}

/// What to change about a client. Nothing that is `None` is touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClientUpdate {
    /// Free text of the partner's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_payload: Option<String>,
    /// Most channels that the client may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_channels: Option<u64>,
}

/// One partner's API.
#[derive(Debug)]
pub struct PartnerApi<T> {
    transport: T,
    settings: Settings,
    key: ApiKey,
    pacer: Pacer,
    page_sizes: PageSizes,
    health: Health,
    instruments: PartnerInstruments,
    clock: Clock,
    /// Cleared when the API does not know `sort=id`.
    sort: AtomicBool,
    logged: Mutex<HashSet<(Field, ShortText)>>,
    last_reads: Mutex<LastReads>,
}

impl<T: Transport> PartnerApi<T> {
    /// An API that is asked through `transport`, at the pace of `pacer`.
    pub fn new(
        transport: T,
        settings: Settings,
        key: ApiKey,
        pacer: Pacer,
        instruments: PartnerInstruments,
        clock: Clock,
    ) -> Self {
        Self {
            transport,
            page_sizes: PageSizes::new(settings.page_size),
            settings,
            key,
            pacer,
            health: Health::default(),
            instruments,
            clock,
            sort: AtomicBool::new(true),
            logged: Mutex::default(),
            last_reads: Mutex::default(),
        }
    }

    /// Goes on from what an earlier API of this partner learned.
    pub fn resume(&self, memory: Memory) {
        if let Some(size) = memory.page_size {
            self.page_sizes.resume(size);
        }
        if let Some(pacer) = memory.pacer {
            self.pacer.resume(pacer);
        }
        *self.lock_last_reads() = memory.last_reads;
    }

    /// What the next API of this partner can go on from.
    pub fn memory(&self) -> Memory {
        Memory {
            page_size: self.page_sizes.learned(),
            pacer: Some(self.pacer.memory()),
            last_reads: self.lock_last_reads().clone(),
        }
    }

    /// Whose API it is.
    pub fn partner(&self) -> &PartnerId {
        &self.settings.partner
    }

    /// The request budget.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Requests per second that the pacer allows now.
    pub fn rate(&self) -> f64 {
        self.pacer.rate()
    }

    /// Items that are asked for in one page.
    pub fn page_size(&self) -> usize {
        self.page_sizes.current()
    }

    /// The page size that was found to work, for a later run to begin with;
    /// `None` if it is configured, or not found yet.
    pub fn learned_page_size(&self) -> Option<usize> {
        self.page_sizes.learned()
    }

    /// Whether so many requests failed in a row that nothing but the client list
    /// should be tried.
    pub fn is_outage(&self) -> bool {
        self.health.is_outage()
    }

    /// The key, for whoever watches its file.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Lists all clients of the partner, of which `expected` are known.
    ///
    /// # Errors
    ///
    /// Fails as a whole if one page can't be read. Pages that don't add up are
    /// shown by the coverage.
    pub async fn clients(&self, expected: Option<usize>) -> Result<Listing<Client>, ApiError> {
        let id = |client: &Client| client.id.clone();
        let path = self.path(&["clients"]);
        let bounds = Bounds::growing_from(expected);
        let mut pages = Pagination::new(self, Endpoint::Clients, path, wire::decode_clients_within, id, bounds);
        let mut items = Vec::new();
        while let Some(page) = pages.next_page().await? {
            items.extend(page);
        }
        let (received, started) = (pages.received(), pages.started());
        Ok(Listing { items, received, coverage: pages.finish(), started })
    }

    /// Lists one client's channels.
    ///
    /// # Errors
    ///
    /// As [`PartnerApi::clients`]; [`Reason::NotFound`] and
    /// [`Reason::Forbidden`] speak of this client alone. [`Reason::Decode`] if
    /// all of the channels are said to be another client's.
    pub async fn client_channels(&self, client: &ClientId, retries: Retries) -> Result<Listing<Channel>, ApiError> {
        let endpoint = Endpoint::ClientChannels;
        let path = self.path(&["clients", client.as_str(), "channels"]);
        let started = Instant::now();
        let mut pager = Pager::new(Bounds { items: MAX_ITEMS, pages: MAX_CLIENT_PAGES });
        let (mut channels, mut unreadable, mut foreign, mut received) = (Vec::new(), 0, 0, 0);
        let mut carried = Carried::default();
        // The operation is documented without pages. There are more only if there
        // is an envelope whose total is not what came: one that is less is wrong.
        loop {
            let query = match pager.offset() {
                0 => Vec::new(),
                offset => window(self.page_size(), offset),
            };
            let request = Request { endpoint, path: path.clone(), query, patch: None };
            let page = self.fetch(&request, retries, wire::decode_channels_within).await?;
            unreadable += page.findings.rejected;
            received += page.received;
            carried.add(&page.findings);
            let (before, readable, mut new) = (channels.len(), page.items.len(), 0);
            for OwnedChannel { client: owner, channel } in page.items {
                if !pager.is_new(channel.id.clone()) {
                    continue;
                }
                new += 1;
                if owner.is_none_or(|owner| owner == *client) {
                    channels.push(channel);
                } else {
                    foreign += 1;
                }
            }
            debug_assert!(channels.len() - before <= new, "each channel once");
            self.count_duplicates(endpoint, readable, new);
            let step = pager.page(page.received, new, page.total);
            if step == Step::End || page.total.is_none_or(|total| total == pager.offset() as u64) {
                break;
            }
        }
        if foreign > 0 {
            self.count_foreign(foreign);
            if channels.is_empty() {
                let found = format!("expected channels of this client, found {foreign} of others");
                return self.count_failure(endpoint, Err(ApiError::new(Reason::Decode, found)));
            }
        }
        let sum = self.lock_last_reads().client_read(client, carried);
        self.instruments.items(endpoint, &sum.keys);
        let coverage = self.record_coverage(endpoint, pager.finish(unreadable));
        Ok(Listing { items: channels, received, coverage, started })
    }

    /// Lists the channels of all of the partner's clients, page by page: the
    /// list of a large partner is not held in memory twice. `expected` are
    /// known.
    pub fn partner_channels(&self, expected: Option<usize>) -> Pagination<'_, T, OwnedChannel, ChannelId> {
        let id = |item: &OwnedChannel| item.channel.id.clone();
        let path = self.path(&["channels"]);
        let bounds = Bounds::growing_from(expected);
        Pagination::new(self, Endpoint::PartnerChannels, path, wire::decode_channels_within, id, bounds)
    }

    /// Updates one client: the API's one write, and only ever on a person's
    /// command. It is sent once and never again by itself.
    ///
    /// # Errors
    ///
    /// Says what the API said.
    pub async fn update_client(&self, client: &ClientId, update: &ClientUpdate) -> Result<Client, ApiError> {
        let endpoint = Endpoint::ClientUpdate;
        let body = serde_json::to_string(update)
            .map_err(|e| ApiError::new(Reason::Other, format!("cannot write the update: {e}")))?;
        let path = self.path(&["clients", client.as_str()]);
        let request = Request { endpoint, path, query: Vec::new(), patch: Some(body) };
        let body = self.call(&request, Retries::None).await?;
        let (client, findings) = self.count_failure(endpoint, wire::decode_client(&body))?;
        self.record_findings(endpoint, &findings);
        Ok(client)
    }

    /// The partner's prepaid balances, one per currency.
    ///
    /// # Errors
    ///
    /// [`Reason::Forbidden`] and [`Reason::NotFound`] speak of balances alone.
    pub async fn partner_balance(&self) -> Result<Vec<Balance>, ApiError> {
        self.balance(Endpoint::PartnerBalance, self.path(&["balance"])).await
    }

    /// A client's prepaid balances, one per currency.
    ///
    /// # Errors
    ///
    /// As [`PartnerApi::partner_balance`].
    pub async fn client_balance(&self, client: &ClientId) -> Result<Vec<Balance>, ApiError> {
        let path = self.path(&["clients", client.as_str(), "info", "balance"]);
        self.balance(Endpoint::ClientBalance, path).await
    }

    /// Sent once: what fails is read again an hour later, and the budget is for
    /// channels.
    async fn balance(&self, endpoint: Endpoint, path: Vec<String>) -> Result<Vec<Balance>, ApiError> {
        self.pacer.idle().await;
        let request = Request { endpoint, path, query: Vec::new(), patch: None };
        let body = self.call(&request, Retries::None).await?;
        let (balances, unreadable) = self.count_failure(endpoint, wire::decode_balances(&body))?;
        if unreadable > 0 {
            self.instruments.rejected(endpoint, RejectReason::Unreadable, unreadable);
        }
        Ok(balances)
    }

    fn path(&self, rest: &[&str]) -> Vec<String> {
        ["partners", self.settings.partner.as_str()].iter().chain(rest).map(|&s| s.to_owned()).collect()
    }
}

fn window(size: usize, offset: usize) -> Vec<(&'static str, String)> {
    vec![("limit", size.to_string()), ("offset", offset.to_string())]
}

#[cfg(test)]
mod tests;
