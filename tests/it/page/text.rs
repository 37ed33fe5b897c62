//! What the page says: trouble first, what a search finds, and no more of a
//! number than the configuration shows.

use serde_json::json;

use super::well;
use crate::harness::{Exporter, wait_until};

/// The text of an element's content, a space for every tag.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a section, by the id of its heading.
fn section(page: &str, id: &str) -> Option<String> {
    let start = page.find(&format!("<section aria-labelledby=\"{id}\">"))?;
    let section = &page[start..];
    Some(text(section.split_once("</section>").unwrap().0))
}

/// Channels that a search lists, in order.
async fn found(exporter: &Exporter, query: &str) -> Vec<String> {
    let page = exporter.text(&format!("/?q={query}")).await;
    let start = page.find("<section aria-labelledby=\"found\">").expect("a section of what was found");
    let (section, _) = page[start..].split_once("</section>").unwrap();
    section.split("<code>").skip(1).map(|after| after.split_once("</code>").unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn a_channel_in_trouble_is_listed_with_what_a_person_needs() {
    let (api, exporter) = well(&[]).await;
    let page = exporter.text("/").await;
    assert_eq!(section(&page, "attention").unwrap(), "Channels that need attention None.");
    assert_eq!(section(&page, "found"), None);

    let (client, channels) = api.ids().await.swap_remove(0);
    let fields = json!({
        "setup_info": {"phone_name": "Corner & Shop", "phone_number": "4930111222"},
        "current_quality_rating": "Low",
        "current_quality_update_event": "FLAGGED",
    });
    api.patch_channel(&channels[0], fields).await;
    api.patch_client(&client, json!({"name": "Shops \"Ltd\""})).await;
    exporter.cycles(2).await;

    let page = exporter.text("/").await;
    // The age grows while the test runs.
    let seconds = regex_lite::Regex::new(r"Since \d+s ago").unwrap();
    let attention = section(&page, "attention").unwrap();
    assert_eq!(
        seconds.replace(&attention, "Since AGE"),
        format!(
            "Channels that need attention Corner &#38; Shop 4930111222 · Shops &#34;Ltd&#34; · {} Availability ready \
             Rating low Status ready Last event flagged Since AGE To do Runbook",
            channels[0]
        )
    );
    assert!(page.contains("href=\"https://d360-exporter.example/runbooks/D360ChannelQualityLow.md\""), "{page}");
    let fleet = section(&page, "fleet").unwrap();
    assert!(fleet.starts_with("Fleet 6 channels 1 need attention 3 clients 0 clients not readable"), "{fleet}");
    exporter.stop().await;
}

#[tokio::test]
async fn a_partner_is_told_with_its_age_its_budget_and_its_last_error() {
    let (api, exporter) = well(&[]).await;
    let told = section(&exporter.text("/").await, "partners").unwrap();
    let shape = regex_lite::Regex::new(
        r"^Partners examplePA API readable Clients 3 Channels 6 Last full cycle \d+s ago, took [0-9a-z ]+ Budget 1000\.0 requests/s Last error none since the start$",
    )
    .unwrap();
    assert!(shape.is_match(&told), "{told}");

    api.faults(json!([{"kind": "forbidden", "operation": "clients"}])).await;
    let shape = regex_lite::Regex::new(r"API not readable .* Last error forbidden \(clients\), \d+s ago$").unwrap();
    let told = wait_until("the failure on the page", async || {
        let told = section(&exporter.text("/").await, "partners").unwrap();
        shape.is_match(&told).then_some(told)
    })
    .await;
    assert!(told.contains("Clients 3 Channels 6"), "known clients stay: {told}");
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
        assert_eq!(found(&exporter, "goldenen+l%C3%96WEN").await, one, "{mode}");
        let expected = |count: usize| one[..count].to_vec();
        assert_eq!(found(&exporter, "7123").await, expected(by_last_four), "{mode}");
        assert_eq!(found(&exporter, "%2B49+30+555-987123").await, expected(by_whole), "{mode}");
        assert_eq!(found(&exporter, &client).await.len(), 2, "{mode}: both channels of the client");
        assert_eq!(found(&exporter, "nobody+is+called+so").await, [""; 0], "{mode}");
        let page = exporter.text("/?q=L%C3%B6wen").await;
        assert_eq!(page.contains("4930555987123"), mode == "full", "{mode}");
        exporter.stop().await;
    }
}

#[tokio::test]
async fn the_page_may_load_nothing_but_its_style_sheet() {
    let (_api, exporter) = well(&[]).await;
    let answer = exporter.get("/", &[]).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    assert_eq!((header("referrer-policy"), header("x-content-type-options")), ("no-referrer", "nosniff"));
    assert_eq!(header("cache-control"), "no-store");
    exporter.stop().await;
}
