//! The one task that owns the state: it takes in observations, at most once per
//! second publishes what changed, and says when the state file is due.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use super::narrator::Narrator;
use super::state_keeper::StateKeeper;
use super::worker::Worker;
use crate::clock::Clock;
use crate::exposition::{Publisher, SnapshotCell};
use crate::fleet::{Fleet, state_file};
use crate::model::{Observation, PartnerId};
use crate::telemetry::Telemetry;

/// From one publication to the next, at least.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// Everything that is published from: moved as one between this task and the
/// thread that renders.
pub(super) struct State {
    pub(super) fleets: BTreeMap<PartnerId, Fleet>,
    pub(super) publisher: Publisher,
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
        telemetry.published(snapshot.series(), snapshot.truncated(), started.elapsed());
        published.replace(snapshot);
    }

    /// The first publication: what an earlier run left, or the partners and
    /// nothing else.
    pub(super) fn first(&mut self, telemetry: &Telemetry, clock: Clock) -> SnapshotCell {
        let now = clock.moment();
        for fleet in self.fleets.values_mut() {
            fleet.expire(now);
            self.publisher.update(fleet);
        }
        let snapshot = self.publisher.snapshot();
        telemetry.published(snapshot.series(), snapshot.truncated(), Duration::ZERO);
        SnapshotCell::new(snapshot)
    }
}

/// Messages to the task.
pub(super) struct Inbox {
    pub(super) observations: mpsc::Receiver<(PartnerId, Observation)>,
    pub(super) changes: mpsc::Receiver<Change>,
}

/// What the task works with.
pub(super) struct Tools {
    pub(super) published: Arc<SnapshotCell>,
    pub(super) telemetry: Telemetry,
    pub(super) clock: Clock,
    /// Renders, so that this task is free for observations meanwhile.
    pub(super) publisher: Worker,
    /// Keeps the state file, if there is to be one.
    pub(super) keeper: Option<StateKeeper>,
}

/// Takes in observations until nobody can send any more, and saves the state.
pub(super) async fn run(mut state: State, mut inbox: Inbox, tools: Tools) {
    let Tools { published, telemetry, clock, publisher, mut keeper } = tools;
    let mut next_publication = Instant::now();
    let mut unsaved = false;
    let mut partners_changed = false;
    let mut narrator = Narrator::default();
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
                follow_wall_clock(&mut state, &telemetry, clock);
                let now = clock.moment();
                state.fleets.values_mut().for_each(|fleet| fleet.expire(now));
                if partners_changed || state.fleets.values().any(Fleet::has_changes) {
                    let (published, telemetry) = (published.clone(), telemetry.clone());
                    state = with(&publisher, state, move |state| state.publish(&published, &telemetry)).await.0;
                    (unsaved, partners_changed) = (true, false);
                }
                if let Some(keeper) = keeper.as_mut()
                    && (unsaved || keeper.is_failing())
                    && keeper.is_due() {
                    let began = Instant::now();
                    let content;
                    (state, content) = with(&publisher, state, |state| state_file::encode(state.fleets.values())).await;
                    keeper.write(content, began);
                    unsaved = false;
                }
                next_publication = Instant::now() + PUBLISH_INTERVAL;
            }
            () = progress(keeper.as_mut()) => {}
            observed = inbox.observations.recv() => match observed {
                Some((partner, observation)) => {
                    if let Some(fleet) = state.fleets.get(&partner) {
                        narrator.hear(fleet, &observation, clock.now());
                    }
                    narrator.count(&partner, take(&mut state, &partner, observation));
                }
                None => break,
            },
        }
    }
    if let Some(keeper) = keeper {
        let content = async { with(&publisher, state, |state| state_file::encode(state.fleets.values())).await.1 };
        keeper.write_last(content).await;
    }
}

/// Times that were shown before somebody set the wall clock move with it.
fn follow_wall_clock(state: &mut State, telemetry: &Telemetry, clock: Clock) {
    if let Some(by) = clock.follow().filter(|by| !by.is_zero()) {
        state.fleets.values_mut().for_each(|fleet| fleet.wall_clock_set(by));
        telemetry.wall_clock_set(by);
        info!(seconds = by.as_secs(), "the wall clock was set; the times shown move with it");
    }
}

async fn progress(keeper: Option<&mut StateKeeper>) {
    match keeper {
        Some(keeper) => keeper.progress().await,
        None => pending().await,
    }
}

/// Works on the state in the thread that may take its time.
async fn with<T: Send + 'static>(
    publisher: &Worker,
    mut state: State,
    work: impl FnOnce(&mut State) -> T + Send + 'static,
) -> (State, T) {
    let done = publisher.run(move || {
        let result = work(&mut state);
        (state, result)
    });
    done.await
}

/// Takes in an observation, logs the changes that it shows, and says how many.
fn take(state: &mut State, partner: &PartnerId, observation: Observation) -> usize {
    let Some(fleet) = state.fleets.get_mut(partner) else {
        debug!(%partner, "an observation of a partner that is no longer configured");
        return 0;
    };
    let transitions = fleet.apply(observation);
    for transition in &transitions {
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
    transitions.len()
}
