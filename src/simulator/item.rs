//! One item of a list response, as JSON. Never here: which fields it has, which is in `views`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::records::{Channel, Client, merge};
use super::views::{ChannelView, ClientView, WabaView};

/// One item of a list response.
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
            Self::Client(client) => overridden(&ClientView::new(client), &client.overrides),
            Self::Channel(channel, client) => {
                let mut overrides = Map::new();
                if !client.waba.overrides.is_empty() {
                    overrides.insert("waba_account".to_owned(), Value::Object(client.waba.overrides.clone()));
                }
                merge(&mut overrides, &channel.overrides);
                overridden(&ChannelView::new(channel, client), &overrides)
            }
            Self::Raw(value) => value.clone(),
        }
    }

    /// The value at a dotted path such as `setup_info.phone_number`; null when there is none.
    pub(super) fn field(&self, path: &str) -> Value {
        let mut value = self.to_value();
        for key in path.split('.') {
            value = value.get_mut(key).map(Value::take).unwrap_or_default();
        }
        value
    }
}

/// The JSON of a client's WhatsApp Business account, as its channels show it.
pub(super) fn waba_value(client: &Client) -> Value {
    overridden(&WabaView::new(&client.waba, client), &client.waba.overrides)
}

fn overridden(view: &impl Serialize, overrides: &Map<String, Value>) -> Value {
    // Serializing a view cannot fail: its keys are strings and nothing in it returns an error.
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        merge(fields, overrides);
    }
    value
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client(client) if client.overrides.is_empty() => ClientView::new(client).serialize(serializer),
            Self::Channel(channel, client) if channel.overrides.is_empty() && client.waba.overrides.is_empty() => {
                ChannelView::new(channel, client).serialize(serializer)
            }
            Self::Raw(value) => value.serialize(serializer),
            _ => self.to_value().serialize(serializer),
        }
    }
}
