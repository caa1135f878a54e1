//! Service accounts, as `GET /api/v2/service-accounts` lists them.

use super::{Object, time};
use crate::organization::{Organization, ServiceAccount};

impl Organization {
    /// Writes a service account.
    pub(crate) fn write_service_account(&self, account: &ServiceAccount, o: &mut Object<'_>) {
        let (status, created, expires) = (account.status(self.now()), time(account.created), time(account.expires_at));
        o.put("objectId", &account.id);
        o.put("name", &account.name);
        o.put("roleId", account.role_id());
        o.put_some("roleName", account.names_role.then_some(account.role));
        o.put("status", status);
        o.put("createdAt", &created);
        o.put("expiresAt", &expires);
        o.put("orgId", self.organization_id());
        o.put("authType", account.auth_type);
        o.list("authConfigList", [account], |o, account| {
            o.put("authType", account.auth_type);
            let config = |o: &mut Object<'_>| {
                o.put("lifetime", "365 Days");
                o.put("status", status);
                o.put("createdAt", &created);
                o.put("expiresAt", &expires);
            };
            match account.auth_type {
                "API_KEY" => o.object("apiKeyConfig", |o| {
                    o.put("apiKeyPrefix", format!("jcs_{:04x}", account.index));
                    config(o);
                }),
                _ => o.object("clientSecretConfig", |o| {
                    o.put("clientId", format!("sa_{:04x}", account.index));
                    config(o);
                }),
            }
        });
    }
}
