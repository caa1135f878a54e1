//! Roles of the console, `GET /api/v2/roles`: what each may do, whether or not somebody holds it.
//!
//! Rows of [`CONSOLE_ROLE`] are identified by the role's id and have no members: who holds a role is said by the rows that
//! administrators and service accounts own, which have the same id, and exist whether or not the roles can be read.

use connector_api::{ConnectorError, Group, Section, async_trait};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{About, Context, Discovery, Read, enter_text, one_listing};
use crate::api::administrators::Role as Held;
use crate::api::roles::{self as api, Role};
use crate::graph::authority::Authority;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Group type of the roles themselves.
pub(crate) const CONSOLE_ROLE: &str = "JUMPCLOUD_CONSOLE_ROLE";

/// Roles, as they are listed.
pub(crate) type Found = Vec<Role>;

pub(crate) struct ConsoleRoles;

static ABOUT: About = About {
    data: "Roles of the console, built-in and custom: their scopes, and which sections of a scan each could read",
    source: "GET /api/v2/roles",
    cost: "1 request per 100 roles",
    owns: &[("group", &[CONSOLE_ROLE])],
    option: Some(Switch {
        name: "includeRoles",
        title: "Roles",
        description: "Discover the console's roles and what each may do. Without them, the privilege of administrators \
                      and service accounts follows from the names of their roles. Costs one request for each 100 roles.",
    }),
    rights: &[Right::of_feature("/api/v2/roles", "roles.readonly")],
    ..About::new(Section::ROLES, "Roles")
};

#[async_trait]
impl Discovery for ConsoleRoles {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        one_listing(context, progress, api::list(context.limit), |state, rows| state.found.roles = rows)
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let roles = planner.count::<Role>(api::list(1)).await?;
        planner.add(Section::ROLES, &[("roles", roles, &[row_bytes::ROLE])]);
        Ok(())
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        for role in crate::fuzzing::rows::<Role>(bytes) {
            drop(row(&role));
        }
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        for role in &known.state.found.roles {
            let mut row = row(role);
            let held = Held { id: Some(role.id.clone()), name: role.name.clone() };
            let sentence = |role| format!("holders of the role {role} call JumpCloud's API or sign in to the console");
            let reason = known.privilege.console_role(&held, Section::ROLES, sentence);
            row.privileged = reason.is_some();
            row.reasons = reason.into_iter().collect();
            outlet.send(Section::ROLES, row).await?;
        }
        Ok(())
    }
}

/// A role without its evidence.
fn row(role: &Role) -> Group {
    let mut row = Group::new(role.id.clone(), CONSOLE_ROLE, role.shown_name());
    row.description.clone_from(&role.description);
    enter_text(&mut row.attributes, "createdBy", role.created_by.as_deref());
    enter_text(&mut row.attributes, "lastUpdatedBy", role.last_updated_by.as_deref());
    enter_text(&mut row.attributes, "providerId", role.provider_id.as_deref());
    if let Some(is_custom) = role.is_custom {
        row.attributes.insert("isCustom", is_custom);
    }
    if !role.organization_ids.is_empty() {
        row.attributes.insert("organizationIds", role.organization_ids.clone());
    }
    if let Some(scopes) = &role.scopes {
        let mut scopes = scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        row.attributes.insert("readableSections", readable_sections(&scopes));
        row.attributes.insert("scopes", scopes);
    }
    row
}

/// The sections of a scan that a credential with these scopes could read completely.
fn readable_sections(scopes: &[String]) -> Vec<Value> {
    let authority = Authority::of(scopes.iter().map(String::as_str));
    let abouts = super::ALL.iter().map(|section| section.about()).filter(|about| !about.rights.is_empty());
    let readable = abouts.filter(|about| about.rights.iter().all(|right| authority.allows(right.scope)));
    readable.map(|about| about.section.to_string().into()).collect()
}
