//! A bound on log lines that anybody on the network can cause.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Addresses that are remembered. When there are more, all are forgotten.
const REMEMBERED: usize = 1024;

/// Allows one line per period, for each address or for all together.
#[derive(Debug)]
pub(super) struct OnceInAWhile {
    period: Duration,
    last: Mutex<HashMap<Option<IpAddr>, Instant>>,
}

impl OnceInAWhile {
    pub(super) fn new(period: Duration) -> Self {
        Self { period, last: Mutex::default() }
    }

    /// Whether a line may be written now about an address, or about all.
    pub(super) fn allows(&self, address: Option<IpAddr>) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&address).is_some_and(|last| now - *last < self.period) {
            return false;
        }
        if last.len() >= REMEMBERED {
            last.clear();
        }
        last.insert(address, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_address_has_one_line_per_period() {
        let lines = OnceInAWhile::new(Duration::from_secs(60));
        let [a, b] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
        assert_eq!(
            [a, b, None, a, b, None].map(|address| lines.allows(address)),
            [true, true, true, false, false, false]
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(lines.allows(a));
    }
}
