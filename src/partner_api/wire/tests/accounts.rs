//! WhatsApp business accounts and their set-up.

use super::*;
use crate::model::WabaAccount;

#[test]
fn the_whatsapp_business_account_is_its_id_or_the_nested_one() {
    let account = |item: Value| only(item).0.channel.waba_account_id().map(str::to_owned);
    assert_eq!(account(item_with("waba_account", json!({"id": "wa1WA"}))).as_deref(), Some("wa1WA"));
    assert_eq!(account(item_with("waba_account_id", json!("wa2WA"))).as_deref(), Some("wa2WA"));
}

#[test]
fn an_account_is_read_whatever_its_fields_hold() {
    let account = |sent: Value| only(item_with("waba_account", sent)).0.channel.waba.map(|waba| (*waba).clone());
    let long = "X".repeat(10_000);
    let cases = [
        (json!(null), None),
        (json!("wa1WA"), None),
        (json!([{"id": "wa1WA"}]), None),
        (json!({"status": "banned"}), None),
        (json!({"id": "..", "status": "banned"}), None),
        (
            json!({"id": "w", "status": " BANNED ", "fb_account_status": "Pending", "fb_business_id": 178_451_236_789_012_u64}),
            Some(WabaAccount {
                status: Some("banned".into()),
                verification: Some("pending".into()),
                business_id: Some("178451236789012".into()),
                ..WabaAccount::new("w")
            }),
        ),
        (
            json!({"id": "w", "status": 7, "name": {"a": 1}}),
            Some(WabaAccount { status: Some("7".into()), ..WabaAccount::new("w") }),
        ),
        (json!({"id": "w", "status": {"a": "b"}}), Some(WabaAccount::new("w"))),
        (
            json!({"id": "w", "status": long}),
            Some(WabaAccount { status: Some(long.to_lowercase().into()), ..WabaAccount::new("w") }),
        ),
    ];
    for (sent, expected) in cases {
        assert_eq!(account(sent.clone()), expected, "{sent}");
    }
}

#[test]
fn neighbours_share_an_account_only_if_all_of_it_is_the_same() {
    let body = json!([
        {"id": "a", "waba_account": {"id": "w", "status": "approved", "name": "N"}},
        {"id": "b", "waba_account": {"id": "w", "status": "approved", "name": "N"}},
        {"id": "c", "waba_account": {"id": "w", "status": "banned", "name": "N"}},
        {"id": "d", "waba_account": {"id": "w", "status": "Banned", "name": "N"}},
    ]);
    let page = decode_channels(body.to_string().as_bytes()).unwrap();
    let accounts: Vec<_> = page.items.iter().map(|item| item.channel.waba.clone().unwrap()).collect();
    assert!(std::sync::Arc::ptr_eq(&accounts[0], &accounts[1]));
    let statuses: Vec<_> = accounts.iter().map(|waba| waba.status.as_deref().unwrap()).collect();
    assert_eq!(statuses, ["approved", "approved", "banned", "banned"]);
}

#[test]
fn a_set_up_error_is_any_value_that_holds_something() {
    let error = |sent: Value| only(item_with("setup_info", json!({ "error": sent }))).0.channel.setup_error;
    for nothing in [json!(null), json!(""), json!("  "), json!({}), json!([]), json!(false), json!(0)] {
        assert_eq!(error(nothing.clone()).as_deref(), Some(""), "{nothing}");
    }
    for (sent, text) in [
        (json!(" number in use "), "number in use"),
        (json!({"code": 7}), "{\"code\":7}"),
        (json!(["a"]), "[\"a\"]"),
        (json!(true), "true"),
        (json!(17), "17"),
    ] {
        assert_eq!(error(sent).as_deref(), Some(text));
    }
    assert_eq!(only(item_with("setup_info", json!({}))).0.channel.setup_error, None);
}
