//! Attackers that speak HTTP/2 over TLS, frame by frame (RFC 9113): no client
//! library does what they do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::floods::attackers;
use crate::web_config::Directory;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests that one connection may have under way.
const STREAMS: u32 = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const INITIAL_WINDOW_SIZE: u16 = 4;
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The start of a connection, with the window that responses begin with.
fn start(window: u32) -> Vec<u8> {
    let settings = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &window.to_be_bytes()].concat();
    [PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()
}

/// A `GET` in HPACK: names of the static table, and texts as they are.
fn request(stream: u32, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let block = [&[0x82, 0x87, 0x01, 1, b'x', 0x04, length], path.as_bytes()].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
}

async fn read_frame(stream: &mut TlsStream<TcpStream>) -> io::Result<(u8, u8, u32, usize)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    stream.read_exact(&mut vec![0; length]).await?;
    Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), length))
}

/// Connections over TLS that agree on HTTP/2.
fn encrypted<F: Future<Output = io::Result<()>> + Send>(
    count: usize,
    address: &str,
    directory: &Directory,
    attack: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
) -> JoinSet<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(directory.authority.pem().as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (connector, attack) = (TlsConnector::from(Arc::new(config)), Arc::new(attack));
    attackers(count, address, move |stream| {
        let (connector, attack) = (connector.clone(), attack.clone());
        async move {
            let name = ServerName::try_from("localhost").unwrap();
            attack(connector.connect(name, stream).await?).await
        }
    })
}

/// Keep all streams of each connection asking for a path.
pub fn askers(count: usize, address: &str, directory: &Directory, path: &'static str) -> JoinSet<()> {
    encrypted(count, address, directory, move |mut stream| async move {
        stream.write_all(&start(LARGEST_WINDOW)).await?;
        let mut next = 1;
        for _ in 0..STREAMS {
            stream.write_all(&request(next, path)).await?;
            next += 2;
        }
        loop {
            let (kind, flags, _, length) = read_frame(&mut stream).await?;
            if kind == DATA && length > 0 {
                let more = u32::try_from(length).unwrap().to_be_bytes();
                stream.write_all(&frame(WINDOW_UPDATE, 0, 0, &more)).await?;
            }
            let ended = matches!(kind, DATA | HEADERS) && flags & END_STREAM > 0 || kind == RST_STREAM;
            match kind {
                GOAWAY => return Ok(()),
                SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
                _ if ended => {
                    stream.write_all(&request(next, path)).await?;
                    next += 2;
                }
                _ => {}
            }
        }
    })
}

/// Ask for scrapes with a window of 0, so that none can be sent, and stay alive
/// with PINGs.
pub fn closed_windows(count: usize, address: &str, directory: &Directory) -> JoinSet<()> {
    encrypted(count, address, directory, |mut stream| async move {
        stream.write_all(&start(0)).await?;
        for i in 0..STREAMS {
            stream.write_all(&request(1 + 2 * i, "/metrics")).await?;
        }
        let mut pings = interval(Duration::from_secs(1));
        let mut buffer = vec![0; 16 * 1024];
        loop {
            tokio::select! {
                _ = pings.tick() => stream.write_all(&frame(PING, 0, 0, &[0; 8])).await?,
                read = stream.read(&mut buffer) => if read? == 0 { return Ok(()) },
            }
        }
    })
}
