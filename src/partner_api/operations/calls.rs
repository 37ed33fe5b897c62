//! Requests: paced, sent, sent again where that may help, and counted.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tracing::{debug, warn};

use super::*;
use crate::partner_api::carried::Drift;
use crate::partner_api::check_response::{check_response, is_json};
use crate::partner_api::wire::{Findings, Page};

/// How often a request that failed for a transient reason is sent again.
const RETRIES: usize = 2;

/// Unknown values that are remembered as logged; beyond it they are only
/// counted, so that nonsense can't fill the memory or the log.
const MAX_LOGGED_VALUES: usize = 256;

/// Reads a page of at most so many items.
pub(super) type Decode<I> = fn(&[u8], usize) -> Result<Page<I>, ApiError>;

/// Whether a request that failed is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retries {
    /// Where that may help.
    #[default]
    Transient,
    /// Where that may help, but not after a time-out: that holds a place for long.
    Quick,
    /// Only if the key changed meanwhile.
    None,
}

impl Retries {
    /// Whether a request that failed for this reason is sent again.
    fn follow(self, reason: Reason) -> bool {
        match self {
            Self::Transient => reason.is_transient(),
            Self::Quick => reason.is_transient() && reason != Reason::Timeout,
            Self::None => false,
        }
    }
}

impl<T: Transport> PartnerApi<T> {
    /// A page, asked for again once if it is no JSON: a gateway spoke, or the
    /// body was cut.
    pub(super) async fn fetch<I>(
        &self,
        request: &Request,
        retries: Retries,
        decode: Decode<I>,
    ) -> Result<Page<I>, ApiError> {
        let body = self.call(request, retries).await?;
        let max_items = self.settings.max_items;
        let mut page = self.record_page(request.endpoint, decode(&body, max_items));
        if page.is_err() && retries != Retries::None && !is_json(&body) {
            self.health.ended(false);
            self.instruments.retry(Reason::Decode);
            let body = self.call(request, retries).await?;
            page = self.record_page(request.endpoint, decode(&body, max_items));
        }
        page
    }

    /// A page that may be too large is not asked for again in the same size.
    pub(super) fn retries_of_a_page(&self, _size: usize) -> Retries {
        Retries::Transient
    }

    /// A request that is sent again when that may help. In an outage nothing is:
    /// what waits to be sent again gives way to the client list.
    pub(super) async fn call(&self, request: &Request, retries: Retries) -> Result<Bytes, ApiError> {
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_secs(1))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        let urgent = request.endpoint == Endpoint::Clients;
        let mut key_was_read_again = false;
        self.pacer.acquire(urgent).await;
        loop {
            let key = self.key.current();
            let failure = match self.attempt(request, &key).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            if failure.reason == Reason::Unauthorized && !key_was_read_again {
                key_was_read_again = true;
                if !self.key_changed_since(&key) {
                    return Err(failure);
                }
                debug!(partner = %self.settings.partner, "the key file holds another key, trying that");
                self.pacer.acquire(urgent).await;
                continue;
            }
            if !retries.follow(failure.reason) || self.is_outage() {
                return Err(failure);
            }
            let Some(wait) = waits.next() else { return Err(failure) };
            debug!(partner = %self.settings.partner, endpoint = request.endpoint.as_str(), reason = %failure.reason, %failure, "request failed, trying again");
            tokio::select! {
                biased;
                () = self.health.outage() => return Err(failure),
                () = self.wait_to_retry(&failure, wait, urgent) => self.instruments.retry(failure.reason),
            }
        }
    }

    async fn wait_to_retry(&self, failure: &ApiError, wait: Duration, urgent: bool) {
        // Where the API named a time, the pacer waits.
        if failure.reason != Reason::RateLimited && failure.retry_after.is_none() {
            tokio::time::sleep(wait).await;
        }
        self.pacer.acquire(urgent).await;
    }

    /// Whether the key is another one than the one that was refused. Another
    /// request may have read the file before this one was refused, so that what
    /// counts is the key that this one was sent with.
    fn key_changed_since(&self, refused: &SecretString) -> bool {
        if let Err(e) = self.key.reload() {
            warn!(partner = %self.settings.partner, error = %e, "cannot read the API key file, keeping the current key");
        }
        self.key.current().expose_secret() != refused.expose_secret()
    }

    async fn attempt(&self, request: &Request, key: &SecretString) -> Result<Bytes, ApiError> {
        let started = Instant::now();
        let response = self.transport.send(request, key).await;
        self.instruments.request(request.endpoint, started.elapsed());
        let checked = response.and_then(|response| check_response(response, self.clock.now()));
        let failure = checked.as_ref().err();
        match failure {
            Some(failure) if failure.reason == Reason::RateLimited => {
                self.pacer.on_rate_limited(started, failure.retry_after);
            }
            Some(ApiError { retry_after: Some(wait), .. }) => self.pacer.pause(*wait),
            _ => {}
        }
        self.health.ended(failure.is_none());
        self.page_sizes.ended(request.endpoint, failure.map(|failure| failure.reason));
        self.count_failure(request.endpoint, checked)
    }

    /// Counts the failure, if it is one.
    pub(super) fn count_failure<V>(&self, endpoint: Endpoint, result: Result<V, ApiError>) -> Result<V, ApiError> {
        if let Err(failure) = &result {
            self.instruments.failure(endpoint, failure.reason, self.clock.now());
        }
        result
    }

    /// Counts the failure or what was odd about the page.
    fn record_page<I>(&self, endpoint: Endpoint, page: Result<Page<I>, ApiError>) -> Result<Page<I>, ApiError> {
        if let Ok(page) = &page {
            self.record_findings(endpoint, &page.findings);
        }
        self.count_failure(endpoint, page)
    }

    pub(super) fn record_findings(&self, endpoint: Endpoint, findings: &Findings) {
        if findings.rejected > 0 {
            self.instruments.rejected(endpoint, RejectReason::Unreadable, findings.rejected);
            warn!(partner = %self.settings.partner, endpoint = endpoint.as_str(), items = findings.rejected, "skipped items of a response that could not be read");
        }
        if findings.unknown.is_empty() {
            return;
        }
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        for (field, value) in &findings.unknown {
            self.instruments.unknown_value(*field);
            if logged.len() < MAX_LOGGED_VALUES && logged.insert((*field, value.clone())) {
                let shown: String = value.chars().take(80).collect();
                warn!(partner = %self.settings.partner, field = field.as_str(), value = shown, "the API sent a value that this version does not know");
            }
        }
    }

    /// Counts items whose id came before. A page that brings nothing new is how
    /// a list ends at some servers, and no oddity.
    pub(super) fn count_duplicates(&self, endpoint: Endpoint, readable: usize, fresh: usize) {
        if fresh > 0 && readable > fresh {
            self.instruments.rejected(endpoint, RejectReason::Duplicate, readable - fresh);
        }
    }

    pub(super) fn lock_last_reads(&self) -> MutexGuard<'_, LastReads> {
        self.last_reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what a list carried that was read page by page.
    pub(super) fn record_items(&self, endpoint: Endpoint, received: usize, carried: Carried) {
        if endpoint == Endpoint::PartnerChannels {
            self.lock_last_reads().partner_read(carried);
            self.instruments.items(endpoint, &carried.keys);
        } else {
            self.instruments.items_without_keys(endpoint, received);
        }
    }

    /// What each channel list carried when it was last read.
    pub fn last_reads(&self) -> LastReads {
        self.lock_last_reads().clone()
    }

    /// Forgets what the lists of clients carried that are not among these.
    pub fn keep_clients(&self, ids: &BTreeSet<ClientId>) {
        if let Some(sum) = self.lock_last_reads().keep_clients(ids) {
            self.instruments.items(Endpoint::ClientChannels, &sum.keys);
        }
    }

    /// Logs once that a field comes in another way than before. For the end of a
    /// cycle: within one, a few clients would speak for all.
    pub fn log_drift(&self) {
        let partner = &self.settings.partner;
        for drift in self.lock_last_reads().new_drift() {
            match drift {
                Drift::Missing(field) => {
                    warn!(%partner, field = field.as_str(), "half of the channels or more come without this field, nothing can be said about it; look for a newer version of the exporter");
                }
                Drift::Unknown(field) => {
                    warn!(%partner, field = field.as_str(), "most values of this field are unknown to this version; look for a newer version of the exporter");
                }
            }
        }
    }

    /// Counts a list whose pages do not add up: what came is used.
    pub(super) fn record_coverage(&self, endpoint: Endpoint, coverage: Coverage) -> Coverage {
        if !coverage.adds_up {
            self.instruments.failure(endpoint, Reason::Paging, self.clock.now());
            debug!(partner = %self.settings.partner, endpoint = endpoint.as_str(), "the items of a list do not add up to its total");
        }
        coverage
    }

    /// Counts channels in a response that are another client's.
    pub(super) fn count_foreign(&self, channels: usize) {
        self.instruments.rejected(Endpoint::ClientChannels, RejectReason::Foreign, channels);
    }

    /// Counts channels of the partner's list that can't be attributed: they name
    /// no owner, or one that is not in the client list.
    pub fn count_ownerless(&self, channels: usize) {
        self.instruments.rejected(Endpoint::PartnerChannels, RejectReason::Ownerless, channels);
    }

    /// Counts a partner channel list of which most items name no owner.
    pub fn count_unowned_list(&self) {
        self.instruments.failure(Endpoint::PartnerChannels, Reason::Decode, self.clock.now());
    }
}
