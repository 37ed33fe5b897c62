//! The lists of the pages as JSON, for scripts and for `channels list --from`.

use serde::Serialize;

use super::data::Slice;
use super::{Context, Refusal, changes, clients, home};
use crate::view::{CHANGE_FIELDS, CHANNEL_FIELDS, CLIENT_FIELDS, Field, Object, Query};

/// One page of a list.
#[derive(Serialize)]
struct List<T> {
    /// How old the oldest data is that is shown; `null` before the first read.
    age_seconds: Option<f64>,
    /// Items on all pages.
    total: usize,
    page: usize,
    items: Vec<T>,
}

pub(super) fn channel_list(context: &Context<'_>, query: &Query) -> Result<Vec<u8>, Refusal> {
    let (slice, _) = home::channels(context, query)?;
    Ok(list(context, &slice, CHANNEL_FIELDS))
}

pub(super) fn client_list(context: &Context<'_>, query: &Query) -> Result<Vec<u8>, Refusal> {
    let rows = clients::sorted(context, query)?;
    // What a partner keeps in `partner_payload` may be secret.
    let (before, from) = CLIENT_FIELDS.split_at(crate::view::PARTNER_PAYLOAD);
    let slice = Slice::of(rows, query);
    let fields: Vec<_> = before.iter().chain(&from[1..]).copied().collect();
    Ok(list(context, &slice, &fields))
}

pub(super) fn change_list(context: &Context<'_>, query: &Query) -> Result<Vec<u8>, Refusal> {
    Ok(list(context, &changes::asked(context, query)?, CHANGE_FIELDS))
}

fn list<T>(context: &Context<'_>, slice: &Slice<T>, fields: &[Field<T>]) -> Vec<u8> {
    let list = List {
        age_seconds: context.data_age().map(|age| (age.as_secs_f64() * 10.0).round() / 10.0),
        total: slice.total,
        page: slice.page,
        items: slice.rows.iter().map(|row| Object { fields, row }).collect(),
    };
    to_bytes(&list)
}

/// What is wrong with a request.
pub(super) fn error(wrong: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Wrong<'a> {
        error: &'a str,
    }
    to_bytes(&Wrong { error: wrong })
}

/// A tree of plain values can always be written.
fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
