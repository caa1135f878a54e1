//! What to simulate.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::behaviour::Behaviour;
use super::faults::{Fault, Scope};

/// How a [`Simulator`](super::Simulator) is to be. The default is the demo organisation.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// Directory users.
    pub users: u64,
    /// User groups.
    pub groups: u64,
    /// How many users the groups have.
    pub group_sizes: GroupSizes,
    /// Devices.
    pub systems: u64,
    /// Events that Directory Insights holds for the last 90 days; `None` for eight a user, at most two million.
    pub events: Option<u64>,
    /// What everything is computed from: the same seed, the same organisation and the same key.
    pub seed: u64,
    /// The time at which the organisation is seen. Log-ins lie in the 90 days before it.
    pub now: Timestamp,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS, or plain HTTP.
    pub tls: Option<TlsMode>,
    /// Whether HTTP/2 is offered, where TLS negotiates it.
    pub http2: bool,
    /// Whether answers are compressed for clients that accept it.
    pub gzip: bool,
    /// Time that each request waits before it is looked at.
    pub latency: Duration,
    /// Requests a second; what goes beyond is answered 429.
    pub rate_limit: Option<u32>,
    /// How they are counted.
    pub counting: Counting,
    /// The seconds that a 429 says in `Retry-After`.
    pub retry_after: Option<u64>,
    /// Whether the service answers as it was observed, or as its documents say.
    pub behaviour: Behaviour,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Which listings of users exist.
    pub users_endpoint: UsersEndpoint,
    /// Organisations. With more than one the key belongs to a multi-tenant administrator, who has to name the
    /// organisation in `x-org-id`.
    pub organizations: u64,
    /// What the key has no right to: these endpoints answer 403.
    pub forbidden: Vec<Scope>,
    /// The API key; `None` for one made from the seed.
    pub api_key: Option<SecretString>,
    /// How long an OAuth access token lives.
    pub token_lifetime: Duration,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            users: 300,
            groups: 24,
            group_sizes: GroupSizes::default(),
            systems: 60,
            events: None,
            seed: 2_718,
            now: Timestamp::now(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            http2: true,
            gzip: true,
            latency: Duration::ZERO,
            rate_limit: None,
            counting: Counting::default(),
            retry_after: None,
            behaviour: Behaviour::default(),
            faults: Vec::new(),
            users_endpoint: UsersEndpoint::default(),
            organizations: 1,
            forbidden: Vec::new(),
            api_key: None,
            token_lifetime: Duration::from_secs(3_600),
        }
    }
}

/// How many of the generated users the generated groups have; never more than there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupSizes {
    /// A few groups are large and most are small, as 1, ½, ⅓, …
    #[default]
    Skewed,
    /// Any number from none to this one is as likely as another.
    UpTo(u64),
    /// Each group has this many.
    Each(u64),
}

impl std::str::FromStr for GroupSizes {
    type Err = String;

    /// Reads `skewed`, `up-to-N` or `N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| digits.parse().map_err(|_| "expected skewed, up-to-N or N".to_owned());
        match text.strip_prefix("up-to-") {
            Some(most) => number(most).map(Self::UpTo),
            None if text == "skewed" => Ok(Self::Skewed),
            None => number(text).map(Self::Each),
        }
    }
}

/// How requests are held against a limit of N a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// A bucket into which tokens drip evenly, and that holds those of a fifth of a second.
    #[default]
    Bucket,
    /// Anew with each second.
    EachSecond,
    /// Those served in the second before.
    LastSecond,
}

/// Which of `/api/v2/users` and `/api/systemusers` list users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsersEndpoint {
    /// `/api/systemusers` alone, as published; the other answers 404.
    #[default]
    SystemUsers,
    /// `/api/systemusers` alone; the other answers 405.
    SystemUsersV2NotAllowed,
    /// `/api/v2/users` alone.
    V2,
    /// Both.
    Both,
}

/// The certificate that the simulator shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Signed by an authority of its own, for 127.0.0.1, ::1 and localhost.
    Valid,
    /// As valid, but out of date.
    Expired,
    /// Signed by itself.
    SelfSigned,
    /// As valid, but for another host.
    WrongName,
}
