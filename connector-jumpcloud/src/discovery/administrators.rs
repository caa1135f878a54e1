//! Console administrators become accounts of their own kind, and their roles groups with members.

use std::collections::BTreeMap;

use connector_api::{Account, AccountKind, Group, Membership, Mfa, PasswordFacts};

use super::privilege::Privilege;
use crate::api::administrators::Administrator;

/// Group type of console roles.
pub(super) const ADMIN_ROLE: &str = "JUMPCLOUD_ADMIN_ROLE";

/// The name by which rows refer to an administrator, before it is made unique.
pub(super) fn name(administrator: &Administrator) -> String {
    administrator.email.clone().unwrap_or_else(|| administrator.id.to_string())
}

/// Makes an account of an administrator.
pub(super) fn account(administrator: &Administrator, username: &str) -> Account {
    let names = [administrator.firstname.as_deref(), administrator.lastname.as_deref()];
    let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut attributes: BTreeMap<_, _> = administrator
        .rest
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    attributes.insert("roleNames".to_owned(), administrator.roles().into());
    if let Some(set) = administrator.api_key_set {
        attributes.insert("apiKeySet".to_owned(), set.into());
    }
    if let Some(at) = administrator.api_key_updated_at {
        attributes.insert("apiKeyUpdatedAt".to_owned(), at.to_string().into());
    }
    if let Some(enrolled) = administrator.totp_enrolled {
        attributes.insert("totpEnrolled".to_owned(), enrolled.into());
    }
    if let Some(enabled) = administrator.enable_multi_factor {
        attributes.insert("enableMultiFactor".to_owned(), enabled.into());
    }
    let mfa = Mfa {
        configured: administrator.totp_enrolled,
        required: administrator.enable_multi_factor,
        factors: if administrator.totp_enrolled == Some(true) { vec!["totp".to_owned()] } else { Vec::new() },
        ..Mfa::default()
    };
    Account {
        external_id: administrator.id.to_string(),
        kind: AccountKind::Administrator,
        username: username.to_owned(),
        display_name: Some(if full_name.is_empty() { username.to_owned() } else { full_name }),
        email: administrator.email.clone(),
        enabled: administrator.suspended.map(|suspended| !suspended),
        state: administrator.suspended.map(|suspended| if suspended { "SUSPENDED" } else { "ACTIVATED" }.to_owned()),
        mfa: (mfa != Mfa::default()).then_some(mfa),
        admin: Some(true),
        password: administrator
            .password_updated_at
            .map(|changed_at| PasswordFacts { changed_at: Some(changed_at), ..PasswordFacts::default() }),
        created_at: administrator.created,
        attributes,
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
    let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, administrator) in administrators.iter().enumerate() {
        for role in administrator.roles() {
            holders.entry(role).or_default().push(at);
        }
    }
    let groups = holders.iter().map(|(role, holders)| {
        let reasons = vec![privilege.console_role(role)];
        Group {
            external_id: (*role).to_owned(),
            group_type: ADMIN_ROLE.to_owned(),
            name: (*role).to_owned(),
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
            account_external_id: administrators[*at].id.to_string(),
            group_name: (*role).to_owned(),
            group_type: ADMIN_ROLE.to_owned(),
            group_external_id: (*role).to_owned(),
            direct: true,
            via: Vec::new(),
        })
    });
    (groups.collect(), memberships.collect())
}
