//! The flags, with the environment variable and the default of each.
//!
//! Values are texts here and checked in [`super::Config::load`], so that every
//! mistake is reported at once.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

/// The flags of a command that polls.
#[derive(Debug, Clone, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Flags {
    /// YAML file with several partners and their key files; not needed for one, and no place beside it takes a key
    #[arg(
        long = "config.file",
        env = "D360_CONFIG_FILE",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Partner"
    )]
    #[serde(rename = "config.file", skip_serializing_if = "Option::is_none")]
    pub config_file: Option<PathBuf>,

    /// Id of your partner account, such as `examplePA`
    #[arg(
        long = "partner.id",
        env = "D360_PARTNER_ID",
        hide_env_values = true,
        value_name = "ID",
        help_heading = "Partner"
    )]
    #[serde(rename = "partner.id", skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<String>,

    /// File with the Partner API key, read again when it changes and on a 401.
    /// The key itself may come from the variable `D360_API_KEY`, never from a flag
    #[arg(
        long = "partner.api-key-file",
        env = "D360_API_KEY_FILE",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Partner"
    )]
    #[serde(rename = "partner.api-key-file", skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,

    /// Base URL of the Partner API; https is required unless it is loopback
    #[arg(
        long = "api.base-url",
        env = "D360_API_BASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "https://hub.360dialog.io/api/v2",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.base-url")]
    pub api_base_url: String,

    /// Time-out of one request, from its start to the last byte
    #[arg(
        long = "api.timeout",
        env = "D360_API_TIMEOUT",
        hide_env_values = true,
        value_name = "DURATION",
        default_value = "30s",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.timeout")]
    pub api_timeout: String,

    /// Largest answer, after decompression
    #[arg(
        long = "api.max-response-size",
        env = "D360_API_MAX_RESPONSE_SIZE",
        hide_env_values = true,
        value_name = "SIZE",
        default_value = "32MiB",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.max-response-size")]
    pub api_max_response_size: String,

    /// Items of one page
    #[arg(
        long = "api.page-size",
        env = "D360_API_PAGE_SIZE",
        hide_env_values = true,
        value_name = "COUNT",
        default_value = "200",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.page-size")]
    pub api_page_size: String,

    /// Lower bound of the adaptive pacer
    #[arg(
        long = "api.min-rate",
        env = "D360_API_MIN_RATE",
        hide_env_values = true,
        value_name = "RATE",
        default_value = "10/min",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.min-rate")]
    pub api_min_rate: String,

    /// Upper bound of the adaptive pacer
    #[arg(
        long = "api.max-rate",
        env = "D360_API_MAX_RATE",
        hide_env_values = true,
        value_name = "RATE",
        default_value = "10/s",
        help_heading = "Partner API"
    )]
    #[serde(rename = "api.max-rate")]
    pub api_max_rate: String,

    /// Time from one full cycle to the next
    #[arg(
        long = "poll.interval",
        env = "D360_POLL_INTERVAL",
        hide_env_values = true,
        value_name = "DURATION",
        default_value = "5m",
        help_heading = "Polling"
    )]
    #[serde(rename = "poll.interval")]
    pub poll_interval: String,

    /// How channels are read: per-client, bulk, or auto (per-client while it fits)
    #[arg(
        long = "poll.strategy",
        env = "D360_POLL_STRATEGY",
        hide_env_values = true,
        value_name = "STRATEGY",
        default_value = "auto",
        help_heading = "Polling"
    )]
    #[serde(rename = "poll.strategy")]
    pub poll_strategy: String,

    /// How long data that can't be refreshed stays
    #[arg(
        long = "poll.max-staleness",
        env = "D360_POLL_MAX_STALENESS",
        hide_env_values = true,
        value_name = "DURATION",
        default_value = "30m",
        help_heading = "Polling"
    )]
    #[serde(rename = "poll.max-staleness")]
    pub poll_max_staleness: String,

    /// Requests in flight per partner
    #[arg(
        long = "poll.concurrency",
        env = "D360_POLL_CONCURRENCY",
        hide_env_values = true,
        value_name = "COUNT",
        default_value = "8",
        help_heading = "Polling"
    )]
    #[serde(rename = "poll.concurrency")]
    pub poll_concurrency: String,

    /// File that keeps the state, for a restart without a gap
    #[arg(
        long = "state.file",
        env = "D360_STATE_FILE",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Polling"
    )]
    #[serde(rename = "state.file", skip_serializing_if = "Option::is_none")]
    pub state_file: Option<PathBuf>,

    /// How much of a phone number is exposed: full, masked (last four digits) or off
    #[arg(
        long = "metrics.phone-number",
        env = "D360_METRICS_PHONE_NUMBER",
        hide_env_values = true,
        value_name = "MODE",
        default_value = "full",
        help_heading = "Metrics"
    )]
    #[serde(rename = "metrics.phone-number")]
    pub metrics_phone_number: String,

    /// Families left out: a regular expression, anchored at both ends
    #[arg(
        long = "metrics.exclude",
        env = "D360_METRICS_EXCLUDE",
        hide_env_values = true,
        value_name = "REGEX",
        help_heading = "Metrics"
    )]
    #[serde(rename = "metrics.exclude", skip_serializing_if = "Option::is_none")]
    pub metrics_exclude: Option<String>,

    /// This process's part of the clients, counted from 0
    #[arg(
        long = "shard",
        env = "D360_SHARD",
        hide_env_values = true,
        value_name = "INDEX",
        default_value = "0",
        help_heading = "Polling"
    )]
    #[serde(rename = "shard")]
    pub shard: String,

    /// Number of processes that share the clients
    #[arg(
        long = "total-shards",
        env = "D360_TOTAL_SHARDS",
        hide_env_values = true,
        value_name = "COUNT",
        default_value = "1",
        help_heading = "Polling"
    )]
    #[serde(rename = "total-shards")]
    pub total_shards: String,

    /// Address to listen on; may be repeated
    #[arg(
        long = "web.listen-address",
        env = "D360_WEB_LISTEN_ADDRESS",
        hide_env_values = true,
        value_name = "ADDRESS",
        default_value = ":10360",
        value_delimiter = ',',
        help_heading = "Web"
    )]
    #[serde(rename = "web.listen-address")]
    pub web_listen_address: Vec<String>,

    /// Path of the metrics
    #[arg(
        long = "web.telemetry-path",
        env = "D360_WEB_TELEMETRY_PATH",
        hide_env_values = true,
        value_name = "PATH",
        default_value = "/metrics",
        help_heading = "Web"
    )]
    #[serde(rename = "web.telemetry-path")]
    pub web_telemetry_path: String,

    /// TLS and basic auth, in the exporter-toolkit's format
    #[arg(
        long = "web.config.file",
        env = "D360_WEB_CONFIG_FILE",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Web"
    )]
    #[serde(rename = "web.config.file", skip_serializing_if = "Option::is_none")]
    pub web_config_file: Option<PathBuf>,

    /// Parallel scrapes; more get 503. 0 is no bound
    #[arg(
        long = "web.max-requests",
        env = "D360_WEB_MAX_REQUESTS",
        hide_env_values = true,
        value_name = "COUNT",
        default_value = "40",
        help_heading = "Web"
    )]
    #[serde(rename = "web.max-requests")]
    pub web_max_requests: String,

    /// Serve `POST /-/reload`
    #[arg(long = "web.enable-lifecycle", env = "D360_WEB_ENABLE_LIFECYCLE", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Web")]
    #[serde(rename = "web.enable-lifecycle")]
    pub web_enable_lifecycle: bool,
}

/// The flags about logging, which every command has.
#[derive(Debug, Clone, Args, Serialize)]
pub struct LogFlags {
    /// Least important events that are logged: error, warn, info, debug or trace
    #[arg(
        long = "log.level",
        env = "D360_LOG_LEVEL",
        hide_env_values = true,
        value_name = "LEVEL",
        default_value = "info",
        global = true,
        help_heading = "Logging"
    )]
    #[serde(rename = "log.level")]
    pub log_level: String,

    /// How log lines are written: logfmt or json
    #[arg(
        long = "log.format",
        env = "D360_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT",
        default_value = "logfmt",
        global = true,
        help_heading = "Logging"
    )]
    #[serde(rename = "log.format")]
    pub log_format: String,
}
