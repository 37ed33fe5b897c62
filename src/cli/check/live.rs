//! `check --live`: what the API returns for each partner's key, and what would be
//! exported of it.

use std::sync::Arc;

use super::found::Found;
use super::report::report;
use crate::cli::access;
use crate::cli::terminal::{Progress, print};
use crate::clock::Clock;
use crate::config::{Config, PartnerConfig};
use crate::exposition::{Filter, Format, Publisher, RenderSettings, ScrapeBody, Snapshot};
use crate::fleet::Fleet;
use crate::model::{Channel, Client, ClientId, Observation, Timestamp};
use crate::partner_api::http::HttpTransport;
use crate::partner_api::{ApiError, PartnerApi, Retries};
use crate::poller::Pace;

/// Families of the sample.
const SAMPLE: &[&str] = &[
    "d360_client_info",
    "d360_channel_info",
    "d360_channel_availability_status",
    "d360_channel_quality_rating",
    "d360_channel_messaging_limit",
];

/// Calls the API for each partner and says what came.
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for partner in &config.partners {
        let found = find(partner, config).await?;
        let problems = found.problems(partner);
        print(report(partner, &found).as_bytes())?;
        if !problems.is_empty() {
            failed.push(problems.join("\n"));
        }
    }
    anyhow::ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

async fn find(partner: &PartnerConfig, config: &Config) -> anyhow::Result<Found> {
    let api = access::connect(partner)?;
    let progress = Progress::spinner(format!("listing the clients of {}", partner.id));
    let mut found = Found {
        // Before the first request: the pacer climbs while it is used.
        pace: Pace::of(api.rate(), api.page_size()),
        clients: api.clients(None).await,
        client_channels: None,
        partner_channels: None,
        carried: Vec::new(),
        balances: None,
        series: 0,
        sample: String::new(),
    };
    let [mut fleet, mut sample] = [(); 2].map(|()| Fleet::new(partner.id.clone(), config.max_staleness));
    let Ok(listing) = &mut found.clients else { return Ok(found) };
    listing.items.retain(|client| partner.settings.poll.shard.holds(&client.id));
    let at = Clock::system().now();
    fleet.apply(listed(listing.items.clone(), at));

    if let Some(client) = listing.items.first().cloned() {
        progress.says(format!("reading the channels of {}", client.id));
        let read = api.client_channels(&client.id, Retries::Transient).await;
        let channels: Vec<Channel> = read.iter().flat_map(|listing| listing.items.clone()).collect();
        let id = client.id.clone();
        let sampled = channels.first().cloned().into_iter().collect();
        fleet.apply(read_of(&id, channels, at));
        sample.apply(listed(vec![client], at));
        sample.apply(read_of(&id, sampled, at));
        found.client_channels = Some((id, read));
    }
    found.partner_channels = Some(read_in_bulk(&api, partner, &mut fleet, &progress).await);
    found.carried = api.last_reads().of_endpoints().collect();
    found.balances = Some(api.partner_balance().await);
    found.series = snapshot(&mut fleet, &config.render).series();
    let families = Filter::Names(SAMPLE.iter().map(|&name| name.to_owned()).collect());
    let text: Vec<u8> =
        ScrapeBody::new(&Arc::new(snapshot(&mut sample, &config.render)), &[], Format::Text004, false, &families)
            .flatten()
            .collect();
    found.sample = String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    Ok(found)
}

fn snapshot(fleet: &mut Fleet, settings: &RenderSettings) -> Snapshot {
    let mut publisher = Publisher::new(settings.clone());
    publisher.update(fleet);
    publisher.snapshot()
}

fn listed(clients: Vec<Client>, at: Timestamp) -> Observation {
    Observation::ClientsListed { clients, gone: Vec::new(), whole: true, at: at.into() }
}

fn read_of(client: &ClientId, channels: Vec<Channel>, at: Timestamp) -> Observation {
    Observation::ChannelsRead { client: client.clone(), channels, gone: Vec::new(), whole: true, at: at.into() }
}

/// Reads the partner's channel list into the fleet, and counts the channels that
/// are this shard's.
async fn read_in_bulk(
    api: &PartnerApi<HttpTransport>,
    partner: &PartnerConfig,
    fleet: &mut Fleet,
    progress: &Progress,
) -> Result<usize, ApiError> {
    let mut pager = api.partner_channels(None);
    let mut count = 0;
    while let Some(page) = pager.next_page().await? {
        let owned = page.into_iter().filter_map(|owned| Some((owned.client?, owned.channel)));
        let channels: Vec<_> = owned.filter(|(client, _)| partner.settings.poll.shard.holds(client)).collect();
        count += channels.len();
        progress.says(format!("reading the partner's channel list: {count}"));
        fleet.apply(Observation::ChannelsSeen { channels, at: Clock::system().now() });
    }
    pager.finish();
    let whole = fleet.clients(..).map(|state| state.client.id.clone()).collect();
    let at = Clock::system().moment();
    fleet.apply(Observation::BulkReadEnded { whole, incomplete: Vec::new(), at });
    Ok(count)
}
