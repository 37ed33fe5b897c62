//! The faults that are played, each as the simulator takes it.

use serde_json::{Value, json};

use super::Place;

/// A fault with its settings.
#[derive(Debug)]
pub(super) struct Fault {
    /// What the simulator calls it.
    pub(super) kind: &'static str,
    /// The other fields, as JSON.
    settings: &'static str,
    /// What a reader of the matrix has to know of it.
    pub(super) means: &'static str,
    /// Whether an answer comes through that says something of the fleet.
    pub(super) answers: bool,
}

const fn fault(kind: &'static str, settings: &'static str, means: &'static str) -> Fault {
    Fault { kind, settings, means, answers: true }
}

/// A fault under which nothing is learned of the fleet.
const fn mute(kind: &'static str, settings: &'static str, means: &'static str) -> Fault {
    Fault { kind, settings, means, answers: false }
}

/// Every fault of the simulator; one that has two sides comes twice.
pub(super) const FAULTS: &[Fault] = &[
    fault("latency", r#"{"ms": 400}"#, "answers come late"),
    mute("rate_limited", r#"{"retry_after": 5}"#, "429"),
    mute("server_error", r#"{"status": 503}"#, "503"),
    mute("unauthorized", "{}", "401"),
    mute("forbidden", "{}", "403"),
    mute("not_found", "{}", "404"),
    mute("hang", "{}", "no answer, ever"),
    fault("drip", r#"{"chunk": 256, "every_ms": 50}"#, "answers come in small pieces"),
    mute("truncated", "{}", "the connection closes in the middle"),
    mute("html", "{}", "200 with a web page"),
    mute("not_json", "{}", "200 with half an object"),
    mute("empty_body", "{}", "200 with nothing"),
    mute("wrong_shape", "{}", "200 with JSON of another shape"),
    mute("redirect", "{}", "302"),
    fault("endless_pages", "{}", "every page is full of new items"),
    fault("repeated_page", "{}", "every page is the first one"),
    fault("clamped_pages", r#"{"limit": 1}"#, "pages hold one item"),
    fault("shuffled_pages", "{}", "another order at every request"),
    fault("overlapping_pages", "{}", "pages start half a page early"),
    fault("wrong_total", r#"{"total": 1000}"#, "`total` too high"),
    fault("wrong_total", r#"{"total": 1}"#, "`total` too low"),
    fault("wrong_count", "{}", "`count` too high"),
    fault("short_list", r#"{"keep": 2}"#, "two items, and a `total` of two"),
    fault("duplicates", "{}", "the first item comes again, renamed"),
    fault("broken_item", "{}", "every third item is no item"),
    mute("huge_body", r#"{"mib": 64}"#, "more bytes than the limit"),
    mute("wrong_encoding", "{}", "gzip on the label, plain inside"),
    fault("unknown_values", "{}", "enums hold what nobody has seen"),
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
