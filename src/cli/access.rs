//! Partners: connected, for a command for people chosen, and what to do when one
//! does not respond.

use super::failure::{Failure, environment};
use crate::clock::Clock;
use crate::config::flags::{CONFIG_FILE, PARTNER_ID};
use crate::config::{Config, ConfigError, ConfigErrors, Flags, PartnerConfig};
use crate::model::Reason;
use crate::partner_api::http::HttpTransport;
use crate::partner_api::{ApiError, PartnerApi};
use crate::runtime::connect_counted;
use crate::telemetry::Telemetry;

/// The configuration, with the partners that are meant: those of the file, or
/// the one of them that `--partner.id` names.
pub(super) fn load(flags: &Flags) -> Result<Config, ConfigErrors> {
    let chosen = flags.text(&PARTNER_ID).filter(|_| flags.text(&CONFIG_FILE).is_some());
    let Some(chosen) = chosen else { return Config::load(flags, &environment) };
    let mut config = Config::load(&flags.clone().without(&PARTNER_ID), &environment)?;
    let ids: Vec<String> = config.partners.iter().map(|partner| format!("`{}`", partner.id)).collect();
    config.partners.retain(|partner| partner.id.as_str() == chosen.trim());
    if config.partners.is_empty() {
        let message = format!("expected one of the partners in --config.file, {}, found `{chosen}`", ids.join(", "));
        return Err(setting_error("--partner.id", message));
    }
    Ok(config)
}

/// The only partner, for what is about one client.
pub(super) fn single_partner(config: &Config) -> Result<&PartnerConfig, ConfigErrors> {
    match config.partners.as_slice() {
        [partner] => Ok(partner),
        partners => {
            let ids: Vec<String> = partners.iter().map(|partner| format!("`{}`", partner.id)).collect();
            let message = format!("expected the partner whose client is meant, one of {}, found none", ids.join(", "));
            Err(setting_error("--partner.id", message))
        }
    }
}

/// One error in the flags.
pub(super) fn setting_error(setting: &str, message: impl Into<String>) -> ConfigErrors {
    ConfigErrors(vec![ConfigError { setting: setting.to_owned(), message: message.into() }])
}

/// One partner's API for a command that nobody scrapes: its instruments are
/// counted for nobody.
pub(super) fn connect(partner: &PartnerConfig) -> anyhow::Result<PartnerApi<HttpTransport>> {
    connect_counted(partner, &Telemetry::new(), Clock::system())
}

/// What went wrong with single partners while the others went on.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// A request failed: what could not be done, and what to do.
    pub(super) fn failed(&mut self, partner: &PartnerConfig, what: &str, error: &ApiError) {
        self.0.push(failure(partner, what, error));
    }

    /// A list proves who is there, but not that these are all.
    pub(super) fn incomplete(&mut self, partner: &PartnerConfig, what: &str) {
        self.0.push(format!(
            "partner {}: expected all {what}, found a list that lacks some: items could not be read, or came and went \
             meanwhile; try again",
            partner.id
        ));
    }

    /// Whether all is well so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A failure of the command if there was any.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.is_empty() { Ok(()) } else { Err(Failure::Run(anyhow::anyhow!(self.0.join("\n")))) }
    }
}

/// What could not be done for a partner, why, and what to do.
pub(super) fn failure(partner: &PartnerConfig, what: &str, error: &ApiError) -> String {
    format!("partner {}: cannot {what}: {error}; {}", partner.id, remedy(partner, error.reason))
}

/// What a person can do about a failed request.
pub(super) fn remedy(partner: &PartnerConfig, reason: Reason) -> String {
    let base_url = &partner.settings.http.base_url;
    match reason {
        Reason::Unauthorized => {
            let place = partner.key.file().map_or_else(
                || format!("the variable {}", crate::config::API_KEY_VARIABLE),
                |file| format!("`{}`", file.display()),
            );
            format!("the key is refused: make a Partner API key in the Partner Hub and write it into {place}")
        }
        Reason::Forbidden => "the key may not read this: use a key of this partner account".to_owned(),
        Reason::NotFound => {
            format!(
                "the API does not know it: compare the ids and --partner.id with what the Partner Hub shows, and --api.base-url ({base_url})"
            )
        }
        Reason::RateLimited => "too many requests: wait a minute, and lower --api.max-rate if an exporter or another \
                                program uses the same partner account"
            .to_owned(),
        Reason::ServerError => "the API has a problem of its own: try again later".to_owned(),
        Reason::Timeout => "try again, with a longer --api.timeout or a smaller --api.page-size".to_owned(),
        Reason::Connect => format!("check the network, the proxy and --api.base-url ({base_url})"),
        Reason::TooLarge => "ask for less with --api.page-size, or allow more with --api.max-response-size".to_owned(),
        Reason::Decode | Reason::Redirect => {
            format!("check that --api.base-url ({base_url}) is the Partner API, path included")
        }
        Reason::Paging => "the list changes while it is read, or the API pages wrongly: try again".to_owned(),
        Reason::Other => "run it again with --log.level debug to see the requests".to_owned(),
    }
}
