//! Listening, with the time-outs that keep one client from costing another.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::Accept;
use futures_util::future::{Ready, ready};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::ListenAddress;

/// From the connection to the end of the first request's headers, and between
/// requests on a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Without a byte read or written in this time, a connection is closed. It also
/// ends readers that are so slow that their window does not open in between.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long answers that are under way at the end may take.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes the addresses, so that a mistake in them ends the start and not the
/// run.
///
/// # Errors
///
/// Names the address that can't be had.
pub fn bind(addresses: &[ListenAddress]) -> io::Result<Vec<TcpListener>> {
    addresses
        .iter()
        .map(|ListenAddress(address)| {
            listen(*address).map_err(|e| {
                io::Error::new(e.kind(), format!("cannot listen on {address} (--web.listen-address): {e}"))
            })
        })
        .collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address) {
        // A machine without IPv6 still has all of its IPv4 addresses.
        Err(e) if address.is_ipv6() && address.ip().is_unspecified() && e.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        result => result,
    }
}

/// Serves `router` on a listener until `stop`, and then for at most
/// [`DRAIN_TIMEOUT`] what is under way.
///
/// # Errors
///
/// Fails if the listener does; a connection that fails ends by itself.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let address = listener.local_addr()?;
    info!(%address, "listening");
    let handle = Handle::new();
    let drain = tokio::spawn({
        let handle = handle.clone();
        async move {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(DRAIN_TIMEOUT));
        }
    });
    let mut server = axum_server::from_tcp(listener)?
        .http1_only()
        .acceptor(WithTimeouts)
        .handle(handle)
        .first_request_timeout(HEADER_TIMEOUT)
        .accept_error_handler(|_, error| warn!(%error, "cannot accept a connection"));
    server.http_builder().http1().header_read_timeout(HEADER_TIMEOUT);
    let served = server.serve(router.into_make_service()).await;
    drain.abort();
    served
}

/// Puts time-outs around a connection.
#[derive(Debug, Clone, Copy)]
struct WithTimeouts;

impl<S> Accept<TcpStream, S> for WithTimeouts {
    type Stream = Pinned;
    type Service = S;
    type Future = Ready<io::Result<(Pinned, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // Answers are written whole; waiting for more would only delay the end.
        let set = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(IDLE_TIMEOUT));
        stream.set_write_timeout(Some(IDLE_TIMEOUT));
        ready(set.map(|()| (Box::pin(stream), service)))
    }
}

/// A connection with time-outs. Pinned, because timers are.
type Pinned = std::pin::Pin<Box<TimeoutStream<TcpStream>>>;
