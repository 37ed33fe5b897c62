//! What faults do to a list: to the part that a page shows, to its items, and to the numbers around them.
//! Never here: faults of a whole response.

use std::borrow::Cow;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};

use super::faults::Kind;
use super::item::Item;
use super::records::{Id, States};

/// A page as it goes out.
#[derive(Debug)]
pub(super) struct Distorted<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) limit: usize,
    pub(super) total: Value,
    pub(super) count: usize,
}

/// The part of the list that the page shows. Faults may change the list first. A bare array has no pages, so faults of
/// pagination do not apply to it.
pub(super) fn window(
    ids: &mut Cow<'_, [Id]>,
    limit: usize,
    offset: usize,
    bare: bool,
    faults: &[Kind],
    rng: &mut StdRng,
) -> Range<usize> {
    let (mut limit, mut start) = (limit, if bare { 0 } else { offset });
    for kind in faults {
        match kind {
            Kind::ShortList { keep } => match ids {
                Cow::Borrowed(all) => *ids = Cow::Borrowed(&all[..(*keep).min(all.len())]),
                Cow::Owned(all) => all.truncate(*keep),
            },
            Kind::ShuffledPages {} => ids.to_mut().shuffle(rng),
            Kind::ClampedPages { limit: clamp } if !bare => limit = limit.min(clamp.get()),
            Kind::RepeatedPage {} => start = 0,
            Kind::OverlappingPages {} => start = start.saturating_sub(limit.div_ceil(2)),
            _ => {}
        }
    }
    let start = start.min(ids.len());
    start..start.saturating_add(limit).min(ids.len())
}

/// Distorts the items of a page. `make` returns any item of the list, as a model for new ones.
pub(super) fn distort<'a>(
    mut items: Vec<Item<'a>>,
    make: impl Fn(usize) -> Option<Item<'a>>,
    limit: usize,
    offset: usize,
    total: usize,
    bare: bool,
    faults: &[Kind],
) -> Distorted<'a> {
    let (mut limit, mut total, mut surplus) = (limit, json!(total), 0);
    for kind in faults {
        match kind {
            Kind::ClampedPages { limit: clamp } => limit = limit.min(clamp.get()),
            Kind::EndlessPages {} if !bare => {
                let numbers = offset..offset.saturating_add(limit);
                items = numbers.map(|nth| Item::Raw(fresh(make(nth), nth))).collect();
                total = json!(offset.saturating_add(limit.saturating_mul(2)));
            }
            Kind::Duplicates {} => {
                if let Some(again) = items.first().map(|first| renamed(first.to_value())) {
                    items.push(Item::Raw(again));
                }
            }
            Kind::BrokenItem {} => {
                for (nth, item) in items.iter_mut().step_by(3).enumerate() {
                    *item = Item::Raw(match nth % 3 {
                        0 => json!(7),
                        1 => Value::Null,
                        _ => without_id(item.to_value()),
                    });
                }
            }
            Kind::UnknownValues {} => each(&mut items, |fields| {
                for (key, value) in fields {
                    if is_enum(key) {
                        *value = json!("NEVER_SEEN_BEFORE");
                    }
                }
            }),
            Kind::Nulls {} => each(&mut items, |fields| {
                for (key, value) in fields {
                    if key != "id" && key != "client_id" {
                        *value = Value::Null;
                    }
                }
            }),
            Kind::WrongTotal { total: wrong } => total = wrong.clone(),
            Kind::WrongCount {} => surplus = 7,
            _ => {}
        }
    }
    let count = items.len() + surplus;
    Distorted { items, limit, total, count }
}

/// Whether a field holds one value of an enum.
fn is_enum(field: &str) -> bool {
    States::NAMES.contains(&field) || field == "account_mode"
}


fn each(items: &mut [Item<'_>], change: impl Fn(&mut Map<String, Value>)) {
    for item in items {
        let mut value = item.to_value();
        if let Value::Object(fields) = &mut value {
            change(fields);
        }
        *item = Item::Raw(value);
    }
}

/// An item like another, with an id that depends only on its position in the endless list.
fn fresh(model: Option<Item<'_>>, nth: usize) -> Value {
    let mut value = model.map_or_else(|| json!({}), |item| item.to_value());
    let suffix = if value.get("client_id").is_some() { "CH" } else { "CL" };
    value["id"] = json!(format!("endless{nth:09}{suffix}"));
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

fn without_id(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.remove("id");
    }
    value
}

#[cfg(test)]
mod tests;
