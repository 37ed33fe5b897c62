//! Pieces: text that is deflated once and sent many times.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::crc::Digest;

/// A deflated piece of text that can stand between any two others.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Raw deflate, ending with a sync flush, so on a byte boundary.
    pub(super) deflated: Bytes,
    /// Of the text.
    pub(super) digest: Digest,
    /// Lines of samples in the text.
    pub(super) series: usize,
}

impl Piece {
    /// A piece without text.
    pub(super) const EMPTY: Self = Self { deflated: Bytes::from_static(&[]), digest: Digest::EMPTY, series: 0 };

    /// Several pieces in one piece of memory, of which they become views.
    pub(super) fn join(pieces: &mut [&mut Self]) -> Self {
        let mut deflated = Vec::with_capacity(pieces.iter().map(|piece| piece.deflated.len()).sum());
        pieces.iter().for_each(|piece| deflated.extend_from_slice(&piece.deflated));
        let mut joined = Self { deflated: deflated.into(), ..Self::EMPTY };
        let mut end = 0;
        for piece in pieces {
            let start = end;
            end += piece.deflated.len();
            piece.deflated = joined.deflated.slice(start..end);
            joined.digest = joined.digest.then(piece.digest);
            joined.series += piece.series;
        }
        joined
    }

    /// Whether it is what [`Piece::join`] made of these pieces.
    pub(super) fn is_made_of<'a>(&self, mut pieces: impl Iterator<Item = &'a Self>) -> bool {
        let mut at = self.deflated.as_ptr().addr();
        let end = at + self.deflated.len();
        let whole = pieces.all(|Self { deflated, .. }| {
            let there = deflated.is_empty() || deflated.as_ptr().addr() == at;
            at += deflated.len();
            there
        });
        whole && at == end
    }

    /// The text again.
    pub(super) fn inflate(&self) -> Bytes {
        let mut text = Vec::with_capacity(usize::try_from(self.digest.len).unwrap_or(0));
        let inflated = Decompress::new(false).decompress_vec(&self.deflated, &mut text, FlushDecompress::Sync);
        debug_assert!(inflated.is_ok() && text.len() as u64 == self.digest.len, "pieces inflate to their text");
        text.into()
    }
}

/// Makes pieces. Reused, because setting up a compressor costs more than a
/// small piece.
#[derive(Debug)]
pub(super) struct Deflater {
    compress: Compress,
    buffer: Vec<u8>,
}

impl Default for Deflater {
    fn default() -> Self {
        // Level 2 takes a third more time than 1, whose codes are fixed, and a
        // fifth fewer bytes; 5 twice its time for a tenth fewer, and beyond it
        // hardly anything is left to win.
        Self { compress: Compress::new(Compression::new(2), false), buffer: Vec::new() }
    }
}

impl Deflater {
    /// Deflates one text of so many sample lines. If `before` holds that text, it
    /// is `before`: most changes change few families, and to inflate costs half
    /// of deflating.
    pub(super) fn piece(&mut self, text: &[u8], series: usize, before: Option<&Piece>) -> Piece {
        if text.is_empty() {
            return Piece::EMPTY;
        }
        let digest = Digest::of(text);
        if let Some(before) = before
            && before.digest == digest
            && before.inflate() == text
        {
            return before.clone();
        }
        self.compress.reset();
        self.buffer.clear();
        loop {
            // Room for what deflate can't shrink, and for the flush.
            self.buffer.reserve(text.len() / 8 + 256);
            let consumed = usize::try_from(self.compress.total_in()).unwrap_or(usize::MAX).min(text.len());
            let status = self.compress.compress_vec(&text[consumed..], &mut self.buffer, FlushCompress::Sync);
            debug_assert!(!matches!(status, Err(_) | Ok(Status::StreamEnd)));
            // The flush is complete when it leaves room behind it.
            if self.compress.total_in() == text.len() as u64 && self.buffer.len() < self.buffer.capacity() {
                break;
            }
        }
        Piece { deflated: Bytes::copy_from_slice(&self.buffer), digest, series }
    }
}

/// `text` as stored blocks of deflate: framed, not compressed. For text that is
/// made anew at every scrape.
pub(super) fn stored(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 5 * (text.len() / 0xffff + 1));
    for piece in text.chunks(0xffff) {
        #[expect(clippy::cast_possible_truncation, reason = "pieces are at most 0xffff bytes")]
        let len = piece.len() as u16;
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_piece_inflates_to_its_text(text in prop::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(Deflater::default().piece(&text, 1, None).inflate(), text);
        }
    }

    #[test]
    fn pieces_that_were_joined_are_views_of_the_whole_and_can_be_joined_again() {
        let texts = ["a 1\n", "", "b 2\nb 3\n"];
        let whole = texts.concat();
        let piece = |text: &str| Deflater::default().piece(text.as_bytes(), text.lines().count(), None);
        let mut pieces = texts.map(piece);
        for _ in 0..2 {
            let joined = Piece::join(&mut pieces.each_mut());
            assert_eq!((joined.inflate(), joined.series), (Bytes::from(whole.clone()), 3));
            assert_eq!(joined.digest, Digest::of(whole.as_bytes()));
            assert_eq!(pieces.clone().map(|piece| piece.inflate()), texts.map(Bytes::from));
            assert!(joined.is_made_of(pieces.iter()));
            for others in [&pieces[..2], &pieces[1..], &[]] {
                assert!(!joined.is_made_of(others.iter()));
            }
        }
        let joined = Piece::join(&mut pieces.each_mut());
        pieces[2] = piece(texts[2]);
        assert!(!joined.is_made_of(pieces.iter()), "the same text, made anew");
    }

    #[test]
    fn a_text_that_a_piece_holds_already_is_not_deflated_again() {
        let mut deflater = Deflater::default();
        let [one, other] = ["a 1\n", "a 2\n"].map(str::as_bytes);
        let known = deflater.piece(one, 1, None);
        assert_eq!(deflater.piece(one, 1, Some(&known)).deflated.as_ptr(), known.deflated.as_ptr());
        assert_eq!(deflater.piece(other, 1, Some(&known)).inflate(), other);
        // As if two texts had one digest.
        let alike = Piece { digest: Digest::of(other), ..known };
        assert_eq!(deflater.piece(other, 1, Some(&alike)).inflate(), other);
    }

    #[test]
    fn a_deflater_remembers_nothing_of_the_piece_before() {
        let mut deflater = Deflater::default();
        let text = b"d360_channel_info{partner_id=\"p\"} 1\n".repeat(5000);
        let first = deflater.piece(&text, 5000, None);
        let second = deflater.piece(&text, 5000, None);
        assert_eq!(first.deflated, second.deflated);
        assert_eq!(second.inflate(), text);
    }
}
