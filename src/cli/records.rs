//! Rows of named fields, and their three ways out: a table for people, JSON and
//! CSV for programs. One list of fields decides all three, and what can be
//! sorted by.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::table;
use super::terminal::Screen;
use super::value::Value;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns for people; wide fields are left out
    #[default]
    Table,
    /// One array of objects with every field
    Json,
    /// Header line, then one line per row with every field
    Csv,
}

/// The flag of every command that shows rows.
#[derive(Debug, Clone, Args)]
pub(super) struct OutputFlags {
    /// How the rows are written
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) output: Format,
}

/// A field of rows of type `T`.
#[derive(Debug)]
pub(super) struct Field<T> {
    /// In JSON, CSV and `--sort`: as the API calls it.
    pub(super) name: &'static str,
    /// At the head of the table's column; `None` leaves it out of tables.
    pub(super) heading: Option<&'static str>,
    pub(super) value: fn(&T) -> Value,
}

/// What rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sort {
    field: &'static str,
    descending: bool,
}

impl Sort {
    /// Reads `FIELD` or `-FIELD`.
    pub(super) fn parse<T>(text: &str, fields: &[Field<T>]) -> Result<Self, String> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let known = fields.iter().find(|field| field.name == name);
        known.map(|field| Self { field: field.name, descending }).ok_or_else(|| {
            let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            format!("expected one of {}, with a `-` in front for descending order", names.join(", "))
        })
    }
}

/// Sorts rows; equal ones stay as they are, and what is missing comes last in
/// either direction.
pub(super) fn sort<T>(rows: &mut [T], fields: &[Field<T>], by: &Sort) {
    let Some(field) = fields.iter().find(|field| field.name == by.field) else { return };
    rows.sort_by(|a, b| match ((field.value)(a), (field.value)(b)) {
        (Value::Missing, Value::Missing) => Ordering::Equal,
        (Value::Missing, _) => Ordering::Greater,
        (_, Value::Missing) => Ordering::Less,
        (a, b) if by.descending => b.compare(&a),
        (a, b) => a.compare(&b),
    });
}

/// Writes rows in the format asked for.
pub(super) fn write<T>(
    out: &mut dyn Write,
    format: Format,
    screen: Screen,
    fields: &[&Field<T>],
    rows: &[T],
) -> io::Result<()> {
    match format {
        Format::Table => {
            let shown: Vec<_> = fields.iter().filter_map(|field| Some((field.heading?, field.value))).collect();
            let headings: Vec<_> = shown.iter().map(|(heading, _)| *heading).collect();
            let cells = rows.iter().map(|row| shown.iter().map(|(_, value)| value(row)).collect());
            out.write_all(table::render(&headings, cells, screen).as_bytes())
        }
        Format::Json => {
            let objects: Vec<_> = rows.iter().map(|row| Object { fields, row }).collect();
            write_json(out, &objects)
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(fields.iter().map(|field| field.name))?;
            for row in rows {
                let values: Vec<_> = fields.iter().map(|field| (field.value)(row)).collect();
                csv.write_record(values.iter().map(|value| for_csv(value, screen).into_owned()))?;
            }
            csv.flush()
        }
    }
}

/// Writes JSON that people can read, too.
pub(super) fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// A value for a program is what the API sent; on a terminal it must not
/// command it.
pub(super) fn for_csv(value: &Value, screen: Screen) -> Cow<'_, str> {
    match value.plain() {
        text if screen.is_terminal => Cow::Owned(table::visible(&text).into_owned()),
        text => text,
    }
}

/// One row as an object, in the order of the fields.
pub(super) struct Object<'a, T> {
    pub(super) fields: &'a [&'a Field<T>],
    pub(super) row: &'a T,
}

impl<T> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for field in self.fields {
            map.serialize_entry(field.name, &(field.value)(self.row))?;
        }
        map.end()
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

    fn rows() -> Vec<Row> {
        vec![
            Row(Some("beta"), Value::Unlimited),
            Row(None, Value::Count(250)),
            Row(Some("Alpha, \"inc\"\n\u{1b}[31m"), Value::Missing),
            Row(Some("gamma"), Value::Count(1000)),
        ]
    }

    fn written(format: Format, screen: Screen) -> String {
        let mut out = Vec::new();
        write(&mut out, format, screen, &FIELDS.iter().collect::<Vec<_>>(), &rows()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn sorted(by: &str) -> Vec<Option<&'static str>> {
        let mut rows = rows();
        sort(&mut rows, FIELDS, &Sort::parse(by, FIELDS).unwrap());
        rows.iter().map(|row| row.0).collect()
    }

    #[test]
    fn texts_sort_without_regard_to_case_and_what_is_missing_comes_last_both_ways() {
        let alpha = Some("Alpha, \"inc\"\n\u{1b}[31m");
        assert_eq!(sorted("name"), [alpha, Some("beta"), Some("gamma"), None]);
        assert_eq!(sorted("-name"), [Some("gamma"), Some("beta"), alpha, None]);
    }

    #[test]
    fn no_limit_sorts_above_every_limit() {
        let alpha = Some("Alpha, \"inc\"\n\u{1b}[31m");
        assert_eq!(sorted("limit"), [None, Some("gamma"), Some("beta"), alpha]);
    }

    #[test]
    fn an_unknown_field_is_answered_with_the_known_ones() {
        let error = Sort::parse("-size", FIELDS).unwrap_err();
        assert_eq!(error, "expected one of `name`, `limit`, with a `-` in front for descending order");
    }

    #[test]
    fn json_has_every_field_with_null_for_what_is_missing() {
        let json: serde_json::Value = serde_json::from_str(&written(Format::Json, Screen::PIPE)).unwrap();
        let expected = serde_json::json!([
            {"name": "beta", "limit": "unlimited"},
            {"name": null, "limit": 250},
            {"name": "Alpha, \"inc\"\n\u{1b}[31m", "limit": null},
            {"name": "gamma", "limit": 1000},
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn csv_is_quoted_and_keeps_every_character_for_programs() {
        let expected = "name,limit\nbeta,unlimited\n,250\n\"Alpha, \"\"inc\"\"\n\u{1b}[31m\",\ngamma,1000\n";
        assert_eq!(written(Format::Csv, Screen::PIPE), expected);
    }

    #[test]
    fn csv_on_a_terminal_cannot_command_it() {
        let screen = Screen { is_terminal: true, ..Screen::PIPE };
        let expected = "name,limit\nbeta,unlimited\n,250\n\"Alpha, \"\"inc\"\"\\n\\u{1b}[31m\",\ngamma,1000\n";
        assert_eq!(written(Format::Csv, screen), expected);
    }
}
