//! The pages: the fleet for a person on call.
//!
//! | page | shows |
//! |---|---|
//! | `/` | whether the data can be trusted, what needs somebody, what happened |
//! | `/clients`, `/clients/{id}` | clients; one client with its channels |
//! | `/channels/{id}` | everything that the API says of a channel |
//! | `/changes` | the last changes |
//! | `/runbooks`, `/runbooks/{alert}` | the shipped runbooks |
//! | `/api/v1/channels`, `clients`, `changes` | the same lists as JSON |
//!
//! Plain HTML and one style sheet: no JavaScript, nothing from elsewhere, every
//! link relative. Values are escaped by the template library, and the content
//! security policy would stop what slips through. A page reads the latest
//! snapshot and nothing else, so it never waits for whoever owns the state.

mod changes;
mod channel;
mod clients;
mod data;
mod home;
mod json;
mod layout;
mod links;
mod runbooks;
mod table;
mod trust;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use url::Url;

use self::layout::{Layout, Message, Section};
use super::Web;
use super::workers::NotDone;
use crate::exposition::Snapshot;
use crate::model::Timestamp;
use crate::telemetry::Telemetry;
use crate::view::{Parameter, Query};

const STYLE: &str = include_str!("../../templates/style.css");

/// The icon is an empty `data:` address, so that browsers ask for none.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                                       form-action 'self'; frame-ancestors 'none'";

/// Settings of the pages.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// Where the metrics are, as a path below the root.
    pub(super) telemetry_path: String,
    /// Base URL of Grafana, if links shall lead there.
    pub(super) grafana_url: Option<Url>,
    /// Where runbooks are, if not here.
    pub(super) runbook_url: Option<Url>,
}

/// What a page is made of.
struct Context<'a> {
    snapshot: &'a Snapshot,
    telemetry: &'a Telemetry,
    settings: &'a Settings,
    now: Timestamp,
}

/// All pages.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(home))
        .route("/clients", get(clients))
        .route("/clients/{id}", get(client))
        .route("/channels/{id}", get(channel))
        .route("/changes", get(changes))
        .route("/runbooks", get(runbook_index))
        .route("/runbooks/{alert}", get(runbook))
        .route("/api/v1/channels", get(json_channels))
        .route("/api/v1/clients", get(json_clients))
        .route("/api/v1/changes", get(json_changes))
        .route("/style.css", get(style))
}

/// What a page comes to: HTML, or why there is none.
enum Page {
    Found(askama::Result<String>, Option<u64>),
    /// What is not there.
    Missing(String),
    /// What is wrong with the address.
    Bad(String),
}

impl Page {
    fn of(template: &impl Template, query: &Query) -> Self {
        Self::Found(template.render(), query.refresh)
    }
}

async fn home(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    page(web, query, home::PARAMETERS, 0, home::page).await
}

async fn clients(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    page(web, query, clients::PARAMETERS, 0, clients::list).await
}

async fn client(State(web): State<Web>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    page(web, query, clients::ONE_PARAMETERS, 1, move |context, query| clients::one(context, query, &id)).await
}

async fn channel(State(web): State<Web>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    page(web, query, channel::PARAMETERS, 1, move |context, query| channel::page(context, query, &id)).await
}

async fn changes(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    page(web, query, changes::PARAMETERS, 0, changes::page).await
}

async fn runbook_index(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    page(web, query, runbooks::PARAMETERS, 0, runbooks::index).await
}

async fn runbook(State(web): State<Web>, Path(alert): Path<String>, RawQuery(query): RawQuery) -> Response {
    page(web, query, runbooks::PARAMETERS, 1, move |context, query| runbooks::page(context, query, &alert)).await
}

async fn json_channels(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    json(web, query, home::PARAMETERS, json::channel_list).await
}

async fn json_clients(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    json(web, query, clients::PARAMETERS, json::client_list).await
}

async fn json_changes(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    json(web, query, changes::PARAMETERS, json::change_list).await
}

/// `/style.css`
async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Why a list can't be made of the parameters.
type Refusal = String;

/// Works on the snapshot in a thread that may take its time: connections are
/// served meanwhile.
async fn apart<T: Send + 'static>(
    web: Web,
    work: impl FnOnce(&Context<'_>) -> T + Send + 'static,
) -> Result<T, Response> {
    let of_page = web.clone();
    let worked = web.workers().run(move || {
        let snapshot = of_page.0.published.current();
        work(&Context {
            snapshot: &snapshot,
            telemetry: &of_page.0.telemetry,
            settings: &of_page.0.pages,
            now: of_page.0.clock.now(),
        })
    });
    worked.await.map_err(|not_done| match not_done {
        NotDone::Busy => web.too_busy(),
        NotDone::Panicked => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
}

/// Makes a page that stands `depth` levels below the root.
async fn page(
    web: Web,
    query: Option<String>,
    known: &'static [Parameter],
    depth: usize,
    make: impl FnOnce(&Context<'_>, &Query) -> Page + Send + 'static,
) -> Response {
    let query = Arc::new(query.unwrap_or_default());
    let made = apart(web, move |context| {
        // Every page can load itself again; no JSON can.
        let page = match Query::parse(&query, &[known, &[Parameter::Refresh]].concat()) {
            Ok(query) => make(context, &query),
            Err(wrong) => Page::Bad(wrong),
        };
        let layout = || Layout::new(context, Section::None, depth, &Query::default());
        match page {
            Page::Found(html, refresh) => (StatusCode::OK, refresh, html),
            Page::Missing(what) => (StatusCode::NOT_FOUND, None, Message::missing(layout(), what).render()),
            Page::Bad(wrong) => (StatusCode::BAD_REQUEST, None, Message::bad(layout(), wrong).render()),
        }
    })
    .await;
    let (status, refresh, html) = match made {
        Ok(made) => made,
        Err(refused) => return refused,
    };
    match html {
        Ok(html) => {
            let mut response = (status, Html(html)).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if let Some(seconds) = refresh {
                headers.insert(header::REFRESH, HeaderValue::from(seconds));
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "cannot render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Builds a response of the JSON API.
async fn json(
    web: Web,
    query: Option<String>,
    known: &'static [Parameter],
    make: fn(&Context<'_>, &Query) -> Result<Vec<u8>, Refusal>,
) -> Response {
    let made = apart(web, move |context| {
        let query = Query::parse(query.as_deref().unwrap_or_default(), known)?;
        make(context, &query)
    })
    .await;
    let (status, body) = match made {
        Err(refused) => return refused,
        Ok(Ok(body)) => (StatusCode::OK, body),
        Ok(Err(wrong)) => (StatusCode::BAD_REQUEST, json::error(&wrong)),
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}
