//! Who reaches what, from the rows on the ways alone.
//!
//! From an account, the walk leads up through its groups, over their bindings and down into containers; from a resource, the
//! other way round. Each step is a look-up by an index. `connector-access` then makes the grants of the rows that were found.

pub(crate) mod through;

use std::collections::{BTreeMap, BTreeSet};

use connector_access::{Reverse, RowsBuilder};
use connector_api::{ConnectorError, Grant, NodeRef, Record};

use crate::body;
use crate::database::Connection;
use crate::read;
use crate::runs;

/// Who reaches a resource.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Who {
    /// The grants of groups, and those of the first accounts.
    pub grants: Vec<Grant>,
    /// How many accounts reach it.
    pub accounts: u64,
}

/// A version of the table `n` that stood after run `?2` of system `?1`.
const STOOD: &str = "n.system = ?1 and n.from_run <= ?2 and (n.to_run is null or n.to_run > ?2)";

/// The rows on the ways of one question.
pub(crate) struct Reach<'a> {
    db: &'a mut dyn Connection,
    system: i64,
    run: i64,
    /// By kind, then by object.
    objects: BTreeMap<&'static str, BTreeSet<i64>>,
    memberships: Vec<Record>,
    bindings: Vec<Record>,
}

/// One binding from or to something.
struct Edge {
    record: Record,
    /// The kind and the object at the other end.
    kind: String,
    object: i64,
}

const ACCOUNT: &str = "account";
const GROUP: &str = "group";
const RESOURCE: &str = "resource";

impl<'a> Reach<'a> {
    pub(crate) fn new(db: &'a mut dyn Connection, system: i64, run: i64) -> Self {
        Self { db, system, run, objects: BTreeMap::new(), memberships: Vec::new(), bindings: Vec::new() }
    }

    /// Returns what an account reaches.
    pub(crate) fn why(self, external_id: &str) -> Result<Vec<Grant>, ConnectorError> {
        let run = self.run;
        self.grants(Subject::Account { external_id })?.ok_or_else(|| missing(ACCOUNT, run))
    }

    /// Returns what an account or group reaches; `None` if it has no row.
    pub(crate) fn grants(mut self, subject: Subject<'_>) -> Result<Option<Vec<Grant>>, ConnectorError> {
        let (kind, of_type, external_id) = match subject {
            Subject::Account { external_id } => (ACCOUNT, "", external_id),
            Subject::Group { group_type, external_id } => (GROUP, group_type, external_id),
        };
        let Some(object) = self.number(kind, of_type, external_id)? else { return Ok(None) };
        self.add(kind, object);
        let mut from = vec![object];
        if kind == ACCOUNT {
            for group in self.groups_of(object)? {
                if self.add(GROUP, group) {
                    from.push(group);
                }
            }
        }
        let mut resources = Vec::new();
        while let Some(next) = from.pop() {
            for edge in self.edges(next, End::From)? {
                self.bindings.push(edge.record);
                match edge.kind.as_str() {
                    GROUP if self.add(GROUP, edge.object) => from.push(edge.object),
                    RESOURCE if self.add(RESOURCE, edge.object) => resources.push(edge.object),
                    _ => {}
                }
            }
        }
        while let Some(container) = resources.pop() {
            for edge in self.edges(container, End::To)?.into_iter().filter(|edge| edge.kind == RESOURCE) {
                self.bindings.push(edge.record);
                if self.add(RESOURCE, edge.object) {
                    resources.push(edge.object);
                }
            }
        }
        let rows = self.rows()?;
        let subject = match subject {
            Subject::Account { external_id } => rows.account(external_id),
            Subject::Group { group_type, external_id } => rows.group(group_type, external_id),
        };
        Ok(Some(subject.map(|subject| rows.grants(subject)).unwrap_or_default()))
    }

    /// Returns the accounts and groups that are bound to a resource, or to what it is inside; nothing if it has no row.
    pub(crate) fn bound_to(mut self, resource_type: &str, external_id: &str) -> Result<Vec<NodeRef>, ConnectorError> {
        let mut resources = Vec::from_iter(self.number(RESOURCE, resource_type, external_id)?);
        for resource in &resources {
            self.add(RESOURCE, *resource);
        }
        let mut bound = Vec::new();
        while let Some(next) = resources.pop() {
            for edge in self.edges(next, End::From)?.into_iter().filter(|edge| edge.kind == RESOURCE) {
                if self.add(RESOURCE, edge.object) {
                    resources.push(edge.object);
                }
            }
            for edge in self.edges(next, End::To)?.into_iter().filter(|edge| edge.kind != RESOURCE) {
                if let Record::Binding(binding) = edge.record {
                    bound.push(binding.from);
                }
            }
        }
        Ok(bound)
    }

    /// Returns who reaches a resource. `shown` chooses the accounts whose grants are built among those that reach it.
    pub(crate) fn who(
        mut self,
        resource_type: &str,
        external_id: &str,
        shown: impl FnOnce(&mut dyn Connection, &BTreeSet<i64>) -> Result<BTreeSet<i64>, ConnectorError>,
    ) -> Result<Who, ConnectorError> {
        let resource = self.object(RESOURCE, resource_type, external_id)?;
        if self.is_container(resource)? {
            // There is nothing to reach but what is inside.
            return Ok(Who::default());
        }
        self.add(RESOURCE, resource);
        let mut resources = vec![resource];
        let (mut groups, mut accounts) = (Vec::new(), BTreeSet::new());
        let mut of_accounts = Vec::new();
        while let Some(next) = resources.pop() {
            for edge in self.edges(next, End::From)?.into_iter().filter(|edge| edge.kind == RESOURCE) {
                self.bindings.push(edge.record);
                if self.add(RESOURCE, edge.object) {
                    resources.push(edge.object);
                }
            }
            for edge in self.edges(next, End::To)? {
                match edge.kind.as_str() {
                    ACCOUNT if self.has_row(edge.object)? => {
                        accounts.insert(edge.object);
                        of_accounts.push(edge);
                    }
                    GROUP => {
                        self.bindings.push(edge.record);
                        if self.add(GROUP, edge.object) {
                            groups.push(edge.object);
                        }
                    }
                    _ => {}
                }
            }
        }
        while let Some(next) = groups.pop() {
            accounts.append(&mut self.members(next)?);
            for edge in self.edges(next, End::To)?.into_iter().filter(|edge| edge.kind == GROUP) {
                self.bindings.push(edge.record);
                if self.add(GROUP, edge.object) {
                    groups.push(edge.object);
                }
            }
        }
        let shown = shown(self.db, &accounts)?;
        let of_shown = of_accounts.into_iter().filter(|edge| shown.contains(&edge.object));
        self.bindings.extend(of_shown.map(|edge| edge.record));
        for account in &shown {
            self.add(ACCOUNT, *account);
            self.groups_of(*account)?;
        }
        let rows = self.rows()?;
        let grants = rows.resource(resource_type, external_id).map(|resource| {
            let reverse = Reverse::of(rows.graph());
            rows.grants_to(&reverse, resource).collect()
        });
        Ok(Who { grants: grants.unwrap_or_default(), accounts: accounts.len() as u64 })
    }

    /// Finds the number of what has a row.
    fn object(&mut self, kind: &str, of_type: &str, external_id: &str) -> Result<i64, ConnectorError> {
        self.number(kind, of_type, external_id)?.ok_or_else(|| missing(kind, self.run))
    }

    fn number(&mut self, kind: &str, of_type: &str, external_id: &str) -> Result<Option<i64>, ConnectorError> {
        let sql = format!(
            "select o.id from object o join {kind}_version n on n.object = o.id and {STOOD} \
             where o.system = ?1 and o.kind = ?3 and o.type = ?4 and o.external_id = ?5"
        );
        let parameters = [self.system.into(), self.run.into(), kind.into(), of_type.into(), external_id.into()];
        self.db.first(&sql, &parameters, |row| row.number(0))
    }

    fn is_container(&mut self, resource: i64) -> Result<bool, ConnectorError> {
        let sql = format!("select n.container from resource_version n where n.object = ?3 and {STOOD}");
        let parameters = [self.system.into(), self.run.into(), resource.into()];
        Ok(self.db.first(&sql, &parameters, |row| row.boolean(0))?.flatten() == Some(true))
    }

    fn has_row(&mut self, account: i64) -> Result<bool, ConnectorError> {
        let sql = format!("select n.object from account_version n where n.object = ?3 and {STOOD}");
        let parameters = [self.system.into(), self.run.into(), account.into()];
        Ok(self.db.first(&sql, &parameters, |row| row.number(0))?.is_some())
    }

    /// Adds an object, and returns whether it is new.
    fn add(&mut self, kind: &'static str, object: i64) -> bool {
        self.objects.entry(kind).or_default().insert(object)
    }

    /// Adds the direct memberships of an account, and returns their groups.
    fn groups_of(&mut self, account: i64) -> Result<Vec<i64>, ConnectorError> {
        let sql = format!(
            "select {}, n.group_id from {} where n.account_id = ?3 and {STOOD} and (n.via is null or v.direct)",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
        );
        let found = self.db.rows(&sql, &[self.system.into(), self.run.into(), account.into()], |row| {
            Ok((Record::from(read::membership(row, 0)?), row.number(9)?))
        })?;
        let (memberships, groups): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.memberships.extend(memberships);
        Ok(groups)
    }

    /// Returns the accounts that are in a group itself. One without a row reaches nothing.
    fn members(&mut self, group: i64) -> Result<BTreeSet<i64>, ConnectorError> {
        let sql = format!(
            "select n.account_id from membership_version n left join via v on v.id = n.via \
             join account_version a on a.object = n.account_id and a.from_run <= ?2 \
             and (a.to_run is null or a.to_run > ?2) where n.group_id = ?3 and {STOOD} and (n.via is null or v.direct)"
        );
        let found = self.db.rows(&sql, &[self.system.into(), self.run.into(), group.into()], |row| row.number(0))?;
        Ok(found.into_iter().collect())
    }

    /// Returns the bindings of which something is one end.
    fn edges(&mut self, object: i64, end: End) -> Result<Vec<Edge>, ConnectorError> {
        let (this, other, kind) = match end {
            End::From => ("from_id", "to_id", "to_kind"),
            End::To => ("to_id", "from_id", "from_kind"),
        };
        let sql = format!(
            "select {}, n.{other}, t.{kind} from {} where n.{this} = ?3 and {STOOD}",
            read::BINDING,
            read::BINDINGS
        );
        self.db.rows(&sql, &[self.system.into(), self.run.into(), object.into()], |row| {
            Ok(Edge { record: read::binding(row, 0)?.into(), object: row.number(10)?, kind: row.word(11)?.to_owned() })
        })
    }

    /// Builds the graph of everything that was added.
    fn rows(self) -> Result<connector_access::AccessRows, ConnectorError> {
        let accesses = runs::described(self.db, self.run)?.accesses;
        let mut rows = RowsBuilder::new(&accesses);
        for kind in [ACCOUNT, GROUP, RESOURCE] {
            let sql = format!("select n.body from {kind}_version n where n.object = ?3 and {STOOD}");
            for object in self.objects.get(kind).into_iter().flatten() {
                let parameters = [self.system.into(), self.run.into(), (*object).into()];
                let row = self.db.first(&sql, &parameters, |row| body::record(row.word(0)?, None))?;
                row.iter().for_each(|row| rows.enter(row));
            }
            if kind == GROUP {
                self.memberships.iter().for_each(|row| rows.enter(row));
            }
        }
        self.bindings.iter().for_each(|row| rows.enter(row));
        Ok(rows.finish())
    }
}

fn missing(kind: &str, run: i64) -> ConnectorError {
    let message = format!("there was no such {kind} after run {run}");
    ConnectorError::invalid_config(message, "look for it in another run, with --at")
}

/// Who reaches something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    Account { external_id: &'a str },
    Group { group_type: &'a str, external_id: &'a str },
}

/// An end of a binding.
#[derive(Debug, Clone, Copy)]
enum End {
    From,
    To,
}
