//! List responses: the query's `limit`, `offset`, `sort` and `filters`, the page that they select, and the envelope
//! around it. Never here: what faults do to a list, which is in `distort`.

use std::borrow::Cow;
use std::cmp::Ordering;

use rand::rngs::StdRng;
use serde::Serializer as _;
use serde::ser::SerializeMap as _;
use serde_json::{Map, Value};

use super::distort::{self, Asked, Distorted};
use super::faults::Kind;
use super::fleet::Fleet;
use super::item::Item;
use super::options::ChannelsEnvelope;
use super::records::Id;

/// Items per page without a `limit`.
const DEFAULT_LIMIT: usize = 1000;

/// What clients can be filtered by, as the documentation lists it.
const CLIENT_FILTERS: &[&str] = &[
    "id",
    "name",
    "status",
    "meta_info.business_vertical",
    "meta_info.timezone",
    "meta_info.about",
    "meta_info.business_description",
    "meta_info.use_case",
    "contact_info.webpage_url",
    "contact_info.phone",
    "contact_info.language",
    "contact_info.country",
    "contact_info.street_name",
    "contact_info.city",
    "contact_info.email",
    "contact_info.zip_code",
    "contact_user.phone",
    "contact_user.email",
    "contact_user.name",
];

/// What clients can be sorted by.
const CLIENT_SORTS: &[&str] = &[
    "id",
    "name",
    "status",
    "organisation",
    "partner_payload",
    "max_channels",
    "created_at",
    "modified_at",
    "contact_info.city",
    "contact_info.country",
    "contact_info.email",
    "contact_info.full_name",
    "meta_info.business_vertical",
    "meta_info.timezone",
];

/// What channels can be filtered by.
const CHANNEL_FILTERS: &[&str] = &[
    "id",
    "client_id",
    "type",
    "status",
    "hub_status",
    "availability_status",
    "current_limit",
    "current_quality_rating",
    "version",
    "is_oba",
    "is_migrated",
    "account_mode",
    "created_at",
    "modified_at",
    "cancelled_at",
    "terminated_at",
    "external_id",
    "setup_info.phone_number",
    "setup_info.phone_name",
    "setup_info.was_in_use",
    "setup_info.ivr",
    "setup_info.verification_method",
    "setup_info.default_language",
    "client.contact_info.email",
    "client.name",
    "project.id",
    "project.name",
    "project.license_model",
    "waba_account_id",
    "profile_info.business_vertical",
];

/// A list of the API.
#[derive(Clone, Copy, Debug)]
pub(super) enum Collection<'a> {
    Clients,
    ClientChannels(&'a str, ChannelsEnvelope),
    PartnerChannels,
}

impl Collection<'_> {
    /// Whether the list has no envelope.
    fn is_bare(self) -> bool {
        matches!(self, Self::ClientChannels(_, ChannelsEnvelope::Array))
    }

    /// The key of the items in the envelope.
    fn key(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::ClientChannels(..) => "channels",
            Self::PartnerChannels => "partner_channels",
        }
    }
}

/// The order of a list when the query names none.
const BY_ID: &str = "id";

/// A checked query.
#[derive(Debug)]
pub(super) struct Query {
    /// The page size that was asked for, before it was clamped.
    pub(super) asked_limit: usize,
    limit: usize,
    pub(super) offset: usize,
    sort: Vec<String>,
    pub(super) filters: Map<String, Value>,
}

impl Query {
    /// Parses the query of a request for this list.
    ///
    /// # Errors
    ///
    /// What was expected and what was found.
    pub(super) fn parse(collection: Collection<'_>, query: Option<&str>, max_page: usize) -> Result<Self, String> {
        let max_page = max_page.max(1);
        // No query parameters are documented for a bare array; without an envelope there are no pages.
        let query = query.filter(|_| !collection.is_bare()).unwrap_or_default();
        let (filter_keys, sort_keys) = match collection {
            Collection::Clients => (CLIENT_FILTERS, CLIENT_SORTS),
            Collection::ClientChannels(..) | Collection::PartnerChannels => (CHANNEL_FILTERS, CHANNEL_FILTERS),
        };
        let (asked_limit, limit) = (DEFAULT_LIMIT, DEFAULT_LIMIT.min(max_page));
        let mut parsed = Self { asked_limit, limit, offset: 0, sort: Vec::new(), filters: Map::new() };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "limit" => {
                    let limit: usize = value.parse().unwrap_or(0);
                    if limit == 0 {
                        return Err(format!("limit must be a whole number, 1 or more, found {value:?}"));
                    }
                    parsed.asked_limit = limit;
                    parsed.limit = limit.min(max_page);
                }
                "offset" => {
                    parsed.offset = value
                        .parse()
                        .map_err(|_| format!("offset must be a whole number, 0 or more, found {value:?}"))?;
                }
                "sort" => {
                    for field in value.split(',') {
                        if !sort_keys.contains(&field.trim_start_matches('-')) {
                            return Err(format!("can't sort by {field:?}; known: {}", sort_keys.join(", ")));
                        }
                        parsed.sort.push(field.to_owned());
                    }
                }
                "filters" => {
                    let Ok(Value::Object(filters)) = serde_json::from_str(&value) else {
                        return Err(format!("filters must be a JSON object, found {value:?}"));
                    };
                    if let Some(key) = filters.keys().find(|key| !filter_keys.contains(&key.as_str())) {
                        return Err(format!("can't filter by {key:?}; known: {}", filter_keys.join(", ")));
                    }
                    parsed.filters = filters;
                }
                _ => {}
            }
        }
        if parsed.sort.is_empty() {
            parsed.sort.push(BY_ID.to_owned());
        }
        Ok(parsed)
    }
}

/// The client that the query's filters name, if any.
pub(super) fn client_filter(query: Option<&str>) -> Option<String> {
    let query = query.filter(|query| query.contains("client_id"))?;
    let (_, filters) = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "filters")?;
    let filters: Value = serde_json::from_str(&filters).ok()?;
    filters["client_id"].as_str().map(str::to_owned)
}

/// The ids that can match: through an index where the filters allow it.
fn candidates<'a>(fleet: &'a Fleet, collection: Collection<'_>, filters: &Map<String, Value>) -> Cow<'a, [Id]> {
    let id = filters.get("id").and_then(Value::as_str);
    let of_client = |id: &str| fleet.client(id).map_or(&[][..], |client| &client.channels);
    match (collection, id) {
        (Collection::Clients, Some(id)) => fleet.client(id).map(|client| client.id.clone()).into_iter().collect(),
        (Collection::Clients, None) => Cow::Borrowed(fleet.client_ids()),
        (Collection::ClientChannels(client, _), _) => Cow::Borrowed(of_client(client)),
        (Collection::PartnerChannels, Some(id)) => {
            fleet.channel(id).map(|(channel, _)| channel.id.clone()).into_iter().collect()
        }
        (Collection::PartnerChannels, None) => match filters.get("client_id").and_then(Value::as_str) {
            Some(client) => Cow::Borrowed(of_client(client)),
            None => Cow::Borrowed(fleet.channel_ids()),
        },
    }
}

fn item<'a>(fleet: &'a Fleet, collection: Collection<'_>, id: &str) -> Option<Item<'a>> {
    match collection {
        Collection::Clients => fleet.client(id).map(Item::Client),
        Collection::ClientChannels(..) | Collection::PartnerChannels => {
            fleet.channel(id).map(|(channel, client)| Item::Channel(channel, client))
        }
    }
}

fn matches(item: &Item<'_>, filters: &Map<String, Value>) -> bool {
    filters.iter().all(|(key, wanted)| {
        let found = item.field(key);
        match wanted {
            Value::Array(any) => any.contains(&found),
            one => *one == found,
        }
    })
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}

/// Sorts ids as `sort` asks for; items that compare equal stay in the order of their ids.
fn sorted(fleet: &Fleet, collection: Collection<'_>, ids: &[Id], sort: &[String]) -> Vec<Id> {
    let keys = |id: &Id| -> Vec<Value> {
        let item = item(fleet, collection, id);
        let field = |field: &String| item.as_ref().map(|item| item.field(field.trim_start_matches('-')));
        sort.iter().map(|name| field(name).unwrap_or_default()).collect()
    };
    let mut keyed: Vec<(Vec<Value>, &Id)> = ids.iter().map(|id| (keys(id), id)).collect();
    keyed.sort_by(|(one, _), (other, _)| {
        let each = sort.iter().zip(one.iter().zip(other)).map(|(field, (one, other))| {
            let order = compare(one, other);
            if field.starts_with('-') { order.reverse() } else { order }
        });
        each.fold(Ordering::Equal, Ordering::then)
    });
    keyed.into_iter().map(|(_, id)| id.clone()).collect()
}

/// The ids that the query selects, in the order that it asks for.
fn selected<'a>(fleet: &'a Fleet, collection: Collection<'_>, query: &Query) -> Cow<'a, [Id]> {
    let mut ids = candidates(fleet, collection, &query.filters);
    if !query.filters.is_empty() {
        let keeps = |id: &&Id| item(fleet, collection, id).is_some_and(|item| matches(&item, &query.filters));
        ids = ids.iter().filter(keeps).cloned().collect();
    }
    if query.sort != [BY_ID] {
        ids = Cow::Owned(sorted(fleet, collection, &ids, &query.sort));
    }
    ids
}

/// The channels of the client after this one.
fn channels_of_next<'a>(fleet: &'a Fleet, collection: Collection<'_>) -> &'a [Id] {
    let Collection::ClientChannels(client, _) = collection else { return &[] };
    let ids = fleet.client_ids();
    let next = ids.iter().position(|id| **id == *client).and_then(|at| ids.get((at + 1) % ids.len()));
    next.and_then(|id| fleet.client(id)).map_or(&[], |client| &client.channels)
}

/// The body of a list response. `request` is the number of the request for this list.
pub(super) fn page(
    fleet: &Fleet,
    collection: Collection<'_>,
    query: &Query,
    request: u64,
    faults: &[Kind],
    rng: &mut StdRng,
) -> serde_json::Result<Vec<u8>> {
    let is_bare = collection.is_bare();
    let mut ids = selected(fleet, collection, query);
    let limit = if is_bare { ids.len() } else { query.limit };
    let asked = Asked { limit, offset: query.offset, is_bare, request, faults };
    let window = distort::window(&mut ids, channels_of_next(fleet, collection), asked, rng);
    let found = ids.get(window.range.clone()).unwrap_or_default();
    let items: Vec<Item<'_>> = found.iter().filter_map(|id| item(fleet, collection, id)).collect();
    let model = |nth: usize| ids.get(nth % ids.len().max(1)).and_then(|id| item(fleet, collection, id));
    let page = distort::distort(items, model, &window, asked);
    if is_bare { serde_json::to_vec(&page.items) } else { enveloped(collection, query, &page) }
}

fn enveloped(collection: Collection<'_>, query: &Query, page: &Distorted<'_>) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(512 + page.items.len() * 2048);
    let mut serializer = serde_json::Serializer::new(&mut body);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("limit", &page.limit)?;
    map.serialize_entry("offset", &query.offset)?;
    if !matches!(collection, Collection::ClientChannels(..)) {
        map.serialize_entry("sort", &query.sort)?;
        map.serialize_entry("filters", &query.filters)?;
    }
    map.serialize_entry("total", &page.total)?;
    map.serialize_entry("count", &page.count)?;
    map.serialize_entry(collection.key(), &page.items)?;
    map.end()?;
    Ok(body)
}

#[cfg(test)]
mod tests;
