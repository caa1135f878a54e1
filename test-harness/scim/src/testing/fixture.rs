//! The SCIM connector's targets for the conformance suite.

use connector_api::{
    Account, Binding, Credential, Group, Membership, NodeKind, NodeRef, PathStep, Record, Registration, Section,
    SystemConfig, async_trait,
};
use connector_conformance::{Fixture, NoTarget, Scenario, Target, Trap, Truth, bad_servers};
use serde_json::{Value, json};

use super::server::{Fault, ScimServer};
use crate::ScimConnector;
use crate::directory::GROUP_TYPE;

const TOKEN: &str = "scim-fixture-token-7f3a9";
const USERS: usize = 620;
const GROUPS: usize = 17;

/// A [`ScimServer`] of some hundreds of users in every state that the suite asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScimFixture;

#[async_trait]
impl Fixture for ScimFixture {
    fn registration(&self) -> Registration {
        Registration::of::<ScimConnector>()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let trap = Trap::start().await.map_err(NoTarget::broken)?;
        let url = match (scenario, bad_servers::stand_in(scenario, &trap).await?) {
            (_, Some(url)) => url,
            (Scenario::ForeignNextLink, None) => {
                return Err(NoTarget::unsupported("SCIM pages by index, not by links"));
            }
            (_, None) => {
                let token = if scenario == Scenario::Unauthorized { "another token" } else { TOKEN };
                let server = ScimServer::start(token, users(), groups(), fault(scenario)?).await;
                server.map_err(NoTarget::broken)?.url
            }
        };
        // What always fails need not be tried often.
        let retries = if matches!(scenario, Scenario::TransientFaults { .. }) { 5 } else { 1 };
        let system = SystemConfig::new("Scim", url, Credential::from_secret(TOKEN));
        Ok(Target::new(system.with_attribute("scimRetries", retries), Truth::of(&truth())).with_trap(trap))
    }
}

fn fault(scenario: Scenario) -> Result<Fault, NoTarget> {
    Ok(match scenario {
        Scenario::Healthy | Scenario::Unauthorized => Fault::None,
        Scenario::Forbidden => Fault::Forbidden,
        Scenario::TransientFaults { seed } => Fault::Transient { seed },
        Scenario::SectionFails(Section::USERS) => Fault::Fails("/Users"),
        Scenario::SectionFails(Section::GROUPS) => Fault::Fails("/Groups"),
        Scenario::SectionFails(Section::MEMBERSHIPS) => {
            return Err(NoTarget::unsupported("members come with their groups"));
        }
        other => return Err(NoTarget::unsupported(format!("SCIM knows no {other}"))),
    })
}

fn user_id(index: usize) -> String {
    format!("u{index:05}")
}

fn group_id(index: usize) -> String {
    format!("g{index:02}")
}

fn group_name(index: usize) -> String {
    if index == 0 { "Cloud Admins".into() } else { format!("Team {index}") }
}

/// Whether a user is a member of a group.
fn is_member(user: usize, group: usize) -> bool {
    user.is_multiple_of(group + 3)
}

fn is_active(user: usize) -> bool {
    !user.is_multiple_of(10)
}

/// The users, backwards: a service provider may list in any order.
fn users() -> Vec<Value> {
    let user = |index| {
        json!({
            "id": user_id(index),
            "userName": format!("user{index}"),
            "name": {"givenName": "User", "familyName": format!("{index}")},
            "emails": [{"value": format!("user{index}@example.com"), "primary": true}],
            "active": is_active(index),
        })
    };
    (0..USERS).rev().map(user).collect()
}

/// The groups; the last one holds the first as its only member.
fn groups() -> Vec<Value> {
    let group = |index| {
        let members: Vec<Value> = if index + 1 == GROUPS {
            vec![json!({"value": group_id(0), "type": "Group"})]
        } else {
            (0..USERS).filter(|user| is_member(*user, index)).map(|user| json!({"value": user_id(user)})).collect()
        };
        json!({"id": group_id(index), "displayName": group_name(index), "members": members})
    };
    (0..GROUPS).map(group).collect()
}

/// What a scan must find.
fn truth() -> Vec<Record> {
    let account = |index| Account::new(user_id(index), format!("user{index}"));
    let group = |index| Group::new(group_id(index), GROUP_TYPE, group_name(index));
    let membership = |user, index, via: Vec<PathStep>| {
        let mut row = Membership::new(&account(user), &group(index));
        row.direct = via.is_empty();
        row.via = via;
        row
    };
    let first = PathStep::new(GROUP_TYPE, group_id(0), group_name(0));
    let memberships = (0..GROUPS).flat_map(|index| {
        let (source, via) = if index + 1 == GROUPS { (0, vec![first.clone()]) } else { (index, Vec::new()) };
        (0..USERS).filter(move |user| is_member(*user, source)).map(move |user| (user, index, via.clone()))
    });
    let memberships = memberships.map(|(user, index, via)| membership(user, index, via).into());
    let end = |index| NodeRef::new(NodeKind::Group, GROUP_TYPE, group_id(index));
    let inner = Binding::new(end(0), end(GROUPS - 1));
    let found = |index| {
        let mut row = account(index);
        row.enabled = Some(is_active(index));
        row
    };
    (0..USERS)
        .map(|index| found(index).into())
        .chain((0..GROUPS).map(|index| group(index).into()))
        .chain(memberships)
        .chain([inner.into()])
        .collect()
}
