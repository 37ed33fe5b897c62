//! The pollers, one per partner: started, stopped and replaced as the
//! configuration says.
//!
//! A new configuration is read and checked as a whole, and everything new is built,
//! before anything old is stopped. Partners that it does not touch go on as they
//! are; the others keep what is known of them.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::connect;
use super::reload::Reload;
use super::state_task::Change;
use crate::clock::Clock;
use crate::config::{PartnerConfig, PartnerSettings};
use crate::fleet::Fleet;
use crate::model::{Observation, PartnerId};
use crate::partner_api::http::HttpTransport;
use crate::poller::{self, Handover};
use crate::telemetry::Telemetry;
use crate::web::{ReloadRequest, Web};

/// All pollers.
pub(super) struct Partners {
    observe: mpsc::Sender<(PartnerId, Observation)>,
    change: mpsc::Sender<Change>,
    telemetry: Telemetry,
    clock: Clock,
    max_staleness: Duration,
    running: BTreeMap<PartnerId, Running>,
    tasks: JoinSet<(PartnerId, Handover)>,
}

/// A partner whose poller can be started.
struct Ready {
    partner: PartnerConfig,
    transport: HttpTransport,
}

/// One poller.
struct Running {
    settings: PartnerSettings,
    stop: CancellationToken,
}

impl Partners {
    pub(super) fn new(
        observe: mpsc::Sender<(PartnerId, Observation)>,
        change: mpsc::Sender<Change>,
        telemetry: Telemetry,
        clock: Clock,
        max_staleness: Duration,
    ) -> Self {
        let (running, tasks) = (BTreeMap::new(), JoinSet::new());
        Self { observe, change, telemetry, clock, max_staleness, running, tasks }
    }

    /// Starts a poller for each partner, with the clients that are known of it.
    pub(super) fn start(
        &mut self,
        partners: Vec<PartnerConfig>,
        mut known: BTreeMap<PartnerId, Handover>,
    ) -> anyhow::Result<()> {
        let ready = Self::build(partners).map_err(anyhow::Error::msg)?;
        for ready in ready {
            let known = known.remove(&ready.partner.id).unwrap_or_default();
            self.start_one(ready, known);
        }
        Ok(())
    }

    /// Builds all that can fail: transports with their CA certificates.
    fn build(partners: Vec<PartnerConfig>) -> Result<Vec<Ready>, String> {
        let (mut ready, mut errors) = (Vec::new(), Vec::new());
        for partner in partners {
            match HttpTransport::new(partner.settings.http.clone()) {
                Ok(transport) => ready.push(Ready { partner, transport }),
                Err(error) => errors.push(format!("partner {}: {error}", partner.id)),
            }
        }
        if errors.is_empty() { Ok(ready) } else { Err(errors.join("\n")) }
    }

    fn start_one(&mut self, Ready { partner, transport }: Ready, known: Handover) {
        let api = connect::connect_through(transport, &partner, &self.telemetry, self.clock);
        let (id, settings) = (partner.id, partner.settings);
        let stop = CancellationToken::new();
        let poller = poller::run(Arc::new(api), settings.poll, known, self.observe.clone(), self.clock, stop.clone());
        self.running.insert(id.clone(), Running { settings, stop });
        self.tasks.spawn(async move { (id, poller.await) });
    }

    /// Runs the pollers until `stop`; reads the configuration again on SIGHUP
    /// and when asked.
    ///
    /// # Errors
    ///
    /// Fails if a poller ends by itself.
    pub(super) async fn run(
        mut self,
        mut reload: Option<Reload>,
        mut asked: mpsc::Receiver<ReloadRequest>,
        web: Web,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next() => {
                    let (partner, _) = ended?;
                    anyhow::bail!("expected partner {partner} to be polled until the end, found its poller gone");
                }
                () = hung_up(reload.as_mut()) => {
                    let _ = self.reload(reload.as_ref(), &web, &stop).await?;
                }
                Some(reply) = asked.recv() => {
                    let _ = reply.send(self.reload(reload.as_ref(), &web, &stop).await?);
                }
            }
        }
        self.running.values().for_each(|running| running.stop.cancel());
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Reads the configuration, and if it is good puts it in force. What comes
    /// back is for whoever asked.
    ///
    /// # Errors
    ///
    /// Fails if a poller has ended by itself.
    async fn reload(
        &mut self,
        reload: Option<&Reload>,
        web: &Web,
        stop: &CancellationToken,
    ) -> anyhow::Result<Result<(), String>> {
        let Some(reload) = reload else {
            return Ok(Err("`demo` has no configuration to reload".to_owned()));
        };
        let loaded = tokio::select! {
            () = stop.cancelled() => return Ok(Err("the exporter is stopping".to_owned())),
            loaded = reload.load_in_time() => loaded,
        };
        let built = loaded.and_then(|config| Ok((config.effective, Self::build(config.partners)?)));
        let result = match built {
            Ok((effective, ready)) => {
                self.reconcile(ready).await?;
                web.set_effective_config(effective);
                Ok(())
            }
            Err(errors) => Err(errors),
        };
        self.telemetry.reloaded(result.is_ok(), self.clock.now());
        match &result {
            Ok(()) => info!(partners = self.running.len(), "configuration reloaded"),
            Err(errors) => {
                for error in errors.lines() {
                    error!(error, "configuration reload failed, keeping the current configuration");
                }
            }
        }
        Ok(result)
    }

    /// Goes from the partners that run to those that are wanted. Nothing in here
    /// can fail but a poller that has ended by itself.
    async fn reconcile(&mut self, wanted: Vec<Ready>) -> anyhow::Result<()> {
        let gone: Vec<PartnerId> =
            self.running.keys().filter(|id| !wanted.iter().any(|w| w.partner.id == **id)).cloned().collect();
        for partner in gone {
            self.stop_one(&partner).await?;
            self.telemetry.forget(&partner);
            info!(%partner, "partner removed");
            let _ = self.change.send(Change::Forget(partner)).await;
        }
        for ready in wanted {
            let id = ready.partner.id.clone();
            match self.running.get(&id) {
                Some(running) if running.settings == ready.partner.settings => {}
                Some(_) => {
                    let known = self.stop_one(&id).await?;
                    self.start_one(ready, known);
                    info!(partner = %id, "partner polled with other settings");
                }
                None => {
                    let fleet = Box::new(Fleet::new(id.clone(), self.max_staleness));
                    let _ = self.change.send(Change::Add(fleet)).await;
                    self.start_one(ready, Handover::default());
                    info!(partner = %id, "partner added");
                }
            }
        }
        Ok(())
    }

    /// Stops one poller and returns the clients that it knew.
    async fn stop_one(&mut self, partner: &PartnerId) -> anyhow::Result<Handover> {
        let Some(running) = self.running.remove(partner) else { return Ok(Handover::default()) };
        running.stop.cancel();
        // The others run until they are stopped, so the one that ends is the one
        // that was.
        if let Some(ended) = self.tasks.join_next().await {
            let (ended, known) = ended?;
            anyhow::ensure!(
                ended == *partner,
                "expected partner {ended} to be polled until the end, found its poller gone"
            );
            return Ok(known);
        }
        Ok(Handover::default())
    }
}

/// Waits for SIGHUP, if it is listened for.
async fn hung_up(reload: Option<&mut Reload>) {
    match reload {
        Some(reload) => reload.asked().await,
        None => pending().await,
    }
}
