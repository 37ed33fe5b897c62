//! What one publication left behind: immutable, shared by all scrapes of it.

use std::borrow::Cow;
use std::sync::Arc;

use super::crc::Digest;
use super::piece::Piece;
use super::render::RenderSettings;
use crate::catalogue::FAMILIES;
use crate::fleet::{Overview, PartnerState};
use crate::model::{Channel, PartnerId};

/// All fleets as they were at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// In order: of each partner what it is as a whole, and its chunks, joined.
    parts: Vec<Arc<Part>>,
    /// By position in the catalogue; empty for the exporter's own families.
    totals: Vec<Total>,
    /// What is left out, also of the exporter's own families.
    pub(super) settings: RenderSettings,
    partners: Vec<PartnerSummary>,
    series: usize,
    truncated: usize,
}

/// One partner for the status page.
#[derive(Debug, Clone)]
pub struct PartnerSummary {
    /// Who it is.
    pub partner: PartnerId,
    /// How the partner as a whole stands.
    pub state: PartnerState,
    /// Whether there was data to serve at any time.
    pub ready: bool,
    /// The clients, part by part.
    pub parts: Vec<Arc<Overview>>,
}

/// A piece for each family, by position in the catalogue.
pub(super) type Part = Vec<Piece>;

/// All pieces of one family, taken together.
#[derive(Debug, Clone)]
pub(super) struct Total {
    pub(super) digest: Digest,
    pub(super) deflated_len: u64,
    series: usize,
}

impl Total {
    fn push(&mut self, piece: &Piece) {
        self.digest = self.digest.then(piece.digest);
        self.deflated_len += piece.deflated.len() as u64;
        self.series += piece.series;
    }

    /// Whether there is nothing of the family.
    pub(super) fn is_empty(&self) -> bool {
        self.series == 0
    }
}

impl Snapshot {
    pub(super) fn new(
        parts: Vec<Arc<Part>>,
        partners: Vec<PartnerSummary>,
        settings: RenderSettings,
        truncated: usize,
    ) -> Self {
        let mut totals = vec![Total { digest: Digest::EMPTY, deflated_len: 0, series: 0 }; FAMILIES.len()];
        for part in &parts {
            let pieces = totals.iter_mut().zip(part.iter());
            pieces.filter(|(_, piece)| piece.series > 0).for_each(|(total, piece)| total.push(piece));
        }
        let series = totals.iter().map(|total| total.series).sum();
        Self { parts, totals, settings, partners, series, truncated }
    }

    /// All pieces of a family, taken together.
    pub(super) fn total(&self, family: usize) -> &Total {
        &self.totals[family]
    }

    /// The first piece of a family in the parts from `from` on, and behind which
    /// part it stands.
    pub(super) fn piece(&self, family: usize, from: usize) -> Option<(&Piece, usize)> {
        let parts = self.parts.get(from..)?;
        let (at, piece) = parts.iter().map(|part| &part[family]).enumerate().find(|(_, piece)| piece.series > 0)?;
        Some((piece, from + at + 1))
    }

    /// Series of channels, clients and partners.
    pub fn series(&self) -> usize {
        self.series
    }

    /// Label values that were cut.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The partners, in order of their ids.
    pub fn partners(&self) -> &[PartnerSummary] {
        &self.partners
    }

    /// What is shown of a channel's phone number.
    pub fn phone_number<'a>(&self, channel: &'a Channel) -> Cow<'a, str> {
        self.settings.phone_numbers.shown(channel.phone_number.as_deref())
    }

    /// Whether any partner has data to show.
    pub fn has_data(&self) -> bool {
        self.partners.iter().any(|partner| partner.ready)
    }
}
