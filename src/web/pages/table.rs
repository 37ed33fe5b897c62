//! The table of channels, and what stands around any list: filters that are in
//! force, columns to sort by, pages.

use super::data::{Moment, Slice, named};
use super::{Context, links, runbooks};
use crate::model::{Availability, QualityRating};
use crate::view::{ChannelRow, Query, Trouble, Value, thousands};

/// One channel of a table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) id: String,
    pub(super) partner: Option<String>,
    pub(super) number: String,
    pub(super) client: String,
    pub(super) client_href: String,
    pub(super) availability: State,
    pub(super) rating: State,
    pub(super) limit: String,
    pub(super) waba: Option<State>,
    pub(super) since: Option<Moment>,
    pub(super) change: Option<String>,
    pub(super) needs: Vec<Need>,
}

/// A state and the class of its colour.
#[derive(Debug)]
pub(super) struct State {
    pub(super) text: String,
    pub(super) class: &'static str,
}

/// Why a channel needs a person, and where it says what to do.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) text: &'static str,
    pub(super) href: String,
}

impl Row {
    pub(super) fn new(context: &Context<'_>, root: &str, row: &ChannelRow) -> Self {
        let channel = &*row.channel;
        let client_id = row.client_id().map(|id| id.as_str()).unwrap_or_default();
        Self {
            name: named(channel.display_name.as_deref(), channel.id.as_str()),
            href: links::channel(root, channel.id.as_str()),
            id: named(None, channel.id.as_str()),
            partner: context.several_partners().then(|| row.partner.to_string()),
            number: crate::view::visible(&row.phone_number).into_owned(),
            client: named(row.client_name(), client_id),
            client_href: links::client(root, client_id),
            availability: State::availability(channel.availability),
            rating: State::rating(channel.quality),
            limit: limit(&Value::limit(channel.limit)),
            waba: row.waba_status().map(State::waba),
            since: row.changed_at.map(|at| Moment::new(at, context.now)),
            change: row.last_change().map(|change| {
                let text = format!("{} {} → {}", change.field.as_str(), change.from, change.to);
                crate::view::visible(&text).replace('_', " ")
            }),
            needs: row.troubles.iter().map(|trouble| Need::new(context, root, row, *trouble)).collect(),
        }
    }
}

impl State {
    pub(super) fn availability(state: Availability) -> Self {
        let text = match state {
            Availability::SettingUp => "setting up",
            state => state.as_str(),
        };
        Self { text: text.to_owned(), class: state.as_str() }
    }

    pub(super) fn rating(rating: QualityRating) -> Self {
        let text = match rating {
            QualityRating::Na => "not rated",
            rating => rating.as_str(),
        };
        Self { text: text.to_owned(), class: rating.as_str() }
    }

    pub(super) fn waba(status: &str) -> Self {
        let class = match status {
            "approved" => "ready",
            status if crate::view::WABA_TROUBLE.contains(&status) => "error",
            _ => "na",
        };
        Self { text: named(Some(status), ""), class }
    }
}

impl Need {
    pub(super) fn new(context: &Context<'_>, root: &str, row: &ChannelRow, trouble: Trouble) -> Self {
        Self { text: trouble.as_str(), href: runbook(context, root, alert(row, trouble)) }
    }
}

/// The alert about a channel's trouble.
pub(super) fn alert(row: &ChannelRow, trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Error => "D360ChannelError",
        Trouble::Waba if row.waba_status() == Some("restricted") => "D360WabaRestricted",
        Trouble::Waba => "D360WabaBanned",
        Trouble::Low => "D360ChannelQualityLow",
        Trouble::Worse => row.worse_alert(),
        Trouble::NameDeclined => "D360ChannelDisplayNameDeclined",
        Trouble::Ending if row.channel.terminated_at.is_some() => "D360ChannelTerminating",
        Trouble::Ending => "D360ChannelCancelled",
        Trouble::StuckInSetup => "D360ChannelStuckInSetup",
    }
}

/// Where an alert's runbook is: here, or where the operator keeps them.
pub(super) fn runbook(context: &Context<'_>, root: &str, alert: &str) -> String {
    match &context.settings.runbook_url {
        Some(url) => format!("{}/{alert}", url.as_str().trim_end_matches('/')),
        None if runbooks::is_shipped(alert) => format!("{root}runbooks/{alert}"),
        None => format!("{root}runbooks"),
    }
}

fn limit(value: &Value) -> String {
    match value {
        Value::Count(n) => thousands(*n),
        Value::Missing => "–".to_owned(),
        other => other.plain().into_owned(),
    }
}

/// A filter that is in force, and the list without it.
#[derive(Debug)]
pub(super) struct Chip {
    pub(super) text: String,
    pub(super) href: String,
}

/// The filters of a query that are in force.
pub(super) fn chips(page: &str, query: &Query) -> Vec<Chip> {
    let query = Query { page: None, ..query.clone() };
    let mut chips = Vec::new();
    let mut push = |text: String, without: Query| {
        let without = if without.is_unfiltered() { Query { page: Some(1), ..without } } else { without };
        chips.push(Chip { text: named(Some(&text), ""), href: links::with(page, &without) });
    };
    if query.attention {
        push("needs attention".to_owned(), Query { attention: false, ..query.clone() });
    }
    if !query.search.is_empty() {
        push(format!("“{}”", query.search.text()), Query { search: Default::default(), ..query.clone() });
    }
    for state in &query.availability {
        let availability = without(&query.availability, state);
        push(State::availability(*state).text, Query { availability, ..query.clone() });
    }
    for rating in &query.ratings {
        let ratings = without(&query.ratings, rating);
        push(format!("rating {}", State::rating(*rating).text), Query { ratings, ..query.clone() });
    }
    for status in &query.statuses {
        push(format!("status {status}"), Query { statuses: without(&query.statuses, status), ..query.clone() });
    }
    for status in &query.waba_statuses {
        let waba_statuses = without(&query.waba_statuses, status);
        push(format!("account {status}"), Query { waba_statuses, ..query.clone() });
    }
    for client in &query.clients {
        push(format!("client {client}"), Query { clients: without(&query.clients, client), ..query.clone() });
    }
    for partner in &query.partners {
        push(format!("partner {partner}"), Query { partners: without(&query.partners, partner), ..query.clone() });
    }
    for field in &query.fields {
        push(format!("field {field}"), Query { fields: without(&query.fields, field), ..query.clone() });
    }
    chips
}

fn without<T: PartialEq + Clone>(list: &[T], value: &T) -> Vec<T> {
    list.iter().filter(|other| *other != value).cloned().collect()
}

/// A column's heading, and the list sorted by it.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    /// Empty where there is nothing to sort by.
    pub(super) href: String,
    /// The `aria-sort` attribute, if the list is sorted by it.
    pub(super) sorted: &'static str,
    /// Numbers stand at the right.
    pub(super) numeric: bool,
}

/// The columns of a list, each with the field that it sorts by (empty for none).
pub(super) fn columns(page: &str, query: &Query, columns: &[(&'static str, &'static str)]) -> Vec<Column> {
    columns
        .iter()
        .map(|&(heading, field)| {
            let (name, first) = (field.trim_start_matches('-'), field);
            let sorted_by =
                query.sort.as_deref().filter(|sort| !field.is_empty() && sort.trim_start_matches('-') == name);
            let (next, sorted) = match sorted_by {
                Some(sort) if sort.starts_with('-') => (name.to_owned(), " aria-sort=\"descending\""),
                Some(_) => (format!("-{name}"), " aria-sort=\"ascending\""),
                None => (first.to_owned(), ""),
            };
            let next = Query { sort: Some(next), page: None, ..query.clone() };
            let href = if field.is_empty() { String::new() } else { links::with(page, &next) };
            Column { heading, href, sorted, numeric: NUMERIC.contains(&heading) }
        })
        .collect()
}

/// Headings of columns with numbers.
const NUMERIC: &[&str] = &["Limit", "Channels", "Need attention"];

/// The pages of a list.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) text: String,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    /// Where to go from a page that is behind the last one.
    pub(super) first: Option<String>,
}

impl Pages {
    pub(super) fn new<T>(page: &str, query: &Query, slice: &Slice<T>) -> Self {
        let to = |number: usize| links::with(page, &Query { page: Some(number), ..query.clone() });
        let (total, shown) = (thousands(slice.total as u64), slice.rows.len());
        let text = match shown {
            0 => format!("0 of {total}"),
            shown if shown == slice.total => total,
            shown => {
                let last = slice.first + shown - 1;
                format!("{}–{} of {total}", thousands(slice.first as u64), thousands(last as u64))
            }
        };
        Self {
            text,
            previous: (slice.page > 1 && slice.page <= slice.pages).then(|| to(slice.page - 1)),
            next: (slice.page < slice.pages).then(|| to(slice.page + 1)),
            first: (slice.page > slice.pages).then(|| to(1)),
        }
    }
}
