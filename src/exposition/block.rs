//! Blocks: text that is deflated once and sent many times.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::crc::Digest;

/// A deflated piece of text that can stand between any two others.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Raw deflate, ending with a sync flush, so on a byte boundary.
    pub(super) deflated: Bytes,
    /// Of the text.
    pub(super) digest: Digest,
    /// Lines of samples in the text.
    pub(super) series: usize,
}

impl Block {
    /// A block without text.
    pub(super) const EMPTY: Self = Self { deflated: Bytes::from_static(&[]), digest: Digest::EMPTY, series: 0 };

    /// The text again.
    pub(super) fn inflate(&self) -> Bytes {
        let mut text = Vec::with_capacity(usize::try_from(self.digest.len).unwrap_or(0));
        let inflated = Decompress::new(false).decompress_vec(&self.deflated, &mut text, FlushDecompress::Sync);
        debug_assert!(inflated.is_ok() && text.len() as u64 == self.digest.len, "blocks inflate to their text");
        text.into()
    }
}

/// Makes blocks. Reused, because setting up a compressor costs more than a
/// small block.
#[derive(Debug)]
pub(super) struct Deflater {
    compress: Compress,
    buffer: Vec<u8>,
}

impl Default for Deflater {
    fn default() -> Self {
        // Level 2 takes a third more time than 1, whose codes are fixed, and a
        // fifth fewer bytes; 5, the smallest, twice its time for a tenth fewer.
        Self { compress: Compress::new(Compression::new(2), false), buffer: Vec::new() }
    }
}

impl Deflater {
    /// Deflates one text of so many sample lines.
    pub(super) fn block(&mut self, text: &[u8], series: usize) -> Block {
        if text.is_empty() {
            return Block::EMPTY;
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
        Block { deflated: Bytes::copy_from_slice(&self.buffer), digest: Digest::of(text), series }
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
        fn a_block_inflates_to_its_text(text in prop::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(Deflater::default().block(&text, 1).inflate(), text);
        }
    }

    #[test]
    fn a_deflater_remembers_nothing_of_the_block_before() {
        let mut deflater = Deflater::default();
        let text = b"d360_channel_info{partner_id=\"p\"} 1\n".repeat(5000);
        let first = deflater.block(&text, 5000);
        let second = deflater.block(&text, 5000);
        assert_eq!(first.deflated, second.deflated);
        assert_eq!(second.inflate(), text);
    }
}
