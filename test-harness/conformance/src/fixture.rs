//! What a connector's author supplies: targets in every state that the suite asks for, and the truth they hold.

use std::any::Any;
use std::fmt;

use connector_api::secrecy::SecretString;
use connector_api::{Registration, Section, SystemConfig, async_trait};

use super::trap::Trap;
use super::truth::Truth;

/// Starts targets for one connector.
///
/// The suite sees the mistakes that a target gives occasion to make. A good target holds
/// - two accounts that want one user name, and an id that needs escaping in a path, such as one with a `/`;
/// - a member, and a holder of an access, whom no list of accounts has;
/// - two accesses of one holder to one thing, of which one is the stronger;
/// - three pages or more of one list, and more than 1,000 rows in all;
///
/// and where something fails, it fails in more than one way: [`Scenario::SectionFails`] by 403 or 404 for one section and by
/// 500 for another, for one list among several (the members of the second group), with bodies of errors that repeat the
/// credential as careless servers do.
///
/// What always fails is tried as often as the connector's retries have it, and dozens of scans meet it. To keep the waits
/// short, give the connector attributes that go into its retry policy (attempts, and the first wait), and set them low in the
/// fixture: `with_attribute("attempts", 2)`. One scan may take 60 seconds.
///
/// Each test of the suite starts its own target, inside its own single-threaded runtime: a server that is spawned
/// there ends with the test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The connector under test.
    fn registration(&self) -> Registration;

    /// Starts a target in the state that `scenario` describes.
    ///
    /// Equal scenarios hold equal records.
    ///
    /// # Errors
    /// [`NoTarget::Unsupported`] when such a target cannot be had, [`NoTarget::Broken`] when it should have been.
    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget>;
}

/// The state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// All is well.
    Healthy,
    /// The target does not accept the credential.
    Unauthorized,
    /// The credential is good but may not read what a scan needs.
    Forbidden,
    /// Nobody listens.
    Refused,
    /// Connections are accepted, and nothing is ever answered.
    Hangs,
    /// The target shows a certificate that nobody vouches for.
    WrongCertificate,
    /// The configured address is plain HTTP to another machine than this one: [`Trap::elsewhere`] of the target's trap.
    PlainHttp,
    /// Every request is answered with a redirect to the target's trap: [`bad_servers::redirecting`](crate::bad_servers::redirecting).
    Redirects,
    /// The link to the next page of some list leads to the target's trap. Unsupported where no answer names an address.
    ForeignNextLink,
    /// Requests fail now and then, each in a way that a retry cures.
    TransientFaults {
        /// Decides which requests fail, and how.
        seed: u64,
    },
    /// One section cannot be read, or not all of it, however often it is tried; everything else can, but for what is
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
            Self::Hangs => f.write_str("a target that never answers"),
            Self::WrongCertificate => f.write_str("a target with a certificate that nobody vouches for"),
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
    /// How a host would configure it.
    pub system: SystemConfig,
    /// What it holds.
    pub truth: Truth,
    /// What must never show, the credential's own secret first; failures name them by their numbers, from 1. The same each time that such a target is started.
    pub secrets: Vec<SecretString>,
    /// Where the connector may not come.
    pub trap: Option<Trap>,
    keep: Vec<Box<dyn Any + Send + Sync>>,
}

impl Target {
    /// A target with the credential's secret as its only one.
    pub fn new(system: SystemConfig, truth: Truth) -> Self {
        let secrets = vec![system.credential.secret().clone()];
        Self { system, truth, secrets, trap: None, keep: Vec::new() }
    }

    /// The same target with one more thing that must never show, such as a secret attribute.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// The same target, which leads to this trap, in a scenario that asks for one.
    #[must_use]
    pub fn with_trap(mut self, trap: Trap) -> Self {
        self.trap = Some(trap);
        self
    }

    /// The same target, which keeps `guard` alive as long as it lives: a server's handle, a temporary folder.
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

/// Why there is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTarget {
    /// Such a target makes no sense for this connector, or the fixture cannot make one: the test is skipped.
    Unsupported(String),
    /// It should have started: the test fails.
    Broken(String),
}

impl NoTarget {
    /// There is no such target, and why.
    pub fn unsupported(why: impl fmt::Display) -> Self {
        Self::Unsupported(why.to_string())
    }

    /// The target did not start, and why.
    pub fn broken(why: impl fmt::Display) -> Self {
        Self::Broken(why.to_string())
    }
}
