//! Changes of access, as sentences.

use std::collections::BTreeMap;

use connector_api::{Access, AccessLevel, ConnectorError, Grant, Principal, Record};
use connector_store::Change;
use indicatif::HumanCount;

use crate::cli::reach::{named, until};
use crate::cli::summary::words;

/// Resources that are named; more are counted.
const NAMED: usize = 3;

/// What several resources have in common in a sentence, in the order in which sentences are shown.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sentence {
    /// New first, gone last.
    order: u8,
    /// Such as `is administrator on`.
    verb: &'static str,
    resource_type: String,
    /// Such as ` through Domain Admins, until …`.
    way: String,
    /// Such as `new`.
    outcome: String,
}

/// Puts changes of grants, which come one principal after the other, into sentences. `members` counts those of a group, in
/// the earlier run if the access is gone.
pub(super) fn sentences(
    changes: &[Change],
    os_type: &str,
    mut members: impl FnMut(&Principal, bool) -> Result<u64, ConnectorError>,
) -> Result<Vec<String>, ConnectorError> {
    let grants: Vec<(Option<&Grant>, Option<&Grant>)> = changes.iter().map(both).collect();
    let mut sentences = Vec::new();
    let same = |one: &(Option<&Grant>, Option<&Grant>), two: &(Option<&Grant>, Option<&Grant>)| {
        let id =
            |(before, after): &(Option<&Grant>, Option<&Grant>)| after.or(*before).map(|grant| grant.principal.clone());
        let [one, two] = [id(one), id(two)];
        one.zip(two).is_some_and(|(one, two)| is_same(&one, &two))
    };
    for of_one in grants.chunk_by(same) {
        let mut resources = BTreeMap::<Sentence, Vec<&str>>::new();
        let mut principal = None;
        for (before, after) in of_one {
            let Some(grant) = after.or(*before) else { continue };
            principal = Some((&grant.principal, after.is_none()));
            resources.entry(sentence(*before, *after, grant)).or_default().push(&grant.resource.name);
        }
        let Some((principal, is_gone)) = principal else { continue };
        let who = match principal {
            Principal::Account { username, .. } => username.clone(),
            group => {
                let members = members(group, is_gone)?;
                let noun = if members == 1 { "member" } else { "members" };
                format!("group {} ({} {noun})", group.name(), HumanCount(members))
            }
        };
        for (Sentence { verb, resource_type, way, outcome, .. }, mut names) in resources {
            names.sort_unstable();
            sentences.push(format!("{who} {verb} {}{way}: {outcome}", listed(&names, &resource_type, os_type)));
        }
    }
    Ok(sentences)
}

/// Whether two changes are of one principal, which may have another name now.
fn is_same(one: &Principal, two: &Principal) -> bool {
    let group_type = |principal: &Principal| match principal {
        Principal::Group { group_type, .. } => Some(group_type.clone()),
        _ => None,
    };
    one.kind() == two.kind() && one.external_id() == two.external_id() && group_type(one) == group_type(two)
}

fn both(change: &Change) -> (Option<&Grant>, Option<&Grant>) {
    match change {
        Change::New(after) => (None, grant(after)),
        Change::Gone(before) => (grant(before), None),
        Change::Changed { before, after } => (grant(before), grant(after)),
        other => (None, grant(other.record())),
    }
}

fn grant(record: &Record) -> Option<&Grant> {
    match record {
        Record::Grant(grant) => Some(grant),
        _ => None,
    }
}

fn sentence(before: Option<&Grant>, after: Option<&Grant>, shown: &Grant) -> Sentence {
    let (order, outcome) = match (before, after) {
        (None, _) => (0, "new".to_owned()),
        (_, None) => (2, "gone".to_owned()),
        (Some(before), Some(after)) => (1, changed(before, after)),
    };
    let verb = match shown.access.level {
        AccessLevel::Administer => "is administrator on",
        AccessLevel::Write => "can write to",
        _ => "can use",
    };
    // One of the strongest, and of these the shortest.
    let way = shown.via.iter().find(|way| way.access == shown.access).or(shown.via.first());
    let through =
        way.and_then(|way| way.steps.first()).map_or_else(String::new, |step| format!(" through {}", step.name));
    let way = format!("{through}{}", until(shown.expires_at));
    Sentence { order, verb, resource_type: shown.resource.resource_type.clone(), way, outcome }
}

/// What was otherwise before.
fn changed(before: &Grant, after: &Grant) -> String {
    let word = |access: &Access| named(access);
    let mut was = Vec::new();
    if before.access != after.access {
        was.push(format!("was {}, is {}", word(&before.access), word(&after.access)));
    }
    if before.expires_at != after.expires_at {
        was.push(match (before.expires_at, after.expires_at) {
            (None, _) => "was for good".to_owned(),
            // Too near to each other for the minutes to show it.
            (Some(was), Some(is)) if until(Some(was)) == until(Some(is)) => format!("was until {was}, is until {is}"),
            (end, _) => format!("was{}", until(end).trim_start_matches(',')),
        });
    }
    was.join(", ")
}

/// The names of a few, or the number of many.
fn listed(names: &[&str], resource_type: &str, os_type: &str) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        many => {
            let count = many.len() as u64;
            format!("{} {}", HumanCount(count), words::kind(resource_type, os_type, count))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{AccessPath, PathStep, ResourceRef};

    use super::*;

    fn on(principal: Principal, device: u32, access: Access, group: &str) -> Grant {
        let resource = ResourceRef::new(device.to_string(), "system", format!("web-{device}"));
        let mut grant = Grant::new(principal, resource, access.clone());
        grant.via = vec![AccessPath::new(access, vec![PathStep::new("CREW", "7", group)])];
        grant
    }

    #[test]
    fn access_is_said_by_whom_how_to_what_and_through_which_group() {
        let sudo = || Access::of_word(AccessLevel::Administer, "sudo");
        let login = || Access::of_word(AccessLevel::Use, "login");
        let maria = || Principal::account("1", "maria.keller");
        let admins = Principal::group("7", "CREW", "Domain Admins");
        let mut changes: Vec<Change> = Vec::new();
        for device in 1..=2 {
            changes.push(Change::New(on(admins.clone(), device, sudo(), "Servers").into()));
        }
        for device in 1..=20 {
            changes.push(Change::New(on(maria(), device, sudo(), "Domain Admins").into()));
        }
        changes.push(Change::Gone(on(maria(), 21, login(), "Staff").into()));
        let before = on(maria(), 22, login(), "Staff");
        changes.push(Change::Changed { before: before.clone().into(), after: on(maria(), 22, sudo(), "Ops").into() });
        let mut after = on(maria(), 23, login(), "Staff");
        after.expires_at = Some("2026-03-03T09:00:00Z".parse().unwrap());
        let before = on(maria(), 23, login(), "Staff");
        changes.push(Change::Changed { before: before.into(), after: after.clone().into() });
        let mut asked = Vec::new();
        let sentences = sentences(&changes, "Toy", |group, is_gone| {
            asked.push((group.name().to_owned(), is_gone));
            Ok(12)
        });
        let end = until(after.expires_at);
        assert_eq!(
            sentences.unwrap(),
            [
                "group Domain Admins (12 members) is administrator on web-1 and web-2 through Servers: new".to_owned(),
                "maria.keller is administrator on 20 devices through Domain Admins: new".to_owned(),
                format!("maria.keller can use web-23 through Staff{end}: was for good"),
                "maria.keller is administrator on web-22 through Ops: was login (use), is sudo (administer)".to_owned(),
                "maria.keller can use web-21 through Staff: gone".to_owned(),
            ]
        );
        assert_eq!(asked, [("Domain Admins".to_owned(), false)]);
    }
}
