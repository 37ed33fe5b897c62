//! The fleet in a few numbers, and its channels as a person looks for them: what
//! the status page shows.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{ChannelState, ClientState};
use crate::model::{Availability, Channel, Client, QualityRating, Timestamp};

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
    /// All of the channels, to search in.
    pub all: Vec<Listed>,
    /// Those that need attention, unsorted.
    pub attention: Vec<Listed>,
}

/// A channel as a person finds it. It shares what it points to with the state,
/// so that a fleet is not held twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The owner.
    pub client: Arc<Client>,
    /// The channel.
    pub channel: Arc<Channel>,
    /// When it was seen to change into its present condition.
    pub changed_at: Option<Timestamp>,
}

impl Listed {
    /// The worse, the smaller.
    pub fn rank(&self) -> impl Ord + use<> {
        let availability = match self.channel.availability {
            Availability::Error => 0,
            Availability::Unknown => 1,
            Availability::SettingUp => 2,
            Availability::Ready => 3,
        };
        let quality = self.channel.quality.score().unwrap_or(4);
        (availability, quality, Reverse(self.channel.is_ending()))
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
        for ChannelState { channel, changed_at, .. } in &state.channels {
            self.channels += 1;
            self.by_availability[channel.availability as usize] += 1;
            self.by_quality[channel.quality as usize] += 1;
            let listed = Listed { client: state.client.clone(), channel: channel.clone(), changed_at: *changed_at };
            if channel.needs_attention() {
                self.attention.push(listed.clone());
            }
            self.all.push(listed);
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
