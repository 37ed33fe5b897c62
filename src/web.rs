//! The web server.
//!
//! | endpoint | returns |
//! |---|---|
//! | `/metrics` | the latest publication, in the format and encoding asked for |
//! | `/`, `/clients`, `/channels/{id}`, `/changes`, `/runbooks/{alert}`, `/api/v1/…` | the pages, and the same lists as JSON: see `pages` |
//! | `/-/healthy`, `/healthz`, `/livez` | 200 while the process runs |
//! | `/-/ready`, `/readyz` | 200 once data is served, 503 before |
//! | `/-/reload` | `POST`: reads the configuration again |
//! | `/config` | the effective configuration, secrets redacted |
//!
//! Here: routes, handlers, listeners and their time-outs, and in [`protection`] who
//! gets to them. Never here: the Partner
//! API. Every handler reads the latest publication and nothing else.

mod connections;
mod listen;
mod metrics;
mod once_in_a_while;
mod pages;
pub mod protection;
mod sent;
mod server;
mod workers;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::warn;
use url::Url;

use crate::clock::Clock;
use crate::exposition::SnapshotCell;
use crate::telemetry::{HttpRejection, Telemetry};

use connections::{Connections, Peer};
use once_in_a_while::OnceInAWhile;
use workers::Workers;

pub use listen::{ListenAddress, bind, from_systemd};
pub use protection::Protection;
pub use server::serve;

/// Threads for pages and passwords, and what may wait for them.
const WORKERS: usize = 4;
const QUEUE: usize = 32;

/// At most one log line per period says that requests or connections are refused,
/// and one per address that its handshake is.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Settings of the web server.
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
    /// The URL under which users reach the exporter, if known.
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
    pages: pages::Settings,
    protection: Protection,
    route_prefix: String,
    connections: Arc<Connections>,
    workers: Workers,
    flood_log: OnceInAWhile,
    handshake_log: OnceInAWhile,
    /// Scrapes whose response may be made at once; `None` is any number.
    scrapes: Option<Arc<Semaphore>>,
    effective_config: ArcSwap<String>,
    reload: Option<mpsc::Sender<ReloadRequest>>,
}

/// Marks a response that refuses a request because there are too many.
#[derive(Debug, Clone, Copy)]
struct Refusal;

/// A reload request; the reply carries the errors, if any.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

impl Web {
    /// A web side that shows what `published` holds. With `reload`, `POST
    /// /-/reload` is there and asks it.
    ///
    /// # Errors
    ///
    /// Fails if the system has no room for the threads of pages and passwords.
    pub fn new(
        published: Arc<SnapshotCell>,
        telemetry: Telemetry,
        clock: Clock,
        config: &WebConfig,
        effective_config: String,
        reload: Option<mpsc::Sender<ReloadRequest>>,
    ) -> io::Result<Self> {
        let scrapes = (config.max_requests > 0).then(|| Arc::new(Semaphore::new(config.max_requests)));
        Ok(Self(Arc::new(Inner {
            published,
            telemetry,
            clock,
            telemetry_path: config.telemetry_path.clone(),
            pages: pages::Settings {
                telemetry_path: config.telemetry_path.clone(),
                grafana_url: config.grafana_url.clone(),
                runbook_url: config.runbook_url.clone(),
            },
            protection: config.protection.clone(),
            route_prefix: config.route_prefix.clone(),
            connections: Connections::new(config.max_connections),
            workers: Workers::start("web", WORKERS, QUEUE)?,
            flood_log: OnceInAWhile::new(LOG_PERIOD),
            handshake_log: OnceInAWhile::new(LOG_PERIOD),
            scrapes,
            effective_config: ArcSwap::from_pointee(effective_config),
            reload,
        })))
    }

    /// The checks that connections have to pass.
    fn protection(&self) -> &Protection {
        &self.0.protection
    }

    /// Threads for work that would keep connections waiting.
    fn workers(&self) -> &Workers {
        &self.0.workers
    }

    /// Counts what was refused, and says so once in a while.
    fn rejected(&self, reason: HttpRejection) {
        self.0.telemetry.http_rejected(reason);
        if self.0.flood_log.allows(None) {
            warn!(
                reason = reason.as_str(),
                "more requests or connections than the bounds allow; see d360_exporter_http_rejected_total"
            );
        }
    }

    /// The response where too many pages are asked for at once.
    fn too_busy(&self) -> Response {
        self.refuse(HttpRejection::Requests, "too many pages at once; try again in a moment\n")
    }

    /// Counts what is refused, and makes the response that says so.
    fn refuse(&self, reason: HttpRejection, message: &'static str) -> Response {
        self.rejected(reason);
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, message).into_response();
        response.extensions_mut().insert(Refusal);
        response
    }

    /// Shows another configuration from now on.
    pub fn set_effective_config(&self, config: String) {
        self.0.effective_config.store(Arc::new(config));
    }

    /// All routes, behind the protection.
    pub fn router(&self) -> Router {
        let healthy = || async { "d360_exporter is healthy\n" };
        let mut router = pages::routes()
            .route(&self.0.telemetry_path, get(metrics::scrape))
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
            .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") })
            .layer(middleware::from_fn_with_state(self.clone(), authenticate))
            .layer(middleware::from_fn(refuse_malformed))
            .layer(middleware::from_fn_with_state(self.clone(), count_and_harden))
            .with_state(self.clone())
    }
}

/// Admits authorized requests, and adds the headers that the operator configured.
async fn authenticate(State(web): State<Web>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Arc<Peer>>().cloned();
    let peer = peer.unwrap_or_else(|| Arc::new(Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST))));
    let (headers, refused) = web.protection().admit(request.headers(), &peer, web.workers()).await;
    if let Some(reason) = refused.as_ref().and_then(|refused| refused.extensions().get::<HttpRejection>()) {
        web.rejected(*reason);
    }
    web.0.telemetry.web_config(web.protection().problem().is_none());
    let mut response = match refused {
        Some(mut refused) => {
            // A guess that was wrong waits, too; a request without a password does not.
            if peer.is_suspect.load(Ordering::Relaxed) {
                refused.extensions_mut().insert(Refusal);
            }
            refused
        }
        None => next.run(request).await,
    };
    response.headers_mut().extend(headers);
    response
}

/// Refuses a request with too many headers, and one without a host or with two: which of them a proxy in front
/// went by, nobody knows (RFC 9112, section 3.2).
async fn refuse_malformed(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let is_missing = hosts == 0 && request.version() == Version::HTTP_11;
    if hosts > 1 || is_missing {
        return (StatusCode::BAD_REQUEST, "expected one Host header\n").into_response();
    }
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if headers > server::MAX_HEADERS {
        return (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large\n").into_response();
    }
    next.run(request).await
}

/// Counts every response, and adds the headers that every response has.
async fn count_and_harden(State(web): State<Web>, request: Request, next: Next) -> Response {
    let handler = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if handler.as_ref().is_none_or(|handler| handler.as_str() != "/style.css") {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let handler = handler.as_ref().map_or("other", MatchedPath::as_str);
    web.0.telemetry.http_request(handler, response.status().as_u16());
    response
}

async fn ready(State(web): State<Web>) -> Response {
    if web.0.published.is_ready() {
        "d360_exporter is ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the first polling cycle has not finished\n").into_response()
    }
}

async fn config(State(web): State<Web>) -> Response {
    let mut config = web.0.effective_config.load_full().as_str().to_owned();
    if let Some(problem) = web.protection().problem() {
        config.push_str(&format!("# the changed --web.config.file is not in force: {problem}\n"));
    }
    ([(header::CONTENT_TYPE, "text/yaml; charset=utf-8")], config).into_response()
}

async fn reload(State(web): State<Web>, headers: HeaderMap) -> Response {
    // A page elsewhere can make a browser send the request, with its password.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return (StatusCode::FORBIDDEN, "cross-site requests may not reload the configuration\n").into_response();
    }
    let (reply, outcome) = oneshot::channel();
    let asked = match &web.0.reload {
        Some(reload) => reload.send(reply).await.is_ok(),
        None => false,
    };
    match outcome.await {
        Ok(Ok(())) if asked => "configuration reloaded\n".into_response(),
        Ok(Err(errors)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{errors}\n")).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the exporter is stopping\n").into_response(),
    }
}
