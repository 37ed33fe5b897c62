//! The families of a partner as a whole.

use super::entry::{Entry, families};
use crate::family::Values;
use crate::fleet::WatchedField;
use crate::model::Reads;

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
    Partner Gauge "d360_partner_strategy" ["strategy" = Values::Of(Reads::TEXTS)],
        "1 for the strategy by which background polling currently reads the channels: one request per client, or the partner's whole channel list.",
        |state, out| if let Some(now) = state.strategy {
            out.states(Reads::TEXTS, now.as_str());
        };
    Partner Gauge "d360_partner_unconfirmed_removals" ["kind" = Values::Of(&["client", "channel"])],
        "Clients and channels that background polling no longer sees but has not yet confirmed as gone. Their series stay until then.",
        |state, out| {
            let (clients, channels) = state.unconfirmed_removals;
            out.sample(&["client"], clients.into());
            out.sample(&["channel"], channels.into());
        };
    Partner Gauge "d360_partner_balance" ["currency" = Values::Text("currency, lower case", "eur")],
        "Prepaid balance of the partner, read once an hour by background polling with --collect.balance. The last one stays if it cannot be read or is refused; d360_partner_balance_last_refresh_timestamp_seconds shows the age.",
        |state, out| for balance in &state.balances {
            out.sample(&[&balance.currency], balance.amount.into());
        };
    Partner Gauge "d360_partner_balance_last_refresh_timestamp_seconds" [],
        "When background polling last read the partner's balance, in Unix seconds.",
        |state, out| out.value(state.balance_read);
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
