//! What one publication left behind: immutable, shared by all scrapes of it.

use std::borrow::Cow;
use std::sync::Arc;

use super::block::Block;
use super::crc::Digest;
use super::render::RenderSettings;
use crate::fleet::{Overview, PartnerState};
use crate::model::{Channel, PartnerId};

/// All fleets as they were at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// By position in the catalogue; empty for the exporter's own families.
    pub(super) families: Vec<FamilyBlocks>,
    /// What is left out, also of the exporter's own families.
    pub(super) settings: RenderSettings,
    partners: Vec<PartnerSummary>,
    series: usize,
}

/// One partner for the status page.
#[derive(Debug, Clone)]
pub struct PartnerSummary {
    /// Who it is.
    pub partner: PartnerId,
    /// How the partner as a whole stands.
    pub state: PartnerState,
    /// The clients, part by part.
    pub parts: Vec<Arc<Overview>>,
}

/// The blocks of one family in order.
#[derive(Debug, Default)]
pub(super) struct FamilyBlocks {
    pub(super) blocks: Vec<Block>,
    pub(super) digest: Option<Digest>,
    pub(super) deflated_len: u64,
}

impl FamilyBlocks {
    pub(super) fn push(&mut self, block: &Block) {
        if block.series == 0 {
            return;
        }
        self.digest = Some(self.digest.unwrap_or(Digest::EMPTY).then(block.digest));
        self.deflated_len += block.deflated.len() as u64;
        self.blocks.push(block.clone());
    }
}

impl Snapshot {
    pub(super) fn new(families: Vec<FamilyBlocks>, partners: Vec<PartnerSummary>, settings: RenderSettings) -> Self {
        let series = families.iter().flat_map(|f| &f.blocks).map(|b| b.series).sum();
        Self { families, settings, partners, series }
    }

    /// Series of channels, clients and partners.
    pub fn series(&self) -> usize {
        self.series
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
        self.partners.iter().any(|p| p.state.last_cycle.is_some())
    }
}
