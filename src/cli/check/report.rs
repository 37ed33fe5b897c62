//! What `check --live` says of one partner.

use std::fmt::Write as _;
use std::time::Duration;

use super::found::Found;
use crate::config::PartnerConfig;
use crate::model::{Endpoint, KeyField, Reads, Reason};
use crate::partner_api::{ApiError, Carried};
use crate::poller::{Strategy, bulk_requests, per_client_requests};
use crate::view::visible;

/// Everything that was found, for a person.
pub(super) fn report(partner: &PartnerConfig, found: &Found) -> String {
    let mut out = format!("partner {}\n", visible(partner.id.as_str()));
    let mut line = |what: &str, said: String| {
        let _ = writeln!(out, "  {what:<17} {}", visible(&said));
    };
    let clients = match &found.clients {
        Ok(listing) => {
            line("key", "works".to_owned());
            line("clients", readable(listing.items.len(), listing.is_complete()));
            listing.items.len()
        }
        Err(error) => {
            let key = match error.reason {
                Reason::Unauthorized => "refused",
                Reason::Forbidden | Reason::NotFound => "not for this partner id, or the id is wrong",
                _ => "not known, because the API gave no usable response",
            };
            line("key", key.to_owned());
            line("clients", unreadable(error));
            return out;
        }
    };
    let single = match &found.client_channels {
        Some((id, Ok(listing))) => format!("{} (of {id})", readable(listing.items.len(), listing.is_complete())),
        Some((id, Err(error))) => format!("{} (of {id})", unreadable(error)),
        None => "not asked for: there is no client".to_owned(),
    };
    line("one client", single);
    let channels = match &found.partner_channels {
        Some(Ok(channels)) => {
            line("all channels", readable(*channels, true));
            Some(*channels)
        }
        Some(Err(error)) => {
            line("all channels", unreadable(error));
            None
        }
        None => None,
    };
    for (what, said) in carried(found) {
        line(what, said);
    }
    line("per-client cycle", cost(partner, found, per_client_requests(clients, found.pace.page_size)));
    if let Some(channels) = channels {
        line("bulk cycle", cost(partner, found, bulk_requests(clients, channels, found.pace.page_size)));
    }
    line("strategy", strategy(partner, found, clients, channels.is_some()));
    let series = match channels {
        Some(_) => format!("{} series of channels, clients and the partner", found.series),
        None => "series of channels, clients and the partner".to_owned(),
    };
    line("exports", if found.sample.is_empty() { series } else { format!("{series}, such as") });
    for series in found.sample.lines() {
        let _ = writeln!(out, "    {}", visible(series));
    }
    out
}

fn readable(items: usize, complete: bool) -> String {
    let lacking = if complete { "" } else { ", but some items could not be read" };
    format!("readable: {items}{lacking}")
}

/// What the API does and does not carry.
fn carried(found: &Found) -> Vec<(&'static str, String)> {
    let lists = found.carried.iter().map(|(endpoint, carried)| match endpoint {
        Endpoint::PartnerChannels => ("fields of all", fields(carried)),
        _ => ("fields of one's", fields(carried)),
    });
    let balance = found.balances.as_ref().map(|read| match read {
        Ok(_) => ("balance", "readable".to_owned()),
        Err(error) => ("balance", unreadable(error)),
    });
    lists.chain(balance).collect()
}

/// How many channels came with each watched field.
fn fields(carried: &Carried) -> String {
    let items = carried.keys.items;
    let share = |field: &KeyField| {
        let with = items.saturating_sub(carried.keys.without[*field as usize]);
        format!("{} in {with} of {items}", field.as_str())
    };
    KeyField::ALL.iter().map(share).collect::<Vec<_>>().join(", ")
}

fn unreadable(error: &ApiError) -> String {
    format!("not readable: {error}")
}

/// Requests of a cycle, and how long they take at the pace that the pacer starts
/// with and at its most.
fn cost(partner: &PartnerConfig, found: &Found, requests: usize) -> String {
    let (start, most) = (found.pace.requests_per_second, partner.settings.max_rate.per_second());
    format!(
        "{requests} request{}: {} at the current {}, {} at --api.max-rate ({})",
        if requests == 1 { "" } else { "s" },
        duration(requests, start),
        per_second(start),
        duration(requests, most),
        per_second(most)
    )
}

fn strategy(partner: &PartnerConfig, found: &Found, clients: usize, can_read_in_bulk: bool) -> String {
    let settings = &partner.settings.poll;
    let asked = match settings.strategy {
        Strategy::PerClient => return "per-client, as --poll.strategy says".to_owned(),
        Strategy::Bulk => return "bulk, as --poll.strategy says".to_owned(),
        Strategy::Auto => "`auto` chooses",
    };
    let interval = humantime::format_duration(settings.interval);
    let room = found.pace.requests_per_second * settings.interval.as_secs_f64();
    match settings.strategy.choose(clients, found.pace, settings.interval) {
        Reads::PerClient => {
            format!("{asked} per-client: --poll.interval ({interval}) has room for {room:.0} requests")
        }
        Reads::Bulk if can_read_in_bulk => {
            format!("{asked} bulk: --poll.interval ({interval}) has room for only {room:.0} requests")
        }
        Reads::Bulk => format!(
            "{asked} per-client, because the partner's channel list can't be read; --poll.interval ({interval}) has \
             room for only {room:.0} requests, so cycles will run late"
        ),
    }
}

fn duration(requests: usize, per_second: f64) -> String {
    let seconds = Duration::try_from_secs_f64((requests as f64 / per_second).ceil()).unwrap_or(Duration::MAX);
    humantime::format_duration(seconds).to_string()
}

/// A rate with as many digits as tell it apart from nothing.
fn per_second(rate: f64) -> String {
    if rate >= 1.0 { format!("{rate:.0}/s") } else { format!("{:.0}/min", rate * 60.0) }
}
