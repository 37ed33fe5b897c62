//! The exporter's own metrics, and typed handles to them.
//!
//! One declaration per instrument: its family, field, first series and removal
//! follow from it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    CounterVec, Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};

use super::declare::{Instrument, instruments, register};
use super::logging;
use crate::family::{Family, Kind, Scope, Values};
use crate::model::{Endpoint, Field, KeyField, Keys, PartnerId, Reason, RejectReason, Timestamp, words};

const PARTNER: Values = Values::Id("examplePA");
const ENDPOINT: Values = Values::Of(Endpoint::TEXTS);

words! {
    /// Why the web server refused a connection or request.
    HttpRejection {
        /// More requests at a time than `--web.max-requests`.
        Requests = "requests",
        /// More connections than `--web.max-connections`.
        Connections = "connections",
        /// More passwords to check than there is time for.
        Passwords = "passwords",
    }
}

instruments! {
    /// One field per family.
    struct Instruments {
        Api budget: GaugeVec = "d360_api_budget_requests_per_second" ["partner_id" = PARTNER]
            "Requests per second that the adaptive rate limit allows now.";
        Api items: IntGaugeVec = "d360_api_items" ["partner_id" = PARTNER, "endpoint" = Values::Of(Endpoint::LIST_TEXTS)]
            "Items in the last read of a list by background polling; of the clients' channel lists, in the last read of each.";
        Api items_without_field: IntGaugeVec = "d360_api_items_without_field"
            ["partner_id" = PARTNER, "endpoint" = Values::Of(Endpoint::CHANNEL_LIST_TEXTS), "field" = Values::Of(KeyField::TEXTS)]
            "Items of d360_api_items that lack the key of the field. A key whose value is null counts as present.";
        Api rejected_items: IntCounterVec = "d360_api_rejected_items_total"
            ["partner_id" = PARTNER, "endpoint" = ENDPOINT, "reason" = Values::Of(RejectReason::TEXTS)]
            "Items of API responses that were skipped.";
        Api duration: HistogramVec = "d360_api_request_duration_seconds" ["endpoint" = ENDPOINT]
            "Duration of requests to the Partner API, from start to last byte.";
        Api failures: IntCounterVec = "d360_api_request_failures_total"
            ["partner_id" = PARTNER, "endpoint" = ENDPOINT, "reason" = Values::Of(Reason::TEXTS)]
            "Failed requests to the Partner API, and failed paginated lists.";
        Api requests: IntCounterVec = "d360_api_requests_total" ["partner_id" = PARTNER, "endpoint" = ENDPOINT]
            "Requests sent to the Partner API, retries included.";
        Api retries: IntCounterVec = "d360_api_retries_total"
            ["partner_id" = PARTNER, "reason" = Values::Of(Reason::TRANSIENT_TEXTS)]
            "Requests to the Partner API that were sent again after a failure.";
        Api throttled: CounterVec = "d360_api_throttled_seconds_total" ["partner_id" = PARTNER]
            "Seconds that requests waited for the client-side rate limit.";
        Api unknown_values: IntCounterVec = "d360_api_unknown_values_total"
            ["partner_id" = PARTNER, "field" = Values::Of(Field::TEXTS)]
            "Values in API responses that this version of the exporter does not know.";
        Exporter build: IntGaugeVec = "d360_exporter_build_info"
            ["version" = Values::Text("version of the exporter", "1.0.0"), "revision" = Values::Text("Git revision", "f1f2a7b")]
            "Version of the exporter; always 1.";
        Exporter reload_success_timestamp: IntGauge = "d360_exporter_config_last_reload_success_timestamp_seconds" []
            "When the configuration was last loaded successfully, in Unix seconds.";
        Exporter reload_successful: IntGauge = "d360_exporter_config_last_reload_successful" []
            "1 if the last attempt to load the configuration succeeded, 0 if it failed.";
        Exporter http_requests: IntCounterVec = "d360_exporter_http_requests_total"
            ["handler" = Values::Text("path that was asked for", "/metrics"), "code" = Values::Text("HTTP status", "200")]
            "Responses of the exporter's web server.";
        Exporter http_connections: IntGaugeVec = "d360_exporter_http_connections" []
            "Open connections to the exporter's web server.";
        Exporter http_rejected: IntCounterVec = "d360_exporter_http_rejected_total"
            ["reason" = Values::Of(HttpRejection::TEXTS)]
            "Connections and requests that the exporter's web server refused to protect itself.";
        Exporter log_lines_dropped: IntCounter = "d360_exporter_log_lines_dropped_total" []
            "Log lines that were dropped because whatever reads the log is too slow.";
        Exporter max_staleness: Gauge = "d360_exporter_max_staleness_seconds" []
            "How long data that cannot be refreshed stays exposed.";
        Exporter poll_interval: Gauge = "d360_exporter_poll_interval_seconds" []
            "Configured duration of one full polling cycle.";
        Exporter publish_duration: Gauge = "d360_exporter_publish_duration_seconds" []
            "Duration of the last publication of changed data.";
        Exporter series: IntGauge = "d360_exporter_series" []
            "Exposed series of channels, WhatsApp business accounts, clients and partners.";
        Exporter state_last_write: IntGaugeVec = "d360_exporter_state_last_write_timestamp_seconds" []
            "When the state file was last written, in Unix seconds; absent until then.";
        Exporter state_write_failures: IntCounterVec = "d360_exporter_state_write_failures_total" []
            "Writes of the state file that failed, took too long or were skipped; absent without --state.file.";
        Exporter truncated: IntGauge = "d360_exporter_truncated_label_values" []
            "Exposed label values that are cut to --metrics.max-label-length.";
        Partner shard: IntGaugeVec = "d360_partner_shard"
            ["partner_id" = PARTNER, "shard" = Values::Text("index of the shard, from 0", "0"), "total_shards" = Values::Text("number of shards", "1")]
            "Which part of the partner's clients this exporter polls; always 1.";
    }
    collected {
        Exporter Counter = "process_cpu_seconds_total" "Total user and system CPU time spent in seconds.";
        Exporter Gauge = "process_max_fds" "Maximum number of open file descriptors.";
        Exporter Gauge = "process_open_fds" "Number of open file descriptors.";
        Exporter Gauge = "process_resident_memory_bytes" "Resident memory size in bytes.";
        Exporter Gauge = "process_start_time_seconds" "Start time of the process since unix epoch in seconds.";
        Exporter Gauge = "process_threads" "Number of OS threads in the process.";
        Exporter Gauge = "process_virtual_memory_bytes" "Virtual memory size in bytes.";
    }
}

/// The exporter's own metrics. Clones share them.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Registry,
    instruments: Instruments,
    /// How the last reload went.
    reloaded: AtomicBool,
    /// Whether the web configuration file is in force as it is.
    web_config: AtomicBool,
    /// By partner. Only people look at it: no metric shows a moment and a reason.
    last_failures: Mutex<BTreeMap<PartnerId, LastFailure>>,
}

/// The last request to the API, or paginated list, that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFailure {
    /// What was asked for.
    pub endpoint: Endpoint,
    /// Why it failed.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
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
        let instruments = Instruments::new(&registry);
        instruments.build.with_label_values(&[crate::VERSION, crate::REVISION]).set(1);
        for code in ["200", "503"] {
            instruments.http_requests.with_label_values(&["/metrics", code]);
        }
        #[cfg(target_os = "linux")]
        let _ = registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()));
        Self(Arc::new(Shared {
            registry,
            instruments,
            reloaded: AtomicBool::new(false),
            web_config: AtomicBool::new(true),
            last_failures: Mutex::default(),
        }))
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    /// The handle of one partner; all of its series start to exist.
    pub fn partner(&self, partner: &PartnerId) -> PartnerInstruments {
        self.instruments().start(partner.as_str());
        PartnerInstruments { telemetry: self.clone(), partner: partner.clone() }
    }

    /// Removes the series of a partner that is no longer configured.
    pub fn forget(&self, partner: &PartnerId) {
        self.instruments().forget(partner.as_str());
        self.0.last_failures.lock().unwrap_or_else(PoisonError::into_inner).remove(partner);
    }

    /// Requests per second that a partner's pacer allows now.
    pub fn budget(&self, partner: &PartnerId) -> Option<f64> {
        // Collected, because to ask for a series by its labels would make it.
        let families = self.instruments().budget.collect();
        let mut series = families.iter().flat_map(MetricFamily::get_metric);
        let of_partner = series.find(|series| series.get_label().iter().any(|pair| pair.value() == partner.as_str()));
        of_partner.map(|series| series.get_gauge().get_value())
    }

    /// What failed last at a partner's API.
    pub fn last_failure(&self, partner: &PartnerId) -> Option<LastFailure> {
        self.0.last_failures.lock().unwrap_or_else(PoisonError::into_inner).get(partner).copied()
    }

    /// Counts a response of the web server.
    pub fn http_request(&self, handler: &str, code: u16) {
        let mut digits = itoa::Buffer::new();
        self.instruments().http_requests.with_label_values(&[handler, digits.format(code)]).inc();
    }

    /// Shows how many connections to the web server are open.
    pub fn http_connections(&self, open: usize) {
        self.instruments().http_connections.with_label_values::<&str>(&[]).set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Counts a connection or request that the web server refused.
    pub fn http_rejected(&self, reason: HttpRejection) {
        self.instruments().http_rejected.with_label_values(&[reason.as_str()]).inc();
    }

    /// Shows that there is a state file: its failures count from 0.
    pub fn state_file_in_use(&self) {
        self.instruments().state_write_failures.with_label_values::<&str>(&[]);
    }

    /// Records a state file that was written.
    pub fn state_written(&self, at: Timestamp) {
        self.instruments().state_last_write.with_label_values::<&str>(&[]).set(at.as_second());
    }

    /// Counts a write of the state file that failed, took too long or was skipped.
    pub fn state_write_failed(&self) {
        self.instruments().state_write_failures.with_label_values::<&str>(&[]).inc();
    }

    /// Records a reload, or of the start, which is the first one.
    pub fn reloaded(&self, successful: bool, now: Timestamp) {
        self.0.reloaded.store(successful, Ordering::Relaxed);
        self.show_reload();
        if successful {
            self.instruments().reload_success_timestamp.set(now.as_second());
        }
    }

    /// Moves the times that are shown as far as somebody set the wall clock.
    pub fn wall_clock_set(&self, by: SignedDuration) {
        self.instruments().reload_success_timestamp.add(by.as_secs());
    }

    /// Records whether the web configuration file, which is read again by
    /// itself, is in force as it is now.
    pub fn web_config(&self, in_force: bool) {
        self.0.web_config.store(in_force, Ordering::Relaxed);
        self.show_reload();
    }

    fn show_reload(&self) {
        let successful = self.0.reloaded.load(Ordering::Relaxed) && self.0.web_config.load(Ordering::Relaxed);
        self.instruments().reload_successful.set(i64::from(successful));
    }

    /// Exports the settings that alert rules compare with.
    pub fn settings(&self, poll_interval: Duration, max_staleness: Duration) {
        self.instruments().poll_interval.set(poll_interval.as_secs_f64());
        self.instruments().max_staleness.set(max_staleness.as_secs_f64());
    }

    /// Records a publication.
    pub fn published(&self, series: usize, truncated_label_values: usize, took: Duration) {
        self.instruments().series.set(i64::try_from(series).unwrap_or(i64::MAX));
        self.instruments().truncated.set(i64::try_from(truncated_label_values).unwrap_or(i64::MAX));
        self.instruments().publish_duration.set(took.as_secs_f64());
    }

    /// All own families, sorted by name, with labels in the declared order
    /// (the crate sorts them by name).
    pub fn gather(&self) -> Vec<MetricFamily> {
        // The log belongs to the process, and may drop lines before there are metrics.
        let shown = &self.instruments().log_lines_dropped;
        shown.inc_by(logging::dropped().saturating_sub(shown.get()));
        let mut families = self.0.registry.gather();
        for family in &mut families {
            let order = FAMILIES.iter().find(|f| f.name == family.name()).map_or(&[][..], |f| f.labels);
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
        (self.telemetry.instruments(), self.partner.as_str())
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
        self.telemetry
            .0
            .last_failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.partner.clone(), failure);
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

    /// Counts items that were skipped.
    pub fn rejected(&self, endpoint: Endpoint, reason: RejectReason, items: usize) {
        let (i, id) = self.get();
        i.rejected_items.with_label_values(&[id, endpoint.as_str(), reason.as_str()]).inc_by(items as u64);
    }

    /// Shows how many channels a list held, and how many of them lacked a key.
    pub fn items(&self, endpoint: Endpoint, keys: &Keys) {
        let (i, id) = self.get();
        i.items.with_label_values(&[id, endpoint.as_str()]).set(keys.items.into());
        for (field, without) in KeyField::ALL.iter().zip(keys.without) {
            i.items_without_field.with_label_values(&[id, endpoint.as_str(), field.as_str()]).set(without.into());
        }
    }

    /// Shows how many items a list held that has no keys to watch.
    pub fn items_without_keys(&self, endpoint: Endpoint, items: usize) {
        let (i, id) = self.get();
        i.items.with_label_values(&[id, endpoint.as_str()]).set(i64::try_from(items).unwrap_or(i64::MAX));
    }

    /// Shows which shard of the partner's clients is polled.
    pub fn shard(&self, shard: u32, total_shards: u32) {
        let (i, id) = self.get();
        i.shard.with_label_values(&[id, &shard.to_string(), &total_shards.to_string()]).set(1);
    }

    /// Adds time that a request waited for the budget.
    pub fn throttled(&self, waited: Duration) {
        let (i, id) = self.get();
        i.throttled.with_label_values(&[id]).inc_by(waited.as_secs_f64());
    }

    /// Exports the rate that the pacer allows.
    pub fn budget(&self, requests_per_second: f64) {
        let (i, id) = self.get();
        i.budget.with_label_values(&[id]).set(requests_per_second);
    }
}
