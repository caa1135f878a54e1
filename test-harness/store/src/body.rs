//! The content of an object's row: what stands from run to run, and apart from it what changes by itself.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{ConnectorError, Field, Record};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

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

/// The volatile fields of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Volatile {
    pub(crate) text: String,
    pub(crate) hash: Vec<u8>,
}

/// The fields that change by themselves, by record kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct VolatileFields(BTreeMap<String, Vec<Names>>);

#[derive(Debug, Clone, Default)]
struct Names {
    /// The type of the rows, if only these are meant.
    row_type: Option<String>,
    fields: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

const ATTRIBUTES: &str = "attributes";

type Members<'a> = BTreeMap<String, &'a RawValue>;

impl VolatileFields {
    /// Takes them from a descriptor.
    pub(crate) fn new(fields: &[Field]) -> Self {
        let mut kinds = BTreeMap::<String, Vec<Names>>::new();
        for Field { record, field, row_type, .. } in fields {
            let of_kind = kinds.entry(record.clone()).or_default();
            let known = of_kind.iter().position(|names| names.row_type == *row_type);
            let at = known.unwrap_or_else(|| {
                of_kind.push(Names { row_type: row_type.clone(), ..Names::default() });
                of_kind.len() - 1
            });
            let names = &mut of_kind[at];
            match field.strip_prefix("attributes.") {
                Some(attribute) => names.attributes.insert(attribute.to_owned()),
                None => names.fields.insert(field.clone()),
            };
        }
        Self(kinds)
    }

    /// Returns a row's content.
    pub(crate) fn body(&self, record: &Record) -> Result<Body, ConnectorError> {
        let text = serde_json::to_string(record).map_err(unwritable)?;
        let whole = |text: String| Body { hash: digest(&text), text, volatile: None };
        let of_kind = self.0.get(record.kind()).into_iter().flatten();
        let is_meant = |names: &&Names| names.row_type.as_ref().is_none_or(|of| *of == record.row_type());
        let names: Vec<&Names> = of_kind.filter(is_meant).collect();
        if names.is_empty() {
            return Ok(whole(text));
        }
        let Some((stable, volatile)) = split(&names, &text).map_err(unwritable)? else { return Ok(whole(text)) };
        let volatile = Volatile { hash: digest(&volatile), text: volatile };
        Ok(Body { hash: digest(&stable), text: stable, volatile: Some(volatile) })
    }
}

/// Splits a row into what stands and what changes; `None` if it has nothing that changes.
fn split(names: &[&Names], row: &str) -> serde_json::Result<Option<(String, String)>> {
    let field = |name: &str| names.iter().any(|names| names.fields.contains(name));
    let attribute = |name: &str| names.iter().any(|names| names.attributes.contains(name));
    let (mut volatile, mut stable) = parted(serde_json::from_str(row)?, field);
    let mut attributes = (None, None);
    if let Some(all) = stable.get(ATTRIBUTES).filter(|_| names.iter().any(|names| !names.attributes.is_empty())) {
        let (changing, rest) = parted(serde_json::from_str(all.get())?, attribute);
        if !changing.is_empty() {
            let raw = |members: &Members<'_>| serde_json::value::to_raw_value(members);
            attributes = ((!rest.is_empty()).then(|| raw(&rest)).transpose()?, Some(raw(&changing)?));
        }
    }
    if let Some(changing) = &attributes.1 {
        volatile.insert(ATTRIBUTES.to_owned(), changing);
        match &attributes.0 {
            Some(rest) => stable.insert(ATTRIBUTES.to_owned(), rest),
            None => stable.remove(ATTRIBUTES),
        };
    }
    if volatile.is_empty() {
        return Ok(None);
    }
    Ok(Some((serde_json::to_string(&stable)?, serde_json::to_string(&volatile)?)))
}

/// Parts the members whose names are meant from the others.
fn parted<'a>(members: Members<'a>, is_meant: impl Fn(&str) -> bool) -> (Members<'a>, Members<'a>) {
    members.into_iter().partition(|(name, _)| is_meant(name))
}

/// Joins a row with its volatile fields.
pub(crate) fn record(body: &str, volatile: Option<&str>) -> Result<Record, ConnectorError> {
    let Some(volatile) = volatile.filter(|volatile| *volatile != "{}") else {
        return serde_json::from_str(body).map_err(unreadable);
    };
    let mut row: Map<String, Value> = serde_json::from_str(body).map_err(unreadable)?;
    let volatile: Map<String, Value> = serde_json::from_str(volatile).map_err(unreadable)?;
    for (name, value) in volatile {
        match (row.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) if name == ATTRIBUTES => known.extend(more),
            (_, value) => {
                row.insert(name, value);
            }
        }
    }
    serde_json::from_value(Value::Object(row)).map_err(unreadable)
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
    fn a_row_without_volatile_fields_is_stored_as_it_is() {
        let row = Record::from(Account::new("1", "ada"));
        let body = fields().body(&row).unwrap();
        assert_eq!((body.volatile, body.text), (None, serde_json::to_string(&row).unwrap()));
    }
}
