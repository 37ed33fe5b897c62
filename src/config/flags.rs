//! The flags: one definition each. To add one, add it here, and read it where
//! the configuration is made; see [`super::definition`] for what follows from it.
//!
//! Never here: checks that need more than one flag; those are in [`super::Config::load`].

use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

use super::definition::{Definition, Flag};
use super::values::{self, DAY, MILLISECOND};
use crate::exposition::PhoneNumbers;
use crate::model::PartnerId;
use crate::partner_api::{PageSize, Rate};
use crate::poller::{CollectBalance, Strategy};
use crate::telemetry::logging::Format;
use crate::web::ListenAddress;

/// Declares flags, and the list of them in the order of the help.
macro_rules! flags {
    ($(#[$list_doc:meta])* $list:ident; $($(#[$doc:meta])* $id:ident: $type:ty = $flag:expr;)*) => {
        $($(#[$doc])* pub static $id: Flag<$type> = $flag;)*
        $(#[$list_doc])*
        pub static $list: &[&Definition] = &[$(&$id.definition),*];
    };
}

const PARTNER: &str = "Partner";
const API: &str = "Partner API";
const POLLING: &str = "Polling";
const METRICS: &str = "Metrics";
const WEB: &str = "Web";
const LOGGING: &str = "Logging";

flags! {
    /// All flags of a command that polls.
    FLAGS;

    /// `--config.file`
    CONFIG_FILE: PathBuf = Flag::new("config.file", "D360_CONFIG_FILE", "FILE", values::path).about(
        PARTNER,
        "YAML file that lists several partners, each with its key file. Replaces --partner.id and --partner.api-key-file",
    );
    /// `--partner.id`
    PARTNER_ID: PartnerId = Flag::new("partner.id", "D360_PARTNER_ID", "ID", values::partner_id)
        .about(PARTNER, "Id of your partner account, such as `examplePA`");
    /// `--partner.api-key-file`
    API_KEY_FILE: PathBuf = Flag::new("partner.api-key-file", "D360_API_KEY_FILE", "FILE", values::path).about(
        PARTNER,
        "File with the Partner API key, read again when it changes and on a 401. \
         The key itself may come from the variable `D360_API_KEY`, never from a flag",
    );
    /// `--api.base-url`
    API_BASE_URL: Url = Flag::new("api.base-url", "D360_API_BASE_URL", "URL", values::base_url)
        .default("https://hub.360dialog.io/api/v2")
        .file_key("base_url")
        .about(API, "Base URL of the Partner API; must be https unless it is loopback");
    /// `--api.timeout`
    API_TIMEOUT: Duration = Flag::new("api.timeout", "D360_API_TIMEOUT", "DURATION", |value| {
        values::duration(value, MILLISECOND, DAY)
    })
    .default("30s")
    .about(API, "Timeout of one request, from its start to the last byte of the response");
    /// `--api.max-response-size`
    API_MAX_RESPONSE_SIZE: usize =
        Flag::new("api.max-response-size", "D360_API_MAX_RESPONSE_SIZE", "SIZE", |value| {
            values::size(value, 1 << 10, 4 << 30)
        })
        .default("32MiB")
        .about(API, "Largest response, after decompression");
    /// `--api.page-size`
    API_PAGE_SIZE: PageSize = Flag::new("api.page-size", "D360_API_PAGE_SIZE", "COUNT", values::page_size)
        .default("auto")
        .file_key("page_size")
        .about(API, "Items per page; auto starts at 1000 and halves when the API refuses a page or times out");
    /// `--api.min-rate`
    API_MIN_RATE: Rate = Flag::new("api.min-rate", "D360_API_MIN_RATE", "RATE", values::parse_rate)
        .default("10/min")
        .file_key("min_rate")
        .about(API, "Lowest rate that the adaptive rate limit may fall to");
    /// `--api.max-rate`
    API_MAX_RATE: Rate = Flag::new("api.max-rate", "D360_API_MAX_RATE", "RATE", values::parse_rate)
        .default("10/s")
        .file_key("max_rate")
        .about(API, "Highest rate that the adaptive rate limit may climb to");
    /// `--collect.balance`
    COLLECT_BALANCE: CollectBalance =
        Flag::new("collect.balance", "D360_COLLECT_BALANCE", "MODE", values::collect_balance)
            .default("off")
            .about(POLLING, "Prepaid balances to read every hour: off, partner, or clients (the partner's and each client's)");
    /// `--poll.interval`
    POLL_INTERVAL: Duration = Flag::new("poll.interval", "D360_POLL_INTERVAL", "DURATION", |value| {
        values::duration(value, MILLISECOND, 30 * DAY)
    })
    .default("5m")
    .about(POLLING, "Time from one full polling cycle to the next");
    /// `--poll.strategy`
    POLL_STRATEGY: Strategy = Flag::new("poll.strategy", "D360_POLL_STRATEGY", "STRATEGY", values::strategy)
        .default("auto")
        .file_key("strategy")
        .about(POLLING, "How channels are read: per-client, bulk, or auto (per-client while it fits)");
    /// `--poll.max-staleness`
    POLL_MAX_STALENESS: Duration =
        Flag::new("poll.max-staleness", "D360_POLL_MAX_STALENESS", "DURATION", |value| {
            values::duration(value, MILLISECOND, 365 * DAY)
        })
        .default("30m")
        .about(POLLING, "Stop exporting a client's data after it could not be refreshed for this long");
    /// `--poll.concurrency`
    POLL_CONCURRENCY: usize =
        Flag::new("poll.concurrency", "D360_POLL_CONCURRENCY", "COUNT", |value| values::count(value, 1, 1_000))
            .default("8")
            .about(POLLING, "Requests in flight per partner");
    /// `--state.file`
    STATE_FILE: PathBuf = Flag::new("state.file", "D360_STATE_FILE", "FILE", values::path)
        .about(POLLING, "File that keeps the state, so that a restart leaves no gap");
    /// `--shard`
    SHARD: u32 = Flag::new("shard", "D360_SHARD", "INDEX", |value| values::count(value, 0, 9_999))
        .default("0")
        .about(POLLING, "Index of this shard, starting at 0");
    /// `--total-shards`
    TOTAL_SHARDS: u32 = Flag::new("total-shards", "D360_TOTAL_SHARDS", "COUNT", |value| {
        values::count(value, 1, 10_000)
    })
    .default("1")
    .about(POLLING, "Number of processes that share the clients");
    /// `--metrics.phone-number`
    METRICS_PHONE_NUMBER: PhoneNumbers =
        Flag::new("metrics.phone-number", "D360_METRICS_PHONE_NUMBER", "MODE", values::phone_numbers)
            .default("full")
            .about(METRICS, "How much of a phone number is exposed: full, masked (last four digits) or off");
    /// `--metrics.exclude`
    METRICS_EXCLUDE: Regex = Flag::new("metrics.exclude", "D360_METRICS_EXCLUDE", "REGEX", values::anchored_regex)
        .about(METRICS, "Drop metrics whose whole name matches this regular expression");
    /// `--metrics.max-label-length`
    METRICS_MAX_LABEL_LENGTH: usize =
        Flag::new("metrics.max-label-length", "D360_METRICS_MAX_LABEL_LENGTH", "BYTES", |value| {
            values::count(value, 16, 65_536)
        })
        .default("256")
        .about(METRICS, "Longest label value in bytes; longer ones are cut and end in …");
    /// `--web.listen-address`
    WEB_LISTEN_ADDRESS: ListenAddress =
        Flag::new("web.listen-address", "D360_WEB_LISTEN_ADDRESS", "ADDRESS", values::listen_address)
            .default(":10360")
            .list()
            .about(WEB, "Address to listen on; may be repeated");
    /// `--web.telemetry-path`
    WEB_TELEMETRY_PATH: String =
        Flag::new("web.telemetry-path", "D360_WEB_TELEMETRY_PATH", "PATH", values::telemetry_path)
            .default("/metrics")
            .about(WEB, "Path of the metrics");
    /// `--web.config.file`
    WEB_CONFIG_FILE: PathBuf = Flag::new("web.config.file", "D360_WEB_CONFIG_FILE", "FILE", values::path)
        .about(WEB, "File with TLS and basic auth settings, in the exporter-toolkit's format");
    /// `--web.max-requests`
    WEB_MAX_REQUESTS: usize =
        Flag::new("web.max-requests", "D360_WEB_MAX_REQUESTS", "COUNT", |value| values::count(value, 0, 100_000))
            .default("40")
            .about(WEB, "Maximum concurrent scrapes; further ones get 503 (0 = unlimited)");
    /// `--web.max-connections`
    WEB_MAX_CONNECTIONS: usize =
        Flag::new("web.max-connections", "D360_WEB_MAX_CONNECTIONS", "COUNT", |value| values::count(value, 8, 1_000_000))
            .default("512")
            .about(WEB, "Maximum open connections; the one that has been idle longest is closed for a new one");
    /// `--web.external-url`
    WEB_EXTERNAL_URL: Url = Flag::new("web.external-url", "D360_WEB_EXTERNAL_URL", "URL", values::web_url)
        .about(WEB, "URL under which users reach the exporter, such as behind a reverse proxy");
    /// `--web.route-prefix`
    WEB_ROUTE_PREFIX: String = Flag::new("web.route-prefix", "D360_WEB_ROUTE_PREFIX", "PATH", values::route_prefix)
        .about(WEB, "Prefix of all paths of the web server; defaults to the path of --web.external-url");
    /// `--web.systemd-socket`
    WEB_SYSTEMD_SOCKET: bool = Flag::new("web.systemd-socket", "D360_WEB_SYSTEMD_SOCKET", "BOOL", values::switch)
        .switch()
        .about(WEB, "Use the listeners that systemd passes instead of --web.listen-address");
    /// `--web.grafana-url`
    WEB_GRAFANA_URL: Url = Flag::new("web.grafana-url", "D360_WEB_GRAFANA_URL", "URL", values::web_url)
        .about(WEB, "Base URL of Grafana, for links from the pages");
    /// `--web.runbook-url`
    WEB_RUNBOOK_URL: Url = Flag::new("web.runbook-url", "D360_WEB_RUNBOOK_URL", "URL", values::web_url)
        .about(WEB, "Base URL of the runbooks that the pages link to; by default the exporter serves them itself");
    /// `--web.enable-lifecycle`
    WEB_ENABLE_LIFECYCLE: bool =
        Flag::new("web.enable-lifecycle", "D360_WEB_ENABLE_LIFECYCLE", "BOOL", values::switch)
            .switch()
            .about(WEB, "Serve `POST /-/reload`");
}

flags! {
    /// The flags about logging.
    LOG_FLAGS;

    /// `--log.level`
    LOG_LEVEL: LevelFilter = Flag::new("log.level", "D360_LOG_LEVEL", "LEVEL", values::log_level)
        .default("info")
        .about(LOGGING, "Minimum log level: error, warn, info, debug or trace");
    /// `--log.format`
    LOG_FORMAT: Format = Flag::new("log.format", "D360_LOG_FORMAT", "FORMAT", values::log_format)
        .default("logfmt")
        .about(LOGGING, "Log format: logfmt or json");
}
