//! What the pages say: trouble first, what a search finds, and no more of a number
//! than the configuration shows.

use d360_exporter::clock::Clock;
use serde_json::json;

use super::{section, text, well};
use crate::harness::{Api, Exporter, fleet, wait_until};

/// Channels that a page lists, in order.
async fn listed(exporter: &Exporter, query: &str) -> Vec<String> {
    let page = exporter.text(&format!("/?{query}")).await;
    let rows = page.split("<tr role=\"row\"><th scope=\"row\"").skip(1);
    rows.map(|row| row.split("href=\"./channels/").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_channel_in_trouble_is_listed_with_what_a_person_needs() {
    let (api, exporter) = well(&[]).await;
    let page = exporter.text("/").await;
    assert_eq!(section(&page, "list").unwrap(), "Needs attention No channel needs attention. 0 of 0");

    let (client, channels) = api.ids().await.swap_remove(0);
    let fields = json!({
        "setup_info": {"phone_name": "Corner & Shop", "phone_number": "4930111222"},
        "current_quality_rating": "Low",
        "current_limit": "TIER_10K",
    });
    api.patch_channel(&channels[0], fields).await;
    api.patch_client(&client, json!({"name": "Shops \"Ltd\""})).await;
    exporter.cycles(2).await;

    let page = exporter.text("/").await;
    // The age grows while the test runs.
    let age = regex_lite::Regex::new(r"10,000 approved \d+ m?s ").unwrap();
    let list = section(&page, "list").unwrap();
    let list = age.replace(&list, "10,000 AGE ");
    assert!(list.contains(&format!("Corner & Shop 4930111222 · {}", channels[0])), "{list}");
    assert!(list.contains("Shops \"Ltd\" ready low 10,000 AGE"), "{list}");
    assert!(page.contains("href=\"./runbooks/D360ChannelQualityLow\""), "{page}");
    let numbers = section(&page, "numbers").unwrap();
    assert!(numbers.starts_with("Numbers Channels 1 need attention 6 in all Availability 0 error"), "{numbers}");
    let changes = section(&page, "changes").unwrap();
    assert!(changes.contains("quality rating high → low"), "{changes}");
    assert!(changes.contains("high → low worse"), "{changes}");
    exporter.stop().await;
}

#[tokio::test]
async fn a_medium_rating_and_a_fresh_set_up_are_lists_of_their_own() {
    let (api, first) = well(&[]).await;
    first.stop().await;
    let ids = api.ids().await;
    let now = Clock::system().now().to_string();
    api.patch_channel(&ids[0].1[0], json!({"current_quality_rating": "Medium"})).await;
    api.patch_channel(&ids[1].1[0], json!({"availability_status": "setting_up", "created_at": now})).await;
    // What it sees first has not changed.
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    assert_eq!(listed(&exporter, "").await, [""; 0], "neither needs anybody");
    assert_eq!(listed(&exporter, "rating=medium").await, [ids[0].1[0].as_str()]);
    assert_eq!(listed(&exporter, "availability=setting_up").await, [ids[1].1[0].as_str()]);
    assert_eq!(listed(&exporter, "page=1").await.len(), 6);
    exporter.stop().await;
}

#[tokio::test]
async fn every_number_leads_to_the_list_that_it_counts() {
    let api = Api::start(fleet(40, 3)).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    exporter.cycles(1).await;
    let page = exporter.text("/").await;
    let tile = regex_lite::Regex::new(
        r#"<a class="tile[^"]*" href="\./([^"]*)"[^>]*><span class="count">([0-9,]+)</span> ([a-z ]+)"#,
    )
    .unwrap();
    let mut seen = 0;
    for found in tile.captures_iter(&page) {
        let (href, count, label) = (found[1].replace("&#38;", "&"), found[2].replace(',', ""), &found[3]);
        let list: serde_json::Value =
            serde_json::from_str(&exporter.text(&format!("/api/v1/channels{href}")).await).unwrap();
        assert_eq!(list["total"].to_string(), count, "{label} at {href}");
        seen += 1;
    }
    assert!(seen >= 9, "{page}");
    exporter.stop().await;
}

#[tokio::test]
async fn a_search_goes_over_all_channels_and_finds_no_more_of_a_number_than_is_shown() {
    for (mode, by_last_four, by_whole) in [("full", 1, 1), ("masked", 1, 0), ("off", 0, 0)] {
        let (api, exporter) = well(&[&format!("--metrics.phone-number={mode}")]).await;
        let (client, channels) = api.ids().await.swap_remove(1);
        let fields = json!({"setup_info": {"phone_name": "Zum Goldenen Löwen", "phone_number": "4930555987123"}});
        api.patch_channel(&channels[1], fields).await;
        exporter.cycles(2).await;
        let one = vec![channels[1].clone()];
        assert_eq!(listed(&exporter, "q=goldenen+l%C3%96WEN").await, one, "{mode}");
        assert_eq!(listed(&exporter, "q=lowen").await, one, "{mode}: without accents");
        let expected = |count: usize| one[..count].to_vec();
        assert_eq!(listed(&exporter, "q=7123").await, expected(by_last_four), "{mode}");
        assert_eq!(listed(&exporter, "q=%2B49+30+555-987123").await, expected(by_whole), "{mode}");
        assert_eq!(listed(&exporter, &format!("q={client}")).await.len(), 2, "{mode}: both channels of the client");
        assert_eq!(listed(&exporter, "q=nobody+is+called+so").await, [""; 0], "{mode}");
        let page = exporter.text("/?q=L%C3%B6wen").await;
        assert_eq!(page.contains("4930555987123"), mode == "full", "{mode}");
        exporter.stop().await;
    }
}

#[tokio::test]
async fn a_client_and_a_channel_have_pages_with_everything_that_the_api_says() {
    let (api, exporter) = well(&[]).await;
    let (client, channels) = api.ids().await.swap_remove(0);
    let fields = json!({"availability_status": "error", "hub_status": "draft", "is_oba": true});
    api.patch_channel(&channels[0], fields).await;
    exporter.cycles(2).await;
    let page = text(&exporter.text(&format!("/channels/{}", channels[0])).await);
    for said in [
        "error availability",
        "availability status ready → error",
        "Official business account yes",
        "Hub status (deprecated) draft",
        &format!("Channel id {}", channels[0]),
    ] {
        assert!(page.contains(said), "expected {said:?} in {page}");
    }
    let page = text(&exporter.text(&format!("/clients/{client}")).await);
    for said in [format!("Client id {client}"), "1 need attention".to_owned(), channels[1].clone()] {
        assert!(page.contains(&said), "expected {said:?} in {page}");
    }
    let clients = text(&exporter.text("/clients").await);
    assert!(clients.contains("1–3") || clients.contains(" 3 "), "{clients}");
    exporter.stop().await;
}

#[tokio::test]
async fn what_happened_can_be_filtered_by_client_and_field() {
    let (api, exporter) = well(&[]).await;
    let ids = api.ids().await;
    api.patch_channel(&ids[0].1[0], json!({"current_quality_rating": "Low"})).await;
    exporter.cycles(2).await;
    api.patch_channel(&ids[1].1[0], json!({"availability_status": "error"})).await;
    exporter.cycles(2).await;
    let changes = async |query: &str| {
        let list: serde_json::Value =
            serde_json::from_str(&exporter.text(&format!("/api/v1/changes?{query}")).await).unwrap();
        let of = |item: &serde_json::Value| {
            format!("{}:{}", item["channel_id"].as_str().unwrap(), item["field"].as_str().unwrap())
        };
        list["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let rating = format!("{}:quality_rating", ids[0].1[0]);
    let availability = format!("{}:availability_status", ids[1].1[0]);
    assert_eq!(changes("").await, [availability.clone(), rating.clone()], "newest first");
    assert_eq!(changes("field=quality_rating").await, [rating]);
    assert_eq!(changes(&format!("client={}", ids[1].0)).await, [availability]);
    exporter.stop().await;
}

#[tokio::test]
async fn the_shipped_runbooks_are_served() {
    let (_api, exporter) = well(&[]).await;
    let index = text(&exporter.text("/runbooks").await);
    assert!(index.contains("D360ChannelError"), "{index}");
    let page = exporter.text("/runbooks/D360ChannelError").await;
    assert!(page.contains("<h1>D360ChannelError</h1>") && page.contains("<h2>"), "{page}");
    let response = exporter.get("/runbooks/D360Nothing", &[]).await;
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("No alert is called D360Nothing"));
    exporter.stop().await;
}

#[tokio::test]
async fn the_page_may_load_nothing_but_its_style_sheet() {
    let (_api, exporter) = well(&[]).await;
    let response = exporter.get("/", &[]).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    assert_eq!((header("referrer-policy"), header("x-content-type-options")), ("no-referrer", "nosniff"));
    assert_eq!(header("cache-control"), "no-store");
    assert!(!response.headers().contains_key("refresh"));
    assert_eq!(exporter.get("/?refresh=30", &[]).await.headers()["refresh"], "30");
    exporter.stop().await;
}

#[tokio::test]
async fn every_link_is_relative_and_leads_somewhere() {
    let (api, exporter) = well(&[]).await;
    let (client, channels) = api.ids().await.swap_remove(0);
    api.patch_channel(&channels[0], json!({"availability_status": "error"})).await;
    exporter.cycles(2).await;
    let href = regex_lite::Regex::new(r#"(?:href|action)="([^"]*)""#).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for page in
        ["/", "/clients", "/changes", "/runbooks", &format!("/clients/{client}"), &format!("/channels/{}", channels[0])]
    {
        let base = url::Url::parse(&format!("http://host{page}")).unwrap();
        for found in href.captures_iter(&exporter.text(page).await) {
            let link = found[1].replace("&#38;", "&");
            assert!(!link.starts_with('/') && !link.starts_with("http"), "{page}: {link}");
            let target = base.join(&link).unwrap();
            if target.scheme() == "http" && seen.insert(target.to_string()) {
                let path = target.path().to_owned() + &target.query().map(|q| format!("?{q}")).unwrap_or_default();
                assert_eq!(exporter.get(&path, &[]).await.status(), 200, "{page}: {link} -> {path}");
            }
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
    exporter.stop().await;
}

#[tokio::test]
async fn a_partner_is_shown_with_its_age_its_pace_and_its_last_error() {
    let (api, exporter) = well(&[]).await;
    let partners = section(&exporter.text("/").await, "partners").unwrap();
    let shape = regex_lite::Regex::new(
        r"^Partners examplePA Clients 3 Channels 6 Reads client by client Last full cycle \d+ m?s ago, took \d+ m?s Pace 1000\.0 requests per second Last error none since the start$",
    )
    .unwrap();
    assert!(shape.is_match(&partners), "{partners}");

    api.faults(json!([{"kind": "forbidden", "operation": "clients"}])).await;
    let shape =
        regex_lite::Regex::new(r"Last error the key may not read this \(403\) \(clients\), \d+ m?s ago$").unwrap();
    let partners = wait_until("the failure on the page", async || {
        let partners = section(&exporter.text("/").await, "partners").unwrap();
        shape.is_match(&partners).then_some(partners)
    })
    .await;
    assert!(partners.contains("Clients 3 Channels 6"), "known clients stay: {partners}");
    exporter.stop().await;
}

#[tokio::test]
async fn a_page_of_ten_thousand_channels_stays_below_200_kilobytes() {
    let api = Api::start(fleet(2_500, 4)).await;
    let exporter =
        Exporter::start(&api, &["--poll.interval=1h", "--poll.max-staleness=2h", "--poll.strategy=bulk"]).await;
    exporter.ready().await;
    for path in ["/", "/?page=1", "/clients", "/changes"] {
        let size = exporter.text(path).await.len();
        assert!(size < 200_000, "{path} has {size} bytes");
    }
    assert!(exporter.text("/?page=100").await.contains("9,901–10,000 of 10,000"));
    assert!(exporter.text("/?page=101").await.contains("Back to the first page"));
    exporter.stop().await;
}
