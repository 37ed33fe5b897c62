//! How single values are written. Each function answers the value, or what was
//! expected instead.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytesize::ByteSize;
use regex_lite::Regex;
use tracing_subscriber::filter::LevelFilter;
use url::{Host, Url};

use crate::exposition::PhoneNumbers;
use crate::model::PartnerId;
use crate::partner_api::Rate;
use crate::poller::Strategy;
use crate::telemetry::logging::Format;
use crate::web::ListenAddress;

/// A duration such as `30s`, `5m`, `500ms`.
///
/// # Errors
///
/// Says what was expected.
pub fn parse_duration(value: &str) -> Result<Duration, String> {
    humantime::parse_duration(value).map_err(|_| "a duration such as `30s`, `5m` or `500ms`".to_owned())
}

pub(super) fn positive_duration(value: &str) -> Result<Duration, String> {
    match parse_duration(value)? {
        Duration::ZERO => Err("a duration longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// A rate such as `10/s`, `5/30s` or `10/min`.
///
/// # Errors
///
/// Says what was expected.
pub fn parse_rate(value: &str) -> Result<Rate, String> {
    let expected = || "a rate such as `10/s`, `5/30s` or `10/min`".to_owned();
    let (count, per) = value.split_once('/').ok_or_else(expected)?;
    let count: u32 = count.trim().parse().ok().filter(|&n| n > 0).ok_or_else(expected)?;
    let per = per.trim();
    // `10/s` is short for `10/1s`.
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per = positive_duration(&per).map_err(|_| expected())?;
    Ok(Rate { count, per })
}

pub(super) fn size(value: &str) -> Result<usize, String> {
    let expected = || "a size such as `32MiB`".to_owned();
    let size: ByteSize = value.parse().map_err(|_| expected())?;
    usize::try_from(size.as_u64()).ok().filter(|&n| n > 0).ok_or_else(expected)
}

pub(super) fn count(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|&n| n > 0).ok_or_else(|| "a whole number of at least 1".to_owned())
}

pub(super) fn index(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| "a whole number of at least 0".to_owned())
}

pub(super) fn partner_id(value: &str) -> Result<PartnerId, String> {
    match value.trim() {
        "" => Err("the id of your partner account, such as `examplePA`".to_owned()),
        id => Ok(id.into()),
    }
}

pub(super) fn base_url(value: &str) -> Result<Url, String> {
    let url: Url = value.parse().map_err(|e| format!("a URL such as `https://hub.360dialog.io/api/v2` ({e})"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("a URL of scheme, host and path alone".to_owned());
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
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

pub(super) fn strategy(value: &str) -> Result<Strategy, String> {
    match value {
        "auto" => Ok(Strategy::Auto),
        "per-client" => Ok(Strategy::PerClient),
        "bulk" => Ok(Strategy::Bulk),
        _ => Err("`auto`, `per-client` or `bulk`".to_owned()),
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

pub(super) fn telemetry_path(value: &str) -> Result<String, String> {
    let taken = ["/", "/config", "/healthz", "/livez", "/readyz"];
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    if value.starts_with('/') && plain && !taken.contains(&value) && !value.starts_with("/-/") {
        Ok(value.to_owned())
    } else {
        Err("a path such as `/metrics` that is not the exporter's own".to_owned())
    }
}

pub(super) fn listen_address(value: &str) -> Result<ListenAddress, String> {
    let expected = || "an address such as `:10360`, `127.0.0.1:10360` or `[::1]:10360`".to_owned();
    if let Some(port) = value.strip_prefix(':') {
        let port = port.parse().map_err(|_| expected())?;
        return Ok(ListenAddress(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)));
    }
    let value = value.strip_prefix("localhost:").map_or(value.to_owned(), |port| format!("127.0.0.1:{port}"));
    value.parse().map(ListenAddress).map_err(|_| expected())
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
