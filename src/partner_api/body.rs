//! The body of a response as it comes in: decompressed piece by piece, and never
//! larger than allowed. Never here: what the bytes mean.
//!
//! reqwest could decompress, but knows only `gzip` in lower case and of one
//! member, and refuses what RFC 9110 and RFC 1952 allow beyond that.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

use super::{ApiError, Reason};

/// A body that is being received.
#[derive(Debug)]
pub(super) enum Body {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// What was received of it, after decompression.
#[derive(Debug)]
pub(super) struct Bounded {
    plain: Vec<u8>,
    limit: usize,
    /// More came than may be kept.
    is_full: bool,
}

impl Body {
    /// Nothing received yet of a body with this `Content-Encoding`. Names of
    /// encodings ignore case, and `x-gzip` is gzip (RFC 9110, section 8.4.1.3).
    /// A body in any other encoding is kept as it comes.
    pub(super) fn new(encoding: Option<&[u8]>, limit: usize) -> Self {
        let kept = Bounded { plain: Vec::new(), limit, is_full: false };
        let is_gzip = |name: &[u8]| [&b"gzip"[..], b"x-gzip"].iter().any(|known| name.eq_ignore_ascii_case(known));
        match encoding.map(<[u8]>::trim_ascii) {
            Some(name) if is_gzip(name) => Self::Gzip(Box::new(MultiGzDecoder::new(kept))),
            _ => Self::Plain(kept),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// [`Reason::TooLarge`] beyond the limit, [`Reason::Decode`] if the piece is
    /// not in the encoding.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        let written = match self {
            Self::Plain(kept) => kept.write_all(piece),
            Self::Gzip(decoder) => decoder.write_all(piece),
        };
        written.map_err(|error| self.failure(&error))
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// As [`Body::push`]; a body that ends early is not in its encoding.
    pub(super) fn finish(mut self) -> Result<Bytes, ApiError> {
        if let Self::Gzip(decoder) = &mut self {
            decoder.try_finish().map_err(|error| self.failure(&error))?;
        }
        Ok(std::mem::take(&mut self.kept_mut().plain).into())
    }

    fn kept_mut(&mut self) -> &mut Bounded {
        match self {
            Self::Plain(kept) => kept,
            Self::Gzip(decoder) => decoder.get_mut(),
        }
    }

    fn failure(&mut self, error: &io::Error) -> ApiError {
        let kept = self.kept_mut();
        if kept.is_full {
            return too_large(kept.limit);
        }
        ApiError::new(Reason::Decode, format!("the response is not in the encoding that it declares: {error}"))
    }
}

/// The failure of a response that is larger than `limit` bytes.
pub(super) fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        Reason::TooLarge,
        format!(
            "expected a response of at most {limit} bytes, found a larger one; raise --api.max-response-size or lower --api.page-size"
        ),
    )
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.plain.len() + piece.len() > self.limit {
            self.is_full = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.plain.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// What is received if it comes in pieces of this size.
    fn received(encoding: Option<&str>, sent: &[u8], piece: usize, limit: usize) -> Result<Bytes, ApiError> {
        let mut body = Body::new(encoding.map(str::as_bytes), limit);
        sent.chunks(piece).try_for_each(|piece| body.push(piece))?;
        body.finish()
    }

    proptest! {
        #[test]
        fn bodies_are_the_same_in_every_encoding_however_they_come(
            members in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..4),
            piece in 1..50_usize,
            name in "gzip|x-gzip|GZIP|X-Gzip| gzip ",
        ) {
            let plain = members.concat();
            let sent: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
            prop_assert_eq!(received(Some(&name), &sent, piece, plain.len()).unwrap(), &plain);
            prop_assert_eq!(received(None, &plain, piece, plain.len()).unwrap(), &plain);
        }
    }

    #[test]
    fn one_byte_more_than_allowed_is_too_large_compressed_or_not() {
        for (encoding, sent) in [(None, b"12345".to_vec()), (Some("gzip"), gzip(b"12345"))] {
            let failure = received(encoding, &sent, 3, 4).unwrap_err();
            assert_eq!(failure.reason, Reason::TooLarge, "{encoding:?}");
        }
    }

    #[test]
    fn a_body_that_is_cut_or_not_in_its_encoding_is_a_decode_failure() {
        let whole = gzip(b"[]");
        for sent in [&whole[..whole.len() - 1], &whole[..5], b"[]", b""] {
            let failure = received(Some("gzip"), sent, 3, 100).map(|body| (sent.to_vec(), body)).unwrap_err();
            assert_eq!(failure.reason, Reason::Decode, "{sent:?}");
        }
    }
}
