//! Buckets, and making anew what changed.
//!
//! A bucket is a range of client ids that holds a few hundred channels. Ranges
//! are split and merged as the fleet grows and shrinks, so the cost of a change
//! does not depend on the size of the fleet. A client is never split: one with
//! thousands of channels is a bucket by itself and costs what it is.
//!
//! A block of a bucket has two kilobytes. Sent one by one, a scrape would be
//! thousands of small pieces, and put together at every scrape all of it would be
//! copied once more. So blocks of neighbours are joined when they change.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::block::{Block, Deflater};
use super::render::{FRESHNESS, RenderSettings, Renderer, in_buckets, in_partner};
use super::snapshot::{Part, PartnerSummary, Snapshot};
use crate::catalogue::FAMILIES;
use crate::fleet::{Change, ClientState, Fleet, Overview, PartnerState};
use crate::model::{ClientId, PartnerId};

/// Channels of a bucket, when it is made.
const TARGET: usize = 256;

/// Neighbouring buckets whose blocks are joined.
const JOINED: usize = 8;

/// Holds the blocks of all fleets, and makes anew those that changed.
#[derive(Debug)]
pub struct Publisher {
    renderer: Renderer,
    deflater: Deflater,
    partners: BTreeMap<PartnerId, PartnerBlocks>,
    /// Channels of a bucket, when it is made.
    target: usize,
}

#[derive(Debug, Default)]
struct PartnerBlocks {
    state: PartnerState,
    /// Only families of the partner are filled.
    whole: Arc<Part>,
    /// In order of ids, together covering all of them.
    buckets: Vec<Bucket>,
    /// The blocks of each [`JOINED`] buckets in a row.
    joined: Vec<Arc<Part>>,
}

#[derive(Debug)]
struct Bucket {
    /// The smallest id that belongs here; the first bucket also takes all
    /// smaller ones.
    first: ClientId,
    /// Only families of clients are filled. Views of what was joined.
    part: Part,
    overview: Arc<Overview>,
}

/// A range of client ids.
type Ids = (Bound<ClientId>, Bound<ClientId>);

impl Bucket {
    /// Where the ids begin that belong here, behind these other buckets.
    fn start(&self, before: &[Self]) -> Bound<ClientId> {
        if before.is_empty() { Bound::Unbounded } else { Bound::Included(self.first.clone()) }
    }
}

impl Publisher {
    /// A publisher that has seen no fleet yet.
    pub fn new(settings: RenderSettings) -> Self {
        Self::with_target(settings, TARGET)
    }

    /// A publisher whose buckets have so many channels when they are made.
    pub(super) fn with_target(settings: RenderSettings, target: usize) -> Self {
        let (renderer, deflater) = (Renderer::new(settings), Deflater::default());
        Self { renderer, deflater, partners: BTreeMap::new(), target }
    }

    /// Takes in what changed in a fleet since the last call.
    pub fn update(&mut self, fleet: &mut Fleet) {
        let changes = fleet.take_changes();
        let known = self.partners.contains_key(fleet.partner());
        let mut blocks = self.partners.remove(fleet.partner()).unwrap_or_default();
        if changes.partner || !known {
            self.renderer.clear();
            self.renderer.partner(fleet);
            blocks.whole = Arc::new(self.part(in_partner, &blocks.whole));
            blocks.state = fleet.partner_state().clone();
        }
        let mut dirty: BTreeMap<usize, Change> = BTreeMap::new();
        for (client, change) in changes.clients {
            let behind = blocks.buckets.partition_point(|bucket| bucket.first <= client);
            let most = dirty.entry(behind.saturating_sub(1)).or_insert(change);
            *most = change.max(*most);
        }
        let buckets = std::mem::take(&mut blocks.buckets);
        blocks.buckets = self.remake(fleet, buckets, &dirty);
        let mut before = std::mem::take(&mut blocks.joined).into_iter();
        blocks.joined = blocks.buckets.chunks_mut(JOINED).map(|buckets| joined(buckets, before.next())).collect();
        self.partners.insert(fleet.partner().clone(), blocks);
    }

    /// Takes a fleet away.
    pub fn forget(&mut self, partner: &PartnerId) {
        self.partners.remove(partner);
    }

    /// Everything as it stands now. Costs a look at each joined block's checksum.
    pub fn snapshot(&self) -> Snapshot {
        let of_partner = |blocks: &PartnerBlocks| {
            std::iter::once(blocks.whole.clone()).chain(blocks.joined.iter().cloned()).collect::<Vec<_>>()
        };
        let parts = self.partners.values().flat_map(of_partner).collect();
        let partners = self
            .partners
            .iter()
            .map(|(partner, blocks)| PartnerSummary {
                partner: partner.clone(),
                state: blocks.state.clone(),
                parts: blocks.buckets.iter().map(|bucket| bucket.overview.clone()).collect(),
            })
            .collect();
        Snapshot::new(parts, partners, self.renderer.settings().clone())
    }

    /// Makes anew those of the buckets in which something changed. One that has
    /// become too small is merged with its neighbours, one that has grown is split.
    fn remake(&mut self, fleet: &Fleet, buckets: Vec<Bucket>, dirty: &BTreeMap<usize, Change>) -> Vec<Bucket> {
        if buckets.is_empty() {
            return self.buckets(fleet, (Bound::Unbounded, Bound::Unbounded), Part::new());
        }
        let mut done: Vec<Bucket> = Vec::with_capacity(buckets.len());
        let mut ahead = buckets.into_iter().enumerate().peekable();
        while let Some((at, mut bucket)) = ahead.next() {
            let Some(change) = dirty.get(&at) else {
                done.push(bucket);
                continue;
            };
            let end = |next: Option<&(usize, Bucket)>| {
                next.map_or(Bound::Unbounded, |(_, next)| Bound::Excluded(next.first.clone()))
            };
            let mut ids = (bucket.start(&done), end(ahead.peek()));
            if *change == Change::Freshness {
                self.refresh(fleet, ids, &mut bucket);
                done.push(bucket);
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
            done.extend(self.buckets(fleet, ids, bucket.part));
        }
        done
    }

    /// Makes anew what the freshness of a bucket's clients changes.
    fn refresh(&mut self, fleet: &Fleet, ids: Ids, bucket: &mut Bucket) {
        self.renderer.clear();
        let mut unreadable_clients = 0;
        for state in fleet.clients(ids) {
            self.renderer.client(fleet.partner().as_str(), state, Change::Freshness);
            unreadable_clients += usize::from(state.up == Some(false));
        }
        for &family in FRESHNESS {
            let lines = self.renderer.lines(family);
            bucket.part[family] = self.deflater.block(&lines.text, lines.series, Some(&bucket.part[family]));
        }
        if bucket.overview.unreadable_clients != unreadable_clients {
            Arc::make_mut(&mut bucket.overview).unreadable_clients = unreadable_clients;
        }
    }

    /// As many buckets as the clients in a range take. `before` are the blocks
    /// that stood at its beginning.
    fn buckets(&mut self, fleet: &Fleet, ids: Ids, mut before: Part) -> Vec<Bucket> {
        let clients: Vec<&ClientState> = fleet.clients(ids).collect();
        split(&clients, self.target)
            .map(|clients| self.bucket(fleet.partner().as_str(), clients, &std::mem::take(&mut before)))
            .collect()
    }

    fn bucket(&mut self, partner: &str, clients: &[&ClientState], before: &Part) -> Bucket {
        self.renderer.clear();
        let mut overview = Overview::default();
        for state in clients {
            self.renderer.client(partner, state, Change::Data);
            overview.add(state);
        }
        overview.all.shrink_to_fit();
        overview.attention.shrink_to_fit();
        Bucket {
            first: clients[0].client.id.clone(),
            part: self.part(in_buckets, before),
            overview: Arc::new(overview),
        }
    }

    /// A block for each family that is meant, an empty one for the others.
    fn part(&mut self, meant: fn(usize) -> bool, before: &Part) -> Part {
        let Self { renderer, deflater, .. } = self;
        let block = |family| match renderer.lines(family) {
            lines if meant(family) => deflater.block(&lines.text, lines.series, before.get(family)),
            _ => Block::EMPTY,
        };
        (0..FAMILIES.len()).map(block).collect()
    }
}

/// The blocks of buckets, one of each family. What `before` joined and is still
/// the same stays where it is.
fn joined(buckets: &mut [Bucket], before: Option<Arc<Part>>) -> Arc<Part> {
    let still = |buckets: &[Bucket], family: usize| {
        let joined = &before.as_ref()?[family];
        joined.is_made_of(buckets.iter().map(|bucket| &bucket.part[family])).then(|| joined.clone())
    };
    if let Some(before) = &before
        && (0..FAMILIES.len()).all(|family| still(buckets, family).is_some())
    {
        return before.clone();
    }
    let part = (0..FAMILIES.len()).map(|family| match still(buckets, family) {
        Some(joined) => joined,
        None => Block::join(&mut buckets.iter_mut().map(|bucket| &mut bucket.part[family]).collect::<Vec<_>>()),
    });
    Arc::new(part.collect())
}

/// What a client counts for in its bucket.
fn weight(state: &ClientState) -> usize {
    state.channels.len().max(1)
}

/// Cuts clients into buckets. What fits into one bucket of twice the target
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
