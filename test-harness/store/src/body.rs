//! The content of an object's row: what stands from run to run, and apart from it what changes by itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector_api::{ConnectorError, Field, Record};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::nul;

/// The bytes of a digest that are kept: enough that no two contents share one.
const DIGEST: usize = 16;

/// A row's content, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Body {
    /// The row as JSON, without its volatile fields.
    pub(crate) text: String,
    pub(crate) hash: Vec<u8>,
    /// The volatile fields, if it has any: a JSON object of the same shape.
    pub(crate) volatile: Option<Volatile>,
}

impl Body {
    /// Whether U+0000 may be in it.
    pub(crate) fn may_have_nul(&self) -> bool {
        let mut texts = [Some(&self.text), self.volatile.as_ref().map(|volatile| &volatile.text)].into_iter().flatten();
        texts.any(|text| nul::may_be_in(text))
    }
}

/// The volatile fields of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Volatile {
    pub(crate) text: String,
    pub(crate) hash: Vec<u8>,
}

/// The fields that change by themselves, by record kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct VolatileFields(BTreeMap<String, Vec<Field>>);

const ATTRIBUTES: &str = "attributes";

impl VolatileFields {
    /// Takes them from a descriptor.
    pub(crate) fn new(fields: &[Field]) -> Self {
        let mut kinds = BTreeMap::<String, Vec<Field>>::new();
        for field in fields {
            kinds.entry(field.record.clone()).or_default().push(field.clone());
        }
        Self(kinds)
    }

    /// Returns a row's content in its one canonical form: however the row was made, equal content has an equal digest.
    pub(crate) fn body(&self, record: &Record) -> Result<Body, ConnectorError> {
        let mut row = serde_json::to_value(in_order(record).as_ref()).map_err(unwritable)?;
        row.sort_all_objects();
        let mut volatile = Value::Object(Map::new());
        for field in self.0.get(record.kind()).into_iter().flatten().filter(|field| field.is_of(record)) {
            // The name of an attribute may contain dots.
            match field.field.strip_prefix("attributes.") {
                Some(name) => part(&mut row, &mut volatile, &[ATTRIBUTES, name]),
                None => part(&mut row, &mut volatile, &field.field.split('.').collect::<Vec<_>>()),
            }
        }
        volatile.sort_all_objects();
        let (text, volatile) = (row.to_string(), (volatile != Value::Object(Map::new())).then(|| volatile.to_string()));
        let volatile = volatile.map(|text| Volatile { hash: digest(&text), text });
        Ok(Body { hash: digest(&text), text, volatile })
    }
}

/// Returns a row with its reasons, the most severe first, and its links in an order that does not depend on the scan.
fn in_order(record: &Record) -> Cow<'_, Record> {
    let mut record = Cow::Borrowed(record);
    let (reasons, links) = match &*record {
        Record::Account(account) => (account.reasons.len(), account.links.len()),
        Record::Group(group) => (group.reasons.len(), 0),
        Record::Resource(resource) => (resource.reasons.len(), 0),
        _ => (0, 0),
    };
    if reasons > 1 || links > 1 {
        let reasons = match record.to_mut() {
            Record::Account(account) => {
                account
                    .links
                    .sort_by(|one, two| (&one.external_id, &one.evidence).cmp(&(&two.external_id, &two.evidence)));
                &mut account.reasons
            }
            Record::Group(group) => &mut group.reasons,
            Record::Resource(resource) => &mut resource.reasons,
            _ => return record,
        };
        reasons.sort_by(|one, two| (two.severity, one.key()).cmp(&(one.severity, two.key())));
    }
    record
}

/// Moves a field from the stable part of a row to the volatile one. An object of which nothing stands moves as a whole: whether
/// it is there changes by itself as well.
fn part(stable: &mut Value, volatile: &mut Value, path: &[&str]) {
    let (Value::Object(stable), Value::Object(volatile)) = (stable, volatile) else { return };
    match path {
        [] => {}
        [name] => {
            if let Some(value) = stable.shift_remove(*name) {
                volatile.insert((*name).to_owned(), value);
            }
        }
        [name, rest @ ..] => {
            let Some(object @ Value::Object(_)) = stable.get_mut(*name) else { return };
            let empty = || Value::Object(Map::new());
            let mut changing = volatile.remove(*name).unwrap_or_else(empty);
            part(object, &mut changing, rest);
            let nothing_stands = *object == empty();
            if nothing_stands {
                stable.shift_remove(*name);
            }
            if nothing_stands || changing != empty() {
                volatile.insert((*name).to_owned(), changing);
            }
        }
    }
}

/// Joins a row with its volatile fields.
pub(crate) fn record(body: &str, volatile: Option<&str>) -> Result<Record, ConnectorError> {
    let Some(volatile) = volatile.filter(|volatile| *volatile != "{}") else {
        return serde_json::from_str(body).map_err(unreadable);
    };
    let mut row: Value = serde_json::from_str(body).map_err(unreadable)?;
    join(&mut row, serde_json::from_str(volatile).map_err(unreadable)?);
    serde_json::from_value(row).map_err(unreadable)
}

fn join(row: &mut Value, volatile: Value) {
    match (row, volatile) {
        (Value::Object(row), Value::Object(volatile)) => {
            for (name, value) in volatile {
                match row.get_mut(&name) {
                    Some(known) => join(known, value),
                    None => drop(row.insert(name, value)),
                }
            }
        }
        (row, value) => *row = value,
    }
}

/// Returns the digest of a content.
pub(crate) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text)[..DIGEST].to_vec()
}

pub(crate) fn unwritable(error: serde_json::Error) -> ConnectorError {
    ConnectorError::internal("a row cannot be stored as JSON").with_source(error)
}

fn unreadable(error: serde_json::Error) -> ConnectorError {
    ConnectorError::internal("the store contains a row that this version cannot read").with_source(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Account, LastLogin};

    use super::*;

    fn account(login: Option<&str>, attempts: i64) -> Record {
        let mut account = Account::new("1", "ada");
        account.last_login = login.map(|service| {
            let mut login = LastLogin::default();
            login.service = Some(service.into());
            login
        });
        account.attributes = [("attempts", attempts.into()), ("shell", "sh".into())].into();
        account.into()
    }

    fn fields() -> VolatileFields {
        VolatileFields::new(&[Field::new("account", "lastLogin"), Field::new("account", "attributes.attempts")])
    }

    #[test]
    fn what_changes_by_itself_is_no_part_of_the_digest_and_comes_back_with_the_row() {
        let (one, two) = (account(Some("sso"), 1), account(None, 2));
        let bodies = [&one, &two].map(|record| fields().body(record).unwrap());
        assert_eq!(bodies[0].hash, bodies[1].hash);
        assert_ne!(bodies[0].volatile, bodies[1].volatile);
        for (body, row) in bodies.iter().zip([&one, &two]) {
            let volatile = body.volatile.as_ref().map(|volatile| volatile.text.as_str());
            assert_eq!(record(&body.text, volatile).unwrap(), *row);
        }
    }

    #[test]
    fn what_an_administrator_changes_changes_the_digest() {
        let mut renamed = Account::new("1", "ada");
        let before = fields().body(&renamed.clone().into()).unwrap();
        renamed.display_name = Some("Ada".into());
        assert_ne!(fields().body(&renamed.into()).unwrap().hash, before.hash);
    }

    #[test]
    fn a_field_that_changes_on_rows_of_one_type_stands_on_the_others() {
        let fields = VolatileFields::new(&[Field::new("account", "attributes.attempts").of_type("administrator")]);
        let user = fields.body(&account(None, 1)).unwrap();
        assert_eq!(user.volatile, None);
        let Record::Account(mut root) = account(None, 1) else { panic!() };
        root.kind = connector_api::AccountKind::ADMINISTRATOR;
        let root = Record::Account(root);
        let body = fields.body(&root).unwrap();
        let volatile = body.volatile.unwrap().text;
        assert!(!body.text.contains("attempts") && volatile.contains("attempts"));
        assert_eq!(record(&body.text, Some(&volatile)).unwrap(), root);
    }

    #[test]
    fn the_first_value_that_changes_by_itself_is_no_other_content() {
        let row = |login: Option<&str>| {
            let Record::Account(mut account) = account(login, 1) else { panic!() };
            account.attributes = [("shell", "sh".into())].into();
            account.display_name = Some("Ada".into());
            Record::Account(account)
        };
        let (never, once) = (fields().body(&row(None)).unwrap(), fields().body(&row(Some("sso"))).unwrap());
        assert!(never.volatile.is_none() && once.volatile.is_some());
        assert_eq!((never.hash, never.text), (once.hash, once.text));
    }

    #[test]
    fn content_has_one_form_whatever_the_order_of_keys_reasons_and_links() {
        use connector_api::{AccountKind, AccountLink, Reason, ReasonKind, Severity};
        let [mut one, mut two] = [r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":1}}"#].map(|attributes| {
            let text = format!(r#"{{"record":"account","externalId":"1","username":"ada","attributes":{attributes}}}"#);
            let mut account = serde_json::to_value(Record::from(Account::new("1", "ada"))).unwrap();
            account["attributes"] = serde_json::from_str::<Value>(&text).unwrap()["attributes"].clone();
            let Record::Account(account) = serde_json::from_value(account).unwrap() else { panic!() };
            account
        });
        let reason = |code: &str, severity| Reason::new(code, ReasonKind::Risk, severity, "is so", "look");
        let mut reasons = vec![reason("b", Severity::High), reason("a", Severity::Low), reason("c", Severity::Low)];
        let mut links: Vec<_> = ["1", "2"].map(|id| AccountLink::new(id, AccountKind::USER, "sharedEmail")).into();
        (one.reasons, one.links) = (reasons.clone(), links.clone());
        reasons.swap(1, 2);
        links.reverse();
        (two.reasons, two.links) = (reasons, links);
        let [one, two] = [one, two].map(|account| fields().body(&Record::Account(account)).unwrap());
        assert_eq!(one, two);
        let Record::Account(back) = record(&one.text, None).unwrap() else { panic!() };
        assert_eq!(back.reasons[0].code, "b");
    }

    #[test]
    fn a_volatile_field_in_an_object_is_parted_and_comes_back() {
        use connector_api::Mfa;
        let fields = VolatileFields::new(&[Field::new("account", "mfa.required")]);
        let bodies = [Some(true), Some(false), None].map(|required| {
            let mut account = Account::new("1", "ada");
            let mut mfa = Mfa::default();
            mfa.required = required;
            account.mfa = Some(mfa);
            let body = fields.body(&account.clone().into()).unwrap();
            let volatile = body.volatile.as_ref().map(|volatile| volatile.text.as_str());
            assert_eq!(record(&body.text, volatile).unwrap(), account.into());
            body
        });
        assert!(bodies.iter().all(|body| body.hash == bodies[0].hash), "{bodies:?}");
    }
}
