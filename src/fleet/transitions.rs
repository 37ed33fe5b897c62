//! Changes of the watched fields of a channel.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{Availability, Channel, ChannelId, ClientId, MessagingLimit, QualityRating, words};

words! {
    /// A field whose changes are counted and logged.
    WatchedField {
        /// Availability for messaging.
        AvailabilityStatus = "availability_status",
        /// Meta's quality rating.
        QualityRating = "quality_rating",
        /// Recipients per rolling 24 h.
        MessagingLimit = "messaging_limit",
        /// Lifecycle status.
        Status = "status",
    }
}

/// One change of one field of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The owner.
    pub client: ClientId,
    /// The channel.
    pub channel: ChannelId,
    /// The field.
    pub field: WatchedField,
    /// What it was, as a label value.
    pub from: Cow<'static, str>,
    /// What it is.
    pub to: Cow<'static, str>,
}

/// How often each change happened.
///
/// The small closed fields start with every pair of states at 0. Pairs of the
/// long lifecycle and of the open set of limits appear with their first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionCounts(BTreeMap<(WatchedField, Cow<'static, str>, Cow<'static, str>), u64>);

impl Default for TransitionCounts {
    fn default() -> Self {
        let mut counts = BTreeMap::new();
        let mut pairs = |field, states: &[&'static str]| {
            for &from in states {
                for &to in states.iter().filter(|&&to| to != from) {
                    counts.insert((field, from.into(), to.into()), 0);
                }
            }
        };
        let availability: Vec<_> = Availability::ALL.iter().map(|s| s.as_str()).collect();
        let quality: Vec<_> = QualityRating::ALL.iter().map(|s| s.as_str()).collect();
        pairs(WatchedField::AvailabilityStatus, &availability);
        pairs(WatchedField::QualityRating, &quality);
        Self(counts)
    }
}

impl TransitionCounts {
    pub(super) fn count(&mut self, transition: &Transition) {
        let key = (transition.field, transition.from.clone(), transition.to.clone());
        *self.0.entry(key).or_default() += 1;
    }

    /// Every pair with its count, in order: field, from, to, count.
    pub fn iter(&self) -> impl Iterator<Item = (WatchedField, &str, &str, u64)> {
        self.0.iter().map(|((field, from, to), count)| (*field, &**from, &**to, *count))
    }

    /// Sets a count, as read from the state of an earlier run.
    pub fn restore(&mut self, field: WatchedField, from: String, to: String, count: u64) {
        self.0.insert((field, from.into(), to.into()), count);
    }
}

/// A limit as a label value.
fn limit(limit: Option<MessagingLimit>) -> Cow<'static, str> {
    limit.map_or("none".into(), |l| l.to_string().into())
}

/// Adds the transitions from `old` to `new`, two readings of one channel.
pub(super) fn between(client: &ClientId, old: &Channel, new: &Channel, into: &mut Vec<Transition>) {
    let mut push = |field, from, to| {
        into.push(Transition { client: client.clone(), channel: new.id.clone(), field, from, to });
    };
    if old.availability != new.availability {
        let (from, to) = (old.availability.as_str(), new.availability.as_str());
        push(WatchedField::AvailabilityStatus, from.into(), to.into());
    }
    if old.quality != new.quality {
        push(WatchedField::QualityRating, old.quality.as_str().into(), new.quality.as_str().into());
    }
    if old.limit != new.limit {
        push(WatchedField::MessagingLimit, limit(old.limit), limit(new.limit));
    }
    if old.status != new.status {
        push(WatchedField::Status, old.status.as_str().into(), new.status.as_str().into());
    }
}
