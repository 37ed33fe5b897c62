//! Parameters of pages and of the JSON API: what is unknown is refused with what
//! is known, and nothing that is sent breaks a page.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::well;
use crate::harness::{Api, Exporter, fleet};

async fn json(exporter: &Exporter, path: &str) -> (u16, Value) {
    let response = exporter.get(path, &[]).await;
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn unknown_parameters_and_values_are_refused_with_the_known_ones() {
    let (_api, exporter) = well(&[]).await;
    for (query, said) in [
        ("colour=red", "unknown parameter `colour`: expected one of q, partner, client, availability"),
        ("rating=red", "parameter `rating`: expected one of high, medium, low, na, unknown, found `red`"),
        ("availability=error,broken", "found `broken`"),
        ("sort=size", "parameter `sort`: expected one of `severity`, `partner_id`"),
        ("attention=yes", "expected `1` or `0`, found `yes`"),
        ("page=0", "expected a number from 1, found `0`"),
        ("per_page=501", "expected a number from 1 to 500, found `501`"),
    ] {
        let (status, body) = json(&exporter, &format!("/api/v1/channels?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(body["error"].as_str().unwrap().contains(said), "{query}: {body}");
        let page = exporter.get(&format!("/?{query}"), &[]).await;
        assert_eq!(page.status(), 400, "{query}");
        let page = page.text().await.unwrap();
        assert!(page.contains(said), "{query}: {page}");
    }
    for refresh in ["0", "-1", "4", "soon"] {
        let page = exporter.get(&format!("/?refresh={refresh}"), &[]).await;
        assert_eq!(page.status(), 400, "{refresh}");
        assert!(page.text().await.unwrap().contains("expected seconds from 5 to 86400"));
    }
    let (status, body) = json(&exporter, "/api/v1/channels?refresh=30").await;
    assert_eq!((status, body["error"].as_str().unwrap().starts_with("unknown parameter `refresh`")), (400, true));
    exporter.stop().await;
}

#[tokio::test]
async fn an_unknown_client_or_channel_is_a_page_with_a_search() {
    let (_api, exporter) = well(&[]).await;
    for path in ["/clients/nobody", "/channels/nobody", "/channels/%1b%5b2J%3Cb%3E"] {
        let response = exporter.get(path, &[]).await;
        assert_eq!(response.status(), 404, "{path}");
        let page = response.text().await.unwrap();
        assert!(page.contains("Not found") && page.contains("type=\"search\""), "{path}: {page}");
        assert!(!page.contains('\u{1b}') && !page.contains("<b>"), "{path}: {page}");
    }
    exporter.stop().await;
}

#[tokio::test]
async fn control_characters_and_long_texts_in_a_search_do_no_harm() {
    let (_api, exporter) = well(&[]).await;
    let page = exporter.text("/?q=%1b%5b31m%00%E2%80%AE%22%3E%3Cscript%3E").await;
    assert!(!page.contains(|c: char| c.is_control() && c != '\n') && !page.contains('\u{202e}'), "{page}");
    assert!(!page.contains("<script"), "{page}");
    let long = exporter.get(&format!("/?q={}", "x".repeat(10_000)), &[]).await;
    assert_eq!(long.status(), 400);
    assert!(long.text().await.unwrap().contains("expected at most 512 bytes, found 10000"));
    // Past what the server takes as an address: refused, and the next request is served.
    let mut stream = tokio::net::TcpStream::connect(exporter.address()).await.unwrap();
    let request = format!("GET /?q={} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "x".repeat(100_000));
    // The server may have seen enough before the end.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = [0; 12];
    stream.read_exact(&mut response).await.unwrap();
    let response = String::from_utf8_lossy(&response);
    assert!(["HTTP/1.1 400", "HTTP/1.1 414", "HTTP/1.1 431"].contains(&&*response), "{response}");
    exporter.text("/").await;
    exporter.stop().await;
}

#[tokio::test]
async fn the_json_api_pages_through_what_the_pages_show() {
    let api = Api::start(fleet(40, 3)).await;
    let exporter = Exporter::start(&api, &[]).await;
    exporter.ready().await;
    exporter.cycles(1).await;
    let mut ids = Vec::new();
    for page in 1..=3 {
        let (status, list) = json(&exporter, &format!("/api/v1/channels?per_page=50&page={page}&sort=id")).await;
        assert_eq!((status, &list["total"], &list["page"]), (200, &json!(120), &json!(page)));
        assert!(list["age_seconds"].as_f64().unwrap() >= 0.0);
        ids.extend(list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
    }
    assert!(ids.len() == 120 && ids.is_sorted_by_key(|id| id.to_lowercase()), "{ids:?}");
    let (_, list) = json(&exporter, "/api/v1/clients?per_page=500").await;
    assert_eq!(list["total"], 40);
    let first = &list["items"][0];
    assert_eq!(first["channels"], 3);
    assert!(first.get("partner_payload").is_none(), "what may be secret stays out: {first}");
    exporter.stop().await;
}
