//! Console administrators become accounts of their own kind, and their roles groups with members.

use std::collections::BTreeMap;

use connector_api::{Account, AccountKind, Group, Membership, Mfa, PasswordFacts};

use crate::api::administrators::{Administrator, ApiKey, Expiry, Role};
use crate::client::Identified;
use crate::graph::privilege::Privilege;

/// Group type of console roles.
pub(crate) const ADMIN_ROLE: &str = "JUMPCLOUD_ADMIN_ROLE";

/// The name by which rows refer to an administrator, before it is made unique.
pub(crate) fn name(administrator: &Administrator) -> String {
    administrator.email().unwrap_or_else(|| administrator.id().to_string())
}

/// Makes an account of an administrator. Every field but the address reaches `attributes` under JumpCloud's name,
/// except the hash of the API key, of which only its times are kept.
pub(crate) fn account(told: &Administrator, username: &str) -> Account {
    let names = [told.text("firstname"), told.text("lastname")];
    let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let enrolled = told.flag("totpEnrolled");
    let mut mfa = Mfa::default();
    mfa.configured = enrolled;
    mfa.required = told.flag("enableMultiFactor");
    mfa.factors = if enrolled == Some(true) { vec!["totp".to_owned()] } else { Vec::new() };
    let mut attributes = told.fields.to_map();
    attributes.remove("email");
    attributes.remove("apiKeyHash");
    if let Some(made_at) = told.api_key_made_at() {
        attributes.insert("apiKeyUpdatedAt".to_owned(), made_at.to_string().into());
    }
    if let Some(ApiKey { expiry: Expiry::At(end), .. }) = told.api_key() {
        attributes.insert("apiKeyExpireAt".to_owned(), end.to_string().into());
    }
    let mut row = Account::new(told.id.to_string(), username);
    row.kind = AccountKind::ADMINISTRATOR;
    row.display_name = Some(if full_name.is_empty() { username.to_owned() } else { full_name });
    row.email = told.email();
    row.enabled = told.flag("suspended").map(|suspended| !suspended);
    row.mfa = (mfa != Mfa::default()).then_some(mfa);
    row.admin = Some(true);
    row.password = told.time("passwordUpdatedAt").map(|changed_at| {
        let mut facts = PasswordFacts::default();
        facts.changed_at = Some(changed_at);
        facts
    });
    row.created_at = told.time("created");
    row.attributes = attributes.into();
    row
}

/// The roles that `administrators` hold, as groups with their members. `usernames` are the administrators' own, in
/// the same order.
pub(crate) fn roles(
    administrators: &[Administrator],
    usernames: &[String],
    privilege: &Privilege<'_>,
) -> (Vec<Group>, Vec<Membership>) {
    let mut holders: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
    let identities = Identities::of(administrators);
    for (at, administrator) in administrators.iter().enumerate() {
        let mut roles: Vec<_> = administrator.roles().into_iter().map(|role| identities.identity(role)).collect();
        roles.sort_unstable();
        roles.dedup();
        for role in roles {
            holders.entry(role).or_default().push(at);
        }
    }
    let groups = holders.iter().map(|(role, holders)| {
        let mut row = Group::new(role.id.clone(), ADMIN_ROLE, role.name.clone());
        row.membership_method = Some("STATIC".to_owned());
        row.member_count = Some(holders.len() as u64);
        row.privileged = true;
        row.reasons = vec![privilege.console_role(&role.name)];
        row
    });
    let memberships = holders.iter().flat_map(|(role, holders)| {
        holders.iter().map(move |at| {
            let mut row = Membership::default();
            row.username = usernames[*at].clone();
            row.account_external_id = administrators[*at].id().to_string();
            row.group_name = role.name.clone();
            row.group_type = ADMIN_ROLE.to_owned();
            row.group_external_id = role.id.clone();
            row.direct = true;
            row
        })
    });
    (groups.collect(), memberships.collect())
}

/// What a role is known by: its id, else its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    name: String,
    id: String,
}

/// What the records of all administrators tell of the roles together: one may lack what another has.
struct Identities {
    /// The names of the roles by their ids.
    names: BTreeMap<String, String>,
    /// The ids of the roles by their names; `None` for a name that several have.
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
