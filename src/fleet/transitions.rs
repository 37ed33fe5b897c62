//! Changes of the watched fields of a channel.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{Availability, Channel, ChannelId, ClientId, LifecycleStatus, MessagingLimit, QualityRating, words};

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
        /// Meta's last event about the quality.
        LastQualityEvent = "last_quality_event",
        /// Status of the channel's WhatsApp business account.
        WabaAccountStatus = "waba_account_status",
    }
}

impl WatchedField {
    /// The fields whose changes are counted.
    pub const COUNTED: &'static [Self] = Self::ALL.split_at(4).0;

    /// The texts of [`WatchedField::COUNTED`].
    pub const COUNTED_TEXTS: &'static [&'static str] = Self::TEXTS.split_at(4).0;
}

words! {
    /// Whether a change is for the worse.
    Direction {
        /// It is.
        Worse = "worse",
        /// It is for the better.
        Better = "better",
        /// Neither, or unknown.
        Other = "other",
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
    /// Whether that is for the worse.
    pub direction: Direction,
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
        if !WatchedField::COUNTED.contains(&transition.field) {
            return;
        }
        let key = (transition.field, transition.from.clone(), transition.to.clone());
        *self.0.entry(key).or_default() += 1;
    }

    /// Every pair with its count, in order: field, from, to, count.
    pub fn iter(&self) -> impl Iterator<Item = (WatchedField, &str, &str, u64)> {
        self.0.iter().map(|((field, from, to), count)| (*field, &**from, &**to, *count))
    }
}

/// A limit as a label value.
fn limit(limit: Option<MessagingLimit>) -> Cow<'static, str> {
    limit.map_or("none".into(), |l| l.to_string().into())
}

/// The values of lifecycle statuses, WABA statuses and events that say that
/// something is wrong.
const BAD_STATUSES: &[&str] = &["error", "certificate_declined", "removed", "transferred", "unregistered"];
const GOOD_STATUSES: &[&str] = &["ready", "verified"];
const BAD_ACCOUNTS: &[&str] = &["banned", "disabled", "bsp_removed", "rejected", "restricted"];
const GOOD_ACCOUNTS: &[&str] = &["approved"];

/// The direction of a change between two ranks; unknown if one of them is.
fn by_rank(from: Option<u64>, to: Option<u64>) -> Direction {
    match (from, to) {
        (Some(from), Some(to)) if to < from => Direction::Worse,
        (Some(from), Some(to)) if to > from => Direction::Better,
        _ => Direction::Other,
    }
}

/// Worse to a bad word, better from a bad word to a good one.
fn by_word(from: &str, to: &str, bad: &[&str], good: &[&str]) -> Direction {
    if bad.contains(&to) {
        Direction::Worse
    } else if bad.contains(&from) && good.contains(&to) {
        Direction::Better
    } else {
        Direction::Other
    }
}

fn of_event(event: &str) -> Direction {
    if event.starts_with("downgrade") || ["flagged", "restricted"].contains(&event) {
        Direction::Worse
    } else if event.starts_with("upgrade") || event == "unflagged" {
        Direction::Better
    } else {
        Direction::Other
    }
}

const fn availability_rank(availability: Availability) -> Option<u64> {
    match availability {
        Availability::Ready => Some(2),
        Availability::SettingUp => Some(1),
        Availability::Error => Some(0),
        Availability::Unknown => None,
    }
}

fn limit_rank(limit: MessagingLimit) -> u64 {
    match limit {
        MessagingLimit::Recipients(n) => n,
        MessagingLimit::Unlimited => u64::MAX,
    }
}

/// A text as a label value.
fn text(text: Option<&str>) -> Cow<'static, str> {
    text.map_or("none".into(), |text| text.to_owned().into())
}

/// Adds the transitions from `old` to `new`, two readings of one channel.
pub(super) fn between(client: &ClientId, old: &Channel, new: &Channel, into: &mut Vec<Transition>) {
    let mut push = |field, from: Cow<'static, str>, to: Cow<'static, str>, direction| {
        into.push(Transition { client: client.clone(), channel: new.id.clone(), field, from, to, direction });
    };
    if old.availability != new.availability {
        let (from, to) = (old.availability, new.availability);
        let direction = by_rank(availability_rank(from), availability_rank(to));
        push(WatchedField::AvailabilityStatus, from.as_str().into(), to.as_str().into(), direction);
    }
    if old.quality != new.quality {
        let direction = by_rank(old.quality.score().map(u64::from), new.quality.score().map(u64::from));
        push(WatchedField::QualityRating, old.quality.as_str().into(), new.quality.as_str().into(), direction);
    }
    if old.limit != new.limit {
        let direction = by_rank(old.limit.map(limit_rank), new.limit.map(limit_rank));
        push(WatchedField::MessagingLimit, limit(old.limit), limit(new.limit), direction);
    }
    if old.status != new.status {
        let (from, to) = (old.status.as_str(), new.status.as_str());
        let known = old.status != LifecycleStatus::Unknown;
        let direction = if known { by_word(from, to, BAD_STATUSES, GOOD_STATUSES) } else { Direction::Other };
        push(WatchedField::Status, from.into(), to.into(), direction);
    }
    if old.last_quality_event != new.last_quality_event {
        let (from, to) = (old.last_quality_event.as_deref(), new.last_quality_event.as_deref());
        push(WatchedField::LastQualityEvent, text(from), text(to), to.map_or(Direction::Other, of_event));
    }
    let [from, to] = [old, new].map(|channel| channel.waba.as_ref().and_then(|waba| waba.status.as_deref()));
    if from != to {
        let direction = by_word(from.unwrap_or_default(), to.unwrap_or_default(), BAD_ACCOUNTS, GOOD_ACCOUNTS);
        push(WatchedField::WabaAccountStatus, text(from), text(to), direction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WabaAccount;

    /// The directions of the changes between two readings.
    fn directions(old: &Channel, new: &Channel) -> Vec<&'static str> {
        let mut transitions = Vec::new();
        between(&"aCL".into(), old, new, &mut transitions);
        transitions.iter().map(|transition| transition.direction.as_str()).collect()
    }

    /// The directions of there and back, for each pair of values.
    fn both<T: Copy>(pairs: &[(T, T)], channel: impl Fn(T) -> Channel) -> Vec<[&'static str; 2]> {
        let direction = |from, to| directions(&channel(from), &channel(to))[0];
        pairs.iter().map(|&(a, b)| [direction(a, b), direction(b, a)]).collect()
    }

    #[test]
    fn availability_rating_and_limit_have_an_order_and_unknown_has_no_place_in_it() {
        use Availability::{Error, Ready, SettingUp, Unknown};
        let pairs = [(Ready, SettingUp), (SettingUp, Error), (Ready, Unknown), (Unknown, Error)];
        let availability = both(&pairs, |availability| Channel { availability, ..Channel::new("x") });
        let (down, other) = (["worse", "better"], ["other", "other"]);
        assert_eq!(availability, [down, down, other, other]);

        use QualityRating as Q;
        let pairs = [(Q::High, Q::Medium), (Q::High, Q::Low), (Q::Low, Q::Na), (Q::Unknown, Q::High)];
        let quality = both(&pairs, |quality| Channel { quality, ..Channel::new("x") });
        assert_eq!(quality, [down, down, other, other]);

        let some = |n| Some(MessagingLimit::Recipients(n));
        let pairs = [(Some(MessagingLimit::Unlimited), some(10)), (some(2_000), some(250)), (None, some(250))];
        let limits = both(&pairs, |limit| Channel { limit, ..Channel::new("x") });
        assert_eq!(limits, [down, down, other]);
    }

    #[test]
    fn statuses_of_channels_and_accounts_are_worse_to_a_bad_word_and_better_from_it_to_a_good_one() {
        use LifecycleStatus as S;
        let pairs = [(S::Ready, S::Error), (S::Created, S::Removed), (S::Unknown, S::Error), (S::Ready, S::Verified)];
        let status = both(&pairs, |status| Channel { status, ..Channel::new("x") });
        assert_eq!(status, [["worse", "better"], ["worse", "other"], ["other", "other"], ["other", "other"]]);

        let account = |status: Option<&str>| {
            let waba = WabaAccount { status: status.map(Into::into), ..WabaAccount::new("w") };
            Channel { waba: Some(waba.into()), ..Channel::new("x") }
        };
        let pairs = [(Some("approved"), Some("banned")), (Some("pending"), Some("disabled")), (None, Some("approved"))];
        assert_eq!(both(&pairs, account), [["worse", "better"], ["worse", "other"], ["other", "other"]]);
    }

    #[test]
    fn events_are_worse_or_better_by_what_they_say_whatever_was_before() {
        let event = |event: Option<&str>| Channel { last_quality_event: event.map(Into::into), ..Channel::new("x") };
        let to = |to: &str| directions(&event(None), &event(Some(to)))[0];
        let seen = ["flagged", "downgrade", "downgraded", "restricted", "unflagged", "upgrade", "onboarding"].map(to);
        assert_eq!(seen, ["worse", "worse", "worse", "worse", "better", "better", "other"]);
        assert_eq!(directions(&event(Some("flagged")), &event(None)), ["other"]);
    }
}
