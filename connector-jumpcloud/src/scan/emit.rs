//! The rows go out, behind the users' accounts: what refers to these.

use std::collections::BTreeMap;

use connector_access::Subject;
use connector_api::{AccountKind, AccountLink, ConnectorError, Principal, Record, Section, SectionStatus};
use hashbrown::HashMap;

use super::{Course, EFFECTIVE, Scan, rows};
use crate::api::administrators::Administrator;
use crate::client::Identified;
use crate::graph::privilege::Privilege;
use crate::graph::{Graph, USER_GROUP};
use crate::scan::people::Link;
use crate::scan::progress::Tally;
use crate::scan::state::State;
use crate::sections::administrators;

/// Rows that go to the sink together.
const BATCH: usize = 100;

/// Effective grants are as whole as the bindings that they are made of.
fn effective_status(state: &State) -> SectionStatus {
    match state.reports.get(&Section::GRANTS).map(|bindings| &bindings.status) {
        Some(SectionStatus::Unavailable { error }) => SectionStatus::Incomplete { error: error.clone() },
        Some(status) => status.clone(),
        None => SectionStatus::Skipped,
    }
}

/// Rows on their way to the sink, counted for one section.
pub(crate) struct Outlet<'a> {
    scan: &'a Scan<'a>,
    batch: Vec<Record>,
    /// How many rows of the batch belong to each section.
    pending: BTreeMap<Section, u64>,
}

impl<'a> Outlet<'a> {
    pub(crate) fn new(scan: &'a Scan<'a>) -> Self {
        Self { scan, batch: Vec::with_capacity(BATCH), pending: BTreeMap::new() }
    }

    pub(crate) async fn send(&mut self, section: Section, record: impl Into<Record>) -> Result<(), ConnectorError> {
        *self.pending.entry(section).or_default() += 1;
        self.batch.push(record.into());
        if self.batch.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), ConnectorError> {
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
    pub(crate) async fn emit_rest(&self, course: &mut Course) -> Result<(), ConnectorError> {
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
        let bindings = state.reports.contains_key(&Section::GRANTS);
        let effective = EFFECTIVE.into_iter().filter(|section| bindings && self.wants(*section));
        let effective: Vec<(Section, Tally)> = effective.map(|section| (section, self.tally(section))).collect();
        let mut memberships = Tally::new(Section::MEMBERSHIPS, &self.sink);
        let mut grants = Tally::new(Section::GRANTS, &self.sink);
        let graph = Graph::new(state, &state.people, &mut grants);
        let privilege = self.privilege(state, &graph);
        let result = async {
            self.send_administrators(state, &names, &privilege, &mut outlet).await?;
            let (roles, holders) = administrators::roles(&state.administrators, &names, &privilege);
            for role in roles {
                outlet.send(Section::ADMINISTRATORS, role).await?;
            }
            send_groups(state, &graph, &privilege, &mut outlet).await?;
            for holder in holders {
                outlet.send(Section::ADMINISTRATORS, holder).await?;
            }
            send_memberships(state, &graph, &mut memberships, &mut outlet).await?;
            send_resources(state, &mut outlet).await?;
            send_bindings(state, &graph, &mut outlet).await?;
            if bindings {
                self.send_grants(state, &graph, &mut outlet).await?;
            }
            outlet.flush().await
        }
        .await;
        for (section, tally) in [(Section::MEMBERSHIPS, memberships), (Section::GRANTS, grants)] {
            if let Some(report) = course.state.reports.get_mut(&section) {
                tally.enter_aside(report);
            }
        }
        self.judge_grants(course);
        for (section, tally) in effective {
            let report = tally.close(effective_status(&course.state));
            course.state.reports.insert(section, report);
        }
        result
    }

    /// Grants are whole only when everything that they refer to is.
    fn judge_grants(&self, course: &mut Course) {
        let parts = [Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES];
        let broken = parts.iter().find_map(|part| {
            let status = &course.state.reports.get(part)?.status;
            status.error().map(|error| error.clone().context(part))
        });
        if let (Some(error), Some(report)) = (broken, course.state.reports.get_mut(&Section::GRANTS))
            && report.status == SectionStatus::Complete
        {
            report.status = SectionStatus::Incomplete { error };
        }
    }

    pub(crate) fn privilege<'s>(&self, state: &'s State, graph: &'s Graph<'s>) -> Privilege<'s> {
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
                    .drawn_from([Section::USERS, Section::ADMINISTRATORS])
            }));
            privilege.judge_administrator(&mut account, administrator);
            outlet.send(Section::ADMINISTRATORS, account).await?;
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
        outlet.send(Section::GROUPS, rows::group(group, Some(members.count()), at, privilege)).await?;
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
            outlet.send(Section::MEMBERSHIPS, membership).await?;
        }
    }
    Ok(())
}

async fn send_resources(state: &State, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for system in &state.systems {
        outlet.send(Section::SYSTEMS, rows::system(system)).await?;
    }
    for group in &state.system_groups {
        outlet.send(Section::SYSTEMS, rows::system_group(group)).await?;
    }
    for application in &state.applications {
        outlet.send(Section::APPLICATIONS, rows::application(application)).await?;
    }
    for directory in &state.directories {
        outlet.send(Section::DIRECTORIES, rows::directory(directory)).await?;
    }
    Ok(())
}

/// What somebody made: groups in groups, and where those were read, devices in device groups and what is bound to what.
async fn send_bindings(state: &State, graph: &Graph<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for binding in graph.nested() {
        outlet.send(Section::MEMBERSHIPS, binding).await?;
    }
    for binding in graph.devices_in_groups() {
        outlet.send(Section::GRANTS, binding).await?;
    }
    let groups = (0..state.groups.len() as u32).map(Subject::Group);
    let users = state.people.listed().iter().copied().map(Subject::Account);
    for subject in groups.chain(users) {
        for binding in graph.bound(subject, &state.people) {
            outlet.send(Section::GRANTS, binding).await?;
        }
    }
    Ok(())
}

impl Scan<'_> {
    /// What groups and accounts effectively reach, each row in the section that owns it.
    async fn send_grants(
        &self,
        state: &State,
        graph: &Graph<'_>,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), ConnectorError> {
        let (privileged, other) = (self.wants(Section::PRIVILEGED_GRANTS), self.wants(Section::OTHER_GRANTS));
        for (at, group) in (0_u32..).zip(&state.groups).filter(|_| other) {
            let principal = Principal::group(group.id.to_string(), USER_GROUP, rows::group_name(group));
            for grant in rows::grants(graph, &principal, &graph.reach(Subject::Group(at))) {
                outlet.send(Section::OTHER_GRANTS, grant).await?;
            }
        }
        for &user in state.people.listed() {
            let name = state.people.name(user).unwrap_or_default();
            let principal = Principal::account(state.people.id(user).to_string(), name);
            for grant in rows::grants(graph, &principal, &graph.reach(Subject::Account(user))) {
                match grant.is_privileged() {
                    true if privileged => outlet.send(Section::PRIVILEGED_GRANTS, grant).await?,
                    false if other => outlet.send(Section::OTHER_GRANTS, grant).await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
