//! The families of a partner as a whole.

use super::entry::{Entry, families};
use crate::family::Values;
use crate::fleet::WatchedField;

/// One entry per family.
pub(super) const FAMILIES: &[Entry] = families! {
    Partner Gauge "d360_partner_up" [],
        "1 if the last attempt of background polling to list the partner's clients succeeded, 0 if it failed.",
        |state, out| out.value(state.up);
    Partner Gauge "d360_partner_last_refresh_timestamp_seconds" [],
        "When the last full cycle of background polling ended, in Unix seconds.",
        |state, out| out.value(state.last_cycle.map(|(at, _)| at));
    Partner Gauge "d360_partner_refresh_duration_seconds" [],
        "Duration of the last full cycle of background polling.",
        |state, out| out.value(state.last_cycle.map(|(_, took)| took.as_secs_f64()));
    Partner Counter "d360_channel_transitions_total" [
        "field" = Values::Of(WatchedField::COUNTED_TEXTS),
        "from" = Values::Text("previous value, none if it was absent", "ready"),
        "to" = Values::Text("new value, none if it is absent", "error"),
    ],
        "Changes of watched fields of channels, as seen by background polling.",
        |state, out| for (field, from, to, count) in state.transitions.iter() {
            out.sample(&[field.as_str(), from, to], count.into());
        };
};
