//! The names of an account in the texts of other rows and of runs.

use std::collections::BTreeSet;

use connector_api::{ConnectorError, Record};
use serde_json::Value as Json;

use crate::body;
use crate::database::{Connection, Value};
use crate::kinds;

/// What stands in place of a name.
const FORGOTTEN: &str = "forgotten";

/// A shorter word is part of too many others' names.
const SHORTEST: usize = 3;
/// A shorter id may be that of something else, or a number.
const SHORTEST_ID: usize = 8;

/// The fields of rows and runs whose values are words of the contract or identify something else.
const KEPT: &[&str] = &[
    "accountType",
    "code",
    "effect",
    "evidence",
    "externalId",
    "groupType",
    "id",
    "kind",
    "level",
    "nodeType",
    "osType",
    "outcome",
    "policyType",
    "principalType",
    "record",
    "resourceType",
    "retry",
    "section",
    "sections",
    "severity",
    "status",
    "type",
    "word",
];

/// Columns with JSON that has a digest, and where that is.
const DIGESTS: &[(&str, &str)] = &[("body", "hash"), ("volatile", "volatile_hash")];

/// A table with texts.
struct Place {
    table: &'static str,
    /// Which of its rows are those of system `?1`.
    of: &'static str,
    /// The numbers that identify a row.
    keys: &'static [&'static str],
    /// Columns with JSON: the first may be a row.
    json: &'static [&'static str],
    /// Columns with plain text, and whether it is a key in lower case.
    plain: &'static [(&'static str, bool)],
}

const OF_SYSTEM: &str = "system = ?1";
const OF_RUN: &str = "run in (select id from run where system = ?1)";
const NAME: &[(&str, bool)] = &[("name", false), ("name_key", true)];
const ACCOUNT: &[(&str, bool)] =
    &[("name", false), ("name_key", true), ("display_name", false), ("email", false), ("email_key", true)];
const VERSION: &[&str] = &["object", "from_run"];
const STAGED: &[&str] = &["run", "layer", "object"];

const PLACES: &[Place] = &[
    Place { table: "account_version", of: OF_SYSTEM, keys: VERSION, json: &["body"], plain: ACCOUNT },
    Place { table: "group_version", of: OF_SYSTEM, keys: VERSION, json: &["body"], plain: NAME },
    Place { table: "resource_version", of: OF_SYSTEM, keys: VERSION, json: &["body"], plain: NAME },
    Place { table: "policy_version", of: OF_SYSTEM, keys: VERSION, json: &["body"], plain: NAME },
    Place { table: "staged_account", of: OF_RUN, keys: STAGED, json: &["body", "volatile"], plain: ACCOUNT },
    Place { table: "staged_group", of: OF_RUN, keys: STAGED, json: &["body", "volatile"], plain: NAME },
    Place { table: "staged_resource", of: OF_RUN, keys: STAGED, json: &["body", "volatile"], plain: NAME },
    Place { table: "staged_policy", of: OF_RUN, keys: STAGED, json: &["body", "volatile"], plain: NAME },
    Place {
        table: "volatile_fields",
        of: "object in (select id from object where system = ?1)",
        keys: &["object"],
        json: &["body"],
        plain: &[],
    },
    Place { table: "via", of: OF_SYSTEM, keys: &["id"], json: &["steps"], plain: &[("request_id", false)] },
    Place { table: "terms", of: OF_SYSTEM, keys: &["id"], json: &[], plain: &[("request_id", false)] },
    Place {
        table: "membership_name",
        of: OF_SYSTEM,
        keys: &["group_id", "account_id", "from_run"],
        json: &[],
        plain: &[("username", false), ("group_name", false)],
    },
    Place {
        table: "staged_membership_name",
        of: OF_RUN,
        keys: &["run", "group_id", "account_id", "part"],
        json: &[],
        plain: &[("username", false), ("group_name", false)],
    },
    Place { table: "run", of: OF_SYSTEM, keys: &["id"], json: &["summary", "removals"], plain: &[("reason", false)] },
];

/// A row with a name in its texts.
struct Found {
    keys: Vec<Value>,
    /// Without the name.
    texts: Vec<Option<String>>,
}

/// What an account was called.
#[derive(Debug)]
pub(super) struct ForgottenWords {
    external_id: String,
    /// In lower case, the longest first.
    words: Vec<String>,
}

impl ForgottenWords {
    pub(super) fn of(external_id: &str) -> Self {
        let id = kinds::key(external_id);
        let words = if id.chars().count() >= SHORTEST_ID { vec![id] } else { Vec::new() };
        Self { external_id: external_id.to_owned(), words }
    }

    pub(super) fn add(&mut self, word: &str) {
        let word = kinds::key(word.trim());
        if word.chars().count() >= SHORTEST && !self.words.contains(&word) {
            self.words.push(word);
            self.words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
    }

    /// Returns them, in lower case.
    pub(super) fn all(&self) -> &[String] {
        &self.words
    }

    /// Leaves some of them where they stand.
    pub(super) fn leave(&mut self, names: &BTreeSet<String>) {
        self.words.retain(|word| !names.contains(word));
    }

    /// Removes them from the texts of a system, and returns from how many rows.
    pub(super) fn remove(&self, db: &mut dyn Connection, system: i64) -> Result<u64, ConnectorError> {
        let mut rows = 0;
        for place in PLACES {
            for Found { keys, texts } in self.found(db, system, place)? {
                let mut columns: Vec<&str> = place.json.to_vec();
                columns.extend(place.plain.iter().map(|(column, _)| *column));
                let mut values: Vec<Value> = texts.iter().cloned().map(Value::from).collect();
                // A row is what its digest says, so that the next scan finds what it has to bring back.
                for (column, text) in place.json.iter().zip(&texts) {
                    let Some((_, digest)) = DIGESTS.iter().find(|(of, _)| of == column) else { continue };
                    columns.push(*digest);
                    values.push(text.as_deref().map(body::digest).into());
                }
                let set: Vec<String> =
                    columns.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at + 1)).collect();
                let is = |(at, name): (usize, &&str)| format!("{name} = ?{}", values.len() + at + 1);
                let is: Vec<String> = place.keys.iter().enumerate().map(is).collect();
                let sql = format!("update {} set {} where {}", place.table, set.join(", "), is.join(" and "));
                let parameters: Vec<Value> = values.into_iter().chain(keys).collect();
                rows += db.execute(&sql, &parameters)?;
            }
        }
        self.exceptions(db, system).map(|more| rows + more)
    }

    /// The rows with one of the words, with their texts without them.
    fn found(&self, db: &mut dyn Connection, system: i64, place: &Place) -> Result<Vec<Found>, ConnectorError> {
        let plain = place.plain.iter().map(|(column, _)| *column);
        let columns: Vec<&str> = place.keys.iter().chain(place.json).copied().chain(plain).collect();
        let sql = format!("select {} from {} where {}", columns.join(", "), place.table, place.of);
        let (keys, json) = (place.keys.len(), place.json.len());
        let mut found = Vec::new();
        db.query(&sql, &[system.into()], &mut |row| {
            let mut texts = Vec::new();
            let mut is_found = false;
            for at in 0..json + place.plain.len() {
                let text = row.text(keys + at)?;
                let without = match text {
                    Some(text) if at < json => self.without_in_json(text)?,
                    Some(text) => self.without(text),
                    None => None,
                };
                is_found |= without.is_some();
                texts.push(without.or_else(|| text.map(str::to_owned)));
            }
            if is_found {
                let keys = (0..keys).map(|at| row.number(at).map(Value::from)).collect::<Result<_, _>>()?;
                found.push(Found { keys, texts });
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn exceptions(&self, db: &mut dyn Connection, system: i64) -> Result<u64, ConnectorError> {
        let sql = "select finding, reason, accepted_by from finding_exception where system = ?1";
        let all = db.rows(sql, &[system.into()], |row| {
            let is_by_them = row.text(2)?.is_some_and(|by| self.without(by).is_some());
            Ok((row.word(0)?.to_owned(), self.without(row.word(1)?), is_by_them))
        })?;
        let mut rows = 0;
        for (finding, reason, is_by_them) in all {
            if reason.is_some() || is_by_them {
                // Who accepted it is then not recorded.
                let sql = "update finding_exception set reason = coalesce(?3, reason), \
                           accepted_by = case when ?4 then null else accepted_by end where system = ?1 and finding = ?2";
                rows += db.execute(sql, &[system.into(), finding.into(), reason.into(), is_by_them.into()])?;
            }
        }
        Ok(rows)
    }

    /// The text without the words, if it has one.
    fn without(&self, text: &str) -> Option<String> {
        let mut result = text.to_owned();
        for word in &self.words {
            result = replaced(&result, word).unwrap_or(result);
        }
        (result != text).then_some(result)
    }

    /// The same for JSON, whose contract it keeps.
    fn without_in_json(&self, text: &str) -> Result<Option<String>, ConnectorError> {
        let lower = text.to_lowercase();
        // In JSON, quotes and backslashes are escaped: then every text is looked at closely.
        let may_have = |word: &String| word.contains(['"', '\\']) || lower.contains(word.as_str());
        if !self.words.iter().any(may_have) && !text.contains(&self.external_id) {
            return Ok(None);
        }
        // What this version cannot read is a text as any other.
        let Ok(mut json) = serde_json::from_str::<Json>(text) else { return Ok(self.without(text)) };
        if !self.forget(&mut json) {
            return Ok(None);
        }
        let without = json.to_string();
        if json.get("record").is_some() {
            let _: Record = body::record(&without, None)?;
        }
        Ok(Some(without))
    }

    /// Returns whether something was removed.
    fn forget(&self, json: &mut Json) -> bool {
        match json {
            Json::String(text) => match self.without(text) {
                Some(without) => {
                    *text = without;
                    true
                }
                None => false,
            },
            Json::Array(items) => {
                let before = items.len();
                items.retain(|item| !self.is_meant(item));
                let mut is_changed = items.len() < before;
                items.iter_mut().for_each(|item| is_changed |= self.forget(item));
                is_changed
            }
            Json::Object(fields) => {
                let mut is_changed = false;
                for (_, value) in fields.iter_mut().filter(|(name, value)| !is_kept(name, value)) {
                    is_changed |= self.forget(value);
                }
                is_changed
            }
            _ => false,
        }
    }

    /// Whether something in a list refers to the account, such as a link.
    fn is_meant(&self, item: &Json) -> bool {
        let is = |name: &str, what: &str| item[name].as_str() == Some(what);
        is("externalId", &self.external_id) && !is("kind", "group") && !is("kind", "resource")
    }
}

fn is_kept(name: &str, value: &Json) -> bool {
    let is_plain = |value: &Json| value.is_string();
    KEPT.contains(&name) && (is_plain(value) || value.as_array().is_some_and(|items| items.iter().all(is_plain)))
}

/// Replaces a word, given in lower case, wherever no letter or digit is next to it.
fn replaced(text: &str, word: &str) -> Option<String> {
    // Lower case may have another length: the place of each of its characters in the text.
    let mut lower = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    for (at, character) in text.char_indices() {
        for small in character.to_lowercase() {
            lower.push(small);
            places.resize(lower.len(), at);
        }
    }
    places.push(text.len());
    let (mut result, mut end) = (String::new(), 0);
    for (at, _) in lower.match_indices(word) {
        let after = at + word.len();
        let touches = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        if touches(lower[..at].chars().next_back()) || touches(lower[after..].chars().next()) {
            continue;
        }
        let (from, to) = (places[at], places[after]);
        if from >= end && to > from {
            result += &text[end..from];
            result += FORGOTTEN;
            end = to;
        }
    }
    (end > 0).then(|| result + &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> ForgottenWords {
        let mut words = ForgottenWords::of("5f0000000000000000000001");
        ["maria.keller", "Maria.Keller@example.com", "Al"].iter().for_each(|word| words.add(word));
        words
    }

    #[test]
    fn a_name_is_replaced_where_it_stands_as_a_whole_word_in_any_case() {
        assert_eq!(
            replaced("Ada, ada's adamant ADA", "ada").as_deref(),
            Some("forgotten, forgotten's adamant forgotten")
        );
        assert_eq!(replaced("nobody here", "ada"), None);
        assert_eq!(replaced("İx ada İ ada", "ada").as_deref(), Some("İx forgotten İ forgotten"));
        let text = "MARIA.KELLER@example.com has the laptop maria.keller-1 of al";
        let expected = "forgotten has the laptop forgotten-1 of al";
        assert_eq!(words().without(text).as_deref(), Some(expected));
    }

    #[test]
    fn words_of_the_contract_and_ids_of_others_stay() {
        let mut user = ForgottenWords::of("7");
        user.add("user");
        let text = r#"{"attributes":{"owner":"user"},"externalId":"user","kind":"user","links":[{"externalId":"7","kind":"user"},{"externalId":"8","kind":"user"}],"record":1}"#;
        let mut json: Json = serde_json::from_str(text).unwrap_or_default();
        assert!(user.forget(&mut json));
        let expected = r#"{"attributes":{"owner":"forgotten"},"externalId":"user","kind":"user","links":[{"externalId":"8","kind":"user"}],"record":1}"#;
        assert_eq!(json.to_string(), expected);
    }
}
