//! Decides what to ask the API next, asks it, and judges the response.
//!
//! Here: the [`Plan`] (pure: it is given the time and the results, and decides
//! what to do), the [`Confidence`] rules (what a read proves), and [`run`], the
//! loop that does it for one partner.
//!
//! Never here: what is shown, prometheus types, axum. The poller keeps of the
//! fleet only what the plan and the rules need: who the clients are, their
//! channels' ids and fingerprints, and which clients need watching.

mod balances;
mod confidence;
mod cost;
mod outcome;
mod plan;
mod shard;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::clock::Clock;
use crate::model::{Moment, Observation, PartnerId, Reads};
use crate::partner_api::wire::OwnedChannel;
use crate::partner_api::{Memory, PartnerApi, Retries, Transport};

pub use confidence::{Confidence, KnownClient};
pub use cost::{CollectBalance, bulk_requests, listing_requests, per_client_requests};
pub use plan::{Ended, Next, Pace, Plan, Strategy};
pub use shard::Shard;

use balances::Balances;
use outcome::Outcome;

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
    /// Which prepaid balances are read.
    pub balance: CollectBalance,
}

/// What one poller hands over to the next one for the same partner.
#[derive(Debug, Clone, Default)]
pub struct Handover {
    /// The clients that are known, with their channels.
    pub clients: Vec<KnownClient>,
    /// What was learned about the API.
    pub api: Memory,
}

/// How often the key file is looked at.
const KEY_FILE_INTERVAL: Duration = Duration::from_secs(5);

/// Pages of a bulk read that may wait to be taken in.
const PAGES: usize = 2;

/// Polls one partner until `stop`, going on from what an earlier run or poller
/// left.
///
/// Returns what it leaves itself: when stopped, or when nobody listens to the
/// observations any more.
///
/// # Panics
///
/// If an operation panics: a poller that goes on with half of its work would
/// look alive.
pub async fn run<T: Transport>(
    api: Arc<PartnerApi<T>>,
    settings: Settings,
    earlier: Handover,
    observations: mpsc::Sender<(PartnerId, Observation)>,
    clock: Clock,
    stop: CancellationToken,
) -> Handover {
    let Settings { interval, strategy, concurrency, balance, .. } = settings;
    let Handover { clients: known, api: memory } = earlier;
    api.resume(memory);
    let ids = known.iter().map(|client| client.id.clone()).collect();
    let mut poller = Poller {
        plan: Plan::new(interval, strategy, concurrency, ids, Instant::now()),
        confidence: Confidence::new(known),
        balances: Balances::new(balance),
        reported: Reported::default(),
        api,
        settings,
        observations,
        clock,
        in_flight: JoinSet::new(),
        pages: mpsc::channel(PAGES),
        bulk_began: None,
    };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = poller.poll() => {}
    }
    Handover { clients: poller.confidence.known(), api: poller.api.memory() }
}

/// Nobody listens any more.
struct ReceiverGone;

/// What the fleet was last sent about the poller itself.
#[derive(Debug, Default)]
struct Reported {
    reads: Option<Reads>,
    unconfirmed: (usize, usize),
    page_size: Option<usize>,
    cycle: u64,
    outage: bool,
}

struct Poller<T> {
    api: Arc<PartnerApi<T>>,
    settings: Settings,
    plan: Plan,
    confidence: Confidence,
    balances: Balances,
    reported: Reported,
    observations: mpsc::Sender<(PartnerId, Observation)>,
    clock: Clock,
    in_flight: JoinSet<Outcome>,
    /// Pages of the bulk read that is under way.
    pages: (mpsc::Sender<Vec<OwnedChannel>>, mpsc::Receiver<Vec<OwnedChannel>>),
    /// When it began.
    bulk_began: Option<Moment>,
}

impl<T: Transport> Poller<T> {
    async fn poll(&mut self) -> Result<(), ReceiverGone> {
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
                Some(page) = self.pages.1.recv() => self.on_page(page).await?,
                () = sleep_until(wake) => {}
                _ = key_file.tick() => self.look_at_key_file(),
            }
        }
    }

    /// Starts operations until the plan or the concurrency says stop, and
    /// returns when to look again.
    async fn start_what_is_due(&mut self) -> Result<Instant, ReceiverGone> {
        loop {
            let now = Instant::now();
            if self.in_flight.len() >= self.settings.concurrency {
                return Ok(now + self.settings.interval);
            }
            let next = self.plan.next(now, self.pace());
            self.report_cycle().await?;
            let (api, clock) = (self.api.clone(), self.clock);
            match next {
                Next::List => {
                    let expected = self.confidence.expected_clients();
                    self.in_flight.spawn(outcome::list(api, clock, expected));
                }
                Next::Read(client) => {
                    self.in_flight.spawn(outcome::read(api, clock, client, Retries::Transient));
                }
                Next::ReadOnce(client) => {
                    self.in_flight.spawn(outcome::read(api, clock, client, Retries::Quick));
                }
                Next::BulkRead => {
                    self.confidence.bulk_started(now);
                    self.bulk_began = Some(self.clock.moment());
                    let (expected, pages) = (self.confidence.expected_channels(), self.pages.0.clone());
                    self.in_flight.spawn(outcome::read_in_bulk(api, expected, pages));
                }
                // Nothing of the channels is due: now balances may be read.
                Next::Wait(until) => match self.balances.next(now, || self.confidence.client_ids()) {
                    Some(of) => {
                        self.in_flight.spawn(outcome::balance(api, of));
                    }
                    None => return Ok(self.balances.due_at().map_or(until, |due| due.min(until))),
                },
            }
        }
    }

    fn look_at_key_file(&mut self) {
        match self.api.key().reload() {
            Ok(true) => {
                info!(partner = %self.api.partner(), "API key changed on disk, using the new key");
                self.plan.key_changed(Instant::now());
            }
            Ok(false) => {}
            // The old key stays in use; a 401 would show that it no longer works.
            Err(e) => {
                warn!(partner = %self.api.partner(), error = %e, "cannot read the API key file, keeping the current key");
            }
        }
    }

    /// Reports a new cycle, a change of the strategy, and losses that were
    /// judged at the end of the cycle before.
    async fn report_cycle(&mut self) -> Result<(), ReceiverGone> {
        let cycle = self.plan.cycle();
        if std::mem::replace(&mut self.reported.cycle, cycle) != cycle {
            let gone = self.confidence.begin_cycle(cycle);
            self.report_gone(gone).await?;
        }
        let reads = self.plan.reads();
        if let Some(chosen) = reads
            && std::mem::replace(&mut self.reported.reads, reads) != reads
        {
            info!(partner = %self.api.partner(), strategy = chosen.as_str(), requests_per_second = self.api.rate(), "reading the channels this way from now on");
            self.send(Observation::StrategyChosen(chosen)).await?;
        }
        let outage = self.api.is_outage();
        if std::mem::replace(&mut self.reported.outage, outage) != outage && outage {
            debug!(partner = %self.api.partner(), "every request fails, trying the client list before anything else");
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace {
            requests_per_second: self.api.rate(),
            page_size: self.api.page_size(),
            paused_until: self.api.pacer().paused_until(),
            outage: self.api.is_outage(),
        }
    }

    async fn send(&self, observation: Observation) -> Result<(), ReceiverGone> {
        let partner = self.api.partner().clone();
        self.observations.send((partner, observation)).await.map_err(|_| ReceiverGone)
    }
}

#[cfg(test)]
mod tests;
