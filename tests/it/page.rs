//! The status page: what it says, and how it looks in a real browser.
//!
//! `browser` starts Debian's Chromium with what `tests/browser/package-lock.json`
//! pins; `text` reads the page without one.

mod browser;
mod parameters;
mod text;
mod trust;

use serde_json::json;

use crate::harness::{Api, Exporter, fleet};

/// A simulator of three clients with two channels each, all of them well, and an
/// exporter that has read them.
async fn well(flags: &[&str]) -> (Api, Exporter) {
    let api = Api::start(fleet(3, 2)).await;
    let good = json!({
        "availability_status": "ready",
        "current_quality_rating": "High",
        "current_quality_update_event": null,
        "hub_status": "live",
        "status": "ready",
        "cancelled_at": null,
    });
    for (_, channels) in api.ids().await {
        for channel in channels {
            api.patch_channel(&channel, good.clone()).await;
        }
    }
    let exporter = Exporter::start(&api, flags).await;
    exporter.ready().await;
    (api, exporter)
}

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
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("&#39;", "'").replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

/// The text of a section, by the id of its heading.
fn section(page: &str, id: &str) -> Option<String> {
    let label = page.find(&format!("aria-labelledby=\"{id}\""))?;
    let start = page[..label].rfind("<section")?;
    let section = &page[start..];
    Some(text(section.split_once("</section>").unwrap().0))
}
