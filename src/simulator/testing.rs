//! Helpers for the simulator's tests.

use serde_json::{Value, json};

use super::{Options, Request, Response, Simulator};

/// A small, still fleet: four clients with two channels each.
pub(super) fn small() -> Simulator {
    Simulator::new(Options { clients: 4, channels_per_client: 2, ..Options::default() })
}

/// Any request with the right key. `target` is a path, perhaps with a query.
pub(super) fn send(simulator: &Simulator, method: &str, target: &str, body: &Value) -> Response {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    simulator.respond(&Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        api_key: Some("demo-key".to_owned()),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    })
}

/// A read below the partner's path.
pub(super) fn get(simulator: &Simulator, target: &str) -> Response {
    send(simulator, "GET", &format!("/api/v2/partners/examplePA/{target}"), &Value::Null)
}

/// The JSON of an response.
pub(super) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// The ids of the items of a list response, in order; null for items without.
pub(super) fn ids(response: &Response) -> Vec<Value> {
    let body = json_of(response);
    let list = match &body {
        Value::Array(list) => list,
        object => ["clients", "partner_channels", "channels"].iter().find_map(|key| object[key].as_array()).unwrap(),
    };
    list.iter().map(|item| item["id"].clone()).collect()
}

/// Sets the faults.
pub(super) fn fault(simulator: &Simulator, faults: &Value) {
    let response = send(simulator, "PUT", "/_simulator/faults", &json!({ "faults": faults }));
    assert_eq!(response.status, 200, "{}", json_of(&response));
}

/// The error envelope.
pub(super) fn meta(status: u16, message: &str) -> Value {
    json!({"meta": {"success": false, "http_code": status, "developer_message": message}})
}
