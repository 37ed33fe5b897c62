//! The fleet and its indexes: by id, in id order, and per client, so that no response in default
//! order searches. Never here: what changes; `generate`, `incidents` and `control` decide that.

use std::collections::{HashMap, HashSet, VecDeque};

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;

use super::names::Locale;
use super::records::{Balance, Channel, Client, Id};

/// All clients and channels.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    clients: HashMap<Id, Client>,
    channels: HashMap<Id, Channel>,
    /// Ids of the clients, sorted: the default order of the list.
    client_order: Vec<Id>,
    /// Ids of the channels, sorted.
    channel_order: Vec<Id>,
    phone_numbers: HashSet<u64>,
    /// The clients of the WhatsApp Business accounts.
    waba_owners: HashMap<Id, Id>,
    /// The balances of the partner, one per currency.
    pub(super) partner_balances: Vec<Balance>,
    /// What the API responds instead of them, if it was set by hand.
    pub(super) partner_balance_response: Option<Value>,
    /// Channels with a cancellation, oldest first. May name channels that are gone.
    pub(super) cancelled: VecDeque<Id>,
    /// Clients and channels at the start; incidents keep the fleet about that large.
    pub(super) at_start: (usize, usize),
}

impl Fleet {
    /// True when a fifth of the initial channels is gone.
    pub(super) fn is_thinned_out(&self) -> bool {
        self.channel_order.len() * 5 <= self.at_start.1 * 4
    }

    /// True when there are a fifth more channels than at the start.
    pub(super) fn is_crowded(&self) -> bool {
        self.channel_order.len() > self.at_start.1 + self.at_start.1 / 5
    }

    /// True when there are a fifth more clients than at the start.
    pub(super) fn has_many_newcomers(&self) -> bool {
        self.client_order.len() > self.at_start.0 + self.at_start.0 / 5
    }

    /// Client ids in the default order of the list.
    pub(super) fn client_ids(&self) -> &[Id] {
        &self.client_order
    }

    /// Channel ids in the default order of the list.
    pub(super) fn channel_ids(&self) -> &[Id] {
        &self.channel_order
    }

    /// The client with this id.
    pub(super) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)
    }

    /// The client with this id, to change its fields.
    pub(super) fn client_mut(&mut self, id: &str) -> Option<&mut Client> {
        self.clients.get_mut(id)
    }

    /// The client of the WhatsApp Business account with this id.
    pub(super) fn waba_owner_mut(&mut self, waba: &str) -> Option<&mut Client> {
        self.clients.get_mut(self.waba_owners.get(waba)?)
    }

    /// The ids of all channels of a business portfolio.
    pub(super) fn portfolio(&self, fb_business_id: u64) -> Vec<Id> {
        let clients = self.clients.values().filter(|client| client.waba.fb_business_id == fb_business_id);
        let mut channels: Vec<Id> = clients.flat_map(|client| client.channels.iter().cloned()).collect();
        channels.sort_unstable();
        channels
    }

    /// The channel with this id and its client.
    pub(super) fn channel(&self, id: &str) -> Option<(&Channel, &Client)> {
        let channel = self.channels.get(id)?;
        Some((channel, self.clients.get(&channel.client_id)?))
    }

    /// The channel with this id, to change its fields.
    pub(super) fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.get_mut(id)
    }

    /// Adds a client that has no channels yet.
    pub(super) fn add_client(&mut self, client: Client) {
        insert_sorted(&mut self.client_order, &client.id);
        self.waba_owners.insert(client.waba.id.clone(), client.id.clone());
        self.clients.insert(client.id.clone(), client);
    }

    /// Adds a channel, or replaces the one with the same id. Its client must exist.
    pub(super) fn add_channel(&mut self, channel: Channel) {
        self.remove_channel(&channel.id.clone());
        let Some(client) = self.clients.get_mut(&channel.client_id) else {
            return;
        };
        insert_sorted(&mut client.channels, &channel.id);
        insert_sorted(&mut self.channel_order, &channel.id);
        self.phone_numbers.insert(channel.phone_number);
        if channel.cancelled_at.is_some() {
            self.cancelled.push_back(channel.id.clone());
        }
        self.channels.insert(channel.id.clone(), channel);
    }

    /// Removes a channel. False if there is none with this id.
    pub(super) fn remove_channel(&mut self, id: &str) -> bool {
        let Some(channel) = self.channels.remove(id) else {
            return false;
        };
        remove_sorted(&mut self.channel_order, id);
        if let Some(client) = self.clients.get_mut(&channel.client_id) {
            remove_sorted(&mut client.channels, id);
        }
        self.phone_numbers.remove(&channel.phone_number);
        true
    }

    /// Removes a client and all its channels. False if there is none with this id.
    pub(super) fn remove_client(&mut self, id: &str) -> bool {
        let Some(client) = self.clients.remove(id) else {
            return false;
        };
        remove_sorted(&mut self.client_order, id);
        self.waba_owners.remove(&client.waba.id);
        for channel in &client.channels {
            remove_sorted(&mut self.channel_order, channel);
            if let Some(channel) = self.channels.remove(channel) {
                self.phone_numbers.remove(&channel.phone_number);
            }
        }
        true
    }

    /// An id with this suffix that nothing in the fleet has.
    pub(super) fn free_id(&self, rng: &mut StdRng, suffix: &str) -> Id {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        loop {
            let mut id: String = (0..6).map(|_| char::from(ALPHABET[rng.random_range(0..62)])).collect();
            id.push_str(suffix);
            if !self.clients.contains_key(id.as_str()) && !self.channels.contains_key(id.as_str()) {
                return Id::from(id);
            }
        }
    }

    /// A phone number of this country that no channel has.
    pub(super) fn free_number(&self, rng: &mut StdRng, locale: &Locale) -> u64 {
        loop {
            let number = telephone(rng, locale);
            if !self.phone_numbers.contains(&number) {
                return number;
            }
        }
    }
}

/// A phone number of this country, in E.164 digits.
pub(super) fn telephone(rng: &mut StdRng, locale: &Locale) -> u64 {
    let start = locale.dial.bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let span = 10_u64.pow(locale.digits);
    start * span + rng.random_range(0..span)
}

fn insert_sorted(order: &mut Vec<Id>, id: &Id) {
    if let Err(at) = order.binary_search(id) {
        order.insert(at, id.clone());
    }
}

fn remove_sorted(order: &mut Vec<Id>, id: &str) {
    if let Ok(at) = order.binary_search_by(|other| other.as_ref().cmp(id)) {
        order.remove(at);
    }
}
