//! The states that channels start in: mostly healthy, and a share of every other state that the API documents.
//! Only data and how it is shared out.

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

/// One combination of states: status, `hub_status`, availability, rating, limit, last quality event.
pub(super) type Profile =
    (&'static str, &'static str, &'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

/// The states of channels that are not simply healthy. Together they hold every documented value of every enum; the
/// ones that a small fleet should show come first.
#[rustfmt::skip]
const UNUSUAL: &[Profile] = &[
    ("ready", "live", "ready", Some("Low"), Some("TIER_10K"), Some("flagged")),
    ("error", "unknown", "error", Some("Low"), Some("TIER_50"), Some("downgrade")),
    ("created", "draft", "setting_up", None, None, None),
    ("new_name_requested", "live", "ready", Some("Medium"), Some("TIER_2K"), None),
    ("ready", "pending_deletion", "ready", Some("High"), Some("TIER_100K"), Some("upgrade")),
    ("certificate_declined", "draft", "ready", Some("NA"), Some("TIER_NOT_SET"), None),
    ("unverified", "draft", "setting_up", Some("NA"), Some("NA"), Some("onboarding")),
    ("transferred", "unknown", "error", Some("NA"), Some("NA"), None),
    ("removed", "unknown", "error", None, Some("NA"), None),
    ("verified", "pending", "setting_up", Some("NA"), Some("TIER_250"), Some("onboarding")),
    ("unregistered", "unregistered", "error", Some("Medium"), Some("TIER_1K"), None),
    ("modified", "live", "ready", Some("High"), Some("TIER_UNLIMITED"), Some("unflagged")),
    ("imported", "done", "ready", Some("High"), Some("TIER_10K"), Some("upgrade")),
    ("consents_signed", "sandbox", "ready", Some("High"), Some("TIER_250"), None),
    ("porting_ready", "done", "ready", Some("Medium"), Some("TIER_1K"), None),
    ("ready_for_migration", "pending", "setting_up", Some("NA"), Some("TIER_250"), None),
    ("waiting_for_migration_code", "pending", "setting_up", Some("NA"), None, None),
    ("migration_code_requested", "pending", "setting_up", None, Some("TIER_NOT_SET"), None),
    ("migration_verified", "live", "ready", Some("High"), Some("TIER_2K"), None),
];

/// Tiers of healthy channels, weighted by repetition.
pub(super) const TIERS: &[&str] = &[
    "TIER_250",
    "TIER_250",
    "TIER_250",
    "TIER_1K",
    "TIER_2K",
    "TIER_2K",
    "TIER_2K",
    "TIER_2K",
    "TIER_10K",
    "TIER_10K",
    "TIER_10K",
    "TIER_10K",
    "TIER_100K",
    "TIER_100K",
    "TIER_UNLIMITED",
];

/// Fleets of at least this many channels show every unusual state.
const COMPLETE_FROM: usize = 100;

fn is_healthy(profile: &Profile) -> bool {
    profile.2 == "ready" && matches!(profile.3, Some("High" | "Medium"))
}

/// The states of `count` channels: about nine of ten are healthy, and a large fleet has every unusual one.
pub(super) fn profiles(rng: &mut StdRng, count: usize) -> Vec<Option<&'static Profile>> {
    let unhealthy = count.div_ceil(10);
    let mut profiles: Vec<Option<&'static Profile>> = if count >= COMPLETE_FROM {
        let pool: Vec<&Profile> = UNUSUAL.iter().filter(|profile| !is_healthy(profile)).collect();
        let more = unhealthy.saturating_sub(pool.len());
        UNUSUAL.iter().map(Some).chain((0..more).map(|_| pool.choose(rng).copied())).collect()
    } else {
        UNUSUAL.iter().take(unhealthy).map(Some).collect()
    };
    profiles.resize(count, None);
    profiles.shuffle(rng);
    profiles
}
