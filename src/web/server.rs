//! Serving connections, with the bounds that keep one client from costing
//! another.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use super::connections::{Peer, Place, STALLED};
use super::sent::Sent;
use super::{Refusal, Web};
use crate::telemetry::HttpRejection;

/// For a TLS handshake, from there to the end of the first request's headers,
/// and between requests on a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Without a byte read in this time, or without a request, a connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long responses that are under way at the end may take.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two looks at a connection for responses that nobody reads.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Headers of a request, and what is buffered of a response.
pub(super) const MAX_HEADERS: usize = 32 * 1024;

/// Requests that one HTTP/2 connection may have under way. Each can hold a
/// response that nobody takes, and a scraper has one at a time.
const MAX_CONCURRENT_STREAMS: u32 = 8;

/// What of one HTTP/2 response waits for its reader, beside what it may send.
const MAX_SEND_BUFFER: usize = 32 * 1024;

/// Between two looks at connections that are about to close.
const CLEARING_PAUSE: Duration = Duration::from_millis(1);

/// Before a refusal is sent.
const REFUSAL_PAUSE: Duration = Duration::from_millis(250);

/// What the system may hold of a response for its reader (Linux doubles it). By
/// itself it takes megabytes for each connection, which a flood makes us inflate
/// and copy before anybody reads them. A reader 50 ms away still gets 5 MB/s.
const SEND_BUFFER: usize = 128 * 1024;

/// Connections that wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// After a failure to accept, such as for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves on a listener until `stop`, and then for at most [`DRAIN_TIMEOUT`]
/// what is under way.
///
/// # Errors
///
/// Fails if the listener does; a connection that fails ends by itself.
pub async fn serve(listener: TcpListener, web: Web, stop: CancellationToken) -> io::Result<()> {
    let address = listener.local_addr()?;
    let protection = web.protection();
    info!(%address, tls = protection.is_tls(), http2 = protection.is_http2(), "listening");
    listener.set_nonblocking(true)?;
    // In a flood the system drops connections for which there is no room, and a
    // scraper tries again a second later at the earliest.
    rustix::net::listen(&listener, BACKLOG)?;
    // Inherited by what is accepted.
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let server = Arc::new(Server { router: web.router(), web, stop: stop.clone() });
    let tracker = TaskTracker::new();
    loop {
        while server.web.0.connections.is_clearing() && !stop.is_cancelled() {
            sleep(CLEARING_PAUSE).await;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => server.clone().start(&tracker, stream, client),
                Err(error) => {
                    if server.web.0.flood_log.allows(None) {
                        warn!(%error, "cannot accept connections");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    tracker.close();
    let _ = timeout(DRAIN_TIMEOUT, tracker.wait()).await;
    Ok(())
}

/// What connections of one listener share.
struct Server {
    router: Router,
    web: Web,
    stop: CancellationToken,
}

impl Server {
    /// Takes a connection in, if there is room for it.
    fn start(self: Arc<Self>, tracker: &TaskTracker, stream: TcpStream, client: SocketAddr) {
        let admitted = self.web.0.connections.admit(client.ip());
        if admitted.displaced || admitted.place.is_none() {
            self.web.rejected(HttpRejection::Connections);
        }
        let Some(place) = admitted.place else { return };
        tracker.spawn(async move {
            let telemetry = &self.web.0.telemetry;
            telemetry.http_connections(self.web.0.connections.count());
            tokio::select! {
                () = place.peer.give_way.cancelled() => {}
                result = self.serve(stream, &place) => if let Err(error) = result {
                    self.failed(place.peer.address, &error);
                },
            }
            drop(place);
            telemetry.http_connections(self.web.0.connections.count());
        });
    }

    /// Anybody can cause it, as often as they like. What a person can do
    /// something about is logged once in a while.
    fn failed(&self, client: IpAddr, error: &io::Error) {
        let known = error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>() || cause.is::<NotTls>());
        if known && self.web.0.handshake_log.allows(Some(client)) {
            info!(%client, %error, "connection refused");
        } else {
            debug!(%client, %error, "connection failed");
        }
    }

    async fn serve(&self, stream: TcpStream, place: &Place) -> io::Result<()> {
        // Responses are written whole; waiting for more would only delay the end.
        stream.set_nodelay(true)?;
        tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            readable = timeout(HEADER_TIMEOUT, stream.readable()) => readable??,
        }
        place.peer.spoke();
        let tls = self.web.protection().server_config(self.web.workers()).await;
        let connection = match tls {
            None => Either::Left(with_timeouts(stream)),
            Some(config) => {
                let stream = timeout(HEADER_TIMEOUT, expect_tls(stream)).await??;
                let handshake = TlsAcceptor::from(config).accept(with_timeouts(stream));
                let handshake = async {
                    tokio::select! {
                        () = self.stop.cancelled() => Err(io::Error::other("the exporter is stopping")),
                        done = timeout(HEADER_TIMEOUT, handshake) => done?,
                    }
                };
                Either::Right(Box::new(handshake.await?))
            }
        };
        self.exchange(connection, &place.peer).await
    }

    /// Requests and responses, until either side has enough.
    async fn exchange(&self, connection: Connection, peer: &Arc<Peer>) -> io::Result<()> {
        let (router, of_requests) = (self.router.clone(), peer.clone());
        let prefix: Arc<str> = self.web.0.route_prefix.as_str().into();
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            let (router, peer, prefix) = (router.clone(), of_requests.clone(), prefix.clone());
            async move {
                let at_work = peer.work();
                request.extensions_mut().insert(peer.clone());
                let response = dispatch(router, &prefix, request).await;
                drop(at_work);
                // Whoever is refused and asks again at once costs as much as if it
                // had been served.
                if response.extensions().get::<Refusal>().is_some() {
                    sleep(REFUSAL_PAUSE).await;
                }
                let response = response.map(|body| Sent::new(body, peer.sending()));
                Ok::<Response<Sent>, Infallible>(response)
            }
        });
        let builder = self.builder();
        let serving = builder.serve_connection(TokioIo::new(connection), TowerToHyperService::new(service));
        let mut serving = pin!(serving);
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = serving.as_mut() => return ended.map_err(io::Error::other),
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    serving.as_mut().graceful_shutdown();
                }
                _ = looks.tick() => {
                    if peer.is_stalled() {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "the response was not read"));
                    }
                    if peer.is_idle_for(IDLE_TIMEOUT) {
                        serving.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
            .max_header_list_size(MAX_HEADERS as u32)
            .max_send_buf_size(MAX_SEND_BUFFER);
        if self.web.protection().is_http2() { builder } else { builder.http1_only() }
    }
}

/// Asks the router, which knows no prefix: what all paths start with is taken
/// away before, and who leaves it out at the root is sent to the right place.
async fn dispatch(router: Router, prefix: &str, mut request: Request<Incoming>) -> Response {
    if !prefix.is_empty() {
        let path = request.uri().path();
        if path == "/" || path == prefix {
            return Redirect::temporary(&format!("{prefix}/")).into_response();
        }
        let Some(rest) = path.strip_prefix(prefix).filter(|rest| rest.starts_with('/')) else {
            return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
        };
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        match format!("{rest}{query}").parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// A plain or a TLS connection.
type Connection = Either<Pinned, Box<TlsStream<Pinned>>>;

/// A connection with time-outs. Pinned, because timers are.
type Pinned = Pin<Box<TimeoutStream<TcpStream>>>;

fn with_timeouts(stream: TcpStream) -> Pinned {
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(IDLE_TIMEOUT));
    stream.set_write_timeout(Some(STALLED));
    Box::pin(stream)
}

/// Somebody spoke HTTP where TLS was expected.
#[derive(Debug, thiserror::Error)]
#[error("expected TLS, found plain HTTP; use https")]
struct NotTls;

/// Says to a client that speaks plain HTTP what is wrong, as Go's servers do: it
/// would only see a connection that breaks.
async fn expect_tls(mut stream: TcpStream) -> io::Result<TcpStream> {
    const HANDSHAKE: u8 = 0x16;
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() && first[0] != HANDSHAKE {
        let response = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
                        this port speaks HTTPS; use https:// in the URL\n";
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await?;
        // What came already would otherwise reset the connection before the response is read.
        let mut rest = [0; 4096];
        let until = Instant::now() + Duration::from_secs(1);
        while let Ok(Ok(1..)) =
            tokio::time::timeout_at(until, tokio::io::AsyncReadExt::read(&mut stream, &mut rest)).await
        {}
        return Err(io::Error::other(NotTls));
    }
    Ok(stream)
}

#[cfg(test)]
mod tests;
