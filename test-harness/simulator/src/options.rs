//! What to simulate.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::behaviour::Behaviour;
use super::faults::{Fault, Scope};

/// The options of a [`Simulator`](super::Simulator). The default is the demo organisation.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// Directory users.
    pub users: u64,
    /// User groups.
    pub groups: u64,
    /// The sizes of groups.
    pub group_sizes: GroupSizes,
    /// Devices.
    pub systems: u64,
    /// Events in Directory Insights for the last 90 days; `None` for eight per user, at most two million.
    pub events: Option<u64>,
    /// The seed: the same seed generates the same organisation and the same key.
    pub seed: u64,
    /// The current time of the organisation. Logins are in the 90 days before it.
    pub now: Timestamp,
    /// The address to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// TLS, or plain HTTP.
    pub tls: Option<TlsMode>,
    /// Whether TLS offers HTTP/2.
    pub http2: bool,
    /// Whether responses are compressed for clients that accept it.
    pub gzip: bool,
    /// Delay before each request is handled.
    pub latency: Duration,
    /// Whether admitted requests are recorded; see [`Simulator::recorded`](super::Simulator::recorded).
    pub record: bool,
    /// Requests per second; further ones are answered with 429.
    pub rate_limit: Option<u32>,
    /// How requests are counted for the limit.
    pub counting: Counting,
    /// The value of `Retry-After` in a 429, in seconds.
    pub retry_after: Option<u64>,
    /// Whether the service behaves as observed, or as its documents say.
    pub behaviour: Behaviour,
    /// The faults to inject.
    pub faults: Vec<Fault>,
    /// Which listings of users are served.
    pub users_endpoint: UsersEndpoint,
    /// The number of organisations. With more than one, the key belongs to a multi-tenant administrator, who must name the
    /// organisation in `x-org-id`.
    pub organizations: u64,
    /// Endpoints that the key may not read: they answer 403.
    pub forbidden: Vec<Scope>,
    /// The API key; `None` for a key generated from the seed.
    pub api_key: Option<SecretString>,
    /// The lifetime of an OAuth access token.
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
            record: false,
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

/// How many of the generated users each generated group has, at most all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupSizes {
    /// A few groups are large and most are small, as 1, ½, ⅓, …
    #[default]
    Skewed,
    /// A random number from 0 to this one.
    UpTo(u64),
    /// Exactly this number.
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

/// How requests are counted against a limit of N per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// A token bucket with room for a fifth of a second.
    #[default]
    Bucket,
    /// A fixed window that restarts every second.
    EachSecond,
    /// A sliding window: the requests served in the last second.
    LastSecond,
}

/// Which of `/api/v2/users` and `/api/systemusers` list users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsersEndpoint {
    /// Only `/api/systemusers`, as published; the other answers 404.
    #[default]
    SystemUsers,
    /// Only `/api/systemusers`; the other answers 405.
    SystemUsersV2NotAllowed,
    /// Only `/api/v2/users`.
    V2,
    /// Both.
    Both,
}

/// The certificate that the simulator presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Signed by the simulator's own CA, for 127.0.0.1, ::1 and localhost.
    Valid,
    /// As valid, but expired.
    Expired,
    /// Self-signed.
    SelfSigned,
    /// As valid, but for another host.
    WrongName,
}
