//! What is kept of a client, its WhatsApp Business account and a channel. A record keeps the fields that incidents
//! change as Rust values, and everything set by hand as `overrides`, which replace parts of the rendered JSON, so that
//! the controls can set any field to anything. Never here: the JSON itself, which is in `views` and `item`.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::names::Locale;

/// The id of a client or channel, shared by the record and the indexes that lead to it.
pub(super) type Id = Arc<str>;

/// An enum value: nearly always one of the known ones, which cost no allocation.
pub(super) type Text = Cow<'static, str>;

/// A WhatsApp Business account. All channels of a client share it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waba {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) status: Text,
    /// The state of Meta's verification of the business.
    pub(super) fb_account_status: Text,
    pub(super) external_id: u64,
    pub(super) namespace: u128,
    /// The business portfolio, whose messaging limit all its numbers share.
    pub(super) fb_business_id: u64,
    pub(super) created_at: Timestamp,
    pub(super) overrides: Map<String, Value>,
}

impl Waba {
    /// Sets fields by hand. Fields without a place in the record become overrides.
    pub(super) fn patch(&mut self, patch: &Map<String, Value>) {
        for (key, value) in patch {
            let text = value.as_str().map(str::to_owned);
            let business_id = value.as_str().and_then(|id| id.parse().ok());
            match (key.as_str(), text, business_id) {
                ("fb_business_id", _, Some(id)) => self.fb_business_id = id,
                ("name", Some(name), _) => self.name = name,
                ("status", Some(status), _) => self.status = Cow::Owned(status),
                ("fb_account_status", Some(status), _) => self.fb_account_status = Cow::Owned(status),
                _ => {
                    merge(&mut self.overrides, &Map::from_iter([(key.clone(), value.clone())]));
                    continue;
                }
            }
            self.overrides.remove(key);
        }
    }
}

/// An amount of prepaid money.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Balance {
    /// Lower case, such as `eur`.
    pub(super) currency: &'static str,
    pub(super) cents: i64,
    /// What the API responds instead, if it was set by hand.
    pub(super) response: Option<Value>,
}

impl Balance {
    /// The balance in whole units of the currency.
    pub(super) fn amount(&self) -> f64 {
        self.cents as f64 / 100.0
    }
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
    pub(super) balance: Balance,
    /// Ids of the client's channels, sorted.
    pub(super) channels: Vec<Id>,
    pub(super) overrides: Map<String, Value>,
}

macro_rules! states {
    ($($field:ident: $healthy:expr,)*) => {
        /// The fields of a channel that hold one value of an enum and that incidents change.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub(super) struct States {
            $(pub(super) $field: Option<Text>,)*
        }

        impl States {
            /// Their names.
            pub(super) const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// The states of a healthy channel that has not been rated yet.
            pub(super) fn healthy() -> Self {
                let known = |value: Option<&'static str>| value.map(Cow::Borrowed);
                Self { $($field: known($healthy),)* }
            }

            fn field_mut(&mut self, key: &str) -> Option<&mut Option<Text>> {
                match key {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

states! {
    status: Some("ready"),
    hub_status: Some("live"),
    availability_status: Some("ready"),
    current_limit: None,
    current_quality_rating: None,
    current_quality_update_event: None,
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
    pub(super) states: States,
    pub(super) new_name_status: Option<Text>,
    pub(super) is_oba: bool,
    pub(super) is_on_biz_app: bool,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) terminated_at: Option<Timestamp>,
    pub(super) overrides: Map<String, Value>,
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
    /// The value of `availability_status`.
    pub(super) fn availability(&self) -> Option<&str> {
        self.states.availability_status.as_deref()
    }

    /// The value of `status`.
    pub(super) fn status(&self) -> Option<&str> {
        self.states.status.as_deref()
    }

    /// The value of `current_quality_rating`.
    pub(super) fn rating(&self) -> Option<&str> {
        self.states.current_quality_rating.as_deref()
    }

    /// Ready, and rated `High`.
    pub(super) fn is_healthy(&self) -> bool {
        self.availability() == Some("ready") && self.rating() == Some("High")
    }

    /// Whether the number can be used and is not about to leave.
    pub(super) fn is_running(&self) -> bool {
        self.availability() == Some("ready") && self.cancelled_at.is_none()
    }

    /// Sets fields by hand. Fields without a place in the record become overrides.
    pub(super) fn patch(&mut self, patch: &Map<String, Value>) {
        for (key, value) in patch {
            match (as_text(value), self.states.field_mut(key)) {
                (Some(text), Some(field)) => {
                    *field = text;
                    self.overrides.remove(key);
                }
                _ => merge(&mut self.overrides, &Map::from_iter([(key.clone(), value.clone())])),
            }
        }
    }

    /// Sets a state as an incident does: it replaces a value that was set by hand.
    pub(super) fn set_state(&mut self, key: &'static str, value: Option<&'static str>) {
        self.overrides.remove(key);
        if let Some(field) = self.states.field_mut(key) {
            *field = value.map(Cow::Borrowed);
        }
    }

    /// Sets the status of the requested name as an incident does.
    pub(super) fn set_new_name_status(&mut self, value: &'static str) {
        if let Some(Value::Object(setup_info)) = self.overrides.get_mut("setup_info") {
            setup_info.remove("new_name_status");
        }
        self.new_name_status = Some(Cow::Borrowed(value));
    }
}

impl Client {
    /// Sets fields by hand. Fields without a place in the record become overrides.
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
}
