//! Walking a paged list to its end, without believing what the server says
//! about it.
//!
//! `limit` may be clamped, `count` means two things in two documents, `total`
//! may be wrong, and pages may repeat, overlap or never end. So the offset
//! moves by what was received, ids are taken once, and the walk ends with the
//! first page that brings nothing new. `total` is only a witness afterwards:
//! it can show that something is missing, never that all is there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::{ApiError, Reason};

/// Most items of one list; 20 times the fleet that the design speaks of. Beyond
/// it a list is taken for endless.
pub const MAX_ITEMS: usize = 1_000_000;

/// Most pages of one list, for servers that clamp pages to a few items.
pub const MAX_PAGES: usize = 20_000;

/// Most pages of one client's list. While it is walked the pace is not there
/// for the other clients, so that an endless one has to be given up soon.
pub const MAX_CLIENT_PAGES: usize = 100;

/// One walk through one list.
#[derive(Debug)]
pub struct Pager<Id> {
    /// Each id with the page that it came on last.
    seen: HashMap<Id, usize>,
    offset: usize,
    pages: usize,
    duplicates: usize,
    /// Duplicates on the page of their first one: no paging makes these, so
    /// that nothing else is missing for them.
    doubled: usize,
    /// Those of the page that is being taken.
    doubled_on_page: usize,
    first_total: Option<u64>,
    last_total: Option<u64>,
    max_items: usize,
    max_pages: usize,
}

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask for the page at [`Pager::offset`].
    More,
    /// The list has ended.
    End,
}

/// How well a finished walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Items that came more than once.
    pub duplicates: usize,
    /// Whether what is missing from the list is gone. False if `total` shrank
    /// on the way (a removal shifts the pages behind it), names more items than
    /// came, however those that came twice are counted, or does not match where
    /// pages repeated items.
    pub complete: bool,
}

impl<Id: Eq + Hash> Default for Pager<Id> {
    fn default() -> Self {
        Self::with_caps(MAX_ITEMS, MAX_PAGES)
    }
}

impl<Id: Eq + Hash> Pager<Id> {
    /// A walk that gives up beyond `max_items` or `max_pages`.
    pub fn with_caps(max_items: usize, max_pages: usize) -> Self {
        Self {
            seen: HashMap::new(),
            offset: 0,
            pages: 0,
            duplicates: 0,
            doubled: 0,
            doubled_on_page: 0,
            first_total: None,
            last_total: None,
            max_items,
            max_pages,
        }
    }

    /// Where the next page begins: the number of items received so far, of
    /// those that came twice on one page only one. A server that does not count
    /// the second in its offsets would skip an item otherwise, and one that
    /// does only repeats one.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether this id comes for the first time. Call it once an item.
    pub fn is_new(&mut self, id: Id) -> bool {
        match self.seen.entry(id) {
            Entry::Vacant(new) => {
                new.insert(self.pages);
                true
            }
            Entry::Occupied(mut known) => {
                self.duplicates += 1;
                if known.insert(self.pages) == self.pages {
                    self.doubled += 1;
                    self.doubled_on_page += 1;
                }
                false
            }
        }
    }

    /// Takes note of a page whose items went through [`Pager::is_new`]:
    /// `received` items, of which `fresh` were new, with the envelope's `total`.
    ///
    /// # Errors
    ///
    /// [`Reason::Paging`] if the list does not end.
    pub fn page(&mut self, received: usize, fresh: usize, total: Option<u64>) -> Result<Step, ApiError> {
        self.pages += 1;
        self.offset += received - std::mem::take(&mut self.doubled_on_page);
        // Behind the end some servers answer with a total of 0; on the first
        // page an empty list with a total is a list that lacks something.
        if received > 0 || self.pages == 1 {
            self.first_total = self.first_total.or(total);
            self.last_total = total.or(self.last_total);
        }
        if fresh == 0 {
            return Ok(Step::End);
        }
        if self.offset >= self.max_items || self.pages >= self.max_pages {
            return Err(ApiError::new(
                Reason::Paging,
                format!("expected a list that ends, found {} items on {} pages and no end", self.offset, self.pages),
            ));
        }
        Ok(Step::More)
    }

    /// Judges the walk after [`Step::End`]. `rejected` items were received but
    /// could not be read. A server may count those, and an item that it holds
    /// twice, in its `total`.
    ///
    /// # Errors
    ///
    /// [`Reason::Paging`] if items came twice while others did not come: pages
    /// that overlap or shuffle lose what they do not repeat.
    pub fn finish(self, rejected: usize) -> Result<Walked, ApiError> {
        let known = self.seen.len() + self.doubled + rejected;
        let missing = self.last_total.is_some_and(|total| total > known as u64);
        let shrank = matches!((self.first_total, self.last_total), (Some(first), Some(last)) if last < first);
        if missing && self.duplicates > self.doubled {
            return Err(ApiError::new(
                Reason::Paging,
                format!(
                    "expected {} items, found {known} and {} repeated ones; the pages do not add up",
                    self.last_total.unwrap_or(0),
                    self.duplicates - self.doubled
                ),
            ));
        }
        // What a page holds twice is counted once or twice. A total between the
        // two is neither, and may be the count of more than what came.
        let once = (self.seen.len() + rejected) as u64;
        let adds_up = self.last_total.is_none_or(|total| total <= once || total == known as u64);
        // Pages that overlap or shuffle repeat some items and may have skipped
        // others. Only a total that is exactly what came says that they did not.
        let repeated = self.duplicates > self.doubled;
        let doubtful = repeated && self.last_total.is_some_and(|total| total != self.seen.len() as u64);
        Ok(Walked { duplicates: self.duplicates, complete: adds_up && !shrank && !doubtful && rejected == 0 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Walks `server`, which answers an offset with a page of ids and a total.
    fn walk(
        cap: usize,
        mut server: impl FnMut(usize) -> (Vec<u32>, Option<u64>),
    ) -> Result<(Vec<u32>, Walked), ApiError> {
        let mut pager = Pager::with_caps(cap, MAX_PAGES);
        let mut items = Vec::new();
        loop {
            let (page, total) = server(pager.offset());
            let fresh: Vec<u32> = page.iter().copied().filter(|&id| pager.is_new(id)).collect();
            items.extend(&fresh);
            if pager.page(page.len(), fresh.len(), total)? == Step::End {
                return pager.finish(0).map(|walked| (items, walked));
            }
        }
    }

    fn window(all: &[u32], offset: usize, limit: usize) -> Vec<u32> {
        all.iter().copied().skip(offset).take(limit).collect()
    }

    const WHOLE: Walked = Walked { duplicates: 0, complete: true };

    #[test]
    fn a_server_that_clamps_the_limit_is_walked_to_its_end() {
        let all: Vec<u32> = (0..95).collect();
        let walked = walk(1000, |offset| (window(&all, offset, 10), Some(95)));
        assert_eq!(walked, Ok((all.clone(), WHOLE)));
    }

    #[test]
    fn a_total_that_is_too_small_does_not_shorten_the_list() {
        let all: Vec<u32> = (0..95).collect();
        let walked = walk(1000, |offset| (window(&all, offset, 10), Some(10)));
        assert_eq!(walked, Ok((all.clone(), WHOLE)));
    }

    #[test]
    fn a_total_that_is_too_large_keeps_the_list_but_proves_nothing_gone() {
        let all: Vec<u32> = (0..95).collect();
        let walked = walk(1000, |offset| (window(&all, offset, 10), Some(96)));
        assert_eq!(walked, Ok((all.clone(), Walked { duplicates: 0, complete: false })));
    }

    #[test]
    fn a_removal_during_the_walk_keeps_the_list_but_proves_nothing_gone() {
        let before: Vec<u32> = (0..20).collect();
        let after: Vec<u32> = (1..20).collect();
        let walked = walk(1000, |offset| match offset {
            0 => (window(&before, 0, 10), Some(20)),
            _ => (window(&after, offset, 10), Some(19)),
        });
        let without_the_shifted_one: Vec<u32> = (0..10).chain(11..20).collect();
        assert_eq!(walked, Ok((without_the_shifted_one, Walked { duplicates: 0, complete: false })));
    }

    #[test]
    fn a_server_that_ignores_the_offset_is_a_paging_failure_unless_one_page_is_all() {
        let all: Vec<u32> = (0..10).collect();
        let repeated = walk(1000, |_| (all.clone(), Some(95)));
        assert_eq!(
            repeated.unwrap_err().detail,
            "expected 95 items, found 10 and 10 repeated ones; the pages do not add up"
        );
        let single = walk(1000, |_| (all.clone(), Some(10)));
        assert_eq!(single, Ok((all.clone(), Walked { duplicates: 10, complete: true })));
    }

    #[test]
    fn a_total_that_counts_a_doubled_item_is_met_but_one_that_counts_a_lost_one_is_not() {
        let page = |offset| if offset == 0 { vec![1, 2, 1] } else { Vec::new() };
        let doubled = |total| walk(1000, move |offset| (page(offset), Some(total)));
        assert_eq!(doubled(2), Ok((vec![1, 2], Walked { duplicates: 1, complete: true })));
        assert_eq!(doubled(3), Ok((vec![1, 2], Walked { duplicates: 1, complete: true })));
        assert_eq!(doubled(4), Ok((vec![1, 2], Walked { duplicates: 1, complete: false })));
        // Two are held twice: the third of a total of three is neither of them.
        let page = |offset| if offset == 0 { vec![1, 1, 2, 2] } else { Vec::new() };
        let between = walk(1000, move |offset| (page(offset), Some(3)));
        assert_eq!(between, Ok((vec![1, 2], Walked { duplicates: 2, complete: false })));
    }

    #[test]
    fn an_item_that_a_server_sends_again_on_its_page_skips_no_other_item() {
        let all: Vec<u32> = (0..10).collect();
        let beyond_its_offsets = walk(1000, |offset| {
            let mut page = window(&all, offset, 3);
            page.extend(page.first().copied());
            (page, Some(10))
        });
        assert_eq!(beyond_its_offsets.unwrap().0, all);
        let held_twice = [0, 0, 1, 2, 3, 4];
        let within_its_offsets = walk(1000, |offset| (window(&held_twice, offset, 3), Some(6)));
        assert_eq!(within_its_offsets.unwrap().0, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_list_of_too_many_pages_is_given_up() {
        let mut pager = Pager::with_caps(1000, 2);
        assert!(pager.is_new(1));
        assert_eq!(pager.page(1, 1, None), Ok(Step::More));
        assert!(pager.is_new(2));
        assert_eq!(pager.page(1, 1, None).unwrap_err().reason, Reason::Paging);
    }

    #[test]
    fn repeated_items_prove_nothing_gone_unless_the_total_is_what_came() {
        // Of 0 to 3 the last never comes: a total that is too low does not see it,
        // and a doubled item takes its place in one that is right.
        let shuffled = |page: &'static [u32], total| {
            walk(1000, move |offset| (if offset == 0 { page } else { &[0, 2][..] }.to_vec(), Some(total)))
        };
        assert_eq!(shuffled(&[0, 1, 2], 1), Ok((vec![0, 1, 2], Walked { duplicates: 2, complete: false })));
        assert_eq!(shuffled(&[0, 1, 2, 0], 4), Ok((vec![0, 1, 2], Walked { duplicates: 3, complete: false })));
        assert_eq!(shuffled(&[0, 1, 2], 3), Ok((vec![0, 1, 2], Walked { duplicates: 2, complete: true })));
    }

    #[test]
    fn an_endless_list_is_a_paging_failure() {
        let endless = walk(100, |offset| ((offset as u32..offset as u32 + 10).collect(), None));
        assert_eq!(endless.unwrap_err().reason, Reason::Paging);
    }

    proptest! {
        /// Whatever a server does, the walk ends, and if it calls itself
        /// complete then no item that an honest `total` counts is missing.
        #[test]
        fn no_server_makes_a_walk_endless_or_a_complete_walk_short(
            pages in prop::collection::vec(prop::collection::vec(0u32..50, 0..12), 0..30),
            total in prop::option::of(0u64..60),
        ) {
            let mut served = 0usize;
            let mut pages = pages.into_iter();
            let walked = walk(200, |_| {
                served += 1;
                (pages.next().unwrap_or_default(), total)
            });
            prop_assert!(served <= 200 + 1);
            if let Ok((items, walked)) = walked {
                let unique: std::collections::HashSet<_> = items.iter().collect();
                prop_assert_eq!(unique.len(), items.len());
                if walked.complete {
                    let explained = (items.len() + walked.duplicates) as u64;
                    prop_assert!(total.is_none_or(|t| t <= explained));
                }
            }
        }

        /// An honest server of any size and any clamp is read whole.
        #[test]
        fn an_honest_server_is_read_whole(n in 0u32..300, clamp in 1usize..40, tells_total: bool) {
            let all: Vec<u32> = (0..n).collect();
            let walked = walk(1000, |o| (window(&all, o, clamp), tells_total.then_some(u64::from(n))));
            prop_assert_eq!(walked, Ok((all.clone(), WHOLE)));
        }
    }
}
