//! A permitted request and what each operation makes of it. Never here: who may call, and responses that faults replace.

use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::exchange::{Now, Request, Response};
use super::faults::Kind;
use super::faulty::refused_page_size;
use super::fleet::Fleet;
use super::item::Item;
use super::list_memory::ListMemory;
use super::listing::{self, Collection, Query};
use super::options::Options;
use super::views::{ClientBalanceView, PartnerBalanceView};

/// A permitted request with everything that its response may need.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) fleet: &'a mut Fleet,
    pub(super) options: &'a Options,
    pub(super) now: Now,
    /// The client that the path names. It exists.
    pub(super) client: &'a str,
    pub(super) request: &'a Request,
    /// The faults that meet this request.
    pub(super) faults: &'a [Kind],
    /// What is remembered of this list.
    pub(super) memory: &'a mut ListMemory,
    pub(super) rng: &'a mut StdRng,
}

impl Call<'_> {
    /// The list of clients.
    pub(super) fn clients(&mut self) -> Response {
        self.list(Collection::Clients)
    }

    /// The channel list of one client.
    pub(super) fn client_channels(&mut self) -> Response {
        self.list(Collection::ClientChannels(self.client, self.options.channels_envelope))
    }

    /// The channel list of the partner.
    pub(super) fn partner_channels(&mut self) -> Response {
        self.list(Collection::PartnerChannels)
    }

    fn list(&mut self, collection: Collection<'_>) -> Response {
        let query = match Query::parse(collection, self.request.query.as_deref(), self.options.max_page) {
            Ok(query) => query,
            Err(details) => return Response::wrong_payload(&[details]),
        };
        if let Some(refusal) = refused_page_size(query.asked_limit, self.faults) {
            return refusal;
        }
        self.memory.note(self.fleet, collection, &query, self.faults, self.rng, self.now);
        let fleet = self.memory.source(self.fleet, &query, self.faults);
        match listing::page(fleet, collection, &query, self.memory.request(), self.faults, self.rng) {
            Ok(body) => Response::json(200, body),
            Err(error) => Response::error(500, &format!("the list cannot be serialized: {error}")),
        }
    }

    /// The balances of the partner: a bare array.
    pub(super) fn partner_balance(&mut self) -> Response {
        let views = self.fleet.partner_balances.iter().map(PartnerBalanceView::new).collect::<Vec<_>>();
        Response::value(200, &self.fleet.partner_balance_response.clone().unwrap_or_else(|| json!(views)))
    }

    /// The balance of a client: an object.
    pub(super) fn client_balance(&mut self) -> Response {
        let Some(client) = self.fleet.client(self.client) else {
            return Response::error(404, "Client not found");
        };
        let view = || json!(ClientBalanceView::new(client));
        Response::value(200, &client.balance.response.clone().unwrap_or_else(view))
    }

    /// Updates a client as the documentation page describes: both fields optional, nothing else allowed.
    pub(super) fn update_client(&mut self) -> Response {
        let fields = match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(fields)) => fields,
            Ok(other) => return Response::wrong_payload(&[format!("expected an object, found {other}")]),
            Err(error) => return Response::wrong_payload(&[format!("the body is not valid JSON: {error}")]),
        };
        let mut wrong = Vec::new();
        for (key, value) in &fields {
            match key.as_str() {
                "partner_payload" if value.is_string() => {}
                "max_channels" if value.as_i64().is_some_and(|max| max >= 0) => {}
                "partner_payload" => wrong.push(format!("partner_payload must be a string, found {value}")),
                "max_channels" => wrong.push(format!("max_channels must be a whole number, 0 or more, found {value}")),
                _ => wrong.push(format!("unknown field {key}: expected partner_payload or max_channels")),
            }
        }
        if fields.is_empty() {
            wrong.push("expected partner_payload or max_channels, found nothing".to_owned());
        }
        if !wrong.is_empty() {
            return Response::wrong_payload(&wrong);
        }
        let Some(client) = self.fleet.client_mut(self.client) else {
            return Response::error(404, "Client not found");
        };
        client.patch(&fields);
        client.modified_at = self.now.wall;
        Response::value(200, &Item::Client(client).to_value())
    }
}
