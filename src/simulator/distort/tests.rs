//! Each fault of a list, alone.

use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::simulator::testing::{fault, get, ids, json_of};
use crate::simulator::{Options, Simulator};

fn ten() -> (Simulator, Vec<Value>) {
    let simulator = Simulator::new(Options { clients: 10, ..Options::default() });
    let all = ids(&get(&simulator, "clients"));
    (simulator, all)
}

fn numbers(simulator: &Simulator, target: &str) -> [Value; 4] {
    let body = json_of(&get(simulator, target));
    ["limit", "offset", "total", "count"].map(|key| body[key].clone())
}

#[test]
fn endless_pages_never_end_and_hold_new_items() {
    let (simulator, _) = ten();
    fault(&simulator, &json!([{"kind": "endless_pages"}]));
    let pages = [0, 4, 40_000].map(|offset| ids(&get(&simulator, &format!("clients?limit=4&offset={offset}"))));
    let seen: BTreeSet<String> = pages.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(seen.len(), 12);
    assert_eq!(numbers(&simulator, "clients?limit=4&offset=40000"), [4, 40_000, 40_008, 4].map(Value::from));
}

#[test]
fn a_repeated_page_ignores_the_offset() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "repeated_page"}]));
    assert_eq!(ids(&get(&simulator, "clients?limit=3&offset=6")), all[..3]);
}

#[test]
fn clamped_pages_are_shorter_than_asked_and_say_so() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "clamped_pages", "limit": 2}]));
    assert_eq!(ids(&get(&simulator, "clients?limit=3&offset=6")), all[6..8]);
    assert_eq!(numbers(&simulator, "clients?limit=3&offset=6"), [2, 6, 10, 2].map(Value::from));
}

#[test]
fn shuffled_pages_show_another_order_every_time() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "shuffled_pages"}]));
    let one = ids(&get(&simulator, "clients"));
    let two = ids(&get(&simulator, "clients"));
    assert!(one != two && one != all);
    let set = |ids: &[Value]| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!((set(&one), set(&two)), (set(&all), set(&all)));
}

#[test]
fn overlapping_pages_start_half_a_page_early() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "overlapping_pages"}]));
    assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=0")), all[..4]);
    assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=4")), all[2..6]);
    assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=10")), all[8..]);
}

#[test]
fn totals_and_counts_can_be_wrong() {
    let (simulator, all) = ten();
    for (set, expected) in [
        (json!({"kind": "wrong_total", "total": 3}), [json!(3), json!(10)]),
        (json!({"kind": "wrong_total", "total": "many"}), [json!("many"), json!(10)]),
        (json!({"kind": "wrong_count"}), [json!(10), json!(17)]),
    ] {
        fault(&simulator, &json!([set]));
        let [_, _, total, count] = numbers(&simulator, "clients");
        assert_eq!([total, count], expected);
        assert_eq!(ids(&get(&simulator, "clients")), all);
    }
}

#[test]
fn a_short_list_looks_complete() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "short_list", "keep": 3}]));
    assert_eq!(ids(&get(&simulator, "clients")), all[..3]);
    assert_eq!(ids(&get(&simulator, "clients?sort=-id")), [9, 8, 7].map(|nth: usize| all[nth].clone()));
    assert_eq!(numbers(&simulator, "clients"), [1000, 0, 3, 3].map(Value::from));
}

#[test]
fn a_duplicate_comes_last_and_under_another_name() {
    let (simulator, all) = ten();
    let first = json_of(&get(&simulator, "clients"))["clients"][0].clone();
    fault(&simulator, &json!([{"kind": "duplicates"}]));
    let body = json_of(&get(&simulator, "clients"));
    let mut again = first.clone();
    again["name"] = json!(format!("{} (again)", first["name"].as_str().unwrap()));
    assert_eq!((&body["clients"][0], &body["clients"][10]), (&first, &again));
    assert_eq!((&body["total"], &body["count"], all.len()), (&json!(10), &json!(11), 10));
}

#[test]
fn broken_items_are_mixed_with_whole_ones() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "broken_item"}]));
    let body = json_of(&get(&simulator, "clients"));
    let list = body["clients"].as_array().unwrap();
    assert_eq!((&list[0], &list[3], list[6].get("id")), (&json!(7), &Value::Null, None));
    assert!(list[6].is_object());
    let mut left = all;
    for broken in [0, 3, 6, 9] {
        left[broken] = Value::Null;
    }
    assert_eq!(ids(&get(&simulator, "clients")), left);
}

#[test]
fn unknown_values_and_nulls_leave_the_ids_readable() {
    let (simulator, _) = ten();
    let all = ids(&get(&simulator, "channels"));
    fault(&simulator, &json!([{"kind": "unknown_values"}]));
    let body = json_of(&get(&simulator, "channels"));
    for channel in body["partner_channels"].as_array().unwrap() {
        let enums = States::NAMES.iter().chain(&["account_mode"]);
        assert_eq!(enums.map(|key| &channel[key]).collect::<HashSet<_>>().len(), 1);
        assert_eq!(channel["status"], "NEVER_SEEN_BEFORE");
    }
    assert_eq!(ids(&get(&simulator, "channels")), all);
    fault(&simulator, &json!([{"kind": "nulls"}]));
    let body = json_of(&get(&simulator, "channels"));
    for channel in body["partner_channels"].as_array().unwrap() {
        let set: Vec<&String> =
            channel.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        assert_eq!(set, ["client_id", "id"]);
    }
}

#[test]
fn faults_of_pagination_do_not_change_a_bare_array() {
    let (simulator, all) = ten();
    let target = format!("clients/{}/channels", all[0].as_str().unwrap());
    let normal = get(&simulator, &target);
    for kind in ["endless_pages", "repeated_page", "overlapping_pages", "wrong_count"] {
        fault(&simulator, &json!([{ "kind": kind }]));
        assert_eq!(get(&simulator, &target), normal, "{kind}");
    }
    fault(&simulator, &json!([{"kind": "short_list", "keep": 1}]));
    assert_eq!(ids(&get(&simulator, &target)).len(), 1);
}

#[test]
fn endless_pages_can_hold_other_items_at_every_request() {
    let (simulator, _) = ten();
    fault(&simulator, &json!([{"kind": "endless_pages", "changing": true}]));
    let pages = [(); 2].map(|()| ids(&get(&simulator, "clients?limit=2")));
    assert_eq!(
        pages.concat(),
        [
            "endless000001x000000000CL",
            "endless000001x000000001CL",
            "endless000002x000000000CL",
            "endless000002x000000001CL"
        ]
    );
}

#[test]
fn an_inflated_total_is_always_too_large_by_the_same_number() {
    let (simulator, all) = ten();
    fault(&simulator, &json!([{"kind": "inflated_total", "by": 2}]));
    assert_eq!(numbers(&simulator, "clients?limit=4&offset=8"), [4, 8, 12, 2].map(Value::from));
    assert_eq!(ids(&get(&simulator, "clients")), all);
}

#[test]
fn a_duplicate_can_stand_at_one_position_and_is_not_counted() {
    let (simulator, all) = ten();
    for (at, expected) in [(1, [&all[..1], &all[..1], &all[1..]].concat()), (-1, [&all[..], &all[..1]].concat())] {
        fault(&simulator, &json!([{"kind": "duplicates", "at": at}]));
        assert_eq!(ids(&get(&simulator, "clients")), expected);
        assert_eq!(numbers(&simulator, "clients?limit=20"), [20, 0, 10, 11].map(Value::from));
    }
}

#[test]
fn one_item_can_be_broken_wherever_it_stands() {
    let (simulator, all) = ten();
    for (at, target, expected) in [
        (-1, "clients?limit=3&offset=9", vec![Value::Null]),
        (-1, "clients?limit=3&offset=6", all[6..9].to_vec()),
        (4, "clients?limit=3&offset=3", vec![all[3].clone(), Value::Null, all[5].clone()]),
    ] {
        fault(&simulator, &json!([{"kind": "broken_item", "at": at}]));
        assert_eq!(ids(&get(&simulator, target)), expected, "{at} {target}");
    }
}

#[test]
fn a_field_can_be_missing_from_some_items_of_the_list() {
    let (simulator, _) = ten();
    let fault_of = |field: &str, every: usize| json!([{"kind": "missing_field", "field": field, "every": every}]);
    let lacks = |target: &str, pointer: &str| -> Vec<bool> {
        let body = json_of(&get(&simulator, target));
        let list = body["partner_channels"].as_array().unwrap();
        list.iter().map(|channel| channel.pointer(pointer).is_none()).collect()
    };
    fault(&simulator, &fault_of("current_limit", 3));
    assert_eq!(lacks("channels?limit=5", "/current_limit"), [true, false, false, true, false]);
    assert_eq!(lacks("channels?limit=4&offset=5", "/current_limit"), [false, true, false, false]);
    fault(&simulator, &fault_of("waba_account.status", 1));
    assert_eq!(lacks("channels?limit=2", "/waba_account/status"), [true, true]);
    assert_eq!(lacks("channels?limit=2", "/waba_account/name"), [false, false]);
}

#[test]
fn channels_can_name_their_owner_in_one_place_or_nowhere() {
    let (simulator, _) = ten();
    for (owner, expected) in
        [("none", [false, false, false]), ("client", [false, true, false]), ("waba_account", [false, false, true])]
    {
        fault(&simulator, &json!([{"kind": "ownerless_items", "owner": owner}]));
        let channel = json_of(&get(&simulator, "channels?limit=1"))["partner_channels"][0].clone();
        let named =
            ["/client_id", "/client/id", "/waba_account/client_id"].map(|place| channel.pointer(place).is_some());
        assert_eq!(named, expected, "{owner}");
    }
}

#[test]
fn a_client_can_show_channels_of_another_one() {
    let (simulator, all) = ten();
    let of = |nth: usize| ids(&get(&simulator, &format!("clients/{}/channels", all[nth].as_str().unwrap())));
    let (own, next, last) = (of(0), of(1), of(9));
    fault(&simulator, &json!([{"kind": "foreign_items"}]));
    assert_eq!(of(0), [own.clone(), next.clone()].concat());
    assert_eq!(of(9), [last, own].concat());
    fault(&simulator, &json!([{"kind": "foreign_items", "only": true}]));
    assert_eq!(of(0), next);
}
