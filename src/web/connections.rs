//! Which connections are open, and which of them gives way when there are too
//! many.
//!
//! A flood must not keep Prometheus out. So a new connection gets in at once, and
//! another is closed for it: one that does nothing before one that does; then one
//! of the address that has the most; then the one whose last progress is longest
//! ago. Whoever sends a request as soon as it is connected, as a scraper does, is
//! served before its turn to give way comes. A connection for which a response is
//! being made is never closed. Never here: sockets.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Descriptors that are left for everything but connections: the API, files, the
/// listeners, the log.
const OTHER_DESCRIPTORS: u64 = 64;

/// Of these, what connections hold that had to give way.
const MOST_LEAVING: usize = 16;

/// The part of all connections that one address may have.
const PART_OF_ONE_ADDRESS: usize = 8;

/// What a new connection has for its first request, and a reader for its next
/// piece, before it counts as one that does nothing.
const CHANCE: Duration = Duration::from_secs(2);

/// What happened so recently is still going on: a request is on its way to us, or
/// the end of a response to its reader.
const MOMENT: Duration = Duration::from_millis(250);

/// A response of which nothing was taken for so long ends.
pub(super) const STALLED: Duration = Duration::from_secs(30);

/// The open connections of all listeners.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    table: Mutex<Table>,
    /// Those that had to give way and still hold their descriptor.
    leaving: AtomicUsize,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<Peer>>,
    by_address: HashMap<IpAddr, usize>,
}

/// What came of a new connection.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The place of the new one, or nothing if all others are at work.
    pub(super) place: Option<Place>,
    /// Whether another had to give way.
    pub(super) displaced: bool,
}

/// A place among the open connections, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    pub(super) peer: Arc<Peer>,
}

/// The other side of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its address; IPv4 as such, however it came.
    pub(super) address: IpAddr,
    /// Whether it sent a wrong password, or more than may wait.
    pub(super) is_suspect: AtomicBool,
    /// Cancelled when the connection has to give way.
    pub(super) give_way: CancellationToken,
    started: Instant,
    /// When something happened last, in milliseconds from `started`.
    active: AtomicU64,
    /// Requests whose response is being made.
    at_work: AtomicUsize,
    /// Whether it sent anything.
    has_spoken: AtomicBool,
    /// Whether a response was made for it.
    was_served: AtomicBool,
    /// When something of each response was taken last.
    bodies: Mutex<Vec<Arc<AtomicU64>>>,
}

impl Connections {
    /// Room for `most` connections, or for as many as there are descriptors for.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = usize::try_from(descriptors.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX);
        Arc::new(Self { most: most.min(room).max(1), table: Mutex::default(), leaving: AtomicUsize::new(0) })
    }

    /// Lets a connection in, and another one go if there is no room.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Admitted {
        let address = address.to_canonical();
        let mut table = self.table();
        let is_greedy = table.held(address) >= (self.most / PART_OF_ONE_ADDRESS).max(1);
        let is_full = table.open.len() >= self.most;
        let mut displaced = false;
        if is_greedy || is_full {
            match table.weakest(is_greedy.then_some(address)) {
                Some(id) => {
                    displaced = true;
                    self.leaving.fetch_add(1, Ordering::Relaxed);
                    table.remove(id).inspect(|peer| peer.give_way.cancel());
                }
                None => return Admitted { place: None, displaced },
            }
        }
        let peer = Arc::new(Peer::new(address));
        let id = table.next;
        table.next += 1;
        table.open.insert(id, peer.clone());
        *table.by_address.entry(address).or_default() += 1;
        Admitted { place: Some(Place { connections: self.clone(), id, peer }), displaced }
    }

    /// Whether so many are about to close that new ones have to wait for their
    /// descriptors.
    pub(super) fn is_clearing(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) >= MOST_LEAVING
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.table().open.len()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The connection, of one address or of all, that has to give way first.
    fn weakest(&self, of: Option<IpAddr>) -> Option<u64> {
        self.open
            .iter()
            .filter(|(_, peer)| of.is_none_or(|address| peer.address == address))
            .filter_map(|(id, peer)| Some((peer.claim()?, Reverse(self.held(peer.address)), peer.last_active(), *id)))
            .min()
            .map(|(.., id)| id)
    }

    /// How many connections an address has. A proxy on this machine stands for
    /// many others, and has none.
    fn held(&self, address: IpAddr) -> usize {
        if address.is_loopback() { 0 } else { self.by_address.get(&address).copied().unwrap_or_default() }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Peer>> {
        let peer = self.open.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&peer.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&peer.address);
            }
        }
        Some(peer)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Not there any more: it had to give way.
        if self.connections.table().remove(self.id).is_none() {
            self.connections.leaving.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Peer {
    /// A peer that has just come.
    pub(super) fn new(address: IpAddr) -> Self {
        Self {
            address,
            is_suspect: AtomicBool::new(false),
            give_way: CancellationToken::new(),
            started: Instant::now(),
            active: AtomicU64::new(0),
            at_work: AtomicUsize::new(0),
            has_spoken: AtomicBool::new(false),
            was_served: AtomicBool::new(false),
            bodies: Mutex::default(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn last_active(&self) -> Instant {
        self.started + Duration::from_millis(self.active.load(Ordering::Relaxed))
    }

    fn touch(&self) {
        self.active.store(self.now(), Ordering::Relaxed);
    }

    /// How good its claim to its place is; nothing if it need not give way.
    fn claim(&self) -> Option<Claim> {
        let quiet = self.last_active().elapsed();
        if self.at_work.load(Ordering::Relaxed) > 0 {
            None
        } else if self.is_suspect.load(Ordering::Relaxed) {
            Some(Claim::Silent)
        } else if quiet < MOMENT {
            Some(Claim::Active)
        } else if !self.has_spoken.load(Ordering::Relaxed) {
            Some(Claim::Silent)
        } else if quiet < CHANCE && !(self.was_served.load(Ordering::Relaxed) && self.bodies().is_empty()) {
            Some(Claim::Active)
        } else {
            Some(Claim::Idle)
        }
    }

    /// It sent its first byte.
    pub(super) fn spoke(&self) {
        self.touch();
        self.has_spoken.store(true, Ordering::Relaxed);
    }

    /// A request whose response is being made, until the guard is dropped.
    pub(super) fn work(self: &Arc<Self>) -> AtWork {
        self.touch();
        self.at_work.fetch_add(1, Ordering::Relaxed);
        AtWork(self.clone())
    }

    /// A response that is being sent, until the guard is dropped.
    pub(super) fn sending(self: &Arc<Self>) -> Sending {
        let taken = Arc::new(AtomicU64::new(self.now()));
        self.bodies().push(taken.clone());
        Sending { peer: self.clone(), taken }
    }

    /// Whether it has a response of which it takes nothing.
    pub(super) fn is_stalled(&self) -> bool {
        let bound = self.now().saturating_sub(STALLED.as_millis() as u64);
        self.bodies().iter().any(|taken| taken.load(Ordering::Relaxed) < bound)
    }

    /// Whether nothing is under way, and has not been for `time`.
    pub(super) fn is_idle_for(&self, time: Duration) -> bool {
        let at_work = self.at_work.load(Ordering::Relaxed) > 0 || !self.bodies().is_empty();
        !at_work && self.last_active().elapsed() > time
    }

    fn bodies(&self) -> MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How good a claim to a place is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// It sent nothing, or a wrong password.
    Silent,
    /// It was served, or takes too long to ask or to read.
    Idle,
    /// It asks, or reads.
    Active,
}

/// See [`Peer::work`].
#[derive(Debug)]
pub(super) struct AtWork(Arc<Peer>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.touch();
        self.0.was_served.store(true, Ordering::Relaxed);
        self.0.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`Peer::sending`].
#[derive(Debug)]
pub(super) struct Sending {
    peer: Arc<Peer>,
    taken: Arc<AtomicU64>,
}

impl Sending {
    /// Something was taken.
    pub(super) fn progress(&self) {
        self.peer.touch();
        self.taken.store(self.peer.now(), Ordering::Relaxed);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.peer.touch();
        self.peer.bodies().retain(|taken| !Arc::ptr_eq(taken, &self.taken));
    }
}

#[cfg(test)]
mod tests;
