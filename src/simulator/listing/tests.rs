//! Pagination, sorting and filtering, and the envelopes.

use serde_json::json;

use super::*;
use crate::simulator::testing::{get, ids, json_of, small};
use crate::simulator::{Options, Simulator};

fn numbers(simulator: &Simulator, target: &str) -> Value {
    let body = json_of(&get(simulator, target));
    json!([body["limit"], body["offset"], body["total"], body["count"], body["sort"]])
}

fn refusal(target: &str) -> Value {
    let response = get(&small(), target);
    assert_eq!(response.status, 400);
    json_of(&response)["meta"]["details"][0].clone()
}

#[test]
fn the_envelope_repeats_the_query_and_counts_the_items() {
    let simulator = small();
    assert_eq!(numbers(&simulator, "clients"), json!([1000, 0, 4, 4, ["id"]]));
    assert_eq!(numbers(&simulator, "clients?limit=3&offset=2"), json!([3, 2, 4, 2, ["id"]]));
    assert_eq!(numbers(&simulator, "clients?offset=9"), json!([1000, 9, 4, 0, ["id"]]));
    assert_eq!(numbers(&simulator, "channels?sort=-created_at"), json!([1000, 0, 8, 8, ["-created_at"]]));
    let body = json_of(&get(&simulator, "channels"));
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["count", "filters", "limit", "offset", "partner_channels", "sort", "total"]);
}

#[test]
fn all_pages_together_are_the_list() {
    let simulator = Simulator::new(Options { clients: 25, ..Options::default() });
    for list in ["clients", "channels"] {
        let whole = ids(&get(&simulator, list));
        let pages: Vec<Value> = (0..)
            .map(|page| ids(&get(&simulator, &format!("{list}?limit=7&offset={}", page * 7))))
            .take_while(|page| !page.is_empty())
            .flatten()
            .collect();
        assert_eq!(pages, whole);
        assert!(whole.is_sorted_by_key(|id| id.as_str().unwrap().to_owned()));
    }
}

#[test]
fn a_larger_limit_is_clamped() {
    let simulator = Simulator::new(Options { clients: 25, max_page: 10, ..Options::default() });
    assert_eq!(numbers(&simulator, "clients?limit=20"), json!([10, 0, 25, 10, ["id"]]));
    assert_eq!(numbers(&simulator, "clients"), json!([10, 0, 25, 10, ["id"]]));
}

#[test]
fn sorting_goes_both_ways_and_by_several_fields() {
    let simulator = Simulator::new(Options { clients: 50, ..Options::default() });
    let column = |sort: &str| -> Vec<String> {
        let body = json_of(&get(&simulator, &format!("clients?sort={sort}")));
        let clients = body["clients"].as_array().unwrap().clone();
        clients.iter().map(|client| client[sort.trim_start_matches('-')].to_string()).collect()
    };
    assert!(column("created_at").is_sorted());
    assert!(column("-created_at").iter().rev().is_sorted());
    assert_eq!(column("name").len(), 50);
    let body = json_of(&get(&simulator, "channels?sort=current_quality_rating,-id"));
    let list = body["partner_channels"].as_array().unwrap().clone();
    let keys: Vec<(String, std::cmp::Reverse<String>)> = list
        .iter()
        .map(|channel| {
            let rating = channel["current_quality_rating"].as_str().unwrap_or_default().to_owned();
            (rating, std::cmp::Reverse(channel["id"].to_string()))
        })
        .collect();
    assert!(keys.is_sorted());
}

#[test]
fn filters_find_what_a_full_search_finds() {
    let simulator = Simulator::new(Options::default());
    let all = json_of(&get(&simulator, "channels"))["partner_channels"].as_array().unwrap().clone();
    let client = all[5]["client_id"].clone();
    let number = all[5]["setup_info"]["phone_number"].clone();
    for (key, pointer, value) in [
        ("id", "/id", all[5]["id"].clone()),
        ("client_id", "/client_id", client),
        ("status", "/status", json!("ready")),
        ("availability_status", "/availability_status", json!("error")),
        ("current_quality_rating", "/current_quality_rating", json!(null)),
        ("current_limit", "/current_limit", json!("TIER_2K")),
        ("setup_info.phone_number", "/setup_info/phone_number", number),
    ] {
        let wanted: Vec<Value> = all
            .iter()
            .filter(|channel| channel.pointer(pointer) == Some(&value))
            .map(|channel| channel["id"].clone())
            .collect();
        let filters = json!({ key: value }).to_string();
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filters", &filters).finish();
        assert!(!wanted.is_empty(), "{key}");
        assert_eq!(ids(&get(&simulator, &format!("channels?{query}"))), wanted, "{key}");
    }
}

#[test]
fn an_invalid_query_is_refused_with_what_was_expected() {
    assert_eq!(refusal("clients?limit=0"), "limit must be a whole number, 1 or more, found \"0\"");
    assert_eq!(refusal("clients?limit=ten"), "limit must be a whole number, 1 or more, found \"ten\"");
    assert_eq!(refusal("clients?offset=-1"), "offset must be a whole number, 0 or more, found \"-1\"");
    assert_eq!(refusal("clients?filters=5"), "filters must be a JSON object, found \"5\"");
    let sorts = CLIENT_SORTS.join(", ");
    assert_eq!(refusal("clients?sort=shoe"), format!("can't sort by \"shoe\"; known: {sorts}"));
    let filters = CHANNEL_FILTERS.join(", ");
    assert_eq!(refusal("channels?filters=%7B%22shoe%22:1%7D"), format!("can't filter by \"shoe\"; known: {filters}"));
}

#[test]
fn the_channels_of_a_client_come_bare_or_in_an_envelope() {
    let of = |channels_envelope| {
        let options = Options { clients: 4, channels_per_client: 5, channels_envelope, ..Options::default() };
        let simulator = Simulator::new(options);
        let client = ids(&get(&simulator, "clients"))[2].as_str().unwrap().to_owned();
        get(&simulator, &format!("clients/{client}/channels?limit=2&offset=4"))
    };
    let bare = json_of(&of(ChannelsEnvelope::Array));
    assert_eq!(bare.as_array().unwrap().len(), 5);
    let paged = json_of(&of(ChannelsEnvelope::Object));
    assert_eq!(paged, json!({"limit": 2, "offset": 4, "total": 5, "count": 1, "channels": [bare[4]]}));
}
