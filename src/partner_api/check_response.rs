//! Telling a response from a failure.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ApiError, Reason, Response};
use crate::model::Timestamp;
use crate::redaction::{is_invisible, redact};

/// Some servers put it before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A larger error body is not read: as a tree it would take many times its size,
/// and no message is so long.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// The body of a response unless it is a rejection: by its status, or by
/// a `meta` that says so in spite of a status of success.
pub(super) fn check_response(response: Response, now: Timestamp) -> Result<Bytes, ApiError> {
    let Response { status, retry_after, mut body } = response;
    if body.starts_with(BYTE_ORDER_MARK) {
        body = body.slice(BYTE_ORDER_MARK.len()..);
    }
    let retry_after = retry_after.as_deref().and_then(|value| parse_retry_after(value, now));
    if (200..300).contains(&status) {
        return match refused_status(&body) {
            None => Ok(body),
            Some(claimed) => Err(ApiError {
                reason: claimed.filter(|claimed| *claimed >= 400).map_or(Reason::Other, reason_of),
                detail: format!(
                    "expected a successful response, found status {status} with `success: false`{}",
                    said(&body)
                ),
                status: claimed,
                retry_after,
            }),
        };
    }
    Err(ApiError {
        reason: reason_of(status),
        detail: format!("expected status 200, found {status}{}", said(&body)),
        status: Some(status),
        retry_after,
    })
}

fn reason_of(status: u16) -> Reason {
    match status {
        300..=399 => Reason::Redirect,
        401 => Reason::Unauthorized,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        408 => Reason::Timeout,
        429 => Reason::RateLimited,
        500..=599 => Reason::ServerError,
        _ => Reason::Other,
    }
}

/// Whether `body` is JSON at all.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// The status that the `meta` of a body names, if it says `success: false`.
#[expect(clippy::option_option, reason = "no refusal, and a refusal without a status, are two things")]
fn refused_status(body: &[u8]) -> Option<Option<u16>> {
    #[derive(Deserialize)]
    struct Envelope {
        meta: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        success: bool,
        #[serde(default)]
        http_code: serde_json::Value,
    }
    // A page of a list is large, and seldom speaks of success.
    memchr::memmem::find(body, b"\"success\"")?;
    let Envelope { meta } = serde_json::from_slice(body).ok()?;
    (!meta.success).then(|| meta.http_code.as_u64().and_then(|code| u16::try_from(code).ok()))
}

fn said(body: &[u8]) -> String {
    message(body).map_or_else(String::new, |message| format!(": {message}"))
}

/// What an error body says, as far as it is known: several forms are in use.
/// An API that repeats the key it refuses must not get it into the log.
fn message(body: &[u8]) -> Option<String> {
    if body.len() > MAX_ERROR_BODY {
        return None;
    }
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = ["/meta/developer_message", "/error_description", "/error/message", "/error", "/message"]
        .iter()
        .find_map(|pointer| json.pointer(pointer)?.as_str())?;
    // Before it is cut: a part of a key is not found any more.
    Some(redact(text).chars().filter(|c| !is_invisible(*c)).take(200).collect())
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
    Some(Duration::try_from(Timestamp::from(date).duration_since(now)).unwrap_or(Duration::ZERO))
}
