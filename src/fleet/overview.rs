//! The fleet in a few numbers, and the channels that a person should look at:
//! what the status page shows.

use std::cmp::Reverse;
use std::sync::Arc;

use super::ClientState;
use crate::model::{Availability, Channel, ClientId, HubStatus, QualityRating};

/// A summary of some clients; the numbers of parts add up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Clients.
    pub clients: usize,
    /// Clients whose last read failed.
    pub unreadable_clients: usize,
    /// Channels that are shown.
    pub channels: usize,
    /// Channels by availability, in the order of [`Availability::ALL`].
    pub by_availability: [usize; Availability::ALL.len()],
    /// Channels by rating, in the order of [`QualityRating::ALL`].
    pub by_quality: [usize; QualityRating::ALL.len()],
    /// Channels that need attention, unsorted.
    pub attention: Vec<Attention>,
}

/// A channel that a person should look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// The owner.
    pub client: ClientId,
    /// The owner's name.
    pub client_name: Option<Box<str>>,
    /// The channel.
    pub channel: Arc<Channel>,
}

impl Attention {
    /// The worse, the smaller.
    pub fn rank(&self) -> impl Ord + use<> {
        let availability = match self.channel.availability {
            Availability::Error => 0,
            Availability::Unknown => 1,
            Availability::SettingUp => 2,
            Availability::Ready => 3,
        };
        let quality = self.channel.quality.score().unwrap_or(4);
        let ending = self.channel.hub_status == Some(HubStatus::PendingDeletion);
        (availability, quality, Reverse(ending))
    }
}

impl Overview {
    /// Adds one client.
    pub fn add(&mut self, state: &ClientState) {
        self.clients += 1;
        self.unreadable_clients += usize::from(state.up == Some(false));
        if state.expired {
            return;
        }
        for channel in state.channels.iter().map(|c| &c.channel) {
            self.channels += 1;
            self.by_availability[channel.availability as usize] += 1;
            self.by_quality[channel.quality as usize] += 1;
            if channel.needs_attention() {
                self.attention.push(Attention {
                    client: state.client.id.clone(),
                    client_name: state.client.name.clone(),
                    channel: channel.clone(),
                });
            }
        }
    }

    /// Adds the numbers of another part, without its channels.
    pub fn add_numbers(&mut self, part: &Self) {
        self.clients += part.clients;
        self.unreadable_clients += part.unreadable_clients;
        self.channels += part.channels;
        for (sum, n) in self.by_availability.iter_mut().zip(part.by_availability) {
            *sum += n;
        }
        for (sum, n) in self.by_quality.iter_mut().zip(part.by_quality) {
            *sum += n;
        }
    }
}
