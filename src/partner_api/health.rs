//! Whether the API responds at all.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::watch;

/// So many failed requests in a row are an outage.
const OUTAGE: u32 = 10;

/// How many requests failed in a row.
#[derive(Debug)]
pub(super) struct Health {
    failures: AtomicU32,
    outage: watch::Sender<bool>,
}

impl Default for Health {
    fn default() -> Self {
        Self { failures: AtomicU32::new(0), outage: watch::Sender::new(false) }
    }
}

impl Health {
    /// Records a request that ended.
    pub(super) fn ended(&self, successful: bool) {
        if successful {
            self.failures.store(0, Ordering::Relaxed);
            self.outage.send_if_modified(std::mem::take);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= OUTAGE {
            self.outage.send_if_modified(|outage| !std::mem::replace(outage, true));
        }
    }

    /// Whether nothing succeeded for so long that the client list is to be tried
    /// before anything else.
    pub(super) fn is_outage(&self) -> bool {
        *self.outage.borrow()
    }

    /// Waits until there is an outage.
    pub(super) async fn outage(&self) {
        let mut outage = self.outage.subscribe();
        if outage.wait_for(|outage| *outage).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_a_row_are_an_outage_until_one_request_succeeds() {
        let health = Health::default();
        let mut seen = Vec::new();
        for successful in [vec![false; 9], vec![true], vec![false; 10], vec![true]].concat() {
            health.ended(successful);
            seen.push(health.is_outage());
        }
        let expected = [vec![false; 19], vec![true], vec![false]].concat();
        assert_eq!(seen, expected);
    }
}
