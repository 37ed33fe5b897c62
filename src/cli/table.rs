//! Tables for people: columns aligned, no wider than the terminal, one line per
//! row, colours that mean the state.
//!
//! A table that is too wide first loses the columns that it can do without, then
//! its long names are cut. Nothing wraps: a line is a row.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::terminal::Screen;
use crate::view::{Tone, Value, visible};

/// Between two columns.
const GAP: usize = 2;

/// A column of names is not cut below this.
const MIN_NAME: usize = 14;

/// Characters beyond which a text without blanks is no id.
const LONG: usize = 40;

/// The head of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    pub(super) text: &'static str,
    /// When the table is too wide: 0 stays, the largest goes first.
    pub(super) expendable: usize,
}

/// What a column needs.
struct Layout {
    at: usize,
    width: usize,
    /// What is left of it if it has to be cut.
    min: usize,
    numeric: bool,
}

/// A table with a line of headings, and the columns that it has no room for.
pub(super) fn render(headings: &[Heading], rows: &[Vec<&Value>], screen: Screen) -> (String, Vec<usize>) {
    let mut columns: Vec<Layout> = (0..headings.len()).map(|at| layout(headings[at].text, rows, at)).collect();
    let mut dropped = Vec::new();
    if let Some(limit) = screen.width.map(usize::from) {
        let width = |columns: &[Layout], of: fn(&Layout) -> usize| {
            columns.iter().map(of).sum::<usize>() + GAP * columns.len().saturating_sub(1)
        };
        while width(&columns, |column| column.min) > limit {
            let expendable = |column: &&Layout| headings[column.at].expendable;
            let Some(worst) = columns.iter().max_by_key(expendable).filter(|c| expendable(c) > 0) else { break };
            let at = worst.at;
            columns.retain(|column| column.at != at);
            dropped.push(at);
        }
        let mut excess = width(&columns, |column| column.width).saturating_sub(limit);
        // The widest gives first, so that two names share what there is.
        while excess > 0 {
            let Some(widest) = columns.iter_mut().filter(|c| c.width > c.min).max_by_key(|c| c.width) else { break };
            widest.width -= 1;
            excess -= 1;
        }
    }
    let mut text = String::new();
    line(&mut text, &columns, |at| (headings[at].text.into(), screen.colours.then_some("\u{1b}[1m")));
    for row in rows {
        line(&mut text, &columns, |at| {
            let colour = match row[at] {
                Value::State { tone, .. } if screen.colours => Some(colour(*tone)),
                _ => None,
            };
            (cell(row[at]), colour)
        });
    }
    (text, dropped)
}

fn layout(heading: &str, rows: &[Vec<&Value>], at: usize) -> Layout {
    let values = || rows.iter().map(|row| row[at]);
    let width = values().map(|value| cell(value).width()).max().unwrap_or_default().max(heading.width());
    // Ids and states are copied and compared: only names are cut.
    let is_name = |value: &Value| matches!(value, Value::Text(text) if text.contains(' ') || text.len() > LONG);
    let min = if values().any(is_name) { width.min(MIN_NAME.max(heading.width())) } else { width };
    let numeric = values().all(|value| matches!(value, Value::Count(_) | Value::Unlimited | Value::Missing));
    Layout { at, width, min, numeric }
}

/// Writes one line; `content` is the text of a column and how it begins to be
/// coloured.
fn line<'a>(text: &mut String, columns: &[Layout], content: impl Fn(usize) -> (Cow<'a, str>, Option<&'static str>)) {
    let start = text.len();
    for (n, column) in columns.iter().enumerate() {
        let (full, colour) = content(column.at);
        let shown = cut(&full, column.width);
        let padding = " ".repeat(column.width - shown.width().min(column.width));
        if n > 0 {
            text.push_str(&" ".repeat(GAP));
        }
        if column.numeric {
            text.push_str(&padding);
        }
        text.push_str(colour.unwrap_or_default());
        text.push_str(&shown);
        text.push_str(colour.map_or("", |_| "\u{1b}[0m"));
        if !column.numeric {
            text.push_str(&padding);
        }
    }
    let end = text[start..].trim_end().len();
    text.truncate(start + end);
    text.push('\n');
}

/// As much of a text as fits, the last character `…` if it is not all.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return text.into();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        if used + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept.into()
}

fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Missing => "-".into(),
        // To the second: the time of day matters, its fraction does not.
        Value::Time(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").into(),
        Value::Text(text) => visible(text),
        value => value.plain(),
    }
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "\u{1b}[32m",
        Tone::Warning => "\u{1b}[33m",
        Tone::Bad => "\u{1b}[31m",
        Tone::Unknown => "\u{1b}[35m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<Value>> {
        let text = |text: &str| Value::Text(text.to_owned());
        let state = |text, tone| Value::State { text, rank: 0, tone };
        vec![
            vec![text("a1CL"), text("Bäckerei Müller und Söhne"), Value::Count(7), state("ready", Tone::Good)],
            vec![text("b22CL"), text("さくら商店 東京"), Value::Count(1000), state("error", Tone::Bad)],
            vec![text("c333CL"), text("\u{1b}[2J two\nlines"), Value::Missing, state("na", Tone::Unknown)],
        ]
    }

    const HEADINGS: &[Heading] = &[
        Heading { text: "ID", expendable: 0 },
        Heading { text: "NAME", expendable: 0 },
        Heading { text: "LIMIT", expendable: 1 },
        Heading { text: "STATE", expendable: 2 },
    ];

    fn rendered(screen: Screen) -> (String, Vec<usize>) {
        let rows = rows();
        let rows: Vec<Vec<&Value>> = rows.iter().map(|row| row.iter().collect()).collect();
        render(HEADINGS, &rows, screen)
    }

    fn at_width(width: u16) -> (String, Vec<usize>) {
        rendered(Screen { width: Some(width), ..Screen::PIPE })
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen_and_numbers_by_their_end() {
        let expected = "\
ID      NAME                       LIMIT  STATE
a1CL    Bäckerei Müller und Söhne      7  ready
b22CL   さくら商店 東京             1000  error
c333CL  \\u{1b}[2J two\\nlines           -  na
";
        assert_eq!(rendered(Screen::PIPE), (expected.to_owned(), vec![]));
    }

    #[test]
    fn a_narrow_terminal_cuts_names_and_never_ids() {
        let expected = "\
ID      NAME             LIMIT  STATE
a1CL    Bäckerei Mülle…      7  ready
b22CL   さくら商店 東京   1000  error
c333CL  \\u{1b}[2J two\\…      -  na
";
        assert_eq!(at_width(37), (expected.to_owned(), vec![]));
    }

    #[test]
    fn a_narrower_one_drops_columns_in_their_order_and_no_line_is_wider() {
        assert_eq!(at_width(30).1, [3]);
        assert_eq!(at_width(24).1, [3, 2]);
        for width in 22..60 {
            let (text, _) = at_width(width);
            assert_eq!(text.lines().count(), 4, "a line is a row:\n{text}");
            assert!(text.lines().all(|line| line.width() <= usize::from(width)), "{width}:\n{text}");
        }
    }

    #[test]
    fn states_have_their_colours() {
        let screen = Screen { is_terminal: true, width: None, colours: true };
        let (table, _) = rendered(screen);
        let table = table.replace('\u{1b}', "^");
        assert!(table.starts_with("^[1mID^[0m"), "{table}");
        assert!(table.contains("^[32mready^[0m") && table.contains("^[31merror^[0m"), "{table}");
    }
}
