//! HTTP/1.1 around the simulator: turns requests and responses into axum's, and acts out how responses are delivered.
//! Never here: what a response says.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as HttpRequest;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response as HttpResponse;
use bytes::Bytes;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::engine::Simulator;
use super::exchange::{Delivery, Request, Response};

/// Larger request bodies are refused.
const MAX_BODY: usize = 1024 * 1024;

/// How long responses in flight may take once the server stops.
const GRACE: Duration = Duration::from_secs(2);

impl Simulator {
    /// The simulator as an axum application.
    pub fn router(&self) -> Router {
        self.router_until(CancellationToken::new())
    }

    /// Serves on a listener until `shutdown` resolves.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future) -> io::Result<()> {
        let stopping = CancellationToken::new();
        let graceful = stopping.clone();
        let server = axum::serve(listener, self.router_until(stopping.clone()))
            .with_graceful_shutdown(async move { graceful.cancelled().await });
        let mut server = pin!(server.into_future());
        tokio::select! {
            result = &mut server => return result,
            _ = shutdown => stopping.cancel(),
        }
        // A client that never closes its connection must not keep the program alive.
        tokio::time::timeout(GRACE, server).await.unwrap_or(Ok(()))
    }

    /// The application; responses that would hang or drip end when `stopping` is cancelled.
    fn router_until(&self, stopping: CancellationToken) -> Router {
        let simulator = self.clone();
        Router::new().fallback(move |request: HttpRequest| {
            let (simulator, stopping) = (simulator.clone(), stopping.clone());
            async move {
                let response = match read(request).await {
                    Ok(request) => simulator.respond(&request),
                    Err(refusal) => refusal,
                };
                tracing::debug!(status = response.status, delivery = ?response.delivery, "simulated response");
                Ok::<_, Infallible>(act_out(response, &stopping).await)
            }
        })
    }
}

async fn read(request: HttpRequest) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| Response::error(413, "the request body is larger than 1 MiB or could not be read"))?;
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        api_key: head.headers.get("x-api-key").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: body.to_vec(),
    })
}

async fn act_out(response: Response, stopping: &CancellationToken) -> HttpResponse {
    let Response { status, headers, body, delivery } = response;
    let length = body.len();
    let (body, length) = match delivery {
        Delivery::Whole => (Body::from(body), None),
        Delivery::After(wait) => {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => {}
            }
            (Body::from(body), None)
        }
        Delivery::Hang => {
            stopping.cancelled().await;
            (cut_after(Bytes::new()), Some(length.max(1)))
        }
        Delivery::Drip { chunk, every } => (drip(body, chunk, every, stopping.clone()), Some(length)),
        Delivery::Truncated { at } => (cut_after(body.slice(..at.min(length))), Some(length.max(1))),
        Delivery::Repeated { total } => (repeat(body, total), None),
    };
    let mut response = HttpResponse::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the simulator cuts this response short")
}

/// A body whose connection closes after these bytes.
fn cut_after(bytes: Bytes) -> Body {
    Body::from_stream(stream::unfold(Some(bytes), |bytes| async move {
        match bytes {
            Some(bytes) if !bytes.is_empty() => {
                // The bytes must reach the socket before the error closes it.
                Some((Ok(bytes), Some(Bytes::new())))
            }
            Some(_) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Some((Err(aborted()), None))
            }
            None => None,
        }
    }))
}

fn drip(body: Bytes, chunk: usize, every: Duration, stopping: CancellationToken) -> Body {
    Body::from_stream(stream::unfold((body, stopping), move |(mut rest, stopping)| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {
                let piece = rest.split_to(chunk.clamp(1, rest.len()));
                Some((Ok(piece), (rest, stopping)))
            }
            () = stopping.cancelled() => Some((Err(aborted()), (Bytes::new(), stopping))),
        }
    }))
}

fn repeat(piece: Bytes, total: u64) -> Body {
    Body::from_stream(stream::unfold(total, move |left| {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let next = (size > 0).then(|| (Ok::<_, Infallible>(piece.slice(..size)), left - size as u64));
        std::future::ready(next)
    }))
}

#[cfg(test)]
mod tests;
