//! The checksum of parts put together.
//!
//! gzip ends with the CRC-32 of the whole text. The CRC of two texts in a row
//! follows from their CRCs and the length of the second, by a multiplication in
//! the field that CRC-32 lives in: zlib's `crc32_combine`, which pigz uses the
//! same way. Libraries derive the factor from the length at every call, which
//! for the ten thousand pieces of a large fleet costs more than everything else
//! of a publication; here each part carries its factor.

/// CRC-32's polynomial, reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// x^0, reflected.
const ONE: u32 = 1 << 31;

/// What must be known of a text to put it behind another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    /// CRC-32 of the text.
    pub(super) crc: u32,
    /// Bytes.
    pub(super) len: u64,
    /// x^(8·len) modulo the polynomial.
    factor: u32,
}

impl Digest {
    /// Of the empty text.
    pub(super) const EMPTY: Self = Self { crc: 0, len: 0, factor: ONE };

    /// Of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let len = text.len() as u64;
        Self { crc: crc32fast::hash(text), len, factor: factor(len) }
    }

    /// Of this text and another one behind it.
    #[must_use]
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            crc: multiply(next.factor, self.crc) ^ next.crc,
            len: self.len + next.len,
            factor: multiply(self.factor, next.factor),
        }
    }
}

/// x^(8·len) modulo the polynomial, by repeated squaring.
fn factor(len: u64) -> u32 {
    let mut square = 1 << 23; // x^8
    let mut product = ONE;
    let mut rest = len;
    while rest > 0 {
        if rest & 1 == 1 {
            product = multiply(square, product);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    product
}

/// The product of two polynomials modulo CRC-32's.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = ONE;
    while bit != 0 {
        // Without a branch: the bits of a CRC can't be predicted.
        product ^= b & 0u32.wrapping_sub((a & bit != 0) as u32);
        b = (b >> 1) ^ (POLYNOMIAL & 0u32.wrapping_sub(b & 1));
        bit >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_digest_of_parts_is_the_digest_of_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        ) {
            let digest = parts.iter().fold(Digest::EMPTY, |sum, part| sum.then(Digest::of(part)));
            prop_assert_eq!(digest, Digest::of(&parts.concat()));
        }
    }

    #[test]
    fn grouping_does_not_matter() {
        let [a, b, c] = ["one", "", "three"].map(|t| Digest::of(t.as_bytes()));
        assert_eq!(a.then(b).then(c), a.then(b.then(c)));
    }
}
