//! What is missing: since when, and whether that proves it gone.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::CONFIRMATION_DELAY;

/// The first complete read that did not show something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absence {
    /// When that read started.
    pub(super) since: Instant,
    /// Its cycle.
    pub(super) cycle: u64,
}

impl Absence {
    /// Whether `later`, a read that did not show it either, confirms it.
    fn is_confirmed_by(self, later: Self) -> bool {
        self.cycle < later.cycle && later.since.saturating_duration_since(self.since) >= CONFIRMATION_DELAY
    }
}

/// What complete reads did not show and nobody believes gone yet.
#[derive(Debug)]
pub(super) struct Absences<K>(BTreeMap<K, Missing>);

#[derive(Debug, Clone, Copy)]
struct Missing {
    first: Absence,
    /// It may be an item that could not be read.
    excused: bool,
}

impl<K> Default for Absences<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Absences<K> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn holds(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// It was seen, or has left.
    pub(super) fn seen(&mut self, key: &K) {
        // Almost always nothing is missing.
        if !self.0.is_empty() {
            self.0.remove(key);
        }
    }

    /// Splits what a complete read did not show: what it confirms to be gone,
    /// and what is missing for the first time or too shortly. The latter is not
    /// remembered yet.
    pub(super) fn split(&self, absent: Vec<K>, read: Absence) -> (Vec<K>, Vec<K>) {
        absent.into_iter().partition(|key| {
            self.0.get(key).is_some_and(|missing| !missing.excused && missing.first.is_confirmed_by(read))
        })
    }

    /// Remembers what is missing until another read shows it, or confirms it.
    pub(super) fn remember(&mut self, absent: Vec<K>, read: Absence) {
        for key in absent {
            let missing = self.0.entry(key).or_insert(Missing { first: read, excused: false });
            if std::mem::take(&mut missing.excused) {
                missing.first = read;
            }
        }
    }

    /// Takes out of `absent` what may be one of the items that a read could not
    /// read: those that were excused before, then any. It stays missing.
    pub(super) fn excuse(&mut self, absent: &mut Vec<K>, allowance: usize, read: Absence) {
        let excused_before = |key: &K| self.0.get(key).is_some_and(|missing| missing.excused);
        let mut candidates: Vec<K> = absent.clone();
        candidates.sort_by_key(|key| !excused_before(key));
        candidates.truncate(allowance);
        let excused: BTreeSet<K> = candidates.into_iter().collect();
        absent.retain(|key| !excused.contains(key));
        for key in excused {
            self.0.entry(key).or_insert(Missing { first: read, excused: true }).excused = true;
        }
    }

    /// Whether something of `scope` is excused for an unreadable item.
    pub(super) fn excuses(&self, scope: impl Fn(&K) -> bool) -> bool {
        self.0.iter().any(|(key, missing)| missing.excused && scope(key))
    }
}

/// How many items of a list could not be read in the read before. So many are
/// nobody new's: only more than those may be something that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowance(u32);

impl Allowance {
    /// How many missing items the unreadable ones may be.
    pub(super) fn for_read(self, unreadable: usize) -> usize {
        unreadable.saturating_sub(self.0 as usize)
    }

    /// Records a complete read. While something is excused for an
    /// unreadable item, the number from before it stays the measure.
    pub(super) fn after_read(&mut self, unreadable: usize, excusing: bool) {
        let unreadable = u32::try_from(unreadable).unwrap_or(u32::MAX);
        self.0 = if excusing { self.0.min(unreadable) } else { unreadable };
    }
}
