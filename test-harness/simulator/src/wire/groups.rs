//! Groups, as the V2 API lists them.

use serde_json::{Value, json};

use super::Object;
use crate::behaviour::GroupRules;
use crate::organization::{Kind, Node, Organization, SystemGroup, UserGroup};

impl Organization {
    /// Writes what a list gives of a user group.
    pub(crate) fn write_user_group_in_list(&self, group: &UserGroup, o: &mut Object<'_>) {
        o.put("id", &group.id);
        o.put("name", &group.name);
        o.put("type", "user_group");
        o.put("description", &group.description);
        o.put("email", &group.email);
    }

    /// Writes a user group.
    pub(crate) fn write_user_group(&self, group: &UserGroup, o: &mut Object<'_>) {
        self.write_user_group_in_list(group, o);
        o.put("organizationObjectId", self.organization_id());
        o.object("attributes", |o| write_group_attributes(group, o));
        o.put("membershipMethod", group.membership_method);
        match self.behaviour().group_rules {
            GroupRules::Recorded => self.write_recorded_rule(group, o),
            GroupRules::Published => self.write_published_rule(group, o),
        }
        o.put("memberSuggestionsNotify", false);
        o.object("suggestionCounts", |o| {
            let add = if group.membership_method == "DYNAMIC_REVIEW_REQUIRED" { group.index % 4 } else { 0 };
            o.put("add", add);
            o.put("remove", 0);
            o.put("total", add);
        });
    }

    fn write_recorded_rule(&self, group: &UserGroup, o: &mut Object<'_>) {
        let filter = group.query.as_ref().and_then(|query| serde_json::from_str::<Value>(query).ok());
        // A group that was dynamic once keeps its rule.
        let kept = || json!({ "field": "user.department", "operator": "eq", "value": "Sales" });
        match filter.or_else(|| (group.index % 13 == 12).then(kept)) {
            Some(filter) => o.object("memberQuery", |o| {
                if group.index.is_multiple_of(3) {
                    o.put("queryType", "FilterQuery");
                }
                o.put("filters", [filter]);
            }),
            None => o.put("memberQuery", ()),
        }
        o.put("memberQueryErrorFlags", [(); 0]);
        o.list("memberQueryExemptions", &group.exempt, |o, &user| {
            o.put("id", self.id(Node::new(Kind::User, user)));
            o.put("type", "USER");
            o.put("organizationId", self.organization_id());
        });
    }

    fn write_published_rule(&self, group: &UserGroup, o: &mut Object<'_>) {
        if let Some(query) = &group.query {
            o.object("memberQuery", |o| {
                o.put("queryType", "Filter");
                o.put("filters", [query]);
            });
        }
        o.list("memberQueryExemptions", &group.exempt, |o, &user| {
            o.put("id", self.id(Node::new(Kind::User, user)));
            o.put("type", "user");
            o.put("attributes", serde_json::Map::new());
        });
    }

    /// Writes what a list gives of a device group.
    pub(crate) fn write_system_group_in_list(&self, group: &SystemGroup, o: &mut Object<'_>) {
        o.put("id", &group.id);
        o.put("name", &group.name);
        o.put("type", "system_group");
        o.put("description", &group.description);
        o.put("email", "");
    }

    /// Writes a device group.
    pub(crate) fn write_system_group(&self, group: &SystemGroup, o: &mut Object<'_>) {
        self.write_system_group_in_list(group, o);
        o.put("organizationObjectId", self.organization_id());
        o.put("attributes", serde_json::Map::new());
        o.put("membershipMethod", group.membership_method);
        o.put("memberQueryExemptions", [(); 0]);
        o.put("memberSuggestionsNotify", false);
    }
}

/// Writes what a user group gives to its members.
pub(super) fn write_group_attributes(group: &UserGroup, o: &mut Object<'_>) {
    o.put_some("sudo", group.sudo);
    o.list("ldapGroups", group.ldap_group.as_deref(), |o, name| o.put("name", name));
    o.list("posixGroups", group.posix_group.as_ref(), |o, (id, name)| {
        o.put("id", id);
        o.put("name", name);
    });
    if let Some((name, value)) = &group.radius_reply {
        o.object("radius", |o| {
            o.list("reply", [()], |o, ()| {
                o.put("name", name);
                o.put("value", value);
            });
        });
    }
    o.put("sambaEnabled", group.samba);
}
