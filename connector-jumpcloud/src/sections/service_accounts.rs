//! Service accounts, `GET /api/v2/service-accounts`: accounts with which programs sign in, and their roles as groups with
//! members.

use std::collections::BTreeMap;

use connector_api::{
    Account, AccountKind, AccountType, ConnectorError, Group, Membership, PasswordFacts, Section, async_trait,
};
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{About, Context, Discovery, Read, one_listing};
use crate::api::administrators::{Role, role_id};
use crate::api::service_accounts::{self as api, ServiceAccount};
use crate::graph::evidence_rules::Privilege;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::people::Accounts;
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Group type of the roles of service accounts. Administrators have the same roles, but a row type belongs to one section.
pub(crate) const ROLE: &str = "JUMPCLOUD_SERVICE_ACCOUNT_ROLE";

/// Service accounts, as they are listed.
pub(crate) type Found = Accounts<ServiceAccount>;

pub(crate) struct ServiceAccounts;

static ABOUT: About = About {
    data: "Service accounts, their roles and credentials, with state, maker and expiry of each credential",
    source: "GET /api/v2/service-accounts",
    cost: "1 request per 100 service accounts",
    owns: &[("account", &["serviceAccount"]), ("group", &[ROLE]), ("membership", &[ROLE])],
    option: Some(Switch {
        name: "includeServiceAccounts",
        title: "Service accounts",
        description: "Discover service accounts and their roles. Costs one request for each 100 service accounts.",
    }),
    rights: &[Right::of_feature("/api/v2/service-accounts", "serviceaccounts.readonly")],
    ..About::new(Section::SERVICE_ACCOUNTS, "Service accounts")
};

#[async_trait]
impl Discovery for ServiceAccounts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let listing = api::list(context.limit);
        one_listing(context, progress, listing, |state, rows| state.found.service_accounts = rows.into())
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let accounts = planner.count::<ServiceAccount>(api::list(1)).await?;
        // Each with the membership of its role. How many roles there are is not counted.
        let rows = [row_bytes::SERVICE_ACCOUNT, row_bytes::MEMBERSHIP];
        planner.add(Section::SERVICE_ACCOUNTS, &[("service accounts", accounts, &rows)]);
        Ok(())
    }

    fn name_accounts(&self, state: &mut State) {
        state.found.service_accounts.name(&mut state.people, |one| (one.name(), &one.id));
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        for one in crate::fuzzing::page::<ServiceAccount>(bytes) {
            drop((role(&one, &BTreeMap::new()), account(&one, &one.name(), Timestamp::UNIX_EPOCH)));
        }
    }

    async fn emit(&self, record: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Known { state, privilege, .. } = known;
        let found = &state.found.service_accounts;
        let names = role_names(found.rows());
        let now = known.scan.client.clock().now();
        let mut holders: BTreeMap<String, (Role, Vec<(&ServiceAccount, &str)>)> = BTreeMap::new();
        for (one, username) in found.named() {
            let role = role(one, &names);
            if record == "account" {
                let mut account = account(one, username, now);
                privilege.judge_service_account(&mut account, one, role.as_ref());
                outlet.send(Section::SERVICE_ACCOUNTS, account).await?;
            } else if let Some(role) = role {
                let id = role.id.clone().or_else(|| role.name.clone()).unwrap_or_default();
                holders.entry(id).or_insert_with(|| (role, Vec::new())).1.push((one, username));
            }
        }
        for (id, (role, holders)) in holders {
            let group = group(id, &role, holders.len() as u64, privilege);
            if record == "group" {
                outlet.send(Section::SERVICE_ACCOUNTS, group).await?;
                continue;
            }
            for (one, username) in holders {
                let mut row = Membership::new(&Account::new(one.id.to_string(), username), &group);
                row.direct = true;
                outlet.send(Section::SERVICE_ACCOUNTS, row).await?;
            }
        }
        Ok(())
    }
}

/// The names of the roles by their ids. `roleName` is deprecated, so one row may omit what another has.
fn role_names(rows: &[ServiceAccount]) -> BTreeMap<String, String> {
    rows.iter().filter_map(|one| Some((role_id(&one.text("roleId")?), one.text("roleName")?))).collect()
}

/// The role of a service account, with its name from `names`.
fn role(one: &ServiceAccount, names: &BTreeMap<String, String>) -> Option<Role> {
    let id = one.text("roleId").map(|id| role_id(&id));
    let name = id.as_ref().and_then(|id| names.get(id).cloned()).or_else(|| one.text("roleName"));
    (id.is_some() || name.is_some()).then_some(Role { id, name })
}

/// A role, identified by its id, else by its name: the same whether or not the list of roles was read.
fn group(id: String, role: &Role, members: u64, privilege: &Privilege<'_>) -> Group {
    let mut row = Group::new(id, ROLE, privilege.name_of(role));
    row.membership_method = Some("STATIC".to_owned());
    row.member_count = Some(members);
    let reason = privilege.console_role(role, Section::SERVICE_ACCOUNTS, |role| {
        format!("service accounts with the role {role} call JumpCloud's API")
    });
    row.privileged = reason.is_some();
    row.reasons = reason.into_iter().collect();
    row
}

/// Makes the account of a service account at a time. Programs sign in with it, so its expiry is reported as that of the
/// password: when the last of its credentials expires.
fn account(one: &ServiceAccount, username: &str, now: Timestamp) -> Account {
    let credentials = one.credentials();
    let mut row = Account::new(one.id.to_string(), username);
    row.kind = AccountKind::SERVICE_ACCOUNT;
    row.account_type = Some(AccountType::NonHuman);
    row.display_name = Some(one.name());
    row.state = one.text("status");
    row.credentials = credentials.iter().map(|credential| credential.row(now)).collect();
    let by_state = match row.state.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("ACTIVE" | "EXPIRING") => Some(true),
        Some("EXPIRED") => Some(false),
        _ => None,
    };
    // A credential that can be used says more than the state, which is that of the account as a whole.
    let usable = || credentials.iter().map(|credential| credential.is_usable(now));
    let by_credentials = match usable().any(|usable| usable == Some(true)) {
        true => Some(true),
        false if !credentials.is_empty() && usable().all(|usable| usable == Some(false)) => Some(false),
        false => None,
    };
    row.enabled = by_credentials.or(by_state);
    row.admin = Some(true);
    row.created_at = one.time("createdAt");
    let mut facts = PasswordFacts::default();
    let last = row.credentials.iter().filter_map(|credential| credential.expires_at).max();
    let can_be_used = || row.credentials.iter().filter(|credential| credential.usable != Some(false));
    let never = can_be_used().any(|credential| credential.never_expires == Some(true));
    let is_known = !row.credentials.is_empty() && can_be_used().all(|credential| credential.expires_at.is_some());
    // The row has one date, whatever its credentials are: it counts only if they do not say when they expire.
    let of_row = one.time("expiresAt").filter(|_| !is_known);
    facts.expires_at = last.max(of_row).filter(|_| !never);
    facts.expired = row.enabled.map(|enabled| !enabled);
    row.password = (facts != PasswordFacts::default()).then_some(facts);
    row.attributes = one.fields.clone();
    row
}
