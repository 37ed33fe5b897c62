//! The format of the file, and reading it with the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ring::digest;
use secrecy::SecretString;
use serde::Deserialize;
use serde_saphyr::Error;

/// The whole file. An empty one is a valid one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) tls_server_config: Option<TlsSection>,
    pub(super) http_server_config: Option<HttpSection>,
    pub(super) basic_auth_users: Option<BTreeMap<String, SecretString>>,
    pub(super) rate_limit: Option<RateLimitSection>,
}

/// `tls_server_config`. Each of certificate, key and CA comes as text or as the
/// path of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSection {
    pub(super) cert: Option<String>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key: Option<SecretString>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) client_ca: Option<String>,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) client_auth_type: Option<String>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) curve_preferences: Option<Vec<String>>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
}

/// `http_server_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpSection {
    pub(super) http2: Option<bool>,
    pub(super) headers: Option<BTreeMap<String, String>>,
}

/// `rate_limit`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateLimitSection {
    pub(super) interval: Option<String>,
    pub(super) burst: Option<u32>,
}

/// Reads the text of the file.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options::<Option<File>>(text, options)
        .map(Option::unwrap_or_default)
        .map_err(|error| describe(error.without_snippet()))
}

/// A mistake in the shape of the file, without anything that stands there as a
/// value: it may be a password hash or a key that was indented wrongly.
fn describe(error: &Error) -> String {
    let what = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("expected one of the keys {}, found `{field}`; remove it or correct it", quoted(expected))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("expected each key once, found `{key}` twice; remove one")
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("expected {expected}, found something else; correct the value")
        }
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "keys with values",
                "string scalar" => "text",
                other => other,
            };
            format!("expected {expected}, found something else; correct the value")
        }
        Error::InvalidBooleanStrict { .. } => "expected `true` or `false`, found something else; correct it".to_owned(),
        Error::InvalidScalar { ty: "boolean", .. } => {
            "expected `true` or `false`, found something else; correct it".to_owned()
        }
        Error::InvalidScalar { ty: "u32", .. } => {
            "expected a whole number, found something else; correct it".to_owned()
        }
        Error::InvalidScalar { ty, .. } => format!("expected {ty}, found something else; correct the value"),
        _ => "expected the exporter-toolkit's web configuration in YAML, found something that can't be read as it; \
              look for indentation, quotes and values of another kind"
            .to_owned(),
    };
    match error.location() {
        Some(at) => format!("line {}, column {}: {what}", at.line(), at.column()),
        None => what,
    }
}

/// Names in backquotes, with commas.
pub(super) fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}

/// Reads files, and remembers what was in them.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<(PathBuf, Content)>);

/// The digest of a file, nothing for one that can't be read.
type Content = Option<Vec<u8>>;

impl Sources {
    /// Reads a file.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let content = std::fs::read(path);
        self.0.push((path.to_owned(), content.as_deref().ok().map(fingerprint)));
        content.map_err(|e| {
            format!("expected a readable file, found `{}`: {e}; correct the path or the permissions", path.display())
        })
    }

    /// Whether a file holds something else now. The files are small and looked
    /// at once a second at most, so that reading them is cheaper than trusting
    /// in times of modification, which a restored backup sets back.
    pub(super) fn changed(&self) -> bool {
        self.0.iter().any(|(path, content)| std::fs::read(path).ok().as_deref().map(fingerprint) != *content)
    }
}

fn fingerprint(content: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, content).as_ref().to_owned()
}
