//! Deciding what to ask the API next, asking it, and saying what was learned.
//!
//! Here: the [`Plan`] (pure: it is told the time and the results, and answers
//! what to do), and [`run`], the loop that does it for one partner.
//!
//! Never here: what the results mean for the fleet, prometheus types, axum. The
//! poller keeps of the fleet only what the plan needs: who the clients are, and
//! which of them need watching.

mod plan;
mod shard;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::model::{Channel, Client, ClientId, Observation, PartnerId, Reason};
use crate::partner_api::wire::OwnedChannel;
use crate::partner_api::{ApiError, Listing, PartnerApi, Transport};

pub use plan::{Ended, Next, Pace, Plan, Strategy};
pub use shard::Shard;

/// How one partner is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// One full cycle.
    pub interval: Duration,
    /// How the channels are read.
    pub strategy: Strategy,
    /// Requests in flight.
    pub concurrency: usize,
    /// Which clients are this process's.
    pub shard: Shard,
}

/// How often the key file is looked at.
const KEY_FILE_INTERVAL: Duration = Duration::from_secs(5);

/// What one spawned operation brought.
enum Outcome {
    Listed(Result<Listing<Client>, ApiError>),
    Read(ClientId, Result<Listing<Channel>, ApiError>),
    Swept(Result<Listing<OwnedChannel>, ApiError>),
}

/// Polls one partner until `stop`. `known` are the clients that are known from
/// an earlier run.
///
/// Returns when stopped, or when nobody listens to the observations any more.
///
/// # Panics
///
/// If an operation panics: a poller that goes on with half of its work would
/// look alive.
pub async fn run<T: Transport>(
    api: Arc<PartnerApi<T>>,
    settings: Settings,
    known: Vec<ClientId>,
    observations: mpsc::Sender<(PartnerId, Observation)>,
    clock: Clock,
    stop: CancellationToken,
) {
    let poller = Poller {
        plan: Plan::new(settings.interval, settings.strategy, known, Instant::now()),
        api,
        settings,
        observations,
        clock,
        in_flight: JoinSet::new(),
    };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = poller.poll() => {}
    }
}

/// Nobody listens any more.
struct Unheard;

struct Poller<T> {
    api: Arc<PartnerApi<T>>,
    settings: Settings,
    plan: Plan,
    observations: mpsc::Sender<(PartnerId, Observation)>,
    clock: Clock,
    in_flight: JoinSet<Outcome>,
}

impl<T: Transport> Poller<T> {
    async fn poll(mut self) -> Result<(), Unheard> {
        let mut key_file = interval(KEY_FILE_INTERVAL);
        key_file.set_missed_tick_behavior(MissedTickBehavior::Delay);
        key_file.reset();
        loop {
            let wake = self.start_what_is_due();
            tokio::select! {
                Some(done) = self.in_flight.join_next() => {
                    let outcome = done.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
                    self.take(outcome).await?;
                }
                () = sleep_until(wake) => {}
                _ = key_file.tick() => self.look_at_key_file(),
            }
        }
    }

    /// Starts operations until the plan or the concurrency says stop, and
    /// returns when to look again.
    fn start_what_is_due(&mut self) -> Instant {
        loop {
            let now = Instant::now();
            if self.in_flight.len() >= self.settings.concurrency {
                return now + self.settings.interval;
            }
            let api = self.api.clone();
            match self.plan.next(now) {
                Next::List => self.in_flight.spawn(async move { Outcome::Listed(api.clients().await) }),
                Next::Read(client) => self.in_flight.spawn(async move {
                    let read = api.client_channels(&client).await;
                    Outcome::Read(client, read)
                }),
                Next::Sweep => self.in_flight.spawn(async move { Outcome::Swept(api.partner_channels().await) }),
                Next::Wait(until) => return until,
            };
        }
    }

    fn look_at_key_file(&mut self) {
        match self.api.key().reload() {
            Ok(true) => {
                info!(partner = %self.api.partner(), "the key file holds another key");
                self.plan.key_changed(Instant::now());
            }
            Ok(false) => {}
            // The old key goes on working; a 401 would tell if it does not.
            Err(e) => warn!(partner = %self.api.partner(), error = %e, "cannot read the key file, keeping the key"),
        }
    }

    async fn take(&mut self, outcome: Outcome) -> Result<(), Unheard> {
        match outcome {
            Outcome::Listed(listed) => self.listed(listed).await?,
            Outcome::Read(client, read) => self.read(client, read).await?,
            Outcome::Swept(swept) => self.swept(swept).await?,
        }
        if let Some(Ended { took }) = self.plan.ended(Instant::now()) {
            self.say(Observation::CycleCompleted { took, at: self.clock.now() }).await?;
        }
        Ok(())
    }

    async fn listed(&mut self, listed: Result<Listing<Client>, ApiError>) -> Result<(), Unheard> {
        let now = Instant::now();
        let Listing { mut items, complete } = match listed {
            Ok(listing) => listing,
            Err(failure) => {
                warn!(partner = %self.api.partner(), reason = %failure.reason, error = %failure, "cannot list the clients");
                let pace = self.pace();
                self.plan.list_failed(now, failure.reason, pace);
                return self.say(Observation::PartnerUnreadable).await;
            }
        };
        items.retain(|client| self.settings.shard.holds(&client.id));
        let ids = items.iter().map(|client| client.id.clone());
        let pace = self.pace();
        if !self.plan.listed(now, ids, complete, pace) {
            warn!(partner = %self.api.partner(), clients = items.len(), "the list lost more than half of its clients, reading it again before it is believed");
            return Ok(());
        }
        let at = self.clock.now();
        self.say(Observation::ClientsListed { clients: items, complete, at }).await
    }

    async fn read(&mut self, client: ClientId, read: Result<Listing<Channel>, ApiError>) -> Result<(), Unheard> {
        let now = Instant::now();
        match read {
            Ok(Listing { items, complete }) => {
                self.plan.read(now, &client, watch::look(&items));
                let at = self.clock.now();
                self.say(Observation::ChannelsRead { client, channels: items, complete, at }).await
            }
            Err(failure) => {
                warn!(partner = %self.api.partner(), client = %client, reason = %failure.reason, error = %failure, "cannot read a client's channels");
                self.plan.read_failed(now, &client, failure.reason);
                self.unreadable(&client, failure.reason).await
            }
        }
    }

    async fn swept(&mut self, swept: Result<Listing<OwnedChannel>, ApiError>) -> Result<(), Unheard> {
        let now = Instant::now();
        let Listing { items, complete } = match swept {
            Ok(listing) => listing,
            Err(failure) => {
                warn!(partner = %self.api.partner(), reason = %failure.reason, error = %failure, "cannot read the partner's channel list");
                let pace = self.pace();
                if self.plan.sweep_failed(now, failure.reason, pace) {
                    for client in self.plan.clients() {
                        self.unreadable(&client, failure.reason).await?;
                    }
                }
                return Ok(());
            }
        };
        if !self.plan.sweep_is_believed(items.len(), complete) {
            warn!(partner = %self.api.partner(), channels = items.len(), "the list lost more than half of its channels, reading it again before it is believed");
            return Ok(());
        }
        let mut by_client: BTreeMap<ClientId, Vec<Channel>> =
            self.plan.clients().into_iter().map(|client| (client, Vec::new())).collect();
        let mut strays = 0;
        for OwnedChannel { client, channel } in items {
            match client.as_ref().and_then(|id| by_client.get_mut(id)) {
                Some(channels) => channels.push(channel),
                None if client.is_some_and(|id| !self.settings.shard.holds(&id)) => {}
                None => strays += 1,
            }
        }
        self.api.rejected_strays(strays);
        let at = self.clock.now();
        for (client, channels) in by_client {
            self.plan.swept_client(now, &client, watch::look(&channels));
            self.say(Observation::ChannelsRead { client, channels, complete, at }).await?;
        }
        let pace = self.pace();
        self.plan.swept(now, pace);
        Ok(())
    }

    async fn unreadable(&self, client: &ClientId, reason: Reason) -> Result<(), Unheard> {
        self.say(Observation::ChannelsUnreadable { client: client.clone() }).await?;
        if reason == Reason::Unauthorized {
            self.say(Observation::PartnerUnreadable).await?;
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace { requests_per_second: self.api.rate(), page_size: self.api.page_size() }
    }

    async fn say(&self, observation: Observation) -> Result<(), Unheard> {
        let partner = self.api.partner().clone();
        self.observations.send((partner, observation)).await.map_err(|_| Unheard)
    }
}
