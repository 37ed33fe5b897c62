//! The one task that owns the state: it takes in observations, and at most once
//! a second publishes what changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use crate::clock::Clock;
use crate::exposition::{Published, Publisher};
use crate::fleet::Fleet;
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

impl State {
    /// Renders what changed.
    fn publish(&mut self, published: &Published, telemetry: &Telemetry) {
        let started = Instant::now();
        for fleet in self.fleets.values_mut() {
            self.publisher.update(fleet);
        }
        let snapshot = self.publisher.snapshot();
        telemetry.published(snapshot.series(), started.elapsed());
        published.replace(snapshot);
    }

    /// The first publication: the partners are known, and nothing else.
    pub(super) fn first(&mut self, telemetry: &Telemetry) -> Published {
        for fleet in self.fleets.values_mut() {
            self.publisher.update(fleet);
        }
        let snapshot = self.publisher.snapshot();
        telemetry.published(snapshot.series(), Duration::ZERO);
        Published::new(snapshot)
    }
}

/// Takes in observations until nobody can send any more, and returns the state
/// as it is then.
pub(super) async fn run(
    mut state: State,
    mut observations: mpsc::Receiver<(PartnerId, Observation)>,
    published: Arc<Published>,
    telemetry: Telemetry,
    clock: Clock,
) -> State {
    let mut next = Instant::now();
    loop {
        tokio::select! {
            observed = observations.recv() => match observed {
                Some((partner, observation)) => take(&mut state, &partner, observation),
                None => return state,
            },
            () = sleep_until(next) => {
                let now = clock.now();
                for fleet in state.fleets.values_mut() {
                    fleet.expire(now);
                }
                if state.fleets.values().any(Fleet::has_changes) {
                    state = publish(state, published.clone(), telemetry.clone()).await;
                }
                next = Instant::now() + PUBLISH_INTERVAL;
            }
        }
    }
}

/// Publishes on a thread that may take its time: connections are served
/// meanwhile.
async fn publish(mut state: State, published: Arc<Published>, telemetry: Telemetry) -> State {
    let rendering = tokio::task::spawn_blocking(move || {
        state.publish(&published, &telemetry);
        state
    });
    match rendering.await {
        Ok(state) => state,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn take(state: &mut State, partner: &PartnerId, observation: Observation) {
    let Some(fleet) = state.fleets.get_mut(partner) else {
        error!(%partner, "an observation of a partner that nobody knows");
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
