//! Addresses to listen on, and taking them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::str::FromStr;

/// An address to listen on, as Go's programs take it: `:10360`, `10.0.0.1:10360`,
/// `[::1]:10360`, `monitoring.example:10360`. One without a host means all
/// addresses of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name or an IP address; empty for all.
    host: String,
    port: u16,
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected HOST:PORT";
        let (host, port) = text.trim().rsplit_once(':').ok_or(expected)?;
        let port = port.parse().map_err(|_| expected)?;
        let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
            Some(ip) => ip.filter(|ip| ip.parse::<Ipv6Addr>().is_ok()).ok_or(expected)?,
            None if host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => host,
            None => return Err(expected),
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl ListenAddress {
    /// Where a client on this machine reaches it, as a URL has it.
    pub fn reachable(&self) -> String {
        let all = self.host.is_empty() || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
        if all { format!("127.0.0.1:{}", self.port) } else { self.to_string() }
    }

    /// The addresses behind the name.
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if self.host.is_empty() {
            return Ok(vec![SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), self.port)]);
        }
        Ok((self.host.as_str(), self.port).to_socket_addrs()?.collect())
    }

    /// Takes the first address behind the name that can be had. IPv4 comes
    /// first, as in Go.
    fn bind(&self) -> io::Result<TcpListener> {
        let mut addresses = self.resolve()?;
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match listen(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

/// Takes the addresses, so that an error in them ends the start and not the run.
///
/// # Errors
///
/// Names the address that can't be had.
pub fn bind(addresses: &[ListenAddress]) -> io::Result<Vec<TcpListener>> {
    let bind = |address: &ListenAddress| {
        address
            .bind()
            .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address} (--web.listen-address): {e}")))
    };
    addresses.iter().map(bind).collect()
}

/// The listeners that systemd passes (`--web.systemd-socket`).
///
/// # Errors
///
/// Fails if there is none, or one that is no TCP listener.
pub fn from_systemd() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let taken = (0..passed.len()).map(|i| passed.take_tcp_listener(i)).collect::<io::Result<Vec<_>>>()?;
    let listeners: Vec<_> = taken.into_iter().flatten().collect();
    if listeners.is_empty() {
        let message = "expected listeners from systemd (--web.systemd-socket), found none; start it by a socket unit";
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    Ok(listeners)
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
