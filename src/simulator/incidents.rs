//! What happens to the fleet over time. The k-th incident depends only on the seed, on k and on the fleet it meets;
//! it is applied when somebody next asks after its time has come, so nothing has to run in the background.

use std::borrow::Cow;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::fleet::Fleet;
use super::generate;
use super::records::{Channel, Id};

/// How many channels an incident looks at to find one that it can happen to.
const CANDIDATES: usize = 24;

/// How many incidents are drawn until one finds something to happen to.
const DRAWS: usize = 64;

/// The limits in the order in which Meta raises them.
const LADDER: &[&str] = &["TIER_50", "TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];

/// The incidents of one simulator.
#[derive(Debug)]
pub(super) struct Incidents {
    seed: u64,
    per_minute: f64,
    started_at: Timestamp,
    /// How many have happened.
    happened: u64,
}

#[derive(Clone, Copy, Debug)]
enum Incident {
    RatingDrops,
    RatingRecovers,
    Flagged,
    Unflagged,
    Fails,
    Repaired,
    LimitRises,
    LimitFalls,
    NameRequested,
    NameDecided,
    OnboardingEnds,
    Cancelled,
    CancellationProceeds,
    Removed,
    Joins,
    ClientJoins,
}

/// Incidents by weight. Recoveries weigh more than falls and often find nothing to repair: that is what keeps the
/// fleet over hours about as well as it started.
const WEIGHTS: &[(Incident, u32)] = &[
    (Incident::RatingDrops, 16),
    (Incident::RatingRecovers, 22),
    (Incident::Flagged, 3),
    (Incident::Unflagged, 5),
    (Incident::Fails, 8),
    (Incident::Repaired, 15),
    (Incident::LimitRises, 6),
    (Incident::LimitFalls, 4),
    (Incident::NameRequested, 4),
    (Incident::NameDecided, 7),
    (Incident::OnboardingEnds, 8),
    (Incident::Cancelled, 2),
    (Incident::CancellationProceeds, 5),
    (Incident::Removed, 1),
    (Incident::Joins, 2),
    (Incident::ClientJoins, 1),
];

impl Incidents {
    /// No incident has happened yet. A rate that is not a positive number means that none ever will.
    pub(super) fn new(seed: u64, per_minute: f64, started_at: Timestamp) -> Self {
        let per_minute = if per_minute.is_finite() && per_minute > 0.0 { per_minute } else { 0.0 };
        Self { seed, per_minute, started_at, happened: 0 }
    }

    /// Lets everything happen that was due by now.
    pub(super) fn advance(&mut self, fleet: &mut Fleet, elapsed: Duration) {
        if self.per_minute == 0.0 {
            return;
        }
        loop {
            let nth = self.happened + 1;
            let due = (nth as f64) * 60.0 / self.per_minute;
            if elapsed.as_secs_f64() < due {
                return;
            }
            let since = SignedDuration::try_from_secs_f64(due.floor()).unwrap_or_default();
            let at = self.started_at.checked_add(since).unwrap_or(self.started_at);
            // Neighbouring seeds must not give each other's incidents one step later.
            let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ nth.wrapping_mul(0xd1b5_4a32_d192_ed03);
            happen(fleet, &mut StdRng::seed_from_u64(seed), at);
            self.happened = nth;
        }
    }
}

fn happen(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) {
    // What finds nothing to happen to makes room for something else, so that the rate holds.
    for _ in 0..DRAWS {
        if let Ok((incident, _)) = WEIGHTS.choose_weighted(rng, |(_, weight)| *weight)
            && apply(*incident, fleet, rng, at)
        {
            return;
        }
    }
}

/// False if the fleet has nothing this can happen to.
fn apply(incident: Incident, fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    match incident {
        Incident::Cancelled | Incident::Removed if fleet.is_thinned_out() => false,
        Incident::Joins if fleet.is_crowded() => false,
        Incident::ClientJoins if fleet.has_many_newcomers() => false,
        Incident::RatingDrops => change(fleet, rng, at, |channel, _| {
            let to = match channel.current_quality_rating.as_deref() {
                Some("High") => "Medium",
                Some("Medium") => "Low",
                _ => return false,
            };
            channel.is_running() && {
                channel.happen("current_quality_rating", Some(to));
                true
            }
        }),
        Incident::RatingRecovers => change(fleet, rng, at, |channel, _| {
            let to = match channel.current_quality_rating.as_deref() {
                Some("Low") => "Medium",
                Some("Medium" | "NA") => "High",
                _ => return false,
            };
            channel.is_running() && {
                channel.happen("current_quality_rating", Some(to));
                true
            }
        }),
        Incident::Flagged => change(fleet, rng, at, |channel, _| {
            let flagged = channel.current_quality_update_event.as_deref() == Some("flagged");
            channel.is_running() && !flagged && {
                channel.happen("current_quality_update_event", Some("flagged"));
                channel.happen("current_quality_rating", Some("Low"));
                true
            }
        }),
        Incident::Unflagged => change(fleet, rng, at, |channel, _| {
            let flagged = channel.current_quality_update_event.as_deref() == Some("flagged");
            channel.is_running() && flagged && {
                channel.happen("current_quality_update_event", Some("unflagged"));
                channel.happen("current_quality_rating", Some("Medium"));
                true
            }
        }),
        Incident::Fails => change(fleet, rng, at, |channel, _| {
            channel.is_running() && channel.status.as_deref() == Some("ready") && {
                channel.happen("availability_status", Some("error"));
                channel.happen("status", Some("error"));
                channel.happen("hub_status", Some("unknown"));
                true
            }
        }),
        Incident::Repaired => change(fleet, rng, at, |channel, _| {
            channel.availability_status.as_deref() == Some("error") && {
                channel.happen("availability_status", Some("ready"));
                channel.happen("status", Some("ready"));
                channel.happen("hub_status", Some("live"));
                if channel.current_quality_rating.is_none() {
                    channel.happen("current_quality_rating", Some("NA"));
                }
                true
            }
        }),
        Incident::LimitRises => change(fleet, rng, at, |channel, _| move_limit(channel, 1)),
        Incident::LimitFalls => change(fleet, rng, at, |channel, _| move_limit(channel, -1)),
        Incident::NameRequested => change(fleet, rng, at, |channel, _| {
            channel.is_running() && channel.status.as_deref() == Some("ready") && {
                channel.happen("status", Some("new_name_requested"));
                channel.new_name_status = Some(Cow::Borrowed("pending_review"));
                true
            }
        }),
        Incident::NameDecided => change(fleet, rng, at, |channel, rng| match channel.status.as_deref() {
            Some("new_name_requested") if rng.random_bool(0.5) => {
                channel.happen("status", Some("certificate_declined"));
                channel.new_name_status = Some(Cow::Borrowed("declined"));
                true
            }
            Some("new_name_requested" | "certificate_declined") => {
                channel.happen("status", Some("ready"));
                channel.new_name_status = Some(Cow::Borrowed("approved"));
                true
            }
            _ => false,
        }),
        Incident::OnboardingEnds => change(fleet, rng, at, |channel, _| {
            channel.availability_status.as_deref() == Some("setting_up") && {
                channel.happen("status", Some("ready"));
                channel.happen("hub_status", Some("live"));
                channel.happen("availability_status", Some("ready"));
                channel.happen("current_quality_rating", Some("High"));
                channel.happen("current_quality_update_event", Some("onboarding"));
                channel.happen("current_limit", Some("TIER_250"));
                true
            }
        }),
        Incident::Cancelled => {
            let mut cancelled = None;
            let found = change(fleet, rng, at, |channel, _| {
                channel.is_running() && {
                    channel.overrides.remove("cancelled_at");
                    channel.overrides.remove("terminated_at");
                    channel.cancelled_at = Some(at);
                    channel.terminated_at = Some(generate::hours_from(at, 24 * 30));
                    cancelled = Some(channel.id.clone());
                    true
                }
            });
            fleet.cancelled.extend(cancelled);
            found
        }
        Incident::CancellationProceeds => proceed(fleet, at),
        Incident::Removed => {
            let Some(id) = fleet.channel_ids().choose(rng).cloned() else {
                return false;
            };
            fleet.remove_channel(&id)
        }
        Incident::Joins => {
            let Some(id) = fleet.client_ids().choose(rng).cloned() else {
                return false;
            };
            join(fleet, rng, &id, at)
        }
        Incident::ClientJoins => {
            let client = generate::client(fleet, rng, fleet.client_ids().len(), at);
            let id = client.id.clone();
            fleet.add_client(client);
            join(fleet, rng, &id, at)
        }
    }
}

/// Tries the change on channels drawn at random until one takes it. The change tells whether it happened.
fn change(
    fleet: &mut Fleet,
    rng: &mut StdRng,
    at: Timestamp,
    mut change: impl FnMut(&mut Channel, &mut StdRng) -> bool,
) -> bool {
    for _ in 0..CANDIDATES {
        let Some(id) = fleet.channel_ids().choose(rng).cloned() else {
            return false;
        };
        if let Some(channel) = fleet.channel_mut(&id)
            && change(channel, rng)
        {
            channel.overrides.remove("modified_at");
            channel.modified_at = at;
            return true;
        }
    }
    false
}

fn move_limit(channel: &mut Channel, steps: isize) -> bool {
    let now = match channel.current_limit.as_deref() {
        // The step that Meta replaced.
        Some("TIER_1K") => "TIER_2K",
        Some(limit) => limit,
        None => return false,
    };
    let to = LADDER
        .iter()
        .position(|limit| *limit == now)
        .and_then(|at| at.checked_add_signed(steps))
        .and_then(|at| LADDER.get(at));
    let Some(to) = to else { return false };
    channel.is_running() && {
        channel.happen("current_limit", Some(to));
        channel.happen("current_quality_update_event", Some(if steps > 0 { "upgrade" } else { "downgrade" }));
        true
    }
}

/// The oldest cancellation takes its next step: waiting for deletion, then gone.
fn proceed(fleet: &mut Fleet, at: Timestamp) -> bool {
    while let Some(id) = fleet.cancelled.pop_front() {
        let Some(channel) = fleet.channel_mut(&id) else {
            continue;
        };
        if channel.hub_status.as_deref() == Some("pending_deletion") {
            return fleet.remove_channel(&id);
        }
        channel.happen("hub_status", Some("pending_deletion"));
        channel.modified_at = at;
        fleet.cancelled.push_back(id);
        return true;
    }
    false
}

/// A new number starts its way through the onboarding.
fn join(fleet: &mut Fleet, rng: &mut StdRng, client: &Id, at: Timestamp) -> bool {
    let Some(client) = fleet.client(client) else {
        return false;
    };
    let mut channel = generate::channel(fleet, rng, client, at);
    channel.happen("status", Some("created"));
    channel.happen("hub_status", Some("draft"));
    channel.happen("availability_status", Some("setting_up"));
    channel.happen("current_quality_rating", Some("NA"));
    channel.happen("current_quality_update_event", None);
    channel.happen("current_limit", Some("NA"));
    fleet.add_channel(channel);
    true
}

#[cfg(test)]
mod tests;
