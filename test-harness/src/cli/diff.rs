//! `harness diff`

mod access;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use connector_api::{ConnectorError, Principal, Record};
use connector_store::pages::RunHead;
use connector_store::{Change, SectionState, Store, System};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::print::{self, SheetFormat, printable};
use super::reach::{named, until};
use super::store::{Rows, TwoArguments, as_json, shown};
use super::summary::words;
use super::{Exit, colour, screen};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness diff --store sqlite:history.db\n  harness diff --store sqlite:history.db \
--from 2026-03-03 --to 17\n  harness diff --store sqlite:history.db --format json\n  harness diff monday.ndjson tuesday.ndjson"
)]
pub(super) struct Arguments {
    /// Output format. JSON is one object per line
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    compared: TwoArguments,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let (Rows { mut store, system, run: to, is_file, .. }, from) = self.compared.open()?;
        let heads = [store.run_head(&system, from)?, store.run_head(&system, to)?];
        match self.format {
            SheetFormat::Csv => sheet::print(&mut store, &system, from, to)?,
            SheetFormat::Text => {
                print::page(&heading(heads, is_file))?;
                text(&mut store, &system, from, to)?;
            }
            SheetFormat::Json => {
                let compared = compared_as_json(&system, heads, is_file);
                print::text(&(compared.to_string() + "\n"))?;
                let print = &mut |change: Change| print::text(&(change_as_json(&change).to_string() + "\n"));
                store.diff(&system, from, to, print)?;
                store.diff_access(&system, from, to, print)?;
                for (run, state) in unread(&mut store, from, to)? {
                    print::text(&(not_read_as_json(run, &state).to_string() + "\n"))?;
                }
            }
        }
        Ok(Exit::Complete)
    }
}

/// Such as `From run 3, 2026-03-03 09:00 UTC to run 4, 2026-03-04 09:00 UTC:`. Files have no runs.
fn heading(heads: [RunHead; 2], is_file: bool) -> String {
    let [from, to] = heads.map(|head| match is_file {
        true => format!("the scan of {}", shown(head.started_at)),
        false => format!("run {}, {}", head.id, shown(head.started_at)),
    });
    format!("From {from} to {to}:\n")
}

fn text(store: &mut Store, system: &System, from: i64, to: i64) -> Result<(), ConnectorError> {
    let mut of_access = Vec::new();
    store.diff_access(system, from, to, &mut |change| {
        of_access.push(change);
        Ok(())
    })?;
    let sentences = access::sentences(&of_access, &system.os_type, |group, is_gone| match group {
        Principal::Group { group_type, external_id, .. } => {
            let run = if is_gone { from } else { to };
            Ok(store.members_counted(system, run, (group_type, external_id), u64::MAX)?.at_least())
        }
        _ => Ok(0),
    })?;
    if !sentences.is_empty() {
        print::text("\nWho reaches what\n")?;
        sentences.iter().try_for_each(|sentence| line(sentence))?;
    }
    let (mut changes, mut ended) = (Vec::new(), Ended::default());
    store.diff(system, from, to, &mut |change| {
        if !ended.takes(&change) {
            changes.push(change);
        }
        Ok(())
    })?;
    let not_read: Vec<String> =
        unread(store, from, to)?.iter().map(|(run, state)| not_read(*run == to, state)).collect();
    print::text(if changes.is_empty() { "\nNothing has changed.\n" } else { "\nWhat has changed\n" })?;
    let mut names = Names { store, system: system.clone(), runs: [from, to] };
    for change in &changes {
        line(&(names.sentence(change)? + &ended.with(change)))?;
    }
    if !not_read.is_empty() {
        print::text("\nWhat was not read\n")?;
        not_read.iter().try_for_each(|sentence| line(sentence))?;
    }
    Ok(())
}

/// The members of the groups that are gone, by type and id: the memberships go with the group, so they are only counted.
#[derive(Default)]
struct Ended(BTreeMap<(String, String), u64>);

impl Ended {
    /// Notes a group that is gone, and whether a change is that of a membership in one. Groups come before memberships.
    fn takes(&mut self, change: &Change) -> bool {
        match change {
            Change::Gone(Record::Group(group)) => {
                self.0.insert((group.group_type.clone(), group.external_id.clone()), 0);
                false
            }
            Change::Gone(Record::Membership(membership)) => {
                let group = (membership.group_type.clone(), membership.group_external_id.clone());
                self.0.get_mut(&group).map(|members| *members += 1).is_some()
            }
            _ => false,
        }
    }

    /// Such as `, with 130 memberships`.
    fn with(&self, change: &Change) -> String {
        let Change::Gone(Record::Group(group)) = change else { return String::new() };
        match self.0.get(&(group.group_type.clone(), group.external_id.clone())) {
            None | Some(0) => String::new(),
            Some(1) => ", with 1 membership".to_owned(),
            Some(several) => format!(", with {} memberships", HumanCount(*several)),
        }
    }
}

/// Prints one sentence.
fn line(sentence: &str) -> Result<(), ConnectorError> {
    let sentence = colour::change(&printable(sentence));
    match screen::of_results() {
        Some(width) => print::text(&super::paragraph::reflowed(&format!("  {sentence}"), width)),
        None => print::text(&format!("  {sentence}\n")),
    }
}

fn is_read(state: &SectionState) -> bool {
    state.status == "complete"
}

/// The sections that were not read in the later run, then those that were not read in the earlier one alone: their rows are
/// not gone, or not new.
fn unread(store: &mut Store, from: i64, to: i64) -> Result<Vec<(i64, SectionState)>, ConnectorError> {
    let (earlier, later) = (store.sections(from)?, store.sections(to)?);
    let is_read_later = |section| later.iter().any(|state| state.section == section && is_read(state));
    let in_earlier = earlier.into_iter().filter(|state| !is_read(state) && is_read_later(state.section));
    let in_earlier: Vec<(i64, SectionState)> = in_earlier.map(|state| (from, state)).collect();
    Ok(later.into_iter().filter(|state| !is_read(state)).map(|state| (to, state)).chain(in_earlier).collect())
}

fn not_read(is_later: bool, state: &SectionState) -> String {
    let what = match (is_later, state.as_of) {
        (true, None) => "it was never read".to_owned(),
        (true, Some(time)) => format!("its rows are as of {}, and none of them is gone", shown(time)),
        (false, None) => "all its rows are new here, however old they are".to_owned(),
        (false, Some(time)) => format!("what has changed since {} is shown", shown(time)),
    };
    let run = if is_later { "later" } else { "earlier" };
    format!("In the {run} run: {} ({}); {what}", state.section, state.status)
}

fn not_read_as_json(run: i64, state: &SectionState) -> Value {
    let mut json = as_json(state);
    json["change"] = "notRead".into();
    json["run"] = run.into();
    json
}

/// The first line: what is compared.
fn compared_as_json(system: &System, heads: [RunHead; 2], is_file: bool) -> Value {
    let [from, to] = heads.map(|head| match is_file {
        true => json!({"startedAt": head.started_at}),
        false => json!({"run": head.id, "startedAt": head.started_at}),
    });
    json!({"change": "compared", "system": system.name, "osType": system.os_type, "from": from, "to": to})
}

/// Puts changes into words, with the names that things have.
struct Names<'a> {
    store: &'a mut Store,
    system: System,
    /// The earlier and the later.
    runs: [i64; 2],
}

impl Names<'_> {
    fn sentence(&mut self, change: &Change) -> Result<String, ConnectorError> {
        Ok(match change {
            Change::New(record) => format!("{}: new", self.subject(record)?),
            Change::Gone(record) => format!("{}: gone", self.subject(record)?),
            Change::Changed { before, after } => {
                format!("{}: {}", self.subject(after)?, differences(before, after).join(", "))
            }
            other => self.subject(other.record())?,
        })
    }

    fn subject(&mut self, record: &Record) -> Result<String, ConnectorError> {
        Ok(match record {
            Record::Account(account) => format!("{} {}", account.kind, account.username),
            Record::Group(group) => format!("group {} ({})", group.name, group.group_type),
            Record::Resource(resource) => format!("{} {}", resource.resource_type, resource.name),
            Record::Policy(policy) => format!("policy {}", policy.name),
            Record::Membership(membership) => {
                let way = if membership.direct { "is a member of" } else { "is an indirect member of" };
                let until = until(membership.expires_at);
                format!("{} {way} {}{until}", membership.username, membership.group_name)
            }
            Record::Binding(binding) => {
                let (from, to) = (self.end(&binding.from)?, self.end(&binding.to)?);
                match &binding.access {
                    Some(access) => format!("{from} has {} on {to}{}", named(access), until(binding.expires_at)),
                    None => format!("{from} is inside {to}"),
                }
            }
            other => other.key().to_string(),
        })
    }

    fn end(&mut self, end: &connector_api::NodeRef) -> Result<String, ConnectorError> {
        for run in [self.runs[1], self.runs[0]] {
            let found = self.store.find(&self.system, run, end.kind.as_str(), &end.external_id)?;
            let name = found.iter().find_map(|row| match row {
                Record::Account(account) if account.external_id == end.external_id => Some(&account.username),
                Record::Group(group)
                    if (&group.external_id, &group.group_type) == (&end.external_id, &end.node_type) =>
                {
                    Some(&group.name)
                }
                Record::Resource(resource)
                    if (&resource.external_id, &resource.resource_type) == (&end.external_id, &end.node_type) =>
                {
                    Some(&resource.name)
                }
                _ => None,
            });
            if let Some(name) = name {
                return Ok(name.clone());
            }
        }
        Ok(format!("{} {}", end.node_type, end.external_id))
    }
}

/// The fields that differ, with what they were and are.
fn differences(before: &Record, after: &Record) -> Vec<String> {
    let [before, after] = [before, after].map(|record| flat(&serde_json::to_value(record).unwrap_or_default()));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let words = |value: Option<&Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differ
        .map(|name| match name.as_str() {
            "reasons" => evidence(before.get(name), after.get(name)),
            "links" => format!("{name} changed"),
            name if is_list_of_objects(before.get(name)) || is_list_of_objects(after.get(name)) => {
                format!("{name} changed")
            }
            name => format!("{name} was {}, is {}", words(before.get(name)), words(after.get(name))),
        })
        .collect()
}

/// Which evidence is new and which is gone: by its codes, because its sentences are long.
fn evidence(before: Option<&Value>, after: Option<&Value>) -> String {
    let codes = |reasons: Option<&Value>| -> BTreeSet<String> {
        let reasons = reasons.and_then(Value::as_array).into_iter().flatten();
        reasons.filter_map(|reason| Some(reason["code"].as_str()?.to_owned())).collect()
    };
    let (before, after) = (codes(before), codes(after));
    let listed =
        |codes: Vec<String>, word: &str| (!codes.is_empty()).then(|| format!("evidence {} {word}", words::and(&codes)));
    let new = listed(after.difference(&before).cloned().collect(), "is new");
    let gone = listed(before.difference(&after).cloned().collect(), "has ended");
    match (new, gone) {
        (None, None) => "the same evidence has other details".to_owned(),
        (new, gone) => new.into_iter().chain(gone).collect::<Vec<_>>().join(", "),
    }
}

fn is_list_of_objects(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Array(items)) if items.iter().any(Value::is_object))
}

/// The fields of a row by their names, such as `password.changedAt` and `attributes.shell`.
fn flat(row: &Value) -> BTreeMap<String, Value> {
    fn add(fields: &mut BTreeMap<String, Value>, prefix: &str, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            match value {
                Value::Object(_) => add(fields, &format!("{prefix}{name}."), value),
                _ => drop(fields.insert(format!("{prefix}{name}"), value.clone())),
            }
        }
    }
    let mut fields = BTreeMap::new();
    add(&mut fields, "", row);
    fields
}

fn change_as_json(change: &Change) -> Value {
    let (kind, key) = (change.record().kind(), change.record().key());
    match change {
        Change::New(record) => json!({"change": "new", "record": kind, "key": key, "after": record}),
        Change::Gone(record) => json!({"change": "gone", "record": kind, "key": key, "before": record}),
        Change::Changed { before, after } => {
            json!({"change": "changed", "record": kind, "key": key, "before": before, "after": after})
        }
        other => json!({"change": "unknown", "key": other.record().key()}),
    }
}

#[cfg(test)]
mod tests {
    use connector_api::{Account, PasswordFacts, Reason, ReasonKind, Severity};

    use super::*;

    #[test]
    fn a_changed_row_names_its_fields_with_what_they_were() {
        let before = Account::new("1", "ada");
        let mut after = before.clone();
        after.department = Some("Sales".into());
        after.attributes = [("shell", "/bin/sh".into())].into();
        let mut password = PasswordFacts::default();
        password.expired = Some(true);
        after.password = Some(password);
        let words = differences(&before.into(), &after.into());
        let expected = [
            "attributes.shell was nothing, is /bin/sh",
            "department was nothing, is Sales",
            "password.expired was nothing, is true",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn changed_evidence_is_named_by_its_codes() {
        let reason = |code: &str, message: &str| Reason::new(code, ReasonKind::Risk, Severity::Low, message, "mend it");
        let with = |reasons: Vec<Reason>| {
            let mut account = Account::new("1", "ada");
            account.reasons = reasons;
            Record::from(account)
        };
        let [one, two] = [reason("old_key", "has an old key"), reason("no_mfa", "has none")];
        let words = |before: &[&Reason], after: &[&Reason]| {
            let [before, after] = [before, after].map(|all| with(all.iter().map(|one| (*one).clone()).collect()));
            differences(&before, &after)
        };
        assert_eq!(words(&[], &[&one, &two]), ["evidence no_mfa and old_key is new"]);
        assert_eq!(words(&[&one], &[&two]), ["evidence no_mfa is new, evidence old_key has ended"]);
        assert_eq!(words(&[&one], &[&reason("old_key", "older")]), ["the same evidence has other details"]);
    }
}
