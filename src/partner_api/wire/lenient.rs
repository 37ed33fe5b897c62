//! The shapes on the wire, read leniently.
//!
//! Every type here takes any JSON value and never fails on a well-formed
//! document: a [`Text`] takes every scalar, an object type takes a non-object as
//! "not there". Keys may be repeated and have aliases; the first value that is
//! not `null` counts.

mod scalar;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use scalar::Key;
pub(super) use scalar::{Absent, Message, Text};

use super::Findings;
use crate::model::WabaAccount;

/// Takes every value that is no object as "no object".
macro_rules! not_an_object {
    ($value:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}

/// An object with named fields, each under one or more keys.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $( $field:ident : $ty:ty = $($key:literal)|+ ),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'de> { $( pub(super) $field: $ty, )+ is_object: bool }

        impl Absent for $name<'_> {
            fn is_absent(&self) -> bool {
                !self.is_object
            }
        }

        impl<'de> Deserialize<'de> for $name<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;
                impl<'de> Visitor<'de> for Object {
                    type Value = $name<'de>;
                    not_an_object!($name::default());

                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok($name::default())
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut object = $name { is_object: true, ..$name::default() };
                        while let Some(Key(key)) = map.next_key()? {
                            match &*key {
                                $( $($key)|+ => {
                                    let value = map.next_value::<$ty>()?;
                                    if object.$field.is_absent() {
                                        object.$field = value;
                                    }
                                } )+
                                _ => { map.next_value::<IgnoredAny>()?; }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_any(Object)
            }
        }
    };
}

object! {
    /// A client as sent.
    WireClient {
        id: Text<'de> = "id",
        name: Text<'de> = "name",
        status: Text<'de> = "status",
        created_at: Text<'de> = "created_at",
        modified_at: Text<'de> = "modified_at",
        max_channels: Text<'de> = "max_channels",
        partner_payload: Text<'de> = "partner_payload",
        organisation: Text<'de> = "organisation",
        business_id: Text<'de> = "business_id" | "fb_business_id" | "meta_business_id",
        suspicious: Text<'de> = "suspicious",
    }
}

object! {
    /// A channel as sent. Where the name of a key is not known, every name that
    /// was seen or guessed is read.
    WireChannel {
        id: Text<'de> = "id",
        client_id: Text<'de> = "client_id",
        client: WireId<'de> = "client",
        availability: Text<'de> = "availability_status",
        quality: Text<'de> = "current_quality_rating",
        limit: Text<'de> = "current_limit",
        status: Text<'de> = "status",
        hub_status: Text<'de> = "hub_status",
        last_quality_event: Text<'de> = "current_quality_update_event"
            | "last_quality_update_event" | "quality_update_event" | "current_event" | "last_event",
        is_oba: Text<'de> = "is_oba",
        on_business_app: Text<'de> = "is_on_biz_app",
        setup_info: WireSetup<'de> = "setup_info",
        waba_account_id: Text<'de> = "waba_account_id",
        waba_account: WireWaba<'de> = "waba_account",
        created_at: Text<'de> = "created_at",
        cancelled_at: Text<'de> = "cancelled_at",
        terminated_at: Text<'de> = "terminated_at" | "terminates_at",
        account_mode: Text<'de> = "account_mode",
        billing_started_at: Text<'de> = "billing_started_at",
        version: Text<'de> = "version",
    }
}

object! {
    /// A nested object of which only the id matters.
    WireId { id: Text<'de> = "id" }
}

object! {
    /// `waba_account`.
    WireWaba {
        id: Text<'de> = "id",
        client_id: Text<'de> = "client_id",
        name: Text<'de> = "name",
        business_id: Text<'de> = "fb_business_id",
        status: Text<'de> = "status",
        verification: Text<'de> = "fb_account_status",
    }
}

object! {
    /// `setup_info`.
    WireSetup {
        phone_number: Text<'de> = "phone_number",
        phone_name: Text<'de> = "phone_name",
        new_name_status: Text<'de> = "new_name_status",
        error: Message = "error",
    }
}

/// What is remembered while the items of a list are read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) findings: Findings,
    /// The WABA of the item before: neighbours often share one.
    pub(super) waba: Option<Arc<WabaAccount>>,
}

/// What a list's items are, under which keys the list may stand, and what is kept
/// of an item.
pub(super) trait Listed<'de>: Deserialize<'de> {
    const LIST_KEYS: &'static [&'static str];

    /// An item as it is kept.
    type Kept;

    /// Reads an item, as soon as it has come: a page of items as sent is larger
    /// than what a processor holds at hand. `None` if it can't be read.
    fn keep(self, reading: &mut Reading) -> Option<Self::Kept>;
}

/// A whole body that should hold a list: a bare array or an envelope.
#[derive(Debug)]
pub(super) struct List<'de, T> {
    /// The items; `None` if the body is of no known shape.
    pub(super) items: Option<Items<T>>,
    /// The envelope's `total`.
    pub(super) total: Text<'de>,
}

/// The items of a list.
#[derive(Debug)]
pub(super) struct Items<T> {
    /// Those that could be read.
    pub(super) kept: Vec<T>,
    /// How many came.
    pub(super) received: usize,
    /// What was odd about them.
    pub(super) findings: Findings,
}

/// Reads a list of at most so many `T`s.
pub(super) struct ListOf<T> {
    pub(super) max_items: usize,
    pub(super) items: PhantomData<T>,
}

impl<'de, T: Listed<'de>> DeserializeSeed<'de> for ListOf<T> {
    type Value = List<'de, T::Kept>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Listed<'de>> Visitor<'de> for ListOf<T> {
    type Value = List<'de, T::Kept>;
    not_an_object!(List { items: None, total: Text::NotSent });

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok(List { items: Some(keep::<T, A>(seq, self.max_items)?), total: Text::NotSent })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut list = List { items: None, total: Text::NotSent };
        while let Some(Key(key)) = map.next_key()? {
            if key == "total" {
                list.total = map.next_value()?;
            } else if list.items.is_none() && T::LIST_KEYS.contains(&&*key) {
                list.items = map.next_value_seed(ArrayOf::<T> { max_items: self.max_items, items: PhantomData })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(list)
    }
}

/// The value under a list key: an array, or not one.
struct ArrayOf<T> {
    max_items: usize,
    items: PhantomData<T>,
}

impl<'de, T: Listed<'de>> DeserializeSeed<'de> for ArrayOf<T> {
    type Value = Option<Items<T::Kept>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Listed<'de>> Visitor<'de> for ArrayOf<T> {
    type Value = Option<Items<T::Kept>>;
    not_an_object!(None);

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        keep::<T, A>(seq, self.max_items).map(Some)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Keeps the items; of more than `max_items` only their number, because tiny ones
/// take many times their bytes.
fn keep<'de, T: Listed<'de>, A: SeqAccess<'de>>(mut seq: A, max_items: usize) -> Result<Items<T::Kept>, A::Error> {
    let mut items = Items { kept: Vec::new(), received: 0, findings: Findings::default() };
    let mut reading = Reading::default();
    while items.received < max_items
        && let Some(item) = seq.next_element::<T>()?
    {
        items.received += 1;
        items.kept.extend(item.keep(&mut reading));
    }
    if items.received == max_items {
        while seq.next_element::<IgnoredAny>()?.is_some() {
            items.received += 1;
        }
    }
    items.findings = reading.findings;
    items.findings.rejected = items.received - items.kept.len();
    Ok(items)
}
