//! Devices: `GET /api/systems` (V1), definition `JcSystem`, and their groups: `GET /api/v2/systemgroups` (V2).

use connector_api::Attributes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::local_accounts::Metrics;
use super::{Id, lenient, own_id, secrets};
use crate::client::{Call, Identified, Listing, listing};

/// Lists devices.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/systems"), limit).by_id("_id")
}

/// Lists only the ids of devices.
pub(crate) fn list_ids(limit: u64) -> Listing {
    listing(Call::get("/api/systems").query("fields", "_id"), limit).by_id("_id")
}

/// Lists groups of devices.
pub(crate) fn list_groups(limit: u64) -> Listing {
    listing(Call::get("/api/v2/systemgroups"), limit).by_name("name")
}

/// The additional fields that are relevant to access. A device has many more (network interfaces, connections, agent,
/// policies), which are not relevant and would fill the memory.
const KEPT: [&str; 19] = [
    "allowMultiFactorAuthentication",
    "allowPublicKeyAuthentication",
    "allowSshPasswordAuthentication",
    "allowSshRootLogin",
    "attributes",
    "azureAdJoined",
    "description",
    "domainInfo",
    "fde",
    "hasServiceAccount",
    "mdm",
    "modifySSHDConfig",
    "organization",
    "osFamily",
    "primarySystemUser",
    "remoteIP",
    "secureLogin",
    "serviceAccountState",
    "sshRootEnabled",
];

/// A device.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct System {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) hostname: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) os: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) version: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) serial_number: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) active: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) last_contact: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) created: Option<Timestamp>,
    /// The local accounts that the device reports.
    #[serde(default, rename = "userMetrics")]
    pub(crate) local_accounts: Metrics,
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    pub(crate) rest: Attributes,
}

impl System {
    /// Its name in the network, else the one in the console, else its id.
    pub(crate) fn host(&self) -> String {
        let name = self.hostname.as_ref().or(self.display_name.as_ref());
        name.cloned().unwrap_or_else(|| self.id.to_string())
    }

    /// The name to show.
    pub(crate) fn label(&self) -> &str {
        self.display_name.as_deref().or(self.hostname.as_deref()).unwrap_or_default()
    }

    /// Whether root may sign in by SSH: by the setting, if it is applied, or by what the device reports.
    pub(crate) fn lets_root_in(&self) -> bool {
        // JumpCloud applies it only where it changes the configuration of `sshd`.
        let is_applied = self.flag("modifySSHDConfig") != Some(false) && !self.ignores_case();
        self.flag("sshRootEnabled") == Some(true) || is_applied && self.flag("allowSshRootLogin") == Some(true)
    }

    /// Whether signing in takes no second factor.
    pub(crate) fn is_without_second_factor(&self) -> bool {
        self.flag("allowMultiFactorAuthentication") == Some(false)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        lenient::flag(&self.rest.get(name)?)
    }

    /// Whether the names of its local accounts are the same in any case.
    pub(crate) fn ignores_case(&self) -> bool {
        self.os.as_deref().is_some_and(|os| os.to_ascii_lowercase().contains("windows"))
    }
}

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    lenient::only(&KEPT, deserializer)
}

impl Identified for System {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

/// A group of devices, definition `SystemGroup`.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SystemGroup {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    #[serde(flatten, deserialize_with = "secrets::de_others", serialize_with = "lenient::ser_fields")]
    pub(crate) rest: Attributes,
}

impl Identified for SystemGroup {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_setting_that_is_not_applied_lets_nobody_in() {
        let lets_root_in = |mut fields: Value| {
            fields["_id"] = json!("5f0000000000000000000001");
            serde_json::from_value::<System>(fields).unwrap().lets_root_in()
        };
        for (fields, expected) in [
            (json!({"allowSshRootLogin": true}), true),
            (json!({"allowSshRootLogin": true, "modifySSHDConfig": true, "os": "Ubuntu"}), true),
            (json!({"allowSshRootLogin": true, "modifySSHDConfig": false}), false),
            (json!({"allowSshRootLogin": true, "modifySSHDConfig": false, "sshRootEnabled": true}), true),
            (json!({"allowSshRootLogin": true, "os": "Windows"}), false),
            (json!({"allowSshRootLogin": null, "sshRootEnabled": false}), false),
        ] {
            assert_eq!(lets_root_in(fields.clone()), expected, "{fields}");
        }
    }
}
