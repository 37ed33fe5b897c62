//! The one task that owns the state: it takes in observations, at most once a
//! second publishes what changed, and keeps the state file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info};

use crate::clock::Clock;
use crate::exposition::{Publisher, SnapshotCell};
use crate::fleet::{Fleet, state_file, state_storage};
use crate::model::{Observation, PartnerId};
use crate::telemetry::Telemetry;

/// From one publication to the next, at least.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// From one writing of the state file to the next, at least.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// Writing takes at most this part of the time, however large the fleet is.
const SAVE_PART: u32 = 50;

/// Everything that is published from: moved as one between this task and the
/// thread that renders and writes.
pub(super) struct State {
    pub(super) fleets: BTreeMap<PartnerId, Fleet>,
    pub(super) publisher: Publisher,
    pub(super) state_file: Option<PathBuf>,
}

/// A change of the partners that are published.
pub(super) enum Change {
    /// A partner is polled from now on.
    Add(Box<Fleet>),
    /// A partner is no longer configured: its series leave.
    Forget(PartnerId),
}

impl State {
    /// Renders what changed.
    fn publish(&mut self, published: &SnapshotCell, telemetry: &Telemetry) {
        let started = Instant::now();
        for fleet in self.fleets.values_mut() {
            self.publisher.update(fleet);
        }
        let snapshot = self.publisher.snapshot();
        telemetry.published(snapshot.series(), started.elapsed());
        published.replace(snapshot);
    }

    /// The first publication: what an earlier run left, or the partners and
    /// nothing else.
    pub(super) fn first(&mut self, telemetry: &Telemetry, clock: Clock) -> SnapshotCell {
        let now = clock.now();
        for fleet in self.fleets.values_mut() {
            fleet.expire(now);
            self.publisher.update(fleet);
        }
        let snapshot = self.publisher.snapshot();
        telemetry.published(snapshot.series(), Duration::ZERO);
        SnapshotCell::new(snapshot)
    }

    /// Writes the state file, if there is to be one.
    fn save(&self) {
        let Some(path) = &self.state_file else { return };
        let saved = state_file::encode(self.fleets.values()).and_then(|content| state_storage::replace(path, &content));
        if let Err(e) = saved {
            error!(file = %path.display(), error = %e, "cannot write the state file, trying again later");
        }
    }
}

/// What the task is told.
pub(super) struct Inbox {
    pub(super) observations: mpsc::Receiver<(PartnerId, Observation)>,
    pub(super) changes: mpsc::Receiver<Change>,
}

/// Takes in observations until nobody can send any more, and saves the state.
pub(super) async fn run(
    mut state: State,
    mut inbox: Inbox,
    published: Arc<SnapshotCell>,
    telemetry: Telemetry,
    clock: Clock,
) {
    let mut next_publication = Instant::now();
    let mut next_save = Instant::now() + SAVE_INTERVAL;
    let mut unsaved = false;
    let mut partners_changed = false;
    loop {
        tokio::select! {
            // A partner is added before its first observation comes.
            biased;
            Some(change) = inbox.changes.recv() => {
                partners_changed = true;
                match change {
                    Change::Add(fleet) => { state.fleets.insert(fleet.partner().clone(), *fleet); }
                    Change::Forget(partner) => {
                        state.fleets.remove(&partner);
                        state.publisher.forget(&partner);
                    }
                }
            }
            () = sleep_until(next_publication) => {
                let now = clock.now();
                state.fleets.values_mut().for_each(|fleet| fleet.expire(now));
                if partners_changed || state.fleets.values().any(Fleet::has_changes) {
                    let (published, telemetry) = (published.clone(), telemetry.clone());
                    state = run_blocking(state, move |state| state.publish(&published, &telemetry)).await;
                    (unsaved, partners_changed) = (true, false);
                }
                if unsaved && Instant::now() >= next_save {
                    let started = Instant::now();
                    state = run_blocking(state, |state| state.save()).await;
                    unsaved = false;
                    next_save = Instant::now() + SAVE_INTERVAL.max(started.elapsed() * SAVE_PART);
                }
                next_publication = Instant::now() + PUBLISH_INTERVAL;
            }
            observed = inbox.observations.recv() => match observed {
                Some((partner, observation)) => take(&mut state, &partner, observation),
                None => break,
            },
        }
    }
    run_blocking(state, |state| state.save()).await;
}

/// Works on the state in a thread that may take its time: connections are
/// served meanwhile.
async fn run_blocking(mut state: State, work: impl FnOnce(&mut State) + Send + 'static) -> State {
    let working = tokio::task::spawn_blocking(move || {
        work(&mut state);
        state
    });
    match working.await {
        Ok(state) => state,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn take(state: &mut State, partner: &PartnerId, observation: Observation) {
    let Some(fleet) = state.fleets.get_mut(partner) else {
        debug!(%partner, "an observation of a partner that is no longer configured");
        return;
    };
    for transition in fleet.apply(observation) {
        info!(
            %partner,
            client = %transition.client,
            channel = %transition.channel,
            field = transition.field.as_str(),
            from = &*transition.from,
            to = &*transition.to,
            "channel changed"
        );
    }
}
