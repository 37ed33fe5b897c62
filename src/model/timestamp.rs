//! A moment in time, in eight bytes.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use jiff::SignedDuration;

/// A moment, to the microsecond. An `Option` of it has eight bytes, too, where
/// jiff's own takes 24; of those a channel has six.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

/// Puts the smallest number of microseconds first, and none at 0.
const BIAS: u64 = 1 << 63;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self::from_microsecond(0);

    /// Before everything that can be expressed.
    pub const MIN: Self = Self::from_microsecond(i64::MIN);

    /// After everything that can be expressed.
    pub const MAX: Self = Self::from_microsecond(i64::MAX);

    /// So many seconds after the epoch.
    pub const fn from_second(seconds: i64) -> Self {
        Self::from_microsecond(seconds.saturating_mul(1_000_000))
    }

    #[expect(clippy::cast_sign_loss, reason = "the bits are meant")]
    const fn from_microsecond(microseconds: i64) -> Self {
        match NonZeroU64::new(microseconds as u64 ^ BIAS) {
            Some(biased) => Self(biased),
            None => Self(NonZeroU64::MIN),
        }
    }

    #[expect(clippy::cast_possible_wrap, reason = "the bits are meant")]
    const fn as_microsecond(self) -> i64 {
        (self.0.get() ^ BIAS) as i64
    }

    /// Whole seconds since the epoch, towards zero.
    pub const fn as_second(self) -> i64 {
        self.as_microsecond() / 1_000_000
    }

    /// How long after `earlier` it is; negative if it is before it.
    pub fn duration_since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_micros(self.as_microsecond().saturating_sub(earlier.as_microsecond()))
    }

    /// The moment `duration` later, or the last one that there is.
    pub fn saturating_add(self, duration: SignedDuration) -> Self {
        let microseconds = i128::from(self.as_microsecond()).saturating_add(duration.as_micros());
        let farthest = if duration.is_negative() { i64::MIN } else { i64::MAX };
        Self::from_microsecond(i64::try_from(microseconds).unwrap_or(farthest))
    }

    /// The moment in UTC, in a format of strftime's.
    pub fn strftime(self, format: &str) -> String {
        jiff::Timestamp::from(self).strftime(format).to_string()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self::from_microsecond(at.as_microsecond())
    }
}

impl From<Timestamp> for jiff::Timestamp {
    /// As near as jiff comes, which knows the years -9999 to 9999.
    fn from(at: Timestamp) -> Self {
        let farthest = if at < Timestamp::UNIX_EPOCH { Self::MIN } else { Self::MAX };
        Self::from_microsecond(at.as_microsecond()).unwrap_or(farthest)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    /// Reads a date and time with an offset from UTC (RFC 3339, ISO 8601).
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(Self::from)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        jiff::Timestamp::from(*self).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn none_takes_no_room() {
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
    }

    #[test]
    fn the_ends_of_time_are_not_left() {
        let second = SignedDuration::from_secs(1);
        assert_eq!(Timestamp::MAX.saturating_add(second), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.saturating_add(-second), Timestamp::MIN);
        assert_eq!(Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::MAX), Timestamp::MAX);
        assert_eq!(jiff::Timestamp::from(Timestamp::MAX), jiff::Timestamp::MAX);
        assert_eq!(jiff::Timestamp::from(Timestamp::MIN), jiff::Timestamp::MIN);
    }

    proptest! {
        /// It says the same as jiff of the same microseconds.
        #[test]
        fn it_stands_for_the_same_moment_as_jiffs(
            a in -300_000_000_000_000_000_i64..250_000_000_000_000_000,
            b in -300_000_000_000_000_000_i64..250_000_000_000_000_000,
        ) {
            let theirs = [a, b].map(|at| jiff::Timestamp::from_microsecond(at).unwrap());
            let ours = theirs.map(Timestamp::from);
            prop_assert_eq!(ours.map(jiff::Timestamp::from), theirs);
            prop_assert_eq!(ours.map(Timestamp::as_second), theirs.map(jiff::Timestamp::as_second));
            prop_assert_eq!(ours.map(|at| at.to_string()), theirs.map(|at| at.to_string()));
            prop_assert_eq!(ours[0].cmp(&ours[1]), theirs[0].cmp(&theirs[1]));
            prop_assert_eq!(ours[0].duration_since(ours[1]), theirs[0].duration_since(theirs[1]));
            prop_assert_eq!(ours[1].saturating_add(ours[0].duration_since(ours[1])), ours[0]);
            prop_assert_eq!(theirs[0].to_string().parse::<Timestamp>().unwrap(), ours[0]);
        }
    }
}
