//! What a connector's author supplies: targets in every scenario of the suite, and the records that they contain.

use std::any::Any;
use std::fmt;

use connector_api::secrecy::SecretString;
use connector_api::{Registration, Section, SystemConfig, async_trait};

use super::trap::Trap;
use super::truth::Truth;

/// Starts targets for one connector.
///
/// The suite can only find mistakes for which the target gives an occasion. A good target has
/// - two accounts that would have the same user name, and an id that needs escaping in a path, such as one with a `/`;
/// - a group member, and a holder of an access, that no list of accounts contains;
/// - two accesses of one holder to one resource, one stronger than the other;
/// - at least three pages of one list, and more than 1,000 rows in total.
///
/// Failures should vary: [`Scenario::SectionFails`] by 403 or 404 for one section and by 500 for another, for only one
/// of several lists (the members of the second group), and with error bodies that repeat the credential, as careless
/// servers do.
///
/// A permanent failure takes as many attempts as the connector's retry policy allows, and dozens of scans meet one. To
/// keep waits short, give the connector attributes for its retry policy (attempts and first wait), and set them low in
/// the fixture: `with_attribute("attempts", 2)`. One scan may take 60 seconds.
///
/// Each test of the suite starts its own target inside its own single-threaded runtime. A server that is spawned there
/// ends with the test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Returns the registration of the connector under test.
    fn registration(&self) -> Registration;

    /// Starts a target in the state that `scenario` describes. Equal scenarios must have equal records.
    ///
    /// # Errors
    /// Returns [`NoTarget::Unsupported`] if there can be no such target, and [`NoTarget::Broken`] if it failed to
    /// start.
    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget>;
}

/// The state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// Nothing is wrong.
    Healthy,
    /// The target does not accept the credential.
    Unauthorized,
    /// The credential is valid but may not read what a scan needs.
    Forbidden,
    /// Nobody listens.
    Refused,
    /// Connections are accepted, but no request gets a response.
    Hangs,
    /// The target has a certificate that is not trusted.
    WrongCertificate,
    /// The configured address is plain HTTP to another machine: [`Trap::elsewhere`] of the target's trap.
    PlainHttp,
    /// Every request is redirected to the target's trap: [`bad_servers::redirecting`](crate::bad_servers::redirecting).
    Redirects,
    /// The next link of some list leads to the target's trap. Unsupported if no response contains an address.
    ForeignNextLink,
    /// Some requests fail, each in a way that a retry solves.
    TransientFaults {
        /// Decides which requests fail, and how.
        seed: u64,
    },
    /// One section cannot be read, or not completely, however often it is retried. Everything else can, except what is
    /// [drawn from](connector_api::SectionDescription::drawn_from) it.
    SectionFails(Section),
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("a healthy target"),
            Self::Unauthorized => f.write_str("a target that refuses the credential"),
            Self::Forbidden => f.write_str("a target that forbids reading"),
            Self::Refused => f.write_str("a target where nobody listens"),
            Self::Hangs => f.write_str("a target that never responds"),
            Self::WrongCertificate => f.write_str("a target with an untrusted certificate"),
            Self::PlainHttp => f.write_str("a target at a plain HTTP address that is not loopback"),
            Self::Redirects => f.write_str("a target that redirects every request to another server"),
            Self::ForeignNextLink => f.write_str("a target with a next link to another server"),
            Self::TransientFaults { seed } => write!(f, "a target with transient faults (seed {seed})"),
            Self::SectionFails(section) => write!(f, "a target whose {section} cannot be read"),
        }
    }
}

/// A running target.
pub struct Target {
    /// The configuration that a host would use.
    pub system: SystemConfig,
    /// The records that the target contains.
    pub truth: Truth,
    /// Secrets that must never be shown, the credential's first. Failures name them by number, from 1. They must be the
    /// same each time such a target is started.
    pub secrets: Vec<SecretString>,
    /// The server to which the connector must not connect.
    pub trap: Option<Trap>,
    keep: Vec<Box<dyn Any + Send + Sync>>,
}

impl Target {
    /// Creates a target whose only secret is the credential's.
    pub fn new(system: SystemConfig, truth: Truth) -> Self {
        let secrets = vec![system.credential.secret().clone()];
        Self { system, truth, secrets, trap: None, keep: Vec::new() }
    }

    /// Adds another secret that must never be shown, such as a secret attribute.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Sets the trap to which this target leads, for a scenario that needs one.
    #[must_use]
    pub fn with_trap(mut self, trap: Trap) -> Self {
        self.trap = Some(trap);
        self
    }

    /// Keeps `guard` alive as long as the target: a server's handle, a temporary folder.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.keep.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("system", &self.system).field("guards", &self.keep.len()).finish_non_exhaustive()
    }
}

/// The reason why there is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTarget {
    /// Such a target makes no sense for this connector, or the fixture cannot provide it: the test is skipped.
    Unsupported(String),
    /// The target failed to start: the test fails.
    Broken(String),
}

impl NoTarget {
    /// There is no such target; `why` is the reason.
    pub fn unsupported(why: impl fmt::Display) -> Self {
        Self::Unsupported(why.to_string())
    }

    /// The target did not start; `why` is the reason.
    pub fn broken(why: impl fmt::Display) -> Self {
        Self::Broken(why.to_string())
    }
}
