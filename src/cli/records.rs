//! Rows of named fields, and their three ways out: a table for people, JSON and
//! CSV for programs. Never here: which fields there are (that is `view`).

use std::borrow::Cow;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::table::{self, Heading};
use super::terminal::Screen;
use crate::view::{Field, Value, visible};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns for people
    #[default]
    Table,
    /// One array of objects with every field
    Json,
    /// A header line, then one line per row with every field
    Csv,
}

/// The flags of every command that shows rows.
#[derive(Debug, Clone, Args)]
pub(super) struct OutputFlags {
    /// How the rows are written
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) output: Format,
}

/// Rows with their fields, whatever they were made of.
#[derive(Debug)]
pub(super) struct Records {
    columns: Vec<Column>,
    /// Values in the order of the columns.
    rows: Vec<Vec<Value>>,
}

/// A field of records.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    /// In tables; `None` leaves the column out of them.
    heading: Option<&'static str>,
    /// When a table is too wide: 0 stays, the largest goes first.
    expendable: usize,
}

impl Records {
    /// All fields of rows. `expendable` are the columns that a table can do
    /// without, the first of them first.
    pub(super) fn new<T>(fields: &[Field<T>], rows: Vec<Vec<Value>>, expendable: &[&str]) -> Self {
        let columns = fields.iter().map(|field| Column {
            name: field.name,
            heading: field.heading,
            expendable: expendable.iter().rev().position(|name| *name == field.name).map_or(0, |at| at + 1),
        });
        Self { columns: columns.collect(), rows }
    }

    /// All fields of rows, as they are computed.
    pub(super) fn of<T>(fields: &[Field<T>], rows: &[T], expendable: &[&str]) -> Self {
        let values = rows.iter().map(|row| fields.iter().map(|field| (field.value)(row)).collect()).collect();
        Self::new(fields, values, expendable)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Leaves columns out of tables; other formats keep them.
    pub(super) fn hide(&mut self, names: &[&str]) {
        let hidden = self.columns.iter_mut().filter(|column| names.contains(&column.name));
        hidden.for_each(|column| column.heading = None);
    }

    /// Keeps only these columns, in this order, in every format.
    pub(super) fn select(&mut self, names: &[&'static str]) {
        let at = |name: &&'static str| self.columns.iter().position(|column| column.name == *name);
        let kept: Vec<usize> = names.iter().filter_map(at).collect();
        for row in &mut self.rows {
            *row = kept.iter().map(|&at| row[at].clone()).collect();
        }
        let wanted = |at: &usize| {
            let column = self.columns[*at];
            // What was asked for by name has a heading, and stays.
            Column { heading: column.heading.or(Some(column.name)), expendable: 0, ..column }
        };
        self.columns = kept.iter().map(wanted).collect();
    }

    /// Writes the rows in the format asked for. Returns the columns that a table
    /// had no room for.
    pub(super) fn write(&self, out: &mut dyn Write, format: Format, screen: Screen) -> io::Result<Vec<&'static str>> {
        match format {
            Format::Table => return self.write_table(out, screen),
            Format::Json => write_json(out, self)?,
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(self.columns.iter().map(|column| column.name))?;
                for row in &self.rows {
                    csv.write_record(row.iter().map(|value| for_csv(value, screen).into_owned()))?;
                }
                csv.flush()?;
            }
        }
        Ok(Vec::new())
    }

    fn write_table(&self, out: &mut dyn Write, screen: Screen) -> io::Result<Vec<&'static str>> {
        let shown: Vec<usize> = (0..self.columns.len()).filter(|&at| self.columns[at].heading.is_some()).collect();
        let headings: Vec<_> = shown
            .iter()
            .map(|&at| {
                let Column { name, heading, expendable } = self.columns[at];
                Heading { text: heading.unwrap_or(name), expendable }
            })
            .collect();
        let rows: Vec<Vec<&Value>> = self.rows.iter().map(|row| shown.iter().map(|&at| &row[at]).collect()).collect();
        let (text, dropped) = table::render(&headings, &rows, screen);
        out.write_all(text.as_bytes())?;
        Ok(dropped.into_iter().map(|at| self.columns[shown[at]].name).collect())
    }
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.rows.len()))?;
        for row in &self.rows {
            list.serialize_element(&Object { columns: &self.columns, row })?;
        }
        list.end()
    }
}

struct Object<'a> {
    columns: &'a [Column],
    row: &'a [Value],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.row) {
            map.serialize_entry(column.name, value)?;
        }
        map.end()
    }
}

/// Writes JSON that people can read, too.
pub(super) fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// A value for a program is what the API sent; on a terminal it must not
/// command it.
fn for_csv(value: &Value, screen: Screen) -> Cow<'_, str> {
    match value.plain() {
        text if screen.is_terminal => Cow::Owned(visible(&text).into_owned()),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(Option<&'static str>, Value);

    const FIELDS: &[Field<Row>] = &[
        Field { name: "name", heading: Some("NAME"), value: |row| Value::text(row.0) },
        Field { name: "limit", heading: None, value: |row| row.1.clone() },
    ];

    fn records() -> Records {
        let rows = [
            Row(Some("beta"), Value::Unlimited),
            Row(None, Value::Count(250)),
            Row(Some("Alpha, \"inc\"\n\u{1b}[31m"), Value::Missing),
        ];
        Records::of(FIELDS, &rows, &[])
    }

    fn written(records: &Records, format: Format, screen: Screen) -> String {
        let mut out = Vec::new();
        records.write(&mut out, format, screen).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_every_field_with_null_for_what_is_missing() {
        let json: serde_json::Value = serde_json::from_str(&written(&records(), Format::Json, Screen::PIPE)).unwrap();
        let expected = serde_json::json!([
            {"name": "beta", "limit": "unlimited"},
            {"name": null, "limit": 250},
            {"name": "Alpha, \"inc\"\n\u{1b}[31m", "limit": null},
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn csv_is_quoted_and_keeps_every_character_for_programs() {
        let expected = "name,limit\nbeta,unlimited\n,250\n\"Alpha, \"\"inc\"\"\n\u{1b}[31m\",\n";
        assert_eq!(written(&records(), Format::Csv, Screen::PIPE), expected);
    }

    #[test]
    fn csv_on_a_terminal_cannot_command_it() {
        let screen = Screen { is_terminal: true, ..Screen::PIPE };
        let expected = "name,limit\nbeta,unlimited\n,250\n\"Alpha, \"\"inc\"\"\\n\\u{1b}[31m\",\n";
        assert_eq!(written(&records(), Format::Csv, screen), expected);
    }

    #[test]
    fn selected_columns_are_those_of_every_format_in_their_order() {
        let mut records = records();
        records.select(&["limit", "name"]);
        assert_eq!(written(&records, Format::Csv, Screen::PIPE).lines().next(), Some("limit,name"));
        assert_eq!(written(&records, Format::Table, Screen::PIPE).lines().next(), Some("    limit  NAME"));
    }
}
