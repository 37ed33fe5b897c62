//! The rules in force, read again when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::{error, info};

use super::file::Sources;
use super::rules::Rules;
use crate::web::workers::{NotDone, Workers};

/// From one look at the files to the next, at least.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a request waits for a look.
const LOOK_PATIENCE: Duration = Duration::from_millis(250);

/// The rules in force.
#[derive(Debug)]
pub(super) struct WatchedFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: ArcSwap<Rules>,
    problem: ArcSwapOption<String>,
    /// `None` where there is no file.
    watch: Option<Arc<Mutex<Watch>>>,
}

#[derive(Debug)]
struct Watch {
    path: PathBuf,
    sources: Sources,
    /// What was found at the last look, if it was new.
    settling: Option<Sources>,
    next_look: Instant,
}

impl WatchedFile {
    /// Rules that never change.
    pub(super) fn fixed(rules: Rules) -> Self {
        Self::new(rules, None)
    }

    /// Reads a file, to be read again.
    pub(super) fn load(path: &Path) -> Result<Self, Vec<String>> {
        let mut sources = Sources::default();
        let rules = Rules::load(path, &mut sources)
            .map_err(|errors| errors.iter().map(|m| format!("`{}`: {m}", path.display())).collect::<Vec<_>>())?;
        let watch = Watch { path: path.to_owned(), sources, settling: None, next_look: Instant::now() + LOOK_INTERVAL };
        Ok(Self::new(rules, Some(Arc::new(Mutex::new(watch)))))
    }

    fn new(rules: Rules, watch: Option<Arc<Mutex<Watch>>>) -> Self {
        Self(Arc::new(Inner { rules: ArcSwap::from_pointee(rules), problem: ArcSwapOption::empty(), watch }))
    }

    /// The rules as they were last read.
    pub(super) fn rules(&self) -> Arc<Rules> {
        self.0.rules.load_full()
    }

    /// Why a changed file is not in force, if it is not.
    pub(super) fn problem(&self) -> Option<Arc<String>> {
        self.0.problem.load_full()
    }

    /// The rules of now. A disk that hangs, or threads that are busy, keep nobody
    /// waiting for long: the rules as they were last read are then in force.
    pub(super) async fn fresh(&self, workers: &Workers) -> Arc<Rules> {
        let _ = timeout(LOOK_PATIENCE, self.look(workers)).await;
        self.rules()
    }

    /// Looks at the files, on a thread that may wait for a disk. One caller a
    /// second does; the others take what is there.
    pub(super) async fn look(&self, workers: &Workers) {
        if let Some(Ok(mut watch)) = self.0.watch.clone().map(Mutex::try_lock_owned)
            && watch.next_look <= Instant::now()
        {
            watch.next_look = Instant::now() + LOOK_INTERVAL;
            let inner = self.0.clone();
            // It goes on if this caller goes away, and holds the lock until its end.
            // If all threads are busy, the next request looks again.
            if workers.run(move || watch.look(&inner)).await == Err(NotDone::Panicked) {
                error!("reloading --web.config.file panicked; keeping the current settings");
            }
        }
    }
}

impl Watch {
    /// Reads everything again if anything changed. A broken file changes
    /// nothing, and is reported once.
    fn look(&mut self, inner: &Inner) {
        if !self.sources.changed() {
            return;
        }
        let mut sources = Sources::default();
        let read = Rules::load(&self.path, &mut sources);
        // Whoever is still writing has written more until the next look.
        if !self.settling.as_ref().is_some_and(|before| before.is_same(&sources)) {
            self.settling = Some(sources);
            return;
        }
        self.settling = None;
        self.sources = sources;
        let file = self.path.display();
        let read = read.and_then(|rules| match rules.weakenings_since(&inner.rules.load()) {
            refused if refused.is_empty() => Ok(rules),
            refused => Err(refused),
        });
        match read {
            Ok(rules) => {
                inner.rules.store(Arc::new(rules));
                inner.problem.store(None);
                info!(%file, "the changed web configuration is in force");
            }
            Err(errors) => {
                let problem = errors.join("; ");
                error!(%file, problem, "the changed web configuration is not in force, the former one stays");
                inner.problem.store(Some(Arc::new(problem)));
            }
        }
    }
}
