//! Words that stay in texts though an account was called so: they mean something else there.

use std::collections::BTreeSet;

use connector_api::ConnectorError;
use serde_json::Value as Json;

use crate::database::Connection;
use crate::kinds;

/// Names of accounts that systems and programs come with, and that texts about access have as words.
const USUAL: &[&str] = &[
    "access",
    "account",
    "admin",
    "administrator",
    "administrators",
    "anonymous",
    "backup",
    "default",
    "device",
    "everyone",
    "group",
    "guest",
    "key",
    "local",
    "login",
    "mail",
    "manager",
    "member",
    "members",
    "network",
    "nobody",
    "none",
    "operator",
    "owner",
    "password",
    "portal",
    "public",
    "root",
    "security",
    "server",
    "service",
    "shared",
    "staff",
    "sudo",
    "support",
    "system",
    "systems",
    "test",
    "user",
    "users",
];

/// The words of texts of a system that no name replaces.
pub(super) struct CommonWords(BTreeSet<String>);

impl CommonWords {
    /// Collects the words of the contract, those of the system's types, sections and accesses, and usual ones.
    pub(super) fn of(db: &mut dyn Connection, system: i64) -> Result<Self, ConnectorError> {
        let mut words: BTreeSet<String> = USUAL.iter().map(|word| (*word).to_owned()).collect();
        of_schema(connector_api::rows_schema().as_value(), &mut words);
        let sql = "select type from object where system = ?1 union select type from account_version where system = ?1 \
                   union select from_type from terms where system = ?1 union select to_type from terms where system = ?1 \
                   union select word from terms where system = ?1 and word is not null \
                   union select t.section from section_state t join run r on r.id = t.run where r.system = ?1";
        words.extend(db.rows(sql, &[system.into()], |row| row.word(0).map(kinds::key))?);
        Ok(Self(words))
    }

    pub(super) fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// Adds the names of fields and the values that the contract knows.
fn of_schema(schema: &Json, words: &mut BTreeSet<String>) {
    match schema {
        Json::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("properties", Json::Object(properties)) => {
                        words.extend(properties.keys().map(|name| kinds::key(name)))
                    }
                    ("const", Json::String(word)) => _ = words.insert(kinds::key(word)),
                    ("enum" | "examples", Json::Array(known)) => {
                        words.extend(known.iter().filter_map(Json::as_str).map(kinds::key));
                    }
                    _ => {}
                }
                of_schema(value, words);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| of_schema(item, words)),
        _ => {}
    }
}
