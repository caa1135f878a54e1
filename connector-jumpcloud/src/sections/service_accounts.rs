//! Service accounts, `GET /api/v2/service-accounts`: accounts with which programs sign in, and their roles as groups with
//! members.

use std::collections::BTreeMap;

use connector_api::{
    Account, AccountKind, AccountType, Attributes, ConnectorError, Group, Membership, PasswordFacts, Section,
    async_trait,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{About, Context, Discovery, Read, one_listing};
use crate::api::{Id, lenient};
use crate::client::{Call, Identified, Listing, listing};
use crate::graph::evidence_rules::console_role;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::people::Accounts;
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Group type of the roles of service accounts. Administrators have the same roles, but a row type belongs to one section.
const ROLE: &str = "JUMPCLOUD_SERVICE_ACCOUNT_ROLE";

/// Service accounts, as they are listed.
pub(crate) type Found = Accounts<ServiceAccount>;

pub(crate) struct ServiceAccounts;

static ABOUT: About = About {
    data: "Service accounts, their roles, state and expiry",
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
        let listing = list(context.limit);
        one_listing(context, progress, listing, |state, rows| state.found.service_accounts = rows.into())
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let accounts = planner.count::<ServiceAccount>(list(1)).await?;
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
            drop((one.role(&BTreeMap::new()), account(&one, &one.name())));
        }
    }

    async fn emit(&self, record: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let found = &known.state.found.service_accounts;
        let names = role_names(found.rows());
        let mut holders: BTreeMap<Role, Vec<(&ServiceAccount, &str)>> = BTreeMap::new();
        for (one, username) in found.named() {
            if record == "account" {
                let mut account = account(one, username);
                let role = one.role(&names).map(|role| role.name);
                known.privilege.judge_holder(&mut account, role.as_slice(), None, Section::SERVICE_ACCOUNTS);
                outlet.send(Section::SERVICE_ACCOUNTS, account).await?;
            } else if let Some(role) = one.role(&names) {
                holders.entry(role).or_default().push((one, username));
            }
        }
        for (role, holders) in holders {
            let group = role.group(holders.len() as u64);
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

/// Lists service accounts. They can be sorted only by `name` and `expiresAt`.
fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/service-accounts"), limit).by_name("name")
}

/// A service account, definition `jumpcloud.service_accounts.ServiceAccount`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    #[serde(rename = "objectId")]
    id: Id,
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    fields: Attributes,
}

/// The fields that are kept. `authConfigList`, which some lists include, is not: it may contain credentials.
const KEPT: [&str; 10] =
    ["authType", "createdAt", "expiresAt", "name", "orgCount", "orgId", "providerId", "roleId", "roleName", "status"];

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    lenient::only(&KEPT, deserializer)
}

impl Identified for ServiceAccount {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl ServiceAccount {
    fn text(&self, field: &str) -> Option<String> {
        match self.fields.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The name by which rows refer to it, before it is made unique.
    fn name(&self) -> String {
        self.text("name").unwrap_or_else(|| self.id.to_string())
    }

    /// Its role, with its name from `names`.
    fn role(&self, names: &BTreeMap<String, String>) -> Option<Role> {
        let id = self.text("roleId").or_else(|| self.text("roleName"))?;
        let name = names.get(&id).unwrap_or(&id).clone();
        Some(Role { id, name })
    }
}

/// The names of the roles by their ids. `roleName` is deprecated, so one row may omit what another has.
fn role_names(rows: &[ServiceAccount]) -> BTreeMap<String, String> {
    rows.iter().filter_map(|one| Some((one.text("roleId")?, one.text("roleName")?))).collect()
}

/// A role, identified by its id, else by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Role {
    id: String,
    name: String,
}

impl Role {
    fn group(&self, members: u64) -> Group {
        let mut row = Group::new(self.id.clone(), ROLE, self.name.clone());
        row.membership_method = Some("STATIC".to_owned());
        row.member_count = Some(members);
        row.privileged = true;
        row.reasons = vec![console_role(&self.name, Section::SERVICE_ACCOUNTS, |role| {
            format!("service accounts with the role {role} call JumpCloud's API")
        })];
        row
    }
}

/// Makes the account of a service account. Programs sign in with it, so its expiry is reported as that of the password.
fn account(one: &ServiceAccount, username: &str) -> Account {
    let time = |field| lenient::time(&one.fields.get(field)?);
    let mut row = Account::new(one.id.to_string(), username);
    row.kind = AccountKind::SERVICE_ACCOUNT;
    row.account_type = Some(AccountType::NonHuman);
    row.display_name = Some(one.name());
    row.state = one.text("status");
    row.enabled = match row.state.as_deref() {
        Some("ACTIVE" | "EXPIRING") => Some(true),
        Some("EXPIRED") => Some(false),
        _ => None,
    };
    row.admin = Some(true);
    row.created_at = time("createdAt");
    let mut facts = PasswordFacts::default();
    facts.expires_at = time("expiresAt");
    facts.expired = row.state.as_deref().map(|state| state == "EXPIRED");
    row.password = (facts != PasswordFacts::default()).then_some(facts);
    row.attributes = one.fields.clone();
    row
}
