//! Incidents: changes of the fleet over time. The k-th incident depends only on the seed, on k and on the fleet that it
//! finds; it is applied at the first request after its time, so nothing has to run in the background.
//! Never here: what an incident changes, which is in `incidents/`.

mod accounts;
mod channels;
mod fleet;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::fleet::Fleet;

/// How many incidents are drawn until one finds something to change.
const DRAWS: usize = 64;

/// The incidents of one simulator.
#[derive(Debug)]
pub(super) struct Incidents {
    seed: u64,
    per_minute: f64,
    started_at: Timestamp,
    /// How many were applied.
    applied: u64,
}

/// Applies an incident. False if the fleet has nothing that it could change.
type Apply = fn(&mut Fleet, &mut StdRng, Timestamp) -> bool;

/// Every incident with its weight. Recoveries weigh more than failures and often find nothing to repair: that keeps
/// the fleet over hours about as healthy as it started.
const INCIDENTS: &[(u32, Apply)] = &[
    (16, channels::rating_drops),
    (22, channels::rating_recovers),
    (3, channels::is_flagged),
    (5, channels::is_unflagged),
    (8, channels::fails),
    (15, channels::is_repaired),
    (6, channels::limit_rises),
    (4, channels::limit_falls),
    (4, channels::name_is_requested),
    (7, channels::name_is_decided),
    (8, channels::onboarding_ends),
    (2, fleet::channel_is_cancelled),
    (5, fleet::cancellation_proceeds),
    (1, fleet::channel_is_removed),
    (2, fleet::channel_joins),
    (1, fleet::client_joins),
    (2, accounts::account_is_banned),
    (2, accounts::account_is_restricted),
    (6, accounts::account_is_reinstated),
    (1, accounts::verification_is_rejected),
    (2, accounts::verification_succeeds),
    (2, accounts::portfolio_limit_falls),
    (3, accounts::portfolio_limit_rises),
    (1, accounts::business_app_is_connected),
    (3, accounts::client_balance_falls),
    (2, accounts::client_balance_is_topped_up),
    (2, accounts::partner_balance_falls),
    (1, accounts::partner_balance_is_topped_up),
];

impl Incidents {
    /// None has happened yet. A rate that is not a positive number means that none ever will.
    pub(super) fn new(seed: u64, per_minute: f64, started_at: Timestamp) -> Self {
        let per_minute = if per_minute.is_finite() && per_minute > 0.0 { per_minute } else { 0.0 };
        Self { seed, per_minute, started_at, applied: 0 }
    }

    /// Applies every incident that was due by now.
    pub(super) fn advance(&mut self, fleet: &mut Fleet, elapsed: Duration) {
        if self.per_minute == 0.0 {
            return;
        }
        loop {
            let nth = self.applied + 1;
            let due = (nth as f64) * 60.0 / self.per_minute;
            if elapsed.as_secs_f64() < due {
                return;
            }
            let since = SignedDuration::try_from_secs_f64(due.floor()).unwrap_or_default();
            let at = self.started_at.checked_add(since).unwrap_or(self.started_at);
            // Neighbouring seeds must not give each other's incidents one step later.
            let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ nth.wrapping_mul(0xd1b5_4a32_d192_ed03);
            apply_incident(fleet, &mut StdRng::seed_from_u64(seed), at);
            self.applied = nth;
        }
    }
}

fn apply_incident(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) {
    // An incident that finds nothing to change gives way to another one, so that the rate holds.
    for _ in 0..DRAWS {
        if let Ok((_, apply)) = INCIDENTS.choose_weighted(rng, |(weight, _)| *weight)
            && apply(fleet, rng, at)
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
