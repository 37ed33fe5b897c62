//! The Partner API: which operation a request means, who may call it, and what each answers.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{Kind, RetryAfter};
use super::listing::{self, Collection};
use super::{Answer, Delivery, Now, Options, Request, State};

/// One of the operations that are simulated.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    Clients,
    ClientChannels,
    PartnerChannels,
    ClientUpdate,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::ClientChannels => "client_channels",
            Self::PartnerChannels => "partner_channels",
            Self::ClientUpdate => "client_update",
        }
    }
}

/// The decoded segments of a path, or `None` if it isn't valid.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix('/')?.split('/').map(percent_decoded).collect()
}

fn percent_decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// A JSON answer.
pub(super) fn json_answer(status: u16, body: Vec<u8>) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: Bytes::from(body),
        delivery: Delivery::Whole,
    }
}

/// A JSON answer from a value.
pub(super) fn value_answer(status: u16, value: &Value) -> Answer {
    json_answer(status, value.to_string().into_bytes())
}

/// The error envelope of the API.
pub(super) fn error(status: u16, message: &str) -> Answer {
    let meta = json!({ "success": false, "http_code": status, "developer_message": message });
    value_answer(status, &json!({ "meta": meta }))
}

/// The error envelope for a request that isn't valid, with its reasons.
pub(super) fn wrong_payload(details: &[String]) -> Answer {
    let meta = json!({
        "success": false, "http_code": 400, "developer_message": "Wrong payload", "details": details,
    });
    value_answer(400, &json!({ "meta": meta }))
}

fn too_many(retry_after: Option<String>) -> Answer {
    let mut answer = error(429, "Too Many Requests");
    answer.headers.extend(retry_after.map(|value| ("retry-after", value)));
    answer
}

/// Answers a request whose path below `/api/v2` is `path`.
pub(super) fn answer(state: &mut State, options: &Options, now: Now, path: &[&str], request: &Request) -> Answer {
    let (operation, partner, client) = match (path, request.method.as_str()) {
        (["partners", partner, "clients"], "GET") => (Operation::Clients, partner, None),
        (["partners", partner, "clients", client], "PATCH") => (Operation::ClientUpdate, partner, Some(*client)),
        (["partners", partner, "clients", client, "channels"], "GET") => {
            (Operation::ClientChannels, partner, Some(*client))
        }
        (["partners", partner, "channels"], "GET") => (Operation::PartnerChannels, partner, None),
        (
            ["partners", _, "clients"]
            | ["partners", _, "clients", _]
            | ["partners", _, "clients", _, "channels"]
            | ["partners", _, "channels"],
            _,
        ) => return error(405, "Method not allowed"),
        _ => return error(404, "Not found"),
    };
    let filtered = listing::client_filter(request.query.as_deref());
    let fired = state.faults.fire(operation, client.or(filtered.as_deref()));
    let mut answer = instead(&fired, now)
        .unwrap_or_else(|| honest(state, options, now, operation, partner, client, &fired, request));
    deliver(&mut answer, &fired, options.latency);
    let by_status = state.requests.entry(operation.as_str()).or_default();
    *by_status.entry(answer.status).or_default() += 1;
    answer
}

/// The answer of the first fault that leaves the API no say.
fn instead(fired: &[Kind], now: Now) -> Option<Answer> {
    fired.iter().find_map(|kind| {
        Some(match kind {
            Kind::RateLimited { retry_after } => too_many(match retry_after {
                RetryAfter::None => None,
                RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
                RetryAfter::Text(text) if text == "http_date" => Some(http_date(now, 30)),
                RetryAfter::Text(text) => Some(text.clone()),
            }),
            Kind::ServerError { status } => error(*status, "Internal server error"),
            Kind::Unauthorized {} => error(401, "Unauthorized"),
            Kind::Forbidden {} => error(403, "Forbidden"),
            Kind::NotFound {} => error(404, "Not found"),
            Kind::Html {} => {
                let page = "<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>\n";
                let mut answer = json_answer(200, page.into());
                answer.headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
                answer
            }
            Kind::NotJson {} => json_answer(200, br#"{"clients": [{"id": "#.to_vec()),
            Kind::EmptyBody {} => json_answer(200, Vec::new()),
            Kind::WrongShape {} => value_answer(200, &json!({ "result": { "things": "many" }, "ok": true })),
            Kind::Redirect { location } => {
                let mut answer = json_answer(302, Vec::new());
                answer.headers.push(("location", location.clone()));
                answer
            }
            Kind::HugeBody { mib } => {
                // White space before the value: a decoder that reads as it goes finds no reason to stop.
                let mut answer = json_answer(200, vec![b' '; 64 * 1024]);
                answer.delivery = Delivery::Repeated { total: *mib as u64 * 1024 * 1024 };
                answer
            }
            _ => return None,
        })
    })
}

fn http_date(now: Now, seconds: u64) -> String {
    let second = u64::try_from(now.wall.as_second()).unwrap_or_default() + seconds;
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(second))
}

/// What the API answers by itself, lists bent by the faults that bend lists.
#[expect(clippy::too_many_arguments, reason = "one call site; a struct would only rename them")]
fn honest(
    state: &mut State,
    options: &Options,
    now: Now,
    operation: Operation,
    partner: &str,
    client: Option<&str>,
    fired: &[Kind],
    request: &Request,
) -> Answer {
    if request.api_key.as_deref() != Some(options.api_key.as_str()) {
        return error(401, "Unauthorized");
    }
    if let Some(limiter) = &mut state.limiter
        && let Err(wait) = limiter.admit(now.elapsed)
    {
        // Rounded up: whoever waits as long as told gets through.
        return too_many(Some(wait.as_millis().div_ceil(1000).to_string()));
    }
    if partner != options.partner_id {
        return error(404, "Partner not found");
    }
    if client.is_some_and(|id| state.fleet.client(id).is_none()) {
        return error(404, "Client not found");
    }
    let query = request.query.as_deref();
    let collection = match (operation, client) {
        (Operation::ClientUpdate, Some(client)) => {
            return update(state, now, client, &request.body);
        }
        (Operation::ClientChannels, Some(client)) => Collection::ClientChannels(client, options.channels_envelope),
        (Operation::PartnerChannels, _) => Collection::PartnerChannels,
        _ => Collection::Clients,
    };
    let State { fleet, faults, .. } = state;
    match listing::page(fleet, collection, query, options.max_page, fired, faults.rng()) {
        Ok(body) => json_answer(200, body),
        Err(details) => wrong_payload(&[details]),
    }
}

/// Updates a client as the documentation page describes: both fields optional, nothing else allowed.
fn update(state: &mut State, now: Now, id: &str, body: &[u8]) -> Answer {
    let fields = match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => return wrong_payload(&[format!("expected an object, found {other}")]),
        Err(error) => return wrong_payload(&[format!("the body is not valid JSON: {error}")]),
    };
    let mut wrong = Vec::new();
    for (key, value) in &fields {
        match key.as_str() {
            "partner_payload" if value.is_string() => {}
            "max_channels" if value.as_i64().is_some_and(|max| max >= 0) => {}
            "partner_payload" => wrong.push(format!("partner_payload must be a string, found {value}")),
            "max_channels" => {
                wrong.push(format!("max_channels must be a whole number, 0 or more, found {value}"));
            }
            _ => wrong.push(format!("unknown field {key}: expected partner_payload or max_channels")),
        }
    }
    if fields.is_empty() {
        wrong.push("expected partner_payload or max_channels, found nothing".to_owned());
    }
    if !wrong.is_empty() {
        return wrong_payload(&wrong);
    }
    let Some(client) = state.fleet.client_mut(id) else {
        return error(404, "Client not found");
    };
    client.patch(&fields);
    client.modified_at = now.wall;
    value_answer(200, &client.to_value())
}

/// Decides how the answer travels. Of several ways the one that troubles the client most wins.
fn deliver(answer: &mut Answer, fired: &[Kind], latency: Duration) {
    let mut wait = latency;
    for kind in fired {
        match kind {
            Kind::Latency { ms } => wait = wait.saturating_add(Duration::from_millis(*ms)),
            Kind::WrongEncoding {} => answer.headers.push(("content-encoding", "gzip".to_owned())),
            _ => {}
        }
    }
    if answer.delivery == Delivery::Whole && !wait.is_zero() {
        answer.delivery = Delivery::After(wait);
    }
    for kind in fired {
        match (kind, answer.delivery) {
            (Kind::Hang {}, _) => answer.delivery = Delivery::Hang,
            (_, Delivery::Hang) => {}
            (Kind::Truncated {}, _) => answer.delivery = Delivery::Truncated { at: answer.body.len() / 2 },
            (Kind::Drip { chunk, every_ms }, Delivery::Whole | Delivery::After(_)) => {
                answer.delivery = Delivery::Drip { chunk: *chunk, every: Duration::from_millis(*every_ms) };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
