//! The status page: the fleet at a glance, for a person.
//!
//! Plain HTML and one style sheet: no JavaScript, nothing from elsewhere. Values
//! are escaped by the template library, and the content security policy would
//! stop what slips through.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;

use super::Web;
use crate::exposition::{PartnerSummary, Snapshot};
use crate::fleet::{Attention, Overview};
use crate::model::{Availability, QualityRating};

/// Channels that the page lists. Who has more trouble than that needs a
/// dashboard.
const MOST_LISTED: usize = 100;

const STYLE: &str = include_str!("../../templates/style.css");

const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "status.html")]
struct Page {
    version: &'static str,
    revision: &'static str,
    telemetry_path: String,
    ready: bool,
    series: usize,
    partners: Vec<Partner>,
    attention: Vec<Row>,
    not_listed: usize,
}

struct Partner {
    id: String,
    up: bool,
    age: Option<String>,
    numbers: Overview,
    availability: Vec<Tile>,
    quality: Vec<Tile>,
}

/// A state and how many channels are in it.
struct Tile {
    state: &'static str,
    count: usize,
    percent: usize,
}

struct Row {
    client: String,
    display_name: String,
    phone_number: String,
    channel_id: String,
    availability: &'static str,
    quality: &'static str,
    status: &'static str,
    event: String,
}

/// `/`
pub(super) async fn page(State(web): State<Web>) -> Response {
    let snapshot = web.0.published.current();
    let now = web.0.clock.now();
    let mut attention: Vec<&Attention> =
        snapshot.partners().iter().flat_map(|p| &p.parts).flat_map(|part| &part.attention).collect();
    attention.sort_by_cached_key(|row| (row.rank(), row.client.clone(), row.channel.id.clone()));
    let page = Page {
        version: crate::VERSION,
        revision: crate::REVISION,
        telemetry_path: web.0.telemetry_path.clone(),
        ready: web.0.published.is_ready(),
        series: snapshot.series(),
        partners: snapshot.partners().iter().map(|summary| partner(summary, now)).collect(),
        not_listed: attention.len().saturating_sub(MOST_LISTED),
        attention: attention.into_iter().take(MOST_LISTED).map(|a| row(&snapshot, a)).collect(),
    };
    match page.render() {
        Ok(html) => {
            let headers =
                [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY), (header::CACHE_CONTROL, "no-store")];
            (headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot render the status page");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `/style.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

fn partner(summary: &PartnerSummary, now: Timestamp) -> Partner {
    let mut numbers = Overview::default();
    for part in &summary.parts {
        numbers.add_numbers(part);
    }
    let tiles = |names: Vec<&'static str>, counts: &[usize]| -> Vec<Tile> {
        names
            .into_iter()
            .zip(counts)
            .map(|(state, &count)| Tile { state, count, percent: (count * 100).div_ceil(numbers.channels.max(1)) })
            .collect()
    };
    let availability = Availability::ALL.iter().map(|s| s.as_str()).collect();
    let quality = QualityRating::ALL.iter().map(|s| s.as_str()).collect();
    Partner {
        id: summary.partner.to_string(),
        up: summary.state.up,
        age: summary.state.last_cycle.map(|(at, _)| age(at, now)),
        availability: tiles(availability, &numbers.by_availability),
        quality: tiles(quality, &numbers.by_quality),
        numbers,
    }
}

fn row(snapshot: &Snapshot, attention: &Attention) -> Row {
    let channel = &attention.channel;
    let text = |t: &Option<Box<str>>| t.as_deref().unwrap_or_default().to_owned();
    let client_name = text(&attention.client_name);
    Row {
        client: if client_name.is_empty() { attention.client.to_string() } else { client_name },
        display_name: text(&channel.display_name),
        phone_number: snapshot.phone_number(channel).into_owned(),
        channel_id: channel.id.to_string(),
        availability: channel.availability.as_str(),
        quality: channel.quality.as_str(),
        status: channel.status.as_str(),
        event: text(&channel.last_quality_event),
    }
}

/// A time span for people, in whole seconds.
fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0).unsigned_abs();
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
