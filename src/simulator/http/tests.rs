//! What goes over the wire.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::simulator::testing::{fault, get, small};

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
    // A cut connection may end in a reset: what came before it counts.
    let _ = open(server, method, path, body).await.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
}

#[tokio::test]
async fn the_wire_carries_what_the_simulator_responds() {
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
async fn a_hanging_response_never_comes_and_does_not_delay_the_shutdown() {
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
