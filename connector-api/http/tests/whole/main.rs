//! A complete connector on this crate, as a new author would write it, in less than 200 lines: `connector.rs`; and how
//! it runs the conformance suite.
#![allow(missing_docs, clippy::unwrap_used)]

mod connector;
#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;
mod target;

use connector_api::{
    Access, AccessLevel, Account, Binding, Credential, Group, Membership, Record, Registration, Resource, Section,
    SystemConfig, async_trait,
};
use connector_conformance::{Fixture, NoTarget, Scenario, Target, Trap, Truth, bad_servers};
use target::{Fault, TOKEN};

struct AcmeFixture;

#[async_trait]
impl Fixture for AcmeFixture {
    fn registration(&self) -> Registration {
        Registration::of::<connector::Acme>()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let trap = Trap::start().await.map_err(NoTarget::broken)?;
        let fault = match scenario {
            Scenario::Forbidden => Fault::All(403),
            Scenario::TransientFaults { .. } => Fault::InPassing,
            Scenario::ForeignNextLink => Fault::NextLink(format!("http://{}", trap.address())),
            Scenario::SectionFails(section) => Fault::On(path_of(section)),
            _ => Fault::None,
        };
        let server = target::start(fault).await;
        let url = bad_servers::stand_in(scenario, &trap).await?.unwrap_or_else(|| server.url.clone());
        let token = if scenario == Scenario::Unauthorized { "another" } else { TOKEN };
        // What always fails need not be retried often.
        let retries = if matches!(scenario, Scenario::TransientFaults { .. }) { 4 } else { 1 };
        let system = SystemConfig::new("Acme", url, Credential::from_secret(token));
        let target = Target::new(system.with_attribute("acmeRetries", retries), Truth::of(&truth()));
        Ok(target.with_trap(trap).keeping(server))
    }
}

fn path_of(section: Section) -> &'static str {
    match section.as_str() {
        "users" => "/users",
        "groups" => "/groups",
        "memberships" => "/members",
        "applications" => "/applications",
        _ => "/access",
    }
}

/// The target's data, as a connector should discover it.
fn truth() -> Vec<Record> {
    let accounts: Vec<Account> = (0..target::USERS)
        .map(|user| {
            let mut account = Account::new(target::user_id(user), format!("user{user}"));
            account.enabled = Some(target::is_active(user));
            account
        })
        .collect();
    let groups: Vec<Group> = (0..target::GROUPS)
        .map(|group| {
            let mut row = Group::new(target::group_id(group), "ACME_GROUP", format!("Group {group}"));
            row.member_count = Some(target::members(group).count() as u64);
            row
        })
        .collect();
    let members = groups.iter().zip(0..).flat_map(|(group, at)| {
        target::members(at).map(|user| Membership::new(&accounts[user], group).into()).collect::<Vec<Record>>()
    });
    let applications: Vec<Resource> = (0..target::APPLICATIONS)
        .map(|at| Resource::new(target::application_id(at), "application", format!("Application {at}")))
        .collect();
    let bindings = applications.iter().flat_map(|application| {
        let levels = [(AccessLevel::Use, "use"), (AccessLevel::Administer, "admin")];
        levels.map(|(level, word)| Binding::new(&accounts[3], application).with_access(Access::of_word(level, word)))
    });
    let accounts = accounts.iter().cloned().map(Record::from);
    let groups = groups.iter().cloned().map(Record::from);
    let resources = applications.iter().cloned().map(Record::from);
    accounts.chain(groups).chain(members).chain(resources).chain(bindings.map(Record::from)).collect()
}

connector_conformance::conformance_suite!(AcmeFixture);

#[test]
fn it_takes_less_than_200_lines() {
    assert!(include_str!("connector.rs").lines().count() < 200);
}
