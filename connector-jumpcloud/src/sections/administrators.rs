//! Console administrators, `GET /api/users`: accounts of their own kind, and their roles as groups with members.

use std::collections::BTreeMap;

use connector_api::{
    Account, AccountKind, AccountLink, ConnectorError, Group, Membership, Mfa, PasswordFacts, Section, async_trait,
};
use futures_util::future::BoxFuture;
use hashbrown::HashMap;

use super::{About, Context, Discovery, Read, one_listing};
use crate::api::administrators::{self as api, Administrator, ApiKey, Expiry, Role};
use crate::client::Identified;
use crate::graph::evidence_rules::Privilege;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::people::{Accounts, Link};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Group type of console roles.
pub(crate) const ADMIN_ROLE: &str = "JUMPCLOUD_ADMIN_ROLE";

/// Administrators, as they are listed.
pub(crate) type Found = Accounts<Administrator>;

pub(crate) struct Administrators;

static ABOUT: About = About {
    data: "Console administrators and their roles",
    source: "GET /api/users",
    cost: "1 request per 100 administrators",
    owns: &[("account", &["administrator"]), ("group", &[ADMIN_ROLE]), ("membership", &[ADMIN_ROLE])],
    option: Some(Switch {
        name: "includeAdministrators",
        title: "Administrators",
        description: "Discover the console's administrators and their roles. Costs one request for each 100 \
                      administrators.",
    }),
    // The list is not published; the scope is that of the published calls about administrators.
    rights: &[Right::of_administrators("/api/users", "administrators.readonly")],
    ..About::new(Section::ADMINISTRATORS, "Administrators")
};

#[async_trait]
impl Discovery for Administrators {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let listing = api::list(context.limit);
        one_listing(context, progress, listing, |state, rows| state.found.administrators = rows.into())
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let administrators = planner.count::<Administrator>(api::list(1)).await?;
        // Each with the membership of its role. How many roles there are is not counted.
        let rows = [row_bytes::ADMINISTRATOR, row_bytes::MEMBERSHIP];
        planner.add(Section::ADMINISTRATORS, &[("administrators", administrators, &rows)]);
        Ok(())
    }

    fn name_accounts(&self, state: &mut State) {
        state.found.administrators.name(&mut state.people, |one| (name(one), one.id()));
    }

    async fn emit(&self, record: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        if record == "account" {
            return emit_accounts(known, outlet).await;
        }
        let (roles, holders) = roles(&known.state.found.administrators, known.privilege);
        if record == "group" {
            for role in roles {
                outlet.send(Section::ADMINISTRATORS, role).await?;
            }
        } else {
            for holder in holders {
                outlet.send(Section::ADMINISTRATORS, holder).await?;
            }
        }
        Ok(())
    }
}

async fn emit_accounts(known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    let Known { state, privilege, .. } = known;
    let now = known.scan.client.clock().now();
    let mut links: HashMap<&str, Vec<&Link>> = HashMap::new();
    for link in state.people.links() {
        links.entry(&link.administrator).or_default().push(link);
    }
    for (administrator, name) in state.found.administrators.named() {
        let mut account = account(administrator, name);
        state.found.organization.enter_required_mfa(&mut account);
        state.found.last_login.enter_administrator(&mut account, administrator.id());
        let links = links.get(account.external_id.as_str()).into_iter().flatten();
        account.links.extend(links.map(|link| {
            AccountLink::new(state.people.id(link.user).to_string(), AccountKind::USER, link.evidence.word())
                .drawn_from([Section::USERS, Section::ADMINISTRATORS])
        }));
        account.credentials.extend(administrator.credential(now));
        privilege.protect_administrator(&mut account);
        privilege.judge_holder(&mut account, &administrator.roles(), administrator.api_key(), Section::ADMINISTRATORS);
        outlet.send(Section::ADMINISTRATORS, account).await?;
    }
    Ok(())
}

/// The name by which rows refer to an administrator, before it is made unique.
fn name(administrator: &Administrator) -> String {
    administrator.email().unwrap_or_else(|| administrator.id().to_string())
}

/// Makes the account of an administrator. Every field except the address is put in `attributes` under JumpCloud's name; of
/// the API key's hash only the times are kept.
fn account(administrator: &Administrator, username: &str) -> Account {
    let names = [administrator.text("firstname"), administrator.text("lastname")];
    let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let enrolled = administrator.flag("totpEnrolled");
    let mut mfa = Mfa::default();
    mfa.configured = enrolled;
    mfa.required = administrator.flag("enableMultiFactor");
    mfa.factors = if enrolled == Some(true) { vec!["totp".to_owned()] } else { Vec::new() };
    let mut attributes = administrator.fields.to_map();
    attributes.remove("email");
    attributes.remove("apiKeyHash");
    if let Some(made_at) = administrator.api_key_made_at() {
        attributes.insert("apiKeyUpdatedAt".to_owned(), made_at.to_string().into());
    }
    if let Some(ApiKey { expiry: Expiry::At(end), .. }) = administrator.api_key() {
        attributes.insert("apiKeyExpireAt".to_owned(), end.to_string().into());
    }
    let mut row = Account::new(administrator.id.to_string(), username);
    row.kind = AccountKind::ADMINISTRATOR;
    row.display_name = Some(if full_name.is_empty() { username.to_owned() } else { full_name });
    row.email = administrator.email();
    row.enabled = administrator.flag("suspended").map(|suspended| !suspended);
    row.mfa = (mfa != Mfa::default()).then_some(mfa);
    row.admin = Some(true);
    row.password = administrator.time("passwordUpdatedAt").map(|changed_at| {
        let mut facts = PasswordFacts::default();
        facts.changed_at = Some(changed_at);
        facts
    });
    row.created_at = administrator.time("created");
    row.attributes = attributes.into();
    row
}

/// The roles that administrators hold, as groups with their members.
fn roles(administrators: &Found, privilege: &Privilege<'_>) -> (Vec<Group>, Vec<Membership>) {
    let mut holders: BTreeMap<Identity, Vec<(&Administrator, &str)>> = BTreeMap::new();
    let identities = Identities::of(administrators.rows());
    for (administrator, username) in administrators.named() {
        let mut roles: Vec<_> = administrator.roles().into_iter().map(|role| identities.identity(role)).collect();
        roles.sort_unstable();
        roles.dedup();
        for role in roles {
            holders.entry(role).or_default().push((administrator, username));
        }
    }
    let groups = holders.iter().map(|(role, holders)| {
        let held = role.held();
        let mut row = Group::new(role.id.clone(), ADMIN_ROLE, privilege.name_of(&held));
        row.membership_method = Some("STATIC".to_owned());
        row.member_count = Some(holders.len() as u64);
        let reason = privilege.console_role(&held, Section::ADMINISTRATORS, |role| {
            format!("holders of the role {role} sign in to the JumpCloud console")
        });
        row.privileged = reason.is_some();
        row.reasons = reason.into_iter().collect();
        row
    });
    let memberships = holders.iter().flat_map(|(role, holders)| {
        holders.iter().map(move |(administrator, username)| {
            let mut row = Membership::default();
            row.username = (*username).to_owned();
            row.account_external_id = administrator.id().to_string();
            row.group_name = privilege.name_of(&role.held());
            row.group_type = ADMIN_ROLE.to_owned();
            row.group_external_id = role.id.clone();
            row.direct = true;
            row
        })
    });
    (groups.collect(), memberships.collect())
}

/// The identity of a role: its id, else its name. It is the same whether or not the list of roles was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    name: String,
    id: String,
}

impl Identity {
    fn held(&self) -> Role {
        Role { id: Some(self.id.clone()), name: Some(self.name.clone()) }
    }
}

/// What all administrators' records together say about roles: one may have what another omits.
struct Identities {
    /// The names of the roles by their ids.
    names: BTreeMap<String, String>,
    /// The ids of the roles by their names; `None` for a name that several roles have.
    ids: BTreeMap<String, Option<String>>,
}

impl Identities {
    fn of(administrators: &[Administrator]) -> Self {
        let (mut names, mut ids) = (BTreeMap::new(), BTreeMap::<String, Option<String>>::new());
        for role in administrators.iter().flat_map(Administrator::roles) {
            let Role { id: Some(id), name: Some(name) } = role else { continue };
            let known = ids.entry(name.clone()).or_insert_with(|| Some(id.clone()));
            if known.as_ref() != Some(&id) {
                *known = None;
            }
            names.entry(id).or_insert(name);
        }
        Self { names, ids }
    }

    fn identity(&self, role: Role) -> Identity {
        let by_name = || role.name.as_ref().and_then(|name| self.ids.get(name)?.clone());
        let id = role.id.clone().or_else(by_name);
        let name = id.as_ref().and_then(|id| self.names.get(id)).cloned().or(role.name);
        let name = name.or_else(|| id.clone()).unwrap_or_default();
        Identity { id: id.unwrap_or_else(|| name.clone()), name }
    }
}
