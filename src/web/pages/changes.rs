//! What happened: the last changes of all channels.

use askama::Template;

use super::data::{Moment, Slice, named};
use super::layout::{Layout, Section};
use super::table::{self, Chip, Pages};
use super::{Context, Page, links};
use crate::fleet::WatchedField;
use crate::view::{ChangeRow, Parameter, Query, visible};

pub(super) const PARAMETERS: &[Parameter] =
    &[Parameter::Q, Parameter::Partner, Parameter::Client, Parameter::Field, Parameter::Page, Parameter::PerPage];

#[derive(Template)]
#[template(path = "changes.html")]
struct Changes {
    layout: Layout,
    chips: Vec<Chip>,
    fields: Vec<Chip>,
    rows: Vec<Change>,
    pages: Pages,
}

/// One change of a list.
pub(super) struct Change {
    pub(super) at: Moment,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) client: String,
    pub(super) client_href: String,
    pub(super) field: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) direction: &'static str,
}

impl Change {
    pub(super) fn new(context: &Context<'_>, root: &str, row: &ChangeRow) -> Self {
        let state = |text: &str| visible(text).replace('_', " ");
        Self {
            at: Moment::new(row.at, context.now),
            name: named(row.display_name.as_deref(), row.channel.as_str()),
            href: links::channel(root, row.channel.as_str()),
            client: named(row.client_name.as_deref(), row.client.as_str()),
            client_href: links::client(root, row.client.as_str()),
            field: row.field.replace('_', " "),
            from: state(&row.from),
            to: state(&row.to),
            direction: row.direction,
        }
    }
}

/// The changes that are asked for.
pub(super) fn asked(context: &Context<'_>, query: &Query) -> Result<Slice<ChangeRow>, String> {
    let known = |field: &str| WatchedField::ALL.iter().any(|known| known.as_str() == field);
    if let Some(unknown) = query.fields.iter().find(|field| !known(field)) {
        let names: Vec<_> = WatchedField::ALL.iter().map(|field| field.as_str()).collect();
        return Err(format!("parameter `field`: expected one of {}, found `{}`", names.join(", "), visible(unknown)));
    }
    Ok(Slice::of(context.changes(query), query))
}

pub(super) fn page(context: &Context<'_>, query: &Query) -> Page {
    let layout = Layout::new(context, Section::Changes, 0, query);
    let slice = match asked(context, query) {
        Ok(slice) => slice,
        Err(wrong) => return Page::Bad(wrong),
    };
    let page = "changes";
    let fields = WatchedField::ALL.iter().map(|field| Chip {
        text: field.as_str().replace('_', " "),
        href: links::with(page, &Query { fields: vec![field.as_str().to_owned()], page: None, ..query.clone() }),
    });
    let changes = Changes {
        chips: table::chips(page, query),
        fields: fields.collect(),
        pages: Pages::new(page, query, &slice),
        rows: slice.rows.iter().map(|row| Change::new(context, layout.root, row)).collect(),
        layout,
    };
    Page::of(&changes, query)
}
