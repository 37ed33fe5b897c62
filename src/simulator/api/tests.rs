//! Who may call what, the response of each operation, and the faults that replace it.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::simulator::exchange::Delivery;
use crate::simulator::testing::{fault, get, ids, json_of, meta, send, small};
use crate::simulator::{RateLimit, Simulator};

fn status_and_body(response: &Response) -> (u16, Value) {
    (response.status, json_of(response))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

fn with_key(simulator: &Simulator, api_key: Option<&str>) -> Response {
    simulator.respond(&Request {
        method: "GET".to_owned(),
        path: "/api/v2/partners/examplePA/clients".to_owned(),
        api_key: api_key.map(str::to_owned),
        ..Request::default()
    })
}

#[test]
fn a_missing_or_wrong_key_is_refused() {
    let simulator = small();
    for key in [None, Some(""), Some("other")] {
        assert_eq!(status_and_body(&with_key(&simulator, key)), (401, meta(401, "Unauthorized")));
    }
    assert_eq!(with_key(&simulator, Some("demo-key")).status, 200);
}

#[test]
fn unknown_partners_clients_paths_and_methods_get_their_own_errors() {
    let simulator = small();
    let ask = |method: &str, path: &str| status_and_body(&send(&simulator, method, path, &Value::Null));
    assert_eq!(ask("GET", "/api/v2/partners/otherPA/clients"), (404, meta(404, "Partner not found")));
    assert_eq!(
        ask("GET", "/api/v2/partners/examplePA/clients/nobodyCL/channels"),
        (404, meta(404, "Client not found"))
    );
    assert_eq!(ask("GET", "/api/v2/partners/examplePA/templates"), (404, meta(404, "Not found")));
    assert_eq!(ask("POST", "/api/v2/partners/examplePA/clients"), (405, meta(405, "Method not allowed")));
    assert_eq!(ask("GET", "/api/v2/%ZZ").0, 400);
    assert_eq!(ask("GET", "/other").0, 404);
}

#[test]
fn a_percent_encoded_segment_is_decoded_once() {
    let simulator = small();
    assert_eq!(get(&simulator, "%63lients").status, 200);
    assert_eq!(get(&simulator, "%2563lients").status, 404);
}

#[test]
fn an_update_changes_both_fields_and_the_modification_time() {
    let simulator = small();
    let before = json_of(&get(&simulator, "clients?limit=1"))["clients"][0].clone();
    let path = format!("/api/v2/partners/examplePA/clients/{}", before["id"].as_str().unwrap());
    let body = json!({"partner_payload": "a \"b\"", "max_channels": 77});
    let response = send(&simulator, "PATCH", &path, &body);
    let mut expected = before;
    expected["partner_payload"] = json!("a \"b\"");
    expected["max_channels"] = json!(77);
    expected["modified_at"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(status_and_body(&response), (200, expected.clone()));
    assert_eq!(json_of(&get(&simulator, "clients?limit=1"))["clients"][0], expected);
}

#[test]
fn an_invalid_update_lists_every_error_and_changes_nothing() {
    let simulator = small();
    let before = json_of(&get(&simulator, "clients"));
    let path = format!("/api/v2/partners/examplePA/clients/{}", before["clients"][0]["id"].as_str().unwrap());
    let details = |body: &Value| {
        let response = send(&simulator, "PATCH", &path, body);
        assert_eq!(response.status, 400);
        json_of(&response)["meta"]["details"].clone()
    };
    assert_eq!(
        details(&json!({"partner_payload": 1, "max_channels": -1, "name": "x"})),
        json!([
            "max_channels must be a whole number, 0 or more, found -1",
            "unknown field name: expected partner_payload or max_channels",
            "partner_payload must be a string, found 1",
        ])
    );
    assert_eq!(details(&json!({})), json!(["expected partner_payload or max_channels, found nothing"]));
    assert_eq!(details(&json!([1])), json!(["expected an object, found [1]"]));
    assert_eq!(
        details(&Value::Null),
        json!(["the body is not valid JSON: EOF while parsing a value at line 1 column 0"])
    );
    assert_eq!(json_of(&get(&simulator, "clients")), before);
}

#[tokio::test(start_paused = true)]
async fn requests_over_the_limit_get_429_with_the_time_to_wait() {
    let limit = RateLimit { requests: 2, window: Duration::from_secs(30) };
    let simulator = Simulator::new(Options { rate_limit: Some(limit), ..Options::default() });
    assert_eq!(get(&simulator, "clients").status, 200);
    tokio::time::advance(Duration::from_millis(10_500)).await;
    assert_eq!(get(&simulator, "clients").status, 200);
    let refused = get(&simulator, "clients");
    assert_eq!(status_and_body(&refused), (429, meta(429, "Too Many Requests")));
    assert_eq!(header(&refused, "retry-after"), Some("20"));
    assert_eq!(send(&simulator, "GET", "/_simulator/truth", &Value::Null).status, 200);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!([get(&simulator, "clients").status, get(&simulator, "clients").status], [200, 429]);
}

#[test]
fn a_fault_replaces_the_response() {
    let simulator = small();
    let cases = [
        (json!({"kind": "rate_limited"}), (429, None), meta(429, "Too Many Requests")),
        (json!({"kind": "rate_limited", "retry_after": null}), (429, None), meta(429, "Too Many Requests")),
        (json!({"kind": "rate_limited", "retry_after": 9}), (429, Some("9")), meta(429, "Too Many Requests")),
        (
            json!({"kind": "rate_limited", "retry_after": "http_date"}),
            (429, Some("Thu, 01 Jan 2026 00:00:30 GMT")),
            meta(429, "Too Many Requests"),
        ),
        (json!({"kind": "server_error", "status": 503}), (503, None), meta(503, "Internal server error")),
        (
            json!({"kind": "server_error", "status": 503, "retry_after": 20}),
            (503, Some("20")),
            meta(503, "Internal server error"),
        ),
        (json!({"kind": "unauthorized"}), (401, None), meta(401, "Unauthorized")),
        (json!({"kind": "forbidden"}), (403, None), meta(403, "Forbidden")),
        (json!({"kind": "not_found"}), (404, None), meta(404, "Not found")),
        (json!({"kind": "wrong_shape"}), (200, None), json!({"result": {"things": "many"}, "ok": true})),
    ];
    for (set, (status, retry_after), body) in cases {
        fault(&simulator, &json!([set]));
        let response = get(&simulator, "clients");
        assert_eq!(status_and_body(&response), (status, body), "{set}");
        assert_eq!(header(&response, "retry-after"), retry_after, "{set}");
    }
    fault(&simulator, &json!([]));
    assert_eq!(get(&simulator, "clients").status, 200);
}

#[test]
fn responses_that_are_not_json_come_with_200() {
    let simulator = small();
    for (kind, content_type, start, length) in [
        ("html", "text/html; charset=utf-8", "<!DOCTYPE html>", 69),
        ("not_json", "application/json", r#"{"clients": [{"id": "#, 20),
        ("empty_body", "application/json", "", 0),
    ] {
        fault(&simulator, &json!([{ "kind": kind }]));
        let response = get(&simulator, "clients");
        let body = std::str::from_utf8(&response.body).unwrap();
        assert_eq!((response.status, header(&response, "content-type")), (200, Some(content_type)), "{kind}");
        assert_eq!((body.starts_with(start), body.len()), (true, length), "{kind}");
    }
}

#[test]
fn a_redirect_names_another_address() {
    let simulator = small();
    for (set, location) in [
        (json!({"kind": "redirect"}), "http://127.0.0.2:9/"),
        (json!({"kind": "redirect", "location": "https://a.example/"}), "https://a.example/"),
    ] {
        fault(&simulator, &json!([set]));
        let response = get(&simulator, "clients");
        assert_eq!((response.status, header(&response, "location")), (302, Some(location)));
    }
}

#[test]
fn faults_of_delivery_do_not_change_the_response_itself() {
    let simulator = small();
    let normal = get(&simulator, "clients");
    let half = normal.body.len() / 2;
    let ms = Duration::from_millis;
    for (faults, delivery) in [
        (json!([{"kind": "latency", "ms": 5}]), Delivery::After(ms(5))),
        (json!([{"kind": "latency", "ms": 5}, {"kind": "latency", "ms": 6}]), Delivery::After(ms(11))),
        (json!([{"kind": "hang"}, {"kind": "truncated"}]), Delivery::Hang),
        (json!([{"kind": "truncated"}]), Delivery::Truncated { at: half }),
        (json!([{"kind": "drip", "chunk": 7, "every_ms": 9}]), Delivery::Drip { chunk: 7, every: ms(9) }),
    ] {
        fault(&simulator, &faults);
        assert_eq!(get(&simulator, "clients"), Response { delivery, ..normal.clone() }, "{faults}");
    }
    fault(&simulator, &json!([{"kind": "wrong_encoding"}]));
    let encoded = get(&simulator, "clients");
    assert_eq!((header(&encoded, "content-encoding"), &encoded.body), (Some("gzip"), &normal.body));
}

#[test]
fn a_huge_body_is_not_held_in_memory() {
    let simulator = small();
    fault(&simulator, &json!([{"kind": "huge_body", "mib": 4096}]));
    let response = get(&simulator, "clients");
    assert_eq!(response.delivery, Delivery::Repeated { total: 4096 * 1024 * 1024 });
    assert_eq!(response.body.len(), 64 * 1024);
}

#[test]
fn a_fault_of_a_client_also_meets_the_filtered_channel_list() {
    let simulator = small();
    let client = ids(&get(&simulator, "clients"))[1].as_str().unwrap().to_owned();
    fault(&simulator, &json!([{"kind": "forbidden", "client_id": client}]));
    let filtered = format!("channels?filters=%7B%22client_id%22%3A%22{client}%22%7D");
    let statuses = ["clients", "channels", &filtered, &format!("clients/{client}/channels")]
        .map(|target| get(&simulator, target).status);
    assert_eq!(statuses, [200, 200, 403, 403]);
}

#[test]
fn the_configured_latency_delays_the_api_but_not_the_controls() {
    let latency = Duration::from_millis(3);
    let simulator = Simulator::new(Options { latency, ..Options::default() });
    assert_eq!(get(&simulator, "clients").delivery, Delivery::After(latency));
    let truth = send(&simulator, "GET", "/_simulator/truth", &Value::Null);
    assert_eq!(truth.delivery, Delivery::Whole);
}

#[test]
fn an_unsuccessful_response_is_a_200_with_an_empty_list() {
    let simulator = small();
    fault(&simulator, &json!([{"kind": "unsuccessful", "message": "Try later"}]));
    let response = get(&simulator, "clients");
    let body = json_of(&response);
    let meta = json!({"success": false, "http_code": 200, "developer_message": "Try later"});
    assert_eq!((response.status, &body["meta"], &body["clients"], &body["total"]), (200, &meta, &json!([]), &json!(0)));
}

#[test]
fn large_pages_can_be_refused() {
    let simulator = small();
    let ask = |limit: usize| {
        let response = get(&simulator, &format!("clients?limit={limit}"));
        (response.status, response.delivery)
    };
    for (status, refused) in [
        (json!(400), (400, Delivery::Whole)),
        (json!(413), (413, Delivery::Whole)),
        (Value::Null, (200, Delivery::Hang)),
    ] {
        fault(&simulator, &json!([{"kind": "refused_page_size", "above": 100, "status": status}]));
        assert_eq!([ask(100), ask(101)], [(200, Delivery::Whole), refused], "{status}");
        // Without a limit a page has 1000 items.
        assert_eq!(get(&simulator, "clients").status, refused.0, "{status}");
    }
}

#[test]
fn a_body_can_be_compressed_in_several_members_under_any_name() {
    use std::io::Read as _;
    let simulator = small();
    let normal = get(&simulator, "clients");
    fault(&simulator, &json!([{"kind": "gzip", "encoding": "x-gzip", "members": 3}]));
    let response = get(&simulator, "clients");
    let mut body = Vec::new();
    flate2::read::MultiGzDecoder::new(&*response.body).read_to_end(&mut body).unwrap();
    assert_eq!((header(&response, "content-encoding"), body), (Some("x-gzip"), normal.body.to_vec()));
    let mut one = Vec::new();
    flate2::read::GzDecoder::new(&*response.body).read_to_end(&mut one).unwrap();
    assert_eq!(one.len(), normal.body.len().div_ceil(3));
}

#[test]
fn a_byte_order_mark_and_more_header_lines_can_be_added() {
    let simulator = small();
    let normal = get(&simulator, "clients");
    fault(&simulator, &json!([{"kind": "byte_order_mark"}, {"kind": "many_headers", "count": 101}]));
    let response = get(&simulator, "clients");
    assert_eq!(response.body, [b"\xef\xbb\xbf", &*normal.body].concat());
    assert_eq!(response.headers.len(), normal.headers.len() + 101);
}

#[test]
fn a_key_can_lack_the_scope_of_one_path() {
    let simulator = small();
    let clients = ids(&get(&simulator, "clients"));
    let paths = ["clients".to_owned(), "channels".to_owned()]
        .into_iter()
        .chain(clients[..2].iter().map(|id| format!("clients/{}/channels", id.as_str().unwrap())));
    let paths: Vec<String> = paths.collect();
    for (scope, expected) in [
        (json!({"operation": "partner_channels"}), [200, 401, 200, 200]),
        (json!({"operation": "client_channels"}), [200, 200, 401, 401]),
        (json!({"client_id": clients[1]}), [200, 200, 200, 401]),
    ] {
        let mut set = scope.clone();
        set["kind"] = json!("unauthorized");
        fault(&simulator, &json!([set]));
        let statuses: Vec<u16> = paths.iter().map(|path| get(&simulator, path).status).collect();
        assert_eq!(statuses, expected, "{scope}");
    }
}

#[test]
fn balances_are_a_bare_array_for_the_partner_and_an_object_for_a_client() {
    let simulator = small();
    let partner = get(&simulator, "balance");
    assert_eq!(
        status_and_body(&partner),
        (200, json!([{"currency": "eur", "total": 12345.67}, {"currency": "usd", "total": 543.21}]))
    );
    let client = ids(&get(&simulator, "clients"))[0].as_str().unwrap().to_owned();
    let balance = json_of(&get(&simulator, &format!("clients/{client}/info/balance")));
    let amount = balance["balance"].as_f64().unwrap();
    assert!((20.0..500.0).contains(&amount), "{balance}");
    assert!(["eur", "usd"].contains(&balance["currency"].as_str().unwrap()), "{balance}");
    assert_eq!(get(&simulator, "clients/nobodyCL/info/balance").status, 404);
    fault(&simulator, &json!([{"kind": "forbidden", "operation": "partner_balance"}]));
    let statuses = ["clients", "balance"].map(|target| get(&simulator, target).status);
    assert_eq!(statuses, [200, 403]);
}
