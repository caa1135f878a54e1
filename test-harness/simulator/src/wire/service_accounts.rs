//! Service accounts, as `GET /api/v2/service-accounts` lists them.

use super::{Object, time};
use crate::organization::{Credential, Organization, ServiceAccount};

impl Organization {
    /// Writes a service account.
    pub(crate) fn write_service_account(&self, account: &ServiceAccount, o: &mut Object<'_>) {
        o.put("objectId", &account.id);
        o.put("name", &account.name);
        o.put("roleId", account.role_id());
        o.put_some("roleName", account.names_role.then_some(account.role));
        o.put("status", account.status(self.now()));
        o.put("createdAt", time(account.created));
        o.put("expiresAt", time(account.expires_at));
        o.put("orgId", self.organization_id());
        o.put("authType", account.auth_type);
        o.list("authConfigList", account.credentials(), |o, credential| {
            o.put("authType", credential.auth_type);
            let (config, identifier) = match credential.auth_type {
                "API_KEY" => ("apiKeyConfig", "apiKeyPrefix"),
                _ => ("clientSecretConfig", "clientId"),
            };
            o.object(config, |o| self.write_credential(&credential, identifier, o));
        });
    }

    fn write_credential(&self, credential: &Credential, identifier: &str, o: &mut Object<'_>) {
        let maker = self.administrator(0);
        o.put("objectId", &credential.id);
        o.put(identifier, &credential.identifier);
        o.put("lifetime", "365 Days");
        o.put("status", credential.status(self.now()));
        o.put("createdAt", time(credential.created));
        o.put("expiresAt", time(credential.expires_at));
        o.object("createdBy", |o| {
            o.put("id", &maker.id);
            o.put("name", format!("{} {}", maker.given_name, maker.family_name));
            o.put("type", "ADMIN");
        });
    }
}
