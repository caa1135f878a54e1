//! Password policies: the rules of an organisation, and those of some of its user groups.
//!
//! `GET /api/v2/passwordpolicies/{id}` is published, definition `jumpcloud.password.Response`; the list of all is not.

use connector_api::ConnectorError;
use connector_http::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Id, lenient};
use crate::client::{Call, Client, Identified, Meter, page};

/// The most policies that are read: there are as many as an administrator makes.
const MOST: usize = 100;

/// Lists the password policies by one request; `None` if there may be more. JumpCloud's documents have no such list, so it
/// may be refused or not be served.
pub(crate) async fn list(client: &Client, meter: &Meter) -> Result<Option<Vec<PasswordPolicy>>, ConnectorError> {
    let call = Call::get("/api/v2/passwordpolicies").query("limit", MOST.to_string());
    let Page { rows, total, .. } = client.fetch(meter, &call, page::<PasswordPolicy>).await?;
    let is_whole = rows.len() < MOST && total.is_none_or(|total| total == rows.len() as u64);
    Ok(is_whole.then_some(rows))
}

/// The rules for passwords, definition `jumpcloud.password.PasswordPolicy`: those that decide how a password is guessed, kept
/// or replaced. A rule that is switched off is not here.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PasswordRules {
    /// By JumpCloud's names: numbers and truth values.
    pub(crate) rules: Map<String, Value>,
    /// Whether passwords expire, if the policy says so.
    pub(crate) expires: Option<bool>,
}

/// The switch of the maximum age.
const EXPIRES: &str = "enablePasswordExpirationInDays";

/// The numbers, each with the switch that turns it on.
const NUMBERS: [(&str, &str); 7] = [
    ("minLength", "enableMinLength"),
    ("passwordExpirationInDays", EXPIRES),
    ("maxHistory", "enableMaxHistory"),
    ("minChangePeriodInDays", "enableMinChangePeriodInDays"),
    ("maxLoginAttempts", "enableMaxLoginAttempts"),
    ("lockoutTimeInSeconds", "enableLockoutTimeInSeconds"),
    ("resetLockoutCounterMinutes", "enableResetLockoutCounter"),
];

/// The truth values.
const FLAGS: [&str; 8] = [
    "needsLowercase",
    "needsUppercase",
    "needsNumeric",
    "needsSymbolic",
    "allowUsernameSubstring",
    "disallowCommonlyUsedPasswords",
    "disallowSequentialOrRepetitiveChars",
    "allowUnenrolledMFAPasswordReset",
];

impl PasswordRules {
    /// Takes the rules out of a policy.
    pub(crate) fn of(policy: &Map<String, Value>) -> Self {
        let flag = |name: &str| lenient::flag(policy.get(name)?);
        let number = |(name, switch): (&str, &str)| {
            let value = policy.get(name).filter(|_| flag(switch) != Some(false))?;
            Some((name.to_owned(), lenient::count(value)?.into()))
        };
        let flags = FLAGS.into_iter().filter_map(|name| Some((name.to_owned(), flag(name)?.into())));
        Self { rules: NUMBERS.into_iter().filter_map(number).chain(flags).collect(), expires: flag(EXPIRES) }
    }
}

/// A policy, definition `jumpcloud.password.Response`, and the groups to whose members it applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordPolicy {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    /// Whether it applies to everybody to whom no other one does.
    pub(crate) default: Option<bool>,
    /// Its place among those that apply to the same user.
    pub(crate) precedence: Option<u64>,
    /// Ids and names.
    pub(crate) groups: Vec<(String, Option<String>)>,
    pub(crate) rules: PasswordRules,
}

/// A policy as it is on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire {
    object_id: Id,
    #[serde(default, deserialize_with = "lenient::de_object")]
    policy: Map<String, Value>,
    #[serde(default)]
    groups: Value,
}

impl From<Wire> for Option<PasswordPolicy> {
    fn from(Wire { object_id, policy, groups }: Wire) -> Self {
        let text = |value: Option<&Value>| value.cloned().and_then(lenient::text);
        let group = |group: &Value| Some((text(group.get("groupId"))?, text(group.get("name"))));
        Some(PasswordPolicy {
            id: object_id,
            name: text(policy.get("name")),
            default: policy.get("default").and_then(lenient::flag),
            precedence: policy.get("precedence").and_then(lenient::count),
            groups: groups.as_array().into_iter().flatten().filter_map(group).collect(),
            rules: PasswordRules::of(&policy),
        })
    }
}

impl PasswordPolicy {
    /// Cleans the names for messages.
    pub(crate) fn clean(&mut self, clean: impl Fn(&str) -> String) {
        let names = self.groups.iter_mut().filter_map(|(_, name)| name.as_mut()).chain(&mut self.name);
        names.for_each(|name| *name = clean(name));
        self.groups.iter_mut().for_each(|(id, _)| *id = clean(id));
    }
}

impl Identified for PasswordPolicy {
    type Wire = Wire;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_flags_may_be_texts() {
        let policy = json!({"minLength": "12", "enableMinLength": "true", "maxHistory": 5, "needsNumeric": "false"});
        let rules = PasswordRules::of(policy.as_object().unwrap()).rules;
        assert_eq!(Value::from(rules), json!({"minLength": 12, "maxHistory": 5, "needsNumeric": false}));
    }
}
