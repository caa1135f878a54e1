//! Who may see the pages: a token that is valid once is exchanged for a cookie.
//!
//! Tokens are random and kept as digests, so that looking one up reveals nothing by its time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::console::Announce;

/// Sessions that are open at the same time. When there are more, the one that was idle longest ends.
const MOST: usize = 64;

/// How long a session may be idle.
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);

type Hash = [u8; 32];

/// The open sessions, and the token that opens the next one.
pub(crate) struct Sessions {
    address: SocketAddr,
    announce: Announce,
    inner: Mutex<Inner>,
}

struct Inner {
    invitation: Hash,
    open: BTreeMap<Hash, Session>,
}

/// One browser that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// What each form of this session sends back: another site cannot know it.
    pub(crate) form_token: String,
    used: Instant,
}

impl Sessions {
    /// Announces the first token.
    pub(crate) fn new(address: SocketAddr, announce: Announce) -> Self {
        let token = token();
        let inner = Inner { invitation: hash(&token), open: BTreeMap::new() };
        let sessions = Self { address, announce, inner: Mutex::new(inner) };
        sessions.invite(&token);
        sessions
    }

    fn invite(&self, token: &str) {
        (self.announce)(&format!("http://{}/sign-in?token={token}", self.address));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges the token for a session and announces the next one. Returns the session's key, for a cookie.
    pub(crate) fn sign_in(&self, given: &str) -> Option<String> {
        let (next, key) = (token(), token());
        {
            let mut inner = self.inner();
            if inner.invitation != hash(given.trim()) {
                return None;
            }
            inner.invitation = hash(&next);
            inner.open.retain(|_, session| session.used.elapsed() < IDLE);
            while inner.open.len() >= MOST {
                let oldest = inner.open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
                oldest.map(|key| inner.open.remove(&key));
            }
            inner.open.insert(hash(&key), Session { form_token: token(), used: Instant::now() });
        }
        self.invite(&next);
        Some(key)
    }

    /// Returns the session with this key, and notes that it is used.
    pub(crate) fn find(&self, key: &str) -> Option<Session> {
        let mut inner = self.inner();
        let session = inner.open.get_mut(&hash(key)).filter(|session| session.used.elapsed() < IDLE)?;
        session.used = Instant::now();
        Some(session.clone())
    }

    /// Ends the session with this key.
    pub(crate) fn sign_out(&self, key: &str) {
        self.inner().open.remove(&hash(key));
    }

    /// The name of the cookie. Browsers send the cookies of one port to all others, so it names the port.
    pub(crate) fn cookie(&self) -> String {
        format!("console-{}", self.address.port())
    }
}

impl Session {
    /// Whether a form of this session sent this token.
    pub(crate) fn accepts(&self, form_token: &str) -> bool {
        hash(form_token) == hash(&self.form_token)
    }
}

/// 256 random bits in hexadecimal digits.
fn token() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Arc, Mutex};

    use super::*;

    fn sessions() -> (Sessions, Arc<Mutex<Vec<String>>>) {
        let announced = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&announced);
        let announce = Box::new(move |address: &str| to.lock().unwrap().push(address.to_owned()));
        (Sessions::new("127.0.0.1:8080".parse().unwrap(), announce), announced)
    }

    fn last(announced: &Mutex<Vec<String>>) -> String {
        announced.lock().unwrap().last().unwrap().split_once("token=").unwrap().1.to_owned()
    }

    #[test]
    fn a_token_is_valid_once_and_a_fresh_one_follows() {
        let (sessions, announced) = sessions();
        let first = last(&announced);
        assert!(sessions.sign_in("").is_none());
        let key = sessions.sign_in(&first).unwrap();
        assert!(sessions.sign_in(&first).is_none());
        assert_eq!(announced.lock().unwrap().len(), 2);
        assert_ne!(last(&announced), first);
        assert!(sessions.find(&key).is_some());
        assert!(sessions.find(&first).is_none());
        sessions.sign_out(&key);
        assert!(sessions.find(&key).is_none());
    }

    #[test]
    fn sessions_are_bounded_and_the_one_that_was_idle_longest_ends() {
        let (sessions, announced) = sessions();
        let sign_in = || sessions.sign_in(&last(&announced)).unwrap();
        let (first, second) = (sign_in(), sign_in());
        assert!(sessions.find(&first).is_some());
        for _ in 2..=MOST {
            sign_in();
        }
        assert!(sessions.find(&first).is_some());
        assert!(sessions.find(&second).is_none());
        assert_eq!(sessions.inner().open.len(), MOST);
    }
}
