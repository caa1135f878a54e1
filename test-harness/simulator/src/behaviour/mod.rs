//! The differences between the observed service and its documents.

mod choices;
mod null_edges;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::faults::nearest;

pub use choices::{
    AccessRequests, AdminLogins, DirectRight, DistinctBody, EdgeFrom, EventShapes, GroupFilter, GroupRows, GroupRules,
    Initiators, InsightsOrganization, LargeLimits, LocalNames, MissingOrganization, NewHires, NewTargets,
    NoAdministrator, OrganizationNames, PasswordPolicies, PathAttributes, PathStart, RadiusEvents, ServiceAccounts,
    SeveralTargets, UnknownKeys, UnsetFields, V1Ids, V1Rows, V2Errors, V2Sort,
};
pub use null_edges::{NullEdges, NullForm, Places};

/// The behaviour of the service: one field for each difference between what was observed and what is published. The default
/// is [`observed`](Self::observed).
///
/// ```
/// use jumpcloud_simulator::{Behaviour, GroupFilter, SimulatorOptions};
///
/// let behaviour = Behaviour { group_filter: GroupFilter::Refused, ..Behaviour::observed() };
/// assert_eq!(Behaviour::observed().with("group-filter=refused"), Ok(behaviour.clone()));
/// let options = SimulatorOptions { behaviour, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Behaviour {
    /// The sort fields that V2 lists accept.
    pub v2_sort: V2Sort,
    /// The fields of each group in lists of groups.
    pub group_rows: GroupRows,
    /// How filters on fields omitted from these rows are handled.
    pub group_filter: GroupFilter,
    /// Records in lists of edges that are counted but not returned.
    pub null_edges: NullEdges,
    /// The days for which Directory Insights keeps events.
    pub retention_days: u16,
    /// The body of an error of the V2 API.
    pub v2_errors: V2Errors,
    /// A `limit` above a list's maximum.
    pub large_limits: LargeLimits,
    /// The response of `/api/organizations` and `/api/organizations/{id}` to a service account.
    pub service_accounts: ServiceAccounts,
    /// Whether access requests are listed.
    pub access_requests: AccessRequests,
    /// The response to an unknown key, such as one of another region.
    pub unknown_keys: UnknownKeys,
    /// The response to a multi-tenant key without `x-org-id`.
    pub missing_organization: MissingOrganization,
    /// Which credentials must send `x-org-id` to Directory Insights.
    pub insights_organization: InsightsOrganization,
    /// The ids of rows of the V1 API.
    pub v1_ids: V1Ids,
    /// Whether users have local names on devices, and log in there under these.
    pub local_names: LocalNames,
    /// The rules of dynamic groups.
    pub group_rules: GroupRules,
    /// Users with a pending password.
    pub new_hires: NewHires,
    /// User fields without a value.
    pub unset_fields: UnsetFields,
    /// `admin` of a user who is not an administrator.
    pub no_administrator: NoAdministrator,
    /// The names and logos of organisations.
    pub organization_names: OrganizationNames,
    /// Fields of the V1 API that older documents omit.
    pub v1_rows: V1Rows,
    /// The shapes of login events.
    pub event_shapes: EventShapes,
    /// The `event_type` of a login to a network.
    pub radius_events: RadiusEvents,
    /// `initiated_by.type` of users.
    pub initiators: Initiators,
    /// Where `admin_login_attempt` names the administrator.
    pub admin_logins: AdminLogins,
    /// `from` of members and associations.
    pub edge_from: EdgeFrom,
    /// `from` of the first step of a traversal.
    pub path_start: PathStart,
    /// The attributes of groups on a traversal.
    pub path_attributes: PathAttributes,
    /// The body of `/events/distinct`.
    pub distinct_body: DistinctBody,
    /// Several `targets` in one call, separated by commas.
    pub several_targets: SeveralTargets,
    /// Association targets that are only in the newest documents, such as `policy` of users.
    pub new_targets: NewTargets,
    /// What traversals say of a user's rights on a device to which the user is bound directly and through groups.
    pub direct_right: DirectRight,
    /// Whether the list of password policies is served.
    pub password_policies: PasswordPolicies,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::observed()
    }
}

/// A difference that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// The name is not known.
    #[error("there is no difference `{name}`{}", .nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    UnknownDifference {
        /// The name.
        name: String,
        /// The most similar known name.
        nearest: Option<String>,
    },
    /// The value is missing or not valid.
    #[error("`{name}`: {reason}")]
    Value {
        /// The name of the difference.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
}

/// Each difference: its name, its values, and what they mean.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "v2-sort",
        "name|nothing|any",
        "sort fields that V2 lists accept: name (groups name, policies id or name, directories none), none, or any; others \
         are answered with 400",
    ),
    (
        "group-rows",
        "null-attributes|no-attributes|whole",
        "whether lists of groups omit what makes a group privileged or dynamic; a single group always includes it",
    ),
    (
        "group-filter",
        "applied|refused|ignored",
        "whether filters on these omitted fields are applied, answered with 400, or ignored",
    ),
    (
        "null-edges",
        "none|SHARE%|POSITIONS",
        "records in lists of members and associations that are counted but not returned: a share of all, or positions such \
         as 4,100-199; with :form=left-out|null|null-to|null-id|empty-id and :on=ENDPOINT[,…]",
    ),
    ("retention-days", "N", "days for which Directory Insights keeps events, such as 15"),
    ("v2-errors", "message|coded", "whether errors of the V2 API contain only a message, or also code and status"),
    ("large-limits", "refused|capped", "whether a limit above a list's maximum is answered with 400 or capped"),
    (
        "service-accounts",
        "unauthorized|forbidden|served",
        "response of /api/organizations, and of one of them, to a service account: 401 with the reason, 403, or what it asks for",
    ),
    (
        "access-requests",
        "absent|served",
        "whether /api/v2/accessrequests, which no document describes, is answered with 404 or with a list",
    ),
    (
        "unknown-keys",
        "not-found|plain",
        "whether the 401 for an unknown key, such as one of another region, says that the key has no user",
    ),
    (
        "missing-organization",
        "unauthorized|bad-request",
        "whether a multi-tenant key without x-org-id is answered with 401, or with 400 that names the header",
    ),
    (
        "insights-organization",
        "selected|implied",
        "whether Directory Insights requires x-org-id with bearer tokens too (else 401 no organization selected), or only \
         with multi-tenant keys",
    ),
    ("v1-ids", "both|underscore", "whether rows of the V1 API have id in addition to _id"),
    (
        "local-names",
        "own|none",
        "whether some users have a local name on devices (systemUsername) that device logins report",
    ),
    (
        "group-rules",
        "recorded|published",
        "whether rules of dynamic groups contain filters as objects (static groups can keep a rule) or as strings",
    ),
    (
        "new-hires",
        "activated|staged",
        "whether some users with a pending password are ACTIVATED with activated: false, or all are STAGED",
    ),
    (
        "unset-fields",
        "null|absent",
        "whether user fields without a value, such as employeeIdentifier, are null or omitted",
    ),
    (
        "no-administrator",
        "empty|null",
        "admin of a user who is not an administrator: {} in a single user and null or omitted in lists, or always null",
    ),
    ("organization-names", "some|null|given", "which organisations have a name: all except every third, none, or all"),
    (
        "v1-rows",
        "recorded|published",
        "whether rows of the V1 API have fields that older documents omit, and some applications have config as a string",
    ),
    ("event-shapes", "recorded|plain", "whether each service has login events of its own shape, or all have the same"),
    ("radius-events", "attempt|auth|both", "event type of network logins: radius_auth_attempt, radius_auth, or both"),
    ("initiators", "mixed|user", "whether initiated_by.type of users is systemuser in some events, or always user"),
    (
        "admin-logins",
        "initiator|resource",
        "whether admin_login_attempt names the administrator in initiated_by or only in resource",
    ),
    ("edge-from", "absent|given", "whether members and associations have from, the object that was requested"),
    ("path-start", "absent|given", "whether the first step of a traversal has from"),
    ("path-attributes", "whole|sudo", "whether traversals include all attributes of groups, or only sudo"),
    (
        "distinct-body",
        "by-field|buckets",
        "whether /events/distinct returns its values under the field's name or under buckets",
    ),
    (
        "several-targets",
        "all|first|first-with-rows|last|first-for-some|refused",
        "response to a comma-separated list of targets: all, only the first, only the first with rows, only the last, only the \
         first for every second object, or 400",
    ),
    (
        "new-targets",
        "accepted|refused",
        "whether association targets that are only in the newest documents, such as policy of users, are accepted",
    ),
    (
        "direct-right",
        "strongest|supersedes",
        "whether traversals compile the strongest right of all paths between a user and a device, or that of a direct \
         binding alone if there is one",
    ),
    (
        "password-policies",
        "not-served|listed",
        "response to GET /api/v2/passwordpolicies: 405, because only POST is published there, or the policies",
    ),
];

impl Behaviour {
    /// The service as recorded responses and tested clients show it.
    pub fn observed() -> Self {
        Self {
            v2_sort: V2Sort::Name,
            group_rows: GroupRows::NullAttributes,
            group_filter: GroupFilter::Applied,
            null_edges: NullEdges::default(),
            retention_days: 90,
            v2_errors: V2Errors::Message,
            large_limits: LargeLimits::Refused,
            service_accounts: ServiceAccounts::Unauthorized,
            access_requests: AccessRequests::Absent,
            unknown_keys: UnknownKeys::NotFound,
            missing_organization: MissingOrganization::Unauthorized,
            insights_organization: InsightsOrganization::Selected,
            v1_ids: V1Ids::Both,
            local_names: LocalNames::Own,
            group_rules: GroupRules::Recorded,
            new_hires: NewHires::Activated,
            unset_fields: UnsetFields::Null,
            no_administrator: NoAdministrator::Empty,
            organization_names: OrganizationNames::Some,
            v1_rows: V1Rows::Recorded,
            event_shapes: EventShapes::Recorded,
            radius_events: RadiusEvents::Attempt,
            initiators: Initiators::Mixed,
            admin_logins: AdminLogins::Initiator,
            edge_from: EdgeFrom::Absent,
            path_start: PathStart::Absent,
            path_attributes: PathAttributes::Whole,
            distinct_body: DistinctBody::ByField,
            several_targets: SeveralTargets::All,
            new_targets: NewTargets::Accepted,
            direct_right: DirectRight::Strongest,
            password_policies: PasswordPolicies::NotServed,
        }
    }

    /// The service as the published documents describe it.
    pub fn published() -> Self {
        Self {
            v2_sort: V2Sort::Any,
            group_rows: GroupRows::Whole,
            group_filter: GroupFilter::Applied,
            null_edges: NullEdges::default(),
            retention_days: 90,
            v2_errors: V2Errors::Coded,
            large_limits: LargeLimits::Capped,
            service_accounts: ServiceAccounts::Served,
            access_requests: AccessRequests::Absent,
            unknown_keys: UnknownKeys::Plain,
            missing_organization: MissingOrganization::Unauthorized,
            insights_organization: InsightsOrganization::Implied,
            v1_ids: V1Ids::Underscore,
            local_names: LocalNames::None,
            group_rules: GroupRules::Published,
            new_hires: NewHires::Staged,
            unset_fields: UnsetFields::Absent,
            no_administrator: NoAdministrator::Null,
            organization_names: OrganizationNames::Given,
            v1_rows: V1Rows::Published,
            event_shapes: EventShapes::Plain,
            radius_events: RadiusEvents::Auth,
            initiators: Initiators::User,
            admin_logins: AdminLogins::Initiator,
            edge_from: EdgeFrom::Given,
            path_start: PathStart::Given,
            path_attributes: PathAttributes::Sudo,
            distinct_body: DistinctBody::Buckets,
            several_targets: SeveralTargets::All,
            new_targets: NewTargets::Accepted,
            direct_right: DirectRight::Strongest,
            password_policies: PasswordPolicies::NotServed,
        }
    }

    /// The same with one difference set by `NAME=VALUE`; [`help`](Self::help) lists all of them.
    pub fn with(self, difference: &str) -> Result<Self, BehaviourError> {
        let (name, value) = difference.split_once('=').unwrap_or((difference, ""));
        let mut fields = self.fields();
        let Some(field) = fields.get_mut(name) else {
            let nearest = nearest(name, DIFFERENCES.iter().map(|(name, ..)| *name));
            return Err(BehaviourError::UnknownDifference { name: name.to_owned(), nearest });
        };
        let invalid = |reason: String| BehaviourError::Value { name: name.to_owned(), reason };
        *field = match field {
            Value::Number(_) => {
                let number: u64 = value.parse().map_err(|_| invalid(format!("expected a number, not `{value}`")))?;
                number.into()
            }
            _ => value.into(),
        };
        serde_json::from_value(Value::Object(fields)).map_err(|error| invalid(error.to_string()))
    }

    /// The help text for differences.
    pub fn help() -> String {
        let (observed, published) = (Self::observed().fields(), Self::published().fields());
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let mut help = String::from(
            "A difference is NAME=VALUE, for example null-edges=5%:form=null. Each line has the name, its values, and in \
             brackets the value as observed and as published:\n\n",
        );
        for (name, values, meaning) in DIFFERENCES {
            let (observed, published) = (text(observed.get(*name)), text(published.get(*name)));
            help += &format!("  {name}={values}  [{observed}; {published}]\n      {meaning}\n");
        }
        help
    }

    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // Plain data always becomes an object.
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_difference_is_in_the_help_and_each_of_its_values_is_taken() {
        let fields = Behaviour::observed().fields();
        let names: Vec<&str> = DIFFERENCES.iter().map(|(name, ..)| *name).collect();
        assert!(fields.keys().map(String::as_str).eq(names.iter().copied()), "{fields:?}");
        for (name, values, _) in DIFFERENCES {
            for value in values.split('|') {
                let value = match value {
                    "N" => "15",
                    "SHARE%" => "5%",
                    "POSITIONS" => "4,100-199",
                    value => value,
                };
                let set = Behaviour::published().with(&format!("{name}={value}")).unwrap();
                let held = &set.fields()[*name];
                assert_eq!(held.as_str().map_or_else(|| held.to_string(), str::to_owned), value, "{name}");
            }
        }
    }

    #[test]
    fn a_name_or_value_nobody_knows_is_answered_with_what_there_is() {
        let error = |text: &str| Behaviour::observed().with(text).unwrap_err().to_string();
        assert_eq!(error("group-row=whole"), "there is no difference `group-row`; did you mean `group-rows`?");
        assert_eq!(error("retention-days=long"), "`retention-days`: expected a number, not `long`");
        assert!(error("group-rows=some").contains("`null-attributes`, `no-attributes`, `whole`"));
        assert!(error("null-edges").contains("expected none, a share such as 5%"));
    }
}
