//! The value of one field, and what its colour means.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::model::{Availability, MessagingLimit, QualityRating, Timestamp};

/// What a coloured value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Somebody has to act.
    Bad,
    /// Nobody knows.
    Unknown,
}

/// The value of one field of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The API does not say.
    Missing,
    /// Any text, as the API sent it.
    Text(String),
    /// A number of things.
    Count(u64),
    /// No limit (shown as `unlimited`).
    Unlimited,
    /// Yes or no.
    Bool(bool),
    /// A point in time.
    Time(Timestamp),
    /// A state of a closed list.
    State {
        /// The state as a label value.
        text: &'static str,
        /// The worse, the smaller.
        rank: u8,
        /// What its colour means.
        tone: Tone,
    },
}

impl Value {
    /// A text that may be missing.
    pub fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text.to_owned()))
    }

    /// A count that may be missing.
    pub fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Missing, Self::Count)
    }

    /// A point in time that may be missing.
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Missing, Self::Time)
    }

    /// Yes, no, or missing.
    pub fn boolean(value: Option<bool>) -> Self {
        value.map_or(Self::Missing, Self::Bool)
    }

    /// Availability for messaging; `error` is the worst.
    pub fn availability(state: Availability) -> Self {
        let (rank, tone) = match state {
            Availability::Error => (0, Tone::Bad),
            Availability::Unknown => (1, Tone::Unknown),
            Availability::SettingUp => (2, Tone::Warning),
            Availability::Ready => (3, Tone::Good),
        };
        Self::State { text: state.as_str(), rank, tone }
    }

    /// Meta's rating; `low` is the worst.
    pub fn quality(rating: QualityRating) -> Self {
        let (rank, tone) = match rating {
            QualityRating::Low => (0, Tone::Bad),
            QualityRating::Medium => (1, Tone::Warning),
            QualityRating::Unknown => (2, Tone::Unknown),
            QualityRating::Na => (3, Tone::Unknown),
            QualityRating::High => (4, Tone::Good),
        };
        Self::State { text: rating.as_str(), rank, tone }
    }

    /// Recipients per rolling 24 h.
    pub fn limit(limit: Option<MessagingLimit>) -> Self {
        match limit {
            None => Self::Missing,
            Some(MessagingLimit::Recipients(n)) => Self::Count(n),
            Some(MessagingLimit::Unlimited) => Self::Unlimited,
        }
    }

    /// As text; empty for what is missing.
    pub fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Missing => "".into(),
            Self::Text(text) => text.into(),
            Self::Count(n) => n.to_string().into(),
            Self::Unlimited => "unlimited".into(),
            Self::Bool(value) => value.to_string().into(),
            Self::Time(at) => at.to_string().into(),
            Self::State { text, .. } => (*text).into(),
        }
    }

    /// Orders two values of one field. Missing values are for the caller.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b)),
            (Self::Count(a), Self::Count(b)) => a.cmp(b),
            (Self::Count(_), Self::Unlimited) => Ordering::Less,
            (Self::Unlimited, Self::Count(_)) => Ordering::Greater,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::State { rank: a, .. }, Self::State { rank: b, .. }) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Count(n) => serializer.serialize_u64(*n),
            Self::Bool(value) => serializer.serialize_bool(*value),
            text => serializer.serialize_str(&text.plain()),
        }
    }
}
