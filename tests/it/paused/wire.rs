//! The simulator's responses without a socket, for paused time. Never here: what is expected of the exporter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use d360_exporter::model::Reason;
use d360_exporter::partner_api::{ApiError, Request, Response, Transport};
use d360_exporter::simulator::{self, API_PREFIX, Delivery, Simulator};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

/// Largest response that is accepted.
const MAX_RESPONSE_SIZE: u64 = 1024 * 1024;

/// The simulator as a transport that writes down what is asked.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) simulator: Simulator,
    pub(super) down: Arc<AtomicBool>,
    /// A key that the API takes in the place of the simulator's.
    pub(super) key: Arc<Mutex<Option<String>>>,
    pub(super) began: Instant,
    pub(super) asked: Arc<Mutex<Vec<(Duration, String)>>>,
    pub(super) timeout: Duration,
}

impl Transport for Wire {
    async fn send(&self, request: &Request, key: &SecretString) -> Result<Response, ApiError> {
        let path = format!("{API_PREFIX}/{}", request.path.join("/"));
        self.asked.lock().unwrap().push((self.began.elapsed(), path.clone()));
        if self.down.load(Ordering::Relaxed) {
            return Err(ApiError::new(Reason::Connect, "the API is down"));
        }
        let query: Vec<_> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut key = key.expose_secret().to_owned();
        if let Some(taken) = self.key.lock().unwrap().as_ref() {
            key = if key == *taken { "demo-key".to_owned() } else { "refused".to_owned() };
        }
        let response = self.simulator.respond(&simulator::Request {
            method: "GET".to_owned(),
            path,
            query: Some(query.join("&")),
            api_key: Some(key),
            body: Vec::new(),
        });
        self.deliver(response).await
    }
}

impl Wire {
    /// Acts out how a response travels, as a connection and `HttpTransport` would.
    async fn deliver(&self, sent: simulator::Response) -> Result<Response, ApiError> {
        let header = |wanted: &str| sent.headers.iter().find(|(name, _)| *name == wanted).map(|(_, v)| v.clone());
        let retry_after = header("retry-after");
        let readable = (200..300).contains(&sent.status);
        let late = |takes: Duration, body| async move {
            tokio::time::sleep(takes.min(self.timeout)).await;
            if takes < self.timeout { Ok(body) } else { Err(Reason::Timeout) }
        };
        let body = match sent.delivery {
            Delivery::Hang => {
                tokio::time::sleep(self.timeout).await;
                return Err(ApiError::new(Reason::Timeout, "no response"));
            }
            Delivery::After(wait) => match late(wait, sent.body).await {
                Err(reason) => return Err(ApiError::new(reason, "no response in time")),
                body => body,
            },
            Delivery::Whole => Ok(sent.body),
            Delivery::Drip { chunk, every } => {
                let pieces = u32::try_from(sent.body.len().div_ceil(chunk)).unwrap();
                late(every * pieces, sent.body).await
            }
            Delivery::Truncated { at } if at < sent.body.len() => Err(Reason::Connect),
            Delivery::Truncated { .. } => Ok(sent.body),
            Delivery::Repeated { total } if total > MAX_RESPONSE_SIZE => Err(Reason::TooLarge),
            Delivery::Repeated { .. } => Ok(sent.body),
        };
        let encoded = header("content-encoding").is_some();
        let body = match body {
            Ok(body) if encoded && !body.is_empty() => decompressed(&body),
            body => body,
        };
        match body {
            Ok(body) => Ok(Response { status: sent.status, retry_after, body }),
            // Of an error the status is what counts.
            Err(_) if !readable => Ok(Response { status: sent.status, retry_after, body: bytes::Bytes::new() }),
            Err(reason) => Err(ApiError::new(reason, "the response did not arrive as it should")),
        }
    }
}

/// The body of a gzip response of any number of members.
fn decompressed(body: &[u8]) -> Result<bytes::Bytes, Reason> {
    let mut plain = Vec::new();
    let read = std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(body), &mut plain);
    read.map(|_| plain.into()).map_err(|_| Reason::Decode)
}
