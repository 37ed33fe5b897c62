//! The registry and typed handles to its instruments.
//!
//! Help texts come from the [`catalogue`]; a test holds names, types and labels
//! together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    CounterVec, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::catalogue;
use crate::model::{Endpoint, Field, PartnerId, Reason, Timestamp};

/// Buckets of a request's duration: from an answer of a near cache to the
/// default time-out. None of them is a power of ten, because OpenMetrics wants
/// those spelled another way than the text format does, and both shall hold the
/// same lines.
const DURATION_BUCKETS: &[f64] = &[0.025, 0.05, 0.15, 0.25, 0.5, 0.75, 1.5, 3.0, 6.0, 12.0, 30.0];

/// All own instruments. Clones share them.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    registry: Registry,
    requests: IntCounterVec,
    failures: IntCounterVec,
    retries: IntCounterVec,
    unknown_values: IntCounterVec,
    rejected_items: IntCounterVec,
    throttled: CounterVec,
    budget: GaugeVec,
    duration: HistogramVec,
    http_requests: IntCounterVec,
    /// How the last reload went.
    reloaded: AtomicBool,
    /// Whether the web configuration file is in force as it is.
    web_config: AtomicBool,
    /// Both of them.
    reload_successful: IntGauge,
    reload_success_timestamp: IntGauge,
    poll_interval: Gauge,
    max_staleness: Gauge,
    series: IntGauge,
    publish_duration: Gauge,
    /// By partner. Only people look at it: no metric tells a moment and a reason.
    last_failures: Mutex<BTreeMap<PartnerId, LastFailure>>,
}

/// The last request to the API, or walk through its pages, that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFailure {
    /// What was asked for.
    pub endpoint: Endpoint,
    /// Why it failed.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

/// Registers an instrument. The names are constants of this file, so that a
/// failure is a mistake in it, seen by the first test that runs.
#[expect(clippy::expect_used, reason = "names are constants; the first test sees a mistake")]
fn register<C: Collector + Clone + 'static>(registry: &Registry, instrument: prometheus::Result<C>) -> C {
    let instrument = instrument.expect("valid instrument");
    registry.register(Box::new(instrument.clone())).expect("unique instrument");
    instrument
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    /// A fresh set of instruments. `process_*` comes with it.
    pub fn new() -> Self {
        let registry = Registry::new();
        let r = &registry;
        let opts = |name: &str| Opts::new(name, catalogue::help(name));
        let partner_endpoint = ["partner_id", "endpoint"];
        let instruments = Instruments {
            requests: register(r, IntCounterVec::new(opts("d360_api_requests_total"), &partner_endpoint)),
            failures: register(
                r,
                IntCounterVec::new(opts("d360_api_request_failures_total"), &["partner_id", "endpoint", "reason"]),
            ),
            retries: register(r, IntCounterVec::new(opts("d360_api_retries_total"), &["partner_id", "reason"])),
            unknown_values: register(
                r,
                IntCounterVec::new(opts("d360_api_unknown_values_total"), &["partner_id", "field"]),
            ),
            rejected_items: register(r, IntCounterVec::new(opts("d360_api_rejected_items_total"), &partner_endpoint)),
            throttled: register(r, CounterVec::new(opts("d360_api_throttled_seconds_total"), &["partner_id"])),
            budget: register(r, GaugeVec::new(opts("d360_api_budget_requests_per_second"), &["partner_id"])),
            duration: register(
                r,
                HistogramVec::new(
                    HistogramOpts::from(opts("d360_api_request_duration_seconds")).buckets(DURATION_BUCKETS.to_vec()),
                    &["endpoint"],
                ),
            ),
            http_requests: register(
                r,
                IntCounterVec::new(opts("d360_exporter_http_requests_total"), &["handler", "code"]),
            ),
            reloaded: AtomicBool::new(false),
            web_config: AtomicBool::new(true),
            reload_successful: register(r, IntGauge::with_opts(opts("d360_exporter_config_last_reload_successful"))),
            reload_success_timestamp: register(
                r,
                IntGauge::with_opts(opts("d360_exporter_config_last_reload_success_timestamp_seconds")),
            ),
            poll_interval: register(r, Gauge::with_opts(opts("d360_exporter_poll_interval_seconds"))),
            max_staleness: register(r, Gauge::with_opts(opts("d360_exporter_max_staleness_seconds"))),
            series: register(r, IntGauge::with_opts(opts("d360_exporter_series"))),
            publish_duration: register(r, Gauge::with_opts(opts("d360_exporter_publish_duration_seconds"))),
            last_failures: Mutex::default(),
            registry: registry.clone(),
        };
        let build = register(r, IntGaugeVec::new(opts("d360_exporter_build_info"), &["version", "revision"]));
        build.with_label_values(&[crate::VERSION, crate::REVISION]).set(1);
        for endpoint in Endpoint::ALL {
            instruments.duration.with_label_values(&[endpoint.as_str()]);
        }
        for code in ["200", "503"] {
            instruments.http_requests.with_label_values(&["/metrics", code]);
        }
        #[cfg(target_os = "linux")]
        let _ = registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()));
        Self(Arc::new(instruments))
    }

    /// The handle of one partner; all of its series start to exist.
    pub fn partner(&self, partner: &PartnerId) -> PartnerInstruments {
        let handle = PartnerInstruments { telemetry: self.clone(), partner: partner.clone() };
        let id = partner.as_str();
        let i = &self.0;
        for endpoint in Endpoint::ALL {
            i.requests.with_label_values(&[id, endpoint.as_str()]);
            i.rejected_items.with_label_values(&[id, endpoint.as_str()]);
            for reason in Reason::ALL {
                i.failures.with_label_values(&[id, endpoint.as_str(), reason.as_str()]);
            }
        }
        for reason in Reason::ALL.iter().filter(|r| r.is_transient()) {
            i.retries.with_label_values(&[id, reason.as_str()]);
        }
        for field in Field::ALL {
            i.unknown_values.with_label_values(&[id, field.as_str()]);
        }
        i.throttled.with_label_values(&[id]);
        i.budget.with_label_values(&[id]);
        handle
    }

    /// Takes away the series of a partner that is no longer configured.
    pub fn forget(&self, partner: &PartnerId) {
        let id = partner.as_str();
        let i = &self.0;
        // A series that is not there any more is what was wanted.
        for endpoint in Endpoint::ALL {
            let _ = i.requests.remove_label_values(&[id, endpoint.as_str()]);
            let _ = i.rejected_items.remove_label_values(&[id, endpoint.as_str()]);
            for reason in Reason::ALL {
                let _ = i.failures.remove_label_values(&[id, endpoint.as_str(), reason.as_str()]);
            }
        }
        for reason in Reason::ALL {
            let _ = i.retries.remove_label_values(&[id, reason.as_str()]);
        }
        for field in Field::ALL {
            let _ = i.unknown_values.remove_label_values(&[id, field.as_str()]);
        }
        let _ = i.throttled.remove_label_values(&[id]);
        let _ = i.budget.remove_label_values(&[id]);
        i.last_failures.lock().unwrap_or_else(PoisonError::into_inner).remove(partner);
    }

    /// Requests per second that a partner's pacer allows now.
    pub fn budget(&self, partner: &PartnerId) -> Option<f64> {
        // Collected, because to ask for a series by its labels would make it.
        let families = self.0.budget.collect();
        let mut series = families.iter().flat_map(MetricFamily::get_metric);
        let of_partner = series.find(|series| series.get_label().iter().any(|pair| pair.value() == partner.as_str()));
        of_partner.map(|series| series.get_gauge().get_value())
    }

    /// What failed last at a partner's API.
    pub fn last_failure(&self, partner: &PartnerId) -> Option<LastFailure> {
        self.0.last_failures.lock().unwrap_or_else(PoisonError::into_inner).get(partner).copied()
    }

    /// Counts an answer of the web server.
    pub fn http_request(&self, handler: &str, code: u16) {
        let mut digits = itoa::Buffer::new();
        self.0.http_requests.with_label_values(&[handler, digits.format(code)]).inc();
    }

    /// Takes note of a reload, or of the start, which is the first one.
    pub fn reloaded(&self, successful: bool, now: Timestamp) {
        self.0.reloaded.store(successful, Ordering::Relaxed);
        self.show_reload();
        if successful {
            self.0.reload_success_timestamp.set(now.as_second());
        }
    }

    /// Takes note of whether the web configuration file, which is read again by
    /// itself, is in force as it is now.
    pub fn web_config(&self, in_force: bool) {
        self.0.web_config.store(in_force, Ordering::Relaxed);
        self.show_reload();
    }

    fn show_reload(&self) {
        let successful = self.0.reloaded.load(Ordering::Relaxed) && self.0.web_config.load(Ordering::Relaxed);
        self.0.reload_successful.set(i64::from(successful));
    }

    /// Tells the settings that alert rules compare with.
    pub fn settings(&self, poll_interval: Duration, max_staleness: Duration) {
        self.0.poll_interval.set(poll_interval.as_secs_f64());
        self.0.max_staleness.set(max_staleness.as_secs_f64());
    }

    /// Takes note of a publication.
    pub fn published(&self, series: usize, took: Duration) {
        self.0.series.set(i64::try_from(series).unwrap_or(i64::MAX));
        self.0.publish_duration.set(took.as_secs_f64());
    }

    /// All own families, sorted by name, with labels in the catalogue's order
    /// (the crate sorts them by name).
    pub fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.0.registry.gather();
        for family in &mut families {
            let order = catalogue::labels(family.name());
            for metric in family.mut_metric() {
                let mut labels = metric.take_label();
                labels.sort_by_key(|pair| order.iter().position(|name| *name == pair.name()));
                metric.set_label(labels);
            }
        }
        families
    }
}

/// The API instruments of one partner.
#[derive(Debug, Clone)]
pub struct PartnerInstruments {
    telemetry: Telemetry,
    partner: PartnerId,
}

impl PartnerInstruments {
    fn get(&self) -> (&Instruments, &str) {
        (&self.telemetry.0, self.partner.as_str())
    }

    /// Whose instruments these are.
    pub fn partner(&self) -> &PartnerId {
        &self.partner
    }

    /// Counts a request that was sent.
    pub fn request(&self, endpoint: Endpoint, took: Duration) {
        let (i, id) = self.get();
        i.requests.with_label_values(&[id, endpoint.as_str()]).inc();
        i.duration.with_label_values(&[endpoint.as_str()]).observe(took.as_secs_f64());
    }

    /// Counts a failure, and remembers it as the last one.
    pub fn failure(&self, endpoint: Endpoint, reason: Reason, at: Timestamp) {
        let (i, id) = self.get();
        i.failures.with_label_values(&[id, endpoint.as_str(), reason.as_str()]).inc();
        let failure = LastFailure { endpoint, reason, at };
        i.last_failures.lock().unwrap_or_else(PoisonError::into_inner).insert(self.partner.clone(), failure);
    }

    /// Counts a request that is sent again.
    pub fn retry(&self, reason: Reason) {
        let (i, id) = self.get();
        i.retries.with_label_values(&[id, reason.as_str()]).inc();
    }

    /// Counts a value that nobody has seen.
    pub fn unknown_value(&self, field: Field) {
        let (i, id) = self.get();
        i.unknown_values.with_label_values(&[id, field.as_str()]).inc();
    }

    /// Counts items that were left out.
    pub fn rejected(&self, endpoint: Endpoint, items: usize) {
        let (i, id) = self.get();
        i.rejected_items.with_label_values(&[id, endpoint.as_str()]).inc_by(items as u64);
    }

    /// Adds time that a request waited for the budget.
    pub fn throttled(&self, waited: Duration) {
        let (i, id) = self.get();
        i.throttled.with_label_values(&[id]).inc_by(waited.as_secs_f64());
    }

    /// Tells the rate that the pacer allows.
    pub fn budget(&self, requests_per_second: f64) {
        let (i, id) = self.get();
        i.budget.with_label_values(&[id]).set(requests_per_second);
    }
}
