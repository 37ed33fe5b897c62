//! Flags, environment and an optional YAML file → one validated [`Config`].
//!
//! Here: everything that a person can set, with its default, and the checks. All
//! mistakes of a run are found before any is reported, each with the setting,
//! the value (unless it is secret) and the remedy.
//!
//! Never here: network. Key files are read, because a key that can't be read is
//! a mistake in the configuration.

mod error;
mod file;
mod flags;
mod values;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex_lite::Regex;
use secrecy::SecretString;
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use crate::exposition::{PhoneNumbers, RenderSettings};
use crate::model::PartnerId;
use crate::partner_api::http::HttpSettings;
use crate::partner_api::{ApiKey, Rate, credentials};
use crate::poller::{self, Shard};
use crate::telemetry::logging;
use crate::web::{Protection, WebConfig};

pub use error::{ConfigError, ConfigErrors};
pub use flags::{Flags, LogFlags};
pub use values::{parse_duration, parse_rate};

use error::Errors;
use file::{FileConfig, FilePartner};

/// The variable that may hold the API key itself. There is no flag for it:
/// every user of the machine can read the arguments of a process.
pub const API_KEY_VARIABLE: &str = "D360_API_KEY";

/// Everything that the exporter needs to know, checked.
#[derive(Debug)]
pub struct Config {
    /// At least one, each id once.
    pub partners: Vec<PartnerConfig>,
    /// How long data that can't be refreshed stays.
    pub max_staleness: Duration,
    /// One full cycle.
    pub poll_interval: Duration,
    /// Where the state is kept over restarts.
    pub state_file: Option<PathBuf>,
    /// What is rendered.
    pub render: RenderSettings,
    /// The web server.
    pub web: WebConfig,
    /// What [`crate::web`] shows at `/config`: settings by flag name, secrets
    /// left out.
    pub effective: String,
}

/// One partner.
#[derive(Debug)]
pub struct PartnerConfig {
    /// The partner's id.
    pub id: PartnerId,
    /// The API key.
    pub key: ApiKey,
    /// How the API is reached.
    pub http: HttpSettings,
    /// `limit` of a page.
    pub page_size: usize,
    /// Bounds of the pacer.
    pub min_rate: Rate,
    /// See [`PartnerConfig::min_rate`].
    pub max_rate: Rate,
    /// How it is polled.
    pub poll: poller::Settings,
}

/// What tells one poller of a partner from another: if none of it changed, a new
/// configuration does not touch the partner.
#[derive(Debug, Clone, PartialEq)]
pub struct PartnerSettings {
    http: HttpSettings,
    key_file: Option<PathBuf>,
    page_size: usize,
    min_rate: Rate,
    max_rate: Rate,
    poll: poller::Settings,
}

impl PartnerConfig {
    /// The settings without the key: a key that changes in its file is noticed
    /// by the poller itself.
    pub fn settings(&self) -> PartnerSettings {
        PartnerSettings {
            http: self.http.clone(),
            key_file: self.key.file().map(Path::to_owned),
            page_size: self.page_size,
            min_rate: self.min_rate,
            max_rate: self.max_rate,
            poll: self.poll,
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important events that are logged.
    pub level: LevelFilter,
    /// How a line looks.
    pub format: logging::Format,
}

impl WebConfig {
    /// Checks the flags about the web server.
    ///
    /// # Errors
    ///
    /// Returns every mistake found.
    pub fn load(flags: &Flags) -> Result<Self, ConfigErrors> {
        let mut errors = Errors::default();
        let config = web(&mut errors, flags);
        errors.finish(config)
    }
}

impl LogConfig {
    /// Checks the flags about logging.
    ///
    /// # Errors
    ///
    /// Returns every mistake found.
    pub fn load(flags: &LogFlags) -> Result<Self, ConfigErrors> {
        let mut errors = Errors::default();
        let level = errors.check("--log.level", &flags.log_level, values::log_level);
        let format = errors.check("--log.format", &flags.log_format, values::log_format);
        let config = level.zip(format).map(|(level, format)| Self { level, format });
        errors.finish(config)
    }
}

/// What flags and file say of one partner's API, before the checks.
struct PartnerSource<'a> {
    /// In front of every message, to tell partners of a file apart.
    place: String,
    id: &'a str,
    key_file: Option<&'a Path>,
    overrides: &'a FilePartner,
}

impl Config {
    /// Makes a configuration of flags (which clap has filled from the
    /// environment), the YAML file that they name, and `env`, which is asked for
    /// [`API_KEY_VARIABLE`] alone.
    ///
    /// # Errors
    ///
    /// Returns every mistake found.
    pub fn load(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut errors = Errors::default();
        let file = flags.config_file.as_deref().and_then(|path| errors.take("--config.file", file::read(path)));
        let none = FilePartner::default();
        let listed: &[FilePartner] = file.as_ref().map_or(&[], |f: &FileConfig| &f.partners);

        let mut partners = Vec::new();
        match flags.partner_id.as_deref() {
            _ if flags.config_file.is_some() => {
                only_in_the_file(&mut errors, flags, env);
                // A file that can't be read may name the partners and their keys.
                if listed.is_empty() {
                    api(&mut errors, flags, "", &none);
                }
                for entry in listed {
                    let source = PartnerSource {
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
                    partners.extend(partner(&mut errors, flags, env, &source));
                }
            }
            Some(id) => {
                let key_file = flags.api_key_file.as_deref();
                let source = PartnerSource { place: String::new(), id, key_file, overrides: &none };
                partners.extend(partner(&mut errors, flags, env, &source));
            }
            None => {
                errors.push(
                    "--partner.id",
                    "expected the id of your partner account, found nothing; set it, or list partners in --config.file",
                );
                key(&mut errors, env, "", flags.api_key_file.as_deref());
                api(&mut errors, flags, "", &none);
            }
        }
        let poll_interval = errors.check("--poll.interval", &flags.poll_interval, values::positive_duration);
        let max_staleness = errors.check("--poll.max-staleness", &flags.poll_max_staleness, values::positive_duration);
        if let (Some(interval), Some(staleness)) = (poll_interval, max_staleness)
            && staleness < interval
        {
            errors.push(
                "--poll.max-staleness",
                &format!(
                    "expected at least --poll.interval ({}), found `{}`; data would leave before it can be read again",
                    flags.poll_interval, flags.poll_max_staleness
                ),
            );
        }
        let render = render(&mut errors, flags);
        let web = web(&mut errors, flags);
        let config = (|| {
            Some(Self {
                partners,
                max_staleness: max_staleness?,
                poll_interval: poll_interval?,
                state_file: flags.state_file.clone(),
                render: render?,
                web: web?,
                effective: effective(flags, listed),
            })
        })();
        errors.finish(config)
    }
}

/// Refuses what speaks of one partner beside a file that lists them: which of the
/// two is meant, nobody can tell.
fn only_in_the_file(errors: &mut Errors, flags: &Flags, env: &dyn Fn(&str) -> Option<String>) {
    if flags.partner_id.is_some() {
        errors
            .push("--partner.id", "expected partners either here or in --config.file, found both; remove one of them");
    }
    let expected = "expected the key file of each partner as `api_key_file` in --config.file, found";
    if flags.api_key_file.is_some() {
        errors.push("--partner.api-key-file", &format!("{expected} another here or in D360_API_KEY_FILE; remove it"));
    }
    if env(API_KEY_VARIABLE).is_some_and(|key| !key.trim().is_empty()) {
        errors.push(API_KEY_VARIABLE, &format!("{expected} a key here; unset it"));
    }
}

fn partner(
    errors: &mut Errors,
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    source: &PartnerSource<'_>,
) -> Option<PartnerConfig> {
    let id = errors.check(&format!("{}--partner.id", source.place), source.id, values::partner_id);
    let key = key(errors, env, &source.place, source.key_file);
    let Api { http, page_size, min_rate, max_rate, poll } = api(errors, flags, &source.place, source.overrides)?;
    Some(PartnerConfig { id: id?, key: key?, http, page_size, min_rate, max_rate, poll })
}

/// What a partner's configuration has but for the partner.
struct Api {
    http: HttpSettings,
    page_size: usize,
    min_rate: Rate,
    max_rate: Rate,
    poll: poller::Settings,
}

/// Checks how an API is asked: by the flags, but for what `over` says instead.
fn api(errors: &mut Errors, flags: &Flags, place: &str, over: &FilePartner) -> Option<Api> {
    let at = |setting: &str| format!("{place}{setting}");
    let base_url = over.base_url.as_ref().unwrap_or(&flags.api_base_url);
    let base_url: Option<Url> = errors.take(
        &at("--api.base-url"),
        values::base_url(base_url).map_err(|expected| {
            // What stands in front of the host or behind the path may be a password.
            if base_url.contains(['@', '?', '#']) {
                "expected a URL of scheme, host and path alone, found more in it".to_owned()
            } else {
                format!("expected {expected}, found `{base_url}`")
            }
        }),
    );
    let timeout = errors.check(&at("--api.timeout"), &flags.api_timeout, values::positive_duration);
    let max_response_size = errors.check(&at("--api.max-response-size"), &flags.api_max_response_size, values::size);
    let page_size = over.page_size.as_ref().unwrap_or(&flags.api_page_size);
    let page_size = errors.check(&at("--api.page-size"), page_size, values::count);
    let min = over.min_rate.as_ref().unwrap_or(&flags.api_min_rate);
    let max = over.max_rate.as_ref().unwrap_or(&flags.api_max_rate);
    let min_rate = errors.check(&at("--api.min-rate"), min, values::parse_rate);
    let max_rate = errors.check(&at("--api.max-rate"), max, values::parse_rate);
    if let (Some(least), Some(most)) = (min_rate, max_rate)
        && least.per_second() > most.per_second()
    {
        errors.push(&at("--api.min-rate"), &format!("expected at most --api.max-rate (`{max}`), found `{min}`"));
    }
    let strategy = over.strategy.as_ref().unwrap_or(&flags.poll_strategy);
    let strategy = errors.check(&at("--poll.strategy"), strategy, values::strategy);
    let concurrency = errors.check(&at("--poll.concurrency"), &flags.poll_concurrency, values::count);
    let shard = shard(errors, flags);
    let interval = values::positive_duration(&flags.poll_interval).ok();
    Some(Api {
        http: HttpSettings { base_url: base_url?, timeout: timeout?, max_response_size: max_response_size? },
        page_size: page_size?,
        min_rate: min_rate?,
        max_rate: max_rate?,
        poll: poller::Settings { interval: interval?, strategy: strategy?, concurrency: concurrency?, shard: shard? },
    })
}

fn key(errors: &mut Errors, env: &dyn Fn(&str) -> Option<String>, place: &str, file: Option<&Path>) -> Option<ApiKey> {
    let setting = format!("{place}--partner.api-key-file");
    if let Some(file) = file {
        let read = ApiKey::from_file(file).map_err(|e| {
            if e.kind() == io::ErrorKind::NotFound && may_be_a_key(file) {
                "expected the path of a file that holds the API key, found what may be the key itself; write it into a \
                 file and name that"
                    .to_owned()
            } else {
                format!("cannot read `{}`: {e}; write the API key, and only it, into that file", file.display())
            }
        });
        return errors.take(&setting, read);
    }
    let value = env(API_KEY_VARIABLE).filter(|_| place.is_empty()).map(SecretString::from);
    let Some(value) = value else {
        let remedy = if place.is_empty() {
            "expected a file with the API key, found neither the flag nor D360_API_KEY; set one of them"
        } else {
            "expected `api_key_file`, found nothing; name a file that holds this partner's API key"
        };
        errors.push(&setting, remedy);
        return None;
    };
    use secrecy::ExposeSecret as _;
    let trimmed = SecretString::from(value.expose_secret().trim());
    let valid = credentials::validate(trimmed.expose_secret()).map_err(str::to_owned);
    errors.take(API_KEY_VARIABLE, valid)?;
    Some(ApiKey::fixed(trimmed))
}

/// Whether a path that leads nowhere looks like a key, which must not be shown:
/// long, of letters and digits alone.
fn may_be_a_key(path: &Path) -> bool {
    const SHORTEST_KEY: usize = 16;
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.len() >= SHORTEST_KEY && bytes.iter().all(u8::is_ascii_alphanumeric)
}

fn shard(errors: &mut Errors, flags: &Flags) -> Option<Shard> {
    let total = errors.check("--total-shards", &flags.total_shards, values::count)?;
    let index = errors.check("--shard", &flags.shard, values::index)?;
    if index >= total {
        errors.push(
            "--shard",
            &format!("expected a number from 0 to {}, found `{index}`; shards are counted from 0", total - 1),
        );
        return None;
    }
    Some(Shard { index: u32::try_from(index).ok()?, total: u32::try_from(total).ok()? })
}

fn render(errors: &mut Errors, flags: &Flags) -> Option<RenderSettings> {
    let phone_numbers: Option<PhoneNumbers> =
        errors.check("--metrics.phone-number", &flags.metrics_phone_number, values::phone_numbers);
    let exclude: Option<Option<Regex>> = match &flags.metrics_exclude {
        Some(exclude) => errors.check("--metrics.exclude", exclude, values::anchored_regex).map(Some),
        None => Some(None),
    };
    Some(RenderSettings::new(phone_numbers?, exclude?.as_ref()))
}

fn web(errors: &mut Errors, flags: &Flags) -> Option<WebConfig> {
    let listen: Vec<_> = flags
        .web_listen_address
        .iter()
        .filter_map(|address| errors.check("--web.listen-address", address, values::listen_address))
        .collect();
    let telemetry_path = errors.check("--web.telemetry-path", &flags.web_telemetry_path, values::telemetry_path);
    let max_requests = errors.check("--web.max-requests", &flags.web_max_requests, values::index);
    let protection = match flags.web_config_file.as_deref().map(Protection::load) {
        None => Some(Protection::none()),
        Some(Ok(protection)) => Some(protection),
        Some(Err(mistakes)) => {
            mistakes.iter().for_each(|mistake| errors.push("--web.config.file", mistake));
            None
        }
    };
    Some(WebConfig {
        listen,
        telemetry_path: telemetry_path?,
        protection: protection?,
        max_requests: max_requests?,
        enable_lifecycle: flags.web_enable_lifecycle,
    })
}

/// The settings as they are in force, as YAML. Keys are named by their file or
/// said to be set; nothing that is read from a key's door can get here.
fn effective(flags: &Flags, listed: &[FilePartner]) -> String {
    #[derive(Serialize)]
    struct Effective<'a> {
        #[serde(flatten)]
        flags: &'a Flags,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        partners: &'a [FilePartner],
    }
    serde_saphyr::to_string(&Effective { flags, partners: listed })
        .unwrap_or_else(|e| format!("# cannot show the configuration: {e}\n"))
}

#[cfg(test)]
mod tests;
