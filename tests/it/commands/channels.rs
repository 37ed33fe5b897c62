//! `channels list`.

use serde_json::{Value, json};

use super::run;
use crate::harness::{Api, fleet};

#[tokio::test]
async fn channels_of_all_clients_are_a_table_with_the_clients_names() {
    let api = Api::start(fleet(8, 2)).await;
    insta::assert_snapshot!(run(&api, &["channels", "list"]).await.shown(&api));
    assert_eq!(api.responses("client_channels").await, 0);
}

#[tokio::test]
async fn the_channels_of_one_client_cost_one_request() {
    let api = Api::start(fleet(8, 3)).await;
    let (client, mut channels) = api.ids().await.swap_remove(2);
    let listed = run(&api, &["channels", "list", "--client", &client, "-o", "json", "--sort", "id"]).await.column("id");
    channels.sort_by_key(|id| id.to_lowercase());
    assert_eq!(listed, channels);
    assert_eq!((api.responses("client_channels").await, api.responses("clients").await), (1, 0));
}

#[tokio::test]
async fn json_holds_what_the_api_sends_for_every_channel() {
    let api = Api::start(fleet(20, 3)).await;
    let mut listed = run(&api, &["channels", "list", "--output", "json", "--sort", "id"]).await.rows();
    // What needs somebody is this program's opinion.
    listed.iter_mut().for_each(|channel| channel["attention"] = Value::Null);
    let truth = api.truth().await;
    let mut expected = Vec::new();
    for client in truth["clients"].as_array().unwrap() {
        expected.extend(client["channels"].as_array().unwrap().iter().map(|item| channel(client, item)));
    }
    expected.sort_by_key(|channel| channel["id"].as_str().unwrap().to_lowercase());
    assert_eq!(listed, expected);
}

fn channel(client: &Value, item: &Value) -> Value {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    let state = |value: &Value| lower(value).unwrap_or_else(|| "unknown".to_owned());
    let mut channel = json!({
        "partner_id": "examplePA",
        "client_id": client["id"],
        "client_name": client["name"],
        "phone_number": item["setup_info"]["phone_number"],
        "display_name": item["setup_info"]["phone_name"],
        "availability_status": state(&item["availability_status"]),
        // Nothing is "not rated".
        "quality_rating": lower(&item["current_quality_rating"]).unwrap_or_else(|| "na".to_owned()),
        "messaging_limit": item["current_limit"].as_str().map_or(Value::Null, limit),
        "last_quality_event": item["current_quality_update_event"],
        "official_business_account": item["is_oba"],
    });
    channel["attention"] = Value::Null;
    for unknown in ["changed_at", "last_change", "last_change_at"] {
        channel[unknown] = Value::Null;
    }
    channel["waba_account_name"] = item["waba_account"]["name"].clone();
    channel["waba_account_status"] = item["waba_account"]["status"].as_str().map(str::to_lowercase).into();
    channel["waba_account_verification"] =
        item["waba_account"]["fb_account_status"].as_str().map(str::to_lowercase).into();
    channel["new_name_status"] = item["setup_info"]["new_name_status"].as_str().map(str::to_lowercase).into();
    channel["setup_error"] = item["setup_info"]["error"].clone();
    channel["on_business_app"] = item["is_on_biz_app"].clone();
    for name in ["id", "status", "hub_status", "waba_account_id", "created_at", "cancelled_at", "terminated_at"] {
        channel[name] = item[name].clone();
    }
    channel
}

fn limit(tier: &str) -> Value {
    match tier {
        "NA" | "TIER_NOT_SET" => Value::Null,
        "TIER_UNLIMITED" => json!("unlimited"),
        tier => json!(tier.trim_start_matches("TIER_").replace('K', "000").parse::<u64>().unwrap()),
    }
}

#[tokio::test]
async fn filters_choose_what_the_truth_says_of_channels() {
    let api = Api::start(fleet(20, 3)).await;
    let truth = api.truth().await;
    let channels: Vec<&Value> =
        truth["clients"].as_array().unwrap().iter().flat_map(|c| c["channels"].as_array().unwrap()).collect();
    for (flags, field, value) in [
        (["--rating", "low"], "current_quality_rating", "Low"),
        (["--availability", "setting_up"], "availability_status", "setting_up"),
        (["--status", "new_name_requested"], "status", "new_name_requested"),
        (["--limit", "TIER_10K"], "current_limit", "TIER_10K"),
        (["--limit", "unlimited"], "current_limit", "TIER_UNLIMITED"),
    ] {
        let mut chosen = run(&api, &[&["channels", "list", "-o", "json"][..], &flags].concat()).await.column("id");
        chosen.sort();
        let meant = channels.iter().filter(|channel| channel[field] == value);
        let mut meant: Vec<_> = meant.map(|channel| channel["id"].as_str().unwrap().to_owned()).collect();
        meant.sort();
        assert!(!meant.is_empty(), "the fleet has no channel for {flags:?}");
        assert_eq!(chosen, meant, "{flags:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_read_the_partners_list_reads_client_by_client() {
    let api = Api::start(fleet(6, 2)).await;
    let by_list = run(&api, &["channels", "list", "--sort", "id"]).await;
    api.faults(json!([{"kind": "forbidden", "operation": "partner_channels"}])).await;
    let one_by_one = run(&api, &["channels", "list", "--sort", "id"]).await;
    assert_eq!(one_by_one.shown(&api), by_list.shown(&api));
    assert_eq!(api.responses("client_channels").await, 6);
}

#[tokio::test]
async fn phone_numbers_are_shown_as_far_as_the_metrics_show_them() {
    let api = Api::start(fleet(1, 1)).await;
    let (_, channels) = api.ids().await.swap_remove(0);
    api.patch_channel(&channels[0], json!({"setup_info": {"phone_number": "4930123456"}})).await;
    for (shown, number) in [("full", json!("4930123456")), ("masked", json!("3456")), ("off", Value::Null)] {
        let rows = run(&api, &["channels", "list", "-o", "json", "--metrics.phone-number", shown]).await.rows();
        assert_eq!(rows[0]["phone_number"], number, "{shown}");
    }
}

#[tokio::test]
async fn an_unknown_client_is_a_failure_not_an_empty_table() {
    let api = Api::start(fleet(2, 1)).await;
    insta::assert_snapshot!(run(&api, &["channels", "list", "--client", "nobodyCL"]).await.shown(&api));
}

#[tokio::test]
async fn filters_take_several_values_with_commas_or_repeated() {
    let api = Api::start(fleet(20, 3)).await;
    let ids = async |flags: &[&str]| {
        let list = ["channels", "list", "-o", "json", "--sort", "id"];
        run(&api, &[&list[..], flags].concat()).await.column("id")
    };
    let (low, medium) = (ids(&["--rating", "low"]).await, ids(&["--rating", "medium"]).await);
    assert!(!low.is_empty() && !medium.is_empty());
    let mut both: Vec<String> = [low, medium].concat();
    both.sort_by_key(|id| id.to_lowercase());
    assert_eq!(ids(&["--rating", "low,medium"]).await, both);
    assert_eq!(ids(&["--rating", "low", "--rating", "medium"]).await, both);
}

#[tokio::test]
async fn a_search_ignores_case_and_accents() {
    let api = Api::start(fleet(3, 2)).await;
    let (client, channels) = api.ids().await.swap_remove(0);
    api.patch_channel(&channels[0], json!({"setup_info": {"phone_name": "Zum Goldenen Löwen"}})).await;
    let search = async |text: &str| run(&api, &["channels", "list", "-o", "json", "--search", text]).await.column("id");
    assert_eq!(search("lowen GOLDEN").await, [channels[0].as_str()]);
    assert_eq!(search(&client.to_lowercase()).await.len(), 2);
}

#[tokio::test]
async fn a_running_exporter_is_asked_instead_of_the_api() {
    // More than fit on one page.
    let api = Api::start(fleet(150, 4)).await;
    let exporter = crate::harness::Exporter::start(&api, &["--poll.strategy=bulk"]).await;
    exporter.ready().await;
    let url = format!("http://{}/", exporter.address());
    for flags in
        [&[][..], &["--rating", "low,medium"], &["--search", "cafe"], &["--limit", "250"], &["--columns", "id,status"]]
    {
        let list = [&["channels", "list", "-o", "csv", "--sort", "id"][..], flags].concat();
        let from = run(&api, &[&list[..], &["--from", &url]].concat()).await;
        assert_eq!(from.code, Some(0), "{}", from.stderr);
        let direct = run(&api, &list).await;
        let without_age = |csv: &str| csv.lines().map(|l| l.rsplit_once(',').unwrap().0.to_owned()).collect::<Vec<_>>();
        assert_eq!(without_age(&from.stdout), without_age(&direct.stdout), "{flags:?}");
    }
    let nobody = run(&api, &["channels", "list", "--from", "http://127.0.0.1:9/"]).await;
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(1), ""));
    assert!(nobody.stderr.contains("cannot ask the exporter at 127.0.0.1"), "{}", nobody.stderr);
    exporter.stop().await;
}

#[tokio::test]
async fn the_exit_code_says_whether_a_channel_was_found() {
    let api = Api::start(fleet(3, 2)).await;
    let list = ["channels", "list", "--exit-code", "--search"];
    assert_eq!(run(&api, &[&list[..], &["nobody is called so"]].concat()).await.code, Some(0));
    assert_eq!(run(&api, &[&list[..], &["CH"]].concat()).await.code, Some(3));
    api.faults(json!([{"kind": "unauthorized"}])).await;
    assert_eq!(run(&api, &[&list[..], &["CH"]].concat()).await.code, Some(1));
}

#[tokio::test]
async fn bad_flags_name_the_good_ones_before_anything_is_asked() {
    let api = Api::start(fleet(1, 1)).await;
    for (flags, said) in [
        (&["--columns", "nonsense"][..], "expected one of `partner_id`, `client_id`"),
        (&["--watch", "1ms"], "expected a duration of at least 1s, such as `30s`"),
        (&["--rating", "red"], "possible values: high, medium, low, na, unknown"),
        (&["--from", "ftp://host/"], "expected a URL that begins with http:// or https://"),
    ] {
        let ran = run(&api, &[&["channels", "list"][..], flags].concat()).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{flags:?}: {}", ran.stderr);
    }
    assert_eq!(api.responses("clients").await, 0);
}

#[tokio::test]
async fn watching_lists_again_and_again() {
    let api = Api::start(fleet(1, 1)).await;
    let mut command = super::program(&api);
    command.args(["channels", "list", "--watch", "1s", "--columns", "id"]);
    let program = crate::harness::Program::spawn(command);
    crate::harness::wait_until("three lists", async || (program.lines_with("again in 1s").len() >= 3).then_some(()))
        .await;
    assert!(program.lines_with("CHANNEL").len() >= 3, "{}", program.output());
}
