//! The controls change what the API shows, and show the fleet as it is.

use super::*;
use crate::simulator::testing::{fault, get, ids, json_of, send, small};
use crate::simulator::{Options, Simulator};

fn first_channel(simulator: &Simulator) -> Value {
    json_of(&get(simulator, "channels?limit=1"))["partner_channels"][0].clone()
}

fn channel_path(channel: &Value) -> String {
    format!("/_simulator/channels/{}", channel["id"].as_str().unwrap())
}

#[test]
fn any_field_of_a_channel_can_be_set_to_anything() {
    let simulator = small();
    let mut expected = first_channel(&simulator);
    let patch = json!({
        "current_quality_rating": "Low", "current_limit": null, "status": 5, "is_oba": "perhaps",
        "setup_info": {"phone_number": null, "extra": [1]}, "waba_account": null, "brand_new": true,
    });
    let response = send(&simulator, "PATCH", &channel_path(&expected), &patch);
    merge_into(&mut expected, &patch);
    assert_eq!((response.status, json_of(&response)), (200, expected.clone()));
    assert_eq!(first_channel(&simulator), expected);
}

fn merge_into(target: &mut Value, patch: &Value) {
    crate::simulator::records::merge(target.as_object_mut().unwrap(), patch.as_object().unwrap());
}

#[test]
fn a_patched_channel_is_found_by_its_new_values() {
    let simulator = small();
    let channel = first_channel(&simulator);
    send(&simulator, "PATCH", &channel_path(&channel), &json!({"current_quality_rating": "Violet"}));
    let found = ids(&get(&simulator, "channels?filters=%7B%22current_quality_rating%22%3A%22Violet%22%7D"));
    assert_eq!(found, [channel["id"].clone()]);
}

#[test]
fn a_deleted_channel_leaves_every_list() {
    let simulator = small();
    let all = ids(&get(&simulator, "channels"));
    let channel = first_channel(&simulator);
    let statuses = [(); 2].map(|()| send(&simulator, "DELETE", &channel_path(&channel), &Value::Null).status);
    assert_eq!(statuses, [204, 404]);
    assert_eq!(ids(&get(&simulator, "channels")), all[1..]);
    let left = ids(&get(&simulator, &format!("clients/{}/channels", channel["client_id"].as_str().unwrap())));
    assert_eq!(left.len(), 1);
}

#[test]
fn a_channel_can_be_created_and_replaced() {
    let simulator = small();
    let client = ids(&get(&simulator, "clients"))[0].clone();
    let body = json!({"client_id": client, "current_limit": "TIER_50", "setup_info": {"phone_name": "New"}});
    let made = send(&simulator, "PUT", "/_simulator/channels/freshCH", &body);
    let again = send(&simulator, "PUT", "/_simulator/channels/freshCH", &body);
    assert_eq!((made.status, again.status), (201, 200));
    let shown = json_of(&made);
    assert_eq!(
        (&shown["id"], &shown["client_id"], &shown["current_limit"], &shown["setup_info"]["phone_name"]),
        (&json!("freshCH"), &client, &json!("TIER_50"), &json!("New"))
    );
    assert_eq!(ids(&get(&simulator, "channels")).len(), 9);
    let orphan = send(&simulator, "PUT", "/_simulator/channels/xCH", &json!({"client_id": "nobodyCL"}));
    assert_eq!(orphan.status, 404);
    assert_eq!(send(&simulator, "PUT", "/_simulator/channels/xCH", &json!({})).status, 400);
}

#[test]
fn a_client_can_be_changed_and_removed_with_its_channels() {
    let simulator = small();
    let all = ids(&get(&simulator, "clients"));
    let path = format!("/_simulator/clients/{}", all[0].as_str().unwrap());
    let patched = send(&simulator, "PATCH", &path, &json!({"name": null, "status": "odd", "max_channels": 1}));
    let shown = json_of(&patched);
    assert_eq!((&shown["name"], &shown["status"], &shown["max_channels"]), (&Value::Null, &json!("odd"), &json!(1)));
    assert_eq!(json_of(&get(&simulator, "clients"))["clients"][0], shown);
    assert_eq!(send(&simulator, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(ids(&get(&simulator, "clients")), all[1..]);
    assert_eq!(ids(&get(&simulator, "channels")).len(), 6);
    assert_eq!(send(&simulator, "PATCH", &path, &json!({})).status, 404);
}

#[test]
fn the_truth_is_what_the_api_shows_without_faults() {
    let simulator = small();
    let clients = json_of(&get(&simulator, "clients"))["clients"].as_array().unwrap().clone();
    let expected: Vec<Value> = clients
        .into_iter()
        .map(|mut client| {
            let id = client["id"].as_str().unwrap();
            let channels = json_of(&get(&simulator, &format!("clients/{id}/channels")));
            client["channels"] = channels;
            client
        })
        .collect();
    fault(&simulator, &json!([{"kind": "hang"}]));
    let truth = send(&simulator, "GET", "/_simulator/truth", &Value::Null);
    assert_eq!(json_of(&truth), json!({ "clients": expected }));
}

#[test]
fn requests_are_counted_by_operation_and_status() {
    let simulator = small();
    get(&simulator, "clients");
    get(&simulator, "clients");
    get(&simulator, "clients?limit=0");
    get(&simulator, "clients/nobodyCL/channels");
    get(&simulator, "nothing");
    let requests = send(&simulator, "GET", "/_simulator/requests", &Value::Null);
    assert_eq!(json_of(&requests), json!({"clients": {"200": 2, "400": 1}, "client_channels": {"404": 1}}));
}

#[tokio::test(start_paused = true)]
async fn an_incident_replaces_a_patched_time_of_change() {
    let options = Options { clients: 1, channels_per_client: 1, incidents_per_minute: 60.0, ..Options::default() };
    let simulator = Simulator::new(options);
    let channel = first_channel(&simulator);
    send(&simulator, "PATCH", &channel_path(&channel), &json!({"modified_at": "nonsense"}));
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(first_channel(&simulator)["modified_at"], "2026-01-01T00:00:01Z");
}

#[test]
fn invalid_controls_get_an_error() {
    let simulator = small();
    let ask = |method: &str, path: &str, body: &Value| send(&simulator, method, path, body).status;
    let statuses = [
        ask("PATCH", "/_simulator/channels/nobodyCH", &json!({})),
        ask("PATCH", "/_simulator/channels/nobodyCH", &json!(3)),
        ask("PUT", "/_simulator/faults", &json!({"faults": [{"kind": "flood"}]})),
        ask("POST", "/_simulator/truth", &Value::Null),
        ask("GET", "/_simulator/other", &Value::Null),
        ask("GET", "/", &Value::Null),
    ];
    assert_eq!(statuses, [404, 400, 400, 405, 404, 200]);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_requests_does_not_change_what_happens() {
    let options = Options { incidents_per_minute: 60.0, ..Options::default() };
    let (asked, idle) = (Simulator::new(options.clone()), Simulator::new(options));
    let truth = |simulator: &Simulator| json_of(&send(simulator, "GET", "/_simulator/truth", &Value::Null));
    let before = truth(&asked);
    for _ in 0..120 {
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        get(&asked, "clients");
    }
    let after = truth(&asked);
    assert_eq!(after, truth(&idle));
    assert_ne!(after, before);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_can_change_while_the_simulator_runs() {
    let simulator = small();
    let control = |method: &str, body: &Value| send(&simulator, method, "/_simulator/rate_limit", body);
    let ask = || {
        let response = get(&simulator, "clients");
        (response.status, response.headers.iter().any(|(name, _)| *name == "retry-after"))
    };
    assert_eq!(json_of(&control("GET", &Value::Null)), json!({"rate_limit": null}));
    let limit = json!({"requests": 1, "window_seconds": 30.0, "retry_after": false});
    assert_eq!(json_of(&control("PUT", &limit)), json!({ "rate_limit": limit }));
    assert_eq!([ask(), ask()], [(200, false), (429, false)]);
    control("PUT", &json!({"requests": 1, "window_seconds": 30}));
    assert_eq!([ask(), ask()], [(200, false), (429, true)]);
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(ask(), (200, false));
    assert_eq!(control("DELETE", &Value::Null).status, 204);
    assert_eq!([ask(), ask()], [(200, false), (200, false)]);
    for wrong in [
        json!({"requests": 1}),
        json!({"requests": 1, "window_seconds": 0}),
        json!({"requests": 1, "window_seconds": 1, "x": 1}),
    ] {
        assert_eq!(control("PUT", &wrong).status, 400, "{wrong}");
    }
}

#[test]
fn a_business_account_is_shared_by_the_channels_of_its_client() {
    let simulator = small();
    let all = json_of(&get(&simulator, "channels"))["partner_channels"].as_array().unwrap().clone();
    let path = format!("/_simulator/waba_accounts/{}", all[0]["waba_account_id"].as_str().unwrap());
    let patch = json!({"status": "banned", "fb_account_status": 7, "fb_business_id": "42", "name": null});
    let response = send(&simulator, "PATCH", &path, &patch);
    let mut expected = all[0]["waba_account"].clone();
    for (key, value) in patch.as_object().unwrap() {
        expected[key] = value.clone();
    }
    expected["on_behalf_of_business_info"]["id"] = json!("42");
    assert_eq!((response.status, json_of(&response)), (200, expected.clone()));
    let after = json_of(&get(&simulator, "channels"))["partner_channels"].as_array().unwrap().clone();
    let changed = after.iter().zip(&all).filter(|(after, before)| after != before).map(|(after, _)| after);
    let changed: Vec<&Value> = changed.collect();
    assert_eq!(changed.len(), 2);
    assert!(changed.iter().all(|channel| channel["waba_account"] == expected));
    assert_eq!(send(&simulator, "PATCH", "/_simulator/waba_accounts/nobodyWA", &json!({})).status, 404);
}

#[test]
fn a_channel_can_disagree_with_the_others_about_their_business_account() {
    let simulator = small();
    let channel = first_channel(&simulator);
    let account = format!("/_simulator/waba_accounts/{}", channel["waba_account_id"].as_str().unwrap());
    send(&simulator, "PATCH", &account, &json!({"status": 3}));
    send(&simulator, "PATCH", &channel_path(&channel), &json!({"waba_account": null}));
    assert_eq!(first_channel(&simulator)["waba_account"], Value::Null);
    send(&simulator, "PATCH", &channel_path(&channel), &json!({"waba_account": {"status": "odd"}}));
    assert_eq!(first_channel(&simulator)["waba_account"]["status"], "odd");
}

#[test]
fn balances_can_be_set_to_anything_and_back() {
    let simulator = small();
    let client = ids(&get(&simulator, "clients"))[0].as_str().unwrap().to_owned();
    let [of_partner, of_client] = ["balance".to_owned(), format!("clients/{client}/info/balance")];
    for (control, target) in [("balance".to_owned(), of_partner), (format!("clients/{client}/balance"), of_client)] {
        let path = format!("/_simulator/{control}");
        let before = json_of(&get(&simulator, &target));
        for odd in
            [json!([]), json!({"balance": "NaN", "currency": 5}), json!([{"currency": "eur", "total": "-1e300"}])]
        {
            assert_eq!(send(&simulator, "PUT", &path, &odd).status, 204);
            assert_eq!(json_of(&get(&simulator, &target)), odd);
        }
        // The body `null` is no body in this test's helper.
        let null = Request { method: "PUT".to_owned(), path, body: b"null".to_vec(), ..Request::default() };
        assert_eq!(simulator.respond(&null).status, 204);
        assert_eq!(json_of(&get(&simulator, &target)), before);
    }
}
