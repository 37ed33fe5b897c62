//! The operations: pages walked, oddities counted, failures retried.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::pager::{MAX_CLIENT_PAGES, MAX_ITEMS, Pager, Step, Walked};
use super::wire::{self, Findings, OwnedChannel, Page};
use super::{ApiError, ApiKey, Pacer, Request, Response, Transport};
use crate::clock::Clock;
use crate::model::{
    Channel, ChannelId, Client, ClientId, Endpoint, Field, PartnerId, Reason, RejectReason, ShortText, Timestamp,
};
use crate::redaction::{is_invisible, redact};
use crate::telemetry::PartnerInstruments;

/// How often a request that failed for a transient reason is sent again.
const RETRIES: usize = 2;

/// Unknown values that are remembered as logged; beyond it they are only
/// counted, so that nonsense can't fill the memory or the log.
const MOST_LOGGED_VALUES: usize = 256;

/// How many items are asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSize {
    /// As many as the API gives.
    Auto,
    /// So many.
    Fixed(usize),
}

impl PageSize {
    /// The first `limit` to ask for.
    pub fn first(self) -> usize {
        match self {
            Self::Auto => 200,
            Self::Fixed(size) => size,
        }
    }
}

/// How the API is to be asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose clients.
    pub partner: PartnerId,
    /// `limit` of a page.
    pub page_size: usize,
}

/// A list that was walked to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items, each id once.
    pub items: Vec<T>,
    /// Whether what is missing from the list is gone.
    pub complete: bool,
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
    instruments: PartnerInstruments,
    clock: Clock,
    /// Cleared when the API does not know `sort=id`.
    sort: AtomicBool,
    logged: Mutex<HashSet<(Field, ShortText)>>,
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
            settings,
            key,
            pacer,
            instruments,
            clock,
            sort: AtomicBool::new(true),
            logged: Mutex::default(),
        }
    }

    /// Whose API it is.
    pub fn partner(&self) -> &PartnerId {
        &self.settings.partner
    }

    /// Requests per second that the pacer allows now.
    pub fn rate(&self) -> f64 {
        self.pacer.rate()
    }

    /// Items that are asked for in one page.
    pub fn page_size(&self) -> usize {
        self.settings.page_size
    }

    /// The key, for whoever watches its file.
    pub fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Lists all clients of the partner.
    ///
    /// # Errors
    ///
    /// Fails as a whole if one page can't be read, or the pages don't add up.
    pub async fn clients(&self) -> Result<Listing<Client>, ApiError> {
        let mut walk = Walk {
            api: self,
            endpoint: Endpoint::Clients,
            path: self.path(&["clients"]),
            decode: wire::decode_clients,
            id: |client: &Client| client.id.clone(),
            pager: Pager::default(),
            rejected: 0,
            ended: false,
        };
        let mut items = Vec::new();
        while let Some(page) = walk.next_page().await? {
            items.extend(page);
        }
        let complete = walk.finish()?;
        Ok(Listing { items, complete })
    }

    /// Lists one client's channels.
    ///
    /// # Errors
    ///
    /// As [`PartnerApi::clients`]; [`Reason::NotFound`] and
    /// [`Reason::Forbidden`] speak of this client alone.
    pub async fn client_channels(&self, client: &ClientId) -> Result<Listing<Channel>, ApiError> {
        let endpoint = Endpoint::ClientChannels;
        let path = self.path(&["clients", client.as_str(), "channels"]);
        let mut pager = Pager::with_caps(MAX_ITEMS, MAX_CLIENT_PAGES);
        let mut channels = Vec::new();
        let mut rejected = 0;
        // The operation is documented without pages. It is walked on unless there
        // is no envelope, or its total is what came: one that is less is wrong.
        loop {
            let query = match pager.offset() {
                0 => Vec::new(),
                offset => self.window(offset),
            };
            let request = Request { endpoint, path: path.clone(), query, patch: None };
            let body = self.call(&request).await?;
            let page = self.noted(endpoint, wire::decode_channels(&body))?;
            rejected += page.findings.rejected;
            let (received, total) = (page.received, page.total);
            let (before, readable) = (channels.len(), page.items.len());
            let new = page.items.into_iter().filter(|item| pager.is_new(item.channel.id.clone()));
            channels.extend(new.map(|item| item.channel));
            let fresh = channels.len() - before;
            self.count_duplicates(endpoint, readable, fresh);
            let step = self.noted_error(endpoint, pager.page(received, fresh, total))?;
            let more = total.is_some_and(|total| total != pager.offset() as u64);
            if step == Step::End || !more {
                let complete = self.finish(endpoint, pager, rejected)?.complete;
                return Ok(Listing { items: channels, complete });
            }
        }
    }

    /// Lists the channels of all of the partner's clients, page by page: the
    /// list of a large partner is not held in memory twice.
    pub fn partner_channels(&self) -> Walk<'_, T, OwnedChannel, ChannelId> {
        Walk {
            api: self,
            endpoint: Endpoint::PartnerChannels,
            path: self.path(&["channels"]),
            decode: wire::decode_channels,
            id: |item| item.channel.id.clone(),
            pager: Pager::default(),
            rejected: 0,
            ended: false,
        }
    }

    /// Counts channels of the partner's list whose owner is not in its client
    /// list: they can't be attributed, and the next cycle will tell.
    pub fn rejected_strays(&self, channels: usize) {
        self.instruments.rejected(Endpoint::PartnerChannels, RejectReason::Ownerless, channels);
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
        let body = self.call_once(&request).await?;
        let (client, findings) = self.noted_error(endpoint, wire::decode_client(&body))?;
        self.note(endpoint, &findings);
        Ok(client)
    }

    /// Counts items whose id came before. A page that brings nothing new is how
    /// a walk ends at some servers, and no oddity.
    fn count_duplicates(&self, endpoint: Endpoint, readable: usize, fresh: usize) {
        if fresh > 0 && readable > fresh {
            self.instruments.rejected(endpoint, RejectReason::Duplicate, readable - fresh);
        }
    }

    /// Judges a finished walk and counts what was odd about it.
    fn finish<Id: Eq + Hash>(&self, endpoint: Endpoint, pager: Pager<Id>, rejected: usize) -> Result<Walked, ApiError> {
        let walked = self.noted_error(endpoint, pager.finish(rejected))?;
        if !walked.complete && rejected == 0 {
            // What came is used, but the pages did not add up.
            self.instruments.failure(endpoint, Reason::Paging, self.clock.now());
            debug!(partner = %self.settings.partner, endpoint = endpoint.as_str(), "the total of a list does not match its items");
        }
        Ok(walked)
    }

    /// A request that is sent again when that may help.
    async fn call(&self, request: &Request) -> Result<Bytes, ApiError> {
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_secs(1))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        loop {
            let failure = match self.call_once(request).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            if !failure.reason.is_transient() {
                return Err(failure);
            }
            let Some(wait) = waits.next() else { return Err(failure) };
            self.instruments.retry(failure.reason);
            debug!(partner = %self.settings.partner, endpoint = request.endpoint.as_str(), reason = %failure.reason, %failure, "request failed, trying again");
            // After a 429 the pacer waits.
            if failure.reason != Reason::RateLimited {
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// One request; a second one only if a 401 finds that the key has changed.
    async fn call_once(&self, request: &Request) -> Result<Bytes, ApiError> {
        let mut key_was_read_again = false;
        loop {
            self.pacer.acquire().await;
            let key = self.key.current();
            let failure = match self.attempt(request, &key).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            if failure.reason != Reason::Unauthorized || key_was_read_again {
                return Err(failure);
            }
            key_was_read_again = true;
            if let Err(e) = self.key.reload() {
                warn!(partner = %self.settings.partner, error = %e, "cannot read the key file");
            }
            // Another request may have read the file before this one was refused,
            // so that what counts is the key that this one was sent with.
            if self.key.current().expose_secret() == key.expose_secret() {
                return Err(failure);
            }
            debug!(partner = %self.settings.partner, "the key file holds another key, trying that");
        }
    }

    async fn attempt(&self, request: &Request, key: &SecretString) -> Result<Bytes, ApiError> {
        let started = Instant::now();
        let answer = self.transport.send(request, key).await;
        self.instruments.request(request.endpoint, started.elapsed());
        let judged = answer.and_then(|response| judge(response, self.clock.now()));
        if let Err(failure) = &judged
            && failure.reason == Reason::RateLimited
        {
            self.pacer.refused(started, failure.retry_after);
        }
        self.noted_error(request.endpoint, judged)
    }

    /// Counts the failure, if it is one.
    fn noted_error<V>(&self, endpoint: Endpoint, result: Result<V, ApiError>) -> Result<V, ApiError> {
        if let Err(failure) = &result {
            self.instruments.failure(endpoint, failure.reason, self.clock.now());
        }
        result
    }

    /// Counts the failure or what was odd about the page.
    fn noted<I>(&self, endpoint: Endpoint, page: Result<Page<I>, ApiError>) -> Result<Page<I>, ApiError> {
        if let Ok(page) = &page {
            self.note(endpoint, &page.findings);
        }
        self.noted_error(endpoint, page)
    }

    fn note(&self, endpoint: Endpoint, findings: &Findings) {
        if findings.rejected > 0 {
            self.instruments.rejected(endpoint, RejectReason::Unreadable, findings.rejected);
            warn!(partner = %self.settings.partner, endpoint = endpoint.as_str(), items = findings.rejected, "items of an answer could not be read and were left out");
        }
        if findings.unknown.is_empty() {
            return;
        }
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        for (field, value) in &findings.unknown {
            self.instruments.unknown_value(*field);
            if logged.len() < MOST_LOGGED_VALUES && logged.insert((*field, value.clone())) {
                let shown: String = value.chars().take(80).collect();
                warn!(partner = %self.settings.partner, field = field.as_str(), value = shown, "the API sent a value that this version does not know");
            }
        }
    }

    fn path(&self, rest: &[&str]) -> Vec<String> {
        ["partners", self.settings.partner.as_str()].iter().chain(rest).map(|&s| s.to_owned()).collect()
    }

    fn window(&self, offset: usize) -> Vec<(&'static str, String)> {
        vec![("limit", self.settings.page_size.to_string()), ("offset", offset.to_string())]
    }
}

/// A walk through a paged list, page by page.
#[derive(Debug)]
pub struct Walk<'a, T, I, Id> {
    api: &'a PartnerApi<T>,
    endpoint: Endpoint,
    path: Vec<String>,
    decode: fn(&[u8]) -> Result<Page<I>, ApiError>,
    id: fn(&I) -> Id,
    pager: Pager<Id>,
    rejected: usize,
    ended: bool,
}

impl<T: Transport, I, Id: Eq + Hash> Walk<'_, T, I, Id> {
    /// The items of the next page that did not come before; `None` behind the
    /// last page.
    ///
    /// # Errors
    ///
    /// Fails if the page can't be read or the list does not end; the walk is
    /// over then.
    pub async fn next_page(&mut self) -> Result<Option<Vec<I>>, ApiError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.request().await?;
        self.rejected += page.findings.rejected;
        let readable = page.items.len();
        let (id, pager) = (self.id, &mut self.pager);
        let new: Vec<I> = page.items.into_iter().filter(|item| pager.is_new(id(item))).collect();
        self.api.count_duplicates(self.endpoint, readable, new.len());
        let step = self.pager.page(page.received, new.len(), page.total);
        self.ended = self.api.noted_error(self.endpoint, step)? == Step::End;
        Ok(if self.ended { None } else { Some(new) })
    }

    /// Judges the walk behind its last page: true if what is missing from the
    /// list is gone.
    ///
    /// # Errors
    ///
    /// Fails if the pages don't add up.
    pub fn finish(self) -> Result<bool, ApiError> {
        Ok(self.api.finish(self.endpoint, self.pager, self.rejected)?.complete)
    }

    async fn request(&self) -> Result<Page<I>, ApiError> {
        let Self { api, endpoint, decode, .. } = *self;
        loop {
            let mut query = api.window(self.pager.offset());
            let sorted = api.sort.load(Ordering::Relaxed);
            if sorted {
                query.push(("sort", "id".to_owned()));
            }
            let request = Request { endpoint, path: self.path.clone(), query, patch: None };
            match api.call(&request).await {
                Err(e) if e.status == Some(400) && sorted && self.pager.offset() == 0 => {
                    debug!(endpoint = endpoint.as_str(), "the API does not sort by id, listing unsorted");
                    api.sort.store(false, Ordering::Relaxed);
                }
                answer => return api.noted(endpoint, decode(&answer?)),
            }
        }
    }
}

/// Tells an answer from a failure by its status alone.
fn judge(response: Response, now: Timestamp) -> Result<Bytes, ApiError> {
    let reason = match response.status {
        200..=299 => return Ok(response.body),
        300..=399 => Reason::Redirect,
        401 => Reason::Unauthorized,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        408 => Reason::Timeout,
        429 => Reason::RateLimited,
        500..=599 => Reason::ServerError,
        _ => Reason::Other,
    };
    let said = message(&response.body).map_or_else(String::new, |m| format!(": {m}"));
    Err(ApiError {
        reason,
        detail: format!("expected status 200, found {}{said}", response.status),
        status: Some(response.status),
        retry_after: response.retry_after.and_then(|value| retry_after(&value, now)),
    })
}

/// What an error body says, as far as one can tell: several forms are in use.
/// An API that repeats the key it refuses must not get it into the log.
fn message(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = ["/meta/developer_message", "/error_description", "/error/message", "/error", "/message"]
        .iter()
        .find_map(|pointer| json.pointer(pointer)?.as_str())?;
    // Before it is cut: a part of a key is not found any more.
    Some(redact(text).chars().filter(|c| !is_invisible(*c)).take(200).collect())
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
    Some(Duration::try_from(Timestamp::from(date).duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
