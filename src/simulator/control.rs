//! The controls under `/_simulator`: change a client or channel, set faults, ask for the truth and for the requests
//! that came. No key is asked for: the simulator belongs on a loopback address.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::api::{error, json_answer, value_answer};
use super::records::{Id, Item};
use super::{Answer, Now, Options, Request, State, generate};

/// The page at `/`, for people who open the address.
pub(super) fn index(options: &Options) -> Answer {
    let partner = &options.partner_id;
    let text = format!(
        "A simulated 360dialog Partner API.

The API (header X-API-Key):
  GET   /api/v2/partners/{partner}/clients
  PATCH /api/v2/partners/{partner}/clients/CLIENT_ID
  GET   /api/v2/partners/{partner}/clients/CLIENT_ID/channels
  GET   /api/v2/partners/{partner}/channels

The controls (no key):
  PATCH, PUT, DELETE /_simulator/channels/CHANNEL_ID
  PATCH, DELETE      /_simulator/clients/CLIENT_ID
  GET, PUT           /_simulator/faults
  GET                /_simulator/truth
  GET                /_simulator/requests
"
    );
    let mut answer = json_answer(200, text.into_bytes());
    answer.headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
    answer
}

/// Answers a request whose path below `/_simulator` is `path`.
pub(super) fn answer(state: &mut State, now: Now, path: &[&str], request: &Request) -> Answer {
    let result = match (path, request.method.as_str()) {
        (["channels", id], "PATCH") => object(request).and_then(|patch| patch_channel(state, id, &patch)),
        (["channels", id], "PUT") => object(request).and_then(|fields| put_channel(state, now, id, &fields)),
        (["channels", id], "DELETE") => removed(state.fleet.remove_channel(id), "channel", id),
        (["clients", id], "PATCH") => object(request).and_then(|patch| patch_client(state, id, &patch)),
        (["clients", id], "DELETE") => removed(state.fleet.remove_client(id), "client", id),
        (["faults"], "GET") => Ok(value_answer(200, &state.faults.to_value())),
        (["faults"], "PUT") => object(request).and_then(|body| {
            let replaced = state.faults.replace(&Value::Object(body));
            replaced.map(|()| value_answer(200, &state.faults.to_value())).map_err(|why| error(400, &why))
        }),
        (["truth"], "GET") => Ok(truth(state)),
        (["requests"], "GET") => Ok(value_answer(200, &json!(state.requests))),
        (["channels" | "clients", _] | ["faults" | "truth" | "requests"], _) => Err(error(405, "Method not allowed")),
        _ => Err(error(404, "no such control; GET / lists them")),
    };
    result.unwrap_or_else(|refusal| refusal)
}

fn object(request: &Request) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(error(400, &format!("expected a JSON object, found {other}"))),
        Err(why) => Err(error(400, &format!("the body is not valid JSON: {why}"))),
    }
}

fn unknown(what: &str, id: &str) -> Answer {
    error(404, &format!("no {what} with id {id:?}; GET /_simulator/truth shows all"))
}

fn removed(there: bool, what: &str, id: &str) -> Result<Answer, Answer> {
    if !there {
        return Err(unknown(what, id));
    }
    let mut answer = json_answer(204, Vec::new());
    answer.headers.clear();
    Ok(answer)
}

fn show_channel(state: &State, status: u16, id: &str) -> Result<Answer, Answer> {
    let (channel, client) = state.fleet.channel(id).ok_or_else(|| unknown("channel", id))?;
    Ok(value_answer(status, &channel.to_value(client)))
}

fn patch_channel(state: &mut State, id: &str, patch: &Map<String, Value>) -> Result<Answer, Answer> {
    let channel = state.fleet.channel_mut(id).ok_or_else(|| unknown("channel", id))?;
    channel.patch(patch);
    show_channel(state, 200, id)
}

fn patch_client(state: &mut State, id: &str, patch: &Map<String, Value>) -> Result<Answer, Answer> {
    let client = state.fleet.client_mut(id).ok_or_else(|| unknown("client", id))?;
    client.patch(patch);
    Ok(value_answer(200, &client.to_value()))
}

/// Makes a healthy channel, or a new one in the place of an old one, and lays the body over it.
fn put_channel(state: &mut State, now: Now, id: &str, fields: &Map<String, Value>) -> Result<Answer, Answer> {
    let Some(owner) = fields.get("client_id").and_then(Value::as_str) else {
        return Err(error(400, "client_id must be the id of the client that gets the channel"));
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

/// A client with its channels.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    client: Item<'a>,
    channels: Vec<Item<'a>>,
}

/// Every client with its channels, as the API would show them without faults.
fn truth(state: &State) -> Answer {
    let clients: Vec<Told<'_>> = state
        .fleet
        .client_ids()
        .iter()
        .filter_map(|id| state.fleet.client(id))
        .map(|client| Told {
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
        Ok(body) => json_answer(200, body),
        Err(why) => error(500, &format!("the truth can't be written: {why}")),
    }
}

#[cfg(test)]
mod tests;
