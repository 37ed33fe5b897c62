//! An API for tests: a function responds, and what was asked is remembered.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{ApiError, ApiKey, Pacer, PageSize, PartnerApi, Rate, Request, Response, Settings, Transport};
use crate::clock::Clock;
use crate::model::PartnerId;
use crate::telemetry::Telemetry;

pub(crate) type Outcome = Result<Response, ApiError>;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// How many came before it.
    pub(crate) index: usize,
    /// When, counted from the start of the fake.
    pub(crate) at: Duration,
    /// Method, path below the partner, query and body on one line.
    pub(crate) line: String,
    pub(crate) key: String,
}

/// A transport that moves nothing. Clones share what they remember.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    response: Box<dyn Fn(&Sent) -> Outcome + Send + Sync>,
    latency: Duration,
    started: Instant,
    sent: Mutex<Vec<Sent>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fake").field(&self.sent()).finish()
    }
}

impl Fake {
    /// An API that serves at once.
    pub(crate) fn new(response: impl Fn(&Sent) -> Outcome + Send + Sync + 'static) -> Self {
        Self::slow(Duration::ZERO, response)
    }

    /// An API that takes its time.
    pub(crate) fn slow(latency: Duration, response: impl Fn(&Sent) -> Outcome + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            response: Box::new(response),
            latency,
            started: Instant::now(),
            sent: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }))
    }

    /// An API that gives these responses one after the other.
    ///
    /// It panics when it is asked more often.
    pub(crate) fn script(responses: impl IntoIterator<Item = Outcome>) -> Self {
        let responses: Vec<Outcome> = responses.into_iter().collect();
        Self::new(move |sent| responses.get(sent.index).expect("a response for every request").clone())
    }

    /// Everything that was asked.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().unwrap().clone()
    }

    /// The lines of everything that was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }

    /// The most requests that were under way together.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.0.most_in_flight.load(Ordering::Relaxed)
    }

    /// The API of partner `examplePA` behind this transport, with pages of two
    /// items, at a thousand requests per second, at midnight of 2026-01-01.
    pub(crate) fn api(&self, key: ApiKey, telemetry: &Telemetry) -> PartnerApi<Self> {
        let partner = PartnerId::from("examplePA");
        let instruments = telemetry.partner(&partner);
        let rate = Rate { count: 1_000, per: Duration::from_secs(1) };
        let pacer = Pacer::new(rate, rate, instruments.clone());
        let settings = Settings { partner, page_size: PageSize::Fixed(2), max_items: 1_000 };
        let clock = Clock::virtual_from("2026-01-01T00:00:00Z".parse().unwrap());
        PartnerApi::new(self.clone(), settings, key, pacer, instruments, clock)
    }
}

impl Transport for Fake {
    async fn send(&self, request: &Request, key: &SecretString) -> Outcome {
        let inner = &self.0;
        let now = inner.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        inner.most_in_flight.fetch_max(now, Ordering::Relaxed);
        let sent = {
            let mut all = inner.sent.lock().unwrap();
            let sent = Sent {
                index: all.len(),
                at: inner.started.elapsed(),
                line: line(request),
                key: key.expose_secret().to_owned(),
            };
            all.push(sent.clone());
            sent
        };
        if inner.latency > Duration::ZERO {
            sleep(inner.latency).await;
        }
        let response = (inner.response)(&sent);
        inner.in_flight.fetch_sub(1, Ordering::Relaxed);
        response
    }
}

fn line(request: &Request) -> String {
    let path = request.path.join("/");
    let path = path.strip_prefix("partners/examplePA/").expect("a path below the partner");
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    match &request.patch {
        None => format!("GET {path}{mark}{}", query.join("&")),
        Some(body) => format!("PATCH {path}{mark}{} {body}", query.join("&")),
    }
}

/// 200 with a body.
pub(crate) fn ok(body: &Value) -> Outcome {
    Ok(Response { status: 200, retry_after: None, body: body.to_string().into() })
}

/// Any status, with a body that nobody needs.
pub(crate) fn status(status: u16) -> Outcome {
    Ok(Response { status, retry_after: None, body: "<html>".into() })
}

/// 429 with a `Retry-After`.
pub(crate) fn too_many(retry_after: Option<&str>) -> Outcome {
    Ok(Response { status: 429, retry_after: retry_after.map(str::to_owned), body: "".into() })
}

/// The key of a test that does not care for keys.
pub(crate) fn some_key() -> ApiKey {
    ApiKey::fixed(SecretString::from("some-key"))
}

/// The series of the API families that are not 0, sorted, without the partner
/// and without what measures time.
pub(crate) fn counts(telemetry: &Telemetry) -> Vec<String> {
    let counters = [
        "d360_api_requests_total",
        "d360_api_request_failures_total",
        "d360_api_retries_total",
        "d360_api_unknown_values_total",
        "d360_api_rejected_items_total",
    ];
    let mut counts = Vec::new();
    for family in telemetry.gather().iter().filter(|family| counters.contains(&family.name())) {
        for metric in family.get_metric().iter().filter(|metric| metric.get_counter().get_value() != 0.0) {
            let labels: Vec<&str> =
                metric.get_label().iter().filter(|l| l.name() != "partner_id").map(|l| l.value()).collect();
            let name = family.name().trim_start_matches("d360_api_").trim_end_matches("_total");
            counts.push(format!("{name}{{{}}} {}", labels.join(","), metric.get_counter().get_value()));
        }
    }
    counts.sort();
    counts
}
