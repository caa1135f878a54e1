//! The alternatives for each difference: observed, documented or considered possible.

use serde::{Deserialize, Serialize};

/// Declares enums whose values are written in kebab case.
macro_rules! choices {
    ($($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $value:ident,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$meaning])* $value,)* }
    )*};
}

choices! {
    /// The sort fields that lists of the V2 API accept. Others are answered with
    /// `400 failed to list collection objects: invalid sort field: …`.
    V2Sort {
        /// Groups accept `name`, policies `id` or `name`, directories none; lists of edges ignore it.
        Name,
        /// As `Name`, but groups accept none either.
        Nothing,
        /// Any field.
        Any,
    }

    /// The fields of each group in lists of user groups and device groups. A single group has all fields.
    GroupRows {
        /// Id, name, type, description, e-mail address, and `attributes: null`.
        NullAttributes,
        /// The same without `attributes`.
        NoAttributes,
        /// All.
        Whole,
    }

    /// How filters on fields omitted from lists of groups are handled, such as `attributes.sudo.enabled` and
    /// `membershipMethod`.
    GroupFilter {
        /// They are applied.
        Applied,
        /// They are answered with 400.
        Refused,
        /// All groups are listed.
        Ignored,
    }

    /// The body of an error of the V2 API.
    V2Errors {
        /// `{"message"}`
        Message,
        /// `{"code", "message", "status"}`
        Coded,
    }

    /// A `limit` above a list's maximum.
    LargeLimits {
        /// It is answered with 400.
        Refused,
        /// The maximum is used.
        Capped,
    }

    /// The response of `/api/organizations` to a service account.
    ServiceAccounts {
        /// 401, with the reason.
        Unauthorized,
        /// 403.
        Forbidden,
        /// The organisations.
        Served,
    }

    /// Whether access requests are listed at `/api/v2/accessrequests`, which no document describes.
    AccessRequests {
        /// 404.
        Absent,
        /// A bare array.
        Served,
    }

    /// The response to an unknown key, such as one of another region.
    UnknownKeys {
        /// `401 Unauthorized: api key user not found`
        NotFound,
        /// `401 Unauthorized`
        Plain,
    }

    /// The response to a multi-tenant key without `x-org-id`.
    MissingOrganization {
        /// 401.
        Unauthorized,
        /// 400, naming the header.
        BadRequest,
    }

    /// Which credentials must send `x-org-id` to Directory Insights.
    InsightsOrganization {
        /// Multi-tenant keys and all bearer tokens; others get `401 Unauthorized: no organization selected`.
        Selected,
        /// Multi-tenant keys, as everywhere.
        Implied,
    }

    /// The ids of rows of the V1 API.
    V1Ids {
        /// `_id` and `id`.
        Both,
        /// `_id`.
        Underscore,
    }

    /// Whether users have local names on devices, and log in there under these.
    LocalNames {
        /// `systemUsername` exists, empty for most users; device logins report it.
        Own,
        /// `systemUsername` does not exist.
        None,
    }

    /// The rules of dynamic groups.
    GroupRules {
        /// Filters are objects; a static group can keep its rule; exempt users have the type `USER`.
        Recorded,
        /// Filters are strings; static groups have no rule.
        Published,
    }

    /// Users with a pending password.
    NewHires {
        /// Some are `ACTIVATED` with `activated: false`.
        Activated,
        /// All are `STAGED`.
        Staged,
    }

    /// User fields without a value.
    UnsetFields {
        /// They are null.
        Null,
        /// They are omitted.
        Absent,
    }

    /// `admin` of a user who is not an administrator.
    NoAdministrator {
        /// `{}` in a single user, null or omitted in lists, omitted in search results.
        Empty,
        /// Null.
        Null,
    }

    /// The names and logos of organisations.
    OrganizationNames {
        /// The logo is null, and every third name as well.
        Some,
        /// Both are null.
        Null,
        /// Both are strings.
        Given,
    }

    /// Fields of the V1 API that older documents omit.
    V1Rows {
        /// They are included; some applications have `config` as a string.
        Recorded,
        /// They are omitted.
        Published,
    }

    /// The shapes of login events.
    EventShapes {
        /// Each service has its own, with its own precision of times.
        Recorded,
        /// The same for all, with `success`, `mfa` and milliseconds.
        Plain,
    }

    /// The `event_type` of a login to a network.
    RadiusEvents {
        /// `radius_auth_attempt`
        Attempt,
        /// `radius_auth`
        Auth,
        /// Either.
        Both,
    }

    /// `initiated_by.type` of users.
    Initiators {
        /// `systemuser` in some events, `user` in the others.
        Mixed,
        /// `user`.
        User,
    }

    /// Where `admin_login_attempt` names the administrator.
    AdminLogins {
        /// In `initiated_by`.
        Initiator,
        /// Only in `resource`.
        Resource,
    }

    /// `from` of members and associations.
    EdgeFrom {
        /// It is omitted.
        Absent,
        /// It is the requested object.
        Given,
    }

    /// `from` of the first step of a traversal.
    PathStart {
        /// It is omitted.
        Absent,
        /// It is the requested object.
        Given,
    }

    /// The attributes of groups on a traversal.
    PathAttributes {
        /// All attributes of the group.
        Whole,
        /// Only `sudo`.
        Sudo,
    }

    /// The body of `/events/distinct`.
    DistinctBody {
        /// `{"<field>": […]}`
        ByField,
        /// `{"buckets": […]}`
        Buckets,
    }

    /// Several `targets` in one call, separated by commas.
    SeveralTargets {
        /// All are answered.
        All,
        /// The first is answered.
        First,
        /// The first that the object is bound to is answered.
        FirstWithRows,
        /// The last is answered.
        Last,
        /// For every second object all are answered, for the others the first.
        FirstForSome,
        /// They are answered with 400.
        Refused,
    }

    /// Association targets that are only in the newest documents, such as `policy` of users.
    NewTargets {
        /// They are answered.
        Accepted,
        /// They are answered with 400.
        Refused,
    }

    /// What traversals say of a user's rights on a device to which the user is bound directly and through groups.
    DirectRight {
        /// The strongest right of all paths.
        Strongest,
        /// The right of the direct binding.
        Supersedes,
    }

    /// The list of password policies.
    PasswordPolicies {
        /// It is answered with 405.
        NotServed,
        /// It is answered.
        Listed,
    }
}
