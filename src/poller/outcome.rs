//! The operations that the poller starts, and what follows from their results.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::balances::BalanceOf;
use super::confidence::BulkVerdict;
use super::{Ended, Poller, ReceiverGone, watch};
use crate::clock::Clock;
use crate::model::{Balance, Channel, ChannelId, Client, ClientId, Failure, Moment, Observation, Reason};
use crate::partner_api::wire::OwnedChannel;
use crate::partner_api::{ApiError, Coverage, Listing, PartnerApi, Retries, Transport};

/// What one spawned operation brought, and when it began.
pub(super) enum Outcome {
    Listed(Moment, Result<Listing<Client>, ApiError>),
    Read(ClientId, Moment, Result<Listing<Channel>, ApiError>),
    ReadInBulk(Result<Coverage, ApiError>),
    Balance(BalanceOf, Result<Vec<Balance>, ApiError>),
}

pub(super) async fn list<T: Transport>(api: Arc<PartnerApi<T>>, clock: Clock, expected: Option<usize>) -> Outcome {
    let began = clock.moment();
    Outcome::Listed(began, api.clients(expected).await)
}

pub(super) async fn read<T: Transport>(
    api: Arc<PartnerApi<T>>,
    clock: Clock,
    client: ClientId,
    retries: Retries,
) -> Outcome {
    let began = clock.moment();
    let read = api.client_channels(&client, retries).await;
    Outcome::Read(client, began, read)
}

pub(super) async fn balance<T: Transport>(api: Arc<PartnerApi<T>>, of: BalanceOf) -> Outcome {
    let read = match &of {
        BalanceOf::Partner => api.partner_balance().await,
        BalanceOf::Client(client) => api.client_balance(client).await,
    };
    Outcome::Balance(of, read)
}

/// Reads the partner's channel list and hands over page by page.
pub(super) async fn read_in_bulk<T: Transport>(
    api: Arc<PartnerApi<T>>,
    expected: Option<usize>,
    pages: mpsc::Sender<Vec<OwnedChannel>>,
) -> Outcome {
    let mut list = api.partner_channels(expected);
    loop {
        match list.next_page().await {
            // The poller holds the other end for as long as it runs this.
            Ok(Some(page)) => {
                let _ = pages.send(page).await;
            }
            Ok(None) => return Outcome::ReadInBulk(Ok(list.finish())),
            Err(failure) => return Outcome::ReadInBulk(Err(failure)),
        }
    }
}

impl<T: Transport> Poller<T> {
    pub(super) async fn take(&mut self, outcome: Outcome) -> Result<(), ReceiverGone> {
        match outcome {
            Outcome::Listed(began, listed) => self.on_list(began, listed).await?,
            Outcome::Read(client, began, read) => self.on_read(client, began, read).await?,
            Outcome::ReadInBulk(ended) => self.on_bulk_read(ended).await?,
            Outcome::Balance(of, read) => self.on_balance(of, read).await?,
        }
        if let Some(Ended { took }) = self.plan.ended(Instant::now()) {
            self.api.log_drift();
            self.balances.cycle_ended(Instant::now());
            let gone = self.confidence.end_cycle();
            self.report_gone(gone).await?;
            self.send(Observation::CycleCompleted { took, at: self.clock.now() }).await?;
        }
        self.report_changes().await
    }

    async fn on_list(&mut self, began: Moment, listed: Result<Listing<Client>, ApiError>) -> Result<(), ReceiverGone> {
        let (now, pace) = (Instant::now(), self.pace());
        let Listing { mut items, received, coverage, started } = match listed {
            Ok(listing) => listing,
            Err(failure) => {
                debug!(partner = %self.api.partner(), reason = %failure.reason, error = %failure, "cannot list the clients");
                self.plan.list_failed(now, failure.reason, pace);
                return self.send(Observation::PartnerUnreadable { failure: (&failure).into() }).await;
            }
        };
        items.retain(|client| self.settings.shard.holds(&client.id));
        let verdict = self.confidence.list(items, received, coverage, started);
        if !verdict.whole {
            debug!(partner = %self.api.partner(), clients = verdict.clients.len(), "the client list lacks clients that are known, and does not prove them gone");
        }
        let ids = self.confidence.client_ids();
        self.api.keep_clients(&ids);
        self.plan.listed(now, ids, verdict.whole, verdict.again, pace);
        let (clients, gone, whole) = (verdict.clients, verdict.gone, verdict.whole);
        self.send(Observation::ClientsListed { clients, gone, whole, at: began }).await
    }

    async fn on_read(
        &mut self,
        client: ClientId,
        began: Moment,
        read: Result<Listing<Channel>, ApiError>,
    ) -> Result<(), ReceiverGone> {
        let now = Instant::now();
        let Listing { items, coverage, started, .. } = match read {
            Ok(listing) => listing,
            Err(failure) => {
                debug!(partner = %self.api.partner(), client = %client, reason = %failure.reason, error = %failure, "cannot read a client's channels");
                self.plan.read_failed(now, &client, failure.reason);
                return self.send(Observation::ChannelsUnreadable { client, failure: (&failure).into() }).await;
            }
        };
        let look = watch::look(&items);
        let Some(verdict) = self.confidence.client_read(&client, items, coverage, started) else {
            // The client has left the list meanwhile.
            self.plan.read(now, &client, look, true, false);
            return Ok(());
        };
        self.plan.read(now, &client, look, verdict.whole, verdict.again);
        let (channels, gone, whole) = (verdict.channels, verdict.gone, verdict.whole);
        self.send(Observation::ChannelsRead { client, channels, gone, whole, at: began }).await
    }

    async fn on_balance(&mut self, of: BalanceOf, read: Result<Vec<Balance>, ApiError>) -> Result<(), ReceiverGone> {
        let (now, partner) = (Instant::now(), self.api.partner());
        let refused = matches!(&read, Err(failure) if failure.reason.refuses_path());
        self.balances.ended(now, &of, refused);
        let whose = if matches!(of, BalanceOf::Partner) { "partner" } else { "clients" };
        match (read, of) {
            (Ok(balances), BalanceOf::Partner) => {
                self.send(Observation::PartnerBalance { balances, at: self.clock.now() }).await
            }
            (Ok(balances), BalanceOf::Client(client)) => {
                self.send(Observation::ClientBalance { client, balances, at: self.clock.moment() }).await
            }
            (Err(failure), _) if refused => {
                warn!(%partner, whose, reason = %failure.reason, error = %failure, "the key may not read balances, trying again in an hour");
                Ok(())
            }
            (Err(failure), _) => {
                warn!(%partner, whose, reason = %failure.reason, error = %failure, "cannot read a balance, trying again in an hour");
                Ok(())
            }
        }
    }

    /// One page of a bulk read.
    pub(super) async fn on_page(&mut self, page: Vec<OwnedChannel>) -> Result<(), ReceiverGone> {
        let shard = self.settings.shard;
        let verdict = self.confidence.bulk_page(page, Instant::now(), |client| shard.holds(client));
        self.api.count_ownerless(verdict.ownerless);
        self.send(Observation::ChannelsSeen { channels: verdict.channels, at: self.clock.now() }).await
    }

    /// The end of a bulk read, behind its last page.
    async fn on_bulk_read(&mut self, ended: Result<Coverage, ApiError>) -> Result<(), ReceiverGone> {
        while let Ok(page) = self.pages.1.try_recv() {
            self.on_page(page).await?;
        }
        let (now, pace) = (Instant::now(), self.pace());
        let failure = match ended {
            Ok(coverage) => match self.confidence.bulk_ended(coverage, now) {
                Some(verdict) => return self.on_bulk_verdict(verdict).await,
                None => {
                    self.api.count_unowned_list();
                    Failure { reason: Reason::Decode, error: "most of its items name no client".into() }
                }
            },
            Err(failure) => {
                debug!(partner = %self.api.partner(), reason = %failure.reason, error = %failure, "cannot read the partner's channel list");
                self.confidence.bulk_failed();
                (&failure).into()
            }
        };
        if self.plan.bulk_failed(now, failure.reason, pace) {
            self.send(Observation::BulkReadFailed { failure }).await?;
        }
        Ok(())
    }

    async fn on_bulk_verdict(&mut self, verdict: BulkVerdict) -> Result<(), ReceiverGone> {
        let BulkVerdict { channels, whole, incomplete, gone, contradicted, mut looks, again } = verdict;
        let read = whole.iter().chain(&incomplete);
        let read: Vec<_> = read.map(|id| (id.clone(), looks.remove(id).unwrap_or_default())).collect();
        let (now, pace) = (Instant::now(), self.pace());
        self.plan.bulk_read(now, read.into_iter(), &contradicted, again, pace);
        if !channels.is_empty() {
            self.send(Observation::ChannelsSeen { channels, at: self.clock.now() }).await?;
        }
        self.report_gone(gone).await?;
        let at = self.bulk_began.unwrap_or_else(|| self.clock.moment());
        self.send(Observation::BulkReadEnded { whole, incomplete, at }).await
    }

    pub(super) async fn report_gone(&self, channels: Vec<(ClientId, ChannelId)>) -> Result<(), ReceiverGone> {
        if channels.is_empty() {
            return Ok(());
        }
        self.send(Observation::ChannelsGone { channels, at: self.clock.now() }).await
    }

    /// What the fleet shows of the poller itself, where it has changed.
    async fn report_changes(&mut self) -> Result<(), ReceiverGone> {
        let unconfirmed = self.confidence.unconfirmed();
        if std::mem::replace(&mut self.reported.unconfirmed, unconfirmed) != unconfirmed {
            let (clients, channels) = unconfirmed;
            if clients + channels > 0 {
                warn!(partner = %self.api.partner(), clients, channels, "clients or channels are missing, waiting for another read to confirm it");
            }
            self.send(Observation::RemovalsUnconfirmed { clients, channels }).await?;
        }
        let page_size = self.api.learned_page_size();
        if let Some(size) = page_size
            && std::mem::replace(&mut self.reported.page_size, page_size) != page_size
        {
            self.send(Observation::PageSizeLearned(size)).await?;
        }
        Ok(())
    }
}
