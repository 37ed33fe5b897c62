//! One client, one WABA, one channel: what is kept of each, and the JSON the Partner API shows of it.
//! A record keeps the fields that incidents change as Rust values and everything set by hand as `overrides`,
//! which lie over the rendered JSON, so that the control interface can set any field to anything.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::names::Locale;
use super::views::{ChannelView, ClientView};

/// The id of a client or channel, shared by the record and the indexes that lead to it.
pub(super) type Id = Arc<str>;

/// An enum value: nearly always one of the known ones, which cost no allocation.
pub(super) type Text = Cow<'static, str>;

/// A WhatsApp Business account.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waba {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) external_id: u64,
    pub(super) namespace: u128,
    pub(super) fb_business_id: u64,
    pub(super) created_at: Timestamp,
}

/// A client of the partner.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Client {
    pub(super) id: Id,
    pub(super) locale: &'static Locale,
    pub(super) name: String,
    pub(super) status: Text,
    pub(super) partner_payload: Option<String>,
    pub(super) max_channels: Option<i64>,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) person: &'static str,
    pub(super) city: (&'static str, &'static str),
    pub(super) vertical: &'static str,
    pub(super) mailbox: String,
    pub(super) telephone: u64,
    pub(super) waba: Waba,
    /// Ids of the client's channels, sorted.
    pub(super) channels: Vec<Id>,
    pub(super) overrides: Map<String, Value>,
}

/// A channel: one WhatsApp number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Channel {
    pub(super) id: Id,
    pub(super) client_id: Id,
    pub(super) external_id: u64,
    pub(super) app_id: u32,
    pub(super) phone_number: u64,
    pub(super) phone_name: String,
    pub(super) status: Option<Text>,
    pub(super) hub_status: Option<Text>,
    pub(super) availability_status: Option<Text>,
    pub(super) current_limit: Option<Text>,
    pub(super) current_quality_rating: Option<Text>,
    pub(super) current_quality_update_event: Option<Text>,
    pub(super) new_name_status: Option<Text>,
    pub(super) is_oba: bool,
    pub(super) is_on_biz_app: bool,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) terminated_at: Option<Timestamp>,
    pub(super) overrides: Map<String, Value>,
}

impl Channel {
    /// Ready, and rated `High`.
    pub(super) fn is_healthy(&self) -> bool {
        self.availability_status.as_deref() == Some("ready") && self.current_quality_rating.as_deref() == Some("High")
    }
}

/// Lays `patch` over `target`: objects are merged, everything else, null included, replaces what was there.
pub(super) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match (target.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// `Some` when the value fits an enum field: a string or null.
fn as_text(value: &Value) -> Option<Option<Text>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(Cow::Owned(text.clone()))),
        _ => None,
    }
}

impl Channel {
    /// The field of an enum that incidents change.
    fn text_field(&mut self, key: &str) -> Option<&mut Option<Text>> {
        match key {
            "status" => Some(&mut self.status),
            "hub_status" => Some(&mut self.hub_status),
            "availability_status" => Some(&mut self.availability_status),
            "current_limit" => Some(&mut self.current_limit),
            "current_quality_rating" => Some(&mut self.current_quality_rating),
            "current_quality_update_event" => Some(&mut self.current_quality_update_event),
            _ => None,
        }
    }

    /// Sets fields by hand. Whatever has no place in the record becomes an override.
    pub(super) fn patch(&mut self, patch: &Map<String, Value>) {
        for (key, value) in patch {
            match (as_text(value), self.text_field(key)) {
                (Some(text), Some(field)) => {
                    *field = text;
                    self.overrides.remove(key);
                }
                _ => merge(&mut self.overrides, &Map::from_iter([(key.clone(), value.clone())])),
            }
        }
    }

    /// Sets a field as an incident does: a value set by hand before gives way to it.
    pub(super) fn happen(&mut self, key: &'static str, value: Option<&'static str>) {
        self.overrides.remove(key);
        if let Some(field) = self.text_field(key) {
            *field = value.map(Cow::Borrowed);
        }
    }

    /// True while the number is open for messages and not about to leave.
    pub(super) fn is_running(&self) -> bool {
        self.availability_status.as_deref() == Some("ready") && self.cancelled_at.is_none()
    }

    /// The JSON the API shows.
    pub(super) fn to_value(&self, client: &Client) -> Value {
        overridden(&ChannelView::new(self, client), &self.overrides)
    }
}

impl Client {
    /// Sets fields by hand. Whatever has no place in the record becomes an override.
    pub(super) fn patch(&mut self, patch: &Map<String, Value>) {
        for (key, value) in patch {
            match (key.as_str(), value) {
                ("name", Value::String(name)) => self.name.clone_from(name),
                ("status", Value::String(status)) => self.status = Cow::Owned(status.clone()),
                ("partner_payload", Value::String(text)) => self.partner_payload = Some(text.clone()),
                ("partner_payload", Value::Null) => self.partner_payload = None,
                ("max_channels", Value::Number(number)) if number.is_i64() => self.max_channels = number.as_i64(),
                ("max_channels", Value::Null) => self.max_channels = None,
                _ => {
                    merge(&mut self.overrides, &Map::from_iter([(key.clone(), value.clone())]));
                    continue;
                }
            }
            self.overrides.remove(key);
        }
    }

    /// The JSON the API shows.
    pub(super) fn to_value(&self) -> Value {
        overridden(&ClientView::new(self), &self.overrides)
    }
}

fn overridden(view: &impl Serialize, overrides: &Map<String, Value>) -> Value {
    // Rendering a view can't fail: its keys are strings and nothing in it returns an error.
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        merge(fields, overrides);
    }
    value
}

/// One item of a list answer.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Client(&'a Client),
    Channel(&'a Channel, &'a Client),
    /// An item that a fault has changed.
    Raw(Value),
}

impl Item<'_> {
    /// The JSON of the item.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Client(client) => client.to_value(),
            Self::Channel(channel, client) => channel.to_value(client),
            Self::Raw(value) => value.clone(),
        }
    }

    /// The value at a dotted path such as `setup_info.phone_number`, null when there is none.
    pub(super) fn field(&self, path: &str) -> Value {
        let quick = match self {
            Self::Client(client) if client.overrides.is_empty() => match path {
                "id" => Some(json!(&*client.id)),
                "name" => Some(json!(client.name)),
                "status" => Some(json!(client.status)),
                "created_at" => Some(json!(client.created_at)),
                "modified_at" => Some(json!(client.modified_at)),
                _ => None,
            },
            Self::Channel(channel, _) if channel.overrides.is_empty() => match path {
                "id" => Some(json!(&*channel.id)),
                "client_id" => Some(json!(&*channel.client_id)),
                "status" => Some(json!(channel.status)),
                "availability_status" => Some(json!(channel.availability_status)),
                "current_quality_rating" => Some(json!(channel.current_quality_rating)),
                "current_limit" => Some(json!(channel.current_limit)),
                "created_at" => Some(json!(channel.created_at)),
                "modified_at" => Some(json!(channel.modified_at)),
                _ => None,
            },
            _ => None,
        };
        quick.unwrap_or_else(|| {
            let mut value = self.to_value();
            for key in path.split('.') {
                value = value.get_mut(key).map(Value::take).unwrap_or_default();
            }
            value
        })
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client(client) if client.overrides.is_empty() => ClientView::new(client).serialize(serializer),
            Self::Channel(channel, client) if channel.overrides.is_empty() => {
                ChannelView::new(channel, client).serialize(serializer)
            }
            Self::Raw(value) => value.serialize(serializer),
            _ => self.to_value().serialize(serializer),
        }
    }
}
