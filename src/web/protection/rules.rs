//! The file, checked, as what is in force.

use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::basic_auth::Users;
use super::error_list::ErrorList;
use super::file::{self, HttpSection, RateLimitSection, Sources};
use super::rate_limit::RateLimit;
use super::tls::{self, ClientAuth, Limits, Tls};
use crate::yaml::quoted;

/// What is in force. The default is a file without a word: nothing is protected.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) tls: Option<Tls>,
    pub(super) http2: bool,
    pub(super) headers: HeaderMap,
    pub(super) users: Users,
    pub(super) rate_limit: Option<RateLimit>,
}

/// Headers that may be set, and the values of those that have a list of them.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

impl Rules {
    /// Reads the file at `path` and those that it names, which are relative to
    /// it.
    pub(super) fn load(path: &Path, sources: &mut Sources) -> Result<Self, Vec<String>> {
        let text = sources.read(path).map_err(|message| vec![message])?;
        let text = std::str::from_utf8(&text).map_err(|_| vec!["expected UTF-8, found other bytes".to_owned()])?;
        let file = file::parse(text).map_err(|message| vec![message])?;
        let directory = path.parent().unwrap_or(Path::new(""));

        let mut errors = ErrorList::default();
        let http = file.http_server_config.unwrap_or_default();
        let http2 = http.http2.unwrap_or(true);
        let tls = file.tls_server_config.unwrap_or_default();
        let tls = tls::load(&tls, http2, directory, sources, &mut errors);
        let headers = headers(&http, &mut errors);
        let users = Users::check(file.basic_auth_users.unwrap_or_default(), &mut errors);
        let rate_limit = rate_limit(&file.rate_limit.unwrap_or_default(), &mut errors);
        errors.check(Self { tls, http2, headers, users, rate_limit })
    }

    /// How clients have to show a certificate.
    pub(super) fn client_auth(&self) -> ClientAuth {
        self.tls.as_ref().map_or(ClientAuth::None, |tls| tls.client_auth)
    }

    /// Why these can't take the place of `old` in a running process.
    ///
    /// A file that is cut short while it is written looks like one that
    /// protects less, so that protection is taken away by a restart only.
    pub(super) fn weakenings_since(&self, old: &Self) -> Vec<String> {
        let has = |rules: &Self, limit: fn(&Limits) -> bool| rules.tls.as_ref().is_some_and(|tls| limit(&tls.limits));
        let lost = |limit: fn(&Limits) -> bool| has(old, limit) && !has(self, limit);
        let checks = [
            ("tls_server_config", "TLS on or off as it was at the start", self.tls.is_some() != old.tls.is_some()),
            ("http_server_config.http2", "HTTP/2 on or off as it was at the start", self.http2 != old.http2),
            ("basic_auth_users", "at least one user", self.users.is_empty() && !old.users.is_empty()),
            (
                "tls_server_config.client_auth_type",
                "clients to be asked for as much as at the start",
                self.client_auth().strength() < old.client_auth().strength(),
            ),
            ("tls_server_config.client_allowed_sans", "names of clients", lost(|limits| limits.names)),
            ("tls_server_config.cipher_suites", "cipher suites", lost(|limits| limits.suites)),
            ("tls_server_config.curve_preferences", "curves", lost(|limits| limits.curves)),
            ("tls_server_config.min_version", "`TLS13`", lost(|limits| limits.newest)),
            ("rate_limit", "a limit", self.rate_limit.is_none() && old.rate_limit.is_some()),
            (
                "http_server_config.headers",
                "each header that was there at the start",
                old.headers.keys().any(|name| !self.headers.contains_key(name)),
            ),
        ];
        checks
            .into_iter()
            .filter(|(_, _, refused)| *refused)
            .map(|(place, expected, _)| {
                format!("{place}: expected {expected}, found a change; restart to take it away or to add it")
            })
            .collect()
    }
}

fn headers(section: &HttpSection, errors: &mut ErrorList) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in section.headers.iter().flatten() {
        let place = format!("http_server_config.headers.{name}");
        let Some((known, values)) = HEADERS.into_iter().find(|(known, _)| known == name) else {
            let known = HEADERS.map(|(known, _)| known);
            errors.push(&place, &format!("expected one of {}, found another header; remove it", quoted(&known)));
            continue;
        };
        if !values.is_empty() && !values.contains(&value.as_str()) {
            errors.push(&place, &format!("expected {}, found `{value}`; correct it", quoted(values)));
        } else if !value.is_empty() {
            let read = HeaderValue::from_str(value)
                .map_err(|_| "expected text of one line, found control characters; remove them".to_owned());
            let name = HeaderName::from_bytes(known.as_bytes()).map_err(|_| "expected a header's name".to_owned());
            if let (Some(name), Some(value)) = (errors.take(&place, name), errors.take(&place, read)) {
                headers.insert(name, value);
            }
        }
    }
    headers
}

fn rate_limit(section: &RateLimitSection, errors: &mut ErrorList) -> Option<RateLimit> {
    let interval = section.interval.as_deref().unwrap_or("0");
    // `0` has no unit, in Go as here.
    let interval = if interval == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(interval) };
    let interval = interval.map_err(|_| {
        format!(
            "expected a duration such as `30s`, `5m` or `500ms`, found `{}`; correct it",
            section.interval.as_deref().unwrap_or_default()
        )
    });
    let interval = errors.take("rate_limit.interval", interval)?;
    if interval.is_zero() {
        return None;
    }
    match section.burst.filter(|&burst| burst > 0) {
        Some(burst) => Some(RateLimit { interval, burst }),
        None => {
            errors.push("rate_limit.burst", "expected at least 1, found less; without it no request would pass");
            None
        }
    }
}
