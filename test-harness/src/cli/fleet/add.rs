//! `harness fleet add`

use std::path::{Path, PathBuf};

use clap::Args;
use connector_api::{ConnectorError, Edition, Registry};
use connector_fleet::{Credentials, Fleet, Listed, NewSystem, Schedule};
use connector_host::text_file;
use indicatif::HumanCount;
use secrecy::ExposeSecret;
use serde_json::Map;

use super::open;
use crate::cli::Exit;
use crate::cli::print::{self, AnswerFormat};
use crate::cli::setting::Setting;
use crate::cli::store::LocationArguments;
use crate::cli::target::{DEFAULT_OS_TYPE, edition_parser};

#[derive(Debug, Args)]
#[command(after_help = "\
A CSV file has a heading with the columns name and credential, and any of hostname, port, osType, priority, schedule, zone and \
attributes.NAME. A cell that is empty has the value of the option, or the default.

Examples:
  harness fleet add hq --credential acme --hostname console.jumpcloud.com
  harness fleet add hq --credential acme --schedule \"0 3 * * 1-5\" --zone Europe/Berlin
  harness fleet add hq --credential acme --set jumpcloudOrgId=5f1b2c3d4e5f6a7b8c9d0e1f --priority 5
  harness fleet add msp --all-organizations --credential msp --credentials credentials.toml --schedule \"every 24h\"
  harness fleet add --csv customers.csv --schedule \"every 12h\"
  harness fleet add --credential acme --cap 4")]
pub(super) struct Arguments {
    /// Name of the system, in the fleet and in the store
    #[arg(conflicts_with = "csv")]
    name: Option<String>,
    /// CSV file with a system in each line
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Add every organisation that the credential can read; the name comes before theirs. Workers ask again every hour: new ones
    /// are added, and the schedules of those that are no longer listed rest
    #[arg(long, requires_all = ["name", "credentials"])]
    all_organizations: bool,
    /// File that says where the key of each credential is, as for a worker
    #[arg(long, value_name = "FILE", requires = "all_organizations")]
    credentials: Option<PathBuf>,
    /// Name of the credential, which the workers know. It is not the key
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// How many scans may use the credential at the same time [default: 1, or what was set before]
    #[arg(long, value_name = "NUMBER", requires = "credential", value_parser = clap::value_parser!(u16).range(1..))]
    cap: Option<u16>,
    /// Host name of the target [default: the connector's]
    #[arg(long, value_name = "HOST")]
    hostname: Option<String>,
    /// Port [default: the connector's]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// OS Type of the connector
    #[arg(long, value_name = "TYPE", default_value = DEFAULT_OS_TYPE)]
    os_type: String,
    /// Set an attribute, such as jumpcloudOrgId=5f1…; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// The lowest is scanned first; a negative one is scanned only by hand [default: the connector's]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// When it is scanned by itself: a cron pattern, or a time such as `every 6h` [default: only by hand]
    #[arg(long, value_name = "PATTERN")]
    schedule: Option<String>,
    /// Time zone of the cron pattern, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", requires = "schedule")]
    zone: Option<String>,
    /// Edition of the host, which decides which connectors there are
    #[arg(long, value_parser = edition_parser(), ignore_case = true, default_value = "enterprise")]
    edition: Edition,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        let systems = self.systems(&registry)?;
        let fleet = open(&self.store).await?;
        if let (Some(credential), Some(cap)) = (&self.credential, self.cap) {
            fleet.set_cap(credential, cap).await?;
        }
        if let (true, Some(credentials), [provider]) = (self.all_organizations, &self.credentials, &systems[..]) {
            return self.add_organizations(&fleet, provider, credentials, &registry).await;
        }
        let added = fleet.add(&systems, &registry, self.edition).await?;
        match self.format {
            AnswerFormat::Text => {
                let (new, changed) = (HumanCount(added.added), HumanCount(added.changed));
                print::text(&format!("{new} added, {changed} changed.\n"))?;
            }
            AnswerFormat::Json => print::json(&added)?,
        }
        Ok(Exit::Complete)
    }

    async fn add_organizations(
        &self,
        fleet: &Fleet,
        provider: &NewSystem,
        credentials: &Path,
        registry: &Registry,
    ) -> Result<Exit, ConnectorError> {
        let (credentials, warnings) = Credentials::read(credentials)?;
        warnings.iter().for_each(print::warning);
        let listed = fleet.add_provider(provider, &credentials, registry, self.edition).await?;
        match self.format {
            AnswerFormat::Text => {
                let Listed { organizations, added, changed, gone, excluded, .. } = listed;
                let counts = [organizations, added, changed, gone, excluded].map(HumanCount);
                let [organizations, added, changed, gone, excluded] = counts;
                print::text(&format!(
                    "{organizations} organisations that this credential can read: {added} added, {changed} changed, {excluded} kept \
                     out; {gone} no longer listed. An administrator of a provider may see only some of its organisations.\n"
                ))?;
            }
            AnswerFormat::Json => print::json(&listed)?,
        }
        Ok(Exit::Complete)
    }

    fn systems(&self, registry: &Registry) -> Result<Vec<NewSystem>, ConnectorError> {
        match (&self.name, &self.csv) {
            (Some(name), _) => Ok(vec![self.system(registry, &Line::named(name))?]),
            (None, Some(path)) => self.lines(registry, path),
            (None, None) if self.cap.is_some() => Ok(Vec::new()),
            (None, None) => Err(ConnectorError::invalid_config(
                "no system was given",
                "name one, or use --csv FILE; with --cap alone, only the credential is changed",
            )),
        }
    }

    /// The systems of a CSV file.
    fn lines(&self, registry: &Registry, path: &Path) -> Result<Vec<NewSystem>, ConnectorError> {
        let text = text_file::read(path, "CSV file")?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.expose_secret().as_bytes());
        let place = |number: u64| format!("{} line {number}", path.display());
        // The error of the library would repeat what is in the line.
        let malformed = |error: &csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            ConnectorError::invalid_config(
                format!("{}: not as many cells as the heading has, or not UTF-8 text", place(line)),
                "write one line for each system, with a comma between cells",
            )
        };
        let heading = reader.headers().map_err(|error| malformed(&error))?.clone();
        check_heading(&heading).map_err(|error| error.context(place(1)))?;
        let mut systems = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| malformed(&error))?;
            let number = record.position().map_or(1, csv::Position::line);
            let line = Line { heading: Some(&heading), cells: record.iter().collect() };
            systems.push(self.system(registry, &line).map_err(|error| error.context(place(number)))?);
        }
        Ok(systems)
    }

    /// A system: what its line says, else what the options say.
    fn system(&self, registry: &Registry, line: &Line<'_>) -> Result<NewSystem, ConnectorError> {
        let or = |name: &str, option: &Option<String>| line.cell(name).map(str::to_owned).or_else(|| option.clone());
        let os_type = line.cell("osType").unwrap_or(&self.os_type).to_owned();
        let descriptor = registry.descriptor(&os_type)?;
        let mut attributes = Map::new();
        let of_line = line.attributes().map(|(name, value)| format!("{name}={value}").parse::<Setting>());
        let of_line: Vec<Setting> =
            of_line.collect::<Result<_, _>>().map_err(|why| ConnectorError::invalid_config("attributes", why))?;
        for setting in self.settings.iter().chain(&of_line) {
            let value = setting.read(descriptor.config_schema.as_value())?;
            attributes.insert(setting.key.clone(), value);
        }
        let schedule = match or("schedule", &self.schedule) {
            Some(text) => Some(Schedule::parse(&text, or("zone", &self.zone).as_deref())?),
            None => None,
        };
        Ok(NewSystem {
            name: line.cell("name").unwrap_or_default().to_owned(),
            hostname: or("hostname", &self.hostname).unwrap_or_default(),
            port: line.number("port")?.or(self.port),
            credential: or("credential", &self.credential).unwrap_or_default(),
            priority: line.number("priority")?.or(self.priority),
            os_type,
            attributes,
            schedule,
        })
    }
}

const COLUMNS: [&str; 8] = ["name", "hostname", "port", "osType", "credential", "priority", "schedule", "zone"];
const ATTRIBUTE: &str = "attributes.";

fn check_heading(heading: &csv::StringRecord) -> Result<(), ConnectorError> {
    let is_known = |column: &str| COLUMNS.contains(&column) || column.starts_with(ATTRIBUTE);
    if heading.iter().any(|column| !is_known(column)) || !heading.iter().any(|column| column == "name") {
        return Err(ConnectorError::invalid_config(
            "the heading has an unknown column, or none with the name",
            format!("use these columns: {}, {ATTRIBUTE}NAME; a key does not belong here", COLUMNS.join(", ")),
        ));
    }
    Ok(())
}

/// A line of a CSV file.
struct Line<'a> {
    /// `None` if there is only a name.
    heading: Option<&'a csv::StringRecord>,
    cells: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn named(name: &'a str) -> Self {
        Self { heading: None, cells: vec![name] }
    }

    /// The cells that are not empty, with their columns.
    fn filled(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names: Vec<&str> = self.heading.map_or_else(|| vec!["name"], |heading| heading.iter().collect());
        let cells = names.into_iter().zip(self.cells.clone());
        cells.filter(|(_, cell)| !cell.is_empty())
    }

    fn cell(&self, name: &str) -> Option<&'a str> {
        self.filled().find(|(column, _)| *column == name).map(|(_, cell)| cell)
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.filled().filter_map(|(column, cell)| Some((column.strip_prefix(ATTRIBUTE)?, cell)))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ConnectorError> {
        let number = self.cell(name).map(str::parse).transpose();
        number.map_err(|_| {
            ConnectorError::invalid_config(format!("{name}: must be a whole number in its range"), "correct the cell")
        })
    }
}
