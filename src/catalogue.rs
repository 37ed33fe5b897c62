//! Every family that the exporter exposes.
//!
//! A family of channels, clients, WABAs or partners is one entry in one of the
//! tables below: name, type, labels, help, and how its samples are read from the
//! fleet. Rendering, `--metrics.exclude`, `docs/metrics.md`, the benchmarks and
//! the tests follow from the entry. The exporter's own families are declared in
//! [`crate::telemetry`]; [`FAMILIES`] lists both.
//!
//! Never here: text, I/O, clocks.

mod channel;
mod client;
mod entry;
mod partner;
mod sink;
mod waba;

pub use crate::family::{Family, Kind, Scope, Values};
pub use entry::{ChannelRow, Entry, GoneChannelRow, Read};
pub use sink::{Sink, Value};

use crate::family::sorted;
use crate::telemetry;

const PARTNER_ID: Values = Values::Id("examplePA");
const CLIENT_ID: Values = Values::Id("aaa111CL");
const CHANNEL_ID: Values = Values::Id("ch0001CH");
const WABA_ACCOUNT_ID: Values = Values::Id("wa0001WA");

/// The families of the fleet, table by table.
const FLEET: &[&[Entry]] = &[channel::FAMILIES, waba::FAMILIES, client::FAMILIES, partner::FAMILIES];

const COUNT: usize = {
    let mut count = telemetry::FAMILIES.len();
    let mut table = 0;
    while table < FLEET.len() {
        count += FLEET[table].len();
        table += 1;
    }
    count
};

/// Every family, sorted by name: the order of exposition.
pub const FAMILIES: &[Family] = &{
    let mut all = [telemetry::FAMILIES[0]; COUNT];
    let mut at = 0;
    while at < telemetry::FAMILIES.len() {
        all[at] = telemetry::FAMILIES[at];
        at += 1;
    }
    let mut table = 0;
    while table < FLEET.len() {
        let mut entry = 0;
        while entry < FLEET[table].len() {
            all[at] = FLEET[table][entry].family;
            (at, entry) = (at + 1, entry + 1);
        }
        table += 1;
    }
    sorted(all)
};

/// The families of the fleet, each with its position in [`FAMILIES`].
pub fn fleet() -> impl Iterator<Item = (usize, &'static Entry)> {
    let position = |entry: &Entry| FAMILIES.partition_point(|family| family.name < entry.family.name);
    FLEET.iter().copied().flatten().map(move |entry| (position(entry), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_sorted_by_name_and_each_is_there_once() {
        let names: Vec<_> = FAMILIES.iter().map(|f| f.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn counters_and_only_counters_end_in_total() {
        for family in FAMILIES {
            assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        }
    }

    #[test]
    fn each_label_has_its_values() {
        for family in FAMILIES {
            assert_eq!(family.labels.len(), family.values.len(), "{}", family.name);
        }
    }

    #[test]
    fn help_of_the_fleets_gauges_says_that_values_come_from_background_polling() {
        for (_, Entry { family, .. }) in fleet() {
            assert!(family.help.contains("ackground polling"), "{}", family.name);
        }
    }

    #[test]
    fn positions_are_those_of_the_families() {
        assert!(fleet().all(|(position, entry)| FAMILIES[position] == entry.family));
    }
}
