//! The last change of each watched field of a channel, as this exporter saw it.
//!
//! Rules can then see that something got worse without a day of samples and
//! without a stable `instance`.

use jiff::SignedDuration;

use super::transitions::{Direction, Transition, WatchedField};
use crate::model::{ShortText, Timestamp};

/// A better value that lasted less than this is a flicker: the return from it is
/// no change for the worse.
const FLICKER: SignedDuration = SignedDuration::from_hours(1);

/// The last change of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastChange {
    /// The field.
    pub field: WatchedField,
    /// What it was, as a label value.
    pub from: ShortText,
    /// What it became.
    pub to: ShortText,
    /// Whether that was for the worse.
    pub direction: Direction,
    /// When it was seen.
    pub at: Timestamp,
}

/// The last change of each field; nothing of a field of which none was seen.
///
/// Eight bytes for a channel that never changed, as most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History(Option<Box<Changes>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Changes {
    list: Vec<LastChange>,
}

impl History {
    /// The changes, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &LastChange> {
        self.0.iter().flat_map(|changes| &changes.list)
    }

    /// The times of the changes.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.iter_mut().flat_map(|changes| &mut changes.list).map(|change| &mut change.at)
    }

    /// Records a transition. One that only goes back to the value that was
    /// there less than an hour ago, before a better one, becomes
    /// [`Direction::Other`].
    pub(super) fn record(&mut self, transition: &mut Transition, at: Timestamp) {
        let list = &mut self.0.get_or_insert_default().list;
        let known = list.iter().position(|change| change.field == transition.field);
        let flickered = known.map(|place| &list[place]).is_some_and(|last| {
            last.direction == Direction::Better
                && last.from == *transition.to
                && last.to == *transition.from
                && at.duration_since(last.at) < FLICKER
        });
        if flickered && transition.direction == Direction::Worse {
            transition.direction = Direction::Other;
        }
        let change = LastChange {
            field: transition.field,
            from: (&*transition.from).into(),
            to: (&*transition.to).into(),
            direction: transition.direction,
            at,
        };
        match known {
            Some(place) => list[place] = change,
            None => {
                list.reserve_exact(1);
                list.push(change);
            }
        }
    }
}

impl FromIterator<LastChange> for History {
    fn from_iter<I: IntoIterator<Item = LastChange>>(changes: I) -> Self {
        let list: Vec<_> = changes.into_iter().collect();
        Self((!list.is_empty()).then(|| Box::new(Changes { list })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transition(from: &'static str, to: &'static str, direction: Direction) -> Transition {
        Transition {
            client: "aCL".into(),
            channel: "xCH".into(),
            field: WatchedField::QualityRating,
            from: from.into(),
            to: to.into(),
            direction,
        }
    }

    fn directions(second_after: i64) -> [Direction; 2] {
        let mut history = History::default();
        let mut changes = [transition("low", "high", Direction::Better), transition("high", "low", Direction::Worse)];
        let times = [0, second_after].map(Timestamp::from_second);
        changes.iter_mut().zip(times).for_each(|(change, at)| history.record(change, at));
        assert_eq!(history.iter().count(), 1, "one per field");
        changes.map(|change| change.direction)
    }

    #[test]
    fn a_return_from_a_better_value_that_lasted_less_than_an_hour_is_not_worse() {
        assert_eq!(directions(3_599), [Direction::Better, Direction::Other]);
        assert_eq!(directions(3_600), [Direction::Better, Direction::Worse]);
    }

    #[test]
    fn a_history_takes_eight_bytes() {
        assert_eq!(size_of::<History>(), 8);
    }
}
