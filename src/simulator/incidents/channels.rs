//! Incidents of one channel: its rating, availability, limit, display name and onboarding.

use jiff::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::simulator::fleet::Fleet;
use crate::simulator::records::Channel;

/// How many channels an incident looks at to find one that it can change.
const CANDIDATES: usize = 24;

/// The limits in the order in which Meta raises them.
const LIMITS: &[&str] = &["TIER_50", "TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];

/// Tries a change on channels drawn at random until one accepts it. The change returns whether it was made.
pub(super) fn change(
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

/// Sets states of a channel, if `applies`.
fn set_if(applies: bool, channel: &mut Channel, states: &[(&'static str, &'static str)]) -> bool {
    if applies {
        for (key, value) in states {
            channel.set_state(key, Some(value));
        }
    }
    applies
}

/// From `High` to `Medium`, or from `Medium` to `Low`.
pub(super) fn rating_drops(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| match channel.rating() {
        Some("High") => set_if(channel.is_running(), channel, &[("current_quality_rating", "Medium")]),
        Some("Medium") => set_if(channel.is_running(), channel, &[("current_quality_rating", "Low")]),
        _ => false,
    })
}

/// One step up again.
pub(super) fn rating_recovers(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| match channel.rating() {
        Some("Low") => set_if(channel.is_running(), channel, &[("current_quality_rating", "Medium")]),
        Some("Medium" | "NA") => set_if(channel.is_running(), channel, &[("current_quality_rating", "High")]),
        _ => false,
    })
}

fn has_flag(channel: &Channel) -> bool {
    channel.states.current_quality_update_event.as_deref() == Some("flagged")
}

/// Meta warns: `flagged` and rated `Low`.
pub(super) fn is_flagged(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    let states = [("current_quality_update_event", "flagged"), ("current_quality_rating", "Low")];
    change(fleet, rng, at, |channel, _| set_if(channel.is_running() && !has_flag(channel), channel, &states))
}

/// Meta takes the warning back.
pub(super) fn is_unflagged(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    let states = [("current_quality_update_event", "unflagged"), ("current_quality_rating", "Medium")];
    change(fleet, rng, at, |channel, _| set_if(channel.is_running() && has_flag(channel), channel, &states))
}

/// The channel cannot be used any more.
pub(super) fn fails(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    let states = [("availability_status", "error"), ("status", "error"), ("hub_status", "unknown")];
    change(fleet, rng, at, |channel, _| {
        set_if(channel.is_running() && channel.status() == Some("ready"), channel, &states)
    })
}

/// A channel that failed can be used again.
pub(super) fn is_repaired(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    let states = [("availability_status", "ready"), ("status", "ready"), ("hub_status", "live")];
    change(fleet, rng, at, |channel, _| {
        let repaired = set_if(channel.availability() == Some("error"), channel, &states);
        set_if(repaired && channel.rating().is_none(), channel, &[("current_quality_rating", "NA")]);
        repaired
    })
}

/// One tier up.
pub(super) fn limit_rises(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| move_limit(channel, 1))
}

/// One tier down.
pub(super) fn limit_falls(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| move_limit(channel, -1))
}

/// So many tiers up, or down if negative. False if there is no such tier or the channel is not running.
pub(super) fn move_limit(channel: &mut Channel, steps: isize) -> bool {
    let now = match channel.states.current_limit.as_deref() {
        // The tier that Meta replaced.
        Some("TIER_1K") => "TIER_2K",
        Some(limit) => limit,
        None => return false,
    };
    let position = LIMITS.iter().position(|limit| *limit == now);
    let Some(to) = position.and_then(|at| at.checked_add_signed(steps)).and_then(|at| LIMITS.get(at)) else {
        return false;
    };
    let event = if steps > 0 { "upgrade" } else { "downgrade" };
    set_if(channel.is_running(), channel, &[("current_limit", to), ("current_quality_update_event", event)])
}

/// The client asks for another display name.
pub(super) fn name_is_requested(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| {
        let applies = channel.is_running() && channel.status() == Some("ready");
        if applies {
            channel.set_new_name_status("pending_review");
        }
        set_if(applies, channel, &[("status", "new_name_requested")])
    })
}

/// Meta declines the name, or accepts it, a declined one at the second try.
pub(super) fn name_is_decided(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, rng| match channel.status() {
        Some("new_name_requested") if rng.random_bool(0.5) => {
            channel.set_new_name_status("declined");
            set_if(true, channel, &[("status", "certificate_declined")])
        }
        Some("new_name_requested" | "certificate_declined") => {
            channel.set_new_name_status("approved");
            set_if(true, channel, &[("status", "ready")])
        }
        _ => false,
    })
}

/// A number that was being set up is ready.
pub(super) fn onboarding_ends(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    let states = [
        ("status", "ready"),
        ("hub_status", "live"),
        ("availability_status", "ready"),
        ("current_quality_rating", "High"),
        ("current_quality_update_event", "onboarding"),
        ("current_limit", "TIER_250"),
    ];
    change(fleet, rng, at, |channel, _| set_if(channel.availability() == Some("setting_up"), channel, &states))
}
