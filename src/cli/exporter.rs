//! One running exporter: pollers, publication and web server, and how they end.
//!
//! The first task that ends by itself ends the process: a live server over a
//! dead poller would serve the past as if it were the present.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::publication;
use crate::clock::Clock;
use crate::config::{Config, PartnerConfig};
use crate::exposition::{Published, Publisher};
use crate::fleet::Fleet;
use crate::partner_api::http::HttpTransport;
use crate::partner_api::{Pacer, PartnerApi, Settings};
use crate::poller;
use crate::telemetry::Telemetry;
use crate::web::{self, Web};

/// Observations that may wait for the state's task, before pollers wait.
const QUEUE: usize = 1024;

/// An exporter that is ready to run: its addresses are taken.
#[derive(Debug)]
pub struct Exporter {
    config: Config,
    clock: Clock,
    listeners: Vec<TcpListener>,
}

impl Exporter {
    /// Takes the addresses.
    ///
    /// # Errors
    ///
    /// Names the address that can't be had.
    pub fn bind(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let listeners = web::bind(&config.web.listen)?;
        Ok(Self { config, clock, listeners })
    }

    /// The addresses, with the ports that were chosen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Runs until `stop`, and then for as long as answers under way may take.
    ///
    /// # Errors
    ///
    /// Fails if a part ends before it was told to.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { config, clock, listeners } = self;
        let telemetry = Telemetry::new();
        telemetry.settings(config.poll_interval, config.max_staleness);
        telemetry.reloaded(true, clock.now());

        let mut state = publication::State {
            fleets: config
                .partners
                .iter()
                .map(|partner| (partner.id.clone(), Fleet::new(partner.id.clone(), config.max_staleness)))
                .collect(),
            publisher: Publisher::new(config.render.clone()),
        };
        let published = Arc::new(state.first(&telemetry));

        let (observations, observed) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        for partner in config.partners {
            let (api, settings) = api(partner, &telemetry, clock)?;
            let poller = poller::run(Arc::new(api), settings, Vec::new(), observations.clone(), clock, stop.clone());
            tasks.spawn(async move {
                poller.await;
                ("poller", Ok(()))
            });
        }
        drop(observations);
        tasks.spawn({
            let (published, telemetry) = (published.clone(), telemetry.clone());
            async move {
                publication::run(state, observed, published, telemetry, clock).await;
                ("publication", Ok(()))
            }
        });
        let web = web(&config.web, &config.effective, published, telemetry, clock);
        for listener in listeners {
            let server = web::serve(listener, web.router(), stop.clone());
            tasks.spawn(async move { ("web server", server.await) });
        }
        supervise(tasks, &stop).await
    }
}

fn web(
    config: &crate::config::WebConfig,
    effective: &str,
    published: Arc<Published>,
    telemetry: Telemetry,
    clock: Clock,
) -> Web {
    let path = config.telemetry_path.clone();
    Web::new(published, telemetry, clock, path, config.max_requests, effective.to_owned(), None)
}

/// One partner's API, and how it is to be polled.
fn api(
    partner: PartnerConfig,
    telemetry: &Telemetry,
    clock: Clock,
) -> anyhow::Result<(PartnerApi<HttpTransport>, poller::Settings)> {
    let instruments = telemetry.partner(&partner.id);
    let transport = HttpTransport::new(partner.http)?;
    let pacer = Pacer::new(partner.min_rate, partner.max_rate, instruments.clone());
    let settings = Settings { partner: partner.id, page_size: partner.page_size };
    Ok((PartnerApi::new(transport, settings, partner.key, pacer, instruments, clock), partner.poll))
}

/// Waits for the end of all tasks. One that ends before `stop` is a failure, and
/// stops the others.
async fn supervise(
    mut tasks: JoinSet<(&'static str, std::io::Result<()>)>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        let told = stop.is_cancelled();
        let (task, result) = match ended {
            Ok(ended) => ended,
            Err(panicked) => {
                stop.cancel();
                failed.get_or_insert_with(|| anyhow::anyhow!("a task of the exporter died: {panicked}"));
                continue;
            }
        };
        if let Err(e) = result.with_context(|| format!("the {task} failed")) {
            stop.cancel();
            failed.get_or_insert(e);
        } else if !told {
            stop.cancel();
            failed.get_or_insert_with(|| anyhow::anyhow!("the {task} ended by itself"));
        }
    }
    info!("stopped");
    match failed {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}
