//! Flags, environment and an optional YAML file → one validated [`Config`].
//!
//! | file | holds |
//! |---|---|
//! | [`definition`], [`flags`] | what a flag is, and which there are |
//! | [`given`] | what was given, as text |
//! | [`values`] | how single values are written, with their bounds |
//! | [`mod@file`] | the YAML file |
//! | [`partner`], [`logging`] | parts of the configuration |
//! | [`environment`] | variables that are no flag: proxies, and those nobody knows |
//!
//! Here: everything that a person can set, with its default, and the checks. All
//! errors of a run are found before any is reported, each with the setting, the
//! value (unless it is secret) and the remedy.
//!
//! Never here: network. Key files are read, because a key that can't be read is
//! an error in the configuration.

mod definition;
mod environment;
mod error;
mod file;
pub mod flags;
mod given;
mod logging;
mod partner;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::exposition::RenderSettings;
use crate::fleet::state_storage;
use crate::web::{Protection, WebConfig};

pub use definition::{Definition, Flag};
pub use environment::unknown_variables;
pub use error::{ConfigError, ConfigErrors};
pub use given::{Flags, LogFlags};
pub use logging::LogConfig;
pub use partner::{PartnerConfig, PartnerSettings};
pub use values::{parse_duration, parse_rate};

use error::ErrorList;
use file::{FileConfig, FilePartner};
use given::Given;

/// The variable that may hold the API key itself. There is no flag for it:
/// every user of the machine can read the arguments of a process.
pub const API_KEY_VARIABLE: &str = "D360_API_KEY";

/// The environment, asked for single variables.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

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
    /// What is no error and should be known: one sentence each.
    pub warnings: Vec<String>,
}

/// Reads flags, and collects what is wrong.
struct Reader<'a> {
    given: &'a Given,
    errors: &'a mut ErrorList,
}

impl Reader<'_> {
    /// The value of a flag that has a default.
    fn read<T>(&mut self, flag: &Flag<T>) -> Option<T> {
        self.read_optional(flag).flatten()
    }

    /// The value of a flag that may be absent. `None` after an error.
    #[expect(clippy::option_option, reason = "an error and no value are not the same")]
    fn read_optional<T>(&mut self, flag: &Flag<T>) -> Option<Option<T>> {
        match self.given.text(&flag.definition) {
            Some(text) => self.errors.check(&flag.definition.setting(), text, flag.parse).map(Some),
            None => Some(None),
        }
    }

    /// The values of a flag that may be given several times.
    fn read_list<T>(&mut self, flag: &Flag<T>) -> Vec<T> {
        let setting = flag.definition.setting();
        let texts = self.given.texts(&flag.definition);
        texts.into_iter().filter_map(|text| self.errors.check(&setting, text, flag.parse)).collect()
    }
}

impl WebConfig {
    /// Checks the flags about the web server.
    ///
    /// # Errors
    ///
    /// Returns every error found.
    pub fn load(flags: &Flags) -> Result<Self, ConfigErrors> {
        let mut errors = ErrorList::default();
        let config = web(&mut Reader { given: flags.given(), errors: &mut errors });
        errors.finish(config)
    }
}

impl Config {
    /// Makes a configuration of flags (which clap has filled from the
    /// environment), the YAML file that they name, and `env`, which is asked for
    /// [`API_KEY_VARIABLE`] and the variables of proxies.
    ///
    /// # Errors
    ///
    /// Returns every error found.
    pub fn load(flags: &Flags, env: Environment<'_>) -> Result<Self, ConfigErrors> {
        let mut errors = ErrorList::default();
        let file = flags.text(&flags::CONFIG_FILE).and_then(|path| {
            let read = file::read(path.as_ref());
            errors.take("--config.file", read)
        });
        let listed: &[FilePartner] = file.as_ref().map_or(&[], |f: &FileConfig| &f.partners);
        let partners = partner::load(flags, listed, env, &mut errors);
        environment::check_proxies(env, &mut errors);
        let mut reader = Reader { given: flags.given(), errors: &mut errors };
        let poll_interval = reader.read(&flags::POLL_INTERVAL);
        let max_staleness = reader.read(&flags::POLL_MAX_STALENESS);
        if let (Some(interval), Some(staleness)) = (poll_interval, max_staleness)
            && staleness < interval
        {
            let text = |flag| flags.text(flag).unwrap_or_default();
            let message = format!(
                "expected at least --poll.interval ({}), found `{}`; data would expire before it can be read again",
                text(&flags::POLL_INTERVAL),
                text(&flags::POLL_MAX_STALENESS)
            );
            reader.errors.push("--poll.max-staleness", &message);
        }
        let state_file = state_file(&mut reader);
        let phone_numbers = reader.read(&flags::METRICS_PHONE_NUMBER);
        let exclude = reader.read_optional(&flags::METRICS_EXCLUDE);
        let max_label_length = reader.read(&flags::METRICS_MAX_LABEL_LENGTH);
        let web = web(&mut reader);
        let config = (|| {
            Some(Self {
                warnings: partners.iter().filter_map(PartnerConfig::warning).collect(),
                partners,
                max_staleness: max_staleness?,
                poll_interval: poll_interval?,
                state_file: state_file?,
                render: RenderSettings::new(phone_numbers?, exclude?.as_ref()).with_max_label_length(max_label_length?),
                web: web?,
                effective: effective(flags, listed),
            })
        })();
        errors.finish(config)
    }
}

/// The state file. What is there and not ours is an error: it would be replaced.
#[expect(clippy::option_option, reason = "an error and no file are not the same")]
fn state_file(reader: &mut Reader<'_>) -> Option<Option<PathBuf>> {
    let path = reader.read_optional(&flags::STATE_FILE)?;
    let Some(path) = path else { return Some(None) };
    reader.errors.take("--state.file", state_storage::check(&path))?;
    Some(Some(path))
}

fn web(reader: &mut Reader<'_>) -> Option<WebConfig> {
    let listen = reader.read_list(&flags::WEB_LISTEN_ADDRESS);
    let telemetry_path = reader.read(&flags::WEB_TELEMETRY_PATH);
    let max_requests = reader.read(&flags::WEB_MAX_REQUESTS);
    let max_connections = reader.read(&flags::WEB_MAX_CONNECTIONS);
    let external_url = reader.read_optional(&flags::WEB_EXTERNAL_URL);
    let route_prefix = reader.read_optional(&flags::WEB_ROUTE_PREFIX);
    let systemd_socket = reader.read(&flags::WEB_SYSTEMD_SOCKET);
    let grafana_url = reader.read_optional(&flags::WEB_GRAFANA_URL);
    let runbook_url = reader.read_optional(&flags::WEB_RUNBOOK_URL);
    let enable_lifecycle = reader.read(&flags::WEB_ENABLE_LIFECYCLE);
    let protection = match reader.read_optional(&flags::WEB_CONFIG_FILE)?.as_deref().map(Protection::load) {
        None => Some(Protection::none()),
        Some(Ok(protection)) => Some(protection),
        Some(Err(errors)) => {
            errors.iter().for_each(|error| reader.errors.push("--web.config.file", error));
            None
        }
    };
    let external_url = external_url?;
    // As in Prometheus: the path under which users come in, unless something in
    // front takes it away.
    let of_url = external_url.as_ref().map(|url| url.path().trim_end_matches('/').to_owned());
    Some(WebConfig {
        listen,
        telemetry_path: telemetry_path?,
        protection: protection?,
        max_requests: max_requests?,
        max_connections: max_connections?,
        route_prefix: route_prefix?.or(of_url).unwrap_or_default(),
        external_url,
        systemd_socket: systemd_socket?,
        grafana_url: grafana_url?,
        runbook_url: runbook_url?,
        enable_lifecycle: enable_lifecycle?,
    })
}

/// The settings as they are in force, as YAML. Keys are named by their file or
/// said to be set; nothing that is read from a key's door can get here.
fn effective(flags: &Flags, listed: &[FilePartner]) -> String {
    let mut settings = serde_json::Map::new();
    for flag in flags::FLAGS {
        let texts = flags.given().texts(flag);
        let value = match texts.as_slice() {
            [] => continue,
            texts if flag.is_list() => texts.iter().copied().collect(),
            [text, ..] if flag.is_switch() => Value::Bool(values::switch(text).unwrap_or_default()),
            [text, ..] => Value::from(*text),
        };
        settings.insert(flag.name.to_owned(), value);
    }
    if !listed.is_empty() {
        settings.insert("partners".to_owned(), serde_json::to_value(listed).unwrap_or_default());
    }
    serde_saphyr::to_string(&settings).unwrap_or_else(|e| format!("# cannot show the configuration: {e}\n"))
}

#[cfg(test)]
mod tests;
