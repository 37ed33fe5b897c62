//! From the state to lines of samples.
//!
//! Row by row, each family of the catalogue appends its lines to a buffer of its
//! own, so that the ids of a client and a channel are escaped once and then copied.

use std::ops::Bound;

use regex_lite::Regex;

use super::text::{push_float, push_integer, push_label};
use crate::catalogue::{self, ChannelRow, FAMILIES, Family, GoneChannelRow, Read, Sink, Value};
use crate::fleet::{Change, ClientState, Fleet, Gone, GoneClient, PartnerState};
use crate::model::{ClientId, WabaAccount};

/// How much of a phone number is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneNumbers {
    /// As the API tells it.
    #[default]
    Full,
    /// Its last four digits.
    Masked,
    /// Not at all: the label is empty.
    Off,
}

impl PhoneNumbers {
    /// What is shown of a number.
    pub fn shown(self, number: Option<&str>) -> std::borrow::Cow<'_, str> {
        let number = number.unwrap_or_default();
        match self {
            Self::Full => number.into(),
            Self::Off => "".into(),
            Self::Masked => {
                let start = number.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
                // A number that short would be shown whole.
                if start == 0 { "".into() } else { number[start..].into() }
            }
        }
    }
}

/// What is rendered.
#[derive(Debug, Clone)]
pub struct RenderSettings {
    /// How much of a phone number is exposed.
    pub phone_numbers: PhoneNumbers,
    /// Families that are left out: by position in the catalogue.
    pub(super) excluded: Vec<bool>,
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self::new(PhoneNumbers::default(), None)
    }
}

impl RenderSettings {
    /// Settings that leave out the families whose whole name `exclude` matches.
    /// The expression must already be anchored at both ends.
    pub fn new(phone_numbers: PhoneNumbers, exclude: Option<&Regex>) -> Self {
        let excluded = FAMILIES.iter().map(|f| exclude.is_some_and(|e| e.is_match(f.name))).collect();
        Self { phone_numbers, excluded }
    }

    /// Whether the family at this position of the catalogue is left out.
    pub(super) fn excludes(&self, family: usize) -> bool {
        self.excluded[family]
    }
}

/// The lines of one family.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) text: Vec<u8>,
    pub(super) series: usize,
}

impl Lines {
    fn clear(&mut self) {
        self.text.clear();
        self.series = 0;
    }
}

/// Reads the samples of one family from a row.
type ReadRow<R> = fn(&R, &mut dyn Sink);

/// Reads the samples of one family from a channel.
type ReadChannel = fn(&ChannelRow<'_>, &mut dyn Sink);

/// Reads the samples of one family from a channel that is gone.
type ReadGoneChannel = fn(&GoneChannelRow<'_>, &mut dyn Sink);

/// A family's position in the catalogue, and how it is read from rows of one kind.
type Readers<R> = Vec<(usize, ReadRow<R>)>;

/// The families that are rendered, by the rows that they are read from.
#[derive(Debug, Default)]
struct Families {
    channel: Vec<(usize, ReadChannel)>,
    gone_channel: Vec<(usize, ReadGoneChannel)>,
    gone_client: Readers<GoneClient>,
    waba: Readers<WabaAccount>,
    client: Readers<ClientState>,
    listed_client: Readers<ClientState>,
    client_freshness: Readers<ClientState>,
    partner: Readers<PartnerState>,
}

impl Families {
    fn new(settings: &RenderSettings) -> Self {
        let mut families = Self::default();
        for (position, entry) in catalogue::fleet().filter(|(position, _)| !settings.excludes(*position)) {
            match entry.read {
                Read::Channel(read) => families.channel.push((position, read)),
                Read::GoneChannel(read) => families.gone_channel.push((position, read)),
                Read::GoneClient(read) => families.gone_client.push((position, read)),
                Read::Waba(read) => families.waba.push((position, read)),
                Read::Client(read) => families.client.push((position, read)),
                Read::ListedClient(read) => families.listed_client.push((position, read)),
                Read::ClientFreshness(read) => families.client_freshness.push((position, read)),
                Read::Partner(read) => families.partner.push((position, read)),
            }
        }
        families
    }
}

/// Renders rows, and keeps its buffers from chunk to chunk.
#[derive(Debug)]
pub(super) struct Renderer {
    settings: RenderSettings,
    families: Families,
    lines: Vec<Lines>,
    /// `partner_id="…",client_id="…",channel_id="…"`, as far as known.
    ids: Vec<u8>,
}

impl Renderer {
    pub(super) fn new(settings: RenderSettings) -> Self {
        let lines = FAMILIES.iter().map(|_| Lines::default()).collect();
        Self { families: Families::new(&settings), settings, lines, ids: Vec::new() }
    }

    pub(super) fn settings(&self) -> &RenderSettings {
        &self.settings
    }

    /// The lines of a family since the last [`Renderer::clear`].
    pub(super) fn lines(&self, family: usize) -> &Lines {
        &self.lines[family]
    }

    /// The families that a client's freshness alone changes.
    pub(super) fn freshness(&self) -> Vec<usize> {
        self.families.client_freshness.iter().map(|(position, _)| *position).collect()
    }

    /// Forgets all lines, and keeps the buffers.
    pub(super) fn clear(&mut self) {
        self.lines.iter_mut().for_each(Lines::clear);
    }

    /// Renders the families of the partner as a whole.
    pub(super) fn partner(&mut self, fleet: &Fleet) {
        self.ids.clear();
        push_label(&mut self.ids, "partner_id", fleet.partner().as_str());
        let Self { families, lines, ids, .. } = self;
        render(&families.partner, fleet.partner_state(), ids, 1, lines);
    }

    /// Renders what is gone of the clients in a range of ids.
    pub(super) fn gone(&mut self, partner: &str, gone: &Gone, range: (Bound<ClientId>, Bound<ClientId>)) {
        let Self { families, lines, ids, settings } = self;
        for (client, gone) in gone.clients(range.clone()) {
            client_ids(ids, partner, client);
            render(&families.gone_client, gone, ids, 2, lines);
        }
        for (client, gone) in gone.channels(range) {
            client_ids(ids, partner, client);
            ids.push(b',');
            push_label(ids, "channel_id", gone.id.as_str());
            let phone_number = &*settings.phone_numbers.shown(gone.phone_number.as_deref());
            for (position, read) in &families.gone_channel {
                read(&GoneChannelRow { gone, phone_number }, &mut Writer::new(*position, ids, 3, lines));
            }
        }
    }

    /// Renders one client and its channels: all of it, or only its freshness.
    pub(super) fn client(&mut self, partner: &str, state: &ClientState, what: Change) {
        let Self { families, lines, ids, settings } = self;
        client_ids(ids, partner, &state.client.id);
        render(&families.client_freshness, state, ids, 2, lines);
        if what == Change::Freshness {
            return;
        }
        render(&families.listed_client, state, ids, 2, lines);
        if state.expired {
            return;
        }
        render(&families.client, state, ids, 2, lines);
        let client_name = state.client.name.as_deref().unwrap_or_default();
        let own_ids = ids.len();
        for waba in state.wabas() {
            ids.truncate(own_ids);
            ids.push(b',');
            push_label(ids, "waba_account_id", &waba.id);
            render(&families.waba, &**waba, ids, 3, lines);
        }
        for known in &state.channels {
            let channel = &*known.channel;
            ids.truncate(own_ids);
            ids.push(b',');
            push_label(ids, "channel_id", channel.id.as_str());
            let phone_number = &*settings.phone_numbers.shown(channel.phone_number.as_deref());
            let row = ChannelRow { channel, history: &known.history, client_name, phone_number };
            for (position, read) in &families.channel {
                read(&row, &mut Writer::new(*position, ids, 3, lines));
            }
        }
    }
}

/// Escapes the first two ids of a row.
fn client_ids(ids: &mut Vec<u8>, partner: &str, client: &ClientId) {
    ids.clear();
    push_label(ids, "partner_id", partner);
    ids.push(b',');
    push_label(ids, "client_id", client.as_str());
}

/// Appends the lines of one row, `id_labels` of whose labels are its ids.
fn render<R>(readers: &[(usize, ReadRow<R>)], row: &R, ids: &[u8], id_labels: usize, lines: &mut [Lines]) {
    for (position, read) in readers {
        read(row, &mut Writer::new(*position, ids, id_labels, lines));
    }
}

/// Writes the samples of one family for one row.
struct Writer<'a> {
    family: &'static Family,
    ids: &'a [u8],
    /// The names of the labels beyond the ids.
    labels: &'static [&'static str],
    lines: &'a mut Lines,
}

impl<'a> Writer<'a> {
    fn new(position: usize, ids: &'a [u8], id_labels: usize, lines: &'a mut [Lines]) -> Self {
        let family = &FAMILIES[position];
        Self { family, ids, labels: &family.labels[id_labels..], lines: &mut lines[position] }
    }
}

impl Sink for Writer<'_> {
    fn sample(&mut self, labels: &[&str], value: Value) {
        self.lines.series += 1;
        let out = &mut self.lines.text;
        out.extend_from_slice(self.family.name.as_bytes());
        out.push(b'{');
        out.extend_from_slice(self.ids);
        for (label, value) in self.labels.iter().zip(labels) {
            out.push(b',');
            push_label(out, label, value);
        }
        out.extend_from_slice(b"} ");
        match value {
            Value::Unsigned(n) => push_integer(out, n),
            Value::Signed(n) => push_integer(out, n),
            Value::Float(n) => push_float(out, n),
        }
        out.push(b'\n');
    }
}
