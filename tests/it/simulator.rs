//! `docs/simulator.md`: every example works, and nothing that the simulator has is missing from the page.

use std::collections::BTreeSet;

use d360_exporter::simulator::{Options, Request, Response, Simulator};
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::harness::{Api, Program, fleet, http_client};

const PAGE: &str = include_str!("../../docs/simulator.md");

fn send(simulator: &Simulator, method: &str, path: &str, body: &str) -> Response {
    simulator.respond(&Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: None,
        api_key: Some("demo-key".to_owned()),
        body: body.as_bytes().to_vec(),
    })
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

/// An example of the page: method, path and body.
fn examples() -> Vec<(String, String, String)> {
    let blocks = PAGE.split("```http\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let example = |block: &str| {
        let (head, body) = block.split_once("\n\n").unwrap();
        let (method, path) = head.split_once(' ').unwrap();
        (method.to_owned(), path.to_owned(), body.to_owned())
    };
    blocks.map(example).collect()
}

/// The first cells of the tables of a section.
fn first_cells(heading: &str) -> Vec<String> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let cell = Regex::new(r"(?m)^\| `([^`]+)` \|").unwrap();
    cell.captures_iter(section).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_example_of_the_simulators_page_works() {
    let simulator = Simulator::new(Options::default());
    let truth: Value = serde_json::from_slice(&send(&simulator, "GET", "/_simulator/truth", "").body).unwrap();
    let client = &truth["clients"][0];
    let ids = [
        ("CHANNEL_ID", &client["channels"][0]["id"]),
        ("CLIENT_ID", &client["id"]),
        ("WABA_ACCOUNT_ID", &client["channels"][0]["waba_account_id"]),
    ];
    let filled =
        |text: &str| ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id.as_str().unwrap()));
    let examples = examples();
    assert!(examples.len() >= 10, "{examples:?}");
    for (method, path, body) in examples {
        let response = send(&simulator, &method, &filled(&path), &filled(&body));
        assert!((200..300).contains(&response.status), "{method} {path} {body}: {}", text(&response));
    }
}

#[test]
fn every_fault_of_the_page_can_be_set_and_every_kind_is_on_the_page() {
    let simulator = Simulator::new(Options::default());
    let put = |faults: Value| send(&simulator, "PUT", "/_simulator/faults", &json!({ "faults": faults }).to_string());
    let mut on_the_page = BTreeSet::new();
    for cell in first_cells("Faults").iter().filter(|cell| cell.starts_with('{')) {
        let fault: Value = serde_json::from_str(cell).unwrap();
        let response = put(json!([fault]));
        assert_eq!(response.status, 200, "{cell}: {}", text(&response));
        on_the_page.insert(fault["kind"].as_str().unwrap().to_owned());
    }
    let unknown = text(&put(json!([{"kind": "?"}])));
    let (_, known) = unknown.split_once("expected one of ").unwrap();
    let known: BTreeSet<String> =
        Regex::new("`([a-z_]+)`").unwrap().captures_iter(known).map(|c| c[1].to_owned()).collect();
    assert_eq!(on_the_page, known);
}

#[test]
fn the_page_and_the_index_of_the_simulator_name_the_same_requests() {
    let simulator = Simulator::new(Options::default());
    let index = text(&send(&simulator, "GET", "/", ""));
    let line = Regex::new(r"(?m)^  ([A-Z]+(?:, [A-Z]+)*) +(/\S+)$").unwrap();
    let in_index: BTreeSet<String> = line
        .captures_iter(&index)
        .flat_map(|found| {
            let path =
                found[2].replace("/api/v2/partners/examplePA", "/partners/PARTNER_ID").replace("/_simulator", "");
            found[1].split(", ").map(|method| format!("{method} {path}")).collect::<Vec<_>>()
        })
        .collect();
    let request = Regex::new(r"(?m)^\|(?: `[a-z_]+` \|)? `([A-Z]+ /\S+)` \|").unwrap();
    let on_the_page: BTreeSet<String> = request.captures_iter(PAGE).map(|found| found[1].to_owned()).collect();
    assert_eq!(on_the_page, in_index);
}

#[tokio::test]
async fn the_simulator_runs_with_the_flags_of_its_page() {
    let line = PAGE.lines().find(|line| line.starts_with("d360_exporter simulate ")).unwrap();
    let mut arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
    arguments.push("--listen=127.0.0.1:0");
    let program = Program::start(&arguments, &[]);
    let address = program.line_with("Partner API: ").await.replacen("Partner API: ", "", 1);
    let control = address.replace("/api/v2", "/_simulator/rate_limit");
    let shown = http_client().get(control).send().await.unwrap().text().await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown, json!({"rate_limit": {"requests": 5, "window_seconds": 30.0, "retry_after": true}}));
    program.stop().await;
}

#[tokio::test]
async fn accounts_balances_and_the_rate_limit_can_be_changed_over_http() {
    let api = Api::start(fleet(2, 2)).await;
    let read = async |path: &str| {
        let request = http_client().get(format!("{}/partners/examplePA/{path}", api.base_url()));
        let response = request.header("x-api-key", "demo-key").send().await.unwrap();
        let (status, retry_after) = (response.status().as_u16(), response.headers().contains_key("retry-after"));
        let body = response.text().await.unwrap();
        (status, retry_after, serde_json::from_str::<Value>(&body).unwrap())
    };
    let client = api.ids().await[1].0.clone();
    let channels = format!("clients/{client}/channels");
    let (.., before) = read(&channels).await;
    api.patch_waba_account(before[0]["waba_account_id"].as_str().unwrap(), json!({"status": "banned"})).await;
    let (.., after) = read(&channels).await;
    assert_eq!([0, 1].map(|nth| after[nth]["waba_account"]["status"].clone()), ["banned", "banned"]);

    api.put_partner_balance(json!([{"currency": "eur", "total": -1.5}])).await;
    api.put_client_balance(&client, json!({"balance": "0", "currency": "eur"})).await;
    assert_eq!(read("balance").await.2, json!([{"currency": "eur", "total": -1.5}]));
    assert_eq!(read(&format!("clients/{client}/info/balance")).await.2, json!({"balance": "0", "currency": "eur"}));

    for retry_after in [false, true] {
        api.limit(1, 3600, retry_after).await;
        let [first, second] = [read("clients").await, read("clients").await];
        assert_eq!([(first.0, first.1), (second.0, second.1)], [(200, false), (429, retry_after)]);
    }
    api.unlimited().await;
    assert_eq!(read("clients").await.0, 200);
}
