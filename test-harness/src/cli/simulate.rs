//! `harness simulate`

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use connector_api::{ConnectorError, ErrorCode};
use tempfile::TempPath;

use super::{Exit, listening, print, signals};
use connector_host::{files, system_file};
use jumpcloud_simulator::{
    Behaviour, BehaviourError, Counting, Fault, GroupSizes, Scope, Simulator, SimulatorError, SimulatorOptions,
    TlsMode, UsersEndpoint,
};

#[derive(Debug, Args)]
#[command(
    after_help = "\
Examples:
  harness simulate
  harness simulate --users 100000 --groups 500 --listen 127.0.0.1:8080
  harness simulate --latency 50 --fault status=503:rate=0.1 --fault drift=both:on=systemusers
`harness simulate --help` explains every fault and every difference.",
    after_long_help = after_long_help()
)]
pub(super) struct Arguments {
    /// Directory users [default: 300]
    #[arg(long, value_name = "N")]
    users: Option<u64>,
    /// User groups [default: 24]
    #[arg(long, value_name = "N")]
    groups: Option<u64>,
    /// Users per group: a few large and many small groups (skewed), a random number up to N (up-to-N), or exactly N
    #[arg(long, value_name = "skewed|up-to-N|N", default_value = "skewed")]
    group_sizes: GroupSizes,
    /// Devices [default: 60]
    #[arg(long, value_name = "N")]
    systems: Option<u64>,
    /// Login events in the last 90 days [default: 8 per user, at most 2 million]
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Organisations [default: 1]; with more than one, the key belongs to a multi-tenant provider
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    organizations: Option<u64>,
    /// Seed; the same seed generates the same organisation and the same key [default: 2718]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Use TLS, with a certificate signed by a CA of the simulator's own
    #[arg(long)]
    tls: bool,
    /// Certificate to present
    #[arg(long, value_enum, value_name = "MODE", requires = "tls", default_value_t = Certificate::Valid)]
    tls_mode: Certificate,
    /// File to write the certificate to that clients must trust [default: a temporary file]
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// Delay of each request, in milliseconds
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Requests allowed per second; further requests are answered with 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: Option<u32>,
    /// How requests are counted for --rate-limit
    #[arg(long, value_enum, value_name = "HOW", requires = "rate_limit", default_value_t = Counted::Bucket)]
    counting: Counted,
    /// Value of Retry-After in a 429, in seconds
    #[arg(long, value_name = "SECONDS", requires = "rate_limit")]
    retry_after: Option<u64>,
    /// Which lists of users are served
    #[arg(long, value_enum, default_value_t = Users::Systemusers)]
    users_endpoint: Users,
    /// Endpoint that the key may not read (answered with 403), such as insights.events; can be repeated
    #[arg(long, value_name = "ENDPOINT")]
    forbid: Vec<Scope>,
    /// Behave as JumpCloud was observed to, or as its documents say
    #[arg(long = "as", value_enum, value_name = "MODE", default_value_t = Mode::Observed)]
    mode: Mode,
    /// Set a single difference between the two, such as retention-days=15; can be repeated
    #[arg(long = "with", value_name = "DIFFERENCE", value_parser = difference)]
    differences: Vec<String>,
    /// Inject a fault, such as status=503:rate=0.1; can be repeated
    #[arg(long, value_name = "SPEC")]
    fault: Vec<Fault>,
    /// File with the API key to accept [default: a key generated from the seed]
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

fn after_long_help() -> String {
    format!(
        "{}\n{}\nExamples:
  harness simulate
  harness simulate --users 100000 --groups 500 --listen 127.0.0.1:8080
  harness simulate --as published --with group-rows=null-attributes --with null-edges=5%:form=null
  harness simulate --latency 50 --fault status=503:rate=0.1 --fault drift=both:on=systemusers",
        Fault::help(),
        Behaviour::help()
    )
}

/// A difference as it was written, after checking it.
fn difference(text: &str) -> Result<String, BehaviourError> {
    Behaviour::observed().with(text).map(|_| text.to_owned())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// As recorded responses and tested clients show
    Observed,
    /// As the published documents say
    Published,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Users {
    /// /api/systemusers, as published; /api/v2/users answers 404
    Systemusers,
    /// /api/systemusers; /api/v2/users answers 405
    #[value(name = "systemusers-405")]
    Systemusers405,
    /// Only /api/v2/users
    V2,
    /// Both
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Counted {
    /// Token bucket with room for a fifth of a second
    Bucket,
    /// Fixed window: the count restarts each second
    EachSecond,
    /// Sliding window: requests served in the last second
    LastSecond,
}

impl From<Counted> for Counting {
    fn from(counted: Counted) -> Self {
        match counted {
            Counted::Bucket => Self::Bucket,
            Counted::EachSecond => Self::EachSecond,
            Counted::LastSecond => Self::LastSecond,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Certificate {
    /// Valid for 127.0.0.1, ::1 and localhost
    Valid,
    /// Expired
    Expired,
    /// Self-signed
    SelfSigned,
    /// Issued for another host
    WrongName,
}

impl From<Certificate> for TlsMode {
    fn from(certificate: Certificate) -> Self {
        match certificate {
            Certificate::Valid => Self::Valid,
            Certificate::Expired => Self::Expired,
            Certificate::SelfSigned => Self::SelfSigned,
            Certificate::WrongName => Self::WrongName,
        }
    }
}

impl From<Users> for UsersEndpoint {
    fn from(users: Users) -> Self {
        match users {
            Users::Systemusers => Self::SystemUsers,
            Users::Systemusers405 => Self::SystemUsersV2NotAllowed,
            Users::V2 => Self::V2,
            Users::Both => Self::Both,
        }
    }
}

impl Arguments {
    pub(super) async fn run(self) -> Result<Exit, ConnectorError> {
        let stop = signals::listen()?.cancel_on_signal();
        let options = self.options()?;
        let seed = options.seed;
        let simulator = start(options).await?;
        let scannable = listening::scannable(simulator.address());
        let mut command = scannable.map_or_else(String::new, |address| {
            let url = simulator.url().replace(&simulator.address().to_string(), &address.to_string());
            format!("harness scan --hostname {url}")
        });
        let ca_file = simulator.ca_pem().map(|pem| CaFile::write(self.ca_file.as_deref(), pem)).transpose()?;
        if let Some(file) = &ca_file {
            command += &format!(" --set caBundleFile={}", file.path.display());
        }
        let key = match &self.api_key_file {
            Some(path) => {
                command += &format!(" --password-file {}", path.display());
                format!("in {}", path.display())
            }
            None => {
                let key = simulator.api_key();
                command = format!("ORBISID_CREDENTIAL_PASSWORD={key} {command}");
                key.to_owned()
            }
        };
        let (client_id, client_secret) = simulator.oauth_client();
        let mut text = format!(
            "A simulated JumpCloud console is listening on {}\n  key: {key}\n  service account: client id {client_id}, client secret {client_secret}\n  \
             seed: {seed}\n",
            simulator.url()
        );
        if simulator.organizations().len() > 1 {
            text += &format!("  organisations: {}\n", simulator.organizations().len());
        }
        text += &match scannable {
            Some(_) => format!("\nTo scan it:\n  {command}\n\nCtrl-C stops it.\n"),
            None => "\nA scan can use it only at a loopback address.\n\nCtrl-C stops it.\n".to_owned(),
        };
        listening::warning(simulator.address()).iter().for_each(print::warning);
        print::text(&text)?;
        stop.cancelled().await;
        simulator.shutdown().await;
        Ok(Exit::Complete)
    }

    fn behaviour(&self) -> Result<Behaviour, ConnectorError> {
        let mode = match self.mode {
            Mode::Observed => Behaviour::observed(),
            Mode::Published => Behaviour::published(),
        };
        self.differences.iter().try_fold(mode, |behaviour, difference| behaviour.with(difference)).map_err(|error| {
            ConnectorError::invalid_config(error.to_string(), "`harness simulate --help` lists the differences")
        })
    }

    fn options(&self) -> Result<SimulatorOptions, ConnectorError> {
        let default = SimulatorOptions::default();
        Ok(SimulatorOptions {
            behaviour: self.behaviour()?,
            users: self.users.unwrap_or(default.users),
            groups: self.groups.unwrap_or(default.groups),
            group_sizes: self.group_sizes,
            systems: self.systems.unwrap_or(default.systems),
            events: self.events.or(default.events),
            organizations: self.organizations.unwrap_or(default.organizations),
            seed: self.seed.unwrap_or(default.seed),
            listen: self.listen,
            tls: self.tls.then(|| self.tls_mode.into()),
            latency: self.latency.map_or(default.latency, Duration::from_millis),
            rate_limit: self.rate_limit.or(default.rate_limit),
            counting: self.counting.into(),
            retry_after: self.retry_after,
            users_endpoint: self.users_endpoint.into(),
            forbidden: self.forbid.clone(),
            faults: self.fault.clone(),
            api_key: self.api_key_file.as_deref().map(system_file::read_secret).transpose()?,
            ..default
        })
    }
}

/// The start of a certificate file.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The certificate that a client has to trust, in a file.
struct CaFile {
    path: PathBuf,
    /// Removes the file with the simulator, unless the operator chose its path.
    _temporary: Option<TempPath>,
}

impl CaFile {
    fn write(named: Option<&Path>, pem: &str) -> Result<Self, ConnectorError> {
        let write = || -> io::Result<Self> {
            let (path, temporary) = match named {
                Some(path) => {
                    // An existing file is overwritten only if it is a certificate.
                    let there = files::beginning(path, CERTIFICATE.len())?;
                    if there.is_some_and(|bytes| !bytes.is_empty() && bytes != CERTIFICATE) {
                        return Err(io::Error::other(format!("{} exists and is not a certificate", path.display())));
                    }
                    (path.to_owned(), None)
                }
                None => {
                    let temporary = tempfile::Builder::new().suffix(".pem").tempfile()?.into_temp_path();
                    (temporary.to_path_buf(), Some(temporary))
                }
            };
            fs::write(&path, pem)?;
            Ok(Self { path, _temporary: temporary })
        };
        write().map_err(|error| {
            ConnectorError::invalid_config(
                format!("the certificate cannot be written: {error}"),
                "choose a writable file with --ca-file",
            )
        })
    }
}

/// Starts a simulator.
pub(super) async fn start(options: SimulatorOptions) -> Result<Simulator, ConnectorError> {
    Simulator::start(options).await.map_err(|error| match error {
        SimulatorError::Listen { .. } => ConnectorError::new(
            ErrorCode::Connect,
            error.to_string(),
            "choose a free address of this machine with --listen, such as 127.0.0.1:0",
        ),
        SimulatorError::Tls(_) => ConnectorError::internal(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{CommandFactory, Parser};

    use super::*;
    use jumpcloud_simulator::{GroupRows, NullEdges, NullForm};

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn behaviour(arguments: &[&str]) -> Behaviour {
        let line = ["simulate"].iter().chain(arguments);
        Command::try_parse_from(line).unwrap().arguments.options().unwrap().behaviour
    }

    #[test]
    fn the_default_behaviour_is_the_observed_one_and_each_difference_can_be_set_separately() {
        assert_eq!(behaviour(&[]), Behaviour::observed());
        assert_eq!(behaviour(&["--as", "published"]), Behaviour::published());
        let chosen = behaviour(&[
            "--as=published",
            "--with=group-rows=no-attributes",
            "--with",
            "null-edges=5%:form=null",
            "--with=retention-days=15",
        ]);
        let expected = Behaviour {
            group_rows: GroupRows::NoAttributes,
            null_edges: NullEdges::share(0.05, NullForm::Null),
            retention_days: 15,
            ..Behaviour::published()
        };
        assert_eq!(chosen, expected);
    }

    #[test]
    fn the_help_has_the_defaults_that_apply() {
        let default = SimulatorOptions::default();
        let help = Command::command().render_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for (option, value) in [
            ("--users", default.users),
            ("--groups", default.groups),
            ("--systems", default.systems),
            ("--organizations", default.organizations),
            ("--seed", default.seed),
        ] {
            let (_, line) = help.split_once(&format!("{option} <N> ")).unwrap();
            let line = line.split(" --").next().unwrap();
            assert!(line.contains(&format!("[default: {value}]")), "{option}: {line}");
        }
    }

    #[test]
    fn an_unknown_difference_is_refused_with_the_nearest_name() {
        let error = Command::try_parse_from(["simulate", "--with", "retention-day=15"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `retention-days`?"), "{error}");
    }
}
