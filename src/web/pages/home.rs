//! The first page: can I trust it, what needs me, what happened.

use askama::Template;

use super::changes::Change;
use super::data::{Numbers, Slice};
use super::layout::{Layout, Section};
use super::table::{self, Chip, Column, Pages, Row};
use super::trust::{PartnerState, Trust};
use super::{Context, Page, Refusal, links};
use crate::model::{Availability, QualityRating};
use crate::view::{CHANNEL_FIELDS, Parameter, Query, Sort, thousands};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::Q,
    Parameter::Partner,
    Parameter::Client,
    Parameter::Availability,
    Parameter::Rating,
    Parameter::Status,
    Parameter::WabaStatus,
    Parameter::Attention,
    Parameter::Sort,
    Parameter::Page,
    Parameter::PerPage,
];

/// Changes that the first page shows.
const LATEST: usize = 8;

/// The columns of a table of channels, and what each sorts by.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("Channel", "display_name"),
    ("Client", "client_name"),
    ("Availability", "availability_status"),
    ("Rating", "quality_rating"),
    ("Limit", "messaging_limit"),
    ("Account", ""),
    ("Since", "-changed_at"),
    ("Last change", ""),
    ("Runbook", "severity"),
];

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    layout: Layout,
    trust: Vec<Trust>,
    several: bool,
    coloured: bool,
    tiles: Vec<TileGroup>,
    title: String,
    /// Whether the list is what needs somebody, and nothing else.
    is_attention: bool,
    empty: String,
    chips: Vec<Chip>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pages: Pages,
    changes: Vec<Change>,
    partners: Vec<PartnerState>,
}

/// Numbers that belong together.
struct TileGroup {
    title: &'static str,
    tiles: Vec<Tile>,
}

/// A number, and the list that it counts.
struct Tile {
    count: String,
    label: String,
    class: &'static str,
    href: String,
    current: bool,
}

/// The channels that are asked for, sorted; without a wish, those that need
/// somebody.
pub(super) fn channels(
    context: &Context<'_>,
    query: &Query,
) -> Result<(Slice<crate::view::ChannelRow>, Numbers), Refusal> {
    let sort = sort(query)?;
    let (mut rows, numbers) = context.channels(query);
    context.sort_channels(&mut rows, sort);
    Ok((Slice::of(rows, query), numbers))
}

fn sort(query: &Query) -> Result<Sort, Refusal> {
    let text = query.sort.as_deref().unwrap_or(Sort::SEVERITY);
    Sort::parse(text, CHANNEL_FIELDS).map_err(|expected| format!("parameter `sort`: {expected}, found `{text}`"))
}

pub(super) fn page(context: &Context<'_>, query: &Query) -> Page {
    let layout = Layout::new(context, Section::Channels, 0, query);
    let is_overview = query.is_unfiltered() && query.page.is_none();
    let asked = if is_overview { Query { attention: true, ..query.clone() } } else { query.clone() };
    let (slice, numbers) = match channels(context, &asked) {
        Ok(found) => found,
        Err(wrong) => return Page::Bad(wrong),
    };
    let root = layout.root;
    let trust = Trust::of_all(context);
    let known = trust.iter().any(|trust| trust.read.shown > 0);
    let coloured = trust.first().is_some_and(|trust| trust.level.is_coloured());
    let is_attention = asked.attention && Query { attention: false, ..asked.clone() }.is_unfiltered();
    let pages = Pages::new(root, &asked, &slice);
    let empty = match (known, is_attention) {
        (false, _) => "Nothing is known yet.".to_owned(),
        (true, true) if coloured => "No channel needs attention.".to_owned(),
        (true, true) => "No channel needed attention when the data was read.".to_owned(),
        (true, false) => "No channel fits.".to_owned(),
    };
    let latest = Slice::of(context.changes(&Query::default()), &Query { per_page: LATEST, ..Query::default() });
    let home = Home {
        several: context.several_partners(),
        tiles: tiles(root, &numbers, &asked, known, coloured),
        title: if is_attention { "Needs attention" } else { "Channels" }.to_owned(),
        is_attention,
        empty,
        chips: if is_overview { Vec::new() } else { table::chips(root, query) },
        columns: table::columns(root, &asked, COLUMNS),
        pages,
        rows: slice.rows.iter().map(|row| Row::new(context, root, row)).collect(),
        changes: latest.rows.iter().map(|row| Change::new(context, root, row)).collect(),
        partners: PartnerState::of_all(context),
        trust,
        coloured,
        layout,
    };
    Page::of(&home, query)
}

fn tiles(root: &str, numbers: &Numbers, query: &Query, known: bool, coloured: bool) -> Vec<TileGroup> {
    let tile = |count: usize, label: &str, class: &'static str, to: Query| Tile {
        count: if known { thousands(count as u64) } else { "–".to_owned() },
        label: label.to_owned(),
        class: if known && coloured && count > 0 { class } else { "" },
        href: links::with(root, &to),
        current: Query { page: None, refresh: None, sort: None, per_page: to.per_page, ..query.clone() }
            == Query { page: None, ..to.clone() },
    };
    let all = Query { page: Some(1), ..Query::default() };
    let attention = Query { attention: true, ..Query::default() };
    let availability = [Availability::Error, Availability::SettingUp, Availability::Ready, Availability::Unknown];
    let ratings =
        [QualityRating::Low, QualityRating::Medium, QualityRating::High, QualityRating::Na, QualityRating::Unknown];
    let by_availability = availability.map(|state| {
        let to = Query { availability: vec![state], ..Query::default() };
        let label = table::State::availability(state);
        tile(numbers.by_availability[state as usize], &label.text, label.class, to)
    });
    let by_rating = ratings.map(|rating| {
        let to = Query { ratings: vec![rating], ..Query::default() };
        let label = table::State::rating(rating);
        tile(numbers.by_rating[rating as usize], &label.text, label.class, to)
    });
    let seen =
        |tiles: Vec<Tile>| tiles.into_iter().filter(|tile| tile.label != "unknown" || tile.count != "0").collect();
    vec![
        TileGroup {
            title: "Channels",
            tiles: vec![
                tile(numbers.attention, "need attention", "error", attention),
                tile(numbers.channels, "in all", "", all),
            ],
        },
        TileGroup { title: "Availability", tiles: seen(by_availability.into()) },
        TileGroup { title: "Quality rating", tiles: seen(by_rating.into()) },
    ]
}
