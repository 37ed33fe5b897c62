//! Channels out of a running exporter: its JSON API, page by page.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use url::Url;

use super::{EXPENDABLE, ListFlags, query, remote_flags};
use crate::cli::failure::Failure;
use crate::cli::records::Records;
use crate::model::{Availability, MessagingLimit, QualityRating};
use crate::view::{CHANNEL_FIELDS, MAX_PER_PAGE, Query, Value};

/// One response takes at most this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A page of the list.
#[derive(Deserialize)]
struct Page {
    total: usize,
    items: Vec<Map<String, Json>>,
}

/// What the exporter has against a request.
#[derive(Deserialize)]
struct Wrong {
    error: String,
}

/// Asks an exporter for the channels.
pub(super) async fn list(url: &Url, flags: &ListFlags) -> Result<Records, Failure> {
    remote_flags(flags)?;
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().context("cannot make an HTTP client")?;
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for page in 1.. {
        let asked = Query { page: Some(page), per_page: MAX_PER_PAGE, ..query(flags) };
        let Page { total, items } = get(&client, endpoint(url, &asked)).await?;
        let (seen, last) = (page * MAX_PER_PAGE, items.is_empty());
        rows.extend(items.iter().map(values));
        if last || seen >= total {
            break;
        }
    }
    // The exporter has no filter for limits.
    if !flags.limit.is_empty() {
        let at = CHANNEL_FIELDS.iter().position(|field| field.name == "messaging_limit").unwrap_or_default();
        let wanted: Vec<Value> = flags.limit.iter().map(|limit| Value::limit(Some(*limit))).collect();
        rows.retain(|row| wanted.contains(&row[at]));
    }
    Ok(Records::new(CHANNEL_FIELDS, rows, EXPENDABLE))
}

/// The list's address below the exporter's own, which may have a path.
fn endpoint(url: &Url, query: &Query) -> Url {
    let mut url = url.clone();
    let path = format!("{}/api/v1/channels", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(Some(&query.to_text()));
    url
}

async fn get(client: &reqwest::Client, url: Url) -> anyhow::Result<Page> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let exporter = || format!("cannot ask the exporter at {host}");
    let response = client.get(url).send().await.map_err(reqwest::Error::without_url).with_context(exporter)?;
    let status = response.status();
    let body = response.bytes().await.map_err(reqwest::Error::without_url).with_context(exporter)?;
    if status == reqwest::StatusCode::OK {
        let page = serde_json::from_slice(&body);
        return page.with_context(|| format!("expected the JSON of an exporter from {host}, found something else"));
    }
    let hint = match (serde_json::from_slice::<Wrong>(&body), status.as_u16()) {
        (Ok(wrong), _) => wrong.error,
        (_, 401) => "it wants a user and a password: --from http://USER:PASSWORD@HOST:PORT".to_owned(),
        (_, 404) => "it has no JSON API at this address: is it d360_exporter, and is the path right?".to_owned(),
        _ => "try again".to_owned(),
    };
    Err(anyhow::anyhow!("status {status}: {hint}").context(exporter()))
}

/// The values of an item, in the order of the fields. Fields that an older
/// exporter does not send are missing.
fn values(item: &Map<String, Json>) -> Vec<Value> {
    CHANNEL_FIELDS
        .iter()
        .map(|field| item.get(field.name).map_or(Value::Missing, |json| value(field.name, json)))
        .collect()
}

fn value(name: &str, json: &Json) -> Value {
    match (name, json) {
        (_, Json::Null) => Value::Missing,
        (_, Json::Bool(value)) => Value::Bool(*value),
        ("messaging_limit", Json::String(text)) if text == "unlimited" => Value::limit(Some(MessagingLimit::Unlimited)),
        ("availability_status", Json::String(text)) => {
            Value::availability(Availability::parse(text).unwrap_or(Availability::Unknown))
        }
        ("quality_rating", Json::String(text)) => {
            Value::quality(QualityRating::parse(text).unwrap_or(QualityRating::Unknown))
        }
        (name, Json::String(text)) if name.ends_with("_at") => match text.parse() {
            Ok(at) => Value::Time(at),
            Err(_) => Value::Text(text.clone()),
        },
        (_, Json::String(text)) => Value::Text(text.clone()),
        (_, json) => json.as_u64().map_or_else(|| Value::Text(json.to_string()), Value::Count),
    }
}
