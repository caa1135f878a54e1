//! Service accounts: `GET /api/v2/service-accounts`, definition `jumpcloud.service_accounts.ListServiceAccountsResponse`.

use connector_api::{AccountCredential, AccountKind, Attributes, CredentialCreator, CredentialKind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::administrators::Expiry;
use super::{Id, lenient};
use crate::client::{Call, Identified, Listing, listing};

/// Lists service accounts. They can be sorted only by `name` and `expiresAt`.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/service-accounts"), limit).by_name("name")
}

/// A service account, definition `jumpcloud.service_accounts.ServiceAccount`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    #[serde(rename = "objectId")]
    pub(crate) id: Id,
    #[serde(rename = "authConfigList", default, deserialize_with = "credentials")]
    listed: Vec<Credential>,
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    pub(crate) fields: Attributes,
}

/// The fields that are kept. Of `authConfigList` only what is no secret is, as [`Credential`].
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
    pub(crate) fn text(&self, field: &str) -> Option<String> {
        match self.fields.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn time(&self, field: &str) -> Option<Timestamp> {
        lenient::time(&self.fields.get(field)?)
    }

    /// The name by which rows refer to it, before it is made unique.
    pub(crate) fn name(&self) -> String {
        self.text("name").unwrap_or_else(|| self.id.to_string())
    }

    /// The number of organisations that it reaches, if reported.
    pub(crate) fn organizations(&self) -> Option<u64> {
        lenient::text(self.fields.get("orgCount")?)?.trim().parse().ok()
    }

    /// The provider that it belongs to. Ids of zeros mean none.
    pub(crate) fn provider(&self) -> Option<String> {
        self.text("providerId").filter(|id| id.bytes().any(|digit| digit != b'0'))
    }

    /// Its credentials. Lists may leave them out; then there is the one that the row itself describes, if it describes any.
    pub(crate) fn credentials(&self) -> Vec<Credential> {
        if !self.listed.is_empty() {
            return self.listed.clone();
        }
        let described = ["authType", "expiresAt"].iter().any(|field| self.fields.get(field).is_some());
        let of_row = || Credential::of(self.text("authType").as_deref(), &self.fields.to_map().into_iter().collect());
        described.then(of_row).into_iter().collect()
    }
}

/// A credential of a service account, definition `jumpcloud.service_accounts.AuthConfig`: what of it is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credential {
    kind: CredentialKind,
    id: Option<String>,
    /// The client id, or the first characters of the key.
    identifier: Option<String>,
    lifetime: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) expiry: Expiry,
    created_by: Option<CredentialCreator>,
}

/// How many characters of an API key lists give. More are never kept, whatever a list gives.
const PREFIX: usize = 8;

impl Credential {
    fn of(auth_type: Option<&str>, config: &Map<String, Value>) -> Self {
        let text = |field: &str| config.get(field).cloned().and_then(lenient::text);
        let auth_type = auth_type.map(str::to_ascii_uppercase);
        let kind = match auth_type.as_deref() {
            Some("API_KEY") => CredentialKind::API_KEY,
            Some("CLIENT_SECRET") => CredentialKind::CLIENT_SECRET,
            Some(other) if other != "AUTH_TYPE_UNSPECIFIED" => CredentialKind::new(in_camel_case(other)),
            _ => CredentialKind::new("unknown"),
        };
        let prefix = text("apiKeyPrefix").map(|prefix| prefix.chars().take(PREFIX).collect());
        let time = |field: &str| config.get(field).and_then(lenient::time);
        let (created_at, lifetime) = (time("createdAt"), text("lifetime"));
        Self {
            kind,
            id: text("objectId"),
            identifier: text("clientId").or(prefix),
            status: text("status"),
            created_at,
            expiry: expiry(config.get("expiresAt"), created_at, lifetime.as_deref()),
            lifetime,
            created_by: config.get("createdBy").and_then(creator),
        }
    }

    /// Whether it can be used at a time; `None` if its status is a word that is not known.
    pub(crate) fn is_usable(&self, now: Timestamp) -> Option<bool> {
        match (self.status.as_deref().map(str::to_ascii_uppercase).as_deref(), self.expiry) {
            (Some("EXPIRED"), _) => Some(false),
            (_, Expiry::At(end)) if end <= now => Some(false),
            (Some("ACTIVE" | "EXPIRING"), _) => Some(true),
            // Without a word, an expiry in the future says enough.
            (None, Expiry::At(_) | Expiry::Never) => Some(true),
            _ => None,
        }
    }

    /// What distinguishes it from the account's others.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.id.as_deref().or(self.identifier.as_deref())
    }

    /// The words for its kind in sentences.
    pub(crate) fn words(&self) -> &'static str {
        match self.kind.as_str() {
            "apiKey" => "an API key",
            "clientSecret" => "a client secret",
            _ => "a credential",
        }
    }

    /// The credential in rows.
    pub(crate) fn row(&self, now: Timestamp) -> AccountCredential {
        let mut row = AccountCredential::new(self.kind.clone());
        row.external_id.clone_from(&self.id);
        row.identifier.clone_from(&self.identifier);
        row.usable = self.is_usable(now);
        row.status.clone_from(&self.status);
        row.lifetime.clone_from(&self.lifetime);
        row.created_at = self.created_at;
        (row.expires_at, row.never_expires) = self.expiry.in_row();
        row.created_by.clone_from(&self.created_by);
        row
    }
}

/// When a credential expires. What is absent is no evidence that it never does: `null` is, and a lifetime without a number.
fn expiry(expires_at: Option<&Value>, created_at: Option<Timestamp>, lifetime: Option<&str>) -> Expiry {
    // Only lifetimes in days are published: how long another one is is not guessed.
    let days = |lifetime: &str| {
        let (count, unit) = lifetime.split_once(' ')?;
        unit.trim().to_ascii_lowercase().starts_with("day").then(|| count.parse::<i32>().ok())?
    };
    match (expires_at.map_or(Expiry::Unknown, Expiry::of), lifetime) {
        (end @ Expiry::At(_), _) => end,
        (_, Some(lifetime)) => match (days(lifetime), created_at) {
            (Some(days), Some(created_at)) => {
                let length = SignedDuration::from_hours(24 * i64::from(days));
                created_at.checked_add(length).map_or(Expiry::Unknown, Expiry::At)
            }
            (None, _) if !lifetime.bytes().any(|byte| byte.is_ascii_digit()) => Expiry::Never,
            _ => Expiry::Unknown,
        },
        (other, None) => other,
    }
}

/// `SOME_WORDS` as `someWords`.
fn in_camel_case(word: &str) -> String {
    let mut text = String::new();
    for part in word.split('_').filter(|part| !part.is_empty()) {
        let lower = part.to_lowercase();
        let mut letters = lower.chars();
        match letters.next() {
            Some(first) if !text.is_empty() => text.extend(first.to_uppercase().chain(letters)),
            _ => text.push_str(&lower),
        }
    }
    if text.is_empty() { "unknown".to_owned() } else { text }
}

/// Who created a credential, definition `jumpcloud.service_accounts.ServiceAccountActor`.
fn creator(actor: &Value) -> Option<CredentialCreator> {
    let text = |field: &str| actor.get(field).cloned().and_then(lenient::text);
    let mut creator = CredentialCreator::default();
    creator.external_id = text("id");
    creator.name = text("name");
    creator.kind = match text("type").as_deref() {
        Some("ADMIN") => Some(AccountKind::ADMINISTRATOR),
        Some("SERVICE_ACCOUNT") => Some(AccountKind::SERVICE_ACCOUNT),
        _ => None,
    };
    (creator != CredentialCreator::default()).then_some(creator)
}

/// Reads `authConfigList`, or what a checkpoint keeps of it. What is no list, or no configuration, is absent.
fn credentials<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Credential>, D::Error> {
    let Value::Array(configs) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    let credential = |config: Value| {
        if let Ok(kept) = Credential::deserialize(&config) {
            return Some(kept);
        }
        let own = ["apiKeyConfig", "clientSecretConfig"].map(|name| config.get(name).and_then(Value::as_object));
        let auth_type = config.get("authType").and_then(Value::as_str);
        let implied = if own[0].is_some() { "API_KEY" } else { "CLIENT_SECRET" };
        let own = own.into_iter().flatten().next();
        let auth_type = auth_type.or(own.map(|_| implied));
        (auth_type.is_some() || own.is_some()).then(|| Credential::of(auth_type, own.unwrap_or(&Map::new())))
    };
    Ok(configs.into_iter().filter_map(credential).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(mut fields: Value) -> ServiceAccount {
        fields["objectId"] = json!("5f0000000000000000000001");
        serde_json::from_value(fields).unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_credential_has_its_own_kind_maker_and_expiry_and_no_secret() {
        let one = read(
            json!({"name": "ci", "authType": "CLIENT_SECRET", "expiresAt": "2026-01-01T00:00:00Z", "authConfigList": [
                {"authType": "CLIENT_SECRET", "clientSecretConfig": {"objectId": "o1", "clientId": "sa_1", "clientSecret": "hunter2",
                    "lifetime": "90 Days", "status": "ACTIVE", "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-04-01T00:00:00Z",
                    "createdBy": {"id": "a1", "name": "Root", "type": "ADMIN"}}},
                {"authType": "API_KEY", "apiKeyConfig": {"apiKeyPrefix": "jcs_abcdhunter2", "apiKey": "jcs_abcdhunter2", "expiresAt": null,
                    "createdBy": {"id": "s1", "type": "SERVICE_ACCOUNT"}}},
                null, 7, {},
            ]}),
        );
        let rows: Vec<_> = one.credentials().iter().map(|one| one.row(time("2026-03-01T00:00:00Z"))).collect();
        assert_eq!(
            serde_json::to_value(&rows).unwrap(),
            json!([
                {"kind": "clientSecret", "externalId": "o1", "identifier": "sa_1", "usable": true, "status": "ACTIVE",
                    "lifetime": "90 Days", "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-04-01T00:00:00Z",
                    "createdBy": {"externalId": "a1", "name": "Root", "kind": "administrator"}},
                {"kind": "apiKey", "identifier": "jcs_abcd", "usable": true, "neverExpires": true,
                    "createdBy": {"externalId": "s1", "kind": "serviceAccount"}},
            ])
        );
        let kept = serde_json::to_string(&one).unwrap();
        assert!(!kept.contains("hunter2"), "{kept}");
        assert_eq!(serde_json::from_str::<ServiceAccount>(&kept).unwrap().credentials(), one.credentials());
    }

    #[test]
    fn a_list_that_leaves_credentials_out_has_the_one_of_the_row_itself() {
        for left_out in [json!({}), json!({"authConfigList": null}), json!({"authConfigList": []})] {
            let mut row = left_out;
            row["authType"] = json!("API_KEY");
            row["expiresAt"] = json!("2026-04-01T00:00:00Z");
            let [one] = &read(row).credentials()[..] else { panic!("one credential") };
            assert_eq!((&one.kind, one.expiry), (&CredentialKind::API_KEY, Expiry::At(time("2026-04-01T00:00:00Z"))));
        }
        assert_eq!(read(json!({"name": "x"})).credentials(), []);
    }

    #[test]
    fn only_a_null_or_a_lifetime_without_end_means_that_a_credential_never_expires() {
        for (config, expected) in [
            (json!({}), Expiry::Unknown),
            (json!({"expiresAt": null}), Expiry::Never),
            (json!({"expiresAt": "0001-01-01T00:00:00Z"}), Expiry::Never),
            (json!({"expiresAt": "soon"}), Expiry::Unknown),
            (json!({"lifetime": "Never"}), Expiry::Never),
            (json!({"lifetime": "90 Days"}), Expiry::Unknown),
            (json!({"lifetime": "90 Days", "expiresAt": null}), Expiry::Unknown),
            (json!({"lifetime": "1 Year", "createdAt": "2026-01-01T00:00:00Z"}), Expiry::Unknown),
            (json!({"lifetime": "12 Months", "createdAt": "2026-01-01T00:00:00Z"}), Expiry::Unknown),
            (json!({"lifetime": "90", "createdAt": "2026-01-01T00:00:00Z"}), Expiry::Unknown),
            (
                json!({"lifetime": "90 Days", "createdAt": "2026-01-01T00:00:00Z"}),
                Expiry::At(time("2026-04-01T00:00:00Z")),
            ),
        ] {
            let list = json!({"authConfigList": [{"clientSecretConfig": config}]});
            assert_eq!(read(list.clone()).credentials()[0].expiry, expected, "{list}");
        }
    }

    #[test]
    fn a_credential_can_be_used_until_it_expires_and_unless_its_status_says_no() {
        let now = time("2026-04-01T00:00:00Z");
        for (status, expires_at, usable) in [
            (json!("ACTIVE"), json!("2026-04-01T00:00:01Z"), Some(true)),
            (json!("ACTIVE"), json!("2026-04-01T00:00:00Z"), Some(false)),
            (json!("EXPIRED"), json!("2027-01-01T00:00:00Z"), Some(false)),
            (json!("EXPIRING"), json!(null), Some(true)),
            (json!("REVOKED"), json!("2027-01-01T00:00:00Z"), None),
            (json!("active"), json!("2027-01-01T00:00:00Z"), Some(true)),
            (json!("Expired"), json!(null), Some(false)),
            (json!(null), json!("2027-01-01T00:00:00Z"), Some(true)),
        ] {
            let config = json!({"status": status, "expiresAt": expires_at});
            let one = read(json!({"authConfigList": [{"authType": "API_KEY", "apiKeyConfig": config}]}));
            assert_eq!(one.credentials()[0].is_usable(now), usable, "{config}");
        }
        assert_eq!(in_camel_case("SIGNED_JWT"), "signedJwt");
        for (word, kind) in [("api_key", CredentialKind::API_KEY), ("Client_Secret", CredentialKind::CLIENT_SECRET)] {
            let one = read(json!({"authConfigList": [{"authType": word, "apiKeyConfig": {}}]}));
            assert_eq!(one.credentials()[0].kind, kind);
        }
    }
}
