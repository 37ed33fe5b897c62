//! What the benchmarks measure on: a simulated fleet of any size, as the bodies
//! that the API sends and as the state that is made of them.

pub(crate) mod registry;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use d360_exporter::clock::Clock;
use d360_exporter::exposition::{Filter, Format, Publisher, RenderSettings, ScrapeBody, SnapshotCell};
use d360_exporter::fleet::Fleet;
use d360_exporter::model::{
    Availability, Channel, ChannelId, Client, ClientId, HubStatus, LifecycleStatus, MessagingLimit, Observation,
    PartnerId, QualityRating, ShortText, Timestamp, WabaAccount,
};
use d360_exporter::partner_api::pager::{Bounds, Pager};
use d360_exporter::partner_api::wire;
use d360_exporter::simulator::{API_PREFIX, Options, Request, Simulator};
use d360_exporter::telemetry::Telemetry;
use d360_exporter::web::{Protection, Web, WebConfig};
use jiff::SignedDuration;
use tokio::time::Instant;

/// Items of a page: the default of `--api.page-size`.
const PAGE_SIZE: usize = 200;

/// The number of clients and how many channels each has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) clients: usize,
    pub(crate) channels_per_client: usize,
}

impl Shape {
    pub(crate) fn channels(self) -> usize {
        self.clients * self.channels_per_client
    }

    /// The same channels per client, but so many channels in all.
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        Self { clients: (channels / self.channels_per_client).max(1), ..self }
    }
}

/// Every page of a full bulk read, as sent.
#[derive(Debug)]
pub(crate) struct Pages {
    partner: PartnerId,
    clients: Vec<Bytes>,
    pub(crate) channels: Vec<Bytes>,
}

impl Pages {
    /// Asks the simulator for all of them.
    pub(crate) fn of(shape: Shape) -> Self {
        let options =
            Options { clients: shape.clients, channels_per_client: shape.channels_per_client, ..Options::default() };
        let partner = PartnerId::from(options.partner_id.as_str());
        let simulator = Simulator::new(options);
        let pages = |list: &str, items: usize| {
            (0..items.div_ceil(PAGE_SIZE)).map(|page| body(&simulator, list, page * PAGE_SIZE)).collect()
        };
        Self { clients: pages("clients", shape.clients), channels: pages("channels", shape.channels()), partner }
    }

    /// The fleet that a first full cycle makes of them.
    pub(crate) fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::new(self.partner.clone(), Duration::from_secs(1800));
        let clients = self.clients.iter().flat_map(|body| wire::decode_clients(body).unwrap().items).collect();
        fleet.apply(Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: now().into() });
        self.read_into(&mut fleet);
        fleet.apply(Observation::CycleCompleted { took: Duration::from_secs(60), at: now() });
        fleet
    }

    /// Decodes and applies the channel list, page by page, as the poller does.
    pub(crate) fn read_into(&self, fleet: &mut Fleet) {
        let mut pager: Pager<ChannelId> = Pager::new(Bounds::growing_from(None));
        for body in &self.channels {
            let page = wire::decode_channels(body).unwrap();
            let received = page.received;
            let new = page.items.into_iter().filter(|item| pager.is_new(item.channel.id.clone()));
            let channels: Vec<_> = new.filter_map(|item| Some((item.client?, item.channel))).collect();
            pager.page(received, channels.len(), page.total);
            fleet.apply(Observation::ChannelsSeen { channels, at: now() });
        }
        assert!(pager.finish(0).is_complete());
        let whole = fleet.clients(..).map(|state| state.client.id.clone()).collect();
        fleet.apply(Observation::BulkReadEnded { whole, incomplete: Vec::new(), at: now().into() });
    }

    /// Reads the same bodies into the wire types, and nothing else.
    pub(crate) fn parse_only(&self) -> usize {
        self.channels.iter().map(|body| wire::parse_channels_only(body).unwrap()).sum()
    }
}

fn body(simulator: &Simulator, list: &str, offset: usize) -> Bytes {
    let Options { partner_id, api_key, .. } = simulator.options();
    let response = simulator.respond(&Request {
        method: "GET".to_owned(),
        path: format!("{API_PREFIX}/partners/{partner_id}/{list}"),
        query: Some(format!("limit={PAGE_SIZE}&offset={offset}&sort=id")),
        api_key: Some(api_key.clone()),
        body: Vec::new(),
    });
    assert_eq!(response.status, 200, "the simulator responds");
    response.body
}

fn now() -> Timestamp {
    Options::default().started_at.into()
}

/// A fleet that is published, and things that happen to it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    publisher: Publisher,
    published: Arc<SnapshotCell>,
    telemetry: Telemetry,
    /// How many changes were made.
    turns: usize,
}

impl World {
    /// A fleet after its first publication.
    pub(crate) fn of(pages: &Pages) -> Self {
        let mut fleet = pages.fleet();
        let mut publisher = Publisher::new(RenderSettings::default());
        publisher.update(&mut fleet);
        let published = Arc::new(SnapshotCell::new(publisher.snapshot()));
        let telemetry = Telemetry::new();
        Self { fleet, publisher, published, telemetry, turns: 0 }
    }

    /// Publishes what changed: what stands between an observation and the next
    /// scrape.
    pub(crate) fn publish(&mut self) -> Duration {
        let started = Instant::now();
        self.publisher.update(&mut self.fleet);
        self.published.replace(self.publisher.snapshot());
        started.elapsed()
    }

    /// Publishes after a channel of one client changed, of another one each time.
    pub(crate) fn publish_one(&mut self) -> Duration {
        let clients: Vec<_> = self.fleet.clients(..).map(|state| state.client.id.clone()).collect();
        self.turns += 1;
        // A step that is coprime to the count comes by all chunks in turn.
        self.turn(&clients[self.turns * 7919 % clients.len()], turned);
        self.publish()
    }

    /// Publishes after everything changed that can: no block stays what it was.
    pub(crate) fn publish_all(&mut self) -> Duration {
        let clients: Vec<Client> = self.fleet.clients(..).map(|state| other_client(&state.client)).collect();
        for client in &clients {
            self.turn(&client.id, other_channel);
        }
        self.fleet.apply(Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: now().into() });
        self.publish()
    }

    /// Reads a client's channels as `change` makes them.
    fn turn(&mut self, client: &ClientId, change: fn(&Channel) -> Channel) {
        let state = self.fleet.client(client).unwrap();
        let at = later(state.last_refresh.unwrap());
        let channels = state.channels.iter().map(|known| change(&known.channel)).collect();
        let read = Observation::ChannelsRead {
            client: client.clone(),
            channels,
            gone: Vec::new(),
            whole: true,
            at: at.into(),
        };
        self.fleet.apply(read);
    }

    /// One scrape's body, in the pieces in which it is sent.
    pub(crate) fn scrape(&self, gzip: bool) -> ScrapeBody {
        ScrapeBody::new(&self.published.current(), &self.telemetry.gather(), Format::default(), gzip, &Filter::All)
    }

    /// The web server's routes over this fleet.
    pub(crate) fn router(&self) -> axum::Router {
        let config = WebConfig {
            listen: Vec::new(),
            telemetry_path: "/metrics".to_owned(),
            protection: Protection::none(),
            max_requests: 0,
            max_connections: 0,
            route_prefix: String::new(),
            external_url: None,
            systemd_socket: false,
            grafana_url: None,
            runbook_url: None,
            enable_lifecycle: false,
        };
        let (published, telemetry) = (self.published.clone(), self.telemetry.clone());
        Web::new(published, telemetry, Clock::system(), &config, String::new(), None).unwrap().router()
    }

    /// Series that are published of the fleet.
    pub(crate) fn series(&self) -> usize {
        self.published.current().series()
    }
}

/// It becomes unavailable, or available again.
fn turned(channel: &Channel) -> Channel {
    let availability = match channel.availability {
        Availability::Ready => Availability::Error,
        _ => Availability::Ready,
    };
    Channel { availability, ..channel.clone() }
}

/// The same channel with every field changed that it has.
fn other_channel(channel: &Channel) -> Channel {
    let number = |limit| match limit {
        MessagingLimit::Recipients(n) => MessagingLimit::Recipients(n ^ 1),
        MessagingLimit::Unlimited => MessagingLimit::Recipients(1),
    };
    let quality = match channel.quality {
        QualityRating::High => QualityRating::Low,
        QualityRating::Low | QualityRating::Medium => QualityRating::High,
        unrated => unrated,
    };
    let status = match channel.status {
        LifecycleStatus::Ready => LifecycleStatus::Unknown,
        _ => LifecycleStatus::Ready,
    };
    Channel {
        quality,
        status,
        limit: channel.limit.map(number),
        hub_status: channel.hub_status.map(|s| if s == HubStatus::Live { HubStatus::Done } else { HubStatus::Live }),
        last_quality_event: channel.last_quality_event.as_ref().map(other_text),
        official_business_account: channel.official_business_account.map(|official| !official),
        phone_number: channel.phone_number.as_ref().map(other_text),
        display_name: channel.display_name.as_ref().map(other_text),
        waba: channel.waba.as_ref().map(|waba| Arc::new(other_waba(waba))),
        on_business_app: channel.on_business_app.map(|is| !is),
        setup_error: channel.setup_error.as_ref().map(|text| if text.is_empty() { "x".into() } else { "".into() }),
        created_at: channel.created_at.map(later),
        cancelled_at: channel.cancelled_at.map(later),
        terminated_at: channel.terminated_at.map(later),
        ..turned(channel)
    }
}

/// The same client with every field changed that it has.
fn other_waba(waba: &WabaAccount) -> WabaAccount {
    WabaAccount {
        name: waba.name.as_ref().map(other_text),
        business_id: waba.business_id.as_ref().map(other_text),
        status: waba.status.as_ref().map(other_text),
        verification: waba.verification.as_ref().map(other_text),
        ..waba.clone()
    }
}

fn other_client(client: &Client) -> Client {
    Client {
        name: client.name.as_ref().map(other_text),
        status: client.status.as_ref().map(other_text),
        created_at: client.created_at.map(later),
        max_channels: client.max_channels.map(|n| n ^ 1),
        ..client.clone()
    }
}

/// Its last letter becomes another, and the next time the same again.
fn other_text(text: &ShortText) -> ShortText {
    let mut text = text.clone();
    match text.pop() {
        Some('+') => text.push('-'),
        _ => text.push('+'),
    }
    text
}

fn later(at: Timestamp) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(60))
}
