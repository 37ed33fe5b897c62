//! Attackers: many connections that each do the same again and again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Of a connection that was closed, until the next one.
const AGAIN: Duration = Duration::from_millis(5);

/// Connections that each do `attack`, and come again when it ends.
pub fn attackers<F: Future<Output = io::Result<()>> + Send>(
    count: usize,
    address: &str,
    attack: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> JoinSet<()> {
    attackers_from("127.0.0.1", count, address, attack)
}

/// The same from another address.
fn attackers_from<F: Future<Output = io::Result<()>> + Send>(
    from: &str,
    count: usize,
    address: &str,
    attack: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> JoinSet<()> {
    let attack = Arc::new(attack);
    let address: SocketAddr = address.parse().unwrap();
    let from = SocketAddr::new(from.parse().unwrap(), 0);
    let mut attackers = JoinSet::new();
    for _ in 0..count {
        let attack = attack.clone();
        attackers.spawn(async move {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                let _ = socket.set_recv_buffer_size(8 * 1024);
                let _ = socket.bind(from);
                if let Ok(stream) = socket.connect(address).await {
                    let _ = attack(stream).await;
                }
                sleep(AGAIN).await;
            }
        });
    }
    attackers
}

/// Ask for a path without a pause, and read some of what comes.
pub fn askers(count: usize, address: &str, path: &'static str) -> JoinSet<()> {
    attackers(count, address, move |mut stream| async move {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut buffer = vec![0; 16 * 1024];
        loop {
            stream.write_all(request.as_bytes()).await?;
            // Whatever comes within a moment; the rest is read with the next response.
            if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
                return Ok(());
            }
        }
    })
}

/// Send 400 KiB of a request that never ends.
pub fn half_headers(count: usize, address: &str) -> JoinSet<()> {
    attackers(count, address, |mut stream| async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").await?;
        for i in 0..400 {
            stream.write_all(format!("x-{i}: {}\r\n", "a".repeat(1000)).as_bytes()).await?;
        }
        stream.read(&mut [0; 1024]).await.map(drop)
    })
}

/// Say nothing.
pub fn idlers(count: usize, address: &str) -> JoinSet<()> {
    attackers(count, address, |mut stream| async move { stream.read(&mut [0; 16]).await.map(drop) })
}

/// Ask for a scrape, and read nothing of it until the connection is closed.
pub fn deaf(count: usize, address: &str) -> JoinSet<()> {
    attackers(count, address, |mut stream| async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        loop {
            stream.ready(tokio::io::Interest::ERROR).await?;
            sleep(Duration::from_secs(1)).await;
        }
    })
}

/// Ask for a plain scrape, and read 8 KiB of it ten times a second.
pub fn slow_readers(count: usize, address: &str) -> JoinSet<()> {
    attackers(count, address, |mut stream| async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        let mut buffer = vec![0; 8 * 1024];
        while stream.read(&mut buffer).await? > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    })
}

/// Try passwords of a user, each another one.
pub fn guessers(from: &str, count: usize, address: &str, user: &'static str) -> JoinSet<()> {
    let guesses = Arc::new(AtomicUsize::new(0));
    attackers_from(from, count, address, move |mut stream| {
        let guesses = guesses.clone();
        async move {
            let mut buffer = vec![0; 4096];
            loop {
                let guess = guesses.fetch_add(1, Ordering::Relaxed);
                let user = base64::engine::general_purpose::STANDARD.encode(format!("{user}:guess{guess}"));
                let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\n\r\n");
                stream.write_all(request.as_bytes()).await?;
                if stream.read(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    })
}
