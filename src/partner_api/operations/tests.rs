//! The operations against a scripted API, on paused time.

mod failures;
mod keys;
mod lists;
mod oddities;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::partner_api::Response;
use crate::partner_api::testing::{Fake, counts, ok, some_key, status, too_many};
use crate::telemetry::Telemetry;

fn api(fake: &Fake) -> (PartnerApi<Fake>, Telemetry) {
    let telemetry = Telemetry::new();
    (fake.api(some_key(), &telemetry), telemetry)
}

/// Whether nothing came, and that is all there is.
fn nothing(read: Result<Listing<Channel>, ApiError>) -> bool {
    read.is_ok_and(|listing| listing.items.is_empty() && listing.is_complete())
}

fn ids(listing: &Listing<Client>) -> Vec<&str> {
    listing.items.iter().map(|client| client.id.as_str()).collect()
}

fn channel_ids(listing: &Listing<Channel>) -> Vec<&str> {
    listing.items.iter().map(|channel| channel.id.as_str()).collect()
}

/// A page of clients.
fn clients(ids: &[&str], total: u64) -> Value {
    let clients: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({"clients": clients, "total": total})
}

/// A channel about which nothing is odd.
fn channel(id: &str) -> Value {
    json!({"id": id, "client_id": "aCL", "status": "ready", "availability_status": "ready"})
}
