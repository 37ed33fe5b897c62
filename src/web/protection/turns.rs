//! Who may have a password checked next.
//!
//! A check costs a processor for a tenth of a second or for some, so that few run
//! at once, and a flood of guesses must not keep a scraper waiting that logs in
//! for the first time. One user at one address has one check under way; those
//! whose connection has sent no wrong password come first; then whose last check
//! is longest ago. Never here: passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Checks that run at once.
const AT_ONCE: usize = 2;

/// Checks of one user at one address that wait, of either kind.
const WAITING: usize = 16;

/// Who asks: an address, and the user if there is one of that name. Strangers of
/// an address are all the same.
pub(super) type Who = (IpAddr, Option<String>);

/// Askers whose last turn is remembered.
const REMEMBERED: usize = 4096;

/// Hands out turns.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    running: Vec<Who>,
    waiting: Vec<Waiting>,
    /// Turns so far, and when each asker had its last.
    turns: u64,
    last: HashMap<Who, u64>,
}

#[derive(Debug)]
struct Waiting {
    who: Who,
    is_suspect: bool,
    call: oneshot::Sender<Turn>,
}

/// The right to check a password, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    who: Who,
}

impl Turns {
    /// Waits for a turn; `None` if as many of the same asker wait as may.
    pub(super) async fn wait(&self, who: Who, is_suspect: bool) -> Option<Turn> {
        let called = {
            let mut state = self.state();
            let alike = |waiting: &&Waiting| waiting.who == who && waiting.is_suspect == is_suspect;
            state.waiting.retain(|waiting| !waiting.call.is_closed());
            if state.waiting.iter().filter(alike).count() >= WAITING {
                return None;
            }
            let (call, called) = oneshot::channel();
            state.waiting.push(Waiting { who, is_suspect, call });
            called
        };
        self.call_next();
        called.await.ok()
    }

    /// Calls whoever may run now.
    fn call_next(&self) {
        loop {
            // A turn that nobody takes is dropped outside of the lock, and passed on.
            let (call, turn) = {
                let mut state = self.state();
                let Some(next) = state.next() else { return };
                let Waiting { who, call, .. } = state.waiting.remove(next);
                state.begin(who.clone());
                (call, Turn { turns: self.clone(), who })
            };
            let _ = call.send(turn);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&self) -> Option<usize> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let last = |who: &Who| self.last.get(who).copied().unwrap_or_default();
        let waiting = self.waiting.iter().enumerate().filter(|(_, waiting)| !self.running.contains(&waiting.who));
        waiting.min_by_key(|(at, waiting)| (waiting.is_suspect, last(&waiting.who), *at)).map(|(at, _)| at)
    }

    fn begin(&mut self, who: Who) {
        self.running.push(who.clone());
        self.turns += 1;
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        self.last.insert(who, self.turns);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let mut state = self.turns.state();
            if let Some(at) = state.running.iter().position(|running| *running == self.who) {
                state.running.swap_remove(at);
            }
        }
        self.turns.call_next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Who {
        (IpAddr::from([192, 0, 2, last]), None)
    }

    /// Waits in a task of its own, and says who it was when its turn has come.
    fn wait(turns: &Turns, who: u8, is_suspect: bool) -> tokio::task::JoinHandle<Option<Turn>> {
        let turns = turns.clone();
        tokio::spawn(async move { turns.wait(address(who), is_suspect).await })
    }

    #[tokio::test]
    async fn one_address_has_one_check_under_way_and_another_does_not_wait_for_it() {
        let turns = Turns::default();
        let first = turns.wait(address(1), false).await.unwrap();
        let second = wait(&turns, 1, false);
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        let other = turns.wait(address(2), false).await.unwrap();
        drop(first);
        assert!(second.await.unwrap().is_some());
        drop(other);
    }

    #[tokio::test]
    async fn a_new_connection_comes_before_those_that_guessed_wrong() {
        let turns = Turns::default();
        let running = turns.wait(address(1), true).await.unwrap();
        let guesses: Vec<_> = (0..5).map(|_| wait(&turns, 1, true)).collect();
        tokio::task::yield_now().await;
        let scraper = wait(&turns, 1, false);
        tokio::task::yield_now().await;
        drop(running);
        let turn = scraper.await.unwrap().unwrap();
        assert!(guesses.iter().all(|guess| !guess.is_finished()));
        drop(turn);
        for guess in guesses {
            assert!(guess.await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused_and_whoever_leaves_makes_room() {
        let turns = Turns::default();
        let running = turns.wait(address(1), false).await.unwrap();
        let waiting: Vec<_> = (0..WAITING).map(|_| wait(&turns, 1, false)).collect();
        tokio::task::yield_now().await;
        assert!(turns.wait(address(1), false).await.is_none());
        for gone in waiting {
            gone.abort();
            assert!(gone.await.is_err());
        }
        let patient = wait(&turns, 1, false);
        tokio::task::yield_now().await;
        drop(running);
        assert!(patient.await.unwrap().is_some());
    }
}
