//! What is asked for a list, and how its pages are read.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_list_is_asked_for_page_by_page_until_a_page_brings_nothing_new() {
    let fake = Fake::script([ok(&clients(&["a", "b"], 3)), ok(&clients(&["c"], 3)), ok(&clients(&[], 3))]);
    let (api, telemetry) = api(&fake);
    let listing = api.clients(None).await.unwrap();
    assert_eq!((ids(&listing), listing.is_complete()), (vec!["a", "b", "c"], true));
    assert_eq!(
        fake.lines(),
        [
            "GET clients?limit=2&offset=0&sort=id",
            "GET clients?limit=2&offset=2&sort=id",
            "GET clients?limit=2&offset=3&sort=id",
        ]
    );
    assert_eq!(counts(&telemetry), ["requests{clients} 3"]);
}

#[tokio::test(start_paused = true)]
async fn the_offset_moves_by_what_came_also_by_what_could_not_be_read() {
    let fake = Fake::script([
        ok(&json!({"clients": [{"id": "a"}, {"name": "no id"}], "total": 3})),
        ok(&clients(&["c"], 3)),
        ok(&clients(&[], 3)),
    ]);
    let (api, telemetry) = api(&fake);
    let listing = api.clients(None).await.unwrap();
    assert_eq!((ids(&listing), listing.is_complete()), (vec!["a", "c"], false));
    assert_eq!(fake.lines()[1], "GET clients?limit=2&offset=2&sort=id");
    assert_eq!(counts(&telemetry), ["rejected_items{clients,unreadable} 1", "requests{clients} 3"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_does_not_sort_is_asked_again_without_and_remembered() {
    let fake = Fake::new(|sent| match sent.line.contains("sort=") {
        true => status(400),
        false => ok(&json!({"clients": [], "total": 0})),
    });
    let (api, telemetry) = api(&fake);
    api.clients(None).await.unwrap();
    api.clients(None).await.unwrap();
    assert_eq!(
        fake.lines(),
        ["GET clients?limit=2&offset=0&sort=id", "GET clients?limit=2&offset=0", "GET clients?limit=2&offset=0"]
    );
    assert_eq!(counts(&telemetry), ["request_failures{clients,other} 1", "requests{clients} 3"]);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_the_list_also_without_sorting_refuses_the_list() {
    let fake = Fake::new(|_| status(400));
    let (api, telemetry) = api(&fake);
    let failure = api.clients(None).await.unwrap_err();
    assert_eq!((failure.reason, failure.status), (Reason::Other, Some(400)));
    assert_eq!(fake.lines(), ["GET clients?limit=2&offset=0&sort=id", "GET clients?limit=2&offset=0"]);
    assert_eq!(counts(&telemetry), ["request_failures{clients,other} 2", "requests{clients} 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_400_in_the_middle_of_a_list_is_not_about_sorting() {
    let fake = Fake::script([ok(&clients(&["a", "b"], 3)), status(400)]);
    let (api, telemetry) = api(&fake);
    assert_eq!(api.clients(None).await.unwrap_err().reason, Reason::Other);
    assert_eq!(counts(&telemetry), ["request_failures{clients,other} 1", "requests{clients} 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_in_two_pages_counts_once_and_the_first_wins() {
    let fake = Fake::script([
        ok(&json!({"clients": [{"id": "a", "name": "first"}, {"id": "b"}], "total": 3})),
        ok(&json!({"clients": [{"id": "a", "name": "second"}, {"id": "c"}], "total": 3})),
        ok(&clients(&[], 3)),
    ]);
    let (api, telemetry) = api(&fake);
    let listing = api.clients(None).await.unwrap();
    assert_eq!((ids(&listing), listing.is_complete()), (vec!["a", "b", "c"], true));
    assert_eq!(listing.items[0].name.as_deref(), Some("first"));
    assert_eq!(counts(&telemetry), ["rejected_items{clients,duplicate} 1", "requests{clients} 3"]);
}

#[tokio::test(start_paused = true)]
async fn pages_that_repeat_some_clients_and_lack_others_do_not_add_up() {
    let fake = Fake::script([ok(&clients(&["a", "b"], 4)), ok(&clients(&["b", "a"], 4))]);
    let (api, telemetry) = api(&fake);
    let listing = api.clients(None).await.unwrap();
    assert_eq!((ids(&listing), listing.coverage.adds_up), (vec!["a", "b"], false));
    assert_eq!(counts(&telemetry), ["request_failures{clients,paging} 1", "requests{clients} 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_shorter_than_its_total_proves_nobody_gone() {
    let fake = Fake::script([ok(&clients(&["a"], 3)), ok(&clients(&[], 3))]);
    let (api, telemetry) = api(&fake);
    let listing = api.clients(None).await.unwrap();
    assert_eq!((ids(&listing), listing.is_complete()), (vec!["a"], false));
    assert_eq!(counts(&telemetry), ["request_failures{clients,paging} 1", "requests{clients} 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_on_its_last_page_fails_as_a_whole() {
    let fake = Fake::script([ok(&clients(&["a", "b"], 3)), status(403)]);
    let (api, _) = api(&fake);
    assert_eq!(api.clients(None).await.unwrap_err().reason, Reason::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn the_channels_of_a_client_are_asked_for_without_paging() {
    let fake = Fake::script([ok(&json!([channel("x"), channel("y"), channel("z")]))]);
    let (api, telemetry) = api(&fake);
    let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!((channel_ids(&listing), listing.is_complete()), (vec!["x", "y", "z"], true));
    assert_eq!(fake.lines(), ["GET clients/aCL/channels"]);
    assert_eq!(counts(&telemetry), ["requests{client_channels} 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_channels_has_none() {
    for empty in [json!([]), json!({"partner_channels": [], "total": 0})] {
        let fake = Fake::script([ok(&empty)]);
        let (api, telemetry) = api(&fake);
        assert!(nothing(api.client_channels(&"aCL".into(), Retries::Transient).await));
        assert_eq!(counts(&telemetry), ["requests{client_channels} 1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn more_pages_of_a_client_are_read_when_the_envelope_names_more_channels() {
    let page = |ids: &[&str]| {
        let channels: Vec<Value> = ids.iter().map(|id| channel(id)).collect();
        ok(&json!({"partner_channels": channels, "total": 3}))
    };
    let fake = Fake::script([page(&["x", "y"]), page(&["z"])]);
    let (api, _) = api(&fake);
    let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!((channel_ids(&listing), listing.is_complete()), (vec!["x", "y", "z"], true));
    assert_eq!(fake.lines(), ["GET clients/aCL/channels", "GET clients/aCL/channels?limit=2&offset=2"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_total_proves_no_channel_gone() {
    let fake = Fake::script([ok(&json!({"channels": [], "total": 2}))]);
    let (api, telemetry) = api(&fake);
    let listing = api.client_channels(&"aCL".into(), Retries::Transient).await.unwrap();
    assert_eq!((channel_ids(&listing), listing.is_complete()), (vec![], false));
    assert_eq!(counts(&telemetry), ["request_failures{client_channels,paging} 1", "requests{client_channels} 1"]);
}

#[tokio::test(start_paused = true)]
async fn the_partners_channels_come_with_their_owners() {
    let fake = Fake::script([
        ok(
            &json!({"partner_channels": [channel("x"), {"id": "y", "status": "ready", "availability_status": "ready"}]}),
        ),
        ok(&json!({"partner_channels": []})),
    ]);
    let (api, telemetry) = api(&fake);
    let mut pager = api.partner_channels(None);
    let page = pager.next_page().await.unwrap().unwrap();
    assert_eq!(pager.next_page().await, Ok(None));
    assert!(pager.finish().is_complete());
    let owners: Vec<_> = page.iter().map(|i| (i.channel.id.as_str(), i.client.as_ref())).collect();
    assert_eq!(owners, [("x", Some(&"aCL".into())), ("y", None)]);
    assert_eq!(fake.lines(), ["GET channels?limit=2&offset=0&sort=id", "GET channels?limit=2&offset=2&sort=id"]);
    assert_eq!(counts(&telemetry), ["requests{partner_channels} 2"]);
}
