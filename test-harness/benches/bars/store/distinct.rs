//! Rows without anything that repeats, as names, ids and texts of people do not: what a format cannot make small by itself.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;

use connector_api::{NodeRef, Record};
use connector_store::Location;
use serde_json::{Value, json};

use super::organisation::Organisation;
use crate::Result;

/// Keeps a scan in which all names, ids and texts of accounts differ.
pub(crate) fn keep_distinct(organisation: Organisation, file: &Path) -> Result<()> {
    organisation.keep_as(&Location::sqlite(file), 0, &distinct).map(drop)
}

fn distinct(mut record: Record) -> Record {
    match &mut record {
        Record::Account(account) => {
            let of = |what: &str| text(what, &account.external_id);
            account.username = text("name", &account.external_id);
            account.display_name = Some(format!("{} {}", of("first"), of("last")));
            account.email = Some(format!("{}@example.com", of("address")));
            account.employee_id = Some(number("employee", &account.external_id).to_string());
            account.description = Some(["a", "b", "c"].map(of).join(" "));
            account.attributes = attributes(&account.external_id).into_iter().collect();
            account.external_id = id(&account.external_id);
        }
        Record::Group(group) => group.external_id = id(&group.external_id),
        Record::Membership(membership) => {
            membership.username = text("name", &membership.account_external_id);
            membership.account_external_id = id(&membership.account_external_id);
            membership.group_external_id = id(&membership.group_external_id);
        }
        Record::Resource(resource) => resource.external_id = id(&resource.external_id),
        Record::Binding(binding) => {
            let end = |end: &NodeRef| NodeRef::new(end.kind, end.node_type.clone(), id(&end.external_id));
            (binding.from, binding.to) = (end(&binding.from), end(&binding.to));
        }
        _ => {}
    }
    record
}

/// Facts of an account as a directory has them: settings that most have alike, and what is somebody's own.
fn attributes(of: &str) -> [(&'static str, Value); 12] {
    let address = json!({"street": text("street", of), "locality": text("town", of), "postalCode": number("code", of)});
    [
        ("account_locked", false.into()),
        ("addresses", json!([address])),
        ("allow_public_key", true.into()),
        ("alternateEmail", format!("{}@example.org", text("alternate", of)).into()),
        ("costCenter", (number("center", of) % 200).into()),
        ("employeeType", "Employee".into()),
        ("jobTitle", format!("{} {}", text("job", of), text("title", of)).into()),
        ("manager", id(&text("manager", of)).into()),
        ("mfaEnrollment", json!({"overallStatus": "ENROLLED", "totpStatus": "ENROLLED", "pushStatus": "NOT_ENROLLED"})),
        ("password_never_expires", false.into()),
        ("phoneNumbers", json!([{"type": "mobile", "number": format!("+{}", number("phone", of))}])),
        ("unix_uid", number("uid", of).into()),
    ]
}

/// A number that depends on both texts alone.
fn number(what: &str, of: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one((what, of))
}

/// Eight to twelve letters.
fn text(what: &str, of: &str) -> String {
    let mut left = number(what, of);
    let length = 8 + left % 5;
    let mut letter = || {
        let letter = b'a' + (left % 26) as u8;
        left /= 26;
        char::from(letter)
    };
    (0..length).map(|_| letter()).collect()
}

/// An id of as many digits.
fn id(of: &str) -> String {
    format!("{:016x}{:08x}", number("id", of), number("more", of) as u32)
}
