//! Clients, and one client with its channels.

use askama::Template;

use super::changes::Change;
use super::data::{Moment, Slice, named};
use super::layout::{Layout, Section};
use super::table::{self, Chip, Column, Pages, Row};
use super::{Context, Page, Refusal, home, links};
use crate::view::{CLIENT_FIELDS, ClientRow, Parameter, Query, Sort, sort_rows, thousands, visible};

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::Q,
    Parameter::Partner,
    Parameter::Client,
    Parameter::Attention,
    Parameter::Sort,
    Parameter::Page,
    Parameter::PerPage,
];

pub(super) const ONE_PARAMETERS: &[Parameter] =
    &[Parameter::Partner, Parameter::Sort, Parameter::Page, Parameter::PerPage];

const COLUMNS: &[(&str, &str)] = &[
    ("Client", "name"),
    ("Status", "status"),
    ("Channels", "channels"),
    ("Need attention", "-attention"),
    ("Last read", ""),
    ("Created", "created_at"),
];

#[derive(Template)]
#[template(path = "clients.html")]
struct Clients {
    layout: Layout,
    chips: Vec<Chip>,
    columns: Vec<Column>,
    rows: Vec<Client>,
    pages: Pages,
    query: String,
    unreadable: usize,
    unreadable_href: String,
}

/// A client of the list, or of its own page.
struct Client {
    name: String,
    href: String,
    id: String,
    partner: Option<String>,
    status: String,
    used: String,
    is_full: bool,
    attention: String,
    attention_href: String,
    needs_attention: bool,
    read: Option<Moment>,
    trouble: &'static str,
    created: String,
}

impl Client {
    fn new(context: &Context<'_>, root: &str, row: &ClientRow) -> Self {
        let id = row.client.id.as_str();
        let of = row.client.max_channels.map(|max| format!(" of {}", thousands(max))).unwrap_or_default();
        let attention = Query { clients: vec![id.to_owned()], attention: true, ..Query::default() };
        Self {
            name: named(row.client.name.as_deref(), id),
            href: links::client(root, id),
            id: visible(id).into_owned(),
            partner: context.several_partners().then(|| row.partner.to_string()),
            status: row.client.status.as_deref().map_or_else(|| "–".to_owned(), |status| named(Some(status), "")),
            used: row.channels.map_or_else(|| "–".to_owned(), thousands) + &of,
            is_full: row.channels.zip(row.client.max_channels).is_some_and(|(used, max)| used >= max),
            attention: row.attention.map_or_else(|| "–".to_owned(), thousands),
            attention_href: links::with(root, &attention),
            needs_attention: row.attention.is_some_and(|count| count > 0),
            read: row.last_refresh.map(|at| Moment::new(at, context.now)),
            trouble: match row {
                row if row.expired => "expired",
                row if row.up == Some(false) => "can't be read",
                _ => "",
            },
            created: row.client.created_at.map_or_else(|| "–".to_owned(), |at| at.strftime("%Y-%m-%d")),
        }
    }
}

/// The clients that are asked for; those that can't be read first, then by name.
pub(super) fn sorted(context: &Context<'_>, query: &Query) -> Result<Vec<ClientRow>, Refusal> {
    let mut rows = context.clients(query);
    match query.sort.as_deref() {
        None => rows.sort_by_cached_key(|row| {
            let name = row.client.name.as_deref().unwrap_or_default().to_lowercase();
            (!row.is_unreadable(), name, row.client.id.clone())
        }),
        Some("attention") => rows.sort_by_key(|row| row.attention),
        Some("-attention") => rows.sort_by_key(|row| std::cmp::Reverse(row.attention)),
        Some(text) => {
            let sort = Sort::parse(text, CLIENT_FIELDS);
            let sort = sort.map_err(|expected| format!("parameter `sort`: {expected}, found `{text}`"))?;
            sort_rows(&mut rows, CLIENT_FIELDS, sort);
        }
    }
    Ok(rows)
}

pub(super) fn list(context: &Context<'_>, query: &Query) -> Page {
    let layout = Layout::new(context, Section::Clients, 0, query);
    let rows = match sorted(context, query) {
        Ok(rows) => rows,
        Err(wrong) => return Page::Bad(wrong),
    };
    let unreadable = context.clients(&Query { attention: true, ..Query::default() }).len();
    let slice = Slice::of(rows, query);
    let page = "clients";
    let clients = Clients {
        chips: table::chips(page, query),
        columns: table::columns(page, query, COLUMNS),
        pages: Pages::new(page, query, &slice),
        rows: slice.rows.iter().map(|row| Client::new(context, layout.root, row)).collect(),
        query: visible(query.search.text()).into_owned(),
        unreadable,
        unreadable_href: links::with(page, &Query { attention: true, ..Query::default() }),
        layout,
    };
    Page::of(&clients, query)
}

#[derive(Template)]
#[template(path = "client.html")]
struct One {
    layout: Layout,
    title: String,
    facts: Vec<(&'static str, String)>,
    client: Client,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pages: Pages,
    changes: Vec<Change>,
    changes_href: String,
    grafana: Option<String>,
}

/// Changes that a client's page shows.
const LATEST: usize = 20;

pub(super) fn one(context: &Context<'_>, query: &Query, id: &str) -> Page {
    let of_client = Query { clients: vec![id.to_owned()], partners: query.partners.clone(), ..Query::default() };
    let Some(row) = context.clients(&of_client).into_iter().next() else {
        return Page::Missing(format!("No client has the id {}.", visible(&crate::view::shortened(id, 60))));
    };
    let asked = Query { clients: of_client.clients.clone(), ..query.clone() };
    let (slice, _) = match home::channels(context, &asked) {
        Ok(found) => found,
        Err(wrong) => return Page::Bad(wrong),
    };
    let layout = Layout::new(context, Section::Clients, 1, query);
    let root = layout.root;
    let own = links::segment(id);
    let changes = context.changes(&of_client);
    let one = One {
        title: row.client.name.as_deref().map_or_else(|| visible(id).into_owned(), |name| visible(name).into_owned()),
        facts: facts(&row),
        client: Client::new(context, root, &row),
        columns: table::columns(&own, query, home::COLUMNS),
        pages: Pages::new(&own, query, &slice),
        rows: slice.rows.iter().map(|row| Row::new(context, root, row)).collect(),
        changes: changes.iter().take(LATEST).map(|change| Change::new(context, root, change)).collect(),
        changes_href: links::with(&format!("{root}changes"), &of_client),
        grafana: grafana(context, &row),
        layout,
    };
    Page::of(&one, query)
}

/// What the API says of a client. Without the partner's own text, which may hold
/// secrets.
fn facts(row: &ClientRow) -> Vec<(&'static str, String)> {
    let text = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), |text| visible(text).into_owned());
    let client = &row.client;
    let time = |at: Option<crate::model::Timestamp>| at.map_or_else(|| "–".to_owned(), |at| at.to_string());
    vec![
        ("Client id", visible(client.id.as_str()).into_owned()),
        ("Partner", row.partner.to_string()),
        ("Status", text(client.status.as_deref())),
        ("Created", time(client.created_at)),
        ("Modified", time(client.modified_at)),
        ("Meta business id", text(client.business_id.as_deref())),
        ("Organisation (deprecated)", text(client.organisation.as_deref())),
    ]
}

fn grafana(context: &Context<'_>, row: &ClientRow) -> Option<String> {
    let url = context.settings.grafana_url.as_ref()?.as_str().trim_end_matches('/');
    let (partner, client) = (links::segment(row.partner.as_str()), links::segment(row.client.id.as_str()));
    Some(format!("{url}/d/d360-client?var-partner_id={partner}&var-client_id={client}"))
}
