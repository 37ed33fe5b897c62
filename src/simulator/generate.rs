//! Generates a fleet: the same seed, sizes and start give the same clients and channels, to the last digit.
//! Creation dates are fixed; only the dates of cancellations depend on the start. Never here: what happens afterwards.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Map;

use super::fleet::{Fleet, telephone};
use super::names::{AWKWARD, LOCALES, VERTICALS};
use super::profiles::{Profile, TIERS, profiles};
use super::records::{Balance, Channel, Client, Id, States, Waba};

/// The creation dates of the generated fleet lie between these: 2020-01-01 and 2025-06-30.
const CREATED: std::ops::Range<i64> = 1_577_836_800..1_751_241_600;

fn created(rng: &mut StdRng) -> Timestamp {
    Timestamp::from_second(rng.random_range(CREATED)).unwrap_or_default()
}

/// The instant some hours away, at a whole second.
pub(super) fn hours_from(start: Timestamp, hours: i64) -> Timestamp {
    let second = start.as_second().saturating_add(hours.saturating_mul(3600));
    Timestamp::from_second(second).unwrap_or(start)
}

/// A balance from 20 to 500 of one of two currencies. It follows from a random number, so that it costs no other draw.
fn balance(random: u64) -> Balance {
    let currency = if random.is_multiple_of(3) { "usd" } else { "eur" };
    Balance { currency, cents: 2_000 + i64::try_from(random % 48_000).unwrap_or_default(), response: None }
}

/// A new client, not yet part of the fleet. `nth` decides which clients get a name that needs escaping.
pub(super) fn client(fleet: &Fleet, rng: &mut StdRng, nth: usize, created_at: Timestamp) -> Client {
    let locale = LOCALES.choose(rng).unwrap_or(&LOCALES[0]);
    let pick = |rng: &mut StdRng, from: &[&'static str]| from.choose(rng).copied().unwrap_or_default();
    let city = locale.cities.choose(rng).copied().unwrap_or_default();
    let owner = pick(rng, locale.owners);
    let trade = pick(rng, locale.trades);
    let mut name = locale.business(owner, trade);
    if rng.random_bool(0.3) {
        name = format!("{name} {}", city.0);
    }
    if nth % 12 == 5 {
        name = AWKWARD[nth / 12 % AWKWARD.len()].to_owned();
    }
    let id = fleet.free_id(rng, "CL");
    let waba = Waba {
        id: fleet.free_id(rng, "WA"),
        name: name.clone(),
        status: Cow::Borrowed("approved"),
        fb_account_status: Cow::Borrowed("verified"),
        external_id: rng.random_range(100_000_000_000_000..200_000_000_000_000),
        namespace: rng.random(),
        fb_business_id: rng.random_range(100_000_000_000_000..200_000_000_000_000),
        created_at,
        overrides: Map::new(),
    };
    Client {
        balance: balance(waba.external_id),
        mailbox: id.to_ascii_lowercase(),
        id,
        locale,
        name,
        status: Cow::Borrowed("active"),
        partner_payload: rng
            .random_bool(0.4)
            .then(|| format!("tier={}", ["bronze", "silver", "gold"].choose(rng).copied().unwrap_or_default())),
        max_channels: rng.random_bool(0.9).then(|| [5, 10, 20, 50].choose(rng).copied().unwrap_or(10)),
        created_at,
        modified_at: created_at,
        person: pick(rng, locale.people),
        city,
        vertical: pick(rng, VERTICALS),
        telephone: telephone(rng, locale),
        waba,
        channels: Vec::new(),
        overrides: Map::new(),
    }
}

/// A new, healthy channel of a client, not yet part of the fleet.
pub(super) fn channel(fleet: &Fleet, rng: &mut StdRng, client: &Client, created_at: Timestamp) -> Channel {
    let phone_name = match client.channels.len() {
        0 => client.name.clone(),
        nth => {
            let (city, _) = client.locale.cities[nth % client.locale.cities.len()];
            format!("{} · {city}", client.name)
        }
    };
    Channel {
        id: fleet.free_id(rng, "CH"),
        client_id: client.id.clone(),
        external_id: rng.random_range(100_000_000_000_000..200_000_000_000_000),
        app_id: rng.random_range(100_000..1_000_000),
        phone_number: fleet.free_number(rng, client.locale),
        phone_name,
        states: States {
            current_limit: TIERS.choose(rng).map(|tier| Cow::Borrowed(*tier)),
            current_quality_rating: Some(Cow::Borrowed(if rng.random_bool(0.87) { "High" } else { "Medium" })),
            current_quality_update_event: rng.random_bool(0.2).then_some(Cow::Borrowed("upgrade")),
            ..States::healthy()
        },
        new_name_status: None,
        is_oba: rng.random_bool(0.08),
        is_on_biz_app: rng.random_bool(0.05),
        created_at,
        modified_at: created_at,
        cancelled_at: None,
        terminated_at: None,
        overrides: Map::new(),
    }
}

fn apply_profile(channel: &mut Channel, profile: &Profile, started_at: Timestamp) {
    let (status, hub_status, availability, rating, limit, event) = *profile;
    channel.states = States {
        status: Some(Cow::Borrowed(status)),
        hub_status: Some(Cow::Borrowed(hub_status)),
        availability_status: Some(Cow::Borrowed(availability)),
        current_quality_rating: rating.map(Cow::Borrowed),
        current_limit: limit.map(Cow::Borrowed),
        current_quality_update_event: event.map(Cow::Borrowed),
    };
    channel.new_name_status = match status {
        "new_name_requested" => Some(Cow::Borrowed("pending_review")),
        "certificate_declined" => Some(Cow::Borrowed("declined")),
        _ => None,
    };
    if hub_status == "pending_deletion" {
        channel.cancelled_at = Some(hours_from(started_at, -24 * 9));
        channel.terminated_at = Some(hours_from(started_at, 24 * 21));
    }
}

/// The whole fleet.
pub(super) fn fleet(seed: u64, clients: usize, channels_per_client: usize, started_at: Timestamp) -> Fleet {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut fleet = Fleet::default();
    let mut profiles = profiles(&mut rng, clients.saturating_mul(channels_per_client)).into_iter();
    for nth in 0..clients {
        let born = created(&mut rng);
        let mut client = client(&fleet, &mut rng, nth, born);
        // A quota below what the client has would be odd from the first day on.
        let floor = i64::try_from(channels_per_client).unwrap_or(i64::MAX);
        client.max_channels = client.max_channels.map(|max| max.max(floor));
        let id: Id = client.id.clone();
        fleet.add_client(client);
        for _ in 0..channels_per_client {
            let Some(client) = fleet.client(&id) else {
                continue;
            };
            let age = SignedDuration::from_secs(rng.random_range(0..86_400 * 150));
            let joined = born.checked_add(age).unwrap_or(born);
            let mut channel = channel(&fleet, &mut rng, client, joined);
            if let Some(profile) = profiles.next().flatten() {
                apply_profile(&mut channel, profile, started_at);
            }
            fleet.add_channel(channel);
        }
    }
    fleet.partner_balances = [("eur", 1_234_567), ("usd", 54_321)]
        .map(|(currency, cents)| Balance { currency, cents, response: None })
        .into();
    fleet.at_start = (fleet.client_ids().len(), fleet.channel_ids().len());
    fleet
}

#[cfg(test)]
mod tests;
