//! What faults do to one page of a list: to the part of the list that it shows, to its items, and to the numbers around
//! them. Never here: faults of a whole response, and of several requests together.

use std::borrow::Cow;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};

use super::faults::{Kind, Owner};
use super::item::Item;
use super::records::{Id, States};

/// A request for a page, and the faults that meet it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// A bare array has no pages, so faults of pagination do not apply to it.
    pub(super) is_bare: bool,
    /// The number of the request, for items that are new every time.
    pub(super) request: u64,
    pub(super) faults: &'a [Kind],
}

/// The part of a list that a page shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Window {
    pub(super) range: Range<usize>,
    /// The length of the list, repeated items aside.
    pub(super) total: usize,
}

/// A page as it goes out.
#[derive(Debug)]
pub(super) struct Distorted<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) limit: usize,
    pub(super) total: Value,
    pub(super) count: usize,
}

/// Distorts the list and selects the part that the page shows. `foreign` are the channels of another client.
pub(super) fn window(ids: &mut Cow<'_, [Id]>, foreign: &[Id], asked: Asked<'_>, rng: &mut StdRng) -> Window {
    let (mut limit, mut start) = (asked.limit, if asked.is_bare { 0 } else { asked.offset });
    let mut repeated = 0;
    for kind in asked.faults {
        match kind {
            Kind::ShortList { keep } => match ids {
                Cow::Borrowed(all) => *ids = Cow::Borrowed(&all[..(*keep).min(all.len())]),
                Cow::Owned(all) => all.truncate(*keep),
            },
            Kind::ForeignItems { only } => {
                let own = if *only { &[] } else { &**ids };
                *ids = Cow::Owned([own, foreign].concat());
            }
            Kind::ShuffledPages {} => ids.to_mut().shuffle(rng),
            Kind::Duplicates { at: Some(at) } => {
                if let Some(first) = ids.first().cloned() {
                    let at = position(*at, ids.len() + 1).min(ids.len());
                    ids.to_mut().insert(at, first);
                    repeated += 1;
                }
            }
            Kind::ClampedPages { limit: clamp } if !asked.is_bare => limit = limit.min(clamp.get()),
            Kind::RepeatedPage {} => start = 0,
            Kind::OverlappingPages {} => start = start.saturating_sub(limit.div_ceil(2)),
            _ => {}
        }
    }
    if asked.is_bare {
        limit = ids.len();
    }
    let start = start.min(ids.len());
    Window { range: start..start.saturating_add(limit).min(ids.len()), total: ids.len() - repeated }
}

/// A position in a list of this length; negative ones count from the end.
fn position(at: i64, length: usize) -> usize {
    let from_start = if at < 0 { i64::try_from(length).unwrap_or(i64::MAX).saturating_add(at).max(0) } else { at };
    usize::try_from(from_start).unwrap_or(usize::MAX)
}

/// Distorts the items of a page. `model` returns any item of the list, as a model for new ones.
pub(super) fn distort<'a>(
    mut items: Vec<Item<'a>>,
    model: impl Fn(usize) -> Option<Item<'a>>,
    window: &Window,
    asked: Asked<'_>,
) -> Distorted<'a> {
    let (mut limit, mut total, mut surplus) = (asked.limit, json!(window.total), 0);
    for kind in asked.faults {
        match kind {
            Kind::ClampedPages { limit: clamp } => limit = limit.min(clamp.get()),
            Kind::EndlessPages { changing } if !asked.is_bare => {
                let numbers = asked.offset..asked.offset.saturating_add(limit);
                let request = changing.then_some(asked.request);
                items = numbers.map(|nth| Item::Raw(fresh(model(nth), nth, request))).collect();
                total = json!(asked.offset.saturating_add(limit.saturating_mul(2)));
            }
            Kind::Duplicates { at: None } => {
                if let Some(again) = items.first().map(|first| renamed(first.to_value())) {
                    items.push(Item::Raw(again));
                }
            }
            Kind::WrongTotal { total: wrong } => total = wrong.clone(),
            Kind::InflatedTotal { by } => {
                total = json!(i64::try_from(window.total).unwrap_or(i64::MAX).saturating_add(*by))
            }
            Kind::WrongCount {} => surplus = 7,
            other => distort_items(&mut items, other, window),
        }
    }
    let count = items.len() + surplus;
    Distorted { items, limit, total, count }
}

/// The faults that change items in place.
fn distort_items(items: &mut [Item<'_>], kind: &Kind, window: &Window) {
    match kind {
        Kind::BrokenItem { at: None } => {
            for (nth, item) in items.iter_mut().step_by(3).enumerate() {
                *item = Item::Raw(match nth % 3 {
                    0 => json!(7),
                    1 => Value::Null,
                    _ => without(item.to_value(), "id"),
                });
            }
        }
        Kind::BrokenItem { at: Some(at) } => {
            let on_page = position(*at, window.total).checked_sub(window.range.start);
            if let Some(item) = on_page.and_then(|at| items.get_mut(at)) {
                *item = Item::Raw(json!(7));
            }
        }
        Kind::UnknownValues {} => change(items, 1, |fields| {
            for (_, value) in fields.iter_mut().filter(|(key, _)| is_enum(key)) {
                *value = json!("NEVER_SEEN_BEFORE");
            }
        }),
        Kind::Nulls {} => change(items, 1, |fields| {
            for (_, value) in fields.iter_mut().filter(|(key, _)| !["id", "client_id"].contains(&key.as_str())) {
                *value = Value::Null;
            }
        }),
        Kind::MissingField { field, every } => {
            // The first item of the list lacks it, then every nth.
            change_from(items, window.range.start, every.get(), |fields| remove(fields, field));
        }
        Kind::OwnerlessItems { owner, every } => {
            change_from(items, window.range.start, every.get(), |fields| remove_owner(fields, *owner));
        }
        _ => {}
    }
}

/// Whether a field holds one value of an enum.
fn is_enum(field: &str) -> bool {
    States::NAMES.contains(&field) || field == "account_mode"
}

/// Changes every nth item of the list, the page starting at `start`.
fn change_from(items: &mut [Item<'_>], start: usize, every: usize, change_one: impl Fn(&mut Map<String, Value>)) {
    let skipped = (every - start % every) % every;
    change(items.get_mut(skipped..).unwrap_or_default(), every, change_one);
}

fn change(items: &mut [Item<'_>], every: usize, change_one: impl Fn(&mut Map<String, Value>)) {
    for item in items.iter_mut().step_by(every) {
        let mut value = item.to_value();
        if let Value::Object(fields) = &mut value {
            change_one(fields);
        }
        *item = Item::Raw(value);
    }
}

/// Removes the key at a dotted path such as `waba_account.status`.
fn remove(fields: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => drop(fields.remove(path)),
        Some((key, rest)) => {
            if let Some(Value::Object(inner)) = fields.get_mut(key) {
                remove(inner, rest);
            }
        }
    }
}

fn remove_owner(fields: &mut Map<String, Value>, kept: Owner) {
    remove(fields, "client_id");
    if kept != Owner::Client {
        remove(fields, "client.id");
    }
    if kept != Owner::WabaAccount {
        remove(fields, "waba_account.client_id");
    }
}

/// An item like another, with an id that depends only on its position in the endless list, and on the request if that
/// is given.
fn fresh(model: Option<Item<'_>>, nth: usize, request: Option<u64>) -> Value {
    let mut value = model.map_or_else(|| json!({}), |item| item.to_value());
    let suffix = if value.get("client_id").is_some() { "CH" } else { "CL" };
    let request = request.map(|request| format!("{request:06}x")).unwrap_or_default();
    value["id"] = json!(format!("endless{request}{nth:09}{suffix}"));
    value
}

/// The same item under another name, so that it shows which of the two was used.
fn renamed(mut value: Value) -> Value {
    let name = if value.get("setup_info").is_some() { "/setup_info/phone_name" } else { "/name" };
    if let Some(name) = value.pointer_mut(name) {
        *name = json!(format!("{} (again)", name.as_str().unwrap_or_default()));
    }
    value
}

fn without(mut value: Value, field: &str) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.remove(field);
    }
    value
}

#[cfg(test)]
mod tests;
