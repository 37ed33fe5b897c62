//! Which clients are this process's: `--shard` of `--total-shards`.
//!
//! The choice depends on the client's id alone, so that processes need not know
//! of each other: FNV-1a (64 bit) of the id, finished with a multiply-shift mix,
//! modulo the number of shards. The function is part of the contract between
//! versions: changing it moves clients between shards.

use crate::model::ClientId;

/// One part of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// This process's part, from 0.
    pub index: u32,
    /// Number of parts, at least 1.
    pub total: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self { index: 0, total: 1 }
    }
}

impl Shard {
    /// Whether the client belongs to this shard.
    pub fn holds(&self, client: &ClientId) -> bool {
        self.total <= 1 || hash(client.as_str()) % u64::from(self.total) == u64::from(self.index)
    }
}

fn hash(id: &str) -> u64 {
    let fnv = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // FNV's low bits are weak for short ids.
    (fnv ^ (fnv >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_together_hold_every_client_exactly_once_and_evenly() {
        let clients: Vec<ClientId> = (0..10_000).map(|i| format!("c{i:05}CL").into()).collect();
        for total in 1..=7 {
            let mut sizes = vec![0_usize; total as usize];
            for client in &clients {
                let holders: Vec<u32> = (0..total).filter(|&index| Shard { index, total }.holds(client)).collect();
                assert_eq!(holders.len(), 1, "{client} of {total}");
                sizes[holders[0] as usize] += 1;
            }
            let even = 10_000 / total as usize;
            assert!(sizes.iter().all(|&s| s.abs_diff(even) < even / 10), "{sizes:?}");
        }
    }

    #[test]
    fn a_clients_shard_never_changes_between_versions() {
        let of = |id: &str| (0..8).find(|&index| Shard { index, total: 8 }.holds(&id.into()));
        let shards = ["exampleCL", "3CpBg3xvCL", "", "ü"].map(of);
        assert_eq!(shards, [7, 3, 3, 3].map(Some));
    }
}
