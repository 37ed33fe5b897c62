//! The configuration as a person writes it, and all errors in it.

mod errors;
mod files;
mod values;

use std::path::Path;

use clap::{CommandFactory as _, Parser};
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::*;
use crate::exposition::PhoneNumbers;
use crate::partner_api::{PageSize, Rate};
use crate::poller::{self, Shard};
use crate::telemetry::logging;

/// The flags of `serve`.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    log: LogFlags,
}

/// Loads flags, with nothing in the environment but the API key, if there is one.
fn load(args: &[&str], key: Option<&str>) -> Result<Config, ConfigErrors> {
    let env = |name: &str| key.filter(|_| name == API_KEY_VARIABLE).map(str::to_owned);
    Config::load(&Line::parse_from(args).flags, &env)
}

/// Loads flags of a partner, who is named already and has a key.
fn load_partner(args: &[&str]) -> Result<Config, ConfigErrors> {
    load(&[&["--partner.id=examplePA"], args].concat(), Some("canary-key"))
}

/// The errors in the flags of a partner, as they are printed.
fn errors(args: &[&str]) -> Vec<String> {
    load_partner(args).map_or_else(|e| e.to_string().lines().map(str::to_owned).collect(), |_| Vec::new())
}

#[test]
fn the_flags_are_those_of_the_contract() {
    let contract = [
        ("config.file", "D360_CONFIG_FILE", ""),
        ("partner.id", "D360_PARTNER_ID", ""),
        ("partner.api-key-file", "D360_API_KEY_FILE", ""),
        ("api.base-url", "D360_API_BASE_URL", "https://hub.360dialog.io/api/v2"),
        ("api.timeout", "D360_API_TIMEOUT", "30s"),
        ("api.max-response-size", "D360_API_MAX_RESPONSE_SIZE", "32MiB"),
        ("api.page-size", "D360_API_PAGE_SIZE", "auto"),
        ("api.min-rate", "D360_API_MIN_RATE", "10/min"),
        ("api.max-rate", "D360_API_MAX_RATE", "10/s"),
        ("collect.balance", "D360_COLLECT_BALANCE", "off"),
        ("poll.interval", "D360_POLL_INTERVAL", "5m"),
        ("poll.strategy", "D360_POLL_STRATEGY", "auto"),
        ("poll.max-staleness", "D360_POLL_MAX_STALENESS", "30m"),
        ("poll.concurrency", "D360_POLL_CONCURRENCY", "8"),
        ("state.file", "D360_STATE_FILE", ""),
        ("metrics.phone-number", "D360_METRICS_PHONE_NUMBER", "full"),
        ("metrics.exclude", "D360_METRICS_EXCLUDE", ""),
        ("metrics.max-label-length", "D360_METRICS_MAX_LABEL_LENGTH", "256"),
        ("shard", "D360_SHARD", "0"),
        ("total-shards", "D360_TOTAL_SHARDS", "1"),
        ("web.listen-address", "D360_WEB_LISTEN_ADDRESS", ":10360"),
        ("web.telemetry-path", "D360_WEB_TELEMETRY_PATH", "/metrics"),
        ("web.config.file", "D360_WEB_CONFIG_FILE", ""),
        ("web.max-requests", "D360_WEB_MAX_REQUESTS", "40"),
        ("web.max-connections", "D360_WEB_MAX_CONNECTIONS", "512"),
        ("web.external-url", "D360_WEB_EXTERNAL_URL", ""),
        ("web.route-prefix", "D360_WEB_ROUTE_PREFIX", ""),
        ("web.systemd-socket", "D360_WEB_SYSTEMD_SOCKET", ""),
        ("web.grafana-url", "D360_WEB_GRAFANA_URL", ""),
        ("web.runbook-url", "D360_WEB_RUNBOOK_URL", ""),
        ("web.enable-lifecycle", "D360_WEB_ENABLE_LIFECYCLE", ""),
        ("log.level", "D360_LOG_LEVEL", "info"),
        ("log.format", "D360_LOG_FORMAT", "logfmt"),
    ]
    .map(|(flag, variable, default)| (flag.to_owned(), variable.to_owned(), default.to_owned()));

    let command = Line::command();
    let mut flags: Vec<(String, String, String)> = command
        .get_arguments()
        .filter(|arg| arg.get_id() != "help")
        .map(|arg| {
            let default: Vec<_> = arg.get_default_values().iter().map(|v| v.to_str().unwrap()).collect();
            let is_switch = arg.get_num_args().is_some_and(|values| values.min_values() == 0);
            (
                arg.get_long().unwrap().to_owned(),
                arg.get_env().unwrap().to_str().unwrap().to_owned(),
                if is_switch { String::new() } else { default.join(",") },
            )
        })
        .collect();
    let mut contract = contract.to_vec();
    flags.sort();
    contract.sort();
    assert_eq!(flags, contract);
}

#[test]
fn no_flag_takes_the_key_and_no_help_shows_the_environment() {
    for arg in Line::command().get_arguments().filter(|arg| arg.get_id() != "help") {
        assert_ne!(arg.get_env().unwrap(), API_KEY_VARIABLE);
        assert!(arg.is_hide_env_values_set(), "{arg}");
    }
}

#[test]
fn the_defaults_are_a_configuration_but_for_the_partner() {
    let config = load_partner(&[]).unwrap();
    let PartnerConfig { id, settings: partner, .. } = &config.partners[0];
    assert_eq!(config.partners.len(), 1);
    assert_eq!(id.as_str(), "examplePA");
    assert_eq!(partner.http.base_url.as_str(), "https://hub.360dialog.io/api/v2");
    assert_eq!((partner.http.timeout, partner.http.max_response_size), (Duration::from_secs(30), 32 << 20));
    assert_eq!(partner.page_size, PageSize::Auto);
    assert_eq!(partner.min_rate, Rate { count: 10, per: Duration::from_secs(60) });
    assert_eq!(partner.max_rate, Rate { count: 10, per: Duration::from_secs(1) });
    let poll = poller::Settings {
        interval: Duration::from_secs(300),
        strategy: poller::Strategy::Auto,
        concurrency: 8,
        shard: Shard { index: 0, total: 1 },
        balance: poller::CollectBalance::Off,
    };
    assert_eq!(partner.poll, poll);
    assert_eq!((config.poll_interval, config.max_staleness), (Duration::from_secs(300), Duration::from_secs(1_800)));
    assert_eq!(config.state_file, None);
    assert_eq!(config.render.phone_numbers, PhoneNumbers::Full);
    let web = config.web;
    assert_eq!(web.listen, [":10360".parse().unwrap()]);
    assert_eq!((web.telemetry_path.as_str(), web.max_requests, web.max_connections), ("/metrics", 40, 512));
    assert!(!web.enable_lifecycle);
}

#[test]
fn the_effective_configuration_shows_what_is_in_force_and_never_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "canary-key").unwrap();
    let key_file = format!("--partner.api-key-file={}", file.display());
    let with_file = load(&["--partner.id=examplePA", "--poll.interval=1m", &key_file], None);
    for config in [load_partner(&["--poll.interval=1m"]), with_file] {
        let config = config.unwrap();
        assert!(config.effective.contains("poll.interval: 1m\n"), "{}", config.effective);
        assert!(config.effective.contains("partner.id: examplePA\n"), "{}", config.effective);
        assert!(config.effective.contains("api.timeout: 30s\n"), "{}", config.effective);
        assert!(!config.effective.contains("canary"), "{}", config.effective);
        assert!(!format!("{config:?}").contains("canary"));
    }
}

#[test]
fn the_log_has_five_levels_and_two_formats() {
    let log = |args: &[&str]| LogConfig::load(&Line::parse_from(args).log);
    assert_eq!(log(&[]), Ok(LogConfig { level: LevelFilter::INFO, format: logging::Format::Logfmt }));
    for (name, level) in [
        ("error", LevelFilter::ERROR),
        ("warn", LevelFilter::WARN),
        ("info", LevelFilter::INFO),
        ("debug", LevelFilter::DEBUG),
        ("trace", LevelFilter::TRACE),
    ] {
        let read = log(&["--log.format=json", "--log.level", name]);
        assert_eq!(read, Ok(LogConfig { level, format: logging::Format::Json }));
    }
    assert_eq!(
        log(&["--log.level=loud", "--log.format=xml"]).unwrap_err().to_string(),
        "--log.level: expected `error`, `warn`, `info`, `debug` or `trace`, found `loud`\n\
         --log.format: expected `logfmt` or `json`, found `xml`"
    );
}
