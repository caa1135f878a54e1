//! The connector to crew rosters passes the conformance suite.

mod connector_roster;
mod shown;

use connector_api::*;
use connector_conformance::{Fixture, NoTarget, Scenario, Target, Truth};
use connector_roster::RosterConnector;

struct RosterFixture;

#[async_trait]
impl Fixture for RosterFixture {
    fn registration(&self) -> Registration {
        Registration::of::<RosterConnector>()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let text = match scenario {
            Scenario::Healthy => "7 ada admins crew\n8 bob crew\n9 cid\n",
            Scenario::SectionFails(section) if RosterConnector::describe().is_core(section) => "7 ada admins\n8\n",
            other => return Err(NoTarget::unsupported(format!("a file cannot be {other}"))),
        };
        let folder = tempfile::tempdir().map_err(NoTarget::broken)?;
        let path = folder.path().join("roster.txt");
        std::fs::write(&path, text).map_err(NoTarget::broken)?;

        let account = |id: &str, username: &str| Account::new(id, username);
        let team = |name: &str| Group::new(name, "ROSTER_TEAM", name);
        let member = |id: &str, name: &str| Membership::new(&account(id, ""), &team(name));
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
