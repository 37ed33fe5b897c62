//! The YAML file of `--config.file`: partners, for whoever has several.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::yaml;

/// The whole file. Unknown keys are refused: a misspelt setting must not look
/// like one that is in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileConfig {
    /// The partners to poll.
    pub(super) partners: Vec<FilePartner>,
}

/// One partner; settings that are left out are the flags'.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePartner {
    /// The partner's id.
    pub(super) id: String,
    /// File with the partner's API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_key_file: Option<PathBuf>,
    /// Instead of `--api.base-url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base_url: Option<String>,
    /// Instead of `--api.page-size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_size: Option<String>,
    /// Instead of `--api.min-rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_rate: Option<String>,
    /// Instead of `--api.max-rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_rate: Option<String>,
    /// Instead of `--poll.strategy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strategy: Option<String>,
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<FileConfig, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
    parse(&text).map_err(|mistake| format!("`{}`: {mistake}", path.display()))
}

/// Reads the text of the file.
fn parse(text: &str) -> Result<FileConfig, String> {
    let config: FileConfig = yaml::parse(text, "a list of partners")?;
    if config.partners.is_empty() {
        return Err("expected at least one partner under `partners`, found none; list one".to_owned());
    }
    Ok(config)
}
