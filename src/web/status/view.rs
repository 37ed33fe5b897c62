//! What the template is filled with: the publication in words for a person.

use std::time::Duration;

use askama::Template;

use super::search::Search;
use crate::exposition::{PartnerSummary, Snapshot};
use crate::fleet::{Listed, Overview};
use crate::model::{Availability, Channel, QualityRating, ShortText, Timestamp};
use crate::telemetry::Telemetry;

/// Channels that a list shows. Who has more trouble than that needs a
/// dashboard, and who finds more a better search.
const MOST_LISTED: usize = 100;

/// Where the runbooks are: the placeholder that the alerts have, too.
const RUNBOOKS: &str = "https://d360-exporter.example/runbooks";

/// The status page.
#[derive(Template)]
#[template(path = "status.html")]
pub(super) struct Page {
    version: &'static str,
    revision: &'static str,
    telemetry_path: String,
    ready: bool,
    series: usize,
    now: String,
    fleet: Overview,
    in_need: usize,
    shares: [Share; 2],
    partners: Vec<Partner>,
    query: String,
    found: Option<Channels>,
    attention: Channels,
}

/// How the fleet divides by one field.
struct Share {
    title: &'static str,
    states: Vec<State>,
}

/// A state, how many channels are in it, and its piece of a bar that is 1000
/// wide.
struct State {
    name: &'static str,
    count: usize,
    start: usize,
    width: usize,
}

struct Partner {
    id: String,
    up: bool,
    cycle: Option<(Moment, String)>,
    budget: Option<String>,
    failure: Option<(String, Moment)>,
    clients: usize,
    unreadable_clients: usize,
    channels: usize,
}

/// A point in time: for machines, and as an age for people.
struct Moment {
    at: String,
    age: String,
}

/// Channels, as many as are listed, and how many more there are.
struct Channels {
    rows: Vec<Row>,
    more: usize,
}

struct Row {
    name: String,
    phone_number: String,
    client: String,
    channel_id: String,
    availability: &'static str,
    quality: &'static str,
    status: &'static str,
    event: String,
    ending: bool,
    since: Option<Moment>,
    runbook: Option<String>,
}

impl Page {
    /// The page of one publication, as it stands `now`.
    pub(super) fn new(
        snapshot: &Snapshot,
        telemetry: &Telemetry,
        telemetry_path: &str,
        ready: bool,
        search: &Search,
        now: Timestamp,
    ) -> Self {
        let parts = || snapshot.partners().iter().flat_map(|partner| &partner.parts);
        let fleet = sum(parts().map(|part| &**part));
        let attention: Vec<&Listed> = parts().flat_map(|part| &part.attention).collect();
        let found = (!search.is_empty()).then(|| {
            let all = parts().flat_map(|part| &part.all);
            all.filter(|listed| search.finds(listed, &snapshot.phone_number(&listed.channel))).collect()
        });
        let list = |channels| list(snapshot, channels, now);
        Self {
            version: crate::VERSION,
            revision: crate::REVISION,
            telemetry_path: telemetry_path.to_owned(),
            ready,
            series: snapshot.series(),
            now: now.strftime("%Y-%m-%d %H:%M:%S UTC"),
            in_need: attention.len(),
            shares: [
                share("Availability", Availability::ALL.iter().map(|s| s.as_str()), &fleet.by_availability),
                share("Quality rating", QualityRating::ALL.iter().map(|s| s.as_str()), &fleet.by_quality),
            ],
            fleet,
            partners: snapshot.partners().iter().map(|summary| partner(summary, telemetry, now)).collect(),
            query: search.text().to_owned(),
            found: found.map(list),
            attention: list(attention),
        }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Overview>) -> Overview {
    let mut sum = Overview::default();
    parts.for_each(|part| sum.add_numbers(part));
    sum
}

fn share(title: &'static str, names: impl Iterator<Item = &'static str>, counts: &[usize]) -> Share {
    let whole = counts.iter().sum::<usize>().max(1);
    let mut before = 0;
    let states = names.zip(counts).map(|(name, &count)| {
        let start = before * 1000 / whole;
        before += count;
        State { name, count, start, width: before * 1000 / whole - start }
    });
    Share { title, states: states.collect() }
}

fn partner(summary: &PartnerSummary, telemetry: &Telemetry, now: Timestamp) -> Partner {
    let Overview { clients, unreadable_clients, channels, .. } = sum(summary.parts.iter().map(|part| &**part));
    let failure = telemetry.last_failure(&summary.partner);
    Partner {
        id: summary.partner.to_string(),
        up: summary.state.up == Some(true),
        cycle: summary.state.last_cycle.map(|(at, took)| (moment(at, now), span(took))),
        budget: telemetry.budget(&summary.partner).map(|rate| format!("{rate:.1}")),
        failure: failure.map(|f| (format!("{} ({})", f.reason.as_str(), f.endpoint.as_str()), moment(f.at, now))),
        clients,
        unreadable_clients,
        channels,
    }
}

/// The worst first; those with the same trouble in order of their ids.
fn list(snapshot: &Snapshot, mut channels: Vec<&Listed>, now: Timestamp) -> Channels {
    channels.sort_by_cached_key(|listed| (listed.rank(), listed.client.id.clone(), listed.channel.id.clone()));
    let more = channels.len().saturating_sub(MOST_LISTED);
    Channels { rows: channels.into_iter().take(MOST_LISTED).map(|listed| row(snapshot, listed, now)).collect(), more }
}

fn row(snapshot: &Snapshot, listed: &Listed, now: Timestamp) -> Row {
    let Listed { client, channel, changed_at } = listed;
    let named = |name: &Option<ShortText>, id: &str| match name.as_deref() {
        Some(name) if !name.trim().is_empty() => name.to_owned(),
        _ => id.to_owned(),
    };
    Row {
        name: named(&channel.display_name, channel.id.as_str()),
        phone_number: snapshot.phone_number(channel).into_owned(),
        client: named(&client.name, client.id.as_str()),
        channel_id: channel.id.to_string(),
        availability: channel.availability.as_str(),
        quality: channel.quality.as_str(),
        status: channel.status.as_str(),
        event: channel.last_quality_event.as_deref().unwrap_or_default().to_owned(),
        ending: channel.is_ending(),
        since: changed_at.map(|at| moment(at, now)),
        runbook: alert(channel).map(|alert| format!("{RUNBOOKS}/{alert}.md")),
    }
}

/// The alert that speaks of a channel's worst trouble.
fn alert(channel: &Channel) -> Option<&'static str> {
    match (channel.availability, channel.quality) {
        (Availability::Error, _) => Some("D360ChannelError"),
        (_, QualityRating::Low) => Some("D360ChannelQualityLow"),
        (Availability::Unknown, _) => Some("D360UnknownValues"),
        (Availability::SettingUp, _) => Some("D360ChannelStuckInSetup"),
        (_, QualityRating::Medium) => Some("D360ChannelQualityDropped"),
        _ if channel.is_ending() => Some("D360ChannelCancelled"),
        _ => None,
    }
}

fn moment(at: Timestamp, now: Timestamp) -> Moment {
    let seconds = now.duration_since(at).as_secs().max(0).unsigned_abs();
    Moment { at: at.strftime("%Y-%m-%dT%H:%M:%SZ"), age: span(Duration::from_secs(seconds)) }
}

/// A time span for people: its two largest units, not finer than milliseconds.
fn span(span: Duration) -> String {
    let whole = Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HubStatus;

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        let spans = [0, 1_999, 61_000, 86_400_000 + 3_661_000].map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(spans, ["0s", "1s 999ms", "1m 1s", "1day 1h"]);
    }

    #[test]
    fn the_pieces_of_a_bar_fill_it_without_a_gap() {
        let share = share("", ["a", "b", "c", "d"].into_iter(), &[1, 0, 1, 1]);
        let pieces: Vec<_> = share.states.iter().map(|s| (s.name, s.count, s.start, s.width)).collect();
        assert_eq!(pieces, [("a", 1, 0, 333), ("b", 0, 333, 0), ("c", 1, 333, 333), ("d", 1, 666, 334)]);
    }

    #[test]
    fn every_channel_that_needs_attention_has_a_runbook_and_every_runbook_is_there() {
        for &availability in Availability::ALL {
            for &quality in QualityRating::ALL {
                for hub_status in [None, Some(HubStatus::PendingDeletion)] {
                    let channel = Channel { availability, quality, hub_status, ..Channel::new("xCH") };
                    let alert = alert(&channel);
                    assert_eq!(alert.is_some(), channel.needs_attention(), "{channel:?}");
                    if let Some(alert) = alert {
                        let rules = include_str!("../../../rules/d360.rules.yml");
                        assert!(rules.contains(&format!("runbook_url: {RUNBOOKS}/{alert}.md\n")), "{alert}");
                    }
                }
            }
        }
    }
}
