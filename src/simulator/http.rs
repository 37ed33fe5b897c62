//! HTTP/1.1 around the simulator: turns requests and answers into axum's, and acts out how answers are delivered.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as HttpRequest;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Answer, Delivery, Request, Simulator, api};

/// Larger request bodies are refused.
const MAX_BODY: usize = 1024 * 1024;

/// How long answers under way may take once the server stops.
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

    /// The application; answers that would hang or drip end when `stopping` is cancelled.
    fn router_until(&self, stopping: CancellationToken) -> Router {
        let simulator = self.clone();
        Router::new().fallback(move |request: HttpRequest| {
            let (simulator, stopping) = (simulator.clone(), stopping.clone());
            async move {
                let answer = match read(request).await {
                    Ok(request) => simulator.answer(&request),
                    Err(refusal) => refusal,
                };
                tracing::debug!(status = answer.status, delivery = ?answer.delivery, "simulated answer");
                Ok::<_, Infallible>(act_out(answer, &stopping).await)
            }
        })
    }
}

async fn read(request: HttpRequest) -> Result<Request, Answer> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| api::error(413, "the request body is larger than 1 MiB or could not be read"))?;
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        api_key: head.headers.get("x-api-key").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        body: body.to_vec(),
    })
}

async fn act_out(answer: Answer, stopping: &CancellationToken) -> Response {
    let Answer { status, headers, body, delivery } = answer;
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
    let mut response = Response::new(body);
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
    io::Error::new(io::ErrorKind::ConnectionAborted, "the simulator cuts this answer short")
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
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, timeout};

    use super::super::testing::{fault, get, small};
    use super::*;

    struct Server {
        simulator: Simulator,
        address: std::net::SocketAddr,
        stop: CancellationToken,
        task: JoinHandle<io::Result<()>>,
    }

    async fn start() -> Server {
        let simulator = small();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(simulator.clone().serve(listener, stop.clone().cancelled_owned()));
        Server { simulator, address, stop, task }
    }

    const LIST: &str = "/api/v2/partners/examplePA/clients";

    async fn open(server: &Server, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nx-api-key: demo-key\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Head and body as they came before the connection closed.
    async fn exchange(server: &Server, method: &str, path: &str, body: &str) -> (String, Vec<u8>) {
        let mut bytes = Vec::new();
        // A cut connection may end in a reset: what came before it is the answer.
        let _ = open(server, method, path, body).await.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
    }

    #[tokio::test]
    async fn what_goes_over_the_wire_is_what_the_core_answers() {
        let server = start().await;
        let (head, body) = exchange(&server, "GET", &format!("{LIST}?limit=2"), "").await;
        let expected = get(&server.simulator, "clients?limit=2");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"), "{head}");
        assert_eq!(body, expected.body);
        let client = serde_json::from_slice::<Value>(&body).unwrap()["clients"][0]["id"].clone();
        let path = format!("{LIST}/{}", client.as_str().unwrap());
        let (head, body) = exchange(&server, "PATCH", &path, r#"{"max_channels": 9}"#).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["max_channels"], 9);
        server.stop.cancel();
        server.task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_truncated_body_ends_before_its_announced_length() {
        let server = start().await;
        let whole = get(&server.simulator, "clients").body;
        fault(&server.simulator, &json!([{"kind": "truncated"}]));
        let (head, body) = exchange(&server, "GET", LIST, "").await;
        assert!(head.contains(&format!("content-length: {}\r\n", whole.len())), "{head}");
        assert_eq!(body, whole[..whole.len() / 2]);
    }

    #[tokio::test]
    async fn a_dripped_body_arrives_whole_and_late() {
        let server = start().await;
        let whole = get(&server.simulator, "clients").body;
        fault(&server.simulator, &json!([{"kind": "drip", "chunk": whole.len().div_ceil(5), "every_ms": 20}]));
        let began = Instant::now();
        let (_, body) = exchange(&server, "GET", LIST, "").await;
        assert_eq!(body, whole);
        assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn latency_delays_the_head() {
        let server = start().await;
        fault(&server.simulator, &json!([{"kind": "latency", "ms": 80}]));
        let began = Instant::now();
        exchange(&server, "GET", LIST, "").await;
        assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_hanging_answer_never_comes_and_does_not_hold_up_the_end() {
        let server = start().await;
        fault(&server.simulator, &json!([{"kind": "hang"}]));
        let mut stream = open(&server, "GET", LIST, "").await;
        let mut byte = [0; 1];
        let silence = timeout(Duration::from_millis(150), stream.read(&mut byte)).await;
        assert!(silence.is_err(), "{silence:?}");
        server.stop.cancel();
        timeout(Duration::from_secs(1), server.task).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_huge_body_is_streamed_to_its_full_size() {
        let server = start().await;
        fault(&server.simulator, &json!([{"kind": "huge_body", "mib": 9}]));
        let (head, body) = exchange(&server, "GET", LIST, "").await;
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
        let spaces = body.iter().filter(|byte| **byte == b' ').count();
        assert_eq!(spaces, 9 * 1024 * 1024);
    }

    #[tokio::test]
    async fn a_request_body_over_a_mebibyte_is_refused() {
        let server = start().await;
        let (head, _) = exchange(&server, "PUT", "/_simulator/faults", &" ".repeat(MAX_BODY + 1)).await;
        assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    }
}
