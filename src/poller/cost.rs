//! What a cycle costs in requests, and which way of reading `auto` takes
//! therefore.

use std::time::Duration;

use super::{Pace, Strategy};
use crate::model::Reads;

/// Which prepaid balances are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CollectBalance {
    /// None.
    #[default]
    Off,
    /// The partner's, once an hour.
    Partner,
    /// The partner's and each client's.
    Clients,
}

/// Requests of a paged list: its pages, and the one behind them that
/// brings nothing new.
pub fn listing_requests(items: usize, page_size: usize) -> usize {
    items.div_ceil(page_size.max(1)) + 1
}

/// Requests of a cycle that lists the clients and reads each one's channels.
pub fn per_client_requests(clients: usize, page_size: usize) -> usize {
    listing_requests(clients, page_size) + clients
}

/// Requests of a cycle that lists the clients and the partner's channels.
pub fn bulk_requests(clients: usize, channels: usize, page_size: usize) -> usize {
    listing_requests(clients, page_size) + listing_requests(channels, page_size)
}

impl Strategy {
    /// How a cycle over so many clients is read, where both ways are open.
    pub fn choose(self, clients: usize, pace: Pace, interval: Duration) -> Reads {
        let affordable = pace.requests_per_second * interval.as_secs_f64();
        match self {
            Self::PerClient => Reads::PerClient,
            Self::Bulk => Reads::Bulk,
            Self::Auto if per_client_requests(clients, pace.page_size) as f64 > affordable => Reads::Bulk,
            Self::Auto => Reads::PerClient,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    #[test]
    fn a_list_costs_its_pages_and_one_that_finds_the_end() {
        let requests = [0, 1, 200, 201, 400].map(|items| listing_requests(items, 200));
        assert_eq!(requests, [1, 2, 2, 3, 3]);
    }

    #[test]
    fn a_cycle_costs_the_list_and_one_request_per_client_or_two_lists() {
        assert_eq!(per_client_requests(400, 200), 3 + 400);
        assert_eq!(bulk_requests(400, 1200, 200), 3 + 7);
    }

    #[test]
    fn auto_reads_per_client_while_exactly_that_many_requests_fit_into_the_interval() {
        let pace = Pace::of(2.0, 200);
        // 596 clients: 4 requests for the list, 600 in all.
        let chosen = [596, 597].map(|clients| Strategy::Auto.choose(clients, pace, FIVE_MINUTES));
        assert_eq!(chosen, [Reads::PerClient, Reads::Bulk]);
    }

    #[test]
    fn a_strategy_that_was_asked_for_is_taken_whatever_it_costs() {
        let slow = Pace::of(0.001, 1);
        let chosen = [Strategy::PerClient, Strategy::Bulk].map(|s| s.choose(1_000_000, slow, FIVE_MINUTES));
        assert_eq!(chosen, [Reads::PerClient, Reads::Bulk]);
    }
}
