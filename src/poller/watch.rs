//! What the plan remembers of a client's channels: whether they need watching,
//! and a fingerprint that shows whether they changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::{Availability, Channel, QualityRating};

/// A look at a client's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// A channel is not ready or not rated high.
    pub(super) troubled: bool,
    /// Of the watched fields of all channels, in any order.
    pub(super) fingerprint: u64,
    /// How many there are.
    pub(super) channels: usize,
}

impl Look {
    /// Adds a channel.
    pub(super) fn add(&mut self, channel: &Channel) {
        self.troubled |= channel.availability != Availability::Ready || channel.quality != QualityRating::High;
        let mut hasher = DefaultHasher::new();
        (&channel.id, channel.availability, channel.quality, channel.limit, channel.status).hash(&mut hasher);
        self.fingerprint ^= hasher.finish();
        self.channels += 1;
    }
}

/// Looks at the channels of one client.
pub(super) fn look(channels: &[Channel]) -> Look {
    let mut look = Look::default();
    channels.iter().for_each(|channel| look.add(channel));
    look
}
