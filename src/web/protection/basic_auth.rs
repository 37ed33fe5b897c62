//! Users and passwords.
//!
//! A password costs one bcrypt, whether or not the user is there, and whoever
//! wants one checked takes a turn (see [`super::turns`]): guessing is slow and
//! delays nobody else. Results of checks are remembered, so that a scraper costs
//! one bcrypt in all.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, rand};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::error;

use super::error_list::ErrorList;
use super::turns::Turns;
use crate::web::connections::Peer;
use crate::web::workers::{NotDone, Workers};

/// Results that are remembered, of either kind. Bad ones have a store of their
/// own, so that guesses do not push out the good ones.
const REMEMBERED: usize = 128;

/// Each step doubles the time: 15 takes some seconds.
const MAX_COST: u32 = 15;

/// Salt and digest of no password that anybody knows, for users that are not
/// there.
const NOBODY: &str = "XhbsBYmkRdpQUHuWgKJB7uG.Wh4zd8HZNUYuS1kF0v7kD0WNq7wnq";

/// The users and the hashes of their passwords. Empty: everyone is let in.
#[derive(Default)]
pub(super) struct Users {
    hashes: BTreeMap<String, SecretString>,
    /// The hash for users that are not there, as expensive as the cheapest one: a
    /// stranger must not have more work done than a user.
    nobody: SecretString,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Users {
    /// Checks the hashes.
    pub(super) fn check(hashes: BTreeMap<String, SecretString>, errors: &mut ErrorList) -> Self {
        let mut lowest_cost = MAX_COST;
        for (user, hash) in &hashes {
            let place = format!("basic_auth_users.{user}");
            if user.contains(':') {
                errors.push(&place, "expected a name without a colon, found one; basic auth cannot carry it");
            }
            let cost = hash.expose_secret().parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost());
            match cost.filter(|cost| (4..=31).contains(cost)) {
                Some(cost) if cost > MAX_COST => errors.push(
                    &place,
                    &format!(
                        "expected a bcrypt cost of at most {MAX_COST}, found {cost}, which takes longer than a scrape may; \
                         make a hash with `htpasswd -nBC 10 USER`"
                    ),
                ),
                Some(cost) => lowest_cost = lowest_cost.min(cost),
                None => errors.push(
                    &place,
                    "expected a bcrypt hash, found something else; make one with `htpasswd -nBC 10 USER`",
                ),
            }
        }
        Self { hashes, nobody: format!("$2b${lowest_cost:02}${NOBODY}").into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Whether a request is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    Denied,
    /// Too many passwords wait to be checked.
    Busy,
}

/// What a checked password means, for its connection too.
fn admission(correct: bool, peer: &Peer) -> Admission {
    if correct {
        return Admission::Granted;
    }
    peer.is_suspect.store(true, Ordering::Relaxed);
    Admission::Denied
}

/// Checks passwords, and remembers the results.
pub(super) struct PasswordCache {
    /// New in each process: what is remembered says nothing about passwords.
    key: hmac::Key,
    remembered: Mutex<Remembered>,
    turns: Turns,
}

#[derive(Default)]
struct Remembered {
    good: Bounded,
    bad: Bounded,
}

impl fmt::Debug for PasswordCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCache").finish_non_exhaustive()
    }
}

impl Default for PasswordCache {
    #[expect(clippy::expect_used, reason = "a system without random numbers has no TLS either")]
    fn default() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new()).expect("random numbers");
        Self { key, remembered: Mutex::default(), turns: Turns::default() }
    }
}

impl PasswordCache {
    /// Whether the header `Authorization` of a request lets it in.
    pub(super) async fn check(
        &self,
        users: &Users,
        authorization: Option<&HeaderValue>,
        peer: &Peer,
        workers: &Workers,
    ) -> Admission {
        if users.is_empty() {
            return Admission::Granted;
        }
        let Some((user, password)) = authorization.and_then(credentials) else { return Admission::Denied };
        let known = users.hashes.get(&user);
        let hash = known.unwrap_or(&users.nobody).clone();
        let key = self.cache_key(&user, &hash, &password);
        if let Some(correct) = self.remembered(&key) {
            return admission(correct, peer);
        }
        let Some(turn) =
            self.turns.wait((peer.address, known.map(|_| user.clone())), peer.is_suspect.load(Ordering::Relaxed)).await
        else {
            peer.is_suspect.store(true, Ordering::Relaxed);
            return Admission::Busy;
        };
        // Whoever waited for the same password has the result by now.
        if let Some(correct) = self.remembered(&key) {
            return admission(correct, peer);
        }
        let exists = known.is_some();
        let checked = workers.run(move || {
            // Held until the end of the work, also if the caller goes away.
            let _turn = turn;
            let matches = bcrypt::verify(password.expose_secret(), hash.expose_secret());
            matches.unwrap_or_default() && exists
        });
        let correct = match checked.await {
            Ok(correct) => correct,
            Err(NotDone::Busy) => return Admission::Busy,
            Err(NotDone::Panicked) => {
                error!("password check panicked; treating the password as wrong");
                false
            }
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if correct {
            remembered.good.insert(key)
        } else {
            remembered.bad.insert(key)
        }
        drop(remembered);
        admission(correct, peer)
    }

    fn remembered(&self, key: &[u8]) -> Option<bool> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.good.contains(key) { Some(true) } else { remembered.bad.contains(key).then_some(false) }
    }

    /// User, hash and password, each with its length, as one digest.
    fn cache_key(&self, user: &str, hash: &SecretString, password: &SecretString) -> Vec<u8> {
        let mut digest = hmac::Context::with_key(&self.key);
        for part in [user, hash.expose_secret(), password.expose_secret()] {
            digest.update(&part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.sign().as_ref().to_vec()
    }
}

/// User and password of an `Authorization: Basic` header.
fn credentials(header: &HeaderValue) -> Option<(String, SecretString)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.into()))
}

/// A set that forgets the oldest.
#[derive(Default)]
struct Bounded {
    members: HashSet<Vec<u8>>,
    order: VecDeque<Vec<u8>>,
}

impl Bounded {
    fn contains(&self, member: &[u8]) -> bool {
        self.members.contains(member)
    }

    fn insert(&mut self, member: Vec<u8>) {
        if !self.members.insert(member.clone()) {
            return;
        }
        self.order.push_back(member);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Secret1`, at the least cost there is.
    fn users(names: &[&str]) -> Users {
        let hash = bcrypt::hash("Secret1", 4).unwrap();
        let mut errors = ErrorList::default();
        Users::check(names.iter().map(|name| ((*name).to_owned(), hash.clone().into())).collect(), &mut errors)
    }

    /// Whether a request from this machine is let in.
    async fn admits(cache: &PasswordCache, users: &Users, header: Option<&HeaderValue>) -> bool {
        let workers = Workers::start("test", 1, 4).unwrap();
        let peer = Peer::new([127, 0, 0, 1].into());
        let admission = cache.check(users, header, &peer, &workers).await;
        assert_eq!(
            peer.is_suspect.load(Ordering::Relaxed),
            admission == Admission::Denied && header.and_then(credentials).is_some()
        );
        admission == Admission::Granted
    }

    fn basic(credentials: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials))).unwrap()
    }

    #[tokio::test]
    async fn only_a_known_user_with_the_right_password_is_let_in() {
        let (passwords, users) = (PasswordCache::default(), users(&["alice"]));
        let mut admitted = Vec::new();
        // Twice each: first by bcrypt, then from memory.
        for header in [
            basic("alice:Secret1"),
            basic("alice:Secret1"),
            basic("alice:secret1"),
            basic("alice:secret1"),
            basic("bob:Secret1"),
            basic("bob:Secret1"),
            basic("alice"),
            HeaderValue::from_static("Basic ???"),
            HeaderValue::from_static("Bearer YWxpY2U6U2VjcmV0MQ=="),
            HeaderValue::from_static("bAsIc YWxpY2U6U2VjcmV0MQ=="),
        ] {
            admitted.push(admits(&passwords, &users, Some(&header)).await);
        }
        assert_eq!(admitted, [true, true, false, false, false, false, false, false, false, true]);
        assert!(!admits(&passwords, &users, None).await);
    }

    #[tokio::test]
    async fn without_users_everyone_is_let_in() {
        assert!(admits(&PasswordCache::default(), &Users::default(), None).await);
    }

    #[tokio::test]
    async fn the_dummy_password_lets_nobody_in() {
        let passwords = PasswordCache::default();
        let mut users = users(&["alice"]);
        users.nobody = bcrypt::hash("Secret2", 4).unwrap().into();
        assert!(!admits(&passwords, &users, Some(&basic("bob:Secret2"))).await);
    }

    #[tokio::test]
    async fn a_cached_result_ends_with_its_hash() {
        let passwords = PasswordCache::default();
        assert!(admits(&passwords, &users(&["alice"]), Some(&basic("alice:Secret1"))).await);
        let mut changed = users(&["alice"]);
        changed.hashes.insert("alice".to_owned(), bcrypt::hash("Secret2", 4).unwrap().into());
        assert!(!admits(&passwords, &changed, Some(&basic("alice:Secret1"))).await);
        assert!(admits(&passwords, &changed, Some(&basic("alice:Secret2"))).await);
    }

    #[test]
    fn an_unknown_user_costs_as_much_as_the_most_expensive_one() {
        let hash = |cost: &str| SecretString::from(format!("$2y${cost}${NOBODY}"));
        let mut errors = ErrorList::default();
        let users = Users::check(
            BTreeMap::from([("a".to_owned(), hash("05")), ("b".to_owned(), hash("11")), ("c".to_owned(), hash("08"))]),
            &mut errors,
        );
        let nobody: bcrypt::HashParts = users.nobody.expose_secret().parse().unwrap();
        assert_eq!(nobody.get_cost(), 5);
    }

    #[test]
    fn the_oldest_cached_result_is_forgotten_first() {
        let mut set = Bounded::default();
        for i in 0..=REMEMBERED {
            set.insert(vec![u8::try_from(i).unwrap()]);
            set.insert(vec![u8::try_from(i).unwrap()]);
        }
        assert_eq!((set.members.len(), set.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!set.contains(&[0]));
        assert!(set.contains(&[1]));
    }

    #[test]
    fn debug_output_never_contains_hashes() {
        assert_eq!(format!("{:?}", users(&["alice", "bob"])), r#"{"alice", "bob"}"#);
        assert_eq!(format!("{:?}", PasswordCache::default()), "PasswordCache { .. }");
    }
}
