//! Conditional access: the policies that decide whether a sign-in succeeds and needs a second factor.

mod conditions;
mod row;

use std::collections::HashSet;

use connector_api::{
    AccountKind, ConnectorError, ErrorCode, NodeKind, NodeRef, Policy, PolicySubjects, RowEstimate, Section,
    SectionPlan, SignInKind, async_trait,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{About, Context, Discovery, Read};
use crate::api::Id;
use crate::api::authn_policies::{self as api, AuthnPolicy, IpList};
use crate::api::kind::Kind;
use crate::client::{Identified, Listing};
use crate::graph::USER_GROUP;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes, shown};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// The policies, and what their conditions and results depend on.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Found {
    /// In JumpCloud's order.
    policies: Vec<AuthnPolicy>,
    ip_lists: Vec<IpList>,
    /// Whether an identity provider is set up; `None` if that could not be read.
    has_identity_provider: Option<bool>,
}

impl Found {
    /// Whether logins are routed to an identity provider: not if there is none. Whose logins are routed is published only
    /// for each user and group.
    pub(crate) fn is_routed(&self) -> Option<bool> {
        self.has_identity_provider.filter(|has_one| !has_one)
    }
}

/// The policies as rows.
pub(crate) fn policies(found: &Found) -> impl Iterator<Item = Policy> {
    (1..).zip(&found.policies).map(|(position, policy)| row::row(policy, position, &found.ip_lists))
}

pub(crate) struct ConditionalAccess;

const SCOPE: &str = "authn.readonly";

static ABOUT: About = About {
    data: "Conditional access policies, and whether a second factor protects each account's sign-in",
    source: "GET /api/v2/authn/policies, GET /api/v2/iplists, GET /api/v2/identity-providers",
    cost: "1 request per 100 policies, 1 per 100 lists of addresses, 1 for identity providers",
    owns: &[("policy", &[row::CONDITIONAL_ACCESS])],
    fills_in: &[("account", "protection")],
    // It changes when another policy is added or removed.
    volatile: &[("policy", "position")],
    option: Some(Switch {
        name: "includeConditionalAccess",
        title: "Conditional access",
        description: "Discover conditional access policies, and whether a second factor protects the sign-in of users and \
                      administrators. Costs three requests, more with over 100 policies or lists of addresses.",
    }),
    rights: &[
        Right::of_feature("/api/v2/authn/policies", SCOPE),
        Right::of_feature("/api/v2/iplists", SCOPE),
        // The list is not published; the scope is that of the policies.
        Right::of_feature("/api/v2/identity-providers", SCOPE),
    ],
    ..About::new(Section::CONDITIONAL_ACCESS, "Conditional access")
};

#[async_trait]
impl Discovery for ConditionalAccess {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        Some(Box::pin(async move {
            let mut found = Found::default();
            let result = read(context, &mut progress, &mut found).await;
            Read::new(progress, result, |state| state.found.conditional_access = found)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let policies = planner.count::<AuthnPolicy>(api::list(1)).await?;
        let lists = match policies {
            Some(_) => planner.count::<IpList>(api::list_ip_lists(1)).await?,
            None => None,
        };
        let pages = |count: Option<u64>| count.map_or(1, |count| Listing::requests(count, planner.limit));
        let requests = if policies.is_some() { pages(policies) + pages(lists) + 1 } else { 1 };
        let because = format!("{} policies, {} lists of addresses", shown(policies), shown(lists));
        let rows = policies.map(|policies| RowEstimate::about(policies, row_bytes::POLICY));
        planner.sections.push(SectionPlan::new(Section::CONDITIONAL_ACCESS, requests, because).with_rows(rows));
        Ok(())
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        let (policies, ip_lists) = (crate::fuzzing::page(bytes), crate::fuzzing::page(bytes));
        let found = Found { policies, ip_lists, has_identity_provider: None };
        self::policies(&found).for_each(drop);
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let applications: HashSet<&Id> = known.state.found.applications.iter().map(|one| &one.id).collect();
        let administrators = administrators(known.state);
        for mut policy in policies(&known.state.found.conditional_access) {
            name_administrators(&mut policy, known, &administrators);
            let from = format!("policy {}", policy.external_id);
            let mut keep = |node: &NodeRef| {
                let is_known = exists(node, known, &applications);
                if !is_known {
                    let to = format!("{} {}", node.node_type, node.external_id);
                    outlet.aside(Section::CONDITIONAL_ACCESS).dangling(|| from.clone(), || to);
                }
                is_known
            };
            let PolicySubjects { included, excluded, included_by, more_included, .. } = &mut policy.subjects;
            let names_some = !included.is_empty();
            included.retain(&mut keep);
            // If all whom it names are gone, the filters alone would decide, which they do not.
            *more_included |= names_some && included.is_empty() && !included_by.is_empty();
            excluded.retain(&mut keep);
            policy.targets.included.retain(|target| target.resource.as_ref().is_none_or(&mut keep));
            policy.targets.excluded.retain(&mut keep);
            outlet.send(Section::CONDITIONAL_ACCESS, policy).await?;
        }
        Ok(())
    }
}

async fn read(context: Context<'_>, progress: &mut SectionProgress, found: &mut Found) -> Result<(), ConnectorError> {
    let Context { client, limit, .. } = context;
    progress.read_into(client, api::list(limit), &mut found.policies).await?;
    match progress.read_into(client, api::list_ip_lists(limit), &mut found.ip_lists).await {
        Err(error) if error.code == ErrorCode::NotFound => {}
        other => other?,
    }
    progress.plan(1);
    found.has_identity_provider = match api::has_identity_provider(client, &progress.meter).await {
        Ok(has_one) => Some(has_one),
        Err(error) if error.code == ErrorCode::NotFound => Some(false),
        Err(error) if error.is_unavailable() => {
            progress.note("identity providers could not be read: who signs in by one is not known");
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if found.has_identity_provider == Some(true) {
        progress.note("an identity provider is set up: whose logins are routed to it is not known");
    }
    Ok(())
}

/// The ids of the administrators.
pub(crate) fn administrators(state: &State) -> HashSet<String> {
    state.found.administrators.rows().iter().map(|one| one.id().to_string()).collect()
}

/// Gives the administrators that a policy names their type: JumpCloud names an account by its id alone. If administrators were
/// not read, those whom a policy of the console names in addition to users may be administrators.
fn name_administrators(policy: &mut Policy, known: &Known<'_>, administrators: &HashSet<String>) {
    let is_for_console = policy.targets.included.iter().any(|target| target.kind == SignInKind::CONSOLE);
    let may_be_others = is_for_console && !known.state.has_read(Section::ADMINISTRATORS);
    let is_administrator =
        |id: &str| administrators.contains(id) || may_be_others && !id.parse().is_ok_and(|id| is_user(&id, known));
    let PolicySubjects { included, excluded, .. } = &mut policy.subjects;
    for node in included.iter_mut().chain(excluded).filter(|node| node.kind == NodeKind::Account) {
        if is_administrator(&node.external_id) {
            AccountKind::ADMINISTRATOR.as_str().clone_into(&mut node.node_type);
        }
    }
}

fn is_user(id: &Id, known: &Known<'_>) -> bool {
    known.state.people.find(id).is_some_and(|user| known.state.people.is_listed(user))
}

/// Whether a row that a policy refers to is in the scan, or may have been: not every section is read.
fn exists(node: &NodeRef, known: &Known<'_>, applications: &HashSet<&Id>) -> bool {
    let Ok(id) = node.external_id.parse::<Id>() else { return false };
    match node.kind {
        NodeKind::Account => node.node_type == AccountKind::ADMINISTRATOR.as_str() || is_user(&id, known),
        NodeKind::Group => node.node_type == USER_GROUP && known.graph.has_group(&id),
        _ if node.node_type == Kind::Application.resource_type() => {
            applications.contains(&id) || !known.state.has_read(Section::APPLICATIONS)
        }
        _ => {
            let is_it = |thing: &super::Thing<'_>| thing.kind == Kind::LdapServer && *thing.id == id;
            super::things(&known.state.found).iter().any(is_it) || !known.state.has_read(Section::DIRECTORIES)
        }
    }
}
