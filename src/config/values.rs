//! How single values are written. Each function returns the value, or what was
//! expected instead.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use regex_lite::Regex;
use tracing_subscriber::filter::LevelFilter;
use url::{Host, Url};

use crate::exposition::PhoneNumbers;
use crate::model::PartnerId;
use crate::partner_api::{PageSize, Rate};
use crate::poller::{CollectBalance, Strategy};
use crate::telemetry::logging::Format;
use crate::web::ListenAddress;

pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The units that a duration may have. humantime knows months and years, too,
/// and writes a month as `M`: `5M` for five minutes would be five months.
const UNITS: &[&str] = &[
    "ms", "msec", "millis", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h",
    "hr", "hour", "hours", "d", "day", "days",
];

/// A duration such as `30s`, `5m`, `500ms`.
///
/// # Errors
///
/// Says what was expected.
///
/// ```
/// use std::time::Duration;
/// use d360_exporter::config::parse_duration;
///
/// assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
/// assert!(parse_duration("5").is_err(), "a unit is needed");
/// ```
pub fn parse_duration(value: &str) -> Result<Duration, String> {
    let units = value.split(|c: char| !c.is_alphabetic()).filter(|unit| !unit.is_empty());
    let known = units.into_iter().all(|unit| UNITS.contains(&unit));
    humantime::parse_duration(value)
        .ok()
        .filter(|_| known)
        .ok_or_else(|| "a duration such as `30s`, `5m` or `500ms`".to_owned())
}

/// A duration within bounds.
pub(super) fn duration(value: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let duration = parse_duration(value)?;
    if (min..=max).contains(&duration) {
        Ok(duration)
    } else {
        Err(format!("a duration from {} to {}", humantime::format_duration(min), in_days(max)))
    }
}

/// A bound in days: humantime would make years and months of it.
fn in_days(duration: Duration) -> String {
    format!("{}d", duration.as_secs() / DAY.as_secs())
}

/// The largest count of a rate, and the longest time it may be per.
const MAX_RATE: (u32, Duration) = (1_000_000, DAY);

/// A rate such as `10/s`, `5/30s` or `10/min`.
///
/// # Errors
///
/// Says what was expected.
///
/// ```
/// use d360_exporter::config::parse_rate;
///
/// assert_eq!(parse_rate("5/30s").unwrap().per_second(), 5.0 / 30.0);
/// assert!(parse_rate("fast").is_err());
/// ```
pub fn parse_rate(value: &str) -> Result<Rate, String> {
    let expected = || "a rate such as `10/s`, `5/30s` or `10/min`".to_owned();
    let (count, per) = value.split_once('/').ok_or_else(expected)?;
    let count: u32 = count.trim().parse().ok().filter(|n| (1..=MAX_RATE.0).contains(n)).ok_or_else(expected)?;
    let per = per.trim();
    // `10/s` is short for `10/1s`.
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per = duration(&per, MILLISECOND, MAX_RATE.1).map_err(|_| expected())?;
    Ok(Rate { count, per })
}

/// A size within bounds, both in bytes.
pub(super) fn size(value: &str, min: u64, max: u64) -> Result<usize, String> {
    let size: ByteSize = value.parse().map_err(|_| "a size such as `32MiB`".to_owned())?;
    let within = (min..=max).contains(&size.as_u64());
    usize::try_from(size.as_u64())
        .ok()
        .filter(|_| within)
        .ok_or_else(|| format!("a size from {} to {}", ByteSize(min).display().iec(), ByteSize(max).display().iec()))
}

/// A whole number within bounds.
pub(super) fn count<N: FromStr + PartialOrd + Display>(value: &str, min: N, max: N) -> Result<N, String> {
    let count: Option<N> = value.parse().ok();
    count.filter(|n| *n >= min && *n <= max).ok_or_else(|| format!("a whole number from {min} to {max}"))
}

pub(super) fn page_size(value: &str) -> Result<PageSize, String> {
    match value {
        "auto" => Ok(PageSize::Auto),
        _ => count(value, 1, 100_000).map(PageSize::Fixed).map_err(|expected| format!("`auto` or {expected}")),
    }
}

/// `true` or `false`, as a variable may also say it.
pub(super) fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("`true` or `false`".to_owned()),
    }
}

pub(super) fn path(value: &str) -> Result<PathBuf, String> {
    if value.is_empty() { Err("the path of a file".to_owned()) } else { Ok(value.into()) }
}

pub(super) fn partner_id(value: &str) -> Result<PartnerId, String> {
    match value.trim() {
        "" => Err("the id of your partner account, such as `examplePA`".to_owned()),
        id => Ok(id.into()),
    }
}

pub(super) fn base_url(value: &str) -> Result<Url, String> {
    let url: Url = value.parse().map_err(|e| format!("a URL such as `https://hub.360dialog.io/api/v2` ({e})"))?;
    if has_more_than_a_path(&url) {
        return Err("a URL without user, query or fragment".to_owned());
    }
    // `x.localhost` is loopback by convention only: a resolver may send it anywhere.
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("an https URL, because the API key goes there (http is for loopback addresses)".to_owned()),
    }
}

fn has_more_than_a_path(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some()
}

/// A URL that pages link to, or that the exporter is reached by.
pub(super) fn web_url(value: &str) -> Result<Url, String> {
    let expected = || "a URL such as `https://monitoring.example/d360`, without user, query or fragment".to_owned();
    let url: Url = value.parse().map_err(|_| expected())?;
    let is_web = matches!(url.scheme(), "http" | "https") && !has_more_than_a_path(&url);
    if is_web { Ok(url) } else { Err(expected()) }
}

pub(super) fn strategy(value: &str) -> Result<Strategy, String> {
    match value {
        "auto" => Ok(Strategy::Auto),
        "per-client" => Ok(Strategy::PerClient),
        "bulk" => Ok(Strategy::Bulk),
        _ => Err("`auto`, `per-client` or `bulk`".to_owned()),
    }
}

pub(super) fn collect_balance(value: &str) -> Result<CollectBalance, String> {
    match value {
        "off" => Ok(CollectBalance::Off),
        "partner" => Ok(CollectBalance::Partner),
        "clients" => Ok(CollectBalance::Clients),
        _ => Err("`off`, `partner` or `clients`".to_owned()),
    }
}

pub(super) fn phone_numbers(value: &str) -> Result<PhoneNumbers, String> {
    match value {
        "full" => Ok(PhoneNumbers::Full),
        "masked" => Ok(PhoneNumbers::Masked),
        "off" => Ok(PhoneNumbers::Off),
        _ => Err("`full`, `masked` (last four digits) or `off`".to_owned()),
    }
}

pub(super) fn anchored_regex(value: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{value})$")).map_err(|e| format!("a regular expression ({e})"))
}

/// Paths of the exporter's own, and those below which it has more.
const TAKEN: &[&str] = &["/", "/config", "/healthz", "/livez", "/readyz", "/style.css"];
const TAKEN_BELOW: &[&str] = &["/-", "/api", "/clients", "/channels", "/changes", "/runbooks"];

pub(super) fn telemetry_path(value: &str) -> Result<String, String> {
    let below = |place: &&str| value.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let taken = TAKEN.contains(&value) || TAKEN_BELOW.iter().any(below);
    if is_plain_path(value) && !taken {
        Ok(value.to_owned())
    } else {
        Err("an absolute path such as `/metrics` that does not collide with a built-in endpoint".to_owned())
    }
}

/// A prefix of all paths, without the slash at its end: empty for none.
pub(super) fn route_prefix(value: &str) -> Result<String, String> {
    let trimmed = value.trim_matches('/');
    let path = format!("/{trimmed}");
    match trimmed {
        "" => Ok(String::new()),
        _ if is_plain_path(&path) && !path.contains("//") => Ok(path),
        _ => Err("a path such as `/d360`".to_owned()),
    }
}

fn is_plain_path(value: &str) -> bool {
    value.starts_with('/') && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
}

pub(super) fn listen_address(value: &str) -> Result<ListenAddress, String> {
    value
        .parse()
        .map_err(|_| "an address such as `:10360`, `127.0.0.1:10360`, `[::1]:10360` or `localhost:10360`".to_owned())
}

pub(super) fn log_level(value: &str) -> Result<LevelFilter, String> {
    match value {
        "error" | "warn" | "info" | "debug" | "trace" => value.parse().map_err(|_| "a level".to_owned()),
        _ => Err("`error`, `warn`, `info`, `debug` or `trace`".to_owned()),
    }
}

pub(super) fn log_format(value: &str) -> Result<Format, String> {
    match value {
        "logfmt" => Ok(Format::Logfmt),
        "json" => Ok(Format::Json),
        _ => Err("`logfmt` or `json`".to_owned()),
    }
}
