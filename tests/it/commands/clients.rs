//! `clients list`.

use serde_json::{Value, json};

use super::run;
use crate::harness::{Api, fleet};

#[tokio::test]
async fn clients_are_a_table_sorted_by_name() {
    let api = Api::start(fleet(12, 1)).await;
    insta::assert_snapshot!(run(&api, &["clients", "list"]).await.shown(&api));
}

#[tokio::test]
async fn json_holds_what_the_api_sends_for_every_client() {
    let api = Api::start(fleet(30, 0)).await;
    let listed = run(&api, &["clients", "list", "--output", "json", "--sort", "id"]).await.rows();
    let truth = api.truth().await;
    let mut expected: Vec<Value> = truth["clients"].as_array().unwrap().iter().map(client).collect();
    expected.sort_by_key(|client| client["id"].as_str().unwrap().to_lowercase());
    assert_eq!(listed, expected);
}

fn client(item: &Value) -> Value {
    let mut client = json!({ "partner_id": "examplePA" });
    for name in ["id", "name", "status", "max_channels", "created_at", "modified_at", "partner_payload", "organisation"]
    {
        client[name] = item[name].clone();
    }
    // Names that are ours: the documents leave the API's open or call it internal.
    client["suspicious"] = item["suspicious"].clone();
    client["business_id"] = item["fb_business_id"].clone();
    client["channels"] = json!(item["channels"].as_array().unwrap().len());
    client
}

#[tokio::test]
async fn csv_says_the_same_as_json() {
    let api = Api::start(fleet(30, 0)).await;
    let json = run(&api, &["clients", "list", "--output", "json"]).await.rows();
    let csv = run(&api, &["clients", "list", "--output", "csv"]).await;
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let names = reader.headers().unwrap().clone();
    let records: Vec<Vec<String>> =
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let expected: Vec<Vec<String>> =
        json.iter().map(|row| names.iter().map(|name| text(&row[name])).collect()).collect();
    assert_eq!(records, expected);
    assert_eq!(names.len(), json[0].as_object().unwrap().len());
}

#[tokio::test]
async fn filters_choose_by_status_and_by_a_part_of_the_name_in_any_case() {
    let api = Api::start(fleet(5, 0)).await;
    let ids: Vec<String> = api.ids().await.into_iter().map(|(id, _)| id).collect();
    api.patch_client(&ids[0], json!({"name": "Möbel Äpfel"})).await;
    api.patch_client(&ids[1], json!({"status": "Suspended"})).await;
    let list = ["clients", "list", "-o", "json"];
    assert_eq!(run(&api, &[&list[..], &["--search", "apfel"]].concat()).await.column("id"), [ids[0].as_str()]);
    assert_eq!(run(&api, &[&list[..], &["--status", "suspended"]].concat()).await.column("id"), [ids[1].as_str()]);
    assert_eq!(run(&api, &[&list[..], &["--status", "gone"]].concat()).await.rows(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_minus_sorts_downwards() {
    let api = Api::start(fleet(15, 0)).await;
    let up = run(&api, &["clients", "list", "-o", "json", "--sort", "created_at"]).await.column("created_at");
    let mut down = run(&api, &["clients", "list", "-o", "json", "--sort", "-created_at"]).await.column("created_at");
    assert!(up.is_sorted(), "{up:?}");
    down.reverse();
    assert_eq!(up, down);
}

#[tokio::test]
async fn a_list_with_unreadable_items_is_shown_and_still_a_failure() {
    let api = Api::start(fleet(4, 0)).await;
    api.faults(json!([{"kind": "broken_item", "operation": "clients"}])).await;
    insta::assert_snapshot!(run(&api, &["clients", "list"]).await.shown(&api));
}

#[tokio::test]
async fn a_refused_key_shows_nothing_but_what_to_do() {
    let api = Api::start(fleet(4, 0)).await;
    api.faults(json!([{"kind": "unauthorized"}])).await;
    insta::assert_snapshot!(run(&api, &["clients", "list", "-o", "json"]).await.shown(&api));
}

#[tokio::test]
async fn bad_flags_and_failures_have_different_exit_codes() {
    let api = Api::start(fleet(1, 0)).await;
    for args in [
        &["clients", "list", "--sort", "colour"][..],
        &["clients", "list", "--output", "xml"],
        &["clients", "list", "--api.page-size", "none"],
        &["clients"],
    ] {
        let ran = run(&api, args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(api.responses("clients").await, 0);
}
