//! One running exporter: pollers, publication and web server, and how they end.
//!
//! The first task that ends by itself ends the process: a live server over a
//! dead poller would serve the past as if it were the present.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::partners::Partners;
use super::reload::Reload;
use super::state_keeper::StateKeeper;
use super::state_task::{self, Inbox, State, Tools};
use super::worker::Worker;
use crate::clock::Clock;
use crate::config::Config;
use crate::exposition::{Publisher, SnapshotCell};
use crate::fleet::{ClientState, Fleet, state_file};
use crate::model::{Moment, PartnerId};
use crate::partner_api::Memory;
use crate::poller::{Handover, KnownClient, Shard};
use crate::telemetry::Telemetry;
use crate::web::{self, Web};

/// Observations that may wait for the state's task, before pollers wait.
const QUEUE: usize = 1024;

/// An exporter that is ready to run: its addresses are taken.
pub struct Exporter {
    config: Config,
    clock: Clock,
    listeners: Vec<TcpListener>,
    reload: Option<Reload>,
}

impl Exporter {
    /// Takes the addresses. With `reload`, the configuration can be read again
    /// while the exporter runs.
    ///
    /// # Errors
    ///
    /// Names the address that can't be had.
    pub fn bind(config: Config, clock: Clock, reload: Option<Reload>) -> anyhow::Result<Self> {
        let listeners = if config.web.systemd_socket { web::from_systemd()? } else { web::bind(&config.web.listen)? };
        Ok(Self { config, clock, listeners, reload })
    }

    /// The addresses, with the ports that were chosen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Runs until `stop`, and then for as long as responses under way may take.
    ///
    /// # Errors
    ///
    /// Fails if a part ends before it was asked to.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { config, clock, listeners, reload } = self;
        let telemetry = Telemetry::new();
        telemetry.settings(config.poll_interval, config.max_staleness);
        telemetry.reloaded(true, clock.now());

        let keeper = config.state_file.clone().map(|path| StateKeeper::start(path, telemetry.clone(), clock));
        let (mut keeper, publisher) = (keeper.transpose()?, Worker::start("publisher")?);
        let (state, published) = tokio::select! {
            // Nothing is known yet that could be saved.
            () = stop.cancelled() => {
                info!("stopped");
                return Ok(());
            }
            prepared = prepare(&config, keeper.as_mut(), &publisher, &telemetry, clock) => prepared,
        };
        let known = state.fleets.iter().map(|(id, fleet)| (id.clone(), handover(fleet))).collect();
        let published = Arc::new(published);

        let (observe, observations) = mpsc::channel(QUEUE);
        let (change, changes) = mpsc::channel(1);
        let (ask_reload, asked_reload) = mpsc::channel(1);
        let polling = Polling::new()?;
        let mut tasks = JoinSet::new();
        let publication = {
            let tools = Tools { published: published.clone(), telemetry: telemetry.clone(), clock, publisher, keeper };
            async move {
                state_task::run(state, Inbox { observations, changes }, tools).await;
                ("state task", Ok(()))
            }
        };
        tasks.spawn_on(publication, &polling.handle);
        // Before the first scrape can come: every series that can exist is there.
        let mut partners = Partners::new(observe, change, telemetry.clone(), clock, config.max_staleness);
        polling.within(|| partners.start(config.partners, known))?;
        let ask = config.web.enable_lifecycle.then_some(ask_reload.clone());
        let web = Web::new(published, telemetry, clock, &config.web, config.effective.clone(), ask)?;
        for listener in listeners {
            let server = web::serve(listener, web.clone(), stop.clone());
            tasks.spawn(async move { ("web server", server.await.map_err(anyhow::Error::from)) });
        }
        let stopping = stop.clone();
        let poller = async move {
            // Kept, so that without anyone to ask the channel stays open.
            let _ask_reload = ask_reload;
            ("poller", partners.run(reload, asked_reload, web, stopping).await)
        };
        tasks.spawn_on(poller, &polling.handle);
        supervise(tasks, &stop).await
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Threads that wait for name servers: one that never responds must not cost a
/// thread per try.
const RESOLVERS: usize = 4;

/// The thread that reads the API and holds the state. Scrapes have others, so
/// that none waits while a page is decoded; and as allocators keep memory by the
/// thread, what a cycle needs for a moment is kept once.
struct Polling {
    handle: Handle,
    /// Until it is dropped.
    runtime: Option<Runtime>,
}

impl Polling {
    fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(RESOLVERS)
            .thread_name("polling")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Does what spawns tasks of its own.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.handle.enter();
        work()
    }
}

impl Drop for Polling {
    /// A runtime must not be waited for inside another.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A fleet for each partner, with what an earlier run left in the state file, and
/// the first publication of them.
async fn prepare(
    config: &Config,
    keeper: Option<&mut StateKeeper>,
    publisher: &Worker,
    telemetry: &Telemetry,
    clock: Clock,
) -> (State, SnapshotCell) {
    let ids = config.partners.iter().map(|partner| partner.id.clone()).collect();
    let saved = match keeper {
        Some(keeper) => keeper.load(ids).await,
        None => None,
    };
    let partners: Vec<_> = config.partners.iter().map(|p| (p.id.clone(), p.settings.poll.shard)).collect();
    let max_staleness = config.max_staleness;
    let (render, telemetry) = (config.render.clone(), telemetry.clone());
    let prepared = publisher.run(move || {
        let fleets = fleets(&partners, saved, max_staleness, clock.moment());
        let mut state = State { fleets, publisher: Publisher::new(render) };
        let published = state.first(&telemetry, clock);
        (state, published)
    });
    prepared.await
}

fn fleets(
    partners: &[(PartnerId, Shard)],
    mut saved: Option<state_file::Saved>,
    max_staleness: Duration,
    now: Moment,
) -> BTreeMap<PartnerId, Fleet> {
    let fleet = |(id, shard): &(PartnerId, Shard)| {
        saved
            .as_mut()
            .and_then(|saved| saved.take(id, max_staleness, now, |client| shard.holds(client)))
            .unwrap_or_else(|| Fleet::new(id.clone(), max_staleness))
    };
    partners.iter().map(fleet).map(|fleet| (fleet.partner().clone(), fleet)).collect()
}

/// What the poller begins with.
fn handover(fleet: &Fleet) -> Handover {
    let channels = |client: &ClientState| client.channels.iter().map(|known| known.channel.id.clone()).collect();
    let known = |client: &ClientState| KnownClient { id: client.client.id.clone(), channels: channels(client) };
    let api = Memory { page_size: fleet.partner_state().page_size, ..Memory::default() };
    Handover { clients: fleet.clients(..).map(known).collect(), api }
}

/// Waits for the end of all tasks. One that ends before `stop` is a failure, and
/// stops the others.
async fn supervise(
    mut tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        let stopped = stop.is_cancelled();
        let failure = match ended {
            Ok((_, Ok(()))) if stopped => None,
            Ok((task, Ok(()))) => Some(anyhow::anyhow!("the {task} ended by itself")),
            Ok((task, Err(e))) => Some(e.context(format!("the {task} failed"))),
            Err(panicked) => Some(anyhow::Error::from(panicked).context("a task of the exporter died")),
        };
        if let Some(failure) = failure {
            stop.cancel();
            failed.get_or_insert(failure);
        }
    }
    info!("stopped");
    failed.map_or(Ok(()), Err).context("the exporter stopped")
}

#[cfg(test)]
mod tests {
    use std::future::{Future, ready};

    use super::*;

    type Ended = (&'static str, anyhow::Result<()>);

    /// What comes of `task` beside another that runs until it is stopped, and
    /// whether it was.
    async fn beside_another(
        task: impl Future<Output = Ended> + Send + 'static,
        stop: CancellationToken,
    ) -> (Result<(), String>, bool) {
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move {
            stopped.cancelled().await;
            ("web server", Ok(()))
        });
        tasks.spawn(task);
        let result = supervise(tasks, &stop).await.map_err(|e| format!("{e:#}"));
        (result, stop.is_cancelled())
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_the_others_and_fails_the_run() {
        let (result, stopped) = beside_another(async { panic!("no such chunk") }, CancellationToken::new()).await;
        let failure = result.unwrap_err();
        let (before, after) =
            ("the exporter stopped: a task of the exporter died: task ", r#" panicked with message "no such chunk""#);
        assert!(failure.starts_with(before) && failure.ends_with(after), "{failure}");
        assert!(stopped);
    }

    #[tokio::test]
    async fn a_task_that_ends_early_or_fails_stops_the_others() {
        let ended = beside_another(ready(("state task", Ok(()))), CancellationToken::new()).await;
        assert_eq!(ended, (Err("the exporter stopped: the state task ended by itself".to_owned()), true));
        let failing = ready(("poller", Err(anyhow::anyhow!("no more sockets"))));
        let failed = beside_another(failing, CancellationToken::new()).await;
        assert_eq!(failed, (Err("the exporter stopped: the poller failed: no more sockets".to_owned()), true));
    }

    #[tokio::test]
    async fn tasks_may_end_after_a_stop_but_a_panic_is_still_a_failure() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(beside_another(ready(("poller", Ok(()))), stop.clone()).await, (Ok(()), true));
        let (result, _) = beside_another(async { panic!("while draining") }, stop).await;
        assert!(result.unwrap_err().ends_with(r#"panicked with message "while draining""#));
    }
}
