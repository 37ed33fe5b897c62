//! Which connections are open, and which of them gives way when there are too
//! many.
//!
//! A flood must not keep Prometheus out: a new connection always gets in, and
//! the one that has been idle longest is closed for it. One for which a response
//! is being made never is. Never here: sockets.

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

/// What a new connection has for its first request, before it may have to give
/// way.
const CHANCE: Duration = Duration::from_secs(2);

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
        let of_address = table.by_address.get(&address).copied().unwrap_or_default();
        let is_greedy = !address.is_loopback() && of_address >= (self.most / PART_OF_ONE_ADDRESS).max(1);
        let is_full = table.open.len() >= self.most;
        let mut displaced = false;
        if is_greedy || is_full {
            match table.idle_longest(is_greedy.then_some(address)) {
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
    /// The connection, of one address or of all, that did nothing for longest.
    fn idle_longest(&self, of: Option<IpAddr>) -> Option<u64> {
        self.open
            .iter()
            .filter(|(_, peer)| of.is_none_or(|address| peer.address == address))
            .filter_map(|(id, peer)| Some((peer.claim()?, peer.last_active(), *id)))
            .min()
            .map(|(_, _, id)| id)
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

    /// How good its claim to its place is; nothing if it need not give way. One
    /// that sent nothing goes first, then one that was served and is idle, then
    /// one whose first request takes too long to come.
    fn claim(&self) -> Option<u8> {
        if self.at_work.load(Ordering::Relaxed) > 0 {
            None
        } else if !self.has_spoken.load(Ordering::Relaxed) {
            Some(0)
        } else if self.was_served.load(Ordering::Relaxed) {
            Some(1)
        } else {
            (self.started.elapsed() >= CHANCE).then_some(2)
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
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_longest_gives_way_unless_a_response_is_being_made() {
        let connections = Arc::new(Connections { most: 3, table: Mutex::default(), leaving: AtomicUsize::new(0) });
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(connections.admit([127, 0, 0, 1].into()).place.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let _work = places[0].peer.work();
        let fourth = connections.admit([127, 0, 0, 1].into());
        assert!(fourth.displaced && fourth.place.is_some());
        let given_way: Vec<bool> = places.iter().map(|place| place.peer.give_way.is_cancelled()).collect();
        assert_eq!(given_way, [false, true, false]);
        assert_eq!(connections.count(), 3);
        drop(places);
        assert_eq!(connections.count(), 1);
    }

    #[tokio::test]
    async fn when_all_are_at_work_a_new_connection_is_refused() {
        let connections = Arc::new(Connections { most: 1, table: Mutex::default(), leaving: AtomicUsize::new(0) });
        let first = connections.admit(address(1)).place.unwrap();
        let _work = first.peer.work();
        let second = connections.admit(address(2));
        assert!(second.place.is_none() && !second.displaced);
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_an_eighth_of_the_connections_at_most_and_loopback_all() {
        let connections = Arc::new(Connections { most: 16, table: Mutex::default(), leaving: AtomicUsize::new(0) });
        let others: Vec<_> = (1..=3).map(|i| connections.admit(address(i)).place.unwrap()).collect();
        let mut greedy = Vec::new();
        for _ in 0..10 {
            greedy.extend(connections.admit(address(9)).place);
            tokio::time::advance(CHANCE).await;
        }
        assert_eq!(connections.count(), 3 + 2);
        assert!(others.iter().all(|place| !place.peer.give_way.is_cancelled()));
        assert_eq!(greedy.iter().filter(|place| !place.peer.give_way.is_cancelled()).count(), 2);
        tokio::time::advance(CHANCE).await;
        let local: Vec<_> = (0..11).map(|_| connections.admit([127, 0, 0, 1].into())).collect();
        assert!(local.iter().all(|admitted| !admitted.displaced));
        assert_eq!(connections.count(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_of_which_nothing_is_taken_stalls_and_a_slow_one_does_not() {
        let peer = Arc::new(Peer::new(address(1)));
        let (slow, stuck) = (peer.sending(), peer.sending());
        for _ in 0..3 {
            assert!(!peer.is_stalled());
            tokio::time::advance(STALLED / 3 + Duration::from_millis(10)).await;
            slow.progress();
        }
        assert!(peer.is_stalled());
        drop(stuck);
        assert!(!peer.is_stalled() && !peer.is_idle_for(Duration::ZERO));
        drop(slow);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(peer.is_idle_for(Duration::from_secs(4)) && !peer.is_idle_for(Duration::from_secs(5)));
    }
}
