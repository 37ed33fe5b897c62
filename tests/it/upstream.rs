//! What happens when the Partner API misbehaves: the simulator with faults, over
//! real HTTP, against the program. Rows whose waits are minutes are in
//! [`crate::paused`].

mod bounds;
mod lists;
mod reads;
mod values;

use serde_json::json;

use crate::harness::{Api, Exporter, Exposition, SeriesMap, expected, fleet, metrics_of};

/// A simulator and an exporter that has read all of it.
struct Rig {
    api: Api,
    exporter: Exporter,
    /// Clients, each with its channels.
    ids: Vec<(String, Vec<String>)>,
}

impl Rig {
    /// `clients` with two channels each.
    async fn start(clients: usize, flags: &[&str]) -> Self {
        let api = Api::start(fleet(clients, 2)).await;
        let exporter = Exporter::start(&api, flags).await;
        exporter.ready().await;
        let ids = api.ids().await;
        Self { api, exporter, ids }
    }

    fn client(&self, nth: usize) -> &str {
        &self.ids[nth].0
    }

    fn channel(&self, nth: usize) -> &str {
        &self.ids[nth].1[0]
    }

    /// Lowers the rating of a client's first channel, and waits until it shows:
    /// that client is being read.
    async fn sees_a_drop(&self, nth: usize) -> Exposition {
        self.api.patch_channel(self.channel(nth), json!({ "current_quality_rating": "Low" })).await;
        let labels = [("channel_id", self.channel(nth)), ("rating", "low")];
        let low = |e: &Exposition| e.value("d360_channel_quality_rating", &labels) == Some(1.0);
        self.exporter.until("the dropped rating of another client", low).await
    }

    /// The series of the whole fleet by the simulator's truth.
    async fn truth(&self) -> SeriesMap {
        expected(&self.api.truth().await)
    }
}

fn up(shown: &Exposition, client: &str) -> Option<f64> {
    shown.value("d360_client_up", &[("client_id", client)])
}

fn failures(shown: &Exposition, endpoint: &str, reason: &str) -> f64 {
    shown.sum("d360_api_request_failures_total", &[("endpoint", endpoint), ("reason", reason)])
}

/// Series of the fleet that belong to one client.
fn of_client(shown: &Exposition, client: &str) -> SeriesMap {
    let label = ("client_id".to_owned(), client.to_owned());
    metrics_of(shown).into_iter().filter(|(series, _)| series.1.contains(&label)).collect()
}
