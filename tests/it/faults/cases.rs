//! The faults of the matrix, each as the simulator takes it.

use serde_json::{Value, json};

use super::Place;

/// A fault with its settings.
#[derive(Debug)]
pub(super) struct Fault {
    /// What the simulator calls it.
    pub(super) kind: &'static str,
    /// As `kind`, but different for each fault of one kind.
    pub(super) name: &'static str,
    /// The other fields, as JSON.
    settings: &'static str,
    /// What a reader of the matrix has to know of it.
    pub(super) means: &'static str,
    /// Whether a response comes through that says something about the fleet.
    pub(super) responds: bool,
}

const fn fault(kind: &'static str, settings: &'static str, means: &'static str) -> Fault {
    Fault { kind, name: kind, settings, means, responds: true }
}

/// A fault under which nothing is learned about the fleet.
const fn mute(kind: &'static str, settings: &'static str, means: &'static str) -> Fault {
    Fault { kind, name: kind, settings, means, responds: false }
}

/// Faults that are not part of the matrix. Each has tests of its own, and several change the fleet itself.
pub(super) const OUTSIDE: &[&str] = &[
    "unsuccessful",
    "inflated_total",
    "stale_list",
    "shifting_list",
    "refused_page_size",
    "missing_field",
    "ownerless_items",
    "foreign_items",
    "gzip",
    "byte_order_mark",
    "many_headers",
];

/// The faults of the matrix; a kind with two sides comes twice.
pub(super) const FAULTS: &[Fault] = &[
    fault("latency", r#"{"ms": 400}"#, "responses come late"),
    mute("rate_limited", r#"{"retry_after": 5}"#, "429"),
    mute("server_error", r#"{"status": 503}"#, "503"),
    mute("unauthorized", "{}", "401"),
    mute("forbidden", "{}", "403"),
    mute("not_found", "{}", "404"),
    mute("hang", "{}", "no response, ever"),
    fault("drip", r#"{"chunk": 256, "every_ms": 50}"#, "responses come in small pieces"),
    mute("truncated", "{}", "the connection closes in the middle"),
    mute("html", "{}", "200 with a web page"),
    mute("not_json", "{}", "200 with half an object"),
    mute("empty_body", "{}", "200 with an empty body"),
    mute("wrong_shape", "{}", "200 with JSON of another shape"),
    mute("redirect", "{}", "302"),
    fault("endless_pages", "{}", "every page is full of new items"),
    fault("repeated_page", "{}", "every page is the first one"),
    fault("clamped_pages", r#"{"limit": 1}"#, "pages hold one item"),
    fault("shuffled_pages", "{}", "another order at every request"),
    fault("overlapping_pages", "{}", "pages start half a page early"),
    Fault { name: "wrong_total_high", ..fault("wrong_total", r#"{"total": 1000}"#, "`total` too high") },
    Fault { name: "wrong_total_low", ..fault("wrong_total", r#"{"total": 1}"#, "`total` too low") },
    fault("wrong_count", "{}", "`count` too high"),
    fault("short_list", r#"{"keep": 2}"#, "two items, and a `total` of two"),
    fault("duplicates", "{}", "the first item is repeated, renamed"),
    fault("broken_item", "{}", "every third item is broken"),
    mute("huge_body", r#"{"mib": 64}"#, "more bytes than the limit"),
    mute("wrong_encoding", "{}", "the header says gzip, the body is plain"),
    fault("unknown_values", "{}", "enums hold unknown values"),
    fault("nulls", "{}", "everything but ids is null"),
];

/// The `total` that is too high: it gives a short list away.
pub(super) const TOTAL_TOO_HIGH: usize = 19;

/// The `total` that is too low.
pub(super) const TOTAL_TOO_LOW: usize = 20;

impl Fault {
    /// The fault for the simulator.
    pub(super) fn set(&self, place: Place, victim: &str) -> Value {
        let mut fault: Value = serde_json::from_str(self.settings).unwrap();
        fault["kind"] = json!(self.kind);
        match place {
            Place::OneClient => {
                fault["operation"] = json!("client_channels");
                fault["client_id"] = json!(victim);
            }
            Place::ClientList => fault["operation"] = json!("clients"),
            Place::PartnerList => fault["operation"] = json!("partner_channels"),
            Place::PerClient | Place::Bulk => {}
        }
        fault
    }
}
