//! Effective access of accounts and groups, computed from bindings, memberships and raised access. There are two sections:
//! accounts' access above `use`, and the rest.
//!
//! One walk over the graph makes the rows of both sections.

use connector_access::{Reach, Subject};
use connector_api::{ConnectorError, Grant, Principal, Section, async_trait};

use super::{About, Discovery};
use crate::graph::{Graph, USER_GROUP};
use crate::scan::outlet::{Known, Outlet};

pub(crate) struct Privileged;

static PRIVILEGED: About = About {
    data: "Devices that accounts can administer, with level and path",
    source: MADE_OF,
    cost: "no requests",
    made_of: Some(Section::GRANTS),
    owns: &[("grant", &["privileged"])],
    ..About::new(Section::PRIVILEGED_GRANTS, "Privileged grants")
};

pub(crate) struct Other;

static OTHER: About = About {
    data: "All other access of accounts and groups, with level and path",
    source: MADE_OF,
    cost: "no requests",
    made_of: Some(Section::GRANTS),
    owns: &[("grant", &["other"])],
    ..About::new(Section::OTHER_GRANTS, "Other grants")
};

const MADE_OF: &str = "computed from bindings, memberships and sudo attributes";

#[async_trait]
impl Discovery for Privileged {
    fn about(&self) -> &'static About {
        &PRIVILEGED
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let mut wanted = vec![Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS];
        wanted.retain(|section| known.scan.wants(*section));
        emit(known, &wanted, outlet).await
    }
}

#[async_trait]
impl Discovery for Other {
    fn about(&self) -> &'static About {
        &OTHER
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        if known.scan.wants(Section::PRIVILEGED_GRANTS) {
            // They were sent together.
            return Ok(());
        }
        emit(known, &[Section::OTHER_GRANTS], outlet).await
    }
}

/// Sends what groups and accounts reach, if the section that owns the row is wanted.
async fn emit(known: &Known<'_>, wanted: &[Section], outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    let Known { state, graph, .. } = known;
    // Grants of groups are never in the privileged section: those of their members are.
    let groups = state.found.groups.rows.iter().filter(|_| wanted.contains(&Section::OTHER_GRANTS));
    for (at, group) in (0_u32..).zip(groups) {
        let principal = Principal::group(group.id.to_string(), USER_GROUP, group.shown_name());
        for grant in rows(graph, &principal, &graph.reach(Subject::Group(at))) {
            outlet.send(Section::OTHER_GRANTS, grant).await?;
        }
    }
    for &user in state.people.listed() {
        let name = state.people.name(user).unwrap_or_default();
        let principal = Principal::account(state.people.id(user).to_string(), name);
        for grant in rows(graph, &principal, &graph.reach(Subject::Account(user))) {
            let owner = if grant.is_privileged() { Section::PRIVILEGED_GRANTS } else { Section::OTHER_GRANTS };
            if wanted.contains(&owner) {
                outlet.send(owner, grant).await?;
            }
        }
    }
    Ok(())
}

/// The grants of one principal. There may be a million, so they are made on demand.
pub(crate) fn rows<'r>(
    graph: &'r Graph<'_>,
    principal: &'r Principal,
    reach: &'r Reach<'_>,
) -> impl Iterator<Item = Grant> {
    reach.iter().map(|reached| reached.grant(graph, principal))
}
