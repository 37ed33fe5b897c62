//! From the shapes on the wire to the model.

use std::marker::PhantomData;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, DeserializeSeed};

use super::lenient::{
    Absent as _, Items, List, ListOf, Listed, Message, Reading, Text, WireChannel, WireClient, WireSetup,
};
use super::{Findings, OwnedChannel, Page, repair};
use crate::model::{
    AccountMode, Availability, Channel, Client, Field, HubStatus, KeyField, LifecycleStatus, MessagingLimit,
    QualityRating, ShortText, Timestamp, WabaAccount,
};
use crate::partner_api::{ApiError, Reason};

/// Reads a page of the client list.
///
/// # Errors
///
/// [`Reason::Decode`] if the body is no JSON, or JSON of no known shape.
pub fn decode_clients(body: &[u8]) -> Result<Page<Client>, ApiError> {
    decode_clients_within(body, usize::MAX)
}

/// Reads a page of the client list that holds at most `max_items` items.
///
/// # Errors
///
/// As [`decode_clients`], and [`Reason::TooLarge`] if the page holds more items.
pub fn decode_clients_within(body: &[u8], max_items: usize) -> Result<Page<Client>, ApiError> {
    with_repair(body, |body| page(list::<WireClient<'_>>(body, max_items)?, max_items, "a list of clients"))
}

/// Reads a page of channels, of one client or of the whole partner: a bare
/// array, an envelope, or (as a last resort) one channel by itself.
///
/// # Errors
///
/// As [`decode_clients`].
pub fn decode_channels(body: &[u8]) -> Result<Page<OwnedChannel>, ApiError> {
    decode_channels_within(body, usize::MAX)
}

/// Reads a page of channels that holds at most `max_items` items.
///
/// # Errors
///
/// As [`decode_clients_within`].
pub fn decode_channels_within(body: &[u8], max_items: usize) -> Result<Page<OwnedChannel>, ApiError> {
    with_repair(body, |body| channels(body, max_items))
}

fn channels(body: &[u8], max_items: usize) -> Result<Page<OwnedChannel>, ApiError> {
    let mut list = list::<WireChannel<'_>>(body, max_items)?;
    if list.items.is_none() {
        let single: WireChannel<'_> = parse(body)?;
        // An id alone is not enough: error bodies and clients have ids too.
        if single.id.get().is_some() && !(single.availability.is_absent() && single.setup_info.is_absent()) {
            let mut reading = Reading::default();
            let kept = single.keep(&mut reading).into_iter().collect();
            list.items = Some(Items { kept, received: 1, findings: reading.findings });
        }
    }
    page(list, max_items, "a list of channels")
}

/// Reads a single client, the response to an update.
///
/// # Errors
///
/// As [`decode_clients`].
pub fn decode_client(body: &[u8]) -> Result<(Client, Findings), ApiError> {
    with_repair(body, |body| {
        let mut findings = Findings::default();
        client(&parse(body)?, &mut findings)
            .map(|client| (client, findings))
            .ok_or_else(|| ApiError::new(Reason::Decode, "expected a client, found JSON without an id"))
    })
}

/// Only reads the wire types, for measuring what the rest costs.
///
/// # Errors
///
/// As [`decode_clients`].
#[cfg(any(test, feature = "bench"))]
pub fn parse_channels_only(body: &[u8]) -> Result<usize, ApiError> {
    #[derive(serde::Deserialize)]
    #[serde(transparent)]
    struct AsSent<'a>(#[serde(borrow)] WireChannel<'a>);

    impl<'de> Listed<'de> for AsSent<'de> {
        const LIST_KEYS: &'static [&'static str] = WireChannel::LIST_KEYS;
        type Kept = WireChannel<'de>;
        fn keep(self, _: &mut Reading) -> Option<WireChannel<'de>> {
            Some(self.0)
        }
    }
    list::<AsSent<'_>>(body, usize::MAX)
        .map(|list| list.items.map_or(0, |items| std::hint::black_box(items.kept).len()))
}

/// Reads a body, and once more repaired if that fails and there is something to
/// repair.
fn with_repair<T>(body: &[u8], read: impl Fn(&[u8]) -> Result<T, ApiError>) -> Result<T, ApiError> {
    read(body).or_else(|failure| repair::body(body).and_then(|repaired| read(&repaired).ok()).ok_or(failure))
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    parse_as(PhantomData, body)
}

fn list<'de, T: Listed<'de>>(body: &'de [u8], max_items: usize) -> Result<List<'de, T::Kept>, ApiError> {
    parse_as(ListOf::<T> { max_items, items: PhantomData }, body)
}

fn parse_as<'de, S: DeserializeSeed<'de>>(seed: S, body: &'de [u8]) -> Result<S::Value, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|e| {
        let found = if body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<') {
            "markup".to_owned()
        } else if body.is_empty() {
            "an empty body".to_owned()
        } else {
            format!("a syntax error in line {}, column {}", e.line(), e.column())
        };
        ApiError::new(Reason::Decode, format!("expected JSON, found {found}"))
    })
}

fn page<T>(list: List<'_, T>, max_items: usize, what: &str) -> Result<Page<T>, ApiError> {
    let Some(Items { kept: items, received, findings }) = list.items else {
        return Err(ApiError::new(Reason::Decode, format!("expected {what}, found JSON of another shape")));
    };
    if received > max_items {
        return Err(ApiError::new(
            Reason::TooLarge,
            format!(
                "expected {what} with at most {max_items} items, found {received}; raise --api.max-response-size or lower --api.page-size"
            ),
        ));
    }
    if items.is_empty() && received > 0 {
        return Err(ApiError::new(
            Reason::Decode,
            format!("expected {what}, found {received} items of which none could be read"),
        ));
    }
    let total = list.total.get().and_then(|t| t.parse().ok());
    Ok(Page { items, received, total, findings })
}

impl<'de> Listed<'de> for WireClient<'de> {
    const LIST_KEYS: &'static [&'static str] = &["clients"];
    type Kept = Client;

    fn keep(self, reading: &mut Reading) -> Option<Client> {
        client(&self, &mut reading.findings)
    }
}

impl<'de> Listed<'de> for WireChannel<'de> {
    const LIST_KEYS: &'static [&'static str] = &["partner_channels", "channels", "client_channels"];
    type Kept = OwnedChannel;

    fn keep(self, reading: &mut Reading) -> Option<OwnedChannel> {
        owned_channel(self, reading)
    }
}

/// Ids above this are refused: no id of the API is near it, and every series of the
/// object would carry it.
const MAX_ID_BYTES: usize = 256;

/// An id that can be used. One that is empty, a path of its own (`.`, `..`), very
/// long or holds control characters never becomes part of a path or a label.
fn id<'a>(text: &'a Text<'_>) -> Option<&'a str> {
    let usable = |id: &&str| *id != "." && *id != ".." && id.len() <= MAX_ID_BYTES && !id.contains(char::is_control);
    text.get().filter(usable)
}

fn client(wire: &WireClient<'_>, findings: &mut Findings) -> Option<Client> {
    Some(Client {
        id: id(&wire.id)?.into(),
        name: wire.name.owned(),
        status: wire.status.lower(),
        created_at: timestamp(&wire.created_at, findings),
        modified_at: timestamp(&wire.modified_at, findings),
        max_channels: count(&wire.max_channels, findings),
        partner_payload: wire.partner_payload.as_sent().map(ShortText::from),
        organisation: wire.organisation.owned(),
        business_id: wire.business_id.owned(),
        suspicious: wire.suspicious.get().and_then(parse_bool),
    })
}

fn owned_channel(wire: WireChannel<'_>, reading: &mut Reading) -> Option<OwnedChannel> {
    let id = id(&wire.id)?;
    let Reading { findings, waba } = reading;
    note_missing_keys(&wire, findings);
    let channel = Channel {
        id: id.into(),
        availability: state(Field::AvailabilityStatus, &wire.availability, Availability::parse, findings)
            .unwrap_or(Availability::Unknown),
        quality: quality(&wire.quality, findings),
        limit: limit(&wire.limit, findings),
        status: state(Field::Status, &wire.status, LifecycleStatus::parse, findings)
            .unwrap_or(LifecycleStatus::Unknown),
        hub_status: wire.hub_status.get().map(|_| {
            state(Field::HubStatus, &wire.hub_status, HubStatus::parse, findings).unwrap_or(HubStatus::Unknown)
        }),
        last_quality_event: wire.last_quality_event.lower(),
        official_business_account: flag(Field::OfficialBusinessAccount, &wire.is_oba, findings),
        on_business_app: flag(Field::OnBusinessApp, &wire.on_business_app, findings),
        phone_number: wire.setup_info.phone_number.owned(),
        display_name: wire.setup_info.phone_name.owned(),
        new_name_status: wire.setup_info.new_name_status.get().map(|status| status.to_lowercase().into()),
        waba: shared_waba(&wire, waba),
        created_at: timestamp(&wire.created_at, findings),
        cancelled_at: timestamp(&wire.cancelled_at, findings),
        terminated_at: timestamp(&wire.terminated_at, findings),
        account_mode: wire.account_mode.get().and_then(AccountMode::parse),
        billing_started_at: timestamp(&wire.billing_started_at, findings),
        version: wire.version.get().and_then(|v| v.parse().ok()),
        setup_error: setup_error(wire.setup_info),
    };
    let client = [&wire.client_id, &wire.client.id, &wire.waba_account.client_id].into_iter().find_map(self::id);
    Some(OwnedChannel { client: client.map(Into::into), channel })
}

/// Counts the keys that every channel should have and this one has not.
fn note_missing_keys(wire: &WireChannel<'_>, findings: &mut Findings) {
    findings.keys.items += 1;
    for (field, text) in [
        (KeyField::AvailabilityStatus, &wire.availability),
        (KeyField::QualityRating, &wire.quality),
        (KeyField::MessagingLimit, &wire.limit),
        (KeyField::Status, &wire.status),
    ] {
        findings.keys.without[field as usize] += u32::from(!text.is_sent());
    }
}

fn setup_error(setup: WireSetup<'_>) -> Option<Box<str>> {
    match setup.error {
        Message::NotSent => None,
        Message::Sent(text) => Some(text),
    }
}

/// The WABA of a channel: that of the channel before if it is the same. An
/// account without a usable id is none.
fn shared_waba(wire: &WireChannel<'_>, last: &mut Option<Arc<WabaAccount>>) -> Option<Arc<WabaAccount>> {
    let sent = &wire.waba_account;
    let id = id(&wire.waba_account_id).or_else(|| id(&sent.id))?;
    let lower = |text: &Text<'_>, known: &Option<ShortText>| match (text.get(), known) {
        (None, None) => true,
        // A text with capitals is not found again, and costs an allocation.
        (Some(text), Some(known)) => text == known,
        _ => false,
    };
    let same = |waba: &Arc<WabaAccount>| {
        waba.id == id
            && waba.name.as_deref() == sent.name.get()
            && waba.business_id.as_deref() == sent.business_id.get()
            && lower(&sent.status, &waba.status)
            && lower(&sent.verification, &waba.verification)
    };
    if !last.as_ref().is_some_and(same) {
        *last = Some(Arc::new(WabaAccount {
            id: id.into(),
            name: sent.name.owned(),
            business_id: sent.business_id.owned(),
            status: sent.status.lower(),
            verification: sent.verification.lower(),
        }));
    }
    last.clone()
}

/// The rating. `NA`, Meta's `UNKNOWN`, `null` and a blank text are "not rated"; a
/// word that nobody has seen, and an absent key, are unknown.
fn quality(text: &Text<'_>, findings: &mut Findings) -> QualityRating {
    match (text, text.get()) {
        (Text::NotSent, _) => QualityRating::Unknown,
        (Text::Null | Text::Scalar(_), None) => QualityRating::Na,
        (_, Some(rating)) if rating.eq_ignore_ascii_case("unknown") => QualityRating::Na,
        _ => state(Field::QualityRating, text, QualityRating::parse, findings).unwrap_or(QualityRating::Unknown),
    }
}

fn limit(text: &Text<'_>, findings: &mut Findings) -> Option<MessagingLimit> {
    let tier = match (text, text.get()) {
        (Text::NotSent | Text::Null | Text::Scalar(_), None) => return None,
        (_, Some(tier)) => tier,
        (Text::Nested, None) => NESTED,
    };
    MessagingLimit::parse(tier).unwrap_or_else(|_| {
        findings.unknown.push((Field::MessagingLimit, tier.into()));
        None
    })
}

/// What stands in the log for an array or object in place of a scalar.
const NESTED: &str = "an array or object";

/// The state that a text stands for. A text that nobody has seen is reported and
/// `None`; so is `null` where the documentation promises a state. An absent key is
/// counted elsewhere.
fn state<S>(field: Field, text: &Text<'_>, parse: fn(&str) -> Option<S>, findings: &mut Findings) -> Option<S> {
    let state = text.get().and_then(parse);
    if state.is_none() && text.is_sent() {
        let sent = if matches!(text, Text::Nested) { NESTED } else { text.get().unwrap_or("null") };
        findings.unknown.push((field, sent.into()));
    }
    state
}

fn count(text: &Text<'_>, findings: &mut Findings) -> Option<u64> {
    let text = text.get()?;
    let count = text.parse().ok();
    if count.is_none() {
        findings.unknown.push((Field::MaxChannels, text.into()));
    }
    count
}

fn flag(field: Field, text: &Text<'_>, findings: &mut Findings) -> Option<bool> {
    let text = text.get()?;
    let parsed = parse_bool(text);
    if parsed.is_none() {
        findings.unknown.push((field, text.into()));
    }
    parsed
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// 2009-01-01, the year in which WhatsApp was founded. What lies before is Go's
/// zero time and its like.
const EARLIEST: Timestamp = Timestamp::from_second(1_230_768_000);

/// RFC 3339 with or without a fraction, without a zone (then UTC), or Unix
/// seconds or milliseconds. Any other text, or a date too early to be
/// one, is reported and `None`: a bad date must not lose the channel.
fn timestamp(text: &Text<'_>, findings: &mut Findings) -> Option<Timestamp> {
    let text = text.get()?;
    let parsed = text.parse::<Timestamp>().ok().or_else(|| unix_time(text)).or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp().into())
    });
    let parsed = parsed.filter(|at| *at >= EARLIEST);
    if parsed.is_none() {
        findings.unknown.push((Field::Timestamp, text.into()));
    }
    parsed
}

fn unix_time(text: &str) -> Option<Timestamp> {
    /// Seconds reach this in the year 5138, milliseconds reached it in 1973.
    const SMALLEST_MILLISECONDS: f64 = 100_000_000_000.0;
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite())?;
    let milliseconds = if number.abs() < SMALLEST_MILLISECONDS { number * 1_000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and jiff checks the range")]
    jiff::Timestamp::from_millisecond(milliseconds as i64).ok().map(Timestamp::from)
}
