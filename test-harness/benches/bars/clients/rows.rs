//! The rows of the lower bound, and the wire types that they are made of. Fields that a row only passes on stay the text
//! that was received.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Text that is borrowed unless it contains an escape.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a field, if it has any.
fn some<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_ref().map(|text| &*text.0).filter(|text| !text.is_empty())
}

/// A page of `GET /api/systemusers`.
#[derive(Debug, Deserialize)]
pub(super) struct Results<T> {
    pub(super) results: Vec<T>,
}

/// Declares a wire type. Fields that are *taken* have a name of their own in a row; all that are not null are written as
/// its attributes.
macro_rules! wire {
    ($(#[$about:meta])* $name:ident { $($taken:ident: $text:ty,)* } passes on { $($field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Deserialize, Serialize)]
        #[expect(non_snake_case)]
        pub(super) struct $name<'a> {
            $(#[serde(borrow, default, skip_serializing)] $taken: $text,)*
            $(#[serde(default, skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }
    };
}

wire! {
    /// A user of `GET /api/systemusers`.
    User {
        _id: &'a str,
        username: Option<Text<'a>>,
        displayname: Option<Text<'a>>,
        email: Option<Text<'a>>,
        state: Option<Text<'a>>,
        employeeIdentifier: Option<Text<'a>>,
        department: Option<Text<'a>>,
        description: Option<Text<'a>>,
    } passes on {
        account_locked: bool,
        account_locked_date: &'a RawValue,
        activated: bool,
        addresses: &'a RawValue,
        admin: &'a RawValue,
        allow_public_key: bool,
        alternateEmail: &'a RawValue,
        attributes: &'a RawValue,
        badLoginAttempts: u64,
        company: &'a RawValue,
        costCenter: &'a RawValue,
        created: &'a RawValue,
        creationSource: &'a RawValue,
        delegatedAuthority: &'a RawValue,
        disableDeviceMaxLoginAttempts: bool,
        employeeType: &'a RawValue,
        enable_managed_uid: bool,
        enable_user_portal_multifactor: bool,
        external_dn: &'a RawValue,
        external_source_type: Text<'a>,
        externally_managed: bool,
        firstname: &'a RawValue,
        jobTitle: &'a RawValue,
        lastname: &'a RawValue,
        ldap_binding_user: bool,
        location: &'a RawValue,
        managedAppleId: &'a RawValue,
        manager: &'a RawValue,
        mfa: Mfa<'a>,
        mfaEnrollment: Enrolment<'a>,
        middlename: &'a RawValue,
        organization: &'a RawValue,
        password_date: &'a RawValue,
        password_expiration_date: &'a RawValue,
        password_expired: bool,
        password_never_expires: bool,
        passwordless_sudo: bool,
        phoneNumbers: &'a RawValue,
        public_key: &'a RawValue,
        recoveryEmail: &'a RawValue,
        relationships: &'a RawValue,
        restrictedFields: &'a RawValue,
        samba_service_user: bool,
        ssh_keys: &'a RawValue,
        sudo: bool,
        suspended: bool,
        systemUsername: &'a RawValue,
        tags: &'a RawValue,
        totp_enabled: bool,
        unix_guid: u64,
        unix_uid: u64,
    }
}

wire! {
    /// A group of `GET /api/v2/usergroups/{id}`.
    Group {
        id: &'a str,
        name: Text<'a>,
        description: Option<Text<'a>>,
        membershipMethod: Option<Text<'a>>,
    } passes on {
        attributes: &'a RawValue,
        email: &'a RawValue,
        memberQuery: &'a RawValue,
        memberQueryErrorFlags: &'a RawValue,
        memberQueryExemptions: &'a RawValue,
        memberSuggestionsNotify: bool,
        organizationObjectId: &'a RawValue,
        suggestionCounts: &'a RawValue,
        r#type: &'a RawValue,
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self(Cow::Borrowed(""))
    }
}

/// A user's `mfa`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mfa<'a> {
    configured: Option<bool>,
    exclusion: Option<bool>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    exclusion_until: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusion_days: Option<u64>,
}

/// A user's `mfaEnrollment`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolment<'a> {
    #[serde(borrow)]
    overall_status: Text<'a>,
    totp_status: Text<'a>,
    web_authn_status: Text<'a>,
    push_status: Text<'a>,
    jc_go_status: Text<'a>,
    sms_status: Option<Text<'a>>,
}

/// A group of `GET /api/v2/usergroups`.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<'a> {
    pub(super) id: &'a str,
}

/// A member of `GET /api/v2/usergroups/{id}/members`.
#[derive(Debug, Deserialize)]
pub(super) struct Edge<'a> {
    #[serde(borrow)]
    pub(super) to: End<'a>,
}

/// The object at the end of an edge.
#[derive(Debug, Deserialize)]
pub(super) struct End<'a> {
    pub(super) id: &'a str,
}

/// The row of an account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account<'a> {
    record: &'static str,
    external_id: &'a str,
    kind: &'static str,
    pub(super) username: &'a str,
    display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    mfa: SecondFactor<'a>,
    admin: bool,
    password: Password<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    attributes: &'a User<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecondFactor<'a> {
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded_until: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    factors: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Password<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    never_expires: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<&'a RawValue>,
}

impl<'a> User<'a> {
    pub(super) fn id(&self) -> &'a str {
        self._id
    }

    fn factors(&self) -> Vec<&'static str> {
        let Some(enrolment) = &self.mfaEnrollment else { return Vec::new() };
        let sms = enrolment.sms_status.as_ref();
        let factors = [
            ("totp", Some(&enrolment.totp_status)),
            ("webAuthn", Some(&enrolment.web_authn_status)),
            ("push", Some(&enrolment.push_status)),
            ("jcGo", Some(&enrolment.jc_go_status)),
            ("sms", sms),
        ];
        let enrolled = factors.into_iter().filter(|(_, status)| status.is_some_and(|status| status.0 == "ENROLLED"));
        enrolled.map(|(factor, _)| factor).collect()
    }
}

impl<'a> Account<'a> {
    pub(super) fn of(user: &'a User<'a>) -> Self {
        let username = some(&user.username).unwrap_or(user._id);
        let mfa = user.mfa.as_ref();
        let is_service = user.ldap_binding_user == Some(true) || user.samba_service_user == Some(true);
        let employee_id = some(&user.employeeIdentifier);
        Self {
            record: "account",
            external_id: user._id,
            kind: "user",
            username,
            display_name: some(&user.displayname).unwrap_or(username),
            email: some(&user.email),
            account_type: if is_service { Some("NON_HUMAN") } else { employee_id.map(|_| "HUMAN") },
            enabled: user.activated.map(|activated| activated && user.suspended != Some(true)),
            state: some(&user.state),
            locked: user.account_locked,
            mfa: SecondFactor {
                configured: mfa.and_then(|mfa| mfa.configured) == Some(true) || user.totp_enabled == Some(true),
                required: user.enable_user_portal_multifactor,
                excluded: mfa.and_then(|mfa| mfa.exclusion),
                excluded_until: mfa.and_then(|mfa| mfa.exclusion_until),
                enrollment: user.mfaEnrollment.as_ref().map(|enrolment| &*enrolment.overall_status.0),
                factors: user.factors(),
            },
            admin: user.admin.is_some(),
            password: Password {
                expired: user.password_expired,
                never_expires: user.password_never_expires,
                changed_at: user.password_date,
                expires_at: user.password_expiration_date,
            },
            created_at: user.created,
            employee_id,
            department: some(&user.department),
            source: some(&user.external_source_type),
            description: some(&user.description),
            attributes: user,
        }
    }
}

/// The row of a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupRow<'a> {
    record: &'static str,
    external_id: &'a str,
    group_type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership_method: Option<&'a str>,
    member_count: u64,
    privileged: bool,
    attributes: &'a Group<'a>,
}

const USER_GROUP: &str = "JUMPCLOUD_USER_GROUP";

impl Group<'_> {
    pub(super) fn name(&self) -> &str {
        &self.name.0
    }
}

impl<'a> GroupRow<'a> {
    pub(super) fn of(group: &'a Group<'a>, members: u64) -> Self {
        Self {
            record: "group",
            external_id: group.id,
            group_type: USER_GROUP,
            name: group.name(),
            description: some(&group.description),
            membership_method: some(&group.membershipMethod),
            member_count: members,
            privileged: false,
            attributes: group,
        }
    }
}

/// The row of a membership.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Membership<'a> {
    record: &'static str,
    username: &'a str,
    account_external_id: &'a str,
    group_name: &'a str,
    group_type: &'static str,
    group_external_id: &'a str,
    direct: bool,
}

impl<'a> Membership<'a> {
    pub(super) fn new(username: &'a str, account: &'a str, group_name: &'a str, group: &'a str) -> Self {
        Self {
            record: "membership",
            username,
            account_external_id: account,
            group_name,
            group_type: USER_GROUP,
            group_external_id: group,
            direct: true,
        }
    }
}
