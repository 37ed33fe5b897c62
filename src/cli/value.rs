//! One value of one field of a row, and what its colour means. Never here: how
//! rows are laid out.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::model::Timestamp;

/// What a coloured value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    Unknown,
}

/// The value of one field of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Missing,
    Text(String),
    Count(u64),
    /// No limit, shown as `unlimited`.
    Unlimited,
    Bool(bool),
    Time(Timestamp),
    /// A state of a closed list; `rank` is its place from good to bad.
    State {
        text: &'static str,
        rank: usize,
        tone: Option<Tone>,
    },
}

impl Value {
    pub(super) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Missing, |text| Self::Text(text.to_owned()))
    }

    pub(super) fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Missing, Self::Count)
    }

    pub(super) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Missing, Self::Time)
    }

    pub(super) fn bool(value: Option<bool>) -> Self {
        value.map_or(Self::Missing, Self::Bool)
    }

    /// As text; nothing for what is missing.
    pub(super) fn plain(&self) -> Cow<'_, str> {
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
