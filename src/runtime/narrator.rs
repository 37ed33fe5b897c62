//! What a person reads in the log: one line that says that it works, one when
//! trouble begins with what to do, one when it is over, and one per hour.
//!
//! It listens to the observations on their way into the fleet, and changes
//! nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use tracing::{error, info, warn};

use crate::fleet::Fleet;
use crate::model::{Observation, PartnerId, Reason, Timestamp};
use crate::telemetry::Telemetry;

/// From one summary to the next.
const SUMMARY: SignedDuration = SignedDuration::from_hours(1);

/// What was logged about each partner.
#[derive(Debug, Default)]
pub(super) struct Narrator(BTreeMap<PartnerId, Story>);

/// What was logged about one partner.
#[derive(Debug, Default)]
struct Story {
    /// Since when the client list can't be read, and why.
    trouble: Option<(Timestamp, Reason)>,
    /// Whether the first cycle was logged.
    works: bool,
    /// When the next summary is due.
    summary: Option<Timestamp>,
    /// Changes since the last summary.
    changes: usize,
}

/// A fleet in numbers.
struct Numbers {
    clients: usize,
    channels: usize,
    unreadable: usize,
}

impl Narrator {
    /// Logs what an observation means, before the fleet takes it in.
    pub(super) fn hear(&mut self, fleet: &Fleet, observation: &Observation, telemetry: &Telemetry, now: Timestamp) {
        let partner = fleet.partner();
        let story = self.0.entry(partner.clone()).or_default();
        match observation {
            Observation::PartnerUnreadable { .. } => story.trouble_begins(partner, telemetry, now),
            Observation::ClientsListed { .. } => story.trouble_ends(partner, now),
            Observation::CycleCompleted { took, .. } => story.cycle(fleet, *took, now),
            _ => {}
        }
    }

    /// Counts changes for the next summary.
    pub(super) fn count(&mut self, partner: &PartnerId, changes: usize) {
        if let Some(story) = self.0.get_mut(partner) {
            story.changes += changes;
        }
    }
}

impl Story {
    fn trouble_begins(&mut self, partner: &PartnerId, telemetry: &Telemetry, now: Timestamp) {
        let reason = telemetry.last_failure(partner).map_or(Reason::Other, |failure| failure.reason);
        let since = match self.trouble {
            // The same trouble goes on.
            Some((_, known)) if known == reason => return,
            Some((since, _)) => since,
            None => now,
        };
        self.trouble = Some((since, reason));
        let (cause, remedy) = (reason.in_words(), reason.remedy());
        // A rejected key stays rejected until somebody acts.
        if reason == Reason::Unauthorized {
            error!(%partner, reason = reason.as_str(), remedy, "cannot list the clients: {cause}");
        } else {
            warn!(%partner, reason = reason.as_str(), remedy, "cannot list the clients: {cause}");
        }
    }

    fn trouble_ends(&mut self, partner: &PartnerId, now: Timestamp) {
        if let Some((since, _)) = self.trouble.take() {
            info!(%partner, lasted = lasted(since, now), "the clients can be listed again");
        }
    }

    fn cycle(&mut self, fleet: &Fleet, took: Duration, now: Timestamp) {
        let partner = fleet.partner();
        let Numbers { clients, channels, unreadable } = Numbers::of(fleet);
        if !self.works {
            (self.works, self.changes) = (true, 0);
            self.summary = Some(now.saturating_add(SUMMARY));
            let seconds = (took.as_secs_f64() * 10.0).round() / 10.0;
            info!(%partner, clients, channels, unreadable_clients = unreadable, seconds, "first cycle done, all clients were tried");
        } else if self.summary.is_some_and(|due| due <= now) {
            self.summary = Some(now.saturating_add(SUMMARY));
            let changes = std::mem::take(&mut self.changes);
            let seconds = (took.as_secs_f64() * 10.0).round() / 10.0;
            info!(%partner, clients, channels, unreadable_clients = unreadable, changes, seconds, "summary of the last hour");
        }
    }
}

impl Numbers {
    fn of(fleet: &Fleet) -> Self {
        let mut numbers = Self { clients: 0, channels: 0, unreadable: 0 };
        for state in fleet.clients(..) {
            numbers.clients += 1;
            numbers.channels += state.channels.len();
            numbers.unreadable += usize::from(state.up == Some(false));
        }
        numbers
    }
}

/// How long something went on, for people.
fn lasted(since: Timestamp, now: Timestamp) -> String {
    let span = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}
