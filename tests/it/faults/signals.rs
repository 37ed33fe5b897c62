//! Where a fault shows: the exporter's own metrics before and after it.

use std::collections::BTreeSet;

use super::{INTERVAL, Place};
use crate::harness::Exposition;

/// One way in which a fault shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    /// `d360_client_up` was 0.
    ClientDown,
    /// `d360_partner_up` was 0.
    PartnerDown,
    /// `d360_client_last_refresh_timestamp_seconds` of a client stood still.
    Old,
    /// `d360_api_request_failures_total` grew.
    Failures,
    /// `d360_api_retries_total` grew.
    Retries,
    /// `d360_api_rejected_items_total` grew.
    Rejected,
    /// `d360_api_unknown_values_total` grew.
    Unknown,
    /// `d360_api_request_duration_seconds` grew.
    Slow,
    /// `d360_api_requests_total` grew faster than usual, retries aside.
    More,
    /// Series of the fleet follow what the API said.
    Data,
}

impl Signal {
    /// All of them, each with its letter in the matrix and what it stands for.
    pub(super) const ALL: &[(Self, char, &str)] = &[
        (Self::ClientDown, 'c', "`d360_client_up` 0"),
        (Self::PartnerDown, 'p', "`d360_partner_up` 0"),
        (Self::Old, 'a', "`d360_client_last_refresh_timestamp_seconds` stands still"),
        (Self::Failures, 'f', "`d360_api_request_failures_total`"),
        (Self::Retries, 't', "`d360_api_retries_total`"),
        (Self::Rejected, 'r', "`d360_api_rejected_items_total`"),
        (Self::Unknown, 'u', "`d360_api_unknown_values_total`"),
        (Self::Slow, 's', "`d360_api_request_duration_seconds`"),
        (Self::More, 'm', "more of `d360_api_requests_total`"),
        (Self::Data, 'd', "the data follow the API"),
    ];
}

/// Where a case showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signals {
    pub(super) all: BTreeSet<Signal>,
    /// `reason` of the failures.
    pub(super) reasons: BTreeSet<String>,
}

impl Signals {
    pub(super) fn note(&mut self, signal: Signal) {
        self.all.insert(signal);
    }
}

/// What the exporter's counters stand at.
struct Counters(Exposition);

impl Counters {
    fn sum(&self, family: &str) -> f64 {
        self.0.sum(family, &[])
    }

    /// Sum and count of the durations of requests.
    fn durations(&self) -> [f64; 2] {
        let family = self.0.series(|name| name == "d360_api_request_duration_seconds");
        ["_sum", "_count"].map(|end| family.iter().filter(|((n, _), _)| n.ends_with(end)).map(|(_, v)| v).sum())
    }
}

/// Watches a case.
pub(super) struct Watch {
    usual_requests: f64,
    before: Counters,
    /// Clients that were down at some publication.
    down: BTreeSet<String>,
    partner_down: bool,
    began: i64,
}

impl Watch {
    /// Begins at `before`.
    pub(super) fn new(before: &Exposition, usual_requests: f64, began: i64) -> Self {
        let before = Counters(before.clone());
        Self { usual_requests, before, down: BTreeSet::new(), partner_down: false, began }
    }

    /// Looks at who can't be read at a publication.
    pub(super) fn look(&mut self, down: Vec<String>, partner_is_up: bool) {
        self.down.extend(down);
        self.partner_down |= !partner_is_up;
    }

    /// Ends when the fault does. Fails if it reached whom it does not concern.
    pub(super) fn signals(
        self,
        after: &Exposition,
        now: i64,
        place: Place,
        victim: Option<&str>,
    ) -> Result<Signals, String> {
        let after = Counters(after.clone());
        let grew = |family: &str| after.sum(family) - self.before.sum(family);
        let [(sum, count), (sum_before, count_before)] =
            [after.durations(), self.before.durations()].map(|[s, c]| (s, c));
        let mean = (sum - sum_before) / (count - count_before).max(1.0);
        let retries = grew("d360_api_retries_total");
        let old = self.old(&after, now, 2);
        let checks = [
            (Signal::ClientDown, !self.down.is_empty()),
            (Signal::PartnerDown, self.partner_down),
            (Signal::Old, !old.is_empty()),
            (Signal::Failures, grew("d360_api_request_failures_total") > 0.0),
            (Signal::Retries, retries > 0.0),
            (Signal::Rejected, grew("d360_api_rejected_items_total") > 0.0),
            (Signal::Unknown, grew("d360_api_unknown_values_total") > 0.0),
            (Signal::Slow, mean > 0.01),
            (Signal::More, grew("d360_api_requests_total") - retries > self.usual_requests * 1.25),
        ];
        let mut signals = Signals::default();
        signals.all.extend(checks.into_iter().filter(|(_, shows)| *shows).map(|(signal, _)| signal));
        for ((_, labels), value) in after.0.matching("d360_api_request_failures_total", &[]) {
            let labels: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            if self.before.0.value("d360_api_request_failures_total", &labels).unwrap_or_default() < value {
                signals.reasons.extend(labels.iter().find(|(name, _)| *name == "reason").map(|(_, v)| (*v).to_owned()));
            }
        }
        if let Some(victim) = victim
            && (self.partner_down || self.down.iter().any(|client| client != victim))
        {
            return Err(format!("expected trouble with {victim} alone, found it with {:?}", self.down));
        }
        // An endless list takes its share of the pace.
        let late = self.old(&after, now, 4);
        if let Some(victim) = victim
            && late.iter().any(|client| client != victim)
        {
            return Err(format!("expected the others of {victim} to be read on, found unread {late:?}"));
        }
        if place == Place::PartnerList && self.partner_down && !signals.reasons.contains("unauthorized") {
            return Err("expected the clients to be listed, found the partner down".to_owned());
        }
        Ok(signals)
    }

    /// Clients that were not read for so many intervals.
    fn old(&self, after: &Counters, now: i64, intervals: i64) -> BTreeSet<String> {
        let oldest = (now - intervals * INTERVAL.as_secs().cast_signed()).max(self.began);
        let read = after.0.matching("d360_client_last_refresh_timestamp_seconds", &[]);
        read.into_iter().filter(|(_, at)| (*at as i64) < oldest).map(|((_, labels), _)| labels[1].1.clone()).collect()
    }
}
