//! From the state to lines of samples.
//!
//! Lines of one client are written family by family into one buffer each, so
//! that the ids of a client and a channel are escaped once and then copied.

use regex_lite::Regex;

use super::text::{push_float, push_integer, push_label};
use crate::catalogue::{FAMILIES, Scope, index};
use crate::fleet::{Change, ClientState, Fleet};
use crate::model::{Availability, Channel, MessagingLimit, QualityRating};

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

const AVAILABILITY: usize = index("d360_channel_availability_status");
const CANCELLED: usize = index("d360_channel_cancelled_timestamp_seconds");
const CHANNEL_CREATED: usize = index("d360_channel_created_timestamp_seconds");
const HUB_STATUS: usize = index("d360_channel_hub_status");
const CHANNEL_INFO: usize = index("d360_channel_info");
const LAST_QUALITY_EVENT: usize = index("d360_channel_last_quality_event");
const MESSAGING_LIMIT: usize = index("d360_channel_messaging_limit");
const OFFICIAL: usize = index("d360_channel_official_business_account");
const QUALITY_RATING: usize = index("d360_channel_quality_rating");
const QUALITY_SCORE: usize = index("d360_channel_quality_score");
const CHANNEL_STATUS: usize = index("d360_channel_status");
const TERMINATION: usize = index("d360_channel_termination_timestamp_seconds");
const TRANSITIONS: usize = index("d360_channel_transitions_total");
const CLIENT_CHANNELS: usize = index("d360_client_channels");
const CLIENT_CREATED: usize = index("d360_client_created_timestamp_seconds");
const CLIENT_INFO: usize = index("d360_client_info");
const CLIENT_LAST_REFRESH: usize = index("d360_client_last_refresh_timestamp_seconds");
const CLIENT_MAX_CHANNELS: usize = index("d360_client_max_channels");
const CLIENT_STATUS: usize = index("d360_client_status");
const CLIENT_UP: usize = index("d360_client_up");
const PARTNER_LAST_REFRESH: usize = index("d360_partner_last_refresh_timestamp_seconds");
const PARTNER_DURATION: usize = index("d360_partner_refresh_duration_seconds");
const PARTNER_UP: usize = index("d360_partner_up");

/// The families that a client's freshness alone changes.
pub(super) const FRESHNESS: &[usize] = &[CLIENT_LAST_REFRESH, CLIENT_UP];

/// Whether a family is rendered from clients, chunk by chunk.
pub(super) fn in_chunks(family: usize) -> bool {
    matches!(FAMILIES[family].scope, Scope::Channel | Scope::Client)
}

/// Whether a family is rendered from the partner as a whole.
pub(super) fn in_partner(family: usize) -> bool {
    FAMILIES[family].scope == Scope::Partner
}

/// The lines of one family.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) text: Vec<u8>,
    pub(super) series: usize,
}

/// Buffers for the lines of every family, reused from chunk to chunk.
#[derive(Debug)]
pub(super) struct Renderer {
    settings: RenderSettings,
    families: Vec<Lines>,
    /// `partner_id="…",client_id="…",channel_id="…"`, as far as known.
    ids: Vec<u8>,
}

impl Renderer {
    pub(super) fn new(settings: RenderSettings) -> Self {
        Self { settings, families: FAMILIES.iter().map(|_| Lines::default()).collect(), ids: Vec::new() }
    }

    pub(super) fn settings(&self) -> &RenderSettings {
        &self.settings
    }

    /// The lines of a family since the last [`Renderer::clear`].
    pub(super) fn lines(&self, family: usize) -> &Lines {
        &self.families[family]
    }

    /// Forgets all lines, and keeps the buffers.
    pub(super) fn clear(&mut self) {
        for lines in &mut self.families {
            lines.text.clear();
            lines.series = 0;
        }
    }

    /// Renders the families of the partner as a whole.
    pub(super) fn partner(&mut self, fleet: &Fleet) {
        let state = fleet.partner_state();
        self.ids.clear();
        push_label(&mut self.ids, "partner_id", fleet.partner().as_str());
        self.integer(PARTNER_UP, u8::from(state.up));
        if let Some((at, took)) = state.last_cycle {
            self.integer(PARTNER_LAST_REFRESH, at.as_second());
            self.sample(PARTNER_DURATION, &[], |out| push_float(out, took.as_secs_f64()));
        }
        for (field, from, to, count) in state.transitions.iter() {
            let labels = [("field", field.as_str()), ("from", from), ("to", to)];
            self.sample(TRANSITIONS, &labels, |out| push_integer(out, count));
        }
    }

    /// Renders one client and its channels: all of it, or only its freshness.
    pub(super) fn client(&mut self, partner: &str, state: &ClientState, what: Change) {
        self.ids.clear();
        push_label(&mut self.ids, "partner_id", partner);
        self.ids.push(b',');
        push_label(&mut self.ids, "client_id", state.client.id.as_str());
        if let Some(up) = state.up {
            self.integer(CLIENT_UP, u8::from(up));
        }
        if let Some(at) = state.last_refresh {
            self.integer(CLIENT_LAST_REFRESH, at.as_second());
        }
        if what == Change::Freshness {
            return;
        }
        let client = &state.client;
        let client_name = client.name.as_deref().unwrap_or_default();
        self.labelled(CLIENT_INFO, "client_name", client_name);
        if state.expired {
            return;
        }
        if let Some(status) = &client.status {
            self.labelled(CLIENT_STATUS, "status", status);
        }
        if state.last_refresh.is_some() {
            self.integer(CLIENT_CHANNELS, state.channels.len());
        }
        if let Some(max) = client.max_channels {
            self.integer(CLIENT_MAX_CHANNELS, max);
        }
        if let Some(at) = client.created_at {
            self.integer(CLIENT_CREATED, at.as_second());
        }
        let client_ids = self.ids.len();
        for channel in &state.channels {
            self.ids.truncate(client_ids);
            self.ids.push(b',');
            push_label(&mut self.ids, "channel_id", channel.channel.id.as_str());
            self.channel(&channel.channel, client_name);
        }
    }

    fn channel(&mut self, channel: &Channel, client_name: &str) {
        let phone_number = self.settings.phone_numbers.shown(channel.phone_number.as_deref());
        let names = [
            ("client_name", client_name),
            ("phone_number", &*phone_number),
            ("display_name", channel.display_name.as_deref().unwrap_or_default()),
            ("waba_account_id", channel.waba_account_id.as_deref().unwrap_or_default()),
        ];
        self.sample(CHANNEL_INFO, &names, |out| out.push(b'1'));
        for state in Availability::ALL {
            let is = u8::from(*state == channel.availability);
            self.sample(AVAILABILITY, &[("status", state.as_str())], |out| push_integer(out, is));
        }
        for rating in QualityRating::ALL {
            let is = u8::from(*rating == channel.quality);
            self.sample(QUALITY_RATING, &[("rating", rating.as_str())], |out| push_integer(out, is));
        }
        if let Some(score) = channel.quality.score() {
            self.integer(QUALITY_SCORE, score);
        }
        match channel.limit {
            Some(MessagingLimit::Recipients(n)) => self.integer(MESSAGING_LIMIT, n),
            Some(MessagingLimit::Unlimited) => self.sample(MESSAGING_LIMIT, &[], |out| push_float(out, f64::INFINITY)),
            None => {}
        }
        self.labelled(CHANNEL_STATUS, "status", channel.status.as_str());
        if let Some(status) = channel.hub_status {
            self.labelled(HUB_STATUS, "status", status.as_str());
        }
        if let Some(event) = &channel.last_quality_event {
            self.labelled(LAST_QUALITY_EVENT, "event", event);
        }
        if let Some(official) = channel.official_business_account {
            self.integer(OFFICIAL, u8::from(official));
        }
        let dates = [
            (CHANNEL_CREATED, channel.created_at),
            (CANCELLED, channel.cancelled_at),
            (TERMINATION, channel.terminated_at),
        ];
        for (family, at) in dates {
            if let Some(at) = at {
                self.integer(family, at.as_second());
            }
        }
    }

    fn labelled(&mut self, family: usize, label: &str, value: &str) {
        self.sample(family, &[(label, value)], |out| out.push(b'1'));
    }

    fn integer(&mut self, family: usize, value: impl itoa::Integer) {
        self.sample(family, &[], |out| push_integer(out, value));
    }

    fn sample(&mut self, family: usize, labels: &[(&str, &str)], value: impl FnOnce(&mut Vec<u8>)) {
        if self.settings.excluded[family] {
            return;
        }
        let lines = &mut self.families[family];
        lines.series += 1;
        let out = &mut lines.text;
        out.extend_from_slice(FAMILIES[family].name.as_bytes());
        out.push(b'{');
        out.extend_from_slice(&self.ids);
        for (label, value) in labels {
            out.push(b',');
            push_label(out, label, value);
        }
        out.extend_from_slice(b"} ");
        value(out);
        out.push(b'\n');
    }
}
