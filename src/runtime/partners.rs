//! The pollers, one a partner: started, stopped and exchanged as the
//! configuration says.
//!
//! A new configuration is read and checked as a whole before anything of it is
//! done. Partners that it does not touch go on as they are; the others keep what
//! is known of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::connect;
use super::state_task::Change;
use crate::clock::Clock;
use crate::config::{Config, ConfigErrors, PartnerConfig, PartnerSettings};
use crate::fleet::Fleet;
use crate::model::{ClientId, Observation, PartnerId};
use crate::poller;
use crate::telemetry::Telemetry;
use crate::web::{ReloadRequest, Web};

/// Reads the configuration anew, from the flags and files it came from.
pub type Reload = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// All pollers.
pub(super) struct Partners {
    observe: mpsc::Sender<(PartnerId, Observation)>,
    change: mpsc::Sender<Change>,
    telemetry: Telemetry,
    clock: Clock,
    max_staleness: Duration,
    running: BTreeMap<PartnerId, Running>,
    tasks: JoinSet<(PartnerId, Vec<ClientId>)>,
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
        mut known: BTreeMap<PartnerId, Vec<ClientId>>,
    ) -> anyhow::Result<()> {
        for partner in partners {
            let known = known.remove(&partner.id).unwrap_or_default();
            self.start_one(partner, known)?;
        }
        Ok(())
    }

    fn start_one(&mut self, partner: PartnerConfig, known: Vec<ClientId>) -> anyhow::Result<()> {
        let (id, settings) = (partner.id.clone(), partner.settings.clone());
        let api = Arc::new(connect::connect_counted(&partner, &self.telemetry, self.clock)?);
        let stop = CancellationToken::new();
        let poller = poller::run(api, settings.poll, known, self.observe.clone(), self.clock, stop.clone());
        self.running.insert(id.clone(), Running { settings, stop });
        self.tasks.spawn(async move { (id, poller.await) });
        Ok(())
    }

    /// Runs the pollers until `stop`; reads the configuration again on SIGHUP
    /// and when asked.
    ///
    /// # Errors
    ///
    /// Fails if a poller ends by itself.
    pub(super) async fn run(
        mut self,
        reload: Option<Reload>,
        mut asked: mpsc::Receiver<ReloadRequest>,
        web: Web,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.tasks.join_next() => {
                    let (partner, _) = ended?;
                    anyhow::bail!("expected partner {partner} to be polled until the end, found its poller gone");
                }
                Some(()) = hangup.recv() => {
                    let _ = self.reload(reload.as_ref(), &web).await;
                }
                Some(answer) = asked.recv() => {
                    let _ = answer.send(self.reload(reload.as_ref(), &web).await);
                }
            }
        }
        self.running.values().for_each(|running| running.stop.cancel());
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Reads the configuration, and if it is good puts it in force.
    async fn reload(&mut self, reload: Option<&Reload>, web: &Web) -> Result<(), String> {
        let Some(reload) = reload else {
            return Err("expected a configuration that can be read again, found the demo's".to_owned());
        };
        let result = match reload() {
            Ok(config) => {
                let effective = config.effective.clone();
                let done = self.reconcile(config.partners).await.map_err(|e| format!("{e:#}"));
                if done.is_ok() {
                    web.set_effective_config(effective);
                }
                done
            }
            Err(errors) => Err(errors.to_string()),
        };
        self.telemetry.reloaded(result.is_ok(), self.clock.now());
        match &result {
            Ok(()) => info!(partners = self.running.len(), "configuration reloaded"),
            Err(errors) => {
                for error in errors.lines() {
                    error!(error, "the new configuration is not taken");
                }
            }
        }
        result
    }

    /// Goes from the partners that run to those that are wanted.
    async fn reconcile(&mut self, wanted: Vec<PartnerConfig>) -> anyhow::Result<()> {
        let gone: Vec<PartnerId> =
            self.running.keys().filter(|id| !wanted.iter().any(|w| w.id == **id)).cloned().collect();
        for partner in gone {
            self.stop_one(&partner).await?;
            self.telemetry.forget(&partner);
            info!(%partner, "partner removed");
            let _ = self.change.send(Change::Forget(partner)).await;
        }
        for partner in wanted {
            let id = partner.id.clone();
            match self.running.get(&id) {
                Some(running) if running.settings == partner.settings => {}
                Some(_) => {
                    let known = self.stop_one(&id).await?;
                    self.start_one(partner, known)?;
                    info!(partner = %id, "partner polled with other settings");
                }
                None => {
                    let fleet = Box::new(Fleet::new(id.clone(), self.max_staleness));
                    let _ = self.change.send(Change::Add(fleet)).await;
                    self.start_one(partner, Vec::new())?;
                    info!(partner = %id, "partner added");
                }
            }
        }
        Ok(())
    }

    /// Stops one poller and returns the clients that it knew.
    async fn stop_one(&mut self, partner: &PartnerId) -> anyhow::Result<Vec<ClientId>> {
        let Some(running) = self.running.remove(partner) else { return Ok(Vec::new()) };
        running.stop.cancel();
        // The others run until they are told, so the one that ends is the one
        // that was.
        if let Some(ended) = self.tasks.join_next().await {
            let (ended, known) = ended?;
            anyhow::ensure!(
                ended == *partner,
                "expected partner {ended} to be polled until the end, found its poller gone"
            );
            return Ok(known);
        }
        Ok(Vec::new())
    }
}
