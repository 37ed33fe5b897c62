//! The YAML file of `--config.file`: partners, for whoever has several.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::definition::Definition;
use super::flags::FLAGS;
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
#[derive(Debug, Default, Serialize)]
pub(super) struct FilePartner {
    /// The partner's id.
    pub(super) id: String,
    /// File with the partner's API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_key_file: Option<PathBuf>,
    /// Values instead of the flags', by the `file_key` of the definition.
    #[serde(flatten)]
    overrides: BTreeMap<&'static str, String>,
}

impl FilePartner {
    /// What the file says instead of a flag.
    pub(super) fn instead_of(&self, flag: &Definition) -> Option<&str> {
        self.overrides.get(flag.file_key?).map(String::as_str)
    }
}

/// The keys of a partner.
static KEYS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| ["id", "api_key_file"].into_iter().chain(FLAGS.iter().filter_map(|flag| flag.file_key)).collect());

/// One of [`KEYS`].
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl Visitor<'_> for Names {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a setting")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Key, E> {
                let known = KEYS.iter().find(|known| **known == name);
                known.map(|known| Key(known)).ok_or_else(|| E::unknown_field(name, KEYS.as_slice()))
            }
        }
        deserializer.deserialize_identifier(Names)
    }
}

impl<'de> Deserialize<'de> for FilePartner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Settings;
        impl<'de> Visitor<'de> for Settings {
            type Value = FilePartner;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a partner with `id` and `api_key_file`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilePartner, A::Error> {
                let mut id = None;
                let mut partner = FilePartner::default();
                while let Some(Key(key)) = map.next_key()? {
                    match key {
                        "id" => id = Some(map.next_value()?),
                        "api_key_file" => partner.api_key_file = map.next_value()?,
                        _ => {
                            let value: Option<String> = map.next_value()?;
                            partner.overrides.extend(value.map(|value| (key, value)));
                        }
                    }
                }
                partner.id = id.ok_or_else(|| A::Error::missing_field("id"))?;
                Ok(partner)
            }
        }
        deserializer.deserialize_struct("FilePartner", KEYS.as_slice(), Settings)
    }
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<FileConfig, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
    parse(&text).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Reads the text of the file.
fn parse(text: &str) -> Result<FileConfig, String> {
    let config: FileConfig = yaml::parse(text, "a list of partners")?;
    if config.partners.is_empty() {
        return Err("expected at least one partner under `partners`, found none; list one".to_owned());
    }
    Ok(config)
}
