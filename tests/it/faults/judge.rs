//! What may be shown while faults are in force.
//!
//! The series of one channel, and those of one client, belong together: they
//! have to be the truth as a whole, or what the API said under a fault that
//! changes what it says, as a whole.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Place;
use super::cases::{FAULTS, TOTAL_TOO_HIGH, TOTAL_TOO_LOW};
use crate::harness::{SeriesMap, expected};

/// A client, and the id of its channel or WhatsApp Business account if the series are of one.
type Unit = (String, Option<String>);

pub(super) struct Judge {
    /// The fleet as it is, and as the API reports it under the faults.
    versions: Vec<BTreeMap<Unit, SeriesMap>>,
    /// Channels of each client.
    counts: BTreeMap<String, usize>,
    /// Units that may be missing.
    may_miss: bool,
    /// As `may_miss`, once the faults are over.
    may_miss_afterwards: bool,
    /// Items that the API makes up may be shown.
    may_invent: bool,
    /// The only client that the faults concern, if it is one.
    victim: Option<String>,
}

/// Whether the faults together make a list that ends early and does not
/// contradict itself: like `short_list`, it is believed.
fn is_consistently_short(faults: &[usize]) -> bool {
    let has = |kind: &str| faults.iter().any(|&fault| FAULTS[fault].kind == kind);
    let is_given_away = faults.contains(&TOTAL_TOO_HIGH) || has("broken_item");
    let is_one_item_of_one = has("clamped_pages") && faults.contains(&TOTAL_TOO_LOW);
    is_one_item_of_one || has("short_list") && !is_given_away
}

/// The faults that change the values of an item, in every order in which they can
/// apply: an item may come from before, between and after them.
fn distortions<'a>(kinds: &[&'a str], concerned: bool) -> Vec<Vec<&'a str>> {
    let changing: Vec<&str> =
        kinds.iter().copied().filter(|kind| concerned && ["unknown_values", "nulls"].contains(kind)).collect();
    let mut all = vec![vec![]];
    all.extend(changing.iter().map(|kind| vec![*kind]));
    if changing.len() == 2 {
        all.extend([changing.clone(), changing.into_iter().rev().collect()]);
    }
    all
}

impl Judge {
    pub(super) fn new(truth: &Value, place: Place, faults: &[usize], victim: Option<&str>) -> Self {
        // Where one of them prevents every response, the other has no effect.
        let speaking = if faults.iter().all(|&fault| FAULTS[fault].responds) { faults } else { &[] };
        let kinds: Vec<&str> = speaking.iter().map(|&fault| FAULTS[fault].kind).collect();
        // A client's fields and a channel's come from different responses.
        let mut versions = Vec::new();
        for of_clients in &distortions(&kinds, place.concerns_clients()) {
            for of_channels in &distortions(&kinds, place.concerns_channels()) {
                let mut fleet = truth.clone();
                for client in fleet["clients"].as_array_mut().unwrap() {
                    let channels = client["channels"].as_array_mut().unwrap();
                    channels.iter_mut().for_each(|channel| distort(channel, of_channels));
                    distort(client, of_clients);
                }
                versions.push(units(&expected(&fleet)));
            }
        }
        let clients = truth["clients"].as_array().unwrap();
        let count = |client: &Value| client["channels"].as_array().unwrap().len();
        Self {
            versions,
            counts: clients.iter().map(|c| (c["id"].as_str().unwrap().to_owned(), count(c))).collect(),
            may_miss: is_consistently_short(speaking),
            // A total that is too low, or happens to count what came twice.
            may_miss_afterwards: kinds.contains(&"endless_pages")
                && (speaking.contains(&TOTAL_TOO_LOW) || kinds.contains(&"duplicates")),
            may_invent: kinds.contains(&"endless_pages"),
            victim: victim.map(str::to_owned),
        }
    }

    /// From here on the API behaves again. A list that was endless ends now,
    /// and is complete unless its total contradicts that.
    pub(super) fn faults_are_over(&mut self) {
        self.may_miss |= self.may_miss_afterwards;
    }

    /// Seconds between two looks: an endless list invents thousands of
    /// series.
    pub(super) fn patience(&self) -> u64 {
        if self.may_invent { 20 } else { 1 }
    }

    /// Looks at the series of the fleet as they are shown.
    pub(super) fn look(&self, shown: &SeriesMap) -> Result<(), String> {
        let mut shown_units = units(shown);
        if self.may_invent {
            let invented = |id: &str| id.starts_with("endless");
            shown_units.retain(|(client, channel), _| !invented(client) && !channel.as_deref().is_some_and(invented));
        }
        for (unit, series) in &shown_units {
            let touched = self.victim.as_deref().is_none_or(|victim| victim == unit.0);
            let mut versions = self.versions.iter().take(if touched { usize::MAX } else { 1 });
            if !versions.any(|version| version.get(unit) == Some(series)) {
                return Err(format!("{unit:?} shows what the API never said: {:#?}", self.differences(unit, series)));
            }
        }
        // Under `nulls` no channel names its WhatsApp Business account.
        let exists = |unit: &&Unit| self.versions.iter().all(|version| version.contains_key(*unit));
        for unit in self.versions[0].keys().filter(exists).filter(|unit| !shown_units.contains_key(*unit)) {
            if !self.may_miss || self.victim.as_deref().is_some_and(|victim| victim != unit.0) {
                return Err(format!("{unit:?} left although it still exists"));
            }
        }
        self.counts_are_of_what_is_shown(shown)
    }

    fn counts_are_of_what_is_shown(&self, shown: &SeriesMap) -> Result<(), String> {
        let mut infos: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, labels) in shown.keys().filter(|(family, _)| family == "d360_channel_info") {
            *infos.entry(&labels[1].1).or_default() += 1;
        }
        for ((family, labels), count) in shown.iter().filter(|((family, _), _)| family == "d360_client_channels") {
            let client = &labels[1].1;
            let there = infos.get(client.as_str()).copied().unwrap_or_default();
            let whole = self.counts.get(client).is_none_or(|&all| there == all || self.may_miss || self.may_invent);
            if *count != there as f64 || !whole {
                return Err(format!("{family} of {client} is {count}, and {there} are shown"));
            }
        }
        Ok(())
    }

    fn differences(&self, unit: &Unit, series: &SeriesMap) -> Vec<String> {
        let Some(truth) = self.versions[0].get(unit) else { return vec!["no client or channel of that id".to_owned()] };
        let surplus = series.iter().filter(|(k, v)| truth.get(*k) != Some(*v)).map(|s| format!("+ {s:?}"));
        let missing = truth.iter().filter(|(k, v)| series.get(*k) != Some(*v)).map(|s| format!("- {s:?}"));
        surplus.chain(missing).collect()
    }
}

/// All series by whose they are, without the count of channels.
fn units(all: &SeriesMap) -> BTreeMap<Unit, SeriesMap> {
    let mut units: BTreeMap<Unit, SeriesMap> = BTreeMap::new();
    for ((family, labels), value) in all.iter().filter(|((family, _), _)| family != "d360_client_channels") {
        let label = if family.starts_with("d360_waba_") { "waba_account_id" } else { "channel_id" };
        let part = labels.iter().find(|(name, _)| name == label).map(|(_, id)| id.clone());
        units.entry((labels[1].1.clone(), part)).or_default().insert((family.clone(), labels.clone()), *value);
    }
    units
}

/// Changes a client or channel as the faults do, in their order; the values are those that the exporter has to show.
fn distort(item: &mut Value, faults: &[&str]) {
    let is_channel = item.get("setup_info").is_some();
    let kept = ["id", "client_id", "channels"];
    for fault in faults {
        for (key, value) in item.as_object_mut().unwrap().iter_mut().filter(|(key, _)| !kept.contains(&key.as_str())) {
            match (*fault, key.as_str()) {
                ("nulls", "status") if is_channel => *value = json!("unknown"),
                ("nulls", _) => *value = Value::Null,
                (_, "status" | "hub_status") if is_channel => *value = json!("unknown"),
                (_, "current_limit") => *value = Value::Null,
                (_, "status" | "availability_status" | "current_quality_rating" | "current_quality_update_event") => {
                    *value = json!("never_seen_before");
                }
                _ => {}
            }
        }
    }
}
