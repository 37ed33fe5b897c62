//! The format of the file, and reading it with the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ring::digest;
use secrecy::SecretString;
use serde::Deserialize;

use crate::yaml;

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
    yaml::parse::<Option<File>>(text, "the exporter-toolkit's web configuration").map(Option::unwrap_or_default)
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

    /// Whether these are the same files with the same content as others.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether a file holds something else now. The files are small, and are read
    /// at most once per second: cheaper and safer than trusting
    /// times of modification, which a restored backup sets back.
    pub(super) fn changed(&self) -> bool {
        self.0.iter().any(|(path, content)| std::fs::read(path).ok().as_deref().map(fingerprint) != *content)
    }
}

fn fingerprint(content: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, content).as_ref().to_owned()
}
