//! The clients and channels of a part of the fleet, as pages and the JSON API
//! look through them. Everything points into the state, so that a fleet is not
//! held twice.

use std::sync::Arc;

use super::{ChannelState, ClientState, History};
use crate::model::{Channel, Client, Timestamp};

/// Some clients, in order of their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Shared between snapshots for as long as nothing but freshness changes.
    clients: Arc<[ListedClient]>,
    /// In the order of the clients.
    freshness: Vec<Freshness>,
}

/// A client with the channels that are shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedClient {
    /// The client.
    pub client: Arc<Client>,
    /// Its channels; none once its data has expired.
    pub channels: Box<[ListedChannel]>,
}

/// A channel, and since when it is as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedChannel {
    /// The channel.
    pub channel: Arc<Channel>,
    /// When it was seen to change into its present condition.
    pub changed_at: Option<Timestamp>,
    /// The last change of each field.
    pub history: History,
}

/// How fresh a client's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Whether the last attempt to read its channels succeeded; `None` before
    /// the first one.
    pub up: Option<bool>,
    /// When its channels were last read.
    pub last_refresh: Option<Timestamp>,
    /// Whether what was read is too old to be shown.
    pub expired: bool,
}

impl Overview {
    /// The overview of these clients.
    pub fn of<'a>(clients: impl Iterator<Item = &'a ClientState> + Clone) -> Self {
        let freshness = clients.clone().map(Freshness::of).collect();
        Self { clients: clients.map(ListedClient::of).collect(), freshness }
    }

    /// Takes in how fresh the same clients' data is now.
    pub fn refresh<'a>(&mut self, clients: impl Iterator<Item = &'a ClientState>) {
        self.freshness = clients.map(Freshness::of).collect();
    }

    /// Each client, and how fresh its data is.
    pub fn clients(&self) -> impl Iterator<Item = (&ListedClient, Freshness)> {
        self.clients.iter().zip(self.freshness.iter().copied())
    }
}

impl ListedClient {
    fn of(state: &ClientState) -> Self {
        let shown: &[ChannelState] = if state.expired { &[] } else { &state.channels };
        Self { client: state.client.clone(), channels: shown.iter().map(ListedChannel::of).collect() }
    }
}

impl ListedChannel {
    fn of(state: &ChannelState) -> Self {
        Self { channel: state.channel.clone(), changed_at: state.changed_at, history: state.history.clone() }
    }
}

impl Freshness {
    fn of(state: &ClientState) -> Self {
        Self { up: state.up, last_refresh: state.last_refresh, expired: state.expired }
    }
}
