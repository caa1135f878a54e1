//! The rows of the lower bound, and the wire types that they are made of. Fields that a row only passes on stay the text
//! that was received.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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

/// Fields that a row only passes on, as the text that was received, in its order: nobody knows beforehand which there are.
#[derive(Debug, Default)]
pub(super) struct Passed<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl Serialize for Passed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// About as many fields as an object has.
const FIELDS: usize = 64;

/// Declares a wire type. Fields that are *taken* have a name of their own in a row. Of all others, those that are not null
/// are passed on as attributes, also those that the row *uses*.
macro_rules! wire {
    ($(#[$about:meta])* $name:ident { $($taken:ident: $text:ty,)* } uses { $($used:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        #[expect(non_snake_case)]
        pub(super) struct $name<'a> {
            $($taken: $text,)*
            $($used: Option<&'a RawValue>,)*
            passed: Passed<'a>,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> Visitor<'de> for Fields {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<$name<'de>, A::Error> {
                        let mut row = $name { passed: Passed(Vec::with_capacity(FIELDS)), ..$name::default() };
                        while let Some(name) = fields.next_key::<Text<'de>>()? {
                            match &*name.0 {
                                $(stringify!($taken) => {
                                    row.$taken = fields.next_value()?;
                                    continue;
                                })*
                                _ => {}
                            }
                            let value: &RawValue = fields.next_value()?;
                            if value.get() == "null" {
                                continue;
                            }
                            match &*name.0 {
                                $(stringify!($used) => row.$used = Some(value),)*
                                _ => {}
                            }
                            row.passed.0.push((name, value));
                        }
                        Ok(row)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
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
    } uses {
        account_locked,
        activated,
        admin,
        created,
        enable_user_portal_multifactor,
        external_source_type,
        ldap_binding_user,
        mfa,
        mfaEnrollment,
        password_date,
        password_expiration_date,
        password_expired,
        password_never_expires,
        samba_service_user,
        suspended,
        totp_enabled,
    }
}

wire! {
    /// A group of `GET /api/v2/usergroups/{id}`.
    Group {
        id: &'a str,
        name: Text<'a>,
        description: Option<Text<'a>>,
        membershipMethod: Option<Text<'a>>,
    } uses {}
}

/// A field that is read in addition to being passed on.
fn read<'a, T: Deserialize<'a>>(field: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(field?.get()).ok()
}

fn flag(field: Option<&RawValue>) -> Option<bool> {
    Some(field?.get() == "true")
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self(Cow::Borrowed(""))
    }
}

/// A user's `mfa`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mfa<'a> {
    configured: Option<bool>,
    exclusion: Option<bool>,
    #[serde(borrow)]
    exclusion_until: Option<&'a RawValue>,
}

/// A user's `mfaEnrollment`.
#[derive(Debug, Deserialize)]
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
    source: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    attributes: &'a Passed<'a>,
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
    enrollment: Option<Text<'a>>,
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
}

impl<'a> Enrolment<'a> {
    fn factors(&self) -> Vec<&'static str> {
        let factors = [
            ("totp", Some(&self.totp_status)),
            ("webAuthn", Some(&self.web_authn_status)),
            ("push", Some(&self.push_status)),
            ("jcGo", Some(&self.jc_go_status)),
            ("sms", self.sms_status.as_ref()),
        ];
        let enrolled = factors.into_iter().filter(|(_, status)| status.is_some_and(|status| status.0 == "ENROLLED"));
        enrolled.map(|(factor, _)| factor).collect()
    }
}

impl<'a> Account<'a> {
    pub(super) fn of(user: &'a User<'a>) -> Self {
        let username = some(&user.username).unwrap_or(user._id);
        let mfa: Mfa<'a> = read(user.mfa).unwrap_or_default();
        let enrolment: Option<Enrolment<'a>> = read(user.mfaEnrollment);
        let is_service = flag(user.ldap_binding_user) == Some(true) || flag(user.samba_service_user) == Some(true);
        let employee_id = some(&user.employeeIdentifier);
        Self {
            record: "account",
            external_id: user._id,
            kind: "user",
            username,
            display_name: some(&user.displayname).unwrap_or(username),
            email: some(&user.email),
            account_type: if is_service { Some("NON_HUMAN") } else { employee_id.map(|_| "HUMAN") },
            enabled: flag(user.activated).map(|activated| activated && flag(user.suspended) != Some(true)),
            state: some(&user.state),
            locked: flag(user.account_locked),
            mfa: SecondFactor {
                configured: mfa.configured == Some(true) || flag(user.totp_enabled) == Some(true),
                required: flag(user.enable_user_portal_multifactor),
                excluded: mfa.exclusion,
                excluded_until: mfa.exclusion_until,
                factors: enrolment.as_ref().map(Enrolment::factors).unwrap_or_default(),
                enrollment: enrolment.map(|enrolment| enrolment.overall_status),
            },
            admin: user.admin.is_some(),
            password: Password {
                expired: flag(user.password_expired),
                never_expires: flag(user.password_never_expires),
                changed_at: user.password_date,
                expires_at: user.password_expiration_date,
            },
            created_at: user.created,
            employee_id,
            department: some(&user.department),
            source: user.external_source_type,
            description: some(&user.description),
            attributes: &user.passed,
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
    attributes: &'a Passed<'a>,
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
            attributes: &group.passed,
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
