//! Console administrators become accounts of their own kind, and their roles groups with members.

use std::collections::BTreeMap;

use connector_api::{Account, AccountKind, Group, Membership, Mfa, PasswordFacts};

use super::privilege::Privilege;
use crate::api::administrators::Administrator;
use crate::client::Identified;

/// Group type of console roles.
pub(super) const ADMIN_ROLE: &str = "JUMPCLOUD_ADMIN_ROLE";

/// The name by which rows refer to an administrator, before it is made unique.
pub(super) fn name(administrator: &Administrator) -> String {
    administrator.email().unwrap_or_else(|| administrator.id().to_string())
}

/// Makes an account of an administrator. Every field but the address reaches `attributes` under JumpCloud's name,
/// except the hash of the API key, of which the age tells enough.
pub(super) fn account(told: &Administrator, username: &str) -> Account {
    let names = [told.text("firstname"), told.text("lastname")];
    let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let enrolled = told.flag("totpEnrolled");
    let mfa = Mfa {
        configured: enrolled,
        required: told.flag("enableMultiFactor"),
        factors: if enrolled == Some(true) { vec!["totp".to_owned()] } else { Vec::new() },
        ..Mfa::default()
    };
    let mut attributes = told.fields.to_map();
    attributes.remove("email");
    attributes.remove("apiKeyHash");
    if let Some(made_at) = told.api_key_made_at() {
        attributes.insert("apiKeyUpdatedAt".to_owned(), made_at.to_string().into());
    }
    Account {
        external_id: told.id.to_string(),
        kind: AccountKind::Administrator,
        username: username.to_owned(),
        display_name: Some(if full_name.is_empty() { username.to_owned() } else { full_name }),
        email: told.email(),
        enabled: told.flag("suspended").map(|suspended| !suspended),
        mfa: (mfa != Mfa::default()).then_some(mfa),
        admin: Some(true),
        password: told
            .time("passwordUpdatedAt")
            .map(|changed_at| PasswordFacts { changed_at: Some(changed_at), ..PasswordFacts::default() }),
        created_at: told.time("created"),
        attributes: attributes.into(),
        ..Account::default()
    }
}

/// The roles that `administrators` hold, as groups with their members. `usernames` are the administrators' own, in
/// the same order.
pub(super) fn roles(
    administrators: &[Administrator],
    usernames: &[String],
    privilege: &Privilege<'_>,
) -> (Vec<Group>, Vec<Membership>) {
    let mut holders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, administrator) in administrators.iter().enumerate() {
        for role in administrator.roles() {
            holders.entry(role).or_default().push(at);
        }
    }
    let groups = holders.iter().map(|(role, holders)| {
        let reasons = vec![privilege.console_role(role)];
        Group {
            external_id: role.clone(),
            group_type: ADMIN_ROLE.to_owned(),
            name: role.clone(),
            membership_method: Some("STATIC".to_owned()),
            member_count: Some(holders.len() as u64),
            privileged: true,
            reasons,
            ..Group::default()
        }
    });
    let memberships = holders.iter().flat_map(|(role, holders)| {
        holders.iter().map(move |at| Membership {
            username: usernames[*at].clone(),
            account_external_id: administrators[*at].id().to_string(),
            group_name: role.clone(),
            group_type: ADMIN_ROLE.to_owned(),
            group_external_id: role.clone(),
            direct: true,
            via: Vec::new(),
        })
    });
    (groups.collect(), memberships.collect())
}
