//! The connector of the tutorial, as the tutorial shows it, under the conformance suite.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use connector_api::*;

use connector_conformance::{Fixture, NoTarget, Scenario, Target, Truth};

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
    descriptor.configuration_steps = vec!["Enter the path of the roster file.".into()];
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

struct RosterFixture;

#[async_trait]
impl Fixture for RosterFixture {
    fn registration(&self) -> Registration {
        Registration::of::<RosterConnector>()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let text = match scenario {
            Scenario::Healthy => "7 ada admins crew\n8 bob crew\n9 cid\n",
            Scenario::SectionFails(section) if descriptor().is_core(section) => "7 ada admins\n8\n",
            other => return Err(NoTarget::unsupported(format!("a file cannot be {other}"))),
        };
        let folder = tempfile::tempdir().map_err(NoTarget::broken)?;
        let path = folder.path().join("roster.txt");
        std::fs::write(&path, text).map_err(NoTarget::broken)?;

        let account = |id: &str, username: &str| Account::new(id, username);
        let team = |name: &str| group(name);
        let member = |id: &str, team: &str| Membership::new(&account(id, ""), &group(team));
        let truth = Truth::of(&[
            account("7", "ada").into(),
            account("8", "bob").into(),
            account("9", "cid").into(),
            team("admins").into(),
            team("crew").into(),
            member("7", "admins").into(),
            member("7", "crew").into(),
            member("8", "crew").into(),
        ]);
        let system = SystemConfig::new("Roster", "localhost", Credential::from_secret("not-needed"))
            .with_attribute("rosterPath", path.to_string_lossy());
        Ok(Target::new(system, truth).keeping(folder))
    }
}

connector_conformance::conformance_suite!(RosterFixture);

#[test]
fn the_tutorial_shows_this_code() {
    let shown = include_str!("../../../connector-api/docs/tutorial.md");
    let here = include_str!("tutorial.rs");
    let blocks = shown.split("```rust").skip(1).filter_map(|rest| rest.split_once('\n')?.1.split_once("```"));
    let mut count = 0;
    for (block, _) in blocks {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with("# ") && *line != "#").collect();
        let code = lines.join("\n");
        assert!(here.contains(code.trim()), "the tutorial shows other code than is tested:\n{code}");
        count += 1;
    }
    assert!(count >= 4, "the tutorial shows {count} blocks of code");
}
