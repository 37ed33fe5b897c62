//! The decoder on bodies of every form that is documented, was seen, or has to
//! be expected.

mod accounts;
mod dates;
mod fields;
mod properties;
mod shapes;

use serde_json::{Value, json};

use super::*;
use crate::model::{Availability, Channel, ChannelId, Client, ClientId, Keys, LifecycleStatus, QualityRating, Reason};
use crate::partner_api::ApiError;

fn clients(body: &Value) -> Result<Page<Client>, ApiError> {
    decode_clients(body.to_string().as_bytes())
}

fn channels(body: &Value) -> Result<Page<OwnedChannel>, ApiError> {
    decode_channels(body.to_string().as_bytes())
}

/// A channel with what is promised of every channel, and nothing else.
fn item(id: &str) -> Value {
    json!({"id": id, "client_id": "aaa111CL", "status": "ready", "availability_status": "ready"})
}

/// What [`item`] is decoded to.
fn owned(id: &str) -> OwnedChannel {
    OwnedChannel {
        client: Some("aaa111CL".into()),
        channel: Channel {
            availability: Availability::Ready,
            status: LifecycleStatus::Ready,
            ..Channel::new(ChannelId::from(id))
        },
    }
}

/// What is found in so many of [`item`]: they lack a rating and a limit.
fn bare(items: u32) -> Keys {
    Keys { items, without: [0, items, items, 0] }
}

/// [`item`] with one more field, or another value for one.
fn item_with(key: &str, value: Value) -> Value {
    let mut item = item("ch0001CH");
    item[key] = value;
    item
}

/// The one channel of a bare array of `item`, and what was odd about it.
fn only(item: Value) -> (OwnedChannel, Vec<(Field, ShortText)>) {
    let mut page = channels(&Value::Array(vec![item])).unwrap();
    assert_eq!((page.items.len(), page.received, page.total, page.findings.rejected), (1, 1, None, 0));
    (page.items.remove(0), page.findings.unknown)
}

/// A client of which nothing but the id was sent, with one more field.
fn client_with(key: &str, value: Value) -> (Client, Vec<(Field, ShortText)>) {
    let mut item = json!({"id": "aaa111CL"});
    item[key] = value;
    let mut page = clients(&json!([item])).unwrap();
    assert_eq!((page.items.len(), page.received, page.total, page.findings.rejected), (1, 1, None, 0));
    (page.items.remove(0), page.findings.unknown)
}

fn decode_error(detail: &str) -> ApiError {
    ApiError::new(Reason::Decode, detail)
}
