//! Effective access of accounts and groups, computed from bindings, memberships and raised access. There are two sections:
//! accounts' access above `use`, and the rest.
//!
//! One walk over the graph makes the rows of both sections.

use connector_access::{Reach, Subject};
use connector_api::{ConnectorError, ErrorCode, Grant, Principal, RowEstimate, Section, SectionPlan, async_trait};

use super::{About, Discovery, local_accounts};
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::client::grouped;
use crate::graph::{Graph, USER_GROUP};
use crate::options::Options;
use crate::options::attribute::{EFFECTIVE_GRANTS, EFFECTIVE_GRANTS_LIMIT};
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};

pub(crate) struct Privileged;

static PRIVILEGED: About = About {
    data: "What accounts reach with more than use, or for a limited time, with level and path",
    source: MADE_OF,
    cost: "no requests",
    made_of: Some(Section::GRANTS),
    after: &[Section::TEMPORARY_ACCESS],
    owns: &[("grant", &["privileged"])],
    ..About::new(Section::PRIVILEGED_GRANTS, "Privileged grants")
};

pub(crate) struct Other;

static OTHER: About = About {
    data: "All other access of accounts and groups, with level and path",
    source: MADE_OF,
    cost: "no requests",
    made_of: Some(Section::GRANTS),
    after: &[Section::TEMPORARY_ACCESS],
    owns: &[("grant", &["other"])],
    ..About::new(Section::OTHER_GRANTS, "Other grants")
};

const MADE_OF: &str = "computed from bindings, memberships and sudo attributes";

#[async_trait]
impl Discovery for Privileged {
    fn about(&self) -> &'static About {
        &PRIVILEGED
    }

    /// Only on devices can an account have more than `use`; what is temporary is not counted.
    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let devices = planner.count_of(Kind::System);
        let local = planner.local_accounts;
        let because = |users| {
            let local = local
                .filter(|local| *local > 0)
                .map_or_else(String::new, |local| format!(", and {} local accounts", grouped(local)));
            format!("computed: at most each of {} users on each of {} devices{local}", grouped(users), grouped(devices))
        };
        let most = planner.users.zip(local);
        let most = most.map(|(users, local)| (users.saturating_mul(devices).saturating_add(local), because(users)));
        planner.sections.push(planned(Section::PRIVILEGED_GRANTS, most, planner.options));
        Ok(())
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        if known.scan.wants(Section::OTHER_GRANTS) {
            // They go out with these.
            return Ok(());
        }
        let mut privileged = Rows::new(Section::PRIVILEGED_GRANTS, known);
        send_privileged(known, known.state.people.listed(), &mut privileged, outlet).await?;
        send_local(known, &mut privileged, outlet).await
    }
}

#[async_trait]
impl Discovery for Other {
    fn about(&self) -> &'static About {
        &OTHER
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let groups = planner.groups.len() as u64;
        let kinds = planner.things.keys().filter(|kind| **kind != Kind::SystemGroup);
        let things = kinds.map(|kind| planner.count_of(*kind)).sum();
        let because = |users| {
            let [users, groups, things] = [users, groups, things].map(grouped);
            format!("computed: at most each of {users} users and {groups} groups on each of {things} objects")
        };
        let most = planner.users.map(|users| ((users + groups).saturating_mul(things), because(users)));
        planner.sections.push(planned(Section::OTHER_GRANTS, most, planner.options));
        Ok(())
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Known { scan, state, graph, .. } = known;
        let mut privileged =
            scan.wants(Section::PRIVILEGED_GRANTS).then(|| Rows::new(Section::PRIVILEGED_GRANTS, known));
        let mut other = Rows::new(Section::OTHER_GRANTS, known);
        // Grants of groups are never in the privileged section: those of their members are.
        for (at, group) in (0_u32..).zip(&state.found.groups.rows) {
            if other.is_full() {
                break;
            }
            outlet.step().await?;
            let principal = Principal::group(group.id.to_string(), USER_GROUP, group.shown_name());
            for grant in rows(graph, &principal, &graph.reach(Subject::Group(at))) {
                other.send(grant, outlet).await?;
            }
        }
        let mut users = state.people.listed().iter();
        while !other.is_full()
            && let Some(&user) = users.next()
        {
            outlet.step().await?;
            let principal = account(known, user);
            for grant in rows(graph, &principal, &graph.reach(Subject::Account(user))) {
                if !grant.is_privileged() {
                    other.send(grant, outlet).await?;
                } else if let Some(privileged) = &mut privileged {
                    privileged.send(grant, outlet).await?;
                }
            }
        }
        let Some(privileged) = &mut privileged else { return Ok(()) };
        if other.is_full() {
            send_privileged(known, users.as_slice(), privileged, outlet).await?;
        }
        send_local(known, privileged, outlet).await
    }
}

/// Sends the grants of local administrators, until the section is full.
async fn send_local(known: &Known<'_>, privileged: &mut Rows, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    for grant in local_accounts::grants(known.state) {
        if privileged.is_full() {
            break;
        }
        privileged.send(grant, outlet).await?;
    }
    Ok(())
}

/// Sends the privileged grants of users, until the section is full.
async fn send_privileged(
    known: &Known<'_>,
    users: &[u32],
    privileged: &mut Rows,
    outlet: &mut Outlet<'_>,
) -> Result<(), ConnectorError> {
    let above = known.graph.above(Level::Login);
    for &user in users {
        if privileged.is_full() {
            break;
        }
        outlet.step().await?;
        if !above.may_reach(Subject::Account(user)) {
            continue;
        }
        let principal = account(known, user);
        let reach = known.graph.reach(Subject::Account(user));
        for reached in reach.iter().filter(|reached| reached.is_above(Level::Login.rank())) {
            let grant = reached.grant(known.graph, &principal);
            if grant.is_privileged() {
                privileged.send(grant, outlet).await?;
            }
        }
    }
    Ok(())
}

/// The plan of a section of effective grants, which needs no request: the most rows and why, if the number of users is
/// known, and never more than the operator's limit.
fn planned(section: Section, most: Option<(u64, String)>, options: &Options) -> SectionPlan {
    let Some((rows, because)) = most else {
        return SectionPlan::new(section, 0, "computed for an unknown number of users");
    };
    let limit = options.effective_grants_limit;
    let because =
        if rows > limit { format!("{because}; {EFFECTIVE_GRANTS_LIMIT} is {}", grouped(limit)) } else { because };
    SectionPlan::new(section, 0, because).with_rows(RowEstimate::at_most(rows.min(limit), row_bytes::GRANT))
}

/// The rows of one of the two sections, up to the operator's limit.
struct Rows {
    section: Section,
    sent: u64,
    most: u64,
}

impl Rows {
    fn new(section: Section, known: &Known<'_>) -> Self {
        Self { section, sent: 0, most: known.scan.options.effective_grants_limit }
    }

    fn is_full(&self) -> bool {
        self.sent > self.most
    }

    /// Sends a row, or ends the section when there are too many.
    async fn send(&mut self, grant: Grant, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        if self.is_full() {
            return Ok(());
        }
        self.sent += 1;
        if !self.is_full() {
            return outlet.send(self.section, grant).await;
        }
        let message = format!("there are more than {} rows", self.most);
        let fewer = if self.section == Section::OTHER_GRANTS { "privileged or none" } else { "none" };
        let remedy = format!(
            "raise {EFFECTIVE_GRANTS_LIMIT}, or set {EFFECTIVE_GRANTS} to {fewer}: grants that are not written can be computed \
             from bindings and memberships"
        );
        outlet.end(self.section, ConnectorError::new(ErrorCode::LimitExceeded, message, remedy));
        Ok(())
    }
}

fn account(known: &Known<'_>, user: u32) -> Principal {
    let people = &known.state.people;
    Principal::account(people.id(user).to_text(), people.name(user).unwrap_or_default())
}

/// The grants of one principal. There may be a million, so they are made on demand.
pub(crate) fn rows<'r>(
    graph: &'r Graph<'_>,
    principal: &'r Principal,
    reach: &'r Reach<'_>,
) -> impl Iterator<Item = Grant> {
    reach.iter().map(|reached| reached.grant(graph, principal))
}
