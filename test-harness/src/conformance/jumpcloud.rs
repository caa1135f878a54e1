//! The JumpCloud connector's targets: the simulator, and what its organisation holds.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use connector_api::secrecy::SecretString;
use connector_api::{
    Access, Account, AccountKind, Credential, Grant, Group, Membership, Principal, Record, Registration, Resource,
    ResourceRef, Section, SystemConfig, async_trait, inventory,
};

use super::fixture::{Fixture, NoTarget, Scenario, Target};
use super::loopback;
use super::truth::Truth;
use crate::simulator::organization::{Direction, Kind, Node, Organization, Sudo, UserGroup};
use crate::simulator::{FaultError, Simulator, SimulatorOptions};

const OS_TYPE: &str = "JumpCloud";
const USER_GROUP: &str = "JUMPCLOUD_USER_GROUP";
const ADMIN_ROLE: &str = "JUMPCLOUD_ADMIN_ROLE";
const KEY: &str = "jca_conformance-key-5d1e";

/// Never found, since the connector is linked; the suite then says that nothing is registered.
static UNREGISTERED: Registration = Registration {
    descriptor: connector_api::Descriptor::default,
    factory: |_| Err(connector_api::ConnectorError::internal("the JumpCloud connector is not linked")),
};

/// A [`Simulator`] with a small organisation in every state that the suite asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct JumpCloudFixture;

#[async_trait]
impl Fixture for JumpCloudFixture {
    fn registration(&self) -> &Registration {
        let all = inventory::iter::<Registration>.into_iter();
        all.into_iter().find(|registration| (registration.descriptor)().os_type == OS_TYPE).unwrap_or(&UNREGISTERED)
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let simulator = Simulator::start(options(scenario)?).await.map_err(NoTarget::broken)?;
        let truth = Truth::of(&truth(&simulator.organization()));
        let url = match scenario {
            Scenario::Refused => format!("http://{}", loopback::deserted().await.map_err(NoTarget::broken)?),
            Scenario::Hangs => format!("http://{}", loopback::silent().await.map_err(NoTarget::broken)?),
            Scenario::WrongCertificate => {
                format!("https://{}", loopback::untrusted().await.map_err(NoTarget::broken)?)
            }
            _ => simulator.url(),
        };
        // What always fails need not be tried often.
        let attempts = if matches!(scenario, Scenario::TransientFaults { .. }) { 8 } else { 2 };
        let system = SystemConfig::new(OS_TYPE, url, Credential::from_secret(KEY)).with_attribute("attempts", attempts);
        Ok(Target::new(system, truth).keeping(simulator))
    }
}

fn options(scenario: Scenario) -> Result<SimulatorOptions, NoTarget> {
    let mut options = SimulatorOptions {
        users: 230,
        systems: 40,
        events: Some(500),
        api_key: Some(SecretString::from(KEY)),
        ..SimulatorOptions::default()
    };
    match scenario {
        Scenario::Unauthorized => options.api_key = Some(SecretString::from("another key")),
        Scenario::Forbidden => {
            options.forbidden = vec![parse("users")?, parse("systemusers")?];
        }
        Scenario::TransientFaults { seed } => {
            options.seed = seed;
            let faults = ["status=503:rate=0.08", "status=502:rate=0.04", "reset:rate=0.03", "truncate:rate=0.03"];
            options.faults = faults.into_iter().map(parse).collect::<Result<_, _>>()?;
        }
        Scenario::SectionFails(section) => {
            let endpoints = match section {
                Section::Users => "systemusers",
                Section::Groups => "usergroups",
                Section::Memberships => "usergroups.members",
                Section::Administrators => "administrators",
                Section::Systems => "systems",
                Section::Applications => "applications",
                Section::Directories => "directories",
                Section::Grants => "usergroups.associations,systems.associations,applications.associations",
                Section::LastLogin => "insights.events",
                other => return Err(NoTarget::unsupported(format!("the simulator knows no {other}"))),
            };
            options.faults = vec![parse(&format!("status=500:on={endpoints}"))?];
        }
        _ => {}
    }
    Ok(options)
}

fn parse<T: FromStr<Err = FaultError>>(text: &str) -> Result<T, NoTarget> {
    text.parse().map_err(NoTarget::broken)
}

/// Everything that an organisation holds, told without HTTP.
fn truth(organization: &Organization) -> Vec<Record> {
    let mut rows = accounts(organization);
    rows.extend(roles(organization));
    rows.extend(groups(organization));
    rows.extend(resources(organization).into_iter().map(|(_, resource)| resource.into()));
    rows.extend(grants(organization));
    rows
}

fn accounts(organization: &Organization) -> Vec<Record> {
    let account = |external_id, username, kind| Account { external_id, username, kind, ..Account::default() };
    let users = organization.users().map(|user| account(user.id, user.username, AccountKind::User));
    let administrators =
        organization.administrators().map(|one| account(one.id, one.email, AccountKind::Administrator));
    users.chain(administrators).map(Record::from).collect()
}

/// The roles of administrators, as groups with members.
fn roles(organization: &Organization) -> Vec<Record> {
    let roles: BTreeSet<_> = organization.administrators().map(|one| (one.role_id(), one.role)).collect();
    let groups = roles.into_iter().map(|(id, role)| group(ADMIN_ROLE, id, role.to_owned()).into());
    let members = organization.administrators().map(|one| membership(ADMIN_ROLE, one.role_id(), one.id, true));
    groups.chain(members.map(Record::from)).collect()
}

/// The user groups, and who is in them directly or through groups inside.
fn groups(organization: &Organization) -> Vec<Record> {
    let mut rows = Vec::new();
    for one in organization.user_groups() {
        let start = Node::new(Kind::UserGroup, one.index);
        let (mut direct, mut all, mut inside) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::from([start]));
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            for member in organization.members(node).iter() {
                if member.kind == Kind::User {
                    all.insert(member);
                    if node == start {
                        direct.insert(member);
                    }
                } else if inside.insert(member) {
                    open.push(member);
                }
            }
        }
        rows.extend(all.into_iter().map(|user| {
            let (id, user_id) = (one.id.clone(), organization.id(user));
            membership(USER_GROUP, id, user_id, direct.contains(&user)).into()
        }));
        rows.push(group(USER_GROUP, one.id, one.name).into());
    }
    rows
}

fn group(group_type: &str, external_id: String, name: String) -> Group {
    Group { external_id, group_type: group_type.to_owned(), name, ..Group::default() }
}

fn membership(group_type: &str, group_external_id: String, account_external_id: String, direct: bool) -> Membership {
    let group_type = group_type.to_owned();
    Membership { account_external_id, group_type, group_external_id, direct, ..Membership::default() }
}

/// Devices, device groups, applications, directories, RADIUS servers.
fn resources(organization: &Organization) -> Vec<(Node, Resource)> {
    let resource = |node: Node, resource_type: &str, external_id, name| {
        (node, Resource { external_id, resource_type: resource_type.to_owned(), name, ..Resource::default() })
    };
    let indices = |kind| 0..organization.census(kind).count();
    let systems = organization
        .systems()
        .map(|system| resource(Node::new(Kind::System, system.index), "system", system.id, system.display_name));
    let system_groups = indices(Kind::SystemGroup)
        .map(|index| organization.system_group(index))
        .map(|group| resource(Node::new(Kind::SystemGroup, group.index), "systemGroup", group.id, group.name));
    let applications = indices(Kind::Application).map(|index| organization.application(index)).map(|application| {
        resource(Node::new(Kind::Application, application.index), "application", application.id, application.label)
    });
    let directories = organization.directories().into_iter().map(|directory| {
        let resource_type = match directory.node.kind {
            Kind::LdapServer => "ldapServer",
            Kind::GSuite => "gSuite",
            Kind::Office365 => "office365",
            _ => "activeDirectory",
        };
        resource(directory.node, resource_type, directory.id, directory.name.to_owned())
    });
    let radius = indices(Kind::RadiusServer).map(|index| organization.radius_server(index)).map(|server| {
        resource(Node::new(Kind::RadiusServer, server.index), "radiusServer", server.id, server.name.to_owned())
    });
    systems.chain(system_groups).chain(applications).chain(directories).chain(radius).collect()
}

/// Who reaches what: every walk through the graph, with the strongest rights on it. A group has what it is bound to and
/// what the groups around it are bound to, as the service's own traversal says.
fn grants(organization: &Organization) -> Vec<Record> {
    let resources: BTreeMap<Node, Resource> = resources(organization).into_iter().collect();
    let reach = |principal: Node, named: Principal, own: Access| {
        let kinds = Kind::RESOURCES.into_iter().filter(|kind| *kind != Kind::SystemGroup);
        let ways = kinds.flat_map(move |kind| organization.paths(principal, Direction::ToResources, &[kind]));
        let resources = &resources;
        ways.filter_map(move |(target, paths)| {
            let resource = resources.get(&target)?;
            let access = match target.kind {
                Kind::System => access(organization.compiled(&paths)).max(own),
                _ => Access::Login,
            };
            let Resource { external_id, resource_type, name, .. } = resource.clone();
            let resource = ResourceRef { external_id, resource_type, name };
            let direct = paths.iter().any(|path| path.len() == 1);
            Some(Record::from(Grant {
                principal: named.clone(),
                resource,
                access,
                direct,
                via: Vec::new(),
                more_paths: 0,
            }))
        })
    };
    let mut rows = Vec::new();
    for UserGroup { index, id: external_id, name: group_name, .. } in organization.user_groups() {
        let named = Principal::Group { external_id, group_type: USER_GROUP.to_owned(), group_name };
        rows.extend(reach(Node::new(Kind::UserGroup, index), named, Access::Login));
    }
    for user in organization.users() {
        let own = access(Sudo { enabled: user.sudo, without_password: user.passwordless_sudo });
        let named = Principal::Account { external_id: user.id, username: user.username };
        rows.extend(reach(Node::new(Kind::User, user.index), named, own));
    }
    rows
}

fn access(sudo: Sudo) -> Access {
    match (sudo.enabled, sudo.without_password) {
        (true, true) => Access::SudoWithoutPassword,
        (true, false) => Access::Sudo,
        (false, _) => Access::Login,
    }
}
