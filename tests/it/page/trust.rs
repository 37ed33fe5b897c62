//! Whether the page can be trusted: in every state it says so in words, and
//! nothing is green that is not known.

use serde_json::json;

use super::{section, text, well};
use crate::harness::{Api, Exporter, fleet, wait_until};

/// Waits until the banner holds a text, and returns the whole page.
async fn banner(exporter: &Exporter, holds: &str) -> String {
    wait_until(&format!("a banner with {holds:?}"), async || {
        let page = exporter.text("/").await;
        section(&page, "trust").is_some_and(|banner| banner.contains(holds)).then_some(page)
    })
    .await
}

/// The numbers of the tiles.
fn counts(page: &str) -> Vec<String> {
    let counts = page.split("<span class=\"count\">").skip(1);
    counts.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

/// No tile has a colour, and the banner is not green.
fn assert_nothing_is_green(page: &str) {
    assert!(!page.contains("class=\"trust good\""), "{page}");
    for class in ["ready", "high", "error", "low"] {
        assert!(!page.contains(&format!("class=\"tile {class}\"")), "{class}: {page}");
    }
}

#[tokio::test]
async fn before_the_first_read_nothing_is_known() {
    let api = Api::start(fleet(3, 2)).await;
    api.faults(json!([{"kind": "server_error", "status": 500}])).await;
    let exporter = Exporter::start(&api, &[]).await;
    let page = banner(&exporter, "Nothing could be read yet").await;
    assert!(section(&page, "trust").unwrap().contains("The API is down."), "{page}");
    assert!(counts(&page).iter().all(|count| count == "–"), "{:?}", counts(&page));
    assert!(section(&page, "list").unwrap().contains("Nothing is known yet."), "{page}");
    assert_nothing_is_green(&page);
    api.heal().await;
    exporter.ready().await;
    banner(&exporter, "All 3 clients were read").await;
    exporter.stop().await;
}

#[tokio::test]
async fn a_rejected_key_is_named_with_what_to_do_and_the_numbers_lose_their_colours() {
    let (api, exporter) = well(&[]).await;
    let before = banner(&exporter, "All 3 clients were read").await;
    assert!(before.contains("class=\"trust good\"") && before.contains("class=\"tile ready\""), "{before}");
    api.faults(json!([{"kind": "unauthorized"}])).await;
    let page = banner(&exporter, "The API key is rejected. The data below is up to").await;
    let said = section(&page, "trust").unwrap();
    assert!(said.contains("What to do: Create a new Partner API key in the Partner Hub"), "{said}");
    assert_eq!(counts(&page), counts(&before), "the numbers stay");
    assert!(section(&page, "numbers").unwrap().contains("As of "), "{page}");
    assert_nothing_is_green(&page);
    exporter.stop().await;
}

#[tokio::test]
async fn expired_data_is_gone_and_the_page_says_since_when() {
    let (api, exporter) = well(&["--poll.max-staleness=3s"]).await;
    api.faults(json!([{"kind": "server_error", "status": 503}])).await;
    let page = banner(&exporter, "The data has expired: the last read was").await;
    assert!(counts(&page).iter().all(|count| count == "–"), "{:?}", counts(&page));
    assert_nothing_is_green(&page);
    exporter.stop().await;
}

#[tokio::test]
async fn a_client_that_cannot_be_read_is_counted_and_listed() {
    let (api, exporter) = well(&["--poll.strategy=per-client"]).await;
    let (client, _) = api.ids().await.swap_remove(0);
    api.faults(json!([{"kind": "server_error", "status": 500, "operation": "client_channels", "client_id": client}]))
        .await;
    let page = banner(&exporter, "1 of 3 clients can't be read").await;
    assert!(page.contains("class=\"trust warning\""), "{page}");
    let clients = exporter.text("/clients?attention=1").await;
    assert!(clients.contains(&format!("href=\"./clients/{client}\"")), "{clients}");
    assert!(text(&clients).contains("can't be read"), "{clients}");
    exporter.stop().await;
}
