//! One scrape: a filter, a format and an encoding, as frames of bytes whose
//! total length is known before the first is sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use prometheus::proto::MetricFamily;

use super::crc::Digest;
use super::negotiation::Format;
use super::piece::{Deflater, Piece, stored};
use super::self_metrics;
use super::snapshot::Snapshot;
use crate::catalogue::{FAMILIES, Family, Kind};

/// Which families a scrape asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those with these names, `name[]=` in the query. A name that nobody knows
    /// selects nothing.
    Names(Vec<String>),
}

impl Filter {
    fn wants(&self, family: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|name| name == family),
        }
    }
}

/// One scrape's body.
#[derive(Debug)]
pub struct ScrapeBody {
    len: u64,
    /// Whether pieces are sent as they are, or inflated on the way out.
    gzip: bool,
    frames: VecDeque<Frame>,
}

#[derive(Debug)]
enum Frame {
    /// Sent as it is.
    Ready(Bytes),
    /// The pieces of a family, from a part on.
    Family { snapshot: Arc<Snapshot>, family: usize, next: usize },
}

/// gzip's header (RFC 1952): deflate, no name, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The last block of a deflate stream: empty.
const DEFLATE_END: [u8; 2] = [3, 0];

/// HELP and TYPE of every family, as text and as pieces, for the text format and
/// for OpenMetrics.
static HEADERS: LazyLock<[Vec<Header>; 2]> = LazyLock::new(|| {
    let mut deflater = Deflater::default();
    [false, true].map(|openmetrics| {
        FAMILIES
            .iter()
            .map(|family| {
                let text = header(family, openmetrics);
                Header { piece: deflater.piece(text.as_bytes(), 0, None), text: text.into() }
            })
            .collect()
    })
});

#[derive(Debug)]
struct Header {
    text: Bytes,
    piece: Piece,
}

fn header(family: &Family, openmetrics: bool) -> String {
    let name = match family.kind {
        Kind::Counter if openmetrics => family.name.trim_end_matches("_total"),
        _ => family.name,
    };
    format!("# HELP {name} {}\n# TYPE {name} {}\n", family.help, family.kind.as_str())
}

impl ScrapeBody {
    /// Builds a response: of `snapshot` and of the exporter's `own`
    /// families, in the order of the catalogue.
    pub fn new(snapshot: &Arc<Snapshot>, own: &[MetricFamily], format: Format, gzip: bool, filter: &Filter) -> Self {
        let own: HashMap<&str, &MetricFamily> = own.iter().map(|family| (family.name(), family)).collect();
        let headers = &HEADERS[usize::from(format.is_openmetrics())];
        let mut body = Body { gzip, len: 0, digest: Digest::EMPTY, frames: VecDeque::new(), text: Vec::new() };
        if gzip {
            body.ready(Bytes::from_static(&GZIP_HEADER));
        }
        for (index, family) in FAMILIES.iter().enumerate() {
            if snapshot.settings.excludes(index) || !filter.wants(family.name) {
                continue;
            }
            if let Some(own) = own.get(family.name).filter(|own| !own.get_metric().is_empty()) {
                body.text.extend_from_slice(&headers[index].text);
                self_metrics::push_samples(&mut body.text, own);
            } else if !snapshot.total(index).is_empty() {
                body.flush_text();
                body.header(&headers[index]);
                body.family(snapshot, index);
            }
        }
        if format.is_openmetrics() {
            body.text.extend_from_slice(b"# EOF\n");
        }
        body.flush_text();
        if gzip {
            let mut trailer = DEFLATE_END.to_vec();
            trailer.extend_from_slice(&body.digest.crc.to_le_bytes());
            #[expect(clippy::cast_possible_truncation, reason = "gzip's length is modulo 2^32")]
            trailer.extend_from_slice(&(body.digest.len as u32).to_le_bytes());
            body.ready(trailer.into());
        }
        Self { len: body.len, gzip, frames: body.frames }
    }

    /// Bytes of the whole body: its `Content-Length`.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Iterator for ScrapeBody {
    type Item = Bytes;

    /// The next piece of the body. Whoever inflates pays here, piece by piece.
    fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.frames.front_mut()? {
                Frame::Ready(bytes) => {
                    let bytes = std::mem::take(bytes);
                    self.frames.pop_front();
                    return Some(bytes);
                }
                Frame::Family { snapshot, family, next } => {
                    if let Some((piece, behind)) = snapshot.piece(*family, *next) {
                        *next = behind;
                        return Some(if self.gzip { piece.deflated.clone() } else { piece.inflate() });
                    }
                    self.frames.pop_front();
                }
            }
        }
    }
}

/// A body in the making.
struct Body {
    gzip: bool,
    len: u64,
    digest: Digest,
    frames: VecDeque<Frame>,
    /// Text that is not in a frame yet.
    text: Vec<u8>,
}

impl Body {
    fn ready(&mut self, bytes: Bytes) {
        self.len += bytes.len() as u64;
        self.frames.push_back(Frame::Ready(bytes));
    }

    fn flush_text(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if self.gzip {
            self.digest = self.digest.then(Digest::of(&text));
            self.ready(stored(&text).into());
        } else {
            self.ready(text.into());
        }
    }

    fn header(&mut self, header: &Header) {
        if self.gzip {
            self.digest = self.digest.then(header.piece.digest);
            self.ready(header.piece.deflated.clone());
        } else {
            self.ready(header.text.clone());
        }
    }

    fn family(&mut self, snapshot: &Arc<Snapshot>, family: usize) {
        let total = snapshot.total(family).clone();
        let snapshot = snapshot.clone();
        self.digest = self.digest.then(total.digest);
        self.len += if self.gzip { total.deflated_len } else { total.digest.len };
        self.frames.push_back(Frame::Family { snapshot, family, next: 0 });
    }
}
