//! What holds for every body.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

/// Keys that the decoder looks at, and one that it does not.
const KEYS: &[&str] = &[
    "id",
    "client",
    "client_id",
    "clients",
    "channels",
    "partner_channels",
    "total",
    "name",
    "status",
    "availability_status",
    "current_limit",
    "current_quality_rating",
    "hub_status",
    "is_oba",
    "setup_info",
    "phone_number",
    "waba_account",
    "created_at",
    "terminates_at",
    "max_channels",
    "suspicious",
    "something_else",
];

/// Texts that are nearly right.
const TEXTS: &[&str] = &["", " ", "ready", "TIER_", "TIER_1K", "TIER_\u{e9}", "2024-03-01", "-1", "1e400", "\u{0}"];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let key = prop_oneof![9 => prop::sample::select(KEYS).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key, inner, 0..8).prop_map(|object| object.into_iter().collect()),
        ]
    })
}

fn read_all(body: &[u8]) {
    // What comes out does not matter here; that it comes out does.
    let _ = decode_clients(body);
    let _ = decode_channels(body);
    let _ = decode_client(body);
}

proptest! {
    #[test]
    fn no_bytes_panic_the_decoder(body: Vec<u8>) {
        read_all(&body);
    }

    #[test]
    fn no_json_panics_the_decoder_and_only_its_shape_can_be_wrong(json in json_value()) {
        let body = json.to_string();
        read_all(body.as_bytes());
        for failure in [clients(&json).err(), channels(&json).err()].into_iter().flatten() {
            prop_assert_eq!(failure.reason, Reason::Decode);
            prop_assert!(!failure.detail.contains("syntax"), "{} for {}", failure.detail, body);
        }
    }

    #[test]
    fn a_page_that_breaks_off_anywhere_is_an_error(cut in 0usize..1_000) {
        let whole = include_bytes!("../fixtures/partner_channels.json").trim_ascii_end();
        let part = &whole[..cut % whole.len()];
        prop_assert_eq!(decode_channels(part).unwrap_err().reason, Reason::Decode);
    }

    #[test]
    fn a_good_channel_survives_among_any_others(junk in vec(json_value(), 0..8), place: prop::sample::Index) {
        let mut items = junk.clone();
        let place = place.index(items.len() + 1);
        items.insert(place, item("goodCH"));
        let page = channels(&json!({"partner_channels": items, "total": items.len()})).unwrap();
        prop_assert_eq!(page.received, junk.len() + 1);
        prop_assert_eq!(page.items.len() + page.findings.rejected, page.received);
        prop_assert!(page.items.contains(&owned("goodCH")));
    }

    #[test]
    fn a_good_client_survives_among_any_others(junk in vec(json_value(), 0..8), place: prop::sample::Index) {
        let mut items = junk.clone();
        let place = place.index(items.len() + 1);
        items.insert(place, json!({"id": "goodCL"}));
        let page = clients(&json!({"clients": items, "total": items.len()})).unwrap();
        prop_assert_eq!(page.received, junk.len() + 1);
        prop_assert_eq!(page.items.len() + page.findings.rejected, page.received);
        prop_assert!(page.items.contains(&Client::new("goodCL")));
    }
}
