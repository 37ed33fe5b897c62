//! Tables for people: columns aligned, as wide as the terminal, colours that
//! mean the state.

use std::borrow::Cow;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table};

use super::terminal::Screen;
use super::value::{Tone, Value};

/// Between two columns.
const GAP: u16 = 2;

/// Bytes beyond which a text without blanks is no id.
const LONG: usize = 40;

/// A table with a line of headings.
pub(super) fn render(headings: &[&str], rows: impl Iterator<Item = Vec<Value>>, screen: Screen) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if screen.colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let heading = |text: &&str| {
        let cell = Cell::new(text);
        if screen.colours { cell.add_attribute(Attribute::Bold) } else { cell }
    };
    table.set_header(headings.iter().map(heading));
    let mut numeric = vec![true; headings.len()];
    let mut flexible = vec![false; headings.len()];
    for row in rows {
        for (column, value) in row.iter().enumerate() {
            numeric[column] &= matches!(value, Value::Count(_) | Value::Unlimited | Value::Missing);
            flexible[column] |= matches!(value, Value::Text(text) if text.contains(' ') || text.len() > LONG);
        }
        table.add_row(row.iter().map(cell));
    }
    let last = headings.len().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == last { 0 } else { GAP }));
        if numeric[at] {
            column.set_cell_alignment(CellAlignment::Right);
        }
        // Ids and states are copied and compared: only names are broken.
        if !flexible[at] {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if let Some(width) = screen.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Missing => Cell::new("-"),
        // To the second: the time of day matters, its fraction does not.
        Value::Time(at) => Cell::new(at.strftime("%Y-%m-%d %H:%M:%SZ")),
        Value::State { text, tone, .. } => match tone {
            Some(tone) => Cell::new(text).fg(colour(*tone)),
            None => Cell::new(text),
        },
        value => Cell::new(visible(&value.plain())),
    }
}

fn colour(tone: Tone) -> Color {
    match tone {
        Tone::Good => Color::DarkGreen,
        Tone::Warning => Color::DarkYellow,
        Tone::Bad => Color::DarkRed,
        Tone::Unknown => Color::DarkMagenta,
    }
}

/// A text whose every character is seen: control characters, which could command
/// the terminal, and those that turn the direction of writing, which could make
/// one number look like another, are written as escapes.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hidden) {
        return text.into();
    }
    let mut seen = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) {
            seen.extend(c.escape_default());
        } else {
            seen.push(c);
        }
    }
    seen.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> impl Iterator<Item = Vec<Value>> {
        let text = |text: &str| Value::Text(text.to_owned());
        let state = |text, tone| Value::State { text, rank: 0, tone: Some(tone) };
        [
            vec![text("a1CL"), text("Bäckerei Müller und Söhne"), Value::Count(7), state("ready", Tone::Good)],
            vec![text("b22CL"), text("さくら商店 東京"), Value::Count(1000), state("error", Tone::Bad)],
            vec![text("c333CL"), text("\u{1b}[2J two\nlines"), Value::Missing, state("na", Tone::Unknown)],
        ]
        .into_iter()
    }

    const HEADINGS: &[&str] = &["ID", "NAME", "LIMIT", "STATE"];

    #[test]
    fn columns_are_aligned_by_what_is_seen_and_numbers_by_their_end() {
        insta::assert_snapshot!(render(HEADINGS, rows(), Screen::PIPE));
    }

    #[test]
    fn a_narrow_terminal_breaks_names_and_never_ids() {
        let screen = Screen { width: Some(32), ..Screen::PIPE };
        insta::assert_snapshot!(render(HEADINGS, rows(), screen));
    }

    #[test]
    fn states_have_their_colours() {
        let screen = Screen { is_terminal: true, width: None, colours: true };
        let table = render(HEADINGS, rows(), screen).replace('\u{1b}', "^");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn nothing_of_a_hostile_name_reaches_the_terminal() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\r\n\te\u{0}";
        assert_eq!(visible(hostile), r"a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\r\n\te\u{0}");
        assert_eq!(visible("👩‍👩‍👧 Café"), "👩‍👩‍👧 Café");
    }
}
