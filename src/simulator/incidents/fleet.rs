//! Incidents by which channels and clients come and go.

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::channels::change;
use crate::simulator::fleet::Fleet;
use crate::simulator::generate;
use crate::simulator::records::Id;

/// A channel is cancelled; it ends 30 days later.
pub(super) fn channel_is_cancelled(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    if fleet.is_thinned_out() {
        return false;
    }
    let mut cancelled = None;
    let found = change(fleet, rng, at, |channel, _| {
        if !channel.is_running() {
            return false;
        }
        channel.overrides.remove("cancelled_at");
        channel.overrides.remove("terminated_at");
        channel.cancelled_at = Some(at);
        channel.terminated_at = Some(generate::hours_from(at, 24 * 30));
        cancelled = Some(channel.id.clone());
        true
    });
    fleet.cancelled.extend(cancelled);
    found
}

/// The oldest cancellation takes its next step: pending deletion, then gone.
pub(super) fn cancellation_proceeds(fleet: &mut Fleet, _: &mut StdRng, at: Timestamp) -> bool {
    while let Some(id) = fleet.cancelled.pop_front() {
        let Some(channel) = fleet.channel_mut(&id) else {
            continue;
        };
        if channel.states.hub_status.as_deref() == Some("pending_deletion") {
            return fleet.remove_channel(&id);
        }
        channel.set_state("hub_status", Some("pending_deletion"));
        channel.modified_at = at;
        fleet.cancelled.push_back(id);
        return true;
    }
    false
}

/// A channel disappears without a cancellation.
pub(super) fn channel_is_removed(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    if fleet.is_thinned_out() {
        return false;
    }
    let id = fleet.channel_ids().choose(rng).cloned();
    id.is_some_and(|id| fleet.remove_channel(&id))
}

/// A client gets a new number.
pub(super) fn channel_joins(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    if fleet.is_crowded() {
        return false;
    }
    let id = fleet.client_ids().choose(rng).cloned();
    id.is_some_and(|id| add_new_channel(fleet, rng, &id, at))
}

/// A new client with its first number.
pub(super) fn client_joins(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    if fleet.has_many_newcomers() {
        return false;
    }
    let client = generate::client(fleet, rng, fleet.client_ids().len(), at);
    let id = client.id.clone();
    fleet.add_client(client);
    add_new_channel(fleet, rng, &id, at)
}

/// A new number starts its onboarding.
fn add_new_channel(fleet: &mut Fleet, rng: &mut StdRng, client: &Id, at: Timestamp) -> bool {
    let Some(client) = fleet.client(client) else {
        return false;
    };
    let mut channel = generate::channel(fleet, rng, client, at);
    for (key, value) in [
        ("status", Some("created")),
        ("hub_status", Some("draft")),
        ("availability_status", Some("setting_up")),
        ("current_quality_rating", Some("NA")),
        ("current_quality_update_event", None),
        ("current_limit", Some("NA")),
    ] {
        channel.set_state(key, value);
    }
    fleet.add_channel(channel);
    true
}
