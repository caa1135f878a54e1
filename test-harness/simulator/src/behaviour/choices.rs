//! The ways in which the service was seen, documented or feared to answer.

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
    /// What lists of the V2 API take as `sort`. What they do not take is answered
    /// `400 failed to list collection objects: invalid sort field: …`.
    V2Sort {
        /// Groups take `name`, policies `id` or `name`, directories nothing; lists of edges ignore it.
        Name,
        /// As `Name`, but groups take nothing either.
        Nothing,
        /// Any field.
        Any,
    }

    /// What the lists of user groups and device groups hold of each group. The group by its id has all.
    GroupRows {
        /// Id, name, type, description, e-mail address, and `attributes: null`.
        NullAttributes,
        /// The same without `attributes`.
        NoAttributes,
        /// All.
        Whole,
    }

    /// What becomes of filters on what the rows of groups lack: `attributes.sudo.enabled`, `membershipMethod` and the
    /// like.
    GroupFilter {
        /// They choose groups.
        Applied,
        /// They are answered 400.
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

    /// A `limit` beyond what a list gives at most.
    LargeLimits {
        /// It is answered 400.
        Refused,
        /// The list gives as much as it may.
        Capped,
    }

    /// What `/api/organizations` answers to a service account.
    ServiceAccounts {
        /// 401, with the reason.
        Unauthorized,
        /// 403.
        Forbidden,
        /// The organisations.
        Served,
    }

    /// The answer to a key that nobody has, such as one of another region.
    UnknownKeys {
        /// `401 Unauthorized: api key user not found`
        NotFound,
        /// `401 Unauthorized`
        Plain,
    }

    /// The answer to a multi-tenant key without `x-org-id`.
    MissingOrganization {
        /// 401.
        Unauthorized,
        /// 400, naming the header.
        BadRequest,
    }

    /// Who has to send `x-org-id` to Directory Insights.
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

    /// Whether users have names of their own on devices, and log in there under these.
    LocalNames {
        /// `systemUsername` is there, empty for most; device logins name it.
        Own,
        /// There is no `systemUsername`.
        None,
    }

    /// The rules of dynamic groups.
    GroupRules {
        /// Filters are objects; a static group can keep its rule; exempt users are of type `USER`.
        Recorded,
        /// Filters are texts; static groups have no rule.
        Published,
    }

    /// Users whose password is pending.
    NewHires {
        /// Some are `ACTIVATED` with `activated: false`.
        Activated,
        /// All are `STAGED`.
        Staged,
    }

    /// Fields of users that have no value.
    UnsetFields {
        /// They are null.
        Null,
        /// They are not there.
        Absent,
    }

    /// `admin` of a user who is no administrator.
    NoAdministrator {
        /// `{}` by id, null or left out in lists, left out by the search.
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
        /// Both are texts.
        Given,
    }

    /// Fields of the V1 API that its older documents lack.
    V1Rows {
        /// They are there; `config` of applications is text in some.
        Recorded,
        /// They are not there.
        Published,
    }

    /// The shapes of login events.
    EventShapes {
        /// Each service's own, with times of its own precision.
        Recorded,
        /// One for all, with `success`, `mfa` and milliseconds.
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
        /// In `resource` alone.
        Resource,
    }

    /// `from` of members and associations.
    EdgeFrom {
        /// It is not there.
        Absent,
        /// It is the object that was asked about.
        Given,
    }

    /// `from` of the first step of a traversal.
    PathStart {
        /// It is not there.
        Absent,
        /// It is the object that was asked about.
        Given,
    }

    /// The attributes of groups on a traversal.
    PathAttributes {
        /// All attributes of the group.
        Whole,
        /// `sudo` alone.
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
        /// They are answered 400.
        Refused,
    }

    /// Association targets that only the newest documents have, such as `policy` of users.
    NewTargets {
        /// They are answered.
        Accepted,
        /// They are answered 400.
        Refused,
    }
}
