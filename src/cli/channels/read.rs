//! Channels out of the API.

use std::collections::HashMap;
use std::sync::Arc;

use super::unnamed;
use crate::cli::access::{self, Problems};
use crate::cli::terminal::Progress;
use crate::config::PartnerConfig;
use crate::model::{Client, ClientId, Reason};
use crate::partner_api::http::HttpTransport;
use crate::partner_api::wire::OwnedChannel;
use crate::partner_api::{ApiError, PartnerApi, Retries};
use crate::view::ChannelRow;

/// The channels of one client, or of all clients of a partner.
pub(super) async fn channels(
    partner: &PartnerConfig,
    client: Option<&ClientId>,
    problems: &mut Problems,
) -> anyhow::Result<Vec<ChannelRow>> {
    let mut read = Read { partner, api: access::connect(partner)?, problems };
    let (clients, channels) = match client {
        Some(client) => {
            let _progress = Progress::spinner(format!("reading the channels of {client}"));
            (HashMap::new(), read.client(client).await)
        }
        None => read.partner().await,
    };
    let rows = channels.into_iter().map(|OwnedChannel { client, channel }| {
        let client = client.map(|id| clients.get(&id).cloned().unwrap_or_else(|| unnamed(&id)));
        ChannelRow { client, ..ChannelRow::new(partner.id.clone(), channel) }
    });
    Ok(rows.collect())
}

/// The reads of one partner.
struct Read<'a> {
    partner: &'a PartnerConfig,
    api: PartnerApi<HttpTransport>,
    problems: &'a mut Problems,
}

impl Read<'_> {
    async fn client(&mut self, client: &ClientId) -> Vec<OwnedChannel> {
        let listing = match self.api.client_channels(client, Retries::Transient).await {
            Ok(listing) => listing,
            Err(error) => {
                self.problems.failed(self.partner, &format!("read the channels of the client `{client}`"), &error);
                return Vec::new();
            }
        };
        if !listing.is_complete() {
            self.problems.incomplete(self.partner, &format!("channels of the client `{client}`"));
        }
        listing.items.into_iter().map(|channel| OwnedChannel { client: Some(client.clone()), channel }).collect()
    }

    /// The clients and all channels: by the partner's list if the API allows it,
    /// or else client by client.
    async fn partner(&mut self) -> (HashMap<ClientId, Arc<Client>>, Vec<OwnedChannel>) {
        let progress = Progress::spinner(format!("listing the clients of {}", self.partner.id));
        let clients: Vec<Client> = match self.api.clients(None).await {
            Ok(listing) => {
                if !listing.is_complete() {
                    self.problems.incomplete(self.partner, "clients");
                }
                listing.items
            }
            Err(error) => {
                self.problems.failed(self.partner, "list the clients", &error);
                return (HashMap::new(), Vec::new());
            }
        };
        let channels = match read_in_bulk(&self.api, &progress).await {
            Ok((channels, complete)) => {
                if !complete {
                    self.problems.incomplete(self.partner, "channels");
                }
                channels
            }
            Err(error) if matches!(error.reason, Reason::Forbidden | Reason::NotFound) => {
                drop(progress);
                self.one_by_one(&clients).await
            }
            Err(error) => {
                self.problems.failed(self.partner, "read the partner's channel list", &error);
                Vec::new()
            }
        };
        (clients.into_iter().map(|client| (client.id.clone(), Arc::new(client))).collect(), channels)
    }

    async fn one_by_one(&mut self, clients: &[Client]) -> Vec<OwnedChannel> {
        let progress = Progress::steps(format!("reading the channels of {}", self.partner.id), clients.len());
        let mut channels = Vec::new();
        for client in clients {
            channels.extend(self.client(&client.id).await);
            progress.step();
        }
        channels
    }
}

/// Reads the partner's channel list: the channels, and whether these are all.
async fn read_in_bulk(
    api: &PartnerApi<HttpTransport>,
    progress: &Progress,
) -> Result<(Vec<OwnedChannel>, bool), ApiError> {
    let mut pager = api.partner_channels(None);
    let mut channels = Vec::new();
    while let Some(page) = pager.next_page().await? {
        channels.extend(page);
        progress.says(format!("reading the channels of {}: {}", api.partner(), channels.len()));
    }
    Ok((channels, pager.finish().is_complete()))
}
