//! What the lists of the API carry: how many channels came, how many of them
//! lacked a key that all should have, and how many had a value that nobody knows.
//!
//! Here: the sums of the last reads, and when one of them is worth a log line.
//!
//! Never here: what is said, metric names.

use std::collections::{BTreeSet, HashMap};

use super::wire::Findings;
use crate::model::{ClientId, Endpoint, Field, KeyField, Keys};

/// The fields whose values are words of a list.
const ENUMS: [Field; 5] =
    [Field::AvailabilityStatus, Field::QualityRating, Field::MessagingLimit, Field::Status, Field::HubStatus];

/// What one list carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Channels, and those without a key.
    pub keys: Keys,
    /// Values that nobody knows, in the order of [`ENUMS`].
    unknown: [u32; ENUMS.len()],
}

impl Carried {
    /// Adds a page.
    pub(super) fn add(&mut self, findings: &Findings) {
        self.keys += findings.keys;
        for (field, _) in &findings.unknown {
            if let Some(place) = ENUMS.iter().position(|known| known == field) {
                self.unknown[place] = self.unknown[place].saturating_add(1);
            }
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.keys += other.keys;
        self.unknown.iter_mut().zip(other.unknown).for_each(|(sum, n)| *sum = sum.saturating_add(n));
        self
    }

    fn minus(mut self, other: Self) -> Self {
        self.keys -= other.keys;
        self.unknown.iter_mut().zip(other.unknown).for_each(|(sum, n)| *sum = sum.saturating_sub(n));
        self
    }

    /// The fields whose key at least half of the channels lack.
    fn missing(self) -> impl Iterator<Item = KeyField> {
        let Keys { items, without } = self.keys;
        let lacks = move |field: &KeyField| items > 0 && without[*field as usize] >= items.div_ceil(2);
        KeyField::ALL.iter().copied().filter(lacks)
    }

    /// The fields of which more than half of the values are unknown.
    fn unknown(self) -> impl Iterator<Item = Field> {
        let strange = move |place: usize, field: Field| {
            let key = KeyField::ALL.iter().find(|key| key.as_str() == field.as_str());
            let sent = self.keys.items - key.map_or(0, |key| self.keys.without[*key as usize]).min(self.keys.items);
            self.unknown[place] > sent / 2
        };
        ENUMS.into_iter().enumerate().filter(move |(place, field)| strange(*place, *field)).map(|(_, field)| field)
    }
}

/// A field that the API sends in another way than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Drift {
    /// At least half of the channels lack its key.
    Missing(KeyField),
    /// More than half of its values are unknown.
    Unknown(Field),
}

/// What the last reads of the channel lists carried.
#[derive(Debug, Clone, Default)]
pub struct LastReads {
    /// Of the partner's channel list.
    partner: Option<Carried>,
    /// Of each client's list.
    clients: HashMap<ClientId, Carried>,
    /// Of all of them together.
    sum: Carried,
    /// What was logged, and still is so.
    logged: BTreeSet<Drift>,
}

impl LastReads {
    /// Takes in a read of the partner's channel list.
    pub(super) fn partner_read(&mut self, carried: Carried) {
        self.partner = Some(carried);
    }

    /// Takes in a read of one client's channels, and returns what all clients'
    /// lists carry together.
    pub(super) fn client_read(&mut self, client: &ClientId, carried: Carried) -> Carried {
        let before = self.clients.insert(client.clone(), carried).unwrap_or_default();
        self.sum = self.sum.minus(before).plus(carried);
        self.sum
    }

    /// Forgets clients that are no longer there, and returns what the lists of
    /// the others carry together; `None` if there was nothing to forget.
    pub(super) fn keep_clients(&mut self, ids: &BTreeSet<ClientId>) -> Option<Carried> {
        let Self { clients, sum, .. } = self;
        let before = clients.len();
        clients.retain(|id, carried| {
            let keep = ids.contains(id);
            if !keep {
                *sum = sum.minus(*carried);
            }
            keep
        });
        (clients.len() < before).then_some(self.sum)
    }

    /// What each channel list carried when it was last read.
    pub fn of_endpoints(&self) -> impl Iterator<Item = (Endpoint, Carried)> {
        let clients = (!self.clients.is_empty()).then_some((Endpoint::ClientChannels, self.sum));
        clients.into_iter().chain(self.partner.map(|carried| (Endpoint::PartnerChannels, carried)))
    }

    /// What has come to be otherwise since the last look.
    pub(super) fn new_drift(&mut self) -> Vec<Drift> {
        let mut now = BTreeSet::new();
        for (_, carried) in self.of_endpoints() {
            now.extend(carried.missing().map(Drift::Missing));
            now.extend(carried.unknown().map(Drift::Unknown));
        }
        let new = now.difference(&self.logged).copied().collect();
        self.logged = now;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of so many channels, of which some lack the key of the limit and
    /// some have a rating that nobody knows.
    fn list(items: u32, without_limit: u32, strange_ratings: usize) -> Carried {
        let mut carried = Carried::default();
        carried.add(&Findings {
            keys: Keys { items, without: [0, 0, without_limit, 0] },
            unknown: vec![(Field::QualityRating, "PURPLE".into()); strange_ratings],
            ..Findings::default()
        });
        carried
    }

    #[test]
    fn a_client_that_is_read_again_counts_with_its_last_read_and_one_that_left_not_at_all() {
        let mut reads = LastReads::default();
        let (one, two) = (ClientId::from("one"), ClientId::from("two"));
        let keys = |carried: Carried| carried.keys;
        assert_eq!(keys(reads.client_read(&one, list(4, 4, 0))), list(4, 4, 0).keys);
        assert_eq!(keys(reads.client_read(&two, list(3, 0, 0))), list(7, 4, 0).keys);
        assert_eq!(keys(reads.client_read(&one, list(5, 1, 0))), list(8, 1, 0).keys);
        assert_eq!(reads.keep_clients(&BTreeSet::from([one.clone(), two.clone()])), None);
        assert_eq!(reads.keep_clients(&BTreeSet::from([two])).map(keys), Some(list(3, 0, 0).keys));
    }

    #[test]
    fn a_key_that_half_of_the_channels_lack_is_reported_once_until_it_was_back() {
        let mut reads = LastReads::default();
        let mut look = |carried| {
            reads.partner_read(carried);
            reads.new_drift()
        };
        let missing = vec![Drift::Missing(KeyField::MessagingLimit)];
        let seen = [0, 4, 5, 9, 10, 4, 5].map(|without| look(list(10, without, 0)));
        assert_eq!(seen, [vec![], vec![], missing.clone(), vec![], vec![], vec![], missing]);
    }

    #[test]
    fn an_enum_of_which_more_than_half_of_the_values_are_unknown_is_reported_once() {
        let mut reads = LastReads::default();
        let mut look = |strange| {
            reads.client_read(&ClientId::from("one"), list(10, 0, strange));
            reads.new_drift()
        };
        assert_eq!([5, 6, 7].map(&mut look), [vec![], vec![Drift::Unknown(Field::QualityRating)], vec![]]);
    }

    #[test]
    fn an_empty_list_lacks_nothing() {
        let mut reads = LastReads::default();
        reads.partner_read(list(0, 0, 0));
        assert_eq!(reads.new_drift(), []);
    }
}
