//! Which keys the items of a response had.

use std::ops::{AddAssign, SubAssign};

use super::KeyField;

/// Channels that were read, and how many of them lacked a key that all should
/// have. A key whose value is `null` is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Channels.
    pub items: u32,
    /// Channels without the key, in the order of [`KeyField::ALL`].
    pub without: [u32; KeyField::ALL.len()],
}

impl AddAssign for Keys {
    fn add_assign(&mut self, other: Self) {
        self.items = self.items.saturating_add(other.items);
        for (sum, n) in self.without.iter_mut().zip(other.without) {
            *sum = sum.saturating_add(n);
        }
    }
}

impl SubAssign for Keys {
    fn sub_assign(&mut self, other: Self) {
        self.items = self.items.saturating_sub(other.items);
        for (sum, n) in self.without.iter_mut().zip(other.without) {
            *sum = sum.saturating_sub(n);
        }
    }
}
