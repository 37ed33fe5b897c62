//! Whether what fired is what was true: every incident once, in time and to its end, and nothing else.

use std::fmt::Write as _;

use super::firings::{Firing, notified};
use super::story::{Incident, Outage, Story};

/// Minutes of a poll interval.
const POLL: usize = 5;

/// A scrape and an evaluation.
const SEEN: usize = 2;

/// From the end of a fault until every client was read again: retries and waits of the pace come before the next cycle.
const RECOVERY: usize = 3 * POLL;

const DAY: usize = 24 * 60;

/// An alert that says that the API fails is true while it does, and until what follows from it is over.
const AFTERMATH: usize = 90;

impl Outage {
    fn meets(&self, incident: &Incident) -> bool {
        self.client.as_ref().is_none_or(|client| *client == incident.client)
    }
}

impl Story {
    /// The first minute from `minute` on in which the exporter can see what is true of a client.
    fn readable(&self, incident: &Incident, minute: usize) -> usize {
        let mut at = minute;
        loop {
            let outage = self.outages.iter().filter(|outage| outage.meets(incident));
            let blind = outage.map(|outage| (outage.begin.saturating_sub(POLL), outage.end + RECOVERY));
            let down = self.restarts.iter().map(|(begin, lasts)| (*begin, begin + lasts + POLL));
            match blind.chain(down).find(|(begin, end)| (*begin..*end).contains(&at)) {
                Some((_, end)) => at = end,
                None => return at,
            }
        }
    }

    /// Whether an empty list took the channel, and with it what was known of its last changes, within these minutes.
    fn forgot(&self, minutes: std::ops::Range<usize>) -> bool {
        let empty = self.outages.iter().filter(|outage| outage.faults[0]["kind"] == "short_list");
        empty.into_iter().any(|outage| outage.begin < minutes.end && outage.end + RECOVERY >= minutes.start)
    }

    /// Whether the API failed in a minute, or shortly before.
    fn troubled(&self, firing: &Firing) -> bool {
        let client = firing.label("client_id");
        self.outages.iter().any(|outage| {
            let whose = outage.client.as_ref().is_none_or(|meets| meets == client || client.is_empty());
            whose && (outage.begin..outage.end + AFTERMATH).contains(&firing.begin)
        }) || self.restarts.iter().any(|(begin, lasts)| (*begin..begin + lasts + AFTERMATH).contains(&firing.begin))
    }
}

/// Alerts about reading the API.
const ABOUT_THE_API: &[&str] = &[
    "D360KeyRejected",
    "D360PartnerUnreachable",
    "D360PartnerUnstable",
    "D360DataTooOld",
    "D360RateLimited",
    "D360FleetUnreadable",
    "D360ClientUnreadable",
    "D360ClientDataTooOld",
    "D360RemovalsUnconfirmed",
    "D360FleetDisappeared",
    "D360ExporterRestarting",
];

fn is_about(firing: &Firing, incident: &Incident) -> bool {
    let has = |name: &str, value: &str| firing.label(name).is_empty() || firing.label(name) == value;
    firing.label("alertname") == incident.trouble.alert
        && firing.label("client_id") == incident.client
        && has("channel_id", &incident.channel)
}

/// What is wrong with the firings of one incident.
fn of_incident(story: &Story, incident: &Incident, fired: &[&Firing], minutes: usize) -> Option<String> {
    let trouble = incident.trouble;
    let seen = story.readable(incident, incident.begin);
    let latest = seen + POLL + SEEN + trouble.hold;
    // Nobody has to know of what was over before it could be seen.
    let must = if trouble.counts_for_a_day { latest < minutes } else { latest < incident.end.min(minutes) };
    let firing = match fired {
        [] if must => return Some(format!("never fired, expected by {latest}")),
        [] => return None,
        [firing] => firing,
        many => return Some(format!("fired {} times: {:?}", many.len(), spans(many))),
    };
    if firing.begin < incident.begin + trouble.hold || firing.begin > latest {
        let earliest = incident.begin + trouble.hold;
        return Some(format!("fired at {}, expected from {earliest} to {latest}", firing.begin));
    }
    let (first, last) = if trouble.counts_for_a_day {
        (incident.begin + DAY, seen + POLL + SEEN + DAY)
    } else {
        (incident.end, story.readable(incident, incident.end) + POLL + SEEN)
    };
    match firing.end {
        None if last < minutes => Some(format!("still fires, expected an end by {last}")),
        // A channel that is back after an empty list is a new one to the exporter: the drop before it no longer counts.
        Some(end) if trouble.counts_for_a_day && story.forgot(end - 1..end + 1) && end < first => None,
        Some(end) if end < first || end > last => Some(format!("ended at {end}, expected from {first} to {last}")),
        _ => None,
    }
}

fn spans(firings: &[&Firing]) -> Vec<(usize, Option<usize>)> {
    firings.iter().map(|firing| (firing.begin, firing.end)).collect()
}

/// Compares what fired with the story.
#[track_caller]
pub(super) fn judge(story: &Story, all: &[Firing], minutes: usize, seed: u64) {
    let notified_of = notified(all);
    let mut wrong = String::new();
    for incident in &story.incidents {
        let fired: Vec<_> = notified_of.iter().filter(|firing| is_about(firing, incident)).collect();
        if let Some(why) = of_incident(story, incident, &fired, minutes) {
            let Incident { trouble, client, channel, begin, end, .. } = incident;
            let _ = writeln!(wrong, "{} of {client} {channel}, true from {begin} to {end}: {why}", trouble.alert);
        }
    }
    for firing in &notified_of {
        let known = story.incidents.iter().any(|incident| is_about(firing, incident));
        let of_the_api = ABOUT_THE_API.contains(&firing.label("alertname")) && story.troubled(firing);
        if !known && !of_the_api {
            let _ = writeln!(wrong, "false: {firing:?}");
        }
    }
    assert!(!notified_of.is_empty(), "nothing fired at all");
    let outages: Vec<_> = story.outages.iter().map(|o| format!("{}-{} {}", o.begin, o.end, o.faults)).collect();
    assert!(
        wrong.is_empty(),
        "seed {seed}, {} incidents:\n{wrong}faults:\n{}\nrestarts: {:?}",
        story.incidents.len(),
        outages.join("\n"),
        story.restarts
    );
}
