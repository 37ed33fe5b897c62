//! The controls under `/_simulator`: change a client or channel, set faults, show the fleet as it is and count the
//! requests. They need no key: the simulator belongs on a loopback address.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::exchange::{Now, Request, Response};
use super::generate;
use super::item::{Item, waba_value};
use super::limiter::Limiter;
use super::operation::Operation;
use super::options::{Options, RateLimit};
use super::records::Id;
use super::state::State;

/// The page at `/`, for people who open the address.
pub(super) fn index(options: &Options) -> Response {
    let mut text = "A simulated 360dialog Partner API.\n\nThe API (header X-API-Key):\n".to_owned();
    for operation in Operation::ALL {
        let path = operation.path().replace("PARTNER_ID", &options.partner_id);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<5} /api/v2/{path}", operation.method());
    }
    text.push_str(
        "
The controls (no key):
  PATCH, PUT, DELETE /_simulator/channels/CHANNEL_ID
  PATCH, DELETE      /_simulator/clients/CLIENT_ID
  PUT                /_simulator/clients/CLIENT_ID/balance
  PATCH              /_simulator/waba_accounts/WABA_ACCOUNT_ID
  PUT                /_simulator/balance
  GET, PUT           /_simulator/faults
  GET, PUT, DELETE   /_simulator/rate_limit
  GET                /_simulator/truth
  GET                /_simulator/requests
",
    );
    Response::text("text/plain; charset=utf-8", text)
}

/// Responses a request whose path below `/_simulator` is `path`.
pub(super) fn respond(state: &mut State, now: Now, path: &[&str], request: &Request) -> Response {
    let result = match (path, request.method.as_str()) {
        (["channels", id], "PATCH") => object(request).and_then(|patch| patch_channel(state, id, &patch)),
        (["channels", id], "PUT") => object(request).and_then(|fields| put_channel(state, now, id, &fields)),
        (["channels", id], "DELETE") => removed(state.fleet.remove_channel(id), "channel", id),
        (["clients", id], "PATCH") => object(request).and_then(|patch| patch_client(state, id, &patch)),
        (["clients", id], "DELETE") => removed(state.fleet.remove_client(id), "client", id),
        (["clients", id, "balance"], "PUT") => json_body(request).and_then(|body| set_client_balance(state, id, body)),
        (["waba_accounts", id], "PATCH") => object(request).and_then(|patch| patch_waba_account(state, id, &patch)),
        (["balance"], "PUT") => json_body(request).map(|body| {
            state.fleet.partner_balance_response = Some(body).filter(|body| !body.is_null());
            Response::no_content()
        }),
        (["faults"], "GET") => Ok(Response::value(200, &state.faults.to_value())),
        (["faults"], "PUT") => object(request).and_then(|body| {
            let replaced = state.faults.replace(&Value::Object(body));
            replaced.map_err(|why| Response::error(400, &why))?;
            state.lists.clear();
            Ok(Response::value(200, &state.faults.to_value()))
        }),
        (["rate_limit"], "GET") => Ok(show_rate_limit(state)),
        (["rate_limit"], "PUT") => object(request).and_then(|body| set_rate_limit(state, body)),
        (["rate_limit"], "DELETE") => {
            state.limiter = None;
            Ok(Response::no_content())
        }
        (["truth"], "GET") => Ok(truth(state)),
        (["requests"], "GET") => Ok(Response::value(200, &json!(state.requests))),
        (["channels" | "clients" | "waba_accounts", _] | ["clients", _, "balance"], _)
        | (["balance" | "faults" | "rate_limit" | "truth" | "requests"], _) => {
            Err(Response::error(405, "Method not allowed"))
        }
        _ => Err(Response::error(404, "no such control; GET / lists them")),
    };
    result.unwrap_or_else(|refusal| refusal)
}

fn json_body(request: &Request) -> Result<Value, Response> {
    serde_json::from_slice(&request.body)
        .map_err(|why| Response::error(400, &format!("the body is not valid JSON: {why}")))
}

fn object(request: &Request) -> Result<Map<String, Value>, Response> {
    match json_body(request)? {
        Value::Object(fields) => Ok(fields),
        other => Err(Response::error(400, &format!("expected a JSON object, found {other}"))),
    }
}

fn unknown(what: &str, id: &str) -> Response {
    Response::error(404, &format!("no {what} with id {id:?}; GET /_simulator/truth shows all"))
}

fn removed(existed: bool, what: &str, id: &str) -> Result<Response, Response> {
    if !existed {
        return Err(unknown(what, id));
    }
    Ok(Response::no_content())
}

fn show_channel(state: &State, status: u16, id: &str) -> Result<Response, Response> {
    let (channel, client) = state.fleet.channel(id).ok_or_else(|| unknown("channel", id))?;
    Ok(Response::value(status, &Item::Channel(channel, client).to_value()))
}

fn patch_channel(state: &mut State, id: &str, patch: &Map<String, Value>) -> Result<Response, Response> {
    let channel = state.fleet.channel_mut(id).ok_or_else(|| unknown("channel", id))?;
    channel.patch(patch);
    show_channel(state, 200, id)
}

fn patch_client(state: &mut State, id: &str, patch: &Map<String, Value>) -> Result<Response, Response> {
    let client = state.fleet.client_mut(id).ok_or_else(|| unknown("client", id))?;
    client.patch(patch);
    Ok(Response::value(200, &Item::Client(client).to_value()))
}

/// Changes a WhatsApp Business account, and so all channels of its client.
fn patch_waba_account(state: &mut State, id: &str, patch: &Map<String, Value>) -> Result<Response, Response> {
    let client = state.fleet.waba_owner_mut(id).ok_or_else(|| unknown("WhatsApp Business account", id))?;
    client.waba.patch(patch);
    Ok(Response::value(200, &waba_value(client)))
}

/// From here on the API responds this; null brings back the balance of the simulator.
fn set_client_balance(state: &mut State, id: &str, body: Value) -> Result<Response, Response> {
    let client = state.fleet.client_mut(id).ok_or_else(|| unknown("client", id))?;
    client.balance.response = Some(body).filter(|body| !body.is_null());
    Ok(Response::no_content())
}

/// Creates a healthy channel, or replaces one, and sets the fields of the body.
fn put_channel(state: &mut State, now: Now, id: &str, fields: &Map<String, Value>) -> Result<Response, Response> {
    let Some(owner) = fields.get("client_id").and_then(Value::as_str) else {
        return Err(Response::error(400, "client_id must be the id of the client that gets the channel"));
    };
    let client = state.fleet.client(owner).ok_or_else(|| unknown("client", owner))?;
    // The same id gives the same channel.
    let seed = id.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let mut channel = generate::channel(&state.fleet, &mut StdRng::seed_from_u64(seed), client, now.wall);
    channel.id = Id::from(id);
    let mut rest = fields.clone();
    rest.remove("client_id");
    if rest.get("id").and_then(Value::as_str) == Some(id) {
        rest.remove("id");
    }
    channel.patch(&rest);
    let status = if state.fleet.channel(id).is_some() { 200 } else { 201 };
    state.fleet.add_channel(channel);
    show_channel(state, status, id)
}

/// A rate limit as the controls take it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RateLimitBody {
    requests: u32,
    window_seconds: f64,
    /// Whether a 429 has `Retry-After`.
    #[serde(default = "yes")]
    retry_after: bool,
}

fn yes() -> bool {
    true
}

fn show_rate_limit(state: &State) -> Response {
    let shown = state.limiter.as_ref().map(|limiter| RateLimitBody {
        requests: limiter.limit().requests,
        window_seconds: limiter.limit().window.as_secs_f64(),
        retry_after: limiter.names_wait(),
    });
    Response::value(200, &json!({ "rate_limit": shown }))
}

/// From here on the limit is this one, and its window is empty.
fn set_rate_limit(state: &mut State, body: Map<String, Value>) -> Result<Response, Response> {
    let refuse = |why: String| Response::error(400, &why);
    let body: RateLimitBody = serde_json::from_value(Value::Object(body)).map_err(|error| refuse(error.to_string()))?;
    let window = Duration::try_from_secs_f64(body.window_seconds).ok().filter(|window| !window.is_zero());
    let window =
        window.ok_or_else(|| refuse(format!("window_seconds must be above 0, found {}", body.window_seconds)))?;
    state.limiter = Some(Limiter::new(RateLimit { requests: body.requests, window }, body.retry_after));
    Ok(show_rate_limit(state))
}

/// A client with its channels.
#[derive(Debug, Serialize)]
struct ClientReport<'a> {
    #[serde(flatten)]
    client: Item<'a>,
    channels: Vec<Item<'a>>,
}

/// Every client with its channels, as the API shows them without faults.
fn truth(state: &State) -> Response {
    let clients: Vec<ClientReport<'_>> = state
        .fleet
        .client_ids()
        .iter()
        .filter_map(|id| state.fleet.client(id))
        .map(|client| ClientReport {
            client: Item::Client(client),
            channels: client
                .channels
                .iter()
                .filter_map(|id| state.fleet.channel(id))
                .map(|(channel, client)| Item::Channel(channel, client))
                .collect(),
        })
        .collect();
    match serde_json::to_vec(&BTreeMap::from([("clients", clients)])) {
        Ok(body) => Response::json(200, body),
        Err(why) => Response::error(500, &format!("the fleet cannot be serialized: {why}")),
    }
}

#[cfg(test)]
mod tests;
