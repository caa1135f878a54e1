//! The rows of a scan, compared with the truth and with each other.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{PathStep, Reason, ReasonKind, Record, rows_schema};
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::truth::{self, Truth, account_key, group_key, policy_key, resource_key, shortened};
use crate::verdict::{Expect, Failure, NotPassed, Verdict, ensure};

async fn healthy_rows(fixture: &dyn Fixture) -> Result<Vec<Record>, NotPassed> {
    Ok(Bench::start(fixture, Scenario::Healthy).await?.scan().await?.1)
}

pub(crate) async fn a_scan_equals_the_truth(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, rows) = bench.scan().await?;
    equals_the_truth(&bench, &rows)
}

/// Checks that the rows equal the target's records.
pub(super) fn equals_the_truth(bench: &Bench, rows: &[Record]) -> Verdict {
    match bench.target.truth.difference(&Truth::of(rows)) {
        None => Ok(()),
        Some(difference) => {
            let expected = format!("exactly the {} records of {}", bench.target.truth.len(), bench.scenario);
            Err(Failure::new(expected, difference).into())
        }
    }
}

/// The fields by which a host decides. If rows set them, the truth should, too.
const DECIDING: [(&str, &str); 2] = [("account", "enabled"), ("account", "admin")];

pub(crate) async fn every_field_that_the_truth_sets_is_right(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, rows) = bench.scan().await?;
    let (truth, seen) = (&bench.target.truth, Truth::of(&rows));
    if let Some(difference) = truth.differing_fields(&seen) {
        return Err(Failure::new("each field as set in the records of the truth", difference).into());
    }
    let unset = DECIDING.into_iter().filter(|(kind, field)| seen.sets(kind, field) && !truth.sets(kind, field));
    let unset: Vec<String> = unset.map(|(kind, field)| format!("`{field}` of {kind}s")).collect();
    if unset.is_empty() {
        return Ok(());
    }
    Err(NotPassed::Skipped(format!("no record of the fixture's truth sets {}, but the scan does", unset.join(" or "))))
}

pub(crate) async fn every_row_satisfies_the_published_schema(fixture: &dyn Fixture) -> Verdict {
    let schema = rows_schema().to_value();
    let validator = jsonschema::draft202012::new(&schema)
        .map_err(|error| Failure::new("a usable schema of the rows", error.to_string()))?;
    let mut odd = Vec::new();
    for row in healthy_rows(fixture).await? {
        let name = truth::identity(&row);
        let json = serde_json::to_value(&row).expecting(format!("{name} as JSON"))?;
        odd.extend(problem(&validator, &json).map(|problem| format!("{name}: {problem}")));
    }
    ensure(odd.is_empty(), "rows as `rows_schema` describes them", || shortened(&odd))
}

/// Returns what is wrong with a row, and where, judged by the schema of its kind.
fn problem(validator: &jsonschema::Validator, row: &Value) -> Option<String> {
    let error = validator.iter_errors(row).next()?;
    let shown = |error: &jsonschema::ValidationError<'_>| format!("{} {error}", error.instance_path());
    if let ValidationErrorKind::OneOfNotValid { context } = error.kind() {
        let of_its_kind = |errors: &&Vec<_>| !errors.iter().map(shown).any(|shown| shown.starts_with("/record "));
        if let Some(first) = context.iter().find(of_its_kind).and_then(|errors| errors.first()) {
            return Some(shown(first));
        }
    }
    Some(shown(&error))
}

pub(crate) async fn two_scans_are_equal_row_by_row(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let ((_, first), (_, second)) = (bench.scan().await?, bench.scan().await?);
    same_rows("the second scan sends the rows of the first, in the same order", &first, &second)
}

/// Checks that both contain the same rows in the same order. The start of the period that was searched for logins may
/// differ: it is a fact about the scan, not about the target.
pub(super) fn same_rows(expected: &str, first: &[Record], second: &[Record]) -> Verdict {
    let parting = first.iter().zip(second).position(|(one, other)| timeless(one) != timeless(other));
    match parting {
        Some(at) => {
            let (one, other) = (truth::identity(&first[at]), truth::identity(&second[at]));
            let got = if one == other {
                format!("row {at}, {one}, with other values")
            } else {
                format!("row {at} is {other}, not {one}")
            };
            Err(Failure::new(expected, got).into())
        }
        None => {
            ensure(first.len() == second.len(), expected, || format!("{} rows, then {}", first.len(), second.len()))
        }
    }
}

fn timeless(row: &Record) -> Record {
    let mut row = row.clone();
    if let Record::Account(account) = &mut row
        && let Some(login) = &mut account.last_login
    {
        login.since = None;
    }
    row
}

pub(crate) async fn no_row_comes_twice(fixture: &dyn Fixture) -> Verdict {
    let rows = healthy_rows(fixture).await?;
    let twice = repeated(rows.iter().map(truth::identity));
    ensure(twice.is_empty(), "every row once", || shortened(&twice))
}

pub(crate) async fn every_username_is_unique(fixture: &dyn Fixture) -> Verdict {
    let rows = healthy_rows(fixture).await?;
    let names: Vec<String> = rows
        .iter()
        .filter_map(|row| match row {
            Record::Account(account) => Some(account.username.clone()),
            _ => None,
        })
        .collect();
    ensure(!names.iter().any(|name| name.trim().is_empty()), "every account has a username", || "an empty one")?;
    let twice = repeated(names);
    ensure(twice.is_empty(), "every username once", || shortened(&twice))
}

/// Returns what occurs more than once.
fn repeated(items: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter_map(|item| seen.replace(item)).map(|item| format!("{item} occurs twice")).collect()
}

pub(crate) async fn every_reference_names_a_row_of_the_scan(fixture: &dyn Fixture) -> Verdict {
    let rows = healthy_rows(fixture).await?;
    let emitted: BTreeMap<String, &str> = rows
        .iter()
        .filter_map(|row| match row {
            Record::Account(account) => Some((truth::identity(row), account.username.as_str())),
            Record::Group(group) => Some((truth::identity(row), group.name.as_str())),
            Record::Resource(resource) => Some((truth::identity(row), resource.name.as_str())),
            Record::Policy(policy) => Some((truth::identity(row), policy.name.as_str())),
            _ => None,
        })
        .collect();
    let astray: Vec<String> = rows
        .iter()
        .flat_map(|row| references(row).into_iter().map(move |reference| (row, reference)))
        .filter_map(|(row, (key, name))| {
            let row = truth::identity(row);
            match (emitted.get(&key), name) {
                (None, _) => Some(format!("{row} refers to {key}, which is not in the scan")),
                (Some(real), Some(name)) if *real != name => Some(format!("{row} calls {key} `{name}`, not `{real}`")),
                _ => None,
            }
        })
        .collect();
    ensure(astray.is_empty(), "every reference is to a row of the scan, with its right name", || shortened(&astray))
}

/// Returns every row that a row refers to, with the name that it uses.
fn references(row: &Record) -> Vec<(String, Option<&str>)> {
    fn passed(step: &PathStep) -> (String, Option<&str>) {
        (group_key(&step.group_type, &step.external_id), Some(step.name.as_str()))
    }
    match row {
        Record::Account(account) => {
            let protection = account.protection.iter().flat_map(|protection| [&protection.portal, &protection.console]);
            let policies = protection.flatten().flat_map(|sign_in| &sign_in.policies);
            let links = account.links.iter().map(|link| account_key(&link.external_id));
            links.chain(policies.map(|policy| policy_key(policy))).map(|key| (key, None)).collect()
        }
        Record::Membership(membership) => [
            (account_key(&membership.account_external_id), Some(membership.username.as_str())),
            (group_key(&membership.group_type, &membership.group_external_id), Some(membership.group_name.as_str())),
        ]
        .into_iter()
        .chain(membership.via.iter().map(passed))
        .collect(),
        Record::Binding(binding) => {
            [&binding.from, &binding.to].map(|end| (truth::node_key(end), None)).into_iter().collect()
        }
        Record::Policy(policy) => {
            let (subjects, targets) = (&policy.subjects, &policy.targets);
            let named = subjects.included.iter().chain(&subjects.excluded).chain(&targets.excluded);
            let included = targets.included.iter().filter_map(|target| target.resource.as_ref());
            named.chain(included).map(|node| (truth::node_key(node), None)).collect()
        }
        Record::Grant(grant) => {
            let resource = &grant.resource;
            [
                (truth::principal_key(&grant.principal), Some(grant.principal.name())),
                (resource_key(&resource.resource_type, &resource.external_id), Some(resource.name.as_str())),
            ]
            .into_iter()
            .chain(grant.via.iter().flat_map(|path| &path.steps).map(passed))
            .collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) async fn rows_come_in_the_order_of_their_kinds(fixture: &dyn Fixture) -> Verdict {
    let rows = healthy_rows(fixture).await?;
    let rank = |row: &Record| Record::KINDS.iter().position(|kind| *kind == row.kind());
    let late = rows.windows(2).find(|pair| rank(&pair[0]) > rank(&pair[1]));
    ensure(late.is_none(), format!("rows in the order {}", Record::KINDS.join(", ")), || {
        late.map(|pair| format!("{} after {}", truth::identity(&pair[1]), truth::identity(&pair[0])))
            .unwrap_or_default()
    })
}

pub(crate) async fn member_counts_match_the_memberships(fixture: &dyn Fixture) -> Verdict {
    let rows = healthy_rows(fixture).await?;
    let mut members: BTreeMap<String, u64> = BTreeMap::new();
    for row in &rows {
        if let Record::Membership(membership) = row {
            *members.entry(group_key(&membership.group_type, &membership.group_external_id)).or_default() += 1;
        }
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| match row {
            Record::Group(group) => {
                let rows = members.get(&truth::identity(row)).copied().unwrap_or_default();
                let count = group.member_count.filter(|count| *count != rows)?;
                Some(format!("{} has memberCount {count} and {rows} membership rows", truth::identity(row)))
            }
            _ => None,
        })
        .collect();
    ensure(wrong.is_empty(), "memberCount is the number of the group's membership rows", || shortened(&wrong))
}

pub(crate) async fn every_type_is_announced(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, rows) = bench.scan().await?;
    let types: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| match row {
            Record::Group(group) => Some(group.group_type.as_str()),
            Record::Resource(resource) => Some(resource.resource_type.as_str()),
            _ => None,
        })
        .collect();
    let silent: Vec<String> = types
        .into_iter()
        .filter(|name| !bench.descriptor.emits.iter().any(|announced| announced == name))
        .map(|name| format!("`{name}` is emitted but not announced"))
        .collect();
    ensure(silent.is_empty(), "the descriptor's `emits` lists every group and resource type", || shortened(&silent))
}

pub(crate) async fn every_reason_is_announced(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, rows) = bench.scan().await?;
    let mut odd: BTreeSet<String> = BTreeSet::new();
    for row in &rows {
        let (reasons, privileged) = match row {
            Record::Account(account) => (&account.reasons, None),
            Record::Group(group) => (&group.reasons, Some(group.privileged)),
            // A thing has no privileges.
            Record::Resource(resource) => (&resource.reasons, Some(false)),
            _ => continue,
        };
        for reason in reasons {
            let announced = bench.descriptor.evidence.iter().find(|announced| announced.code == reason.code);
            let code = &reason.code;
            match announced {
                None => _ = odd.insert(format!("`{code}` is the code of a reason but not announced")),
                Some(announced) if announced.kind != reason.kind => _ = odd.insert(format!("`{code}` has two kinds")),
                Some(announced) if !announced.severities.contains(&reason.severity) => {
                    odd.insert(format!("`{code}` is {}, which is not announced", reason.severity));
                }
                Some(announced) if announced.remedy != reason.remedy => {
                    _ = odd.insert(format!("`{code}` has two remedies"))
                }
                Some(_) => {}
            }
        }
        if !reasons.is_sorted_by(|one, next| one.severity >= next.severity) {
            odd.insert(format!("the reasons of {} are not sorted by severity", truth::identity(row)));
        }
        let keys: BTreeSet<_> = reasons.iter().map(Reason::key).collect();
        if keys.len() < reasons.len() {
            odd.insert(format!("two reasons of {} have the same code, subject and setting", truth::identity(row)));
        }
        let gives = reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
        if privileged.is_some_and(|privileged| privileged != gives) {
            odd.insert(match row {
                Record::Resource(_) => format!("{} has a reason that gives privilege", truth::identity(row)),
                _ => format!("`privileged` of {} contradicts its reasons", truth::identity(row)),
            });
        }
    }
    let odd: Vec<String> = odd.into_iter().collect();
    ensure(odd.is_empty(), "reasons as the descriptor's `evidence` lists them, most severe first", || shortened(&odd))
}
