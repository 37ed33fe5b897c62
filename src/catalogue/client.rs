//! The families of clients.

use super::entry::{Entry, families, polled};
use crate::family::Values;

/// One entry per family.
pub(super) const FAMILIES: &[Entry] = families! {
    ListedClient Gauge "d360_client_info" ["client_name" = Values::Text("name of the client", "Bakery One")],
        polled!("Information about the client; always 1."),
        |state, out| out.word(Some(state.client.name.as_deref().unwrap_or_default()));
    Client Gauge "d360_client_status" ["status" = Values::Text("status as the Partner API writes it, lower case", "active")],
        polled!("Current status of the client; always 1."),
        |state, out| out.word(state.client.status.as_deref());
    Client Gauge "d360_client_channels" [],
        polled!("Number of channels of the client."),
        |state, out| out.value(state.last_refresh.map(|_| state.channels.len()));
    Client Gauge "d360_client_max_channels" [],
        polled!("Maximum number of channels of the client; absent if unlimited."),
        |state, out| out.value(state.client.max_channels);
    Client Gauge "d360_client_created_timestamp_seconds" [],
        polled!("When the client was created, in Unix seconds."),
        |state, out| out.value(state.client.created_at);
    ClientFreshness Gauge "d360_client_up" [],
        "1 if the last attempt of background polling to read the client's channels succeeded, 0 if it failed.",
        |state, out| out.value(state.up);
    ClientFreshness Gauge "d360_client_last_refresh_timestamp_seconds" [],
        "When background polling last read the client's channels, in Unix seconds.",
        |state, out| out.value(state.last_refresh);
    Client Gauge "d360_client_balance" ["currency" = Values::Text("currency, lower case", "eur")],
        "Prepaid balance of the client, read once an hour by background polling with --collect.balance=clients. The last one stays for three hours if it cannot be read. If the API refuses it, all clients wait for an hour, then one is tried. Absent after a restart until it was read.",
        |state, out| for balance in &state.balances {
            out.sample(&[&balance.currency], balance.amount.into());
        };
    GoneClient Gauge "d360_client_gone_timestamp_seconds" ["client_name" = Values::Text("name of the client", "Bakery One")],
        "When background polling found that the client no longer exists, in Unix seconds. Stays for 7 days, over restarts with the state file, or until the client is back.",
        |gone, out| out.sample(&[gone.name.as_deref().unwrap_or_default()], gone.at.into());
};
