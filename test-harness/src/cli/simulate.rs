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
    /// Users in each group: a few large and many small (skewed), any number up to N (up-to-N), or N
    #[arg(long, value_name = "skewed|up-to-N|N", default_value = "skewed")]
    group_sizes: GroupSizes,
    /// Devices [default: 60]
    #[arg(long, value_name = "N")]
    systems: Option<u64>,
    /// Login events of the last 90 days [default: eight a user]
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Organisations; with more than one the key is that of a provider
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    organizations: Option<u64>,
    /// The same number makes the same organisation and the same key
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speak TLS, with a certificate of an authority of its own
    #[arg(long)]
    tls: bool,
    /// The certificate to show
    #[arg(long, value_enum, value_name = "MODE", requires = "tls", default_value_t = Certificate::Valid)]
    tls_mode: Certificate,
    /// Where to write the certificate that a client has to trust [default: a temporary file]
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// Milliseconds that each request waits
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Requests a second; what goes beyond is answered 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: Option<u32>,
    /// How they are counted
    #[arg(long, value_enum, value_name = "HOW", requires = "rate_limit", default_value_t = Counted::Bucket)]
    counting: Counted,
    /// The seconds that a 429 says in Retry-After
    #[arg(long, value_name = "SECONDS", requires = "rate_limit")]
    retry_after: Option<u64>,
    /// Which listing of users there is
    #[arg(long, value_enum, default_value_t = Users::Systemusers)]
    users_endpoint: Users,
    /// What the key has no right to, answered 403, such as insights.events; can be repeated
    #[arg(long, value_name = "ENDPOINT")]
    forbid: Vec<Scope>,
    /// Whether it answers as JumpCloud was observed to, or as its documents say
    #[arg(long = "as", value_enum, value_name = "MODE", default_value_t = Mode::Observed)]
    mode: Mode,
    /// One difference between the two by itself, such as retention-days=15; can be repeated
    #[arg(long = "with", value_name = "DIFFERENCE", value_parser = difference)]
    differences: Vec<String>,
    /// What goes wrong; can be repeated
    #[arg(long, value_name = "SPEC")]
    fault: Vec<Fault>,
    /// A file with the key to accept [default: one made from the seed]
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

/// A difference as it was written, once it is known to be one.
fn difference(text: &str) -> Result<String, BehaviourError> {
    Behaviour::observed().with(text).map(|_| text.to_owned())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// As recorded answers and tested clients show it
    Observed,
    /// As its published documents describe it
    Published,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Users {
    /// /api/systemusers, as published; /api/v2/users answers 404
    Systemusers,
    /// /api/systemusers; /api/v2/users answers 405
    #[value(name = "systemusers-405")]
    Systemusers405,
    /// /api/v2/users alone
    V2,
    /// Both
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Counted {
    /// Like drops into a bucket that holds those of a fifth of a second
    Bucket,
    /// Anew with each second
    EachSecond,
    /// Those served in the second before
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
    /// For 127.0.0.1, ::1 and localhost
    Valid,
    /// Out of date
    Expired,
    /// Signed by itself
    SelfSigned,
    /// For another host
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
        let stop = signals::cancel_on_signal()?;
        let simulator = start(self.options()?).await?;
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
        let mut text = format!("A simulated JumpCloud console listens at {}\n  key: {key}\n", simulator.url());
        if simulator.organizations().len() > 1 {
            text += &format!("  organisations: {}\n", simulator.organizations().len());
        }
        text += &match scannable {
            Some(_) => format!("\nTo scan it:\n  {command}\n\nCtrl-C stops it.\n"),
            None => "\nA scan goes to loopback addresses alone.\n\nCtrl-C stops it.\n".to_owned(),
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

/// How a file of certificates begins.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The certificate that a client has to trust, in a file.
struct CaFile {
    path: PathBuf,
    /// Removes the file with the simulator, unless a place was named for it.
    _temporary: Option<TempPath>,
}

impl CaFile {
    fn write(named: Option<&Path>, pem: &str) -> Result<Self, ConnectorError> {
        let write = || -> io::Result<Self> {
            let (path, temporary) = match named {
                Some(path) => {
                    // What is there may be overwritten when it is a certificate, and nothing else.
                    let there = files::beginning(path, CERTIFICATE.len())?;
                    if there.is_some_and(|bytes| !bytes.is_empty() && bytes != CERTIFICATE) {
                        return Err(io::Error::other(format!("{} is something else", path.display())));
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
                "name a file that can be written with --ca-file",
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
            "name a free address of this machine with --listen, such as 127.0.0.1:0",
        ),
        SimulatorError::Tls(_) => ConnectorError::internal(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

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
    fn the_service_answers_as_observed_unless_asked_otherwise_and_each_difference_is_set_by_itself() {
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
    fn a_difference_that_nobody_knows_is_refused_with_the_nearest() {
        let error = Command::try_parse_from(["simulate", "--with", "retention-day=15"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `retention-days`?"), "{error}");
    }
}
