//! What stands between a connection and the routes: TLS, basic auth, a rate
//! limit and headers, as `--web.config.file` says in the format of Prometheus'
//! exporter-toolkit.
//!
//! | file | holds |
//! |---|---|
//! | [`mod@file`] | the format, and reading it |
//! | [`rules`] | the format, checked, as what is in force |
//! | [`tls`], [`client_certificate`] | the TLS side of it |
//! | [`basic_auth`], [`rate_limit`] | who is let in, and how often |
//! | [`watched_file`] | reading it again when it changes |
//!
//! Secrets come in here (private keys, password hashes, passwords) and nothing
//! that can be shown holds them: no error, no log line, no `Debug`.

mod basic_auth;
mod client_certificate;
mod error_list;
mod file;
mod rate_limit;
mod rules;
mod tls;
mod turns;
mod watched_file;

use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rustls::ServerConfig;
use tokio::time::Instant;

use crate::telemetry::HttpRejection;
use crate::web::connections::Peer;
use crate::web::workers::Workers;
use basic_auth::{Admission, PasswordCache};
use rate_limit::Limiter;
use rules::Rules;
use watched_file::WatchedFile;

pub use tls::ClientAuth;

/// The protection in force. Clones share it.
#[derive(Debug, Clone)]
pub struct Protection(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    live: WatchedFile,
    passwords: PasswordCache,
    limiter: Limiter,
    /// Fixed at the start, as is whether there is TLS: the listener is made for
    /// them.
    tls: bool,
    http2: bool,
}

impl Protection {
    /// None: plain HTTP for everyone.
    pub fn none() -> Self {
        Self::of(WatchedFile::fixed(Rules::default()))
    }

    /// Reads a file and everything that it names.
    ///
    /// # Errors
    ///
    /// Returns every error found, each with its place, one per line.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        WatchedFile::load(path).map(Self::of)
    }

    fn of(live: WatchedFile) -> Self {
        let (tls, http2) = {
            let rules = live.rules();
            (rules.tls.is_some(), rules.http2)
        };
        Self(Arc::new(Inner { live, passwords: PasswordCache::default(), limiter: Limiter::default(), tls, http2 }))
    }

    /// Whether connections are TLS.
    pub fn is_tls(&self) -> bool {
        self.0.tls
    }

    /// Whether HTTP/2 is spoken: browsers and Prometheus do so over TLS only.
    pub fn is_http2(&self) -> bool {
        self.0.tls && self.0.http2
    }

    /// How clients have to show a certificate.
    pub fn client_auth(&self) -> ClientAuth {
        self.0.live.rules().client_auth()
    }

    /// Why a changed file is not in force, if it is not.
    pub fn problem(&self) -> Option<Arc<String>> {
        self.0.live.problem()
    }

    /// The TLS side for a new connection, with the certificates of now.
    pub(super) async fn server_config(&self, workers: &Workers) -> Option<Arc<ServerConfig>> {
        self.0.live.fresh(workers).await.tls.as_ref().map(|tls| tls.config.clone())
    }

    /// Whether a request may pass: headers to add to its response, and the response
    /// if it may not.
    pub(super) async fn admit(
        &self,
        request: &HeaderMap,
        peer: &Peer,
        workers: &Workers,
    ) -> (HeaderMap, Option<Response>) {
        let rules = self.0.live.fresh(workers).await;
        let refused = if !self.0.limiter.allows(rules.rate_limit, Instant::now()) {
            let message = "too many requests; see rate_limit in --web.config.file\n";
            Some(too_many(HttpRejection::Requests, message))
        } else {
            match self.0.passwords.check(&rules.users, request.get(header::AUTHORIZATION), peer, workers).await {
                Admission::Granted => None,
                Admission::Denied => {
                    let challenge = [(header::WWW_AUTHENTICATE, "Basic")];
                    Some((StatusCode::UNAUTHORIZED, challenge, "unauthorized\n").into_response())
                }
                Admission::Busy => Some(too_many(HttpRejection::Passwords, "too many passwords at once; try again\n")),
            }
        };
        (rules.headers.clone(), refused)
    }
}

/// The response to a request of which there are too many, marked with the reason.
fn too_many(reason: HttpRejection, message: &'static str) -> Response {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, message).into_response();
    response.extensions_mut().insert(reason);
    response
}

#[cfg(test)]
mod tests;
