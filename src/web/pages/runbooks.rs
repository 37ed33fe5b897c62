//! The shipped runbooks as pages. They are Markdown of this repository, built in;
//! raw HTML in them is left out all the same.

use askama::Template;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

use super::layout::{Layout, Section};
use super::{Context, Page};
use crate::view::{Parameter, Query, shortened, visible};

/// Name and Markdown of each runbook, in order of names.
const RUNBOOKS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

#[derive(Template)]
#[template(path = "runbook.html")]
struct Runbook<'a> {
    layout: Layout,
    title: &'a str,
    html: String,
}

#[derive(Template)]
#[template(path = "runbooks.html")]
struct Index {
    layout: Layout,
    alerts: Vec<(&'static str, &'static str)>,
}

pub(super) const PARAMETERS: &[Parameter] = &[];

pub(super) fn index(context: &Context<'_>, query: &Query) -> Page {
    let alerts = RUNBOOKS.iter().filter(|(name, _)| *name != "README");
    let index = Index {
        layout: Layout::new(context, Section::Runbooks, 0, query),
        alerts: alerts.map(|(name, markdown)| (*name, summary(markdown))).collect(),
    };
    Page::of(&index, query)
}

/// The runbook of an alert; its file's name does, too.
pub(super) fn page(context: &Context<'_>, query: &Query, alert: &str) -> Page {
    let name = alert.strip_suffix(".md").unwrap_or(alert);
    let Some((title, markdown)) = RUNBOOKS.iter().find(|(known, _)| *known == name) else {
        let name = shortened(alert, 60);
        return Page::Missing(format!("No alert is called {}. All runbooks are under runbooks.", visible(&name)));
    };
    let layout = Layout::new(context, Section::Runbooks, 1, query);
    Page::of(&Runbook { layout, title, html: render(markdown) }, query)
}

/// Whether there is a runbook for an alert.
pub(super) fn is_shipped(alert: &str) -> bool {
    RUNBOOKS.iter().any(|(known, _)| *known == alert)
}

/// The first paragraph.
fn summary(markdown: &str) -> &str {
    markdown.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default()
}

fn render(markdown: &str) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    let mut html = String::with_capacity(2 * markdown.len());
    let mut hidden_links = Vec::new();
    let events = parser.filter_map(|event| match event {
        Event::Html(_) | Event::InlineHtml(_) => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let target = target(&dest_url);
            hidden_links.push(target.is_none());
            let dest_url = target?;
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(pulldown_cmark::TagEnd::Link) if hidden_links.pop() == Some(true) => None,
        event => Some(event),
    });
    html::push_html(&mut html, events);
    html
}

/// Where a link leads here: other runbooks and the web are reached, files of the
/// repository are not.
fn target<'a>(link: &CowStr<'a>) -> Option<CowStr<'a>> {
    if link.starts_with("https://") || link.starts_with('#') {
        return Some(link.clone());
    }
    let name = link.strip_suffix(".md").filter(|name| !name.contains('/'))?;
    RUNBOOKS.iter().any(|(known, _)| *known == name).then(|| name.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runbook_has_a_summary_and_none_brings_markup_of_its_own() {
        assert!(RUNBOOKS.len() > 20, "{}", RUNBOOKS.len());
        for (name, markdown) in RUNBOOKS {
            assert!(!summary(markdown).is_empty(), "{name}");
            let html = render(markdown);
            assert!(html.starts_with("<h1>") && !html.contains("<script"), "{name}");
            assert!(!html.contains("href=\"../"), "{name} links to a file");
        }
    }

    #[test]
    fn markup_is_left_out_and_links_to_files_become_text() {
        let markdown = "# T\n\n<script>x</script>\n\na <b>b</b> [c](../metrics.md) [d](D360ChannelError.md) \
                        [e](javascript:alert(1)) [f](https://example.com/)\n";
        assert_eq!(
            render(markdown),
            "<h1>T</h1>\n<p>a b c <a href=\"D360ChannelError\">d</a> e <a href=\"https://example.com/\">f</a></p>\n"
        );
    }
}
