//! The rows go out, behind the users' accounts: what refers to these.

use std::collections::BTreeMap;

use connector_access::Subject;
use connector_api::{AccountKind, AccountLink, ConnectorError, Principal, Record, Section, SectionStatus};
use hashbrown::HashMap;

use super::graph::{Graph, USER_GROUP};
use super::people::Link;
use super::privilege::Privilege;
use super::section::Tally;
use super::state::State;
use super::{Course, Scan, administrators, rows};
use crate::api::administrators::Administrator;
use crate::client::Identified;

/// Rows that go to the sink together.
const BATCH: usize = 100;

/// Rows on their way to the sink, counted for one section.
pub(super) struct Outlet<'a> {
    scan: &'a Scan<'a>,
    batch: Vec<Record>,
    /// How many rows of the batch belong to each section.
    pending: BTreeMap<Section, u64>,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(scan: &'a Scan<'a>) -> Self {
        Self { scan, batch: Vec::with_capacity(BATCH), pending: BTreeMap::new() }
    }

    pub(super) async fn send(&mut self, section: Section, record: impl Into<Record>) -> Result<(), ConnectorError> {
        *self.pending.entry(section).or_default() += 1;
        self.batch.push(record.into());
        if self.batch.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self) -> Result<(), ConnectorError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        if self.scan.request.cancel.is_cancelled() {
            return Err(ConnectorError::cancelled());
        }
        self.scan.sink.records(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH))).await?;
        std::mem::take(&mut self.pending).into_iter().for_each(|(section, rows)| self.scan.course.took(section, rows));
        Ok(())
    }
}

impl Scan<'_> {
    /// Sends everything but the users: it is all in memory by now.
    pub(super) async fn emit_rest(&self, course: &mut Course) -> Result<(), ConnectorError> {
        let mut outlet = Outlet::new(self);
        let state = &mut course.state;
        let names: Vec<String> = {
            let people = &mut state.people;
            let unique = |administrator: &Administrator| {
                people.unique(&administrators::name(administrator), administrator.id()).to_owned()
            };
            state.administrators.iter().map(unique).collect()
        };
        let state = &*state;
        let mut memberships = Tally::new(Section::Memberships, &self.sink);
        let mut grants = Tally::new(Section::Grants, &self.sink);
        let graph = Graph::new(state, &state.people, &mut grants);
        let privilege = self.privilege(state, &graph);
        let result = async {
            self.send_administrators(state, &names, &privilege, &mut outlet).await?;
            let (roles, holders) = administrators::roles(&state.administrators, &names, &privilege);
            for role in roles {
                outlet.send(Section::Administrators, role).await?;
            }
            send_groups(state, &graph, &privilege, &mut outlet).await?;
            for holder in holders {
                outlet.send(Section::Administrators, holder).await?;
            }
            send_memberships(state, &graph, &mut memberships, &mut outlet).await?;
            send_resources(state, &mut outlet).await?;
            send_bindings(state, &graph, &mut outlet).await?;
            if state.reports.contains_key(&Section::Grants) {
                send_grants(state, &graph, &mut outlet).await?;
            }
            outlet.flush().await
        }
        .await;
        for (section, tally) in [(Section::Memberships, memberships), (Section::Grants, grants)] {
            if let Some(report) = course.state.reports.get_mut(&section) {
                tally.enter_aside(report);
            }
        }
        self.judge_grants(course);
        result
    }

    /// Grants are whole only when everything that they refer to is.
    fn judge_grants(&self, course: &mut Course) {
        let parts = [Section::Systems, Section::Applications, Section::Directories];
        let broken = parts.iter().find_map(|part| {
            let status = &course.state.reports.get(part)?.status;
            status.error().map(|error| error.clone().context(part))
        });
        if let (Some(error), Some(report)) = (broken, course.state.reports.get_mut(&Section::Grants))
            && report.status == SectionStatus::Complete
        {
            report.status = SectionStatus::Incomplete { error };
        }
    }

    pub(super) fn privilege<'s>(&self, state: &'s State, graph: &'s Graph<'s>) -> Privilege<'s> {
        let Self { options, client, .. } = self;
        let now = client.clock().now();
        Privilege::new(&options.privileged_group_patterns, options.stale_api_key_days, now, state, graph)
    }

    async fn send_administrators(
        &self,
        state: &State,
        names: &[String],
        privilege: &Privilege<'_>,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), ConnectorError> {
        let mut links: HashMap<&str, Vec<&Link>> = HashMap::new();
        for link in state.people.links() {
            links.entry(&link.administrator).or_default().push(link);
        }
        for (administrator, name) in state.administrators.iter().zip(names) {
            let mut account = administrators::account(administrator, name);
            state.logins.enter_administrator(&mut account, administrator.id());
            let links = links.get(account.external_id.as_str()).into_iter().flatten();
            account.links.extend(links.map(|link| {
                AccountLink::new(state.people.id(link.user).to_string(), AccountKind::USER, link.evidence.word())
            }));
            privilege.judge_administrator(&mut account, administrator);
            outlet.send(Section::Administrators, account).await?;
        }
        Ok(())
    }
}

async fn send_groups(
    state: &State,
    graph: &Graph<'_>,
    privilege: &Privilege<'_>,
    outlet: &mut Outlet<'_>,
) -> Result<(), ConnectorError> {
    for (at, group) in (0_u32..).zip(&state.groups) {
        let Some(members) = rows::members(state, graph, at) else { continue };
        outlet.send(Section::Groups, rows::group(group, Some(members.count()), at, privilege)).await?;
    }
    Ok(())
}

async fn send_memberships(
    state: &State,
    graph: &Graph<'_>,
    tally: &mut Tally,
    outlet: &mut Outlet<'_>,
) -> Result<(), ConnectorError> {
    for (at, _) in (0_u32..).zip(&state.groups) {
        let Some(members) = rows::members(state, graph, at) else { continue };
        members.count_missing(tally);
        for membership in members.rows() {
            outlet.send(Section::Memberships, membership).await?;
        }
    }
    Ok(())
}

async fn send_resources(state: &State, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for system in &state.systems {
        outlet.send(Section::Systems, rows::system(system)).await?;
    }
    for group in &state.system_groups {
        outlet.send(Section::Systems, rows::system_group(group)).await?;
    }
    for application in &state.applications {
        outlet.send(Section::Applications, rows::application(application)).await?;
    }
    for directory in &state.directories {
        outlet.send(Section::Directories, rows::directory(directory)).await?;
    }
    Ok(())
}

/// What somebody made: groups in groups, and where those were read, devices in device groups and what is bound to what.
async fn send_bindings(state: &State, graph: &Graph<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for binding in graph.nested() {
        outlet.send(Section::Memberships, binding).await?;
    }
    for binding in graph.devices_in_groups() {
        outlet.send(Section::Grants, binding).await?;
    }
    let groups = (0..state.groups.len() as u32).map(Subject::Group);
    let users = state.people.listed().iter().copied().map(Subject::Account);
    for subject in groups.chain(users) {
        for binding in graph.bound(subject, &state.people) {
            outlet.send(Section::Grants, binding).await?;
        }
    }
    Ok(())
}

async fn send_grants(state: &State, graph: &Graph<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for (at, group) in (0_u32..).zip(&state.groups) {
        let principal = Principal::group(group.id.to_string(), USER_GROUP, rows::group_name(group));
        for grant in rows::grants(graph, &principal, &graph.reach(Subject::Group(at))) {
            outlet.send(Section::Grants, grant).await?;
        }
    }
    for &user in state.people.listed() {
        let name = state.people.name(user).unwrap_or_default();
        let principal = Principal::account(state.people.id(user).to_string(), name);
        for grant in rows::grants(graph, &principal, &graph.reach(Subject::Account(user))) {
            outlet.send(Section::Grants, grant).await?;
        }
    }
    Ok(())
}
