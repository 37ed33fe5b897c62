//! A paged list, page by page.

use std::hash::Hash;

use tracing::debug;

use super::calls::Decode;
use super::*;
use crate::partner_api::wire::Page;

/// A read of a paged list, page by page.
#[derive(Debug)]
pub struct Pagination<'a, T, I, Id> {
    api: &'a PartnerApi<T>,
    endpoint: Endpoint,
    path: Vec<String>,
    decode: Decode<I>,
    id: fn(&I) -> Id,
    pager: Pager<Id>,
    started: Instant,
    received: usize,
    unreadable: usize,
    carried: Carried,
    ended: bool,
}

impl<'a, T: Transport, I, Id: Eq + Hash + Clone> Pagination<'a, T, I, Id> {
    pub(super) fn new(
        api: &'a PartnerApi<T>,
        endpoint: Endpoint,
        path: Vec<String>,
        decode: Decode<I>,
        id: fn(&I) -> Id,
        bounds: Bounds,
    ) -> Self {
        let (pager, started) = (Pager::new(bounds), Instant::now());
        let (received, unreadable, carried) = (0, 0, Carried::default());
        Self { api, endpoint, path, decode, id, pager, started, received, unreadable, carried, ended: false }
    }

    /// When the read began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Items that came, as sent.
    pub fn received(&self) -> usize {
        self.received
    }

    /// The items of the next page that did not come before; `None` behind the
    /// last page.
    ///
    /// # Errors
    ///
    /// Fails if the page can't be read; the read is over then.
    pub async fn next_page(&mut self) -> Result<Option<Vec<I>>, ApiError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.request().await?;
        self.unreadable += page.findings.rejected;
        self.carried.add(&page.findings);
        self.received += page.received;
        let readable = page.items.len();
        let (id, pager) = (self.id, &mut self.pager);
        let new: Vec<I> = page.items.into_iter().filter(|item| pager.is_new(id(item))).collect();
        self.api.count_duplicates(self.endpoint, readable, new.len());
        self.ended = self.pager.page(page.received, new.len(), page.total) == Step::End;
        Ok(if self.ended && new.is_empty() { None } else { Some(new) })
    }

    /// What the read proves, behind its last page.
    pub fn finish(self) -> Coverage {
        self.api.record_items(self.endpoint, self.received, self.carried);
        self.api.record_coverage(self.endpoint, self.pager.finish(self.unreadable))
    }

    /// Asks for the page at the offset: without `sort` if the API does not know
    /// it, and with a smaller `limit` if this one is too much.
    async fn request(&self) -> Result<Page<I>, ApiError> {
        let Self { api, endpoint, decode, .. } = *self;
        let first = self.pager.offset() == 0;
        let mut size = if first { api.page_sizes.for_list() } else { api.page_size() };
        let mut unsorted = false;
        loop {
            let mut query = window(size, self.pager.offset());
            let sorted = api.sort.load(Ordering::Relaxed) && !unsorted;
            if sorted {
                query.push(("sort", "id".to_owned()));
            }
            let request = Request { endpoint, path: self.path.clone(), query, patch: None };
            let failure = match api.fetch(&request, api.retries_of_a_page(size), decode).await {
                Ok(page) => {
                    if unsorted {
                        debug!(endpoint = endpoint.as_str(), "the API does not sort by id, listing unsorted");
                        api.sort.store(false, Ordering::Relaxed);
                    }
                    api.page_sizes.works(size);
                    return Ok(page);
                }
                Err(failure) => failure,
            };
            // A 400 may be about the order or about the size: first the one, then
            // the other, is left out.
            if failure.status == Some(400) && sorted && first {
                unsorted = true;
                continue;
            }
            unsorted = false;
            size = api.page_sizes.after_failure(endpoint, size, &failure).ok_or(failure)?;
            debug!(endpoint = endpoint.as_str(), size, "asking for smaller pages");
        }
    }
}
