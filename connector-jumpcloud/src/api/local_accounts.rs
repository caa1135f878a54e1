//! Local accounts of devices: `userMetrics` in the rows of `GET /api/systems` (V1, definition `JcSystem`), and
//! `GET /api/v2/systeminsights/users` (V2, definition `system-insights-users`).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing, listing};

/// The path of the list that System Insights has of all devices.
pub(crate) const PATH: &str = "/api/v2/systeminsights/users";

/// Rows per page. Without a limit, a page has 10.
pub(crate) const LIMIT: u64 = 10_000;

/// The longest name of a local account, in bytes. No operating system takes a longer one.
const LONGEST_NAME: usize = 1_024;

/// Lists the local accounts of all devices.
pub(crate) fn list() -> Listing {
    in_pages_of(LIMIT)
}

/// Counts them.
pub(crate) fn count() -> Listing {
    in_pages_of(1)
}

fn in_pages_of(limit: u64) -> Listing {
    listing(Call::get(PATH), limit).by_name("system_id").in_turn()
}

/// A local account. Any field may be missing or null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocalAccount {
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) user_name: Option<String>,
    /// Whether it administers its device.
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) admin: Option<bool>,
    /// Whether it belongs to a user that JumpCloud manages.
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) managed: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) suspended: Option<bool>,
    /// Whether Active Directory manages it; only in System Insights.
    #[serde(skip)]
    pub(crate) ad_managed: Option<bool>,
    /// Whether somebody signs in with it, as opposed to the system itself; only in System Insights.
    #[serde(skip)]
    pub(crate) real_user: Option<bool>,
}

impl LocalAccount {
    /// Its name; none if it has no usable one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.user_name.as_deref().filter(|name| !name.trim().is_empty() && name.len() <= LONGEST_NAME)
    }
}

/// `userMetrics`, the local accounts that a device reports. Of those that do not administer it only the names are kept: a
/// device may have many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Metrics {
    pub(crate) administrators: Box<[LocalAccount]>,
    /// The names of those that are reported not to administer it, each with [`END`] behind it.
    others: Box<str>,
}

/// No name of a local account contains it.
const END: char = '\0';

impl Metrics {
    fn of(accounts: impl Iterator<Item = LocalAccount>) -> Self {
        let (mut administrators, mut others) = (Vec::new(), String::new());
        for account in accounts {
            match (account.admin, account.name()) {
                (Some(true), _) => administrators.push(account),
                (Some(false), Some(name)) if !name.contains(END) => others.extend([name, "\0"]),
                _ => {}
            }
        }
        Self { administrators: administrators.into(), others: others.into() }
    }

    /// The names of those that are reported not to administer the device.
    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.split_terminator(END)
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Kept {
            administrators: Box<[LocalAccount]>,
            others: Box<str>,
        }
        Ok(match Value::deserialize(deserializer)? {
            Value::Array(elements) => Self::of(elements.into_iter().filter_map(|one| serde_json::from_value(one).ok())),
            // What a checkpoint keeps of it. Anything else is left out.
            other => serde_json::from_value(other)
                .map(|Kept { administrators, others }| Self { administrators, others })
                .unwrap_or_default(),
        })
    }
}

/// A local account in the list of System Insights.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct ListedAccount {
    /// Its device and its name.
    key: (Id, Box<str>),
    /// The account, unless it is known not to administer its device.
    pub(crate) account: Option<LocalAccount>,
}

impl ListedAccount {
    /// The id of its device.
    pub(crate) fn device(&self) -> &Id {
        &self.key.0
    }
}

impl From<Wire> for ListedAccount {
    fn from(wire: Wire) -> Self {
        let Wire { system_id, username, admin, managed, suspended, ad_managed, real_user } = wire;
        let key = (system_id, username.as_deref().unwrap_or_default().into());
        let account = LocalAccount { user_name: username, admin, managed, suspended, ad_managed, real_user };
        Self { key, account: Some(account).filter(|account| account.admin != Some(false)) }
    }
}

/// A row of the list. Every field except the device may be missing or null.
#[derive(Deserialize)]
struct Wire {
    system_id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    username: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    admin: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    managed: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    suspended: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    ad_managed: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    real_user: Option<bool>,
}

impl Identified for ListedAccount {
    type Wire = Self;
    type Id = (Id, Box<str>);

    fn id(&self) -> &Self::Id {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::systems::System;
    use super::*;

    #[test]
    fn of_the_accounts_of_a_device_its_administrators_are_kept_through_a_checkpoint() {
        let read = |metrics: Value| -> System {
            serde_json::from_value(json!({"_id": "5f0000000000000000000001", "userMetrics": metrics})).unwrap()
        };
        let metrics = json!([
            {"userName": "root", "admin": true, "managed": false, "suspended": false, "secureTokenEnabled": true},
            {"userName": "guest", "admin": false}, {"userName": "odd", "admin": "true", "managed": null}, null, 7, [],
            {"userName": 5, "admin": {}}, {"admin": true},
        ]);
        let system = read(metrics);
        let administrators = &system.local_accounts.administrators;
        let names: Vec<Option<&str>> = administrators.iter().map(LocalAccount::name).collect();
        assert_eq!(names, [Some("root"), Some("odd"), None]);
        assert_eq!((administrators[0].managed, administrators[1].managed), (Some(false), None));
        assert_eq!(system.local_accounts.others().collect::<Vec<_>>(), ["guest"], "of the others the names");
        let again: System = serde_json::from_value(serde_json::to_value(&system).unwrap()).unwrap();
        assert_eq!(again.local_accounts, system.local_accounts);
        for odd in [json!(null), json!({}), json!("x"), json!(7), json!({"administrators": 7, "others": null})] {
            assert_eq!(read(odd).local_accounts, Metrics::default());
        }
    }
}
