//! A request, when it came, and its response: plain values without a socket. Never here: what a response says.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A request as it comes in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// The path, percent-encoded as on the wire.
    pub path: String,
    /// The part after the question mark.
    pub query: Option<String>,
    /// The value of `X-API-Key`.
    pub api_key: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The time of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Since the start of the simulator.
    pub(super) elapsed: Duration,
    /// The time of day.
    pub(super) wall: Timestamp,
}

/// A response and how it reaches the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers in addition to those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// How head and body get there.
    pub delivery: Delivery,
}

/// How a response reaches the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// At once and in one piece.
    Whole,
    /// In one piece, late.
    After(Duration),
    /// Never: the connection stays open and silent.
    Hang,
    /// The head at once, then the body piece by piece.
    Drip {
        /// Bytes per piece.
        chunk: usize,
        /// The wait before each piece.
        every: Duration,
    },
    /// The head announces the whole body, but the connection closes early.
    Truncated {
        /// Bytes that are sent.
        at: usize,
    },
    /// The body over and over, without an announced length.
    Repeated {
        /// Bytes that are sent in all.
        total: u64,
    },
}

impl Response {
    /// A JSON response.
    pub(super) fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: Bytes::from(body),
            delivery: Delivery::Whole,
        }
    }

    /// A JSON response from a value.
    pub(super) fn value(status: u16, value: &Value) -> Self {
        Self::json(status, value.to_string().into_bytes())
    }

    /// A 200 of another content type.
    pub(super) fn text(content_type: &str, text: String) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { headers, ..Self::json(200, text.into_bytes()) }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self { headers: Vec::new(), ..Self::json(204, Vec::new()) }
    }

    /// The error envelope of the API.
    pub(super) fn error(status: u16, message: &str) -> Self {
        let meta = json!({ "success": false, "http_code": status, "developer_message": message });
        Self::value(status, &json!({ "meta": meta }))
    }

    /// The error envelope for an invalid request, with the reasons.
    pub(super) fn wrong_payload(details: &[String]) -> Self {
        let meta = json!({
            "success": false, "http_code": 400, "developer_message": "Wrong payload", "details": details,
        });
        Self::value(400, &json!({ "meta": meta }))
    }

    /// 429.
    pub(super) fn too_many_requests() -> Self {
        Self::error(429, "Too Many Requests")
    }

    /// The same response with a further header.
    pub(super) fn with_header(mut self, name: &'static str, value: Option<String>) -> Self {
        self.headers.extend(value.map(|value| (name, value)));
        self
    }
}
