//! Named fields of rows: one list of fields decides the columns of a table, the
//! keys of JSON, the header of CSV and what can be sorted by.

use std::cmp::Ordering;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Value;

/// A field of rows of type `T`.
#[derive(Debug)]
pub struct Field<T: 'static> {
    /// In JSON, CSV, `sort` and `--columns`: as the API calls it.
    pub name: &'static str,
    /// At the head of a table's column; `None` leaves it out of tables unless it
    /// is asked for.
    pub heading: Option<&'static str>,
    /// The value of a row.
    pub value: fn(&T) -> Value,
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<T> {}

impl<T> Field<T> {
    /// The names of some fields, for messages.
    pub fn names(fields: &[Self]) -> String {
        fields.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
    }
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Name of the field; [`Sort::SEVERITY`] is none, and is the caller's order.
    pub field: &'static str,
    /// From the largest to the smallest.
    pub descending: bool,
}

impl Sort {
    /// The worst first: the order of lists in which a person looks for trouble.
    pub const SEVERITY: &'static str = "severity";

    /// Reads `FIELD` or `-FIELD`.
    ///
    /// # Errors
    ///
    /// Names the known fields.
    pub fn parse<T>(text: &str, fields: &[Field<T>]) -> Result<Self, String> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        if name == Self::SEVERITY {
            return Ok(Self { field: Self::SEVERITY, descending });
        }
        let known = fields.iter().find(|field| field.name == name);
        known.map(|field| Self { field: field.name, descending }).ok_or_else(|| {
            let (severity, names) = (Self::SEVERITY, Field::names(fields));
            format!("expected one of `{severity}`, {names}, with a `-` in front for descending order")
        })
    }

    /// As it is written.
    pub fn to_text(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.field)
    }
}

/// Sorts rows by a field. Equal rows keep their order, and rows without a value
/// come last in either direction. An unknown field changes nothing.
pub fn sort_rows<T>(rows: &mut Vec<T>, fields: &[Field<T>], by: Sort) {
    let Some(field) = fields.iter().find(|field| field.name == by.field) else { return };
    let mut keyed: Vec<(Value, T)> = rows.drain(..).map(|row| ((field.value)(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| match (a, b) {
        (Value::Missing, Value::Missing) => Ordering::Equal,
        (Value::Missing, _) => Ordering::Greater,
        (_, Value::Missing) => Ordering::Less,
        (a, b) if by.descending => b.compare(a),
        (a, b) => a.compare(b),
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

/// One row as an object, in the order of the fields.
#[derive(Debug)]
pub struct Object<'a, T: 'static> {
    /// The fields that it has.
    pub fields: &'a [Field<T>],
    /// The row.
    pub row: &'a T,
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

    fn sorted(by: &str) -> Vec<Option<&'static str>> {
        let mut rows = vec![
            Row(Some("beta"), Value::Unlimited),
            Row(None, Value::Count(250)),
            Row(Some("Alpha"), Value::Missing),
            Row(Some("gamma"), Value::Count(1000)),
        ];
        sort_rows(&mut rows, FIELDS, Sort::parse(by, FIELDS).unwrap());
        rows.iter().map(|row| row.0).collect()
    }

    #[test]
    fn texts_sort_without_regard_to_case_and_missing_ones_come_last_both_ways() {
        assert_eq!(sorted("name"), [Some("Alpha"), Some("beta"), Some("gamma"), None]);
        assert_eq!(sorted("-name"), [Some("gamma"), Some("beta"), Some("Alpha"), None]);
    }

    #[test]
    fn no_limit_sorts_above_every_limit() {
        assert_eq!(sorted("limit"), [None, Some("gamma"), Some("beta"), Some("Alpha")]);
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_known_ones() {
        let error = Sort::parse("-size", FIELDS).unwrap_err();
        assert_eq!(error, "expected one of `severity`, `name`, `limit`, with a `-` in front for descending order");
    }
}
