//! The web server.
//!
//! | endpoint | answers |
//! |---|---|
//! | `/metrics` | the latest publication, in the format and encoding asked for |
//! | `/` | the status page |
//! | `/-/healthy`, `/healthz`, `/livez` | 200 while the process runs |
//! | `/-/ready`, `/readyz` | 200 once data is served, 503 before |
//! | `/-/reload` | `POST`: reads the configuration again |
//! | `/config` | the effective configuration, secrets redacted |
//!
//! Here: routes, handlers, listeners and their time-outs, and in [`protection`] who
//! gets to them. Never here: the Partner
//! API. Every handler reads the latest publication and nothing else.

mod listen;
mod metrics;
pub mod protection;
mod server;
mod status;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Semaphore, mpsc, oneshot};
use url::Url;

use crate::clock::Clock;
use crate::exposition::SnapshotCell;
use crate::telemetry::Telemetry;

pub use listen::{ListenAddress, bind};
pub use protection::Protection;
pub use server::serve;

/// How the web server is to be.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Where it listens.
    pub listen: Vec<ListenAddress>,
    /// Where the metrics are.
    pub telemetry_path: String,
    /// TLS, basic auth and whatever else `--web.config.file` asks for.
    pub protection: Protection,
    /// Parallel scrapes; 0 is any number.
    pub max_requests: usize,
    /// Connections that may be open.
    pub max_connections: usize,
    /// What all paths start with: empty, or a path without a slash at its end.
    pub route_prefix: String,
    /// Under which URL users come in, if that is known.
    pub external_url: Option<Url>,
    /// Whether systemd passes the listeners.
    pub systemd_socket: bool,
    /// Where pages link to for graphs.
    pub grafana_url: Option<Url>,
    /// Where pages link to for runbooks, if not to the exporter's own.
    pub runbook_url: Option<Url>,
    /// Whether `POST /-/reload` is there.
    pub enable_lifecycle: bool,
}

/// What handlers see.
#[derive(Debug, Clone)]
pub struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    published: Arc<SnapshotCell>,
    telemetry: Telemetry,
    clock: Clock,
    telemetry_path: String,
    protection: Protection,
    /// Scrapes that may run at once; `None` is any number.
    scrapes: Option<Arc<Semaphore>>,
    effective_config: ArcSwap<String>,
    reload: Option<mpsc::Sender<ReloadRequest>>,
}

/// A wish to read the configuration again; the answer is what was wrong.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

impl Web {
    /// A web side that shows what `published` holds. With `reload`, `POST
    /// /-/reload` is there and asks it.
    pub fn new(
        published: Arc<SnapshotCell>,
        telemetry: Telemetry,
        clock: Clock,
        config: &WebConfig,
        effective_config: String,
        reload: Option<mpsc::Sender<ReloadRequest>>,
    ) -> Self {
        let scrapes = (config.max_requests > 0).then(|| Arc::new(Semaphore::new(config.max_requests)));
        Self(Arc::new(Inner {
            published,
            telemetry,
            clock,
            telemetry_path: config.telemetry_path.clone(),
            protection: config.protection.clone(),
            scrapes,
            effective_config: ArcSwap::from_pointee(effective_config),
            reload,
        }))
    }

    /// What connections have to get past.
    fn protection(&self) -> &Protection {
        &self.0.protection
    }

    /// Shows another configuration from now on.
    pub fn set_effective_config(&self, config: String) {
        self.0.effective_config.store(Arc::new(config));
    }

    /// All routes, behind the protection.
    pub fn router(&self) -> Router {
        let healthy = || async { "d360_exporter is healthy\n" };
        let mut router = Router::new()
            .route(&self.0.telemetry_path, get(metrics::scrape))
            .route("/", get(status::page))
            .route("/style.css", get(status::style))
            .route("/-/healthy", get(healthy))
            .route("/healthz", get(healthy))
            .route("/livez", get(healthy))
            .route("/-/ready", get(ready))
            .route("/readyz", get(ready))
            .route("/config", get(config));
        if self.0.reload.is_some() {
            router = router.route("/-/reload", post(reload).put(reload));
        }
        router
            .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here; see /\n") })
            .layer(middleware::from_fn_with_state(self.clone(), authenticate))
            .layer(middleware::from_fn_with_state(self.clone(), count_and_harden))
            .with_state(self.clone())
    }
}

/// Lets in who may come in, and adds the headers that the operator wants.
async fn authenticate(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (headers, refused) = web.protection().admit(request.headers()).await;
    web.0.telemetry.web_config(web.protection().problem().is_none());
    let mut response = match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    response.headers_mut().extend(headers);
    response
}

/// Counts every answer, and adds the headers that every answer has.
async fn count_and_harden(State(web): State<Web>, request: Request, next: Next) -> Response {
    let handler = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let handler = handler.as_ref().map_or("other", MatchedPath::as_str);
    web.0.telemetry.http_request(handler, response.status().as_u16());
    response
}

async fn ready(State(web): State<Web>) -> Response {
    if web.0.published.is_ready() {
        "d360_exporter is ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "d360_exporter waits for its first full polling cycle\n").into_response()
    }
}

async fn config(State(web): State<Web>) -> Response {
    let mut config = web.0.effective_config.load_full().as_str().to_owned();
    if let Some(problem) = web.protection().problem() {
        config.push_str(&format!("# the changed --web.config.file is not in force: {problem}\n"));
    }
    ([(header::CONTENT_TYPE, "text/yaml; charset=utf-8")], config).into_response()
}

async fn reload(State(web): State<Web>) -> Response {
    let (answer, answered) = oneshot::channel();
    let asked = match &web.0.reload {
        Some(reload) => reload.send(answer).await.is_ok(),
        None => false,
    };
    match answered.await {
        Ok(Ok(())) if asked => "configuration reloaded\n".into_response(),
        Ok(Err(errors)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{errors}\n")).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the exporter is stopping\n").into_response(),
    }
}
