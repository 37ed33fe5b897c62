//! What a list shows over several requests.

use serde_json::{Value, json};

use crate::simulator::testing::{fault, get, ids, json_of, send};
use crate::simulator::{Options, Simulator};

fn ten() -> Simulator {
    Simulator::new(Options { clients: 10, channels_per_client: 1, ..Options::default() })
}

fn ratings(simulator: &Simulator, target: &str) -> Vec<Value> {
    let body = json_of(&get(simulator, target));
    let list = body["partner_channels"].as_array().or_else(|| body.as_array()).unwrap().clone();
    list.iter().map(|channel| channel["current_quality_rating"].clone()).collect()
}

#[test]
fn a_stale_list_shows_a_change_some_reads_later_than_a_single_read() {
    let simulator = ten();
    let channel = json_of(&get(&simulator, "channels"))["partner_channels"][0].clone();
    let [id, client] = ["id", "client_id"].map(|key| channel[key].as_str().unwrap().to_owned());
    fault(&simulator, &json!([{"kind": "stale_list", "reads": 2, "operation": "partner_channels"}]));
    let before = ratings(&simulator, "channels");
    send(&simulator, "PATCH", &format!("/_simulator/channels/{id}"), &json!({"current_quality_rating": "Violet"}));
    let single = ratings(&simulator, &format!("clients/{client}/channels"));
    let filtered = ratings(&simulator, &format!("channels?filters=%7B%22client_id%22:%22{client}%22%7D"));
    assert_eq!((single, filtered), (vec![json!("Violet")], vec![json!("Violet")]));
    // The first page starts a read; the others belong to it.
    let first = |simulator: &Simulator| {
        let first = ratings(simulator, "channels?limit=5")[0].clone();
        ratings(simulator, "channels?limit=5&offset=5");
        first
    };
    let shown = [(); 4].map(|()| first(&simulator));
    assert_eq!(shown, [before[0].clone(), before[0].clone(), json!("Violet"), json!("Violet")]);
}

#[test]
fn a_stale_list_is_the_same_on_all_its_pages() {
    let simulator = ten();
    let all = ids(&get(&simulator, "channels"));
    fault(&simulator, &json!([{"kind": "stale_list", "reads": 0}]));
    let first = ids(&get(&simulator, "channels?limit=5"));
    send(&simulator, "DELETE", &format!("/_simulator/channels/{}", all[0].as_str().unwrap()), &Value::Null);
    let second = ids(&get(&simulator, "channels?limit=5&offset=5"));
    assert_eq!([first, second].concat(), all);
}

/// All pages of one read, and `total` of the last.
fn read(simulator: &Simulator, list: &str) -> (Vec<Value>, Value) {
    let pages = ["0", "4", "8"].map(|offset| get(simulator, &format!("{list}?limit=4&offset={offset}")));
    (pages.iter().flat_map(ids).collect(), json_of(&pages[2])["total"].clone())
}

#[test]
fn an_item_inserted_in_front_of_the_offset_repeats_the_last_one_of_the_page_before() {
    for list in ["clients", "channels"] {
        let simulator = ten();
        let all = ids(&get(&simulator, list));
        fault(&simulator, &json!([{"kind": "shifting_list", "insert": 1}]));
        let (seen, total) = read(&simulator, list);
        assert_eq!(seen, [&all[..4], &all[3..]].concat(), "{list}");
        assert_eq!(total, 11, "{list}");
        // The item stays, and the next read brings another one.
        let (seen, total) = read(&simulator, list);
        assert_eq!((ids(&get(&simulator, list)).len(), total), (12, json!(12)), "{list}");
        assert!(seen[0].as_str().unwrap().starts_with("000001"), "{list}");
    }
}

#[test]
fn an_item_removed_in_front_of_the_offset_hides_the_first_one_of_the_next_page() {
    for list in ["clients", "channels"] {
        let simulator = ten();
        let all = ids(&get(&simulator, list));
        fault(&simulator, &json!([{"kind": "shifting_list", "remove": 1}]));
        let (seen, total) = read(&simulator, list);
        assert_eq!(seen, [&all[..4], &all[5..]].concat(), "{list}");
        assert_eq!(total, 9, "{list}");
    }
}

#[test]
fn a_list_that_loses_and_gains_an_item_keeps_its_length() {
    let simulator = ten();
    let all = ids(&get(&simulator, "channels"));
    fault(&simulator, &json!([{"kind": "shifting_list", "insert": 1, "remove": 1}]));
    let (seen, total) = read(&simulator, "channels");
    assert_eq!((seen, total), (all, json!(10)));
    assert_eq!(ids(&get(&simulator, "channels"))[0], "000001CH");
}
