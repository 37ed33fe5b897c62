//! What faults do to a list: to the window that is cut out of it, to its items, and to the numbers around them.

use std::borrow::Cow;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Map, Value, json};

use super::faults::Kind;
use super::records::{Id, Item};

/// A page as it goes out.
#[derive(Debug)]
pub(super) struct Bent<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) limit: usize,
    pub(super) total: Value,
    pub(super) count: usize,
}

/// The part of the list that the page shows. Faults may change the list first. A bare array has no pages,
/// so faults of paging leave it alone.
pub(super) fn window(
    ids: &mut Cow<'_, [Id]>,
    limit: usize,
    offset: usize,
    bare: bool,
    fired: &[Kind],
    rng: &mut StdRng,
) -> Range<usize> {
    let (mut limit, mut start) = (limit, if bare { 0 } else { offset });
    for kind in fired {
        match kind {
            Kind::ShortList { keep } => match ids {
                Cow::Borrowed(all) => *ids = Cow::Borrowed(&all[..(*keep).min(all.len())]),
                Cow::Owned(all) => all.truncate(*keep),
            },
            Kind::ShuffledPages {} => ids.to_mut().shuffle(rng),
            Kind::ClampedPages { limit: clamp } if !bare => limit = limit.min(*clamp),
            Kind::RepeatedPage {} => start = 0,
            Kind::OverlappingPages {} => start = start.saturating_sub(limit.div_ceil(2)),
            _ => {}
        }
    }
    let start = start.min(ids.len());
    start..start.saturating_add(limit).min(ids.len())
}

/// Bends the items of a page. `make` gives any item of the list to model new ones on.
pub(super) fn bend<'a>(
    mut items: Vec<Item<'a>>,
    make: impl Fn(usize) -> Option<Item<'a>>,
    limit: usize,
    offset: usize,
    total: usize,
    bare: bool,
    fired: &[Kind],
) -> Bent<'a> {
    let (mut limit, mut total, mut surplus) = (limit, json!(total), 0);
    for kind in fired {
        match kind {
            Kind::ClampedPages { limit: clamp } => limit = limit.min(*clamp),
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
                    if ENUMS.contains(&key.as_str()) {
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
            Kind::WrongTotal { total: told } => total = told.clone(),
            Kind::WrongCount {} => surplus = 7,
            _ => {}
        }
    }
    let count = items.len() + surplus;
    Bent { items, limit, total, count }
}

/// The fields that hold one of a list of values.
const ENUMS: &[&str] = &[
    "status",
    "hub_status",
    "availability_status",
    "current_limit",
    "current_quality_rating",
    "current_quality_update_event",
    "account_mode",
];

fn each(items: &mut [Item<'_>], change: impl Fn(&mut Map<String, Value>)) {
    for item in items {
        let mut value = item.to_value();
        if let Value::Object(fields) = &mut value {
            change(fields);
        }
        *item = Item::Raw(value);
    }
}

/// An item like another, with an id that depends only on its place in the endless list.
fn fresh(model: Option<Item<'_>>, nth: usize) -> Value {
    let mut value = model.map_or_else(|| json!({}), |item| item.to_value());
    let suffix = if value.get("client_id").is_some() { "CH" } else { "CL" };
    value["id"] = json!(format!("endless{nth:09}{suffix}"));
    value
}

/// The same item under another name, so that it shows which of the two was believed.
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
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::super::testing::{fault, get, ids, json_of};
    use super::super::{Options, Simulator};
    use super::*;

    fn ten() -> (Simulator, Vec<Value>) {
        let simulator = Simulator::new(Options { clients: 10, ..Options::default() });
        let all = ids(&get(&simulator, "clients"));
        (simulator, all)
    }

    fn numbers(simulator: &Simulator, target: &str) -> [Value; 4] {
        let body = json_of(&get(simulator, target));
        ["limit", "offset", "total", "count"].map(|key| body[key].clone())
    }

    #[test]
    fn endless_pages_are_full_of_new_items_for_ever() {
        let (simulator, _) = ten();
        fault(&simulator, &json!([{"kind": "endless_pages"}]));
        let pages = [0, 4, 40_000].map(|offset| ids(&get(&simulator, &format!("clients?limit=4&offset={offset}"))));
        let seen: BTreeSet<String> = pages.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(seen.len(), 12);
        assert_eq!(numbers(&simulator, "clients?limit=4&offset=40000"), [4, 40_000, 40_008, 4].map(Value::from));
    }

    #[test]
    fn a_repeated_page_ignores_the_offset() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "repeated_page"}]));
        assert_eq!(ids(&get(&simulator, "clients?limit=3&offset=6")), all[..3]);
    }

    #[test]
    fn clamped_pages_are_shorter_than_asked_and_say_so() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "clamped_pages", "limit": 2}]));
        assert_eq!(ids(&get(&simulator, "clients?limit=3&offset=6")), all[6..8]);
        assert_eq!(numbers(&simulator, "clients?limit=3&offset=6"), [2, 6, 10, 2].map(Value::from));
    }

    #[test]
    fn shuffled_pages_show_another_order_every_time() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "shuffled_pages"}]));
        let one = ids(&get(&simulator, "clients"));
        let two = ids(&get(&simulator, "clients"));
        assert!(one != two && one != all);
        let set = |ids: &[Value]| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!((set(&one), set(&two)), (set(&all), set(&all)));
    }

    #[test]
    fn overlapping_pages_start_half_a_page_early() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "overlapping_pages"}]));
        assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=0")), all[..4]);
        assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=4")), all[2..6]);
        assert_eq!(ids(&get(&simulator, "clients?limit=4&offset=10")), all[8..]);
    }

    #[test]
    fn totals_and_counts_can_be_wrong() {
        let (simulator, all) = ten();
        for (set, expected) in [
            (json!({"kind": "wrong_total", "total": 3}), [json!(3), json!(10)]),
            (json!({"kind": "wrong_total", "total": "many"}), [json!("many"), json!(10)]),
            (json!({"kind": "wrong_count"}), [json!(10), json!(17)]),
        ] {
            fault(&simulator, &json!([set]));
            let [_, _, total, count] = numbers(&simulator, "clients");
            assert_eq!([total, count], expected);
            assert_eq!(ids(&get(&simulator, "clients")), all);
        }
    }

    #[test]
    fn a_short_list_looks_complete() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "short_list", "keep": 3}]));
        assert_eq!(ids(&get(&simulator, "clients")), all[..3]);
        assert_eq!(ids(&get(&simulator, "clients?sort=-id")), [9, 8, 7].map(|nth: usize| all[nth].clone()));
        assert_eq!(numbers(&simulator, "clients"), [1000, 0, 3, 3].map(Value::from));
    }

    #[test]
    fn a_duplicate_comes_last_and_under_another_name() {
        let (simulator, all) = ten();
        let first = json_of(&get(&simulator, "clients"))["clients"][0].clone();
        fault(&simulator, &json!([{"kind": "duplicates"}]));
        let body = json_of(&get(&simulator, "clients"));
        let mut again = first.clone();
        again["name"] = json!(format!("{} (again)", first["name"].as_str().unwrap()));
        assert_eq!((&body["clients"][0], &body["clients"][10]), (&first, &again));
        assert_eq!((&body["total"], &body["count"], all.len()), (&json!(10), &json!(11), 10));
    }

    #[test]
    fn broken_items_stand_among_whole_ones() {
        let (simulator, all) = ten();
        fault(&simulator, &json!([{"kind": "broken_item"}]));
        let body = json_of(&get(&simulator, "clients"));
        let list = body["clients"].as_array().unwrap();
        assert_eq!((&list[0], &list[3], list[6].get("id")), (&json!(7), &Value::Null, None));
        assert!(list[6].is_object());
        let mut left = all;
        for broken in [0, 3, 6, 9] {
            left[broken] = Value::Null;
        }
        assert_eq!(ids(&get(&simulator, "clients")), left);
    }

    #[test]
    fn unknown_values_and_nulls_leave_the_ids_readable() {
        let (simulator, _) = ten();
        let all = ids(&get(&simulator, "channels"));
        fault(&simulator, &json!([{"kind": "unknown_values"}]));
        let body = json_of(&get(&simulator, "channels"));
        for channel in body["partner_channels"].as_array().unwrap() {
            assert_eq!(ENUMS.iter().map(|key| &channel[key]).collect::<HashSet<_>>().len(), 1);
            assert_eq!(channel["status"], "NEVER_SEEN_BEFORE");
        }
        assert_eq!(ids(&get(&simulator, "channels")), all);
        fault(&simulator, &json!([{"kind": "nulls"}]));
        let body = json_of(&get(&simulator, "channels"));
        for channel in body["partner_channels"].as_array().unwrap() {
            let told: Vec<&String> =
                channel.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
            assert_eq!(told, ["client_id", "id"]);
        }
    }

    #[test]
    fn faults_of_paging_leave_a_bare_array_alone() {
        let (simulator, all) = ten();
        let target = format!("clients/{}/channels", all[0].as_str().unwrap());
        let honest = get(&simulator, &target);
        for kind in ["endless_pages", "repeated_page", "overlapping_pages", "wrong_count"] {
            fault(&simulator, &json!([{ "kind": kind }]));
            assert_eq!(get(&simulator, &target), honest, "{kind}");
        }
        fault(&simulator, &json!([{"kind": "short_list", "keep": 1}]));
        assert_eq!(ids(&get(&simulator, &target)).len(), 1);
    }
}
