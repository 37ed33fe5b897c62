//! Faults of a whole response: those that replace it, and those that change how it travels. Never here: faults of lists.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::exchange::{Delivery, Now, Response};
use super::faults::{Kind, RetryAfter};

/// The response of the first fault that replaces the response of the API.
pub(super) fn faulty_response(faults: &[Kind], now: Now) -> Option<Response> {
    faults.iter().find_map(|kind| {
        Some(match kind {
            Kind::RateLimited { retry_after } => {
                Response::too_many_requests().with_header("retry-after", retry_after_value(retry_after, now))
            }
            Kind::ServerError { status, retry_after } => Response::error(*status, "Internal server error")
                .with_header("retry-after", retry_after_value(retry_after, now)),
            Kind::Unsuccessful { message } => unsuccessful(message),
            Kind::Unauthorized {} => Response::error(401, "Unauthorized"),
            Kind::Forbidden {} => Response::error(403, "Forbidden"),
            Kind::NotFound {} => Response::error(404, "Not found"),
            Kind::Html {} => {
                let page = "<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>\n";
                Response::text("text/html; charset=utf-8", page.to_owned())
            }
            Kind::NotJson {} => Response::json(200, br#"{"clients": [{"id": "#.to_vec()),
            Kind::EmptyBody {} => Response::json(200, Vec::new()),
            Kind::WrongShape {} => Response::value(200, &json!({ "result": { "things": "many" }, "ok": true })),
            Kind::Redirect { location } => {
                Response::json(302, Vec::new()).with_header("location", Some(location.clone()))
            }
            Kind::HugeBody { mib } => {
                // White space before the value: a decoder that reads as it goes finds no reason to stop.
                let delivery = Delivery::Repeated { total: *mib as u64 * 1024 * 1024 };
                Response { delivery, ..Response::json(200, vec![b' '; 64 * 1024]) }
            }
            _ => return None,
        })
    })
}

/// An empty list of any kind whose envelope says that it is none.
fn unsuccessful(message: &str) -> Response {
    let meta = json!({ "success": false, "http_code": 200, "developer_message": message });
    let empty: [(); 0] = [];
    Response::value(
        200,
        &json!({
            "meta": meta, "limit": 1000, "offset": 0, "total": 0, "count": 0,
            "clients": empty, "channels": empty, "partner_channels": empty,
        }),
    )
}

/// The response to a page size that a fault refuses.
pub(super) fn refused_page_size(limit: usize, faults: &[Kind]) -> Option<Response> {
    faults.iter().find_map(|kind| match kind {
        Kind::RefusedPageSize { above, status } if limit > *above => Some(match status {
            Some(413) => Response::error(413, "Payload too large"),
            Some(400) => Response::wrong_payload(&[format!("limit must be at most {above}, found {limit}")]),
            Some(status) => Response::error(*status, "Page size refused"),
            None => Response { delivery: Delivery::Hang, ..Response::json(200, Vec::new()) },
        }),
        _ => None,
    })
}

fn retry_after_value(retry_after: &RetryAfter, now: Now) -> Option<String> {
    match retry_after {
        RetryAfter::None => None,
        RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
        RetryAfter::Text(text) if text == "http_date" => Some(http_date(now, 30)),
        RetryAfter::Text(text) => Some(text.clone()),
    }
}

fn http_date(now: Now, seconds: u64) -> String {
    let second = u64::try_from(now.wall.as_second()).unwrap_or_default() + seconds;
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(second))
}

/// Encodes the body and adds header lines.
pub(super) fn encode(response: &mut Response, faults: &[Kind]) {
    for kind in faults {
        match kind {
            Kind::WrongEncoding {} => response.headers.push(("content-encoding", "gzip".to_owned())),
            Kind::ByteOrderMark {} => response.body = [b"\xef\xbb\xbf", &*response.body].concat().into(),
            Kind::Gzip { encoding, members } => {
                response.body = compressed(&response.body, members.get()).into();
                response.headers.push(("content-encoding", encoding.clone()));
            }
            Kind::ManyHeaders { count } => {
                response.headers.extend((0..*count).map(|nth| ("x-simulated", nth.to_string())));
            }
            _ => {}
        }
    }
}

/// The body as several gzip members, one after the other.
fn compressed(body: &[u8], members: usize) -> Vec<u8> {
    let mut compressed = Vec::new();
    for piece in body.chunks(body.len().div_ceil(members).max(1)) {
        let mut encoder = GzEncoder::new(&mut compressed, Compression::fast());
        // Writing to memory cannot fail.
        let _ = encoder.write_all(piece).and_then(|()| encoder.try_finish());
    }
    compressed
}

/// Decides how the response travels. Of several ways the one that troubles the client most wins.
pub(super) fn deliver(response: &mut Response, faults: &[Kind], latency: Duration) {
    let mut wait = latency;
    for kind in faults {
        if let Kind::Latency { ms } = kind {
            wait = wait.saturating_add(Duration::from_millis(*ms));
        }
    }
    if response.delivery == Delivery::Whole && !wait.is_zero() {
        response.delivery = Delivery::After(wait);
    }
    for kind in faults {
        match (kind, response.delivery) {
            (Kind::Hang {}, _) => response.delivery = Delivery::Hang,
            (_, Delivery::Hang) => {}
            (Kind::Truncated {}, _) => response.delivery = Delivery::Truncated { at: response.body.len() / 2 },
            (Kind::Drip { chunk, every_ms }, Delivery::Whole | Delivery::After(_)) => {
                response.delivery = Delivery::Drip { chunk: chunk.get(), every: Duration::from_millis(*every_ms) };
            }
            _ => {}
        }
    }
}
