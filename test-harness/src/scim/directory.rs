//! SCIM resources, and the records they become.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use connector_api::{Account, DanglingReference, Group, Membership, PathStep, Reason};
use jiff::Timestamp;
use serde::Deserialize;

use super::GROUP_TYPE;

/// What a group's name contains when its members are privileged.
const PRIVILEGED: [&str; 4] = ["admin", "privilege", "superuser", "root"];

/// A resource with the id that the provider gave it.
pub(super) trait Identified {
    fn id(&self) -> &str;
}

/// A resource of `/Users`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScimUser {
    id: String,
    user_name: String,
    display_name: Option<String>,
    name: Option<Name>,
    #[serde(default)]
    emails: Vec<Email>,
    active: Option<bool>,
    external_id: Option<String>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    formatted: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    value: String,
    #[serde(default)]
    primary: bool,
}

#[derive(Deserialize)]
struct Meta {
    created: Option<Timestamp>,
}

/// A resource of `/Groups`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScimGroup {
    id: String,
    display_name: String,
    #[serde(default)]
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    value: String,
}

impl Identified for ScimUser {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for ScimGroup {
    fn id(&self) -> &str {
        &self.id
    }
}

impl From<ScimUser> for Account {
    fn from(user: ScimUser) -> Self {
        let full = |name: Name| {
            let parts = [name.given_name, name.family_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
            filled(name.formatted).or_else(|| filled(Some(parts)))
        };
        let display_name =
            filled(user.display_name).or_else(|| user.name.and_then(full)).unwrap_or_else(|| user.user_name.clone());
        let email = user.emails.iter().find(|email| email.primary).or(user.emails.first());
        Account {
            external_id: user.id,
            username: user.user_name,
            display_name: Some(display_name),
            email: email.map(|email| email.value.clone()),
            enabled: user.active,
            created_at: user.meta.and_then(|meta| meta.created),
            attributes: user.external_id.map(|id| ("externalId".to_owned(), id.into())).into_iter().collect(),
            ..Account::default()
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

impl ScimGroup {
    /// The group's own record.
    pub(super) fn record(&self, member_count: usize) -> Group {
        let name = self.display_name.to_lowercase();
        let reasons: Vec<Reason> = PRIVILEGED
            .into_iter()
            .filter(|word| name.contains(word))
            .map(|word| Reason::new("privileged_name", format!("the group's name contains `{word}`")))
            .collect();
        Group {
            external_id: self.id.clone(),
            group_type: GROUP_TYPE.into(),
            name: self.display_name.clone(),
            member_count: u64::try_from(member_count).ok(),
            privileged: !reasons.is_empty(),
            reasons,
            ..Group::default()
        }
    }

    fn step(&self) -> PathStep {
        PathStep { group_type: GROUP_TYPE.into(), external_id: self.id.clone(), name: self.display_name.clone() }
    }

    /// Every account in the group and in the groups inside it, each by its shortest way, sorted by id. Members that
    /// are neither user nor group are kept aside.
    pub(super) fn memberships(
        &self,
        accounts: &BTreeMap<String, Account>,
        groups: &BTreeMap<String, Self>,
    ) -> (Vec<Membership>, Vec<DanglingReference>) {
        let (mut found, mut dangling) = (BTreeMap::new(), Vec::new());
        let mut visited = BTreeSet::from([self.id.as_str()]);
        let mut queue = VecDeque::from([(self, Vec::new())]);
        while let Some((group, via)) = queue.pop_front() {
            for Member { value } in &group.members {
                if let Some(account) = accounts.get(value) {
                    found.entry(value).or_insert_with(|| self.membership(account, via.clone()));
                } else if let Some(inner) = groups.get(value) {
                    if visited.insert(&inner.id) {
                        queue.push_back((inner, [vec![inner.step()], via.clone()].concat()));
                    }
                } else if via.is_empty() {
                    dangling
                        .push(DanglingReference { from: format!("group {}", self.id), to: format!("member {value}") });
                }
            }
        }
        (found.into_values().collect(), dangling)
    }

    fn membership(&self, account: &Account, via: Vec<PathStep>) -> Membership {
        Membership {
            username: account.username.clone(),
            account_external_id: account.external_id.clone(),
            group_name: self.display_name.clone(),
            group_type: GROUP_TYPE.into(),
            group_external_id: self.id.clone(),
            direct: via.is_empty(),
            via,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn account(user: Value) -> Account {
        serde_json::from_value::<ScimUser>(user).unwrap().into()
    }

    #[test]
    fn a_display_name_falls_back_step_by_step_to_the_user_name() {
        let shown = |user| account(user).display_name.unwrap();
        let name = json!({"formatted": "Ada L.", "givenName": "Ada", "familyName": "Lovelace"});
        assert_eq!(shown(json!({"id": "1", "userName": "ada", "displayName": "A", "name": name})), "A");
        assert_eq!(shown(json!({"id": "1", "userName": "ada", "displayName": " ", "name": name})), "Ada L.");
        assert_eq!(
            shown(json!({"id": "1", "userName": "ada", "name": {"givenName": "Ada", "familyName": "L"}})),
            "Ada L"
        );
        assert_eq!(shown(json!({"id": "1", "userName": "ada", "name": {}})), "ada");
    }

    #[test]
    fn the_primary_mail_is_taken_before_the_first() {
        let emails = json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]);
        let email = |emails| account(json!({"id": "1", "userName": "ada", "emails": emails})).email;
        assert_eq!(email(emails).as_deref(), Some("b@x"));
        assert_eq!(email(json!([{"value": "a@x"}])).as_deref(), Some("a@x"));
    }

    fn group(id: &str, name: &str, members: &[&str]) -> (String, ScimGroup) {
        let members = members.iter().map(|value| Member { value: (*value).to_owned() }).collect();
        (id.to_owned(), ScimGroup { id: id.into(), display_name: name.into(), members })
    }

    #[test]
    fn members_of_inner_groups_come_with_their_way_and_circles_end() {
        let accounts = BTreeMap::from([("1".to_owned(), account(json!({"id": "1", "userName": "ada"})))]);
        let groups =
            BTreeMap::from([group("a", "A", &["b"]), group("b", "B", &["c", "a"]), group("c", "C", &["1", "x"])]);
        let (rows, dangling) = groups["a"].memberships(&accounts, &groups);
        let way: Vec<_> = rows[0].via.iter().map(|step| step.name.as_str()).collect();
        assert_eq!((rows.len(), rows[0].direct, way), (1, false, vec!["C", "B"]));
        assert!(dangling.is_empty(), "the group that names it reports it");
        assert_eq!(groups["c"].memberships(&accounts, &groups).1[0].to, "member x");
    }

    #[test]
    fn a_group_is_privileged_by_its_name() {
        let (_, admins) = group("a", "Domain ADMINS", &[]);
        assert_eq!(admins.record(0).reasons[0].message, "the group's name contains `admin`");
        assert!(!group("b", "Staff", &[]).1.record(0).privileged);
    }
}
