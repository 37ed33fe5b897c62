//! What a person reads in the log: one line that says that it works, one when
//! trouble begins with what to do, one when it is over, and one per hour.
//!
//! It listens to the observations on their way into the fleet, and changes
//! nothing. What each request brought is in the debug log of the poller.

mod clients;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use tracing::{error, info, warn};

use self::clients::Unreadable;
use crate::fleet::Fleet;
use crate::model::{Failure, Observation, PartnerId, Reason, Timestamp};

/// From one summary to the next.
const SUMMARY: SignedDuration = SignedDuration::from_hours(1);

/// What was logged about each partner.
#[derive(Debug, Default)]
pub(super) struct Narrator(BTreeMap<PartnerId, Story>);

/// What was logged about one partner.
#[derive(Debug, Default)]
struct Story {
    /// The client list can't be read.
    trouble: Option<Trouble>,
    /// The client list lacks clients that are known.
    incomplete: bool,
    /// Clients whose channels can't be read.
    unreadable: Unreadable,
    /// Whether the first cycle was logged.
    works: bool,
    /// When the next summary is due.
    summary: Option<Timestamp>,
    /// Changes since the last summary.
    changes: usize,
}

/// An outage: since when, and the reasons that were logged.
#[derive(Debug)]
struct Trouble {
    since: Timestamp,
    reasons: Vec<Reason>,
}

/// A fleet in numbers.
struct Numbers {
    clients: usize,
    channels: usize,
    unreadable: usize,
}

impl Narrator {
    /// Logs what an observation means, before the fleet takes it in.
    pub(super) fn hear(&mut self, fleet: &Fleet, observation: &Observation, now: Timestamp) {
        let partner = fleet.partner();
        let story = self.0.entry(partner.clone()).or_default();
        match observation {
            Observation::PartnerUnreadable { failure } => story.trouble_begins(partner, failure, now),
            Observation::ClientsListed { gone, whole, .. } => {
                story.trouble_ends(partner, now);
                story.listed(partner, *whole);
                gone.iter().for_each(|client| story.unreadable.forget(client));
            }
            Observation::ChannelsUnreadable { client, failure } => {
                story.unreadable.begins(partner, client, failure, story.trouble.is_some(), now);
            }
            Observation::ChannelsRead { client, whole: true, .. } => story.unreadable.ends(partner, client, now),
            Observation::BulkReadFailed { failure } => {
                story.unreadable.bulk_begins(partner, failure, story.trouble.is_some(), now);
            }
            Observation::BulkReadEnded { whole, .. } => {
                story.unreadable.bulk_ends(partner, now);
                whole.iter().for_each(|client| story.unreadable.ends(partner, client, now));
            }
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
    /// Each reason once per outage: a mixture of two must not fill the log.
    fn trouble_begins(&mut self, partner: &PartnerId, failure: &Failure, now: Timestamp) {
        let Failure { reason, error } = failure;
        let trouble = self.trouble.get_or_insert_with(|| Trouble { since: now, reasons: Vec::new() });
        if trouble.reasons.contains(reason) {
            return;
        }
        trouble.reasons.push(*reason);
        let (cause, remedy) = (reason.in_words(), reason.remedy());
        // A rejected key stays rejected until somebody acts.
        if *reason == Reason::Unauthorized {
            error!(%partner, reason = reason.as_str(), error, remedy, "cannot list the clients: {cause}");
        } else {
            warn!(%partner, reason = reason.as_str(), error, remedy, "cannot list the clients: {cause}");
        }
    }

    fn trouble_ends(&mut self, partner: &PartnerId, now: Timestamp) {
        if let Some(Trouble { since, .. }) = self.trouble.take() {
            info!(%partner, lasted = lasted(since, now), "the clients can be listed again");
        }
    }

    fn listed(&mut self, partner: &PartnerId, whole: bool) {
        match (std::mem::replace(&mut self.incomplete, !whole), whole) {
            (false, false) => {
                warn!(%partner, "the client list lacks clients that are known, and does not prove them gone; they stay until a complete list does");
            }
            (true, true) => info!(%partner, "the client list is complete again"),
            _ => {}
        }
    }

    fn cycle(&mut self, fleet: &Fleet, took: Duration, now: Timestamp) {
        let partner = fleet.partner();
        let Numbers { clients, channels, unreadable } = Numbers::of(fleet);
        let seconds = (took.as_secs_f64() * 10.0).round() / 10.0;
        if !self.works {
            (self.works, self.changes) = (true, 0);
            self.summary = Some(now.saturating_add(SUMMARY));
            let strategy = fleet.partner_state().strategy.map_or("none", |reads| reads.as_str());
            info!(%partner, clients, channels, unreadable_clients = unreadable, seconds, strategy, "first cycle done, all clients were tried");
        } else if self.summary.is_some_and(|due| due <= now) {
            self.summary = Some(now.saturating_add(SUMMARY));
            let changes = std::mem::take(&mut self.changes);
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
