//! Listening, with the time-outs that keep one client from costing another.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::Accept;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Protection, Web};

/// For a TLS handshake, from there to the end of the first request's headers,
/// and between requests on a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Without a byte read or written in this time, a connection is closed. It also
/// ends readers that are so slow that their window does not open in between.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long answers that are under way at the end may take.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that one HTTP/2 connection may have under way.
const MAX_CONCURRENT_STREAMS: u32 = 64;

/// Serves on a listener until `stop`, and then for at most [`DRAIN_TIMEOUT`]
/// what is under way.
///
/// # Errors
///
/// Fails if the listener does; a connection that fails ends by itself.
pub async fn serve(listener: TcpListener, web: Web, stop: CancellationToken) -> io::Result<()> {
    let address = listener.local_addr()?;
    let protection = web.protection().clone();
    info!(%address, tls = protection.is_tls(), http2 = protection.is_http2(), "listening");
    let handle = Handle::new();
    let drain = tokio::spawn({
        let handle = handle.clone();
        async move {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(DRAIN_TIMEOUT));
        }
    });
    let http2 = protection.is_http2();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(Acceptor { protection })
        .handle(handle)
        .first_request_timeout(HEADER_TIMEOUT)
        .accept_error_handler(|client, error| match client {
            // Anybody can cause it, as often as they like.
            Some(client) => debug!(%client, %error, "a connection came to nothing"),
            None => warn!(%error, "cannot accept a connection"),
        });
    server.http_builder().http1().header_read_timeout(HEADER_TIMEOUT);
    server.http_builder().http2().max_concurrent_streams(MAX_CONCURRENT_STREAMS);
    let server = if http2 { server } else { server.http1_only() };
    let served = server.serve(web.router().into_make_service()).await;
    drain.abort();
    served
}

/// Puts time-outs around a connection, and TLS into it.
#[derive(Debug, Clone)]
struct Acceptor {
    protection: Protection,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Connection;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let protection = self.protection.clone();
        Box::pin(async move {
            // Answers are written whole; waiting for more would only delay the end.
            stream.set_nodelay(true)?;
            let mut stream = TimeoutStream::new(stream);
            stream.set_read_timeout(Some(IDLE_TIMEOUT));
            stream.set_write_timeout(Some(IDLE_TIMEOUT));
            let stream = Box::pin(stream);
            let connection = match protection.server_config().await {
                None => Either::Left(stream),
                Some(config) => {
                    let handshake = TlsAcceptor::from(config).accept(stream);
                    Either::Right(Box::new(timeout(HEADER_TIMEOUT, handshake).await??))
                }
            };
            Ok((connection, service))
        })
    }
}

/// A plain or a TLS connection.
type Connection = Either<Pinned, Box<TlsStream<Pinned>>>;

/// A connection with time-outs. Pinned, because timers are.
type Pinned = std::pin::Pin<Box<TimeoutStream<TcpStream>>>;

#[cfg(test)]
mod tests;
