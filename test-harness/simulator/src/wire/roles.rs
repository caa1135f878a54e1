//! Roles, as `GET /api/v2/roles` lists them: `Role`.

use super::Object;
use crate::organization::{Organization, Role};

impl Organization {
    /// Writes a role.
    pub(crate) fn write_role(&self, role: &Role, o: &mut Object<'_>) {
        o.put("id", role.id());
        o.put("name", role.name);
        o.put("description", role.description);
        o.put("scopes", role.scopes);
        o.put("isCustom", role.is_custom);
        if role.is_custom {
            o.put("organizationIds", [self.organization_id()]);
        }
    }
}
