//! From the state to lines of samples.
//!
//! Row by row, each family of the catalogue appends its lines to a buffer of its
//! own, so that the ids of a client and a channel are escaped once and then copied.

use std::ops::Bound;

use regex_lite::Regex;

use super::text::{push_float, push_integer, push_label, push_label_within};
use crate::catalogue::{self, ChannelRow, FAMILIES, Family, GoneChannelRow, Read, Sink, Value};
use crate::fleet::{Change, ClientState, Fleet, Gone, GoneClient, PartnerState};
use crate::model::{ClientId, WabaAccount};

/// How much of a phone number is exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneNumbers {
    /// As the API sends it.
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

/// The default of `--metrics.max-label-length`.
const MAX_LABEL_LENGTH: usize = 256;

/// What is rendered.
#[derive(Debug, Clone)]
pub struct RenderSettings {
    /// How much of a phone number is exposed.
    pub phone_numbers: PhoneNumbers,
    /// Bytes of a label value; longer ones are cut. Ids are never cut: two of them
    /// could become one.
    max_label_length: usize,
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
        Self { phone_numbers, max_label_length: MAX_LABEL_LENGTH, excluded }
    }

    /// The same settings with another bound of label values, in bytes.
    #[must_use]
    pub fn with_max_label_length(self, max_label_length: usize) -> Self {
        Self { max_label_length, ..self }
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
    /// Label values that were cut.
    truncated: usize,
}

impl Lines {
    fn clear(&mut self) {
        self.text.clear();
        (self.series, self.truncated) = (0, 0);
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
    output: Output,
}

/// What was rendered, and the ids of the row that is rendered now.
#[derive(Debug)]
struct Output {
    /// By position in the catalogue.
    lines: Vec<Lines>,
    /// `partner_id="…",client_id="…",channel_id="…"`, as far as known.
    ids: Vec<u8>,
    /// How long `ids` was with one id, with two, and so on.
    ends: Vec<usize>,
    max_label_length: usize,
}

impl Output {
    /// Keeps the first so many ids, and adds one. Ids are escaped once and then
    /// copied to every line of their row.
    fn id(&mut self, kept: usize, name: &str, value: &str) {
        self.ends.truncate(kept);
        self.ids.truncate(self.ends.last().copied().unwrap_or(0));
        if kept > 0 {
            self.ids.push(b',');
        }
        push_label(&mut self.ids, name, value);
        self.ends.push(self.ids.len());
    }

    fn client(&mut self, partner: &str, client: &ClientId) {
        self.id(0, "partner_id", partner);
        self.id(1, "client_id", client.as_str());
    }

    /// Appends the lines of one row.
    fn rows<R>(&mut self, readers: &[(usize, ReadRow<R>)], row: &R) {
        for (position, read) in readers {
            read(row, &mut self.writer(*position));
        }
    }

    /// Takes the samples of a family for the row of these ids.
    fn writer(&mut self, position: usize) -> Writer<'_> {
        let Self { lines, ids, ends, max_label_length } = self;
        let family = &FAMILIES[position];
        let labels = &family.labels[ends.len()..];
        Writer { family, ids, labels, max_label_length: *max_label_length, lines: &mut lines[position] }
    }
}

impl Renderer {
    pub(super) fn new(settings: RenderSettings) -> Self {
        let lines = FAMILIES.iter().map(|_| Lines::default()).collect();
        let max_label_length = settings.max_label_length;
        let output = Output { lines, ids: Vec::new(), ends: Vec::new(), max_label_length };
        Self { families: Families::new(&settings), settings, output }
    }

    pub(super) fn settings(&self) -> &RenderSettings {
        &self.settings
    }

    /// The lines of a family since the last [`Renderer::clear`].
    pub(super) fn lines(&self, family: usize) -> &Lines {
        &self.output.lines[family]
    }

    /// Label values that were cut since the last [`Renderer::clear`].
    pub(super) fn truncated(&self) -> usize {
        self.output.lines.iter().map(|lines| lines.truncated).sum()
    }

    /// The families that a client's freshness alone changes.
    pub(super) fn freshness(&self) -> Vec<usize> {
        self.families.client_freshness.iter().map(|(position, _)| *position).collect()
    }

    /// Forgets all lines, and keeps the buffers.
    pub(super) fn clear(&mut self) {
        self.output.lines.iter_mut().for_each(Lines::clear);
    }

    /// Renders the families of the partner as a whole.
    pub(super) fn partner(&mut self, fleet: &Fleet) {
        let Self { families, output, .. } = self;
        output.id(0, "partner_id", fleet.partner().as_str());
        output.rows(&families.partner, fleet.partner_state());
    }

    /// Renders what is gone of the clients in a range of ids.
    pub(super) fn gone(&mut self, partner: &str, gone: &Gone, range: (Bound<ClientId>, Bound<ClientId>)) {
        let Self { families, output, settings } = self;
        for (client, gone) in gone.clients(range.clone()) {
            output.client(partner, client);
            output.rows(&families.gone_client, gone);
        }
        for (client, gone) in gone.channels(range) {
            output.client(partner, client);
            output.id(2, "channel_id", gone.id().as_str());
            let phone_number = &*settings.phone_numbers.shown(gone.last.channel.phone_number.as_deref());
            for (position, read) in &families.gone_channel {
                read(&GoneChannelRow { gone, phone_number }, &mut output.writer(*position));
            }
        }
    }

    /// Renders one client and its channels: all of it, or only its freshness.
    pub(super) fn client(&mut self, partner: &str, state: &ClientState, what: Change) {
        let Self { families, output, settings } = self;
        output.client(partner, &state.client.id);
        output.rows(&families.client_freshness, state);
        if what == Change::Freshness {
            return;
        }
        output.rows(&families.listed_client, state);
        if state.expired {
            return;
        }
        output.rows(&families.client, state);
        for waba in state.wabas() {
            output.id(2, "waba_account_id", &waba.id);
            output.rows(&families.waba, &**waba);
        }
        let client_name = state.client.name.as_deref().unwrap_or_default();
        for known in &state.channels {
            let channel = &*known.channel;
            output.id(2, "channel_id", channel.id.as_str());
            let phone_number = &*settings.phone_numbers.shown(channel.phone_number.as_deref());
            let row = ChannelRow { channel, history: &known.history, client_name, phone_number };
            for (position, read) in &families.channel {
                read(&row, &mut output.writer(*position));
            }
        }
    }
}

/// Writes the samples of one family for one row.
struct Writer<'a> {
    family: &'static Family,
    ids: &'a [u8],
    /// The names of the labels beyond the ids.
    labels: &'static [&'static str],
    max_label_length: usize,
    lines: &'a mut Lines,
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
            self.lines.truncated += usize::from(push_label_within(out, label, value, self.max_label_length));
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
