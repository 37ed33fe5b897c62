//! Reading a paged list to its end, without believing what the server says
//! about it.
//!
//! `limit` may be clamped, `count` means two things in two documents, `total`
//! may be wrong, and pages may repeat, overlap or never end. So the offset
//! moves by what was received, ids are taken once, and the list ends with the
//! first page that brings nothing new. `total` is only a witness afterwards:
//! it can show that something is missing, never that all is there.
//!
//! Nothing here is a failure: a list that does not add up is read, and its
//! [`Coverage`] says how little it proves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Most items of one list; 20 times the fleet that the design speaks of. Beyond
/// it a list is taken for endless.
pub const MAX_ITEMS: usize = 1_000_000;

/// Most pages of one list, for servers that clamp pages to a few items.
pub const MAX_PAGES: usize = 20_000;

/// Most pages of one client's list. While it is read the pace is not there for
/// the other clients, so that an endless one has to be given up soon.
pub const MAX_CLIENT_PAGES: usize = 100;

/// How much of a list was seen, and what that proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// The distinct ids are at least as many as the last page's `total`, or no
    /// page named one.
    pub adds_up: bool,
    /// Items may have moved between pages while they were read: a `total` that
    /// shrank, or repeats that no `total` accounts for. What was not seen may
    /// still be there.
    pub shrank: bool,
    /// The list grew beyond every bound before it ended.
    pub endless: bool,
    /// Items that could not be read.
    pub unreadable: usize,
}

impl Coverage {
    /// A list of which everything was seen.
    pub const WHOLE: Self = Self { adds_up: true, shrank: false, endless: false, unreadable: 0 };

    /// Whether everything that the list holds was seen and read.
    pub fn is_complete(self) -> bool {
        self == Self::WHOLE
    }
}

/// How far a list is read before it is taken for endless.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Items.
    pub items: usize,
    /// Pages.
    pub pages: usize,
}

impl Bounds {
    /// A list of which `expected` items are known, if any are.
    pub fn growing_from(expected: Option<usize>) -> Self {
        let items = expected.map_or(MAX_ITEMS, |known| known.saturating_mul(2).saturating_add(100).min(MAX_ITEMS));
        Self { items, pages: MAX_PAGES }
    }
}

/// One read of one list.
#[derive(Debug)]
pub struct Pager<Id> {
    /// Each id with the page that it came on last.
    seen: HashMap<Id, usize>,
    offset: usize,
    pages: usize,
    /// Items that came again.
    duplicates: usize,
    /// Those of them that come of items which a server holds twice, as far as
    /// one can tell: no moving of items makes these, so that nothing else is
    /// missing for them.
    accounted: usize,
    /// These items, each with how many more of it the server holds.
    held_twice: HashMap<Id, usize>,
    /// Those that came twice on the page that is being taken.
    doubled: Vec<Id>,
    totals: Totals,
    bounds: Bounds,
    endless: bool,
}

/// What pages said of the length of the list.
#[derive(Debug, Default)]
struct Totals {
    last: Option<u64>,
    changed: bool,
    shrank: bool,
}

/// What to do after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask for the page at [`Pager::offset`].
    More,
    /// The list has ended.
    End,
}

impl Totals {
    fn take(&mut self, total: Option<u64>) {
        let Some(total) = total else { return };
        if let Some(before) = self.last.replace(total) {
            self.changed |= total != before;
            self.shrank |= total < before;
        }
    }
}

impl<Id: Eq + Hash + Clone> Pager<Id> {
    /// A read that gives up beyond the bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            seen: HashMap::new(),
            offset: 0,
            pages: 0,
            duplicates: 0,
            accounted: 0,
            held_twice: HashMap::new(),
            doubled: Vec::new(),
            totals: Totals::default(),
            bounds,
            endless: false,
        }
    }

    /// Where the next page begins: the number of items received so far, of
    /// those that came twice on one page only one. A server that does not count
    /// the second in its offsets would skip an item otherwise, and one that
    /// does only repeats one.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Items received so far, each once.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// Whether this id comes for the first time. Call it once per item.
    pub fn is_new(&mut self, id: Id) -> bool {
        match self.seen.entry(id) {
            Entry::Vacant(new) => {
                new.insert(self.pages);
                true
            }
            Entry::Occupied(mut known) => {
                self.duplicates += 1;
                let id = known.key().clone();
                if known.insert(self.pages) == self.pages {
                    self.doubled.push(id);
                } else if self.held_twice.contains_key(&id) {
                    // The offset counts it once, so that it may come once more.
                    self.accounted += 1;
                }
                false
            }
        }
    }

    /// Records a page whose items went through [`Pager::is_new`]:
    /// `received` items, of which `fresh` were new, with the envelope's `total`.
    pub fn page(&mut self, received: usize, fresh: usize, total: Option<u64>) -> Step {
        self.pages += 1;
        // Behind the end some servers respond with a total of 0; on the first
        // page an empty list with a total is a list that lacks something.
        if received > 0 || self.pages == 1 {
            self.totals.take(total);
        }
        self.offset += received - self.doubled.len();
        self.account_for_repeats();
        if fresh == 0 {
            return Step::End;
        }
        let announced = self.totals.last.map_or(usize::MAX, |total| {
            usize::try_from(total).unwrap_or(usize::MAX).saturating_mul(2).saturating_add(100)
        });
        if self.offset > self.bounds.items.min(announced) || self.pages >= self.bounds.pages {
            self.endless = true;
            return Step::End;
        }
        Step::More
    }

    /// Distinguishes items that the server holds twice from those that moved.
    ///
    /// Only an item that comes twice on one page is surely held twice. One that
    /// comes again on a later page may have come in place of another: pages that
    /// shuffle look just like that.
    fn account_for_repeats(&mut self) {
        let doubled = std::mem::take(&mut self.doubled);
        self.accounted += doubled.len();
        for id in doubled {
            *self.held_twice.entry(id).or_default() += 1;
        }
    }

    /// What the read proves after [`Step::End`]. `unreadable` items were
    /// received but could not be read. A server may count those, and an item
    /// that it holds twice, in its `total`.
    pub fn finish(self, unreadable: usize) -> Coverage {
        let once = (self.seen.len() + unreadable) as u64;
        let held = once + self.held_twice.values().sum::<usize>() as u64;
        // What is held twice is counted once or twice. A total between the two is
        // neither, and may be the count of more than what came.
        let adds_up = self.totals.last.is_none_or(|total| total <= once || total == held);
        let repeated = self.duplicates > self.accounted;
        let unaccounted = repeated && self.totals.last.is_some_and(|total| total != self.seen.len() as u64);
        Coverage {
            adds_up: adds_up && !self.endless,
            shrank: self.totals.shrank || unaccounted,
            endless: self.endless,
            unreadable,
        }
    }
}

#[cfg(test)]
mod tests;
