//! Deciding what to ask the API next, asking it, and saying what was learned.
//!
//! Here: the [`Plan`] (pure: it is told the time and the results, and answers
//! what to do), and [`run`], the loop that does it for one partner.
//!
//! Never here: what the results mean for the fleet, prometheus types, axum. The
//! poller keeps of the fleet only what the plan needs: who the clients are, and
//! which of them need watching.

mod cost;
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

pub use cost::{CollectBalance, Reads, bulk_requests, listing_requests, per_client_requests};
pub use plan::{Ended, Next, Pace, Plan, Strategy};
pub use shard::Shard;

use watch::Look;

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

/// Pages of a sweep that may wait to be taken in.
const PAGES: usize = 2;

/// What one spawned operation brought.
enum Outcome {
    Listed(Result<Listing<Client>, ApiError>),
    Read(ClientId, Result<Listing<Channel>, ApiError>),
    Swept(Result<bool, ApiError>),
}

/// Polls one partner until `stop`. `known` are the clients that are known from
/// an earlier run.
///
/// Returns the clients that are known then: when stopped, or when nobody listens
/// to the observations any more.
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
) -> Vec<ClientId> {
    let mut poller = Poller {
        plan: Plan::new(settings.interval, settings.strategy, known, Instant::now()),
        api,
        settings,
        observations,
        clock,
        in_flight: JoinSet::new(),
        pages: mpsc::channel(PAGES),
        sweep: BTreeMap::new(),
    };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = poller.poll() => {}
    }
    poller.plan.clients()
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
    /// Pages of the sweep that is under way.
    pages: (mpsc::Sender<Vec<OwnedChannel>>, mpsc::Receiver<Vec<OwnedChannel>>),
    /// What that sweep has seen so far.
    sweep: BTreeMap<ClientId, Look>,
}

/// Walks through the partner's channels and hands over page by page.
async fn sweep<T: Transport>(api: &PartnerApi<T>, pages: mpsc::Sender<Vec<OwnedChannel>>) -> Result<bool, ApiError> {
    let mut walk = api.partner_channels();
    while let Some(page) = walk.next_page().await? {
        // The poller holds the other end for as long as it runs this.
        let _ = pages.send(page).await;
    }
    walk.finish()
}

impl<T: Transport> Poller<T> {
    async fn poll(&mut self) -> Result<(), Unheard> {
        let mut key_file = interval(KEY_FILE_INTERVAL);
        key_file.set_missed_tick_behavior(MissedTickBehavior::Delay);
        key_file.reset();
        loop {
            let wake = self.start_what_is_due().await?;
            tokio::select! {
                Some(done) = self.in_flight.join_next() => {
                    let outcome = done.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
                    self.take(outcome).await?;
                }
                Some(page) = self.pages.1.recv() => self.seen(page).await?,
                () = sleep_until(wake) => {}
                _ = key_file.tick() => self.look_at_key_file(),
            }
        }
    }

    /// Starts operations until the plan or the concurrency says stop, and
    /// returns when to look again.
    async fn start_what_is_due(&mut self) -> Result<Instant, Unheard> {
        loop {
            let now = Instant::now();
            if self.in_flight.len() >= self.settings.concurrency {
                return Ok(now + self.settings.interval);
            }
            let api = self.api.clone();
            match self.plan.next(now, self.pace()) {
                Next::List => self.in_flight.spawn(async move { Outcome::Listed(api.clients().await) }),
                Next::Read(client) => self.in_flight.spawn(async move {
                    let read = api.client_channels(&client).await;
                    Outcome::Read(client, read)
                }),
                Next::BulkRead => {
                    self.say(Observation::BulkReadStarted).await?;
                    let pages = self.pages.0.clone();
                    self.in_flight.spawn(async move { Outcome::Swept(sweep(&api, pages).await) })
                }
                Next::Wait(until) => return Ok(until),
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

    /// One page of a sweep.
    async fn seen(&mut self, page: Vec<OwnedChannel>) -> Result<(), Unheard> {
        let mut strays = 0;
        let mut channels = Vec::with_capacity(page.len());
        for OwnedChannel { client, channel } in page {
            match client {
                Some(client) if self.plan.knows(&client) => {
                    self.sweep.entry(client.clone()).or_default().add(&channel);
                    channels.push((client, channel));
                }
                Some(client) if !self.settings.shard.holds(&client) => {}
                _ => strays += 1,
            }
        }
        self.api.rejected_strays(strays);
        self.say(Observation::ChannelsSeen { channels, at: self.clock.now() }).await
    }

    /// The end of a sweep, behind its last page.
    async fn swept(&mut self, swept: Result<bool, ApiError>) -> Result<(), Unheard> {
        while let Ok(page) = self.pages.1.try_recv() {
            self.seen(page).await?;
        }
        let now = Instant::now();
        let looks = std::mem::take(&mut self.sweep);
        let complete = match swept {
            Ok(complete) => complete,
            Err(failure) => {
                warn!(partner = %self.api.partner(), reason = %failure.reason, error = %failure, "cannot read the partner's channel list");
                let pace = self.pace();
                if self.plan.sweep_failed(now, failure.reason, pace) {
                    self.say(Observation::BulkReadFailed).await?;
                }
                if failure.reason == Reason::Unauthorized {
                    self.say(Observation::PartnerUnreadable).await?;
                }
                return Ok(());
            }
        };
        let channels = looks.values().map(|look| look.channels).sum();
        if !self.plan.sweep_is_believed(channels, complete) {
            warn!(partner = %self.api.partner(), channels, "the list lost more than half of its channels, reading it again before it is believed");
            return Ok(());
        }
        let pace = self.pace();
        self.plan.swept(now, &looks, pace);
        self.say(Observation::BulkReadCompleted { complete, at: self.clock.now() }).await
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

#[cfg(test)]
mod tests;
