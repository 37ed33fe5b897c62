//! From the shapes on the wire to the model.

use std::marker::PhantomData;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, DeserializeSeed};

use super::lenient::{Absent as _, Items, List, ListOf, Listed, Text, WireChannel, WireClient};
use super::{Findings, OwnedChannel, Page, repair};
use crate::model::{
    AccountMode, Availability, Channel, Client, Field, HubStatus, LifecycleStatus, MessagingLimit, QualityRating,
    ShortText, Timestamp,
};
use crate::partner_api::{ApiError, Reason};

/// Reads a page of the client list.
///
/// # Errors
///
/// [`Reason::Decode`] if the body is no JSON, or JSON of no known shape.
pub fn decode_clients(body: &[u8]) -> Result<Page<Client>, ApiError> {
    with_repair(body, |body| page(list::<WireClient<'_>>(body)?, "a list of clients"))
}

/// Reads a page of channels, of one client or of the whole partner: a bare
/// array, an envelope, or (as a last resort) one channel by itself.
///
/// # Errors
///
/// As [`decode_clients`].
pub fn decode_channels(body: &[u8]) -> Result<Page<OwnedChannel>, ApiError> {
    with_repair(body, channels)
}

fn channels(body: &[u8]) -> Result<Page<OwnedChannel>, ApiError> {
    let mut list = list::<WireChannel<'_>>(body)?;
    if list.items.is_none() {
        let single: WireChannel<'_> = parse(body)?;
        // An id alone is not enough: error bodies and clients have ids too.
        if single.id.get().is_some() && !(single.availability.is_absent() && single.setup_info.is_absent()) {
            let mut findings = Findings::default();
            let kept = single.keep(&mut findings).into_iter().collect();
            list.items = Some(Items { kept, received: 1, findings });
        }
    }
    page(list, "a list of channels")
}

/// Reads a single client, the answer to an update.
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
        fn keep(self, _: &mut Findings) -> Option<WireChannel<'de>> {
            Some(self.0)
        }
    }
    list::<AsSent<'_>>(body).map(|list| list.items.map_or(0, |items| std::hint::black_box(items.kept).len()))
}

/// Reads a body, and once more repaired if that fails and there is something to
/// mend.
fn with_repair<T>(body: &[u8], read: impl Fn(&[u8]) -> Result<T, ApiError>) -> Result<T, ApiError> {
    read(body).or_else(|failure| repair::body(body).and_then(|repaired| read(&repaired).ok()).ok_or(failure))
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    parse_as(PhantomData, body)
}

fn list<'de, T: Listed<'de>>(body: &'de [u8]) -> Result<List<'de, T::Kept>, ApiError> {
    parse_as(ListOf::<T>(PhantomData), body)
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

fn page<T>(list: List<'_, T>, what: &str) -> Result<Page<T>, ApiError> {
    let Some(Items { kept: items, received, findings }) = list.items else {
        return Err(ApiError::new(Reason::Decode, format!("expected {what}, found JSON of another shape")));
    };
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

    fn keep(self, findings: &mut Findings) -> Option<Client> {
        client(&self, findings)
    }
}

impl<'de> Listed<'de> for WireChannel<'de> {
    const LIST_KEYS: &'static [&'static str] = &["partner_channels", "channels", "client_channels"];
    type Kept = OwnedChannel;

    fn keep(self, findings: &mut Findings) -> Option<OwnedChannel> {
        owned_channel(&self, findings)
    }
}

fn client(wire: &WireClient<'_>, findings: &mut Findings) -> Option<Client> {
    Some(Client {
        id: wire.id.get()?.into(),
        name: wire.name.owned(),
        status: wire.status.get().map(|s| s.to_lowercase().into()),
        created_at: timestamp(&wire.created_at, findings),
        modified_at: timestamp(&wire.modified_at, findings),
        max_channels: count(&wire.max_channels, findings),
        partner_payload: wire.partner_payload.0.as_deref().map(ShortText::from),
        organisation: wire.organisation.owned(),
        business_id: wire.business_id.owned(),
        suspicious: wire.suspicious.get().and_then(truth),
    })
}

fn owned_channel(wire: &WireChannel<'_>, findings: &mut Findings) -> Option<OwnedChannel> {
    let id = wire.id.get()?;
    let channel = Channel {
        id: id.into(),
        availability: told(Field::AvailabilityStatus, &wire.availability, Availability::parse, findings)
            .unwrap_or(Availability::Unknown),
        // The filter schema of the API marks rating and limit as nullable, so
        // that `null` there is an answer and not an unknown value.
        quality: match wire.quality.get() {
            None => QualityRating::Unknown,
            Some(_) => told(Field::QualityRating, &wire.quality, QualityRating::parse, findings)
                .unwrap_or(QualityRating::Unknown),
        },
        limit: wire.limit.get().and_then(|tier| {
            MessagingLimit::parse(tier).unwrap_or_else(|_| {
                findings.unknown.push((Field::MessagingLimit, tier.into()));
                None
            })
        }),
        status: told(Field::Status, &wire.status, LifecycleStatus::parse, findings).unwrap_or(LifecycleStatus::Unknown),
        hub_status: wire.hub_status.get().map(|_| {
            told(Field::HubStatus, &wire.hub_status, HubStatus::parse, findings).unwrap_or(HubStatus::Unknown)
        }),
        last_quality_event: wire.last_quality_event.get().map(|e| e.to_lowercase().into()),
        official_business_account: wire.is_oba.get().and_then(|text| {
            let parsed = truth(text);
            if parsed.is_none() {
                findings.unknown.push((Field::OfficialBusinessAccount, text.into()));
            }
            parsed
        }),
        phone_number: wire.setup_info.phone_number.owned(),
        display_name: wire.setup_info.phone_name.owned(),
        waba_account_id: wire.waba_account_id.owned().or_else(|| wire.waba_account.id.owned()),
        created_at: timestamp(&wire.created_at, findings),
        cancelled_at: timestamp(&wire.cancelled_at, findings),
        terminated_at: timestamp(&wire.terminated_at, findings),
        account_mode: wire.account_mode.get().and_then(AccountMode::parse),
        billing_started_at: timestamp(&wire.billing_started_at, findings),
        version: wire.version.get().and_then(|v| v.parse().ok()),
    };
    let client = wire.client_id.get().or_else(|| wire.client.id.get()).map(Into::into);
    Some(OwnedChannel { client, channel })
}

/// The state that a text stands for. A text that nobody has seen, and one that
/// is missing where the documentation promises it, are found and `None`.
fn told<S>(field: Field, text: &Text<'_>, parse: fn(&str) -> Option<S>, findings: &mut Findings) -> Option<S> {
    let state = text.get().and_then(parse);
    if state.is_none() {
        findings.unknown.push((field, text.get().unwrap_or("null").into()));
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

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// RFC 3339 with or without a fraction, without a zone (then UTC), or Unix
/// seconds or milliseconds. A text that is none of them is found and `None`: a
/// bad date must not lose the channel.
fn timestamp(text: &Text<'_>, findings: &mut Findings) -> Option<Timestamp> {
    let text = text.get()?;
    let parsed = text.parse::<Timestamp>().ok().or_else(|| unix_time(text)).or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp().into())
    });
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
