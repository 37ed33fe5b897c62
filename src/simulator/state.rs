//! Everything of a simulator that changes. Never here: the changes themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use super::faults::Faults;
use super::fleet::Fleet;
use super::generate;
use super::incidents::Incidents;
use super::limiter::Limiter;
use super::list_memory::ListMemory;
use super::operation::Operation;
use super::options::Options;

/// Everything that changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) fleet: Fleet,
    pub(super) incidents: Incidents,
    pub(super) faults: Faults<Operation>,
    /// What is remembered of each list since the faults were set, by operation and client.
    pub(super) lists: BTreeMap<(Operation, String), ListMemory>,
    pub(super) limiter: Option<Limiter>,
    /// Responses by operation and status.
    pub(super) requests: BTreeMap<&'static str, BTreeMap<u16, u64>>,
}

impl State {
    /// The state at the start.
    pub(super) fn new(options: &Options) -> Self {
        let Options { seed, clients, channels_per_client, started_at, .. } = *options;
        Self {
            fleet: generate::fleet(seed, clients, channels_per_client, started_at),
            incidents: Incidents::new(seed, options.incidents_per_minute, started_at),
            faults: Faults::new(seed),
            lists: BTreeMap::new(),
            limiter: options.rate_limit.map(|limit| Limiter::new(limit, true)),
            requests: BTreeMap::new(),
        }
    }

    /// Applies the incidents that were due by now.
    pub(super) fn advance(&mut self, elapsed: Duration) {
        self.incidents.advance(&mut self.fleet, elapsed);
    }
}
