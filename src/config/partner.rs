//! The partners: who is polled, with which key, and how.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::definition::Flag;
use super::error::ErrorList;
use super::file::FilePartner;
use super::{API_KEY_VARIABLE, Environment, Flags, flags};
use crate::model::PartnerId;
use crate::partner_api::http::HttpSettings;
use crate::partner_api::{ApiKey, PageSize, Rate, credentials};
use crate::poller::{self, Shard};

/// One partner.
#[derive(Debug)]
pub struct PartnerConfig {
    /// The partner's id.
    pub id: PartnerId,
    /// The API key.
    pub key: ApiKey,
    /// How the API is asked, and the poller set up.
    pub settings: PartnerSettings,
}

/// What distinguishes one poller of a partner from another: if none of it changed, a new
/// configuration does not touch the partner. The key itself is not part of it: one
/// that changes in its file is noticed by the poller itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PartnerSettings {
    /// How the API is reached.
    pub http: HttpSettings,
    /// Where the key is read from, if from a file.
    pub key_file: Option<PathBuf>,
    /// `limit` of a page.
    pub page_size: PageSize,
    /// Bounds of the adaptive rate limit.
    pub min_rate: Rate,
    /// See [`PartnerSettings::min_rate`].
    pub max_rate: Rate,
    /// How it is polled.
    pub poll: poller::Settings,
}

impl PartnerConfig {
    /// What is no error and should be known.
    pub(super) fn warning(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.key.file()?;
        let mode = std::fs::metadata(file).ok()?.permissions().mode();
        (mode & 0o004 != 0).then(|| {
            format!("every user of this machine can read the key file `{}`; take the permission away", file.display())
        })
    }
}

/// What flags and file say of one partner, before the checks.
struct Source<'a> {
    /// In front of every message, to tell partners of a file apart.
    place: String,
    id: &'a str,
    key_file: Option<&'a Path>,
    overrides: &'a FilePartner,
}

/// All partners, of the flags or of the file.
pub(super) fn load(
    flags: &Flags,
    listed: &[FilePartner],
    env: Environment<'_>,
    errors: &mut ErrorList,
) -> Vec<PartnerConfig> {
    let none = FilePartner::default();
    let mut partners = Vec::new();
    match flags.text(&flags::PARTNER_ID) {
        _ if flags.text(&flags::CONFIG_FILE).is_some() => {
            only_in_the_file(errors, flags, env);
            // A file that can't be read may name the partners and their keys.
            if listed.is_empty() {
                settings(errors, flags, "", &none, None);
            }
            for entry in listed {
                let source = Source {
                    place: format!("partner `{}` in --config.file: ", entry.id),
                    id: &entry.id,
                    key_file: entry.api_key_file.as_deref(),
                    overrides: entry,
                };
                if listed.iter().filter(|other| other.id == entry.id).count() > 1 {
                    errors.push(
                        &format!("{}id", source.place),
                        "expected each partner once, found this one twice; remove one",
                    );
                }
                partners.extend(partner(errors, flags, env, &source));
            }
        }
        Some(id) => {
            let key_file = flags.text(&flags::API_KEY_FILE).map(Path::new);
            let source = Source { place: String::new(), id, key_file, overrides: &none };
            partners.extend(partner(errors, flags, env, &source));
        }
        None => {
            errors.push(
                "--partner.id",
                "expected the id of your partner account, found nothing; set it, or list partners in --config.file",
            );
            key(errors, env, "", flags.text(&flags::API_KEY_FILE).map(Path::new));
            settings(errors, flags, "", &none, None);
        }
    }
    partners
}

/// Refuses what speaks of one partner beside a file that lists them: which of the
/// two is meant, nobody can tell.
fn only_in_the_file(errors: &mut ErrorList, flags: &Flags, env: Environment<'_>) {
    if flags.text(&flags::PARTNER_ID).is_some() {
        errors
            .push("--partner.id", "expected partners either here or in --config.file, found both; remove one of them");
    }
    let expected = "expected the key file of each partner as `api_key_file` in --config.file, found";
    if flags.text(&flags::API_KEY_FILE).is_some() {
        errors.push("--partner.api-key-file", &format!("{expected} another here or in D360_API_KEY_FILE; remove it"));
    }
    if given_key(env).is_some() {
        errors.push(API_KEY_VARIABLE, &format!("{expected} a key here; unset it"));
    }
}

fn partner(errors: &mut ErrorList, flags: &Flags, env: Environment<'_>, source: &Source<'_>) -> Option<PartnerConfig> {
    let id = errors.check(&format!("{}--partner.id", source.place), source.id, flags::PARTNER_ID.parse);
    let key = key(errors, env, &source.place, source.key_file);
    let settings = settings(errors, flags, &source.place, source.overrides, source.key_file)?;
    Some(PartnerConfig { id: id?, key: key?, settings })
}

/// Checks how an API is asked: by the flags, but for what `over` says instead.
fn settings(
    errors: &mut ErrorList,
    flags: &Flags,
    place: &str,
    over: &FilePartner,
    key_file: Option<&Path>,
) -> Option<PartnerSettings> {
    let mut reader = Overridden { flags, over, place, errors };
    let base_url = reader.base_url();
    let timeout = reader.read(&flags::API_TIMEOUT);
    let max_response_size = reader.read(&flags::API_MAX_RESPONSE_SIZE);
    let page_size = reader.read(&flags::API_PAGE_SIZE);
    let (min_rate, max_rate) = (reader.read(&flags::API_MIN_RATE), reader.read(&flags::API_MAX_RATE));
    if let (Some(least), Some(most)) = (min_rate, max_rate)
        && least.per_second() > most.per_second()
    {
        let (_, max) = reader.text(&flags::API_MAX_RATE);
        let (_, min) = reader.text(&flags::API_MIN_RATE);
        let message = format!("expected at most --api.max-rate (`{max}`), found `{min}`");
        reader.errors.push(&format!("{place}--api.min-rate"), &message);
    }
    let collect_balance = reader.read(&flags::COLLECT_BALANCE);
    let strategy = reader.read(&flags::POLL_STRATEGY);
    let concurrency = reader.read(&flags::POLL_CONCURRENCY);
    let interval = reader.read(&flags::POLL_INTERVAL);
    let shard = reader.shard();
    Some(PartnerSettings {
        http: HttpSettings { base_url: base_url?, timeout: timeout?, max_response_size: max_response_size? },
        key_file: key_file.map(Path::to_owned),
        page_size: page_size?,
        min_rate: min_rate?,
        max_rate: max_rate?,
        poll: poller::Settings {
            interval: interval?,
            strategy: strategy?,
            concurrency: concurrency?,
            shard: shard?,
            balance: collect_balance?,
        },
    })
}

/// Reads flags, some of which the file overrides for one partner.
struct Overridden<'a> {
    flags: &'a Flags,
    over: &'a FilePartner,
    place: &'a str,
    errors: &'a mut ErrorList,
}

impl<'a> Overridden<'a> {
    /// Where the setting was made, and its text.
    fn text<T>(&self, flag: &Flag<T>) -> (String, &'a str) {
        let setting = flag.definition.setting();
        match self.over.instead_of(&flag.definition) {
            Some(text) => (format!("{}{setting}", self.place), text),
            None => (setting, self.flags.given().text(&flag.definition).unwrap_or_default()),
        }
    }

    fn read<T>(&mut self, flag: &Flag<T>) -> Option<T> {
        let (setting, text) = self.text(flag);
        self.errors.check(&setting, text, flag.parse)
    }

    fn base_url(&mut self) -> Option<url::Url> {
        let (setting, text) = self.text(&flags::API_BASE_URL);
        let read = (flags::API_BASE_URL.parse)(text).map_err(|expected| {
            // What stands in front of the host or behind the path may be a password.
            if text.contains(['@', '?', '#']) {
                "expected a URL without user, query or fragment".to_owned()
            } else {
                format!("expected {expected}, found `{text}`")
            }
        });
        self.errors.take(&setting, read)
    }

    fn shard(&mut self) -> Option<Shard> {
        let (total, index) = (self.read(&flags::TOTAL_SHARDS), self.read(&flags::SHARD));
        let (total, index) = (total?, index?);
        if index >= total {
            let last = total - 1;
            let message = format!("expected a number from 0 to {last}, found `{index}`; shards are counted from 0");
            self.errors.push("--shard", &message);
            return None;
        }
        Some(Shard { index, total })
    }
}

/// The key of the environment. An empty variable is an unset one.
fn given_key(env: Environment<'_>) -> Option<SecretString> {
    env(API_KEY_VARIABLE).filter(|key| !key.trim().is_empty()).map(SecretString::from)
}

fn key(errors: &mut ErrorList, env: Environment<'_>, place: &str, file: Option<&Path>) -> Option<ApiKey> {
    let setting = format!("{place}--partner.api-key-file");
    let given = given_key(env).filter(|_| place.is_empty());
    match (file, given) {
        (Some(_), Some(_)) => {
            let message =
                "expected the API key either here or in --partner.api-key-file, found both; unset one of them";
            errors.push(API_KEY_VARIABLE, message);
            None
        }
        (Some(file), None) => {
            let read = ApiKey::from_file(file).map_err(|e| {
                if e.kind() != io::ErrorKind::PermissionDenied && may_be_a_key(file) {
                    "expected the path of a file that holds the API key, but this looks like the key itself; put it in \
                     a file and pass the path"
                        .to_owned()
                } else {
                    format!("cannot read `{}`: {e}; write the API key, and only it, into that file", file.display())
                }
            });
            errors.take(&setting, read)
        }
        (None, Some(key)) => {
            let key = credentials::parse(key.expose_secret()).map_err(str::to_owned);
            errors.take(API_KEY_VARIABLE, key).map(ApiKey::fixed)
        }
        (None, None) => {
            let remedy = if place.is_empty() {
                "expected a file with the API key, found neither the flag nor D360_API_KEY; set one of them"
            } else {
                "expected `api_key_file`, found nothing; name a file that holds this partner's API key"
            };
            errors.push(&setting, remedy);
            None
        }
    }
}

/// Whether a path that could not be read may be a key, which must not be shown:
/// long, and nothing that it starts with is there. Keys have many forms (a UUID,
/// a JWT, base64 with its slashes), files are in directories.
fn may_be_a_key(path: &Path) -> bool {
    const SHORTEST_KEY: usize = 16;
    let mut parts = path.components().filter(|part| matches!(part, std::path::Component::Normal(_)));
    let first = parts
        .next()
        .map(|first| if path.is_absolute() { Path::new("/").join(first) } else { first.as_os_str().into() });
    path.as_os_str().len() >= SHORTEST_KEY && first.is_none_or(|first: PathBuf| !first.exists())
}
