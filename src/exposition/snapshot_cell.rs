//! The one pointer between whoever publishes and whoever serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::Snapshot;

/// The latest publication. One task replaces it; any number of readers take it,
/// and never wait.
#[derive(Debug)]
pub struct SnapshotCell {
    snapshot: ArcSwap<Snapshot>,
    ready: AtomicBool,
}

impl SnapshotCell {
    /// Begins with a first publication.
    pub fn new(first: Snapshot) -> Self {
        let ready = AtomicBool::new(first.has_data());
        Self { snapshot: ArcSwap::from_pointee(first), ready }
    }

    /// Publishes.
    pub fn replace(&self, snapshot: Snapshot) {
        let has_data = snapshot.has_data();
        self.snapshot.store(Arc::new(snapshot));
        if has_data {
            self.ready.store(true, Ordering::Release);
        }
    }

    /// The latest publication.
    pub fn current(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Whether a publication ever had data: the first full cycle is done, or a
    /// warm state was loaded. Once true, always true.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}
