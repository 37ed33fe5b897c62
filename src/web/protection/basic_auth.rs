//! Users and passwords.
//!
//! A password costs one bcrypt, whoever asks and whether or not the user is
//! there, and bcrypts run one at a time: guessing is slow and takes one thread.
//! Results of checks are remembered, so that a scraper costs one bcrypt in all.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, rand};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::error;

use super::error_list::ErrorList;

/// Results that are remembered, of either kind. Bad ones have a store of their
/// own, so that guesses do not push out the good ones.
const REMEMBERED: usize = 128;

/// Salt and digest of no password that anybody knows, for users that are not
/// there.
const NOBODY: &str = "XhbsBYmkRdpQUHuWgKJB7uG.Wh4zd8HZNUYuS1kF0v7kD0WNq7wnq";

/// The users and the hashes of their passwords. Empty: everyone is let in.
#[derive(Default)]
pub(super) struct Users {
    hashes: BTreeMap<String, SecretString>,
    /// The hash for users that are not there, as expensive as the most expensive one.
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
        let mut highest_cost = bcrypt::DEFAULT_COST;
        for (i, (user, hash)) in hashes.iter().enumerate() {
            let place = format!("basic_auth_users.{user}");
            if user.contains(':') {
                errors.push(&place, "expected a name without a colon, found one; basic auth cannot carry it");
            }
            let cost = hash.expose_secret().parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost());
            match cost.filter(|cost| (4..=31).contains(cost)) {
                Some(cost) if i == 0 => highest_cost = cost,
                Some(cost) => highest_cost = highest_cost.max(cost),
                None => errors.push(
                    &place,
                    "expected a bcrypt hash, found something else; make one with `htpasswd -nBC 10 USER`",
                ),
            }
        }
        Self { hashes, nobody: format!("$2b${highest_cost:02}${NOBODY}").into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Checks passwords, and remembers the passwords.
pub(super) struct PasswordCache {
    /// New in each process: what is remembered says nothing about passwords.
    key: hmac::Key,
    remembered: Mutex<Remembered>,
    one_at_a_time: Arc<tokio::sync::Mutex<()>>,
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
        Self { key, remembered: Mutex::default(), one_at_a_time: Arc::default() }
    }
}

impl PasswordCache {
    /// Whether the header `Authorization` of a request lets it in.
    pub(super) async fn admits(&self, users: &Users, authorization: Option<&HeaderValue>) -> bool {
        if users.is_empty() {
            return true;
        }
        let Some((user, password)) = authorization.and_then(credentials) else { return false };
        let known = users.hashes.get(&user);
        let hash = known.unwrap_or(&users.nobody).clone();
        let key = self.cache_key(&user, &hash, &password);
        if let Some(correct) = self.remembered(&key) {
            return correct;
        }
        let turn = self.one_at_a_time.clone().lock_owned().await;
        // Whoever waited for the same password has the result by now.
        if let Some(correct) = self.remembered(&key) {
            return correct;
        }
        let exists = known.is_some();
        let correct = tokio::task::spawn_blocking(move || {
            // Held until the end of the work, also if the caller goes away.
            let _turn = turn;
            let matches = bcrypt::verify(password.expose_secret(), hash.expose_secret());
            matches.unwrap_or_default() && exists
        })
        .await;
        let correct = correct.unwrap_or_else(|failed| {
            error!(%failed, "password check panicked; treating the password as wrong");
            false
        });
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if correct {
            remembered.good.insert(key)
        } else {
            remembered.bad.insert(key)
        }
        correct
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
            admitted.push(passwords.admits(&users, Some(&header)).await);
        }
        assert_eq!(admitted, [true, true, false, false, false, false, false, false, false, true]);
        assert!(!passwords.admits(&users, None).await);
    }

    #[tokio::test]
    async fn without_users_everyone_is_let_in() {
        assert!(PasswordCache::default().admits(&Users::default(), None).await);
    }

    #[tokio::test]
    async fn the_dummy_password_lets_nobody_in() {
        let passwords = PasswordCache::default();
        let mut users = users(&["alice"]);
        users.nobody = bcrypt::hash("Secret2", 4).unwrap().into();
        assert!(!passwords.admits(&users, Some(&basic("bob:Secret2"))).await);
    }

    #[tokio::test]
    async fn a_cached_result_ends_with_its_hash() {
        let passwords = PasswordCache::default();
        assert!(passwords.admits(&users(&["alice"]), Some(&basic("alice:Secret1"))).await);
        let mut changed = users(&["alice"]);
        changed.hashes.insert("alice".to_owned(), bcrypt::hash("Secret2", 4).unwrap().into());
        assert!(!passwords.admits(&changed, Some(&basic("alice:Secret1"))).await);
        assert!(passwords.admits(&changed, Some(&basic("alice:Secret2"))).await);
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
        assert_eq!(nobody.get_cost(), 11);
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
