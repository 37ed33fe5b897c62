//! Reading YAML that may hold secrets.
//!
//! A key or a password hash that was pasted at the wrong place, or indented
//! wrongly, is a value of the wrong kind there. The parser's own messages show
//! such values, so errors are written here in words of our own: where, what was
//! expected, what to do. Never here: what a file's settings mean.

use serde::de::DeserializeOwned;
use serde_saphyr::Error;

/// Reads the text of a file of which `what` is expected as a whole.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, String> {
    // Without a picture of the source, which would show what is there.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| describe(error.without_snippet(), what))
}

/// Names in backquotes, with commas.
pub(crate) fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}

/// An error in the shape of a file, without anything that stands there as a
/// value.
fn describe(error: &Error, what: &str) -> String {
    let problem = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let found = shown(field).unwrap_or_else(|| "another".to_owned());
            format!("expected one of the keys {}, found {found}; remove it or correct it", quoted(expected))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            let found = shown(key).unwrap_or_else(|| "one".to_owned());
            format!("expected each key once, found {found} twice; remove one")
        }
        Error::SerdeMissingField { field, .. } => format!("expected the key `{field}`, found none; add it"),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("expected {expected}, found something else; correct the value")
        }
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "keys with values",
                "sequence start" => "a list",
                "string scalar" => "text",
                other => other,
            };
            format!("expected {expected}, found something else; correct the value")
        }
        Error::NullIntoString { .. } => "expected text, found nothing; write a value or remove the key".to_owned(),
        Error::InvalidBooleanStrict { .. } | Error::InvalidScalar { ty: "boolean", .. } => {
            "expected `true` or `false`, found something else; correct it".to_owned()
        }
        Error::InvalidScalar { ty: "u32", .. } => {
            "expected a whole number, found something else; correct it".to_owned()
        }
        Error::InvalidScalar { ty, .. } => format!("expected {ty}, found something else; correct the value"),
        _ => format!(
            "expected {what} in YAML, found something that can't be read as it; \
             look for indentation, quotes and values of another kind"
        ),
    };
    match error.location() {
        Some(at) => format!("line {}, column {}: {problem}", at.line(), at.column()),
        None => problem,
    }
}

/// A key of the file that can be shown: one that is written as settings are. API
/// keys and hashes are not.
fn shown(key: &str) -> Option<String> {
    let is_a_name = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_a_name.then(|| format!("`{key}`"))
}
