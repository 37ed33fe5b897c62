//! How many items a page is asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Endpoint, Reason};

use super::ApiError;

/// The `limit` of a page, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSize {
    /// Always this.
    Fixed(usize),
    /// The largest size that works.
    Auto,
}

/// Where `auto` begins.
const LARGEST: usize = 1_000;

/// Where `auto` ends.
const SMALLEST: usize = 100;

/// How long the double is not tried again.
const RETRY_DOUBLE: Duration = Duration::from_secs(60 * 60);

/// For how long a time-out says that an endpoint hangs.
const HANGS_FOR: Duration = Duration::from_secs(5 * 60);

/// The size of the pages of one partner.
#[derive(Debug)]
pub(super) struct PageSizes {
    auto: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    size: usize,
    /// The last size that worked.
    works: Option<usize>,
    /// When the double may be tried.
    double_at: Option<Instant>,
    /// Where halving began, until a size works.
    halved_from: Option<usize>,
    /// Endpoints of which a request timed out, and when the last one did.
    hanging: BTreeMap<Endpoint, Instant>,
}

impl PageSizes {
    pub(super) fn new(configured: PageSize) -> Self {
        let (auto, size) = match configured {
            PageSize::Fixed(size) => (false, size),
            PageSize::Auto => (true, LARGEST),
        };
        let state = State { size, works: None, double_at: None, halved_from: None, hanging: BTreeMap::new() };
        Self { auto, state: Mutex::new(state) }
    }

    /// Goes on with the size that an earlier run found.
    pub(super) fn resume(&self, size: usize) {
        let mut state = self.lock();
        if self.auto {
            state.size = size.clamp(SMALLEST, LARGEST);
            state.double_at = (state.size < LARGEST).then(|| Instant::now() + RETRY_DOUBLE);
        }
    }

    /// What to ask for now.
    pub(super) fn current(&self) -> usize {
        self.lock().size
    }

    /// The size that works, if it is one that `auto` found.
    pub(super) fn learned(&self) -> Option<usize> {
        self.lock().works.filter(|_| self.auto)
    }

    /// What to ask the first page of a list for: the double, once an hour.
    pub(super) fn for_list(&self) -> usize {
        let mut state = self.lock();
        if self.auto && state.double_at.is_some_and(|at| at <= Instant::now()) {
            state.halved_from = None;
            state.size = (state.size * 2).min(LARGEST);
            state.double_at = None;
        }
        state.size
    }

    /// A page of this size was read.
    pub(super) fn works(&self, size: usize) {
        let mut state = self.lock();
        if state.size == size {
            state.works = Some(size);
            state.halved_from = None;
            if size < LARGEST && state.double_at.is_none() {
                state.double_at = Some(Instant::now() + RETRY_DOUBLE);
            }
        }
    }

    /// Any request ended: endpoints that hang say that the size of a page is not
    /// why a page is late.
    pub(super) fn ended(&self, endpoint: Endpoint, failure: Option<Reason>) {
        if failure == Some(Reason::Timeout) {
            self.lock().hanging.insert(endpoint, Instant::now());
        }
    }

    /// A page of this size failed. The size to try instead, if a smaller one may
    /// help.
    pub(super) fn after_failure(&self, endpoint: Endpoint, size: usize, failure: &ApiError) -> Option<usize> {
        let mut state = self.lock();
        let now = Instant::now();
        let others_hang =
            state.hanging.iter().any(|(other, at)| *other != endpoint && now.duration_since(*at) < HANGS_FOR);
        let too_large = matches!(failure.status, Some(400 | 413))
            || failure.reason == Reason::TooLarge
            || (failure.reason == Reason::Timeout && !others_hang);
        if !self.auto || !too_large {
            return None;
        }
        if state.size < size {
            // Another list has found a smaller one meanwhile.
            return Some(state.size);
        }
        if size <= SMALLEST {
            // It was not the size.
            if let Some(before) = state.halved_from.take() {
                state.size = before;
            }
            return None;
        }
        state.halved_from.get_or_insert(size);
        state.size = (size / 2).max(SMALLEST);
        state.double_at = Some(now + RETRY_DOUBLE);
        Some(state.size)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> ApiError {
        ApiError { status: Some(status), ..ApiError::new(Reason::Other, "refused") }
    }

    fn late() -> ApiError {
        ApiError::new(Reason::Timeout, "late")
    }

    /// The sizes that are tried until one works that is no larger than
    /// `largest`.
    fn tried(sizes: &PageSizes, largest: usize, failure: &ApiError) -> Vec<usize> {
        let mut size = sizes.for_list();
        let mut tried = vec![size];
        while size > largest {
            let Some(smaller) = sizes.after_failure(Endpoint::PartnerChannels, size, failure) else { return tried };
            size = smaller;
            tried.push(size);
        }
        sizes.works(size);
        tried
    }

    #[tokio::test(start_paused = true)]
    async fn a_size_that_is_refused_is_halved_once_and_the_one_that_works_is_kept() {
        for failure in [refused(400), refused(413), late(), ApiError::new(Reason::TooLarge, "too large")] {
            let sizes = PageSizes::new(PageSize::Auto);
            assert_eq!(tried(&sizes, 300, &failure), [1000, 500, 250]);
            assert_eq!((tried(&sizes, 300, &failure), sizes.learned()), (vec![250], Some(250)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_double_is_tried_once_an_hour() {
        let sizes = PageSizes::new(PageSize::Auto);
        tried(&sizes, 300, &refused(400));
        tokio::time::advance(RETRY_DOUBLE - Duration::from_secs(1)).await;
        assert_eq!(tried(&sizes, 300, &refused(400)), [250]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(tried(&sizes, 300, &refused(400)), [500, 250]);
        tokio::time::advance(RETRY_DOUBLE).await;
        assert_eq!(tried(&sizes, 1000, &refused(400)), [500]);
        tokio::time::advance(RETRY_DOUBLE).await;
        assert_eq!(tried(&sizes, 1000, &refused(400)), [1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_no_size_helps_goes_back_to_the_size_before() {
        let sizes = PageSizes::new(PageSize::Auto);
        assert_eq!(tried(&sizes, 10, &late()), [1000, 500, 250, 125, 100]);
        assert_eq!((sizes.current(), sizes.learned()), (1000, None));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_halved_for_a_time_out_while_other_endpoints_time_out_too() {
        let sizes = PageSizes::new(PageSize::Auto);
        sizes.ended(Endpoint::ClientChannels, Some(Reason::Timeout));
        assert_eq!(sizes.after_failure(Endpoint::Clients, 1000, &late()), None);
        assert_eq!(sizes.after_failure(Endpoint::Clients, 1000, &refused(413)), Some(500));
        tokio::time::advance(HANGS_FOR).await;
        sizes.ended(Endpoint::ClientChannels, None);
        assert_eq!(sizes.after_failure(Endpoint::Clients, 500, &late()), Some(250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_size_of_an_earlier_run_is_where_it_begins_and_a_fixed_one_stays() {
        let remembered = PageSizes::new(PageSize::Auto);
        remembered.resume(250);
        assert_eq!(remembered.for_list(), 250);
        let fixed = PageSizes::new(PageSize::Fixed(2));
        fixed.resume(250);
        assert_eq!(fixed.current(), 2);
        assert_eq!((fixed.after_failure(Endpoint::Clients, 2, &refused(400)), fixed.learned()), (None, None));
    }
}
