//! A connector to crew rosters.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use connector_api::*;

fn descriptor() -> Descriptor {
    let section = |section: Section, title: &str, data: &str, rows: RowType| {
        SectionDescription::new(section, title, data, "the roster file", "nothing").core().owning([rows])
    };
    let mut descriptor = Descriptor::new("Roster", "Crew roster", env!("CARGO_PKG_VERSION"));
    descriptor.description = "Discovers the crew and its teams from a text file.".into();
    descriptor.system_type = "Application".into();
    descriptor.default_scan_priority = 500;
    descriptor.protocols = vec![Protocol::new("File", 443, "No connection is made.")];
    descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
    descriptor.required_permissions = vec!["Read the roster file".into()];
    descriptor.sections = vec![
        section(Section::USERS, "Crew", "Everybody on the roster", RowType::new("account", "user")),
        section(Section::GROUPS, "Teams", "Teams", RowType::new("group", "ROSTER_TEAM")),
        section(Section::MEMBERSHIPS, "Members", "Who is in which team", RowType::new("membership", "ROSTER_TEAM")),
    ];
    descriptor.emits = vec!["ROSTER_TEAM".into()];
    descriptor.configuration_steps = vec!["Enter the path of the roster file".into()];
    descriptor.config_schema = schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["rosterPath"],
        "properties": {
            "rosterPath": {
                "type": "string",
                "title": "Roster path",
                "description": "Where the roster file is.",
                "examples": ["/srv/crew/roster.txt"],
            },
        },
    });
    descriptor
}

/// Accounts by id, and the ids of each team's members.
#[derive(Default)]
struct Roster {
    accounts: BTreeMap<String, Account>,
    teams: BTreeMap<String, BTreeSet<String>>,
}

impl Roster {
    /// Reads lines of an id, a user name, and the names of teams.
    fn parse(text: &str) -> Result<Self, ConnectorError> {
        let malformed = |line: usize, what: &str| {
            let remedy = "write an id, a user name and any teams on each line";
            ConnectorError::new(ErrorCode::MalformedResponse, format!("line {line}: {what}"), remedy)
        };
        let mut roster = Self::default();
        let mut usernames = BTreeSet::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (Some(id), Some(username)) = (words.next(), words.next()) else {
                return Err(malformed(number, "the user name is missing"));
            };
            let account = Account::new(id, username);
            if roster.accounts.insert(id.to_owned(), account).is_some() || !usernames.insert(username) {
                return Err(malformed(number, "the id or the user name was there before"));
            }
            for team in words {
                roster.teams.entry(team.to_owned()).or_default().insert(id.to_owned());
            }
        }
        Ok(roster)
    }

    fn groups(&self) -> Vec<Record> {
        let group = |(team, members): (&String, &BTreeSet<String>)| {
            let mut group = group(team);
            group.member_count = Some(members.len() as u64);
            group
        };
        self.teams.iter().map(group).map(Record::from).collect()
    }

    fn memberships(&self) -> Vec<Record> {
        let members = |(team, members): (&String, &BTreeSet<String>)| -> Vec<Record> {
            let group = group(team);
            members.iter().map(|id| Membership::new(&self.accounts[id], &group).into()).collect()
        };
        self.teams.iter().flat_map(members).collect()
    }
}

fn group(team: &str) -> Group {
    Group::new(team, "ROSTER_TEAM", team)
}

/// A connector to one roster.
pub struct RosterConnector {
    config: SystemConfig,
    path: PathBuf,
}

impl TryFrom<SystemConfig> for RosterConnector {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let path = config.attributes.get("rosterPath").and_then(|path| path.as_str()).unwrap_or_default().into();
        Ok(Self { config, path })
    }
}

impl RosterConnector {
    fn read(&self) -> Result<Roster, ConnectorError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            let message = format!("the roster cannot be read: {}", error.kind());
            ConnectorError::new(ErrorCode::NotFound, message, "correct `rosterPath`")
        })?;
        Roster::parse(&text)
    }

    async fn stream(
        &self,
        request: &ScanRequest,
        sink: &dyn ScanSink,
        ledger: &mut ScanLedger,
    ) -> Result<(), ConnectorError> {
        request.verify(&descriptor())?;
        if request.resume.is_some() {
            return Err(Checkpoint::rejected("a roster is always read from the beginning"));
        }
        let roster = self.read()?;
        let accounts = roster.accounts.values().cloned().map(Record::from).collect();
        for (section, rows) in [
            (Section::USERS, accounts),
            (Section::GROUPS, roster.groups()),
            (Section::MEMBERSHIPS, roster.memberships()),
        ] {
            let mut report = SectionReport::new(section, SectionStatus::Complete);
            for batch in rows.chunks(500) {
                if request.cancel.is_cancelled() {
                    return Err(ConnectorError::cancelled());
                }
                sink.records(batch.to_vec()).await?;
                report.records += batch.len() as u64;
            }
            ledger.close(report);
        }
        Ok(())
    }
}

#[async_trait]
impl Connector for RosterConnector {
    fn describe() -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        let started = Instant::now();
        let check = match self.read() {
            Ok(roster) => Check::passed("users", format!("{} users", roster.accounts.len()), started.elapsed()),
            Err(error) => Check::failed("users", error, started.elapsed()),
        };
        ConnectionReport::new(vec![check])
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &self.config);
        let stream = self.stream(&request, &*sink, &mut ledger);
        let result = request.cancel.run_until_cancelled(stream).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}

inventory::submit! { Registration::of::<RosterConnector>() }
