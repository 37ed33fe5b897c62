//! Every field, with all that it may hold.

use super::*;
use crate::model::{AccountMode, HubStatus, KeyField, MessagingLimit, Timestamp, WabaAccount};

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn a_page_of_clients_is_read_with_every_documented_field() {
    let page = decode_clients(include_bytes!("../fixtures/clients.json"));
    let expected = Page {
        items: vec![
            Client {
                id: "aaa111CL".into(),
                name: Some("Bakery One".into()),
                status: Some("active".into()),
                created_at: at("2024-03-01T10:00:00Z"),
                modified_at: at("2025-01-02T12:00:00Z"),
                max_channels: Some(10),
                partner_payload: Some("tier=gold".into()),
                organisation: Some("Bakery One GmbH".into()),
                business_id: Some("348728345238956".into()),
                suspicious: Some(false),
            },
            // Any status is taken: only one is documented.
            Client { status: Some("something_new".into()), ..Client::new("bbb222CL") },
        ],
        received: 2,
        total: Some(7),
        findings: Findings::default(),
    };
    assert_eq!(page, Ok(expected));
}

#[test]
fn a_page_of_channels_is_read_with_every_documented_field() {
    let page = decode_channels(include_bytes!("../fixtures/partner_channels.json"));
    let expected = Page {
        items: vec![
            OwnedChannel {
                client: Some("aaa111CL".into()),
                channel: Channel {
                    id: "ch0001CH".into(),
                    availability: Availability::Ready,
                    quality: QualityRating::High,
                    limit: Some(MessagingLimit::Recipients(2_000)),
                    status: LifecycleStatus::Ready,
                    hub_status: Some(HubStatus::Live),
                    last_quality_event: Some("flagged".into()),
                    official_business_account: Some(false),
                    phone_number: Some("4930000001".into()),
                    display_name: Some("Bakery One".into()),
                    waba: Some(
                        WabaAccount {
                            name: Some("Bakery One".into()),
                            business_id: Some("178451236789012".into()),
                            status: Some("approved".into()),
                            verification: Some("verified".into()),
                            ..WabaAccount::new("wa0001WA")
                        }
                        .into(),
                    ),
                    new_name_status: Some("pending".into()),
                    setup_error: Some("".into()),
                    on_business_app: Some(false),
                    created_at: at("2024-08-01T00:00:00Z"),
                    cancelled_at: at("2026-01-15T00:00:00Z"),
                    terminated_at: at("2026-01-31T00:00:00Z"),
                    account_mode: Some(AccountMode::Live),
                    billing_started_at: at("2024-08-01T01:00:00Z"),
                    version: Some(2),
                },
            },
            OwnedChannel {
                client: Some("aaa111CL".into()),
                channel: Channel {
                    availability: Availability::SettingUp,
                    quality: QualityRating::Na,
                    status: LifecycleStatus::Created,
                    ..Channel::new("ch0002CH")
                },
            },
        ],
        received: 2,
        total: Some(2),
        findings: Findings { keys: Keys { items: 2, without: [0; KeyField::ALL.len()] }, ..Findings::default() },
    };
    assert_eq!(page, Ok(expected));
}

#[test]
fn what_may_be_missing_may_also_be_null_empty_or_of_another_type() {
    let keys = [
        "client",
        "hub_status",
        "current_quality_update_event",
        "is_oba",
        "setup_info",
        "waba_account_id",
        "waba_account",
        "is_on_biz_app",
        "created_at",
        "cancelled_at",
        "terminated_at",
        "account_mode",
        "billing_started_at",
        "version",
    ];
    for key in keys {
        for value in [json!(null), json!(""), json!("  "), json!([]), json!({}), json!([1, {"a": []}]), json!({"a": 1})]
        {
            assert_eq!(only(item_with(key, value.clone())), (owned("ch0001CH"), Vec::new()), "{key}: {value}");
        }
    }
    for key in
        ["name", "status", "created_at", "modified_at", "max_channels", "organisation", "business_id", "suspicious"]
    {
        for value in [json!(null), json!(""), json!([]), json!({"a": 1})] {
            assert_eq!(client_with(key, value.clone()), (Client::new("aaa111CL"), Vec::new()), "{key}: {value}");
        }
    }
}

#[test]
fn a_null_where_every_channel_has_a_state_is_unknown_and_reported() {
    let channel = OwnedChannel { client: None, channel: Channel::new("ch0001CH") };
    let found = vec![(Field::AvailabilityStatus, "null".into()), (Field::Status, "null".into())];
    assert_eq!(only(json!({"id": "ch0001CH", "status": null, "availability_status": null})), (channel, found));
}

#[test]
fn states_that_nobody_has_seen_are_unknown_and_found_as_sent() {
    let unknown = json!({
        "id": "ch0001CH", "client_id": "aaa111CL",
        "availability_status": "Napping", "current_quality_rating": "Purple", "current_limit": "GOLD",
        "status": "Dreaming", "hub_status": "gone_fishing", "is_oba": "perhaps",
        "created_at": "soon", "billing_started_at": "later", "is_on_biz_app": "maybe",
    });
    let channel = Channel { hub_status: Some(HubStatus::Unknown), ..Channel::new("ch0001CH") };
    let (read, mut found) = only(unknown);
    found.sort();
    assert_eq!(read, OwnedChannel { client: Some("aaa111CL".into()), channel });
    let expected = [
        (Field::AvailabilityStatus, "Napping"),
        (Field::QualityRating, "Purple"),
        (Field::MessagingLimit, "GOLD"),
        (Field::Status, "Dreaming"),
        (Field::HubStatus, "gone_fishing"),
        (Field::Timestamp, "later"),
        (Field::Timestamp, "soon"),
        (Field::OfficialBusinessAccount, "perhaps"),
        (Field::OnBusinessApp, "maybe"),
    ];
    assert_eq!(found, expected.map(|(field, value)| (field, ShortText::from(value))));
}

#[test]
fn the_apis_own_unknown_is_a_state_and_no_finding() {
    let (read, found) = only(item_with("hub_status", json!("unknown")));
    assert_eq!((read.channel.hub_status, found), (Some(HubStatus::Unknown), Vec::new()));
}

#[test]
fn the_last_quality_event_has_five_possible_keys() {
    for key in [
        "current_quality_update_event",
        "last_quality_update_event",
        "quality_update_event",
        "current_event",
        "last_event",
    ] {
        let (read, found) = only(item_with(key, json!(" FLAGGED ")));
        assert_eq!((read.channel.last_quality_event.as_deref(), found), (Some("flagged"), Vec::new()), "{key}");
    }
}

#[test]
fn a_terminated_channel_is_a_channel() {
    let (read, found) = only(json!({
        "id": "ch0001CH", "client_id": "aaa111CL", "status": "removed", "availability_status": "error",
        "cancelled_at": "2020-01-01T00:00:00Z", "terminated_at": "2020-01-31T00:00:00Z",
    }));
    let channel = Channel {
        availability: Availability::Error,
        status: LifecycleStatus::Removed,
        cancelled_at: at("2020-01-01T00:00:00Z"),
        terminated_at: at("2020-01-31T00:00:00Z"),
        ..Channel::new("ch0001CH")
    };
    assert_eq!((read, found), (OwnedChannel { client: Some("aaa111CL".into()), channel }, Vec::new()));
}

#[test]
fn ratings_are_read_as_360dialog_and_as_meta_write_them() {
    let ratings = ["High", "GREEN", "medium", "Yellow", "LOW", " red ", "NA", "na", "unknown", "UNKNOWN", "", " "].map(
        |rating| {
            let (read, found) = only(item_with("current_quality_rating", json!(rating)));
            assert_eq!(found, Vec::new(), "{rating}");
            read.channel.quality.as_str()
        },
    );
    assert_eq!(ratings, ["high", "high", "medium", "medium", "low", "low", "na", "na", "na", "na", "na", "na"]);
    assert_eq!(only(item_with("current_quality_rating", json!(null))).0.channel.quality, QualityRating::Na);
}

#[test]
fn tiers_are_parsed_and_not_listed() {
    let tiers = ["TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_3M", "TIER_UNLIMITED"]
        .map(|tier| {
            let (read, found) = only(item_with("current_limit", json!(tier)));
            assert_eq!(found, Vec::new(), "{tier}");
            read.channel.limit.unwrap().to_string()
        });
    assert_eq!(tiers, ["50", "250", "1000", "2000", "10000", "100000", "3000000", "+Inf"]);
    for none in [json!("NA"), json!("TIER_NOT_SET"), json!(""), json!(null)] {
        assert_eq!(only(item_with("current_limit", none.clone())), (owned("ch0001CH"), Vec::new()), "{none}");
    }
    let numbers =
        [json!(2000), json!("2000"), json!(-1), json!("-1"), json!("UNLIMITED"), json!("unlimited")].map(|tier| {
            let (read, found) = only(item_with("current_limit", tier.clone()));
            assert_eq!(found, Vec::new(), "{tier}");
            read.channel.limit.unwrap().to_string()
        });
    assert_eq!(numbers, ["2000", "2000", "+Inf", "+Inf", "+Inf", "+Inf"]);
}

#[test]
fn ids_versions_and_counts_may_be_numbers_or_texts() {
    let (read, found) = only(json!({
        "id": 17, "client_id": 4, "status": "ready", "availability_status": "ready",
        "version": "2", "waba_account_id": 99, "setup_info": {"phone_number": 4_930_000_001_u64},
    }));
    let channel = Channel {
        availability: Availability::Ready,
        status: LifecycleStatus::Ready,
        phone_number: Some("4930000001".into()),
        waba: Some(WabaAccount::new("99").into()),
        version: Some(2),
        ..Channel::new("17")
    };
    assert_eq!((read, found), (OwnedChannel { client: Some("4".into()), channel }, Vec::new()));

    for max in [json!(10), json!("10"), json!(" 10 ")] {
        let client = Client { max_channels: Some(10), ..Client::new("aaa111CL") };
        assert_eq!(client_with("max_channels", max), (client, Vec::new()));
    }
    for max in [json!(-1), json!(1.5), json!("ten"), json!(true)] {
        let found = vec![(Field::MaxChannels, max.as_str().map_or(max.to_string(), str::to_owned).into())];
        assert_eq!(client_with("max_channels", max), (Client::new("aaa111CL"), found));
    }
}

#[test]
fn truth_values_may_be_written_in_three_ways() {
    let truths = [json!(true), json!("TRUE"), json!(1), json!("0"), json!(0), json!("False"), json!(false)].map(|v| {
        let (read, found) = only(item_with("is_oba", v.clone()));
        assert_eq!(client_with("suspicious", v).0.suspicious, read.channel.official_business_account);
        assert_eq!(found, Vec::new());
        read.channel.official_business_account.unwrap()
    });
    assert_eq!(truths, [true, true, true, false, false, false, false]);
}

#[test]
fn the_owner_is_the_client_id_or_the_nested_client() {
    let owner = |item: Value| only(item).0.client.map(|id| id.to_string());
    let nested = json!({"id": "a", "client": {"id": "nestedCL", "name": "N"}});
    let both = json!({"id": "a", "client_id": "namedCL", "client": {"id": "nestedCL"}});
    let null = json!({"id": "a", "client_id": null, "client": {"id": "nestedCL"}});
    let neither = json!({"id": "a", "client": "nestedCL"});
    assert_eq!(
        [nested, both, null, neither].map(owner),
        [Some("nestedCL"), Some("namedCL"), Some("nestedCL"), None].map(|id| id.map(str::to_owned))
    );
}

#[test]
fn an_absent_key_is_counted_and_null_is_not_absent() {
    let body = json!([
        {"id": "a", "status": "ready", "availability_status": "ready", "current_quality_rating": null, "current_limit": null},
        {"id": "b", "status": "ready"},
        {"id": "c", "current_limit": "TIER_1K"},
    ]);
    let page = decode_channels(body.to_string().as_bytes()).unwrap();
    assert_eq!(page.findings, Findings { keys: Keys { items: 3, without: [2, 2, 1, 1] }, ..Findings::default() });
    let ratings: Vec<_> = page.items.iter().map(|item| item.channel.quality).collect();
    assert_eq!(ratings, [QualityRating::Na, QualityRating::Unknown, QualityRating::Unknown]);
}

#[test]
fn an_array_or_object_in_place_of_a_state_is_unknown_and_reported() {
    for key in ["availability_status", "status", "current_quality_rating", "current_limit"] {
        let (_, found) = only(item_with(key, json!({"a": 1})));
        assert_eq!(found.len(), 1, "{key}");
        assert_eq!(found[0].1, "an array or object");
    }
}

#[test]
fn an_id_that_could_not_stand_in_a_path_is_refused() {
    let long = "x".repeat(257);
    for id in ["", " ", ".", "..", "a\nb", "a\u{0}", "x\u{85}y", &long] {
        let body = json!([{"id": "good"}, {"id": id}]).to_string();
        assert_eq!(decode_channels(body.as_bytes()).unwrap().findings.rejected, 1, "{id:?}");
        assert_eq!(decode_clients(body.as_bytes()).unwrap().findings.rejected, 1, "{id:?}");
    }
}

#[test]
fn the_business_id_of_a_client_has_three_possible_keys() {
    for key in ["business_id", "fb_business_id", "meta_business_id"] {
        let client = Client { business_id: Some("348728345238956".into()), ..Client::new("aaa111CL") };
        assert_eq!(client_with(key, json!(348_728_345_238_956_u64)), (client, Vec::new()), "{key}");
    }
}

#[test]
fn a_partner_payload_is_kept_as_sent() {
    let client = Client { partner_payload: Some(" {\"a\": 1}\n".into()), ..Client::new("aaa111CL") };
    assert_eq!(client_with("partner_payload", json!(" {\"a\": 1}\n")), (client, Vec::new()));
}

#[test]
fn of_a_repeated_key_the_first_value_that_is_not_null_counts() {
    let id = |body: &str| decode_channels(body.as_bytes()).unwrap().items[0].channel.clone();
    let twice = id(r#"[{"id":"a","id":"b","status":null,"status":"ready","status":"error"}]"#);
    assert_eq!((twice.id.as_str(), twice.status), ("a", LifecycleStatus::Ready));
    let aliases = id(
        r#"[{"id":"a","terminated_at":null,"terminates_at":"2026-01-31T00:00:00Z","last_event":"x","current_event":"y"}]"#,
    );
    assert_eq!(aliases.terminated_at, at("2026-01-31T00:00:00Z"));
    assert_eq!(aliases.last_quality_event.as_deref(), Some("x"));
    let nested =
        id(r#"[{"id":"a","setup_info":null,"setup_info":{"phone_number":"1"},"setup_info":{"phone_number":"2"}}]"#);
    assert_eq!(nested.phone_number.as_deref(), Some("1"));
    let client = decode_clients(br#"{"clients":[{"id":"a","name":"first","name":"second"}]}"#).unwrap();
    assert_eq!(client.items[0].name.as_deref(), Some("first"));
}

#[test]
fn escaped_keys_and_values_are_what_they_stand_for() {
    let body = br#"[{"\u0069d":"\u0061","status":"re\u0061dy","availability_status":"ready","setup_info":{"phone_name":"\"\\\n\ud83c\udf5e"}}]"#;
    let page = decode_channels(body).unwrap();
    let channel = Channel { display_name: Some("\"\\\n\u{1f35e}".into()), ..owned("a").channel };
    assert_eq!(page.items, [OwnedChannel { client: None, channel }]);
}
