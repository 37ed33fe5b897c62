//! `clients update`.

use serde_json::json;

use super::{Ran, run};
use crate::harness::{Api, fleet};

/// Compares with the time of the update taken out.
macro_rules! assert_shown {
    ($shown:expr) => {
        let shown = $shown;
        insta::with_settings!({filters => vec![(r"2026-01-01([ T])\d\d:\d\d:\d\d", "2026-01-01${1}HH:MM:SS")]}, {
            insta::assert_snapshot!(shown);
        })
    };
}

async fn update(api: &Api, client: &str, flags: &[&str]) -> Ran {
    run(api, &[&["clients", "update", client, "--yes"][..], flags].concat()).await
}

async fn first(api: &Api) -> String {
    api.ids().await.swap_remove(0).0
}

async fn field_of_first_client(api: &Api, field: &str) -> serde_json::Value {
    api.truth().await["clients"][0][field].clone()
}

#[tokio::test]
async fn an_update_is_sent_once_and_shown_before_and_after() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    let updated = update(&api, &client, &["--max-channels", "77", "--partner-payload", "tier=gold, \"A\""]).await;
    assert_shown!(updated.shown(&api));
    assert_eq!(field_of_first_client(&api, "max_channels").await, 77);
    assert_eq!(field_of_first_client(&api, "partner_payload").await, "tier=gold, \"A\"");
    assert_eq!(api.responses("client_update").await, 1);
}

#[tokio::test]
async fn json_holds_the_whole_client_before_and_after() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    assert_shown!(update(&api, &client, &["--max-channels", "77", "--output", "json"]).await.shown(&api));
}

#[tokio::test]
async fn what_is_not_named_is_not_touched() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    let before = field_of_first_client(&api, "max_channels").await;
    assert_eq!(update(&api, &client, &["--partner-payload", "x"]).await.code, Some(0));
    assert_eq!(field_of_first_client(&api, "max_channels").await, before);
}

#[tokio::test]
async fn an_update_of_nothing_is_refused_before_anything_is_asked() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    insta::assert_snapshot!(update(&api, &client, &[]).await.shown(&api));
    assert_eq!((api.responses("clients").await, api.responses("client_update").await), (0, 0));
}

#[tokio::test]
async fn an_unknown_client_is_not_updated() {
    let api = Api::start(fleet(3, 0)).await;
    insta::assert_snapshot!(update(&api, "nobodyCL", &["--max-channels", "1", "--force"]).await.shown(&api));
    assert_eq!(api.responses("client_update").await, 0);
}

#[tokio::test]
async fn a_failed_update_is_not_sent_again_and_leaves_the_doubt_to_the_person() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    api.faults(json!([{"kind": "server_error", "status": 503, "operation": "client_update"}])).await;
    insta::assert_snapshot!(update(&api, &client, &["--max-channels", "1", "--force"]).await.shown(&api));
    assert_eq!(api.responses("client_update").await, 1);
}

#[tokio::test]
async fn a_dry_run_shows_the_change_and_sends_nothing() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    let before = field_of_first_client(&api, "max_channels").await;
    let ran = run(&api, &["clients", "update", &client, "--max-channels", "77", "--dry-run"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), "nothing was sent (--dry-run)\n"));
    assert!(ran.stdout.contains("77"), "{}", ran.stdout);
    assert_eq!((api.responses("client_update").await, field_of_first_client(&api, "max_channels").await), (0, before));
}

#[tokio::test]
async fn without_a_terminal_an_update_needs_yes() {
    let api = Api::start(fleet(3, 0)).await;
    let client = first(&api).await;
    let ran = run(&api, &["clients", "update", &client, "--max-channels", "77"]).await;
    let said = "error: --yes: expected this flag, because there is no terminal to ask on; --dry-run shows the change\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), said));
    assert_eq!((api.responses("clients").await, api.responses("client_update").await), (0, 0));
}

#[tokio::test]
async fn fewer_channels_than_the_client_has_need_force() {
    let api = Api::start(fleet(3, 8)).await;
    let client = first(&api).await;
    let refused = update(&api, &client, &["--max-channels", "0"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("expected --max-channels of at least 8"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was changed; --force sends it all the same"), "{}", refused.stderr);
    assert_eq!(api.responses("client_update").await, 0);
    assert_eq!(update(&api, &client, &["--max-channels", "0", "--force"]).await.code, Some(0));
    assert_eq!(field_of_first_client(&api, "max_channels").await, 0);
}
