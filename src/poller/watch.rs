//! What the plan remembers of a client's channels: whether they need watching,
//! and a fingerprint that tells whether they changed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::{Availability, Channel, QualityRating};

/// A look at a client's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// A channel is not ready or not rated high.
    pub(super) troubled: bool,
    /// Of the watched fields of all channels.
    pub(super) fingerprint: u64,
    /// How many there are.
    pub(super) channels: usize,
}

/// Looks at the channels of one client.
pub(super) fn look(channels: &[Channel]) -> Look {
    let mut hasher = DefaultHasher::new();
    let mut troubled = false;
    for channel in channels {
        troubled |= channel.availability != Availability::Ready || channel.quality != QualityRating::High;
        (&channel.id, channel.availability, channel.quality, channel.limit, channel.status).hash(&mut hasher);
    }
    Look { troubled, fingerprint: hasher.finish(), channels: channels.len() }
}
