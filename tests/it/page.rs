//! The status page: what it says, and how it looks in a real browser.
//!
//! `browser` starts Debian's Chromium with what `tests/browser/package-lock.json`
//! pins; `text` reads the page without one.

mod browser;
mod text;

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
