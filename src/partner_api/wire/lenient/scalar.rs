//! Scalars, messages and keys on the wire. Never here: objects and lists.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::ShortText;
use crate::redaction::redact;

/// Whether a value says anything.
pub(in super::super) trait Absent {
    fn is_absent(&self) -> bool;
}

/// A scalar as text. Numbers and booleans are written out, because the documents
/// do not say which of them some fields are. An API key that the API repeats is
/// redacted here, before it can become a name, an id or a label value.
#[derive(Debug, Default)]
pub(in super::super) enum Text<'de> {
    /// The object has no such key.
    #[default]
    NotSent,
    /// `null`.
    Null,
    /// An array or object, where a scalar was expected.
    Nested,
    /// A scalar.
    Scalar(Cow<'de, str>),
}

impl Text<'_> {
    /// The text, unless it is absent or blank.
    pub(in super::super) fn get(&self) -> Option<&str> {
        self.as_sent().map(str::trim).filter(|t| !t.is_empty())
    }

    /// The text as it was sent, blank or not.
    pub(in super::super) fn as_sent(&self) -> Option<&str> {
        if let Self::Scalar(text) = self { Some(text) } else { None }
    }

    /// The text as an owned value.
    pub(in super::super) fn owned(&self) -> Option<ShortText> {
        self.get().map(ShortText::from)
    }

    /// The text in lower case, as an owned value.
    pub(in super::super) fn lower(&self) -> Option<ShortText> {
        self.get().map(ShortText::from_str_to_lowercase)
    }

    /// Whether the key was there, whatever it held.
    pub(in super::super) fn is_sent(&self) -> bool {
        !matches!(self, Self::NotSent)
    }
}

impl Absent for Text<'_> {
    fn is_absent(&self) -> bool {
        !matches!(self, Self::Scalar(_))
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl<'de> Visitor<'de> for Scalar {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text::Scalar(redact(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text::Scalar(Cow::Owned(redact(v).into_owned())))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Text::Scalar(Cow::Borrowed(if v { "true" } else { "false" })))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Text::Scalar(Cow::Owned(v.to_string())))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Text::Scalar(Cow::Owned(v.to_string())))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Text::Scalar(Cow::Owned(v.to_string())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::Null)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text::Nested)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::Nested)
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// A text that may also come as an object or an array: an error, for example.
#[derive(Debug, Default)]
pub(in super::super) enum Message {
    /// The object has no such key.
    #[default]
    NotSent,
    /// Empty if it holds nothing: `null`, `false`, `0`, and empty texts, arrays and
    /// objects.
    Sent(Box<str>),
}

impl Absent for Message {
    fn is_absent(&self) -> bool {
        !matches!(self, Self::Sent(text) if !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        Ok(Self::Sent(match Value::deserialize(deserializer)? {
            Value::Null | Value::Bool(false) => "".into(),
            Value::Number(n) if n.as_f64() == Some(0.0) => "".into(),
            Value::String(text) => text.trim().into(),
            Value::Array(items) if items.is_empty() => "".into(),
            Value::Object(fields) if fields.is_empty() => "".into(),
            other => other.to_string().into(),
        }))
    }
}

/// A key, borrowed where the document holds it unescaped.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyText;
        impl<'de> Visitor<'de> for KeyText {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(v))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(v.to_owned()))
            }
        }
        deserializer.deserialize_str(KeyText).map(Key)
    }
}
