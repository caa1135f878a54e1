//! The difference of two runs in who reaches what.
//!
//! Access follows from rows, so it can differ only for accounts and groups that a changed row is about. These are looked at
//! in both runs, some at a time: the rows on their ways are mostly the same. A change that reaches the members of a group through the group is one of the group: otherwise
//! one new device could make as many changes as an organisation has accounts.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::AccessRows;
use connector_api::{Account, ConnectorError, Grant, NodeKind, NodeRef, PathStep, Raises, Record};

use crate::database::Connection;
use crate::diff::{Between, Change, EachChange};
use crate::reach::{Reach, Subject};

/// Whose access may differ.
#[derive(Default)]
struct Concerned {
    accounts: BTreeSet<String>,
    /// Type and id.
    groups: BTreeSet<(String, String)>,
    /// Resources that are there in one run alone, and those of which the content differs, by type and id.
    resources: BTreeSet<(String, String)>,
}

/// Accounts or groups whose ways are read at once.
const AT_ONCE: usize = 100;

/// Passes on the rows that differ, then the grants that do, one account or group after the other.
pub(crate) fn changes(
    db: &mut dyn Connection,
    between: &Between,
    each_row: EachChange<'_>,
    each_grant: EachChange<'_>,
) -> Result<(), ConnectorError> {
    let mut concerned = Concerned::default();
    between.changes(db, &mut |change| {
        concerned.observe(&change);
        each_row(change)
    })?;
    let (system, runs) = (between.system, [between.before, between.after]);
    for (resource_type, id) in std::mem::take(&mut concerned.resources) {
        for run in runs {
            let bound = Reach::new(db, system, run).bound_to(&resource_type, &id)?;
            bound.iter().for_each(|node| concerned.add(node));
        }
    }
    let mut of_groups = OfGroups::default();
    let groups = concerned.groups.iter().map(|(group_type, external_id)| Subject::Group { group_type, external_id });
    of_subjects(db, between, &groups.collect::<Vec<_>>(), &mut |subject, change| {
        of_groups.add(subject, &change);
        each_grant(change)
    })?;
    let accounts = concerned.accounts.iter().map(|external_id| Subject::Account { external_id });
    of_subjects(db, between, &accounts.collect::<Vec<_>>(), &mut |_, change| {
        if of_groups.explain(&change) { Ok(()) } else { each_grant(change) }
    })
}

/// Passes on the grants of some accounts or groups that differ.
fn of_subjects(
    db: &mut dyn Connection,
    between: &Between,
    subjects: &[Subject<'_>],
    each: &mut dyn FnMut(Subject<'_>, Change) -> Result<(), ConnectorError>,
) -> Result<(), ConnectorError> {
    for some in subjects.chunks(AT_ONCE) {
        let mut rows = |run| Reach::new(db, between.system, run).ways_from(some);
        let (before, after) = (rows(between.before)?, rows(between.after)?);
        for subject in some {
            let grants = |rows: &AccessRows| subject.found_in(rows).map(|found| rows.grants(found)).unwrap_or_default();
            differences(grants(&before), grants(&after), &mut |change| each(*subject, change))?;
        }
    }
    Ok(())
}

/// The grants of groups that are new or gone: whether they are gone, the group and the resource, each by type and id.
#[derive(Default)]
struct OfGroups(BTreeSet<(bool, [String; 4])>);

impl OfGroups {
    fn add(&mut self, group: Subject<'_>, change: &Change) {
        if let (Subject::Group { group_type, external_id }, Some((is_gone, grant))) = (group, new_or_gone(change)) {
            self.0.insert(identity(is_gone, (group_type, external_id), grant));
        }
    }

    /// Whether every way of an account leads through a group of which the same was passed on.
    fn explain(&self, change: &Change) -> bool {
        let Some((is_gone, grant)) = new_or_gone(change) else { return false };
        let explains =
            |step: &PathStep| self.0.contains(&identity(is_gone, (&step.group_type, &step.external_id), grant));
        !grant.via.is_empty()
            && grant.more_paths == 0
            && grant.via.iter().all(|way| way.steps.first().is_some_and(explains))
    }
}

fn identity(is_gone: bool, (group_type, external_id): (&str, &str), grant: &Grant) -> (bool, [String; 4]) {
    let resource = &grant.resource;
    (is_gone, [group_type, external_id, &resource.resource_type, &resource.external_id].map(str::to_owned))
}

fn new_or_gone(change: &Change) -> Option<(bool, &Grant)> {
    match change {
        Change::New(Record::Grant(grant)) => Some((false, grant)),
        Change::Gone(Record::Grant(grant)) => Some((true, grant)),
        _ => None,
    }
}

impl Concerned {
    fn observe(&mut self, change: &Change) {
        let (before, after) = match change {
            Change::New(after) => (None, Some(after)),
            Change::Gone(before) => (Some(before), None),
            Change::Changed { before, after } => (Some(before), Some(after)),
        };
        match change.record() {
            Record::Account(account) if raises(before) != raises(after) || before.is_none() || after.is_none() => {
                self.add(&NodeRef::from(&**account));
            }
            Record::Group(group) if raises(before) != raises(after) || before.is_none() || after.is_none() => {
                self.add(&NodeRef::from(&**group));
            }
            // An indirect one follows from another: that of an account, or of a group in a group.
            Record::Membership(membership) if [before, after].into_iter().flatten().any(is_direct) => {
                self.add(&NodeRef::from(&Account::new(&*membership.account_external_id, "?")));
            }
            // Its bindings may be kept.
            Record::Resource(resource) if is_container(before) != is_container(after) => {
                self.resources.insert((resource.resource_type.clone(), resource.external_id.clone()));
            }
            Record::Binding(binding) => match (binding.from.kind, binding.to.kind) {
                (NodeKind::Resource, _) => {
                    let to = &binding.to;
                    self.resources.insert((to.node_type.clone(), to.external_id.clone()));
                }
                _ => self.add(&binding.from),
            },
            _ => {}
        }
    }

    fn add(&mut self, node: &NodeRef) {
        match node.kind {
            NodeKind::Account => drop(self.accounts.insert(node.external_id.clone())),
            NodeKind::Group => drop(self.groups.insert((node.node_type.clone(), node.external_id.clone()))),
            _ => {}
        }
    }
}

fn raises(record: Option<&Record>) -> Option<&Raises> {
    match record? {
        Record::Account(account) => account.raises.as_ref(),
        Record::Group(group) => group.raises.as_ref(),
        _ => None,
    }
}

fn is_container(record: Option<&Record>) -> Option<bool> {
    match record? {
        Record::Resource(resource) => Some(resource.container),
        _ => None,
    }
}

fn is_direct(record: &Record) -> bool {
    matches!(record, Record::Membership(membership) if membership.direct)
}

fn differences(before: Vec<Grant>, after: Vec<Grant>, each: EachChange<'_>) -> Result<(), ConnectorError> {
    let key = |grant: &Grant| (grant.resource.resource_type.clone(), grant.resource.external_id.clone());
    let mut before: BTreeMap<_, Grant> = before.into_iter().map(|grant| (key(&grant), grant)).collect();
    for after in after {
        match before.remove(&key(&after)) {
            None => each(Change::New(after.into()))?,
            Some(before) if (&before.access, before.expires_at) != (&after.access, after.expires_at) => {
                each(Change::Changed { before: before.into(), after: after.into() })?;
            }
            Some(_) => {}
        }
    }
    before.into_values().try_for_each(|before| each(Change::Gone(before.into())))
}
