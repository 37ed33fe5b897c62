//! What every page has: the frame, and the page that says what is wrong.

use askama::Template;

use super::{Context, links};
use crate::view::Query;

/// The entry of the navigation that is the page itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// None of them.
    None,
    Channels,
    Clients,
    Changes,
    Runbooks,
}

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Layout {
    /// The way to the root.
    pub(super) root: &'static str,
    pub(super) section: Section,
    pub(super) version: &'static str,
    pub(super) now: String,
    pub(super) metrics: String,
    pub(super) search: String,
    pub(super) refresh: Option<u64>,
    /// The page with reloading turned on or off.
    pub(super) toggle: String,
}

/// Seconds between two loads when a person turns reloading on.
const REFRESH: u64 = 30;

impl Layout {
    pub(super) fn new(context: &Context<'_>, section: Section, depth: usize, query: &Query) -> Self {
        let root = links::root(depth);
        let toggled = match query.refresh {
            Some(_) => None,
            None => Some(REFRESH),
        };
        let other = Query { refresh: toggled, ..query.clone() }.to_text();
        Self {
            root,
            section,
            version: crate::VERSION,
            now: context.now.strftime("%Y-%m-%d %H:%M:%S UTC"),
            metrics: format!("{root}{}", context.settings.telemetry_path.trim_start_matches('/')),
            search: crate::view::visible(query.search.text()).into_owned(),
            refresh: query.refresh,
            toggle: format!("?{other}"),
        }
    }

    /// The class or attribute of the entry that is the page itself.
    pub(super) fn current(&self, section: Section) -> &'static str {
        if self.section == section { " aria-current=\"page\"" } else { "" }
    }
}

/// A page that only says something.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    layout: Layout,
    title: &'static str,
    text: String,
}

impl Message {
    pub(super) fn missing(layout: Layout, what: String) -> Self {
        Self { layout, title: "Not found", text: what }
    }

    pub(super) fn bad(layout: Layout, wrong: String) -> Self {
        Self { layout, title: "This address is not understood", text: wrong }
    }
}
