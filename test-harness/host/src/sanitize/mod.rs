//! Rows without names: the same kinds of rows, in the same number and with the same graph, for support cases.
//!
//! A value is kept only if it is one of the product's own words in a field for such words, a number or truth value that the
//! contract defines, or a time. Everything else becomes a pseudonym, the same for the same text wherever it
//! stands, so that whatever referred to each other still does.

mod pseudonym;

use std::collections::BTreeSet;

use connector_api::{
    AccountKind, ConnectorError, CredentialKind, Descriptor, PolicyEffect, Record, ScanSummary, Section, SignInKind,
    SignInResult, rows_schema,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::pseudonym::Pseudonyms;

/// The fields whose values are words of the product, if they are known ones: the same text elsewhere is somebody's.
const WORDS: &[&str] = &[
    "accountType",
    "code",
    "detailsFrom",
    "effect",
    "evidence",
    "groupType",
    "kind",
    "level",
    "osType",
    "outcome",
    "policyType",
    "record",
    "remedy",
    "resourceType",
    "resourceTypes",
    "result",
    "retry",
    "section",
    "sections",
    "severity",
    "state",
    "status",
    "type",
    "word",
];

/// Those of them that only take a word of letters and digits.
const SECTIONS: &[&str] = &["detailsFrom", "section", "sections"];

/// The fields with what the target alone defines.
const FOREIGN: &[&str] = &["attributes", "facts", "watermark"];

/// Turns rows into the same rows without a name, an address, an id or a text of anybody.
pub struct Sanitizer {
    pseudonyms: Pseudonyms,
    words: BTreeSet<String>,
    /// The names of fields and attributes.
    names: BTreeSet<String>,
    /// The names of the contract's fields with a time.
    times: BTreeSet<String>,
}

impl Sanitizer {
    /// With the words of the contract and of a connector. The same secret gives the same pseudonyms; without it, nobody can
    /// check which text a pseudonym is of.
    pub fn new(secret: &SecretString, descriptor: &Descriptor) -> Self {
        let (mut words, mut names, mut times) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let schema = rows_schema();
        words_of_schema(schema.as_value(), &mut words, &mut names, &mut times);
        words.extend(open_words());
        words.insert(descriptor.os_type.clone());
        words.extend(descriptor.emits.iter().cloned());
        words.extend(descriptor.accesses.iter().map(|access| access.word.to_string()));
        for row in &descriptor.evidence {
            words.extend([row.code.clone(), row.remedy.clone()]);
        }
        for section in &descriptor.sections {
            words.insert(section.section.to_string());
            words.extend(section.owns.iter().map(|rows| rows.row_type.clone()));
        }
        let filled = descriptor.sections.iter().flat_map(|section| &section.fills_in);
        let fields = filled.chain(&descriptor.volatile).map(|field| field.field.as_str());
        names.extend(fields.flat_map(|field| field.split('.')).map(str::to_owned));
        Self { pseudonyms: Pseudonyms::new(secret), words, names, times }
    }

    /// The same row without names.
    ///
    /// # Errors
    /// `internal`, which is a defect.
    pub fn record(&self, record: &Record) -> Result<Record, ConnectorError> {
        self.same_shape(record)
    }

    /// The same summary without names. What it says of the connector's sections is taken from `descriptor`.
    ///
    /// # Errors
    /// `internal`, which is a defect.
    pub fn summary(&self, summary: &ScanSummary, descriptor: &Descriptor) -> Result<ScanSummary, ConnectorError> {
        let mut bare = summary.clone();
        // A position in the target's own form, of no use to a reader.
        bare.watermark = None;
        bare.described.clear();
        let mut sanitized: ScanSummary = self.same_shape(&bare)?;
        sanitized.connector_version.clone_from(&summary.connector_version);
        sanitized.described = summary.described.clone();
        sanitized.described.retain(|described| descriptor.section(described.section) == Some(described));
        Ok(sanitized)
    }

    fn same_shape<T: Serialize + DeserializeOwned>(&self, of: &T) -> Result<T, ConnectorError> {
        let defect =
            |error: serde_json::Error| ConnectorError::internal(format!("a row has no form without names: {error}"));
        let mut value = serde_json::to_value(of).map_err(defect)?;
        self.contract("", &mut value);
        serde_json::from_value(value).map_err(defect)
    }

    /// A value of a field that the contract defines.
    fn contract(&self, field: &str, value: &mut Value) {
        match value {
            Value::Object(members) if FOREIGN.contains(&field) => self.foreign_members(members),
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| self.contract(name, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.contract(field, item)),
            Value::String(text) if WORDS.contains(&field) && self.words.contains(text) => {}
            Value::String(text) if SECTIONS.contains(&field) => *text = self.pseudonyms.word(text),
            Value::String(text) if self.times.contains(field) && is_time(text) => {}
            Value::String(text) => *text = self.pseudonyms.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A value that the target alone defines: even a number may be an id, and the name of a field may be somebody's.
    fn foreign(&self, value: &mut Value) {
        match value {
            Value::Object(members) => self.foreign_members(members),
            Value::Array(items) => items.iter_mut().for_each(|item| self.foreign(item)),
            Value::String(text) if is_time(text) => {}
            Value::String(text) => *text = self.pseudonyms.text(text),
            Value::Number(number) => *number = self.pseudonyms.number(number),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn foreign_members(&self, members: &mut Map<String, Value>) {
        let before = std::mem::take(members);
        for (name, mut value) in before {
            self.foreign(&mut value);
            let name = if self.names.contains(&name) { name } else { self.pseudonyms.text(&name) };
            members.insert(name, value);
        }
    }
}

/// Whether a text says when, and not who: a time may have the name of a zone in brackets, which anybody may have chosen.
fn is_time(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b':' | b'.' | b'T' | b'Z' | b' ');
    text.len() >= "2026-11-26T00:00:00Z".len() && text.bytes().all(is_plain) && text.parse::<Timestamp>().is_ok()
}

/// The contract's words for fields that also take others.
fn open_words() -> impl Iterator<Item = String> {
    let kinds = [
        AccountKind::USER,
        AccountKind::ADMINISTRATOR,
        AccountKind::SERVICE_ACCOUNT,
        AccountKind::LOCAL_ACCOUNT,
        AccountKind::PROVIDER_ADMINISTRATOR,
    ];
    let credentials = [CredentialKind::API_KEY, CredentialKind::CLIENT_SECRET];
    let effects =
        [PolicyEffect::ALLOW, PolicyEffect::DENY, PolicyEffect::REQUIRE_SECOND_FACTOR, PolicyEffect::NOT_KNOWN];
    let targets = [SignInKind::PORTAL, SignInKind::CONSOLE, SignInKind::LDAP, SignInKind::APPLICATION];
    let results = [
        SignInResult::SECOND_FACTOR,
        SignInResult::DENIED,
        SignInResult::OPEN,
        SignInResult::ELSEWHERE,
        SignInResult::DEPENDS,
        SignInResult::NOT_KNOWN,
    ];
    let sections = [
        Section::USERS,
        Section::GROUPS,
        Section::MEMBERSHIPS,
        Section::ROLES,
        Section::ADMINISTRATORS,
        Section::SERVICE_ACCOUNTS,
        Section::SYSTEMS,
        Section::LOCAL_ACCOUNTS,
        Section::APPLICATIONS,
        Section::DIRECTORIES,
        Section::GRANTS,
        Section::TEMPORARY_ACCESS,
        Section::PRIVILEGED_GRANTS,
        Section::OTHER_GRANTS,
        Section::ORGANIZATION,
        Section::CONDITIONAL_ACCESS,
        Section::LAST_LOGIN,
    ];
    // Why two accounts may belong to one person.
    let links = ["sharedEmail", "declaredByTarget"];
    let of_accounts = kinds.into_iter().map(|word| word.to_string());
    let of_credentials = credentials.into_iter().map(|word| word.to_string());
    let of_policies = effects.into_iter().map(|word| word.to_string());
    let of_sign_ins = targets.into_iter().map(|word| word.to_string());
    let of_results = results.into_iter().map(|word| word.to_string());
    of_accounts
        .chain(of_credentials)
        .chain(of_policies)
        .chain(of_sign_ins)
        .chain(of_results)
        .chain(sections.map(String::from))
        .chain(links.map(str::to_owned))
}

/// The words that a schema lists, the names of its properties, and of those with a time.
fn words_of_schema(
    schema: &Value,
    words: &mut BTreeSet<String>,
    names: &mut BTreeSet<String>,
    times: &mut BTreeSet<String>,
) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("const", Value::String(word)) => drop(words.insert(word.clone())),
                    ("enum", Value::Array(listed)) => {
                        words.extend(listed.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("properties", Value::Object(properties)) => {
                        names.extend(properties.keys().cloned());
                        let is_time = |of: &Value| of.get("format").is_some_and(|format| format == "date-time");
                        times.extend(properties.iter().filter(|(_, of)| is_time(of)).map(|(name, _)| name.clone()));
                    }
                    _ => {}
                }
                words_of_schema(value, words, names, times);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words_of_schema(item, words, names, times)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
