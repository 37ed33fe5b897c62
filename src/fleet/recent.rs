//! The last changes of a partner's channels, for people who ask what happened.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Direction, Transition, WatchedField};
use crate::model::Timestamp;

/// How many changes are kept.
pub const MAX_CHANGES: usize = 1_000;

/// One change, and when it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// When it was seen.
    pub at: Timestamp,
    /// What changed.
    pub transition: Transition,
}

/// A change as the state file has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedChange {
    at: jiff::Timestamp,
    client: String,
    channel: String,
    field: String,
    from: String,
    to: String,
    direction: String,
}

impl SavedChange {
    fn of(ChangeRecord { at, transition: change }: &ChangeRecord) -> Self {
        Self {
            at: (*at).into(),
            client: change.client.to_string(),
            channel: change.channel.to_string(),
            field: change.field.as_str().to_owned(),
            from: change.from.to_string(),
            to: change.to.to_string(),
            direction: change.direction.as_str().to_owned(),
        }
    }
}

/// The last [`MAX_CHANGES`] changes. A copy costs a pointer, and the next change
/// after it as many.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecentChanges(Arc<VecDeque<Arc<ChangeRecord>>>);

impl RecentChanges {
    /// Remembers changes; the oldest make room.
    pub(super) fn record(&mut self, transitions: &[Transition], at: Timestamp) {
        let records = transitions.iter().map(|transition| ChangeRecord { at, transition: transition.clone() });
        records.for_each(|change| self.push(change));
    }

    /// Adds one change as the newest.
    fn push(&mut self, change: ChangeRecord) {
        let changes = Arc::make_mut(&mut self.0);
        if changes.len() == MAX_CHANGES {
            changes.pop_front();
        }
        changes.push_back(Arc::new(change));
    }

    /// The changes for the state file, oldest first.
    pub(super) fn saved(&self) -> Vec<SavedChange> {
        self.0.iter().map(|change| SavedChange::of(change)).collect()
    }

    /// Takes in a change that an earlier run saved. One of a field that this
    /// version does not know is left out.
    pub(super) fn restore(&mut self, saved: SavedChange) {
        let field = WatchedField::ALL.iter().copied().find(|field| field.as_str() == saved.field);
        let direction = Direction::ALL.iter().copied().find(|direction| direction.as_str() == saved.direction);
        if let Some(field) = field {
            let SavedChange { at, client, channel, from, to, .. } = saved;
            let (client, channel) = (client.as_str().into(), channel.as_str().into());
            let (from, to, direction) = (from.into(), to.into(), direction.unwrap_or(Direction::Other));
            let transition = Transition { client, channel, field, from, to, direction };
            self.push(ChangeRecord { at: at.into(), transition });
        }
    }

    /// The changes, newest first.
    pub fn newest(&self) -> impl DoubleEndedIterator<Item = &ChangeRecord> {
        self.0.iter().rev().map(|change| &**change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_changes_make_room_and_the_newest_come_first() {
        let mut recent = RecentChanges::default();
        for n in 0..MAX_CHANGES + 2 {
            let transition = Transition {
                client: "aCL".into(),
                channel: "bCH".into(),
                field: WatchedField::QualityRating,
                from: n.to_string().into(),
                to: (n + 1).to_string().into(),
                direction: Direction::Other,
            };
            recent.record(&[transition], Timestamp::from(jiff::Timestamp::UNIX_EPOCH));
        }
        let kept: Vec<_> = recent.newest().map(|change| &*change.transition.from).collect();
        assert_eq!((kept.len(), kept[0], kept[MAX_CHANGES - 1]), (MAX_CHANGES, "1001", "2"));
    }
}
