//! When which prepaid balance is read: pure, it gets the time and the results.
//!
//! The partner's balance is read once an hour, and each client's, spread over the
//! hour. One request at a time, and only where nothing else is due: see
//! `start_what_is_due`.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;

use tokio::time::Instant;

use super::CollectBalance;
use crate::model::ClientId;

/// Between two reads of the same balance. A refused path waits as long.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Whose balance is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BalanceOf {
    Partner,
    Client(ClientId),
}

/// The plan of the balances of one partner.
#[derive(Debug)]
pub(super) struct Balances {
    collect: CollectBalance,
    /// When the partner's is due; `None` before the first full cycle.
    partner: Option<Instant>,
    /// When the next client's is due; likewise.
    client: Option<Instant>,
    /// The client that was read last. The next one in the order of ids follows.
    last: Option<ClientId>,
    running: bool,
}

impl Balances {
    pub(super) fn new(collect: CollectBalance) -> Self {
        Self { collect, partner: None, client: None, last: None, running: false }
    }

    /// Records a full cycle: the first one lets the balances begin.
    pub(super) fn cycle_ended(&mut self, now: Instant) {
        if self.collect != CollectBalance::Off {
            self.partner.get_or_insert(now);
        }
        if self.collect == CollectBalance::Clients {
            self.client.get_or_insert(now);
        }
    }

    /// When the next balance is due, unless one is being read.
    pub(super) fn due_at(&self) -> Option<Instant> {
        if self.running { None } else { self.partner.into_iter().chain(self.client).min() }
    }

    /// The balance to read now. It counts as started.
    pub(super) fn next(&mut self, now: Instant, clients: impl FnOnce() -> BTreeSet<ClientId>) -> Option<BalanceOf> {
        if self.due_at().is_none_or(|due| due > now) {
            return None;
        }
        if self.partner.is_some_and(|due| due <= now) {
            self.partner = Some(now + INTERVAL);
            self.running = true;
            return Some(BalanceOf::Partner);
        }
        let clients = clients();
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = clients.range::<ClientId, _>((after, Bound::Unbounded)).next().or_else(|| clients.first()).cloned();
        self.client = Some(now + INTERVAL / u32::try_from(clients.len().max(1)).unwrap_or(u32::MAX));
        self.last.clone_from(&next);
        self.running = next.is_some();
        next.map(BalanceOf::Client)
    }

    /// A read ended; `refused` if the API has no balances for this key.
    pub(super) fn ended(&mut self, now: Instant, of: &BalanceOf, refused: bool) {
        self.running = false;
        if refused && matches!(of, BalanceOf::Client(_)) {
            self.client = Some(now + INTERVAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> BTreeSet<ClientId> {
        ["a", "b", "c"].map(ClientId::from).into()
    }

    /// What is read in each minute of two hours, each read ending at once.
    fn read(collect: CollectBalance, refuse: bool) -> Vec<(u64, String)> {
        let (start, mut balances, mut reads) = (Instant::now(), Balances::new(collect), Vec::new());
        assert_eq!(balances.next(start, clients), None, "nothing before the first full cycle");
        balances.cycle_ended(start);
        for minute in 0..120 {
            let now = start + Duration::from_secs(60 * minute);
            while let Some(of) = balances.next(now, clients) {
                assert_eq!(balances.next(now, clients), None, "one at a time");
                balances.ended(now, &of, refuse);
                let name = if let BalanceOf::Client(id) = &of { id.to_string() } else { "partner".to_owned() };
                reads.push((minute, name));
            }
        }
        reads
    }

    fn expected(reads: &[(u64, &str)]) -> Vec<(u64, String)> {
        reads.iter().map(|(minute, name)| (*minute, (*name).to_owned())).collect()
    }

    #[test]
    fn nothing_is_read_unless_asked_for() {
        assert_eq!(read(CollectBalance::Off, false), []);
    }

    #[test]
    fn the_partners_balance_is_read_once_an_hour() {
        assert_eq!(read(CollectBalance::Partner, false), expected(&[(0, "partner"), (60, "partner")]));
    }

    #[test]
    fn the_clients_balances_are_spread_over_the_hour() {
        let hour = [(0, "partner"), (0, "a"), (20, "b"), (40, "c")];
        let second = hour.map(|(minute, name)| (minute + 60, name));
        assert_eq!(read(CollectBalance::Clients, false), expected(&[hour, second].concat()));
    }

    #[test]
    fn a_refusal_switches_the_clients_balances_off_for_an_hour() {
        let reads = [(0, "partner"), (0, "a"), (60, "partner"), (60, "b")];
        assert_eq!(read(CollectBalance::Clients, true), expected(&reads));
    }
}
