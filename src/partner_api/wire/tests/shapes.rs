//! What a body as a whole may look like.

use super::*;

const NO_CHANNELS: &str = "expected a list of channels, found JSON of another shape";
const NO_CLIENTS: &str = "expected a list of clients, found JSON of another shape";

#[test]
fn channels_come_in_a_bare_array_or_under_any_of_three_keys() {
    let items = json!([item("a"), item("b")]);
    let page = |total| Page {
        items: vec![owned("a"), owned("b")],
        received: 2,
        total,
        findings: Findings { keys: bare(2), ..Findings::default() },
    };
    assert_eq!(channels(&items), Ok(page(None)));
    for key in ["partner_channels", "channels", "client_channels"] {
        assert_eq!(channels(&json!({ key: items, "total": 9 })), Ok(page(Some(9))), "{key}");
        assert_eq!(channels(&json!({ key: items })), Ok(page(None)), "{key}");
    }
}

#[test]
fn a_channel_by_itself_is_a_list_of_one() {
    let page = Page {
        items: vec![owned("a")],
        received: 1,
        total: None,
        findings: Findings { keys: bare(1), ..Findings::default() },
    };
    assert_eq!(channels(&item("a")), Ok(page));
    let set_up_only = json!({"id": "a", "status": "ready", "setup_info": {"phone_number": "491"}});
    assert_eq!(channels(&set_up_only).unwrap().items[0].channel.phone_number.as_deref(), Some("491"));
}

#[test]
fn clients_come_in_a_bare_array_or_in_their_envelope() {
    let page = |total| Page {
        items: vec![Client::new(ClientId::from("a"))],
        received: 1,
        total,
        findings: Findings::default(),
    };
    assert_eq!(clients(&json!([{"id": "a"}])), Ok(page(None)));
    assert_eq!(clients(&json!({"clients": [{"id": "a"}], "total": 4})), Ok(page(Some(4))));
}

#[test]
fn an_empty_list_is_a_list() {
    let nothing = Page { items: Vec::new(), received: 0, total: Some(0), findings: Findings::default() };
    assert_eq!(channels(&json!({"partner_channels": [], "total": 0})), Ok(nothing));
    let nothing = Page { items: Vec::new(), received: 0, total: None, findings: Findings::default() };
    assert_eq!(channels(&json!([])), Ok(nothing));
    let nothing = Page { items: Vec::new(), received: 0, total: Some(0), findings: Findings::default() };
    assert_eq!(clients(&json!({"clients": [], "count": 3, "total": 0})), Ok(nothing));
}

#[test]
fn count_limit_and_offset_of_an_envelope_mean_nothing() {
    let page = Page {
        items: vec![owned("a")],
        received: 1,
        total: Some(1),
        findings: Findings { keys: bare(1), ..Findings::default() },
    };
    for (count, limit, offset) in [(json!(3), json!(1000), json!(0)), (json!(-1), json!("x"), json!(null))] {
        let body = json!({"count": count, "limit": limit, "offset": offset, "total": 1, "channels": [item("a")]});
        assert_eq!(channels(&body), Ok(page.clone()));
    }
}

#[test]
fn a_total_is_read_as_number_or_text_and_one_that_is_neither_is_none() {
    let totals = [json!(7), json!("7"), json!(null), json!(-1), json!(1.5), json!("many"), json!([7]), json!({"n": 7})]
        .map(|total| channels(&json!({"channels": [], "total": total})).unwrap().total);
    assert_eq!(totals, [Some(7), Some(7), None, None, None, None, None, None]);
}

#[test]
fn an_envelope_whose_total_comes_first_or_last_is_the_same() {
    let last = br#"{"channels":[{"id":"a"}],"total":2}"#;
    let first = br#"{"total":2,"channels":[{"id":"a"}]}"#;
    assert_eq!(decode_channels(first), decode_channels(last));
    assert_eq!(decode_channels(first).unwrap().total, Some(2));
}

#[test]
fn of_two_lists_in_an_envelope_the_first_counts_unless_it_is_null() {
    let first = br#"{"channels":[{"id":"a"}],"partner_channels":[{"id":"b"}]}"#;
    let null = br#"{"channels":null,"partner_channels":[{"id":"b"}]}"#;
    let ids = |body: &[u8]| decode_channels(body).unwrap().items[0].channel.id.to_string();
    assert_eq!([ids(first), ids(null)], ["a", "b"]);
}

#[test]
fn a_response_of_no_known_shape_is_an_error_and_never_an_empty_list() {
    let shapes = [
        json!({}),
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!("no channels"),
        json!({"data": []}),
        json!({"channels": null, "clients": null}),
        json!({"channels": {}, "clients": {}}),
        json!({"channels": "none", "clients": "none"}),
        json!({"channels": 0, "clients": 0}),
        json!({"channels": {"items": [{"id": "a"}]}, "clients": {"items": [{"id": "a"}]}}),
        json!({"meta": {"success": false, "http_code": 500, "developer_message": "broken"}}),
        json!({"id": "evt-1", "error": "broken"}),
        json!({"id": "aaa111CL", "name": "A client", "status": "active"}),
        json!({"limit": 200, "offset": 0, "total": 0, "count": 0}),
    ];
    for shape in shapes {
        assert_eq!(channels(&shape), Err(decode_error(NO_CHANNELS)), "{shape}");
        assert_eq!(clients(&shape), Err(decode_error(NO_CLIENTS)), "{shape}");
    }
}

#[test]
fn one_list_is_not_taken_for_the_other() {
    assert_eq!(channels(&json!({"clients": [{"id": "a"}]})), Err(decode_error(NO_CHANNELS)));
    assert_eq!(clients(&json!({"partner_channels": [item("a")]})), Err(decode_error(NO_CLIENTS)));
}

#[test]
fn a_list_of_which_nothing_can_be_read_is_an_error() {
    let expected = |what| decode_error(&format!("expected {what}, found 2 items of which none could be read"));
    assert_eq!(channels(&json!([{"channel_id": "a"}, 7])), Err(expected("a list of channels")));
    assert_eq!(clients(&json!({"clients": [null, []]})), Err(expected("a list of clients")));
}

#[test]
fn what_is_no_json_is_an_error_that_says_what_was_found() {
    let cases: [(&[u8], &str); 9] = [
        (b"", "expected JSON, found an empty body"),
        (b" \r\n", "expected JSON, found a syntax error in line 2, column 0"),
        (b"<!doctype html><title>Sign in</title>", "expected JSON, found markup"),
        (b"\n  <?xml version=\"1.0\"?>", "expected JSON, found markup"),
        (b"[{\"id\":\"a\"},", "expected JSON, found a syntax error in line 1, column 12"),
        (b"[{\"id\":\"a\"", "expected JSON, found a syntax error in line 1, column 10"),
        (b"[] []", "expected JSON, found a syntax error in line 1, column 4"),
        (b"Internal Server Error", "expected JSON, found a syntax error in line 1, column 1"),
        (b"\x1f\x8b\x08\x00", "expected JSON, found a syntax error in line 1, column 1"),
    ];
    for (body, detail) in cases {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(decode_channels(body), Err(decode_error(detail)), "{shown}");
        assert_eq!(decode_clients(body), Err(decode_error(detail)), "{shown}");
        assert_eq!(decode_client(body), Err(decode_error(detail)), "{shown}");
    }
}

#[test]
fn an_items_neighbours_do_not_suffer_for_it() {
    let broken = [
        json!(null),
        json!(7),
        json!(-7),
        json!(7.5),
        json!(true),
        json!("ch0001CH"),
        json!([item("inner")]),
        json!({}),
        json!({"id": null, "status": "ready"}),
        json!({"id": " "}),
        json!({"id": ["ch0001CH"]}),
        json!({"id": {"value": "ch0001CH"}}),
    ];
    for item_without_id in broken {
        let page = Page {
            items: vec![owned("a"), owned("b")],
            received: 3,
            total: Some(3),
            findings: Findings { rejected: 1, keys: bare(2), ..Findings::default() },
        };
        let body = json!({"channels": [item("a"), item_without_id, item("b")], "total": 3});
        assert_eq!(channels(&body), Ok(page), "{item_without_id}");

        let page = Page {
            items: vec![Client::new(ClientId::from("a")), Client::new(ClientId::from("b"))],
            received: 3,
            total: Some(3),
            findings: Findings { rejected: 1, ..Findings::default() },
        };
        let body = json!({"clients": [{"id": "a"}, item_without_id, {"id": "b"}], "total": 3});
        assert_eq!(clients(&body), Ok(page), "{item_without_id}");
    }
}

#[test]
fn a_text_that_was_cut_inside_a_character_costs_the_character_and_not_the_page() {
    let half_emoji = br#"[{"id":"a","setup_info":{"phone_name":"Caf\u00e9 \ud83d"}},{"id":"b"}]"#;
    let half_byte = b"[{\"id\":\"a\",\"setup_info\":{\"phone_name\":\"Caf\xc3\xa9 \xf0\x9f\x98\"}},{\"id\":\"b\"}]";
    for body in [&half_emoji[..], &half_byte[..]] {
        let page = decode_channels(body).unwrap();
        let names: Vec<_> =
            page.items.iter().map(|i| (i.channel.id.as_str(), i.channel.display_name.as_deref())).collect();
        assert_eq!(names, [("a", Some("Caf\u{e9} \u{fffd}")), ("b", None)]);
    }
}

#[test]
fn a_number_that_no_float_can_hold_costs_its_field_and_not_the_page() {
    let long = "9".repeat(400);
    for number in ["1e999", "-1e999", "1E+309", &long] {
        let item = format!(
            r#"{{"id":"b","client_id":"aaa111CL","status":"ready","availability_status":"ready","created_at":{number},
                "current_limit":{number},"version":{number},"x":[{number}],"setup_info":{number},"is_oba":{number}}}"#
        );
        let whole = r#"{"id":"1e999\\","client_id":"aaa111CL","status":"ready","availability_status":"ready"}"#;
        let body = format!(r#"{{"partner_channels":[{whole},{item},{whole}],"total":{number}}}"#);
        let unknown = [Field::MessagingLimit, Field::OfficialBusinessAccount, Field::Timestamp];
        let page = Page {
            items: vec![owned(r"1e999\"), owned("b"), owned(r"1e999\")],
            received: 3,
            total: None,
            findings: Findings {
                unknown: unknown.map(|field| (field, number.into())).to_vec(),
                keys: Keys { items: 3, without: [0, 3, 2, 0] },
                ..Findings::default()
            },
        };
        assert_eq!(decode_channels(body.as_bytes()), Ok(page), "{number}");

        let body = format!(r#"{{"clients":[{{"id":"a"}},{{"id":"b","max_channels":{number}}}],"total":2}}"#);
        let findings = Findings { unknown: vec![(Field::MaxChannels, number.into())], ..Findings::default() };
        let items = vec![Client::new("a"), Client::new("b")];
        assert_eq!(decode_clients(body.as_bytes()), Ok(Page { items, received: 2, total: Some(2), findings }));
    }
    // Beside a text that was cut, too; and what is no number stays no JSON.
    let both = br#"[{"id":"a","setup_info":{"phone_name":"\ud83d"},"version":1e999}]"#;
    assert_eq!(decode_channels(both).unwrap().items[0].channel.display_name.as_deref(), Some("\u{fffd}"));
    for broken in ["[{\"id\":1e999", "[{\"id\":1e}]", "[{\"id\":1e999x}]", "[{\"id\":\"a\",\"version\":1e999-1}]"] {
        assert_eq!(decode_channels(broken.as_bytes()).unwrap_err().reason, Reason::Decode, "{broken}");
    }
}

#[test]
fn repeated_ids_are_all_there_because_the_pager_counts_them() {
    let page = channels(&json!([item("a"), item("a")])).unwrap();
    assert_eq!((page.items, page.received), (vec![owned("a"), owned("a")], 2));
}

#[test]
fn the_response_to_an_update_is_one_client() {
    let (client, findings) = decode_client(br#"{"id":"aaa111CL","max_channels":5}"#).unwrap();
    assert_eq!(client, Client { max_channels: Some(5), ..Client::new("aaa111CL") });
    assert_eq!(findings, Findings::default());
    for other in [&b"{}"[..], b"[]", b"null", br#"{"meta":{"success":true}}"#] {
        let error = decode_error("expected a client, found JSON without an id");
        assert_eq!(decode_client(other), Err(error));
    }
}

#[test]
fn a_page_of_more_items_than_allowed_is_too_large_whatever_they_hold() {
    let items = |count: usize| vec![json!({}); count];
    for (body, allowed) in [(json!(items(3)), 2), (json!({"clients": items(3), "total": 3}), 2), (json!(items(1)), 0)] {
        let failure = decode_clients_within(body.to_string().as_bytes(), allowed).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge, "{body}");
        assert!(failure.detail.contains(&format!("at most {allowed} items")), "{failure}");
        let failure = decode_channels_within(body.to_string().replace("clients", "channels").as_bytes(), allowed);
        assert_eq!(failure.unwrap_err().reason, Reason::TooLarge, "{body}");
    }
    let allowed = json!([{"id": "a"}, {"id": "b"}]).to_string();
    assert_eq!(decode_clients_within(allowed.as_bytes(), 2).unwrap().items.len(), 2);
}
