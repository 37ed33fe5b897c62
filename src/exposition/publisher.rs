//! Chunks, and making anew what changed.
//!
//! A chunk is a range of client ids that holds a few hundred channels. Ranges
//! are split and merged as the fleet grows and shrinks, so the cost of a change
//! does not depend on the size of the fleet. A client is never split: one with
//! thousands of channels is a chunk by itself and costs what it is.
//!
//! A piece of a chunk has two kilobytes. Sent one by one, a scrape would be
//! thousands of small pieces, and put together at every scrape all of it would be
//! copied once more. So pieces of neighbours are joined when they change.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::piece::{Deflater, Piece};
use super::render::{RenderSettings, Renderer};
use super::snapshot::{Part, PartnerSummary, Snapshot};
use crate::catalogue::FAMILIES;
use crate::fleet::{Change, ClientState, Fleet, Overview, PartnerState};
use crate::model::{ClientId, PartnerId};

/// Channels of a chunk, when it is made.
const TARGET: usize = 256;

/// Neighbouring chunks whose pieces are joined.
const JOINED: usize = 8;

/// Holds the pieces of all fleets, and makes anew those that changed.
#[derive(Debug)]
pub struct Publisher {
    renderer: Renderer,
    deflater: Deflater,
    partners: BTreeMap<PartnerId, PartnerPieces>,
    /// Channels of a chunk, when it is made.
    target: usize,
}

#[derive(Debug, Default)]
struct PartnerPieces {
    state: PartnerState,
    /// Whether there was data to serve at any time.
    ready: bool,
    /// Only families of the partner are filled.
    whole: Arc<Part>,
    /// In order of ids, together covering all of them.
    chunks: Vec<Chunk>,
    /// The pieces of each [`JOINED`] chunks in a row.
    joined: Vec<Arc<Part>>,
}

#[derive(Debug)]
struct Chunk {
    /// The smallest id that belongs here; the first chunk also takes all
    /// smaller ones.
    first: ClientId,
    /// Only families of clients are filled. Views of what was joined.
    part: Part,
    overview: Arc<Overview>,
    /// Label values that were cut.
    truncated: usize,
}

/// A range of client ids.
type Ids = (Bound<ClientId>, Bound<ClientId>);

impl Chunk {
    /// Where the ids begin that belong here, behind these other chunks.
    fn start(&self, before: &[Self]) -> Bound<ClientId> {
        if before.is_empty() { Bound::Unbounded } else { Bound::Included(self.first.clone()) }
    }
}

impl Publisher {
    /// A publisher that has seen no fleet yet.
    pub fn new(settings: RenderSettings) -> Self {
        Self::with_target(settings, TARGET)
    }

    /// A publisher whose chunks have so many channels when they are made.
    pub(super) fn with_target(settings: RenderSettings, target: usize) -> Self {
        let (renderer, deflater) = (Renderer::new(settings), Deflater::default());
        Self { renderer, deflater, partners: BTreeMap::new(), target }
    }

    /// Takes in what changed in a fleet since the last call.
    pub fn update(&mut self, fleet: &mut Fleet) {
        let changes = fleet.take_changes();
        let known = self.partners.contains_key(fleet.partner());
        let mut pieces = self.partners.remove(fleet.partner()).unwrap_or_default();
        if changes.partner || !known {
            self.renderer.clear();
            self.renderer.partner(fleet);
            pieces.whole = Arc::new(self.part(&pieces.whole));
            pieces.state = fleet.partner_state().clone();
        }
        pieces.ready = pieces.ready || fleet.is_ready();
        let mut dirty: BTreeMap<usize, Change> = BTreeMap::new();
        for (client, change) in changes.clients {
            let behind = pieces.chunks.partition_point(|chunk| chunk.first <= client);
            let most = dirty.entry(behind.saturating_sub(1)).or_insert(change);
            *most = change.max(*most);
        }
        let chunks = std::mem::take(&mut pieces.chunks);
        pieces.chunks = self.remake(fleet, chunks, &dirty);
        let mut before = std::mem::take(&mut pieces.joined).into_iter();
        pieces.joined = pieces.chunks.chunks_mut(JOINED).map(|chunks| joined(chunks, before.next())).collect();
        self.partners.insert(fleet.partner().clone(), pieces);
    }

    /// Takes a fleet away.
    pub fn forget(&mut self, partner: &PartnerId) {
        self.partners.remove(partner);
    }

    /// Everything as it stands now. Costs a look at each joined piece's checksum.
    pub fn snapshot(&self) -> Snapshot {
        let of_partner = |pieces: &PartnerPieces| {
            std::iter::once(pieces.whole.clone()).chain(pieces.joined.iter().cloned()).collect::<Vec<_>>()
        };
        let parts = self.partners.values().flat_map(of_partner).collect();
        let partners = self
            .partners
            .iter()
            .map(|(partner, pieces)| PartnerSummary {
                partner: partner.clone(),
                state: pieces.state.clone(),
                ready: pieces.ready,
                parts: pieces.chunks.iter().map(|chunk| chunk.overview.clone()).collect(),
            })
            .collect();
        let chunks = self.partners.values().flat_map(|pieces| &pieces.chunks);
        let truncated = chunks.map(|chunk| chunk.truncated).sum();
        Snapshot::new(parts, partners, self.renderer.settings().clone(), truncated)
    }

    /// Makes anew those of the chunks in which something changed. One that has
    /// become too small is merged with its neighbours, one that has grown is split.
    fn remake(&mut self, fleet: &Fleet, chunks: Vec<Chunk>, dirty: &BTreeMap<usize, Change>) -> Vec<Chunk> {
        if chunks.is_empty() {
            return self.chunks(fleet, (Bound::Unbounded, Bound::Unbounded), Part::new());
        }
        let mut done: Vec<Chunk> = Vec::with_capacity(chunks.len());
        let mut ahead = chunks.into_iter().enumerate().peekable();
        while let Some((at, mut chunk)) = ahead.next() {
            let Some(change) = dirty.get(&at) else {
                done.push(chunk);
                continue;
            };
            let end = |next: Option<&(usize, Chunk)>| {
                next.map_or(Bound::Unbounded, |(_, next)| Bound::Excluded(next.first.clone()))
            };
            let mut ids = (chunk.start(&done), end(ahead.peek()));
            if *change == Change::Freshness {
                self.refresh(fleet, ids, &mut chunk);
                done.push(chunk);
                continue;
            }
            while fleet.clients(ids.clone()).map(weight).sum::<usize>() < self.target / 4 {
                if ahead.next().is_some() {
                    ids.1 = end(ahead.peek());
                } else if let Some(last) = done.pop() {
                    ids.0 = last.start(&done);
                } else {
                    break;
                }
            }
            done.extend(self.chunks(fleet, ids, chunk.part));
        }
        done
    }

    /// Makes anew what the freshness of a chunk's clients changes.
    fn refresh(&mut self, fleet: &Fleet, ids: Ids, chunk: &mut Chunk) {
        self.renderer.clear();
        for state in fleet.clients(ids.clone()) {
            self.renderer.client(fleet.partner().as_str(), state, Change::Freshness);
        }
        for family in self.renderer.freshness() {
            let lines = self.renderer.lines(family);
            chunk.part[family] = self.deflater.piece(&lines.text, lines.series, Some(&chunk.part[family]));
        }
        Arc::make_mut(&mut chunk.overview).refresh(fleet.clients(ids));
    }

    /// As many chunks as the clients in a range take. `before` are the pieces
    /// that stood at its beginning.
    fn chunks(&mut self, fleet: &Fleet, ids: Ids, mut before: Part) -> Vec<Chunk> {
        let clients: Vec<&ClientState> = fleet.clients(ids.clone()).collect();
        let mut parts: Vec<&[&ClientState]> = split(&clients, self.target).collect();
        if parts.is_empty() && !fleet.gone().is_empty_in(ids.clone()) {
            // Nobody is left, but what is gone is still shown.
            parts.push(&[]);
        }
        // A part begins where the one before ends, not at its first client: what is
        // gone between them belongs to one of them, and only to one.
        let starts: Vec<_> =
            parts.iter().skip(1).map(|clients| Bound::Included(clients[0].client.id.clone())).collect();
        let starts: Vec<_> = std::iter::once(ids.0.clone()).chain(starts).collect();
        let mut chunks = Vec::with_capacity(parts.len());
        for (at, clients) in parts.into_iter().enumerate() {
            let end = starts.get(at + 1).cloned().map_or_else(|| ids.1.clone(), excluded);
            chunks.push(self.chunk(fleet, (starts[at].clone(), end), clients, &std::mem::take(&mut before)));
        }
        chunks
    }

    fn chunk(&mut self, fleet: &Fleet, ids: Ids, clients: &[&ClientState], before: &Part) -> Chunk {
        let first = match &ids.0 {
            Bound::Included(first) => first.clone(),
            // The first chunk takes all smaller ids.
            _ => clients.first().map_or_else(|| ClientId::from(""), |state| state.client.id.clone()),
        };
        let partner = fleet.partner().as_str();
        self.renderer.clear();
        for state in clients {
            self.renderer.client(partner, state, Change::Data);
        }
        self.renderer.gone(partner, fleet.gone(), ids);
        let truncated = self.renderer.truncated();
        let overview = Arc::new(Overview::of(clients.iter().copied()));
        Chunk { first, part: self.part(before), overview, truncated }
    }

    /// A piece for each family, of what was rendered last.
    fn part(&mut self, before: &Part) -> Part {
        let Self { renderer, deflater, .. } = self;
        let piece = |family| {
            let lines = renderer.lines(family);
            deflater.piece(&lines.text, lines.series, before.get(family))
        };
        (0..FAMILIES.len()).map(piece).collect()
    }
}

/// The pieces of chunks, one of each family. What `before` joined and is still
/// the same stays where it is.
fn joined(chunks: &mut [Chunk], before: Option<Arc<Part>>) -> Arc<Part> {
    let still = |chunks: &[Chunk], family: usize| {
        let joined = &before.as_ref()?[family];
        joined.is_made_of(chunks.iter().map(|chunk| &chunk.part[family])).then(|| joined.clone())
    };
    if let Some(before) = &before
        && (0..FAMILIES.len()).all(|family| still(chunks, family).is_some())
    {
        return before.clone();
    }
    let part = (0..FAMILIES.len()).map(|family| match still(chunks, family) {
        Some(joined) => joined,
        None => Piece::join(&mut chunks.iter_mut().map(|chunk| &mut chunk.part[family]).collect::<Vec<_>>()),
    });
    Arc::new(part.collect())
}

/// The end of a range that another one follows.
fn excluded(start: Bound<ClientId>) -> Bound<ClientId> {
    match start {
        Bound::Included(id) => Bound::Excluded(id),
        other => other,
    }
}

/// What a client counts for in its chunk.
fn weight(state: &ClientState) -> usize {
    state.channels.len().max(1)
}

/// Cuts clients into chunks. What fits into one chunk of twice the target
/// stays one.
fn split<'a>(clients: &'a [&'a ClientState], target: usize) -> impl Iterator<Item = &'a [&'a ClientState]> {
    let whole: usize = clients.iter().map(|s| weight(s)).sum();
    let most = if whole <= 2 * target { 2 * target } else { target };
    let mut rest = clients;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fits = rest.iter().take_while(|state| {
            size += weight(state);
            size <= most
        });
        let (head, tail) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = tail;
        (!head.is_empty()).then_some(head)
    })
}
