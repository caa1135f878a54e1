//! Who reaches what, from the rows on the ways alone.
//!
//! From an account, the walk leads up through its groups, over their bindings and down into containers; from a resource, the
//! other way round. Each step is a look-up by an index. `connector-access` then makes the grants of the rows that were found.

pub(crate) mod through;

use std::collections::{BTreeMap, BTreeSet};

use connector_access::{AccessRows, Reverse, RowsBuilder};
use connector_api::{AccessLevel, ConnectorError, Grant, NodeRef, Principal, Record};

use crate::body;
use crate::database::{Connection, numbers};
use crate::kinds;
use crate::reaching::{Reaching, Shown};
use crate::read;
use crate::runs;

/// Who reaches a resource.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Who {
    /// The grants of groups, and those of the first accounts. Each begin with the highest level.
    pub grants: Vec<Grant>,
    /// How many accounts reach it.
    pub accounts: u64,
}

/// A version of the table `n` that stood after run `?2` of system `?1`.
pub(crate) const STOOD: &str = "n.system = ?1 and n.from_run <= ?2 and (n.to_run is null or n.to_run > ?2)";

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
const ANY: &[&str] = &[ACCOUNT, GROUP, RESOURCE];

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
    pub(crate) fn grants(self, subject: Subject<'_>) -> Result<Option<Vec<Grant>>, ConnectorError> {
        let rows = self.ways_from(&[subject])?;
        Ok(subject.found_in(&rows).map(|found| rows.grants(found)))
    }

    /// Returns the rows on the ways from some accounts and groups. Those that have no row are passed over.
    pub(crate) fn ways_from(mut self, subjects: &[Subject<'_>]) -> Result<AccessRows, ConnectorError> {
        let (mut accounts, mut from) = (Vec::new(), Vec::new());
        for subject in subjects {
            let (kind, of_type, external_id) = match subject {
                Subject::Account { external_id } => (ACCOUNT, "", external_id),
                Subject::Group { group_type, external_id } => (GROUP, *group_type, external_id),
            };
            let Some(object) = self.number(kind, of_type, external_id)? else { continue };
            if self.add(kind, object) {
                from.push(object);
                accounts.extend((kind == ACCOUNT).then_some(object));
            }
        }
        for group in self.groups_of(&accounts)? {
            if self.add(GROUP, group) {
                from.push(group);
            }
        }
        let mut resources = Vec::new();
        while !from.is_empty() {
            for edge in self.edges(&std::mem::take(&mut from), End::From, ANY)? {
                self.bindings.push(edge.record);
                match edge.kind.as_str() {
                    GROUP if self.add(GROUP, edge.object) => from.push(edge.object),
                    RESOURCE if self.add(RESOURCE, edge.object) => resources.push(edge.object),
                    _ => {}
                }
            }
        }
        while !resources.is_empty() {
            for edge in self.edges(&std::mem::take(&mut resources), End::To, &[RESOURCE])? {
                self.bindings.push(edge.record);
                if self.add(RESOURCE, edge.object) {
                    resources.push(edge.object);
                }
            }
        }
        self.rows()
    }

    /// Returns the accounts and groups that are bound to a resource, or to what it is inside; nothing if it has no row.
    pub(crate) fn bound_to(mut self, resource_type: &str, external_id: &str) -> Result<Vec<NodeRef>, ConnectorError> {
        let mut resources = Vec::from_iter(self.number(RESOURCE, resource_type, external_id)?);
        for resource in &resources {
            self.add(RESOURCE, *resource);
        }
        let mut bound = Vec::new();
        while !resources.is_empty() {
            let next = std::mem::take(&mut resources);
            for edge in self.edges(&next, End::To, &[ACCOUNT, GROUP])? {
                if let Record::Binding(binding) = edge.record {
                    bound.push(binding.from);
                }
            }
            for edge in self.edges(&next, End::From, &[RESOURCE])? {
                if self.add(RESOURCE, edge.object) {
                    resources.push(edge.object);
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
        shown: impl FnOnce(&mut dyn Connection, &Reaching) -> Result<Shown, ConnectorError>,
    ) -> Result<Who, ConnectorError> {
        let resource = self.object(RESOURCE, resource_type, external_id)?;
        if self.is_container(resource)? {
            // There is nothing to reach but what is inside.
            return Ok(Who::default());
        }
        let resources = self.around(resource)?;
        let reaching = self.reaching(resources, &[(resource_type, external_id)])?;
        let Shown { accounts, all } = shown(self.db, &reaching)?;
        self.ways_of(&accounts, &reaching)?;
        self.objects.insert(ACCOUNT, accounts);
        let mut grants = grants_to(&self.rows()?, resource_type, external_id);
        strongest_first(&mut grants);
        Ok(Who { grants, accounts: all })
    }

    /// Adds a resource, what it is inside, and the groups that are bound to these or inside such groups. Returns the resources.
    fn around(&mut self, resource: i64) -> Result<BTreeSet<i64>, ConnectorError> {
        self.add(RESOURCE, resource);
        let (mut resources, mut groups) = (vec![resource], Vec::new());
        while !resources.is_empty() {
            let next = std::mem::take(&mut resources);
            groups.extend(self.beyond(&next, End::To, GROUP)?);
            resources = self.beyond(&next, End::From, RESOURCE)?;
        }
        while !groups.is_empty() {
            groups = self.beyond(&groups, End::To, GROUP)?;
        }
        Ok(self.objects.get(RESOURCE).cloned().unwrap_or_default())
    }

    /// Adds what is at the other end of the bindings of some objects, with these bindings. Returns what is new and has a row: no
    /// way leads through what has none.
    fn beyond(&mut self, objects: &[i64], end: End, kind: &'static str) -> Result<Vec<i64>, ConnectorError> {
        let mut found = BTreeSet::new();
        for edge in self.edges(objects, end, &[kind])? {
            self.bindings.push(edge.record);
            found.insert(edge.object);
        }
        Ok(self.with_rows(kind, &found)?.into_iter().filter(|object| self.add(kind, *object)).collect())
    }

    /// Those of some objects that have a row.
    fn with_rows(&mut self, kind: &str, objects: &BTreeSet<i64>) -> Result<BTreeSet<i64>, ConnectorError> {
        let sql = format!("select n.object from {kind}_version n where n.object {} and {STOOD}", self.db.among("?3"));
        let parameters = [self.system.into(), self.run.into(), numbers(objects)];
        Ok(self.db.rows(&sql, &parameters, |row| row.number(0))?.into_iter().collect())
    }

    /// Through what accounts reach some resources, which were added with everything around them: by these, and by the groups.
    fn reaching(&mut self, resources: BTreeSet<i64>, examples: &[(&str, &str)]) -> Result<Reaching, ConnectorError> {
        let groups = self.levels(examples)?;
        let types = examples.iter().map(|(of_type, _)| (*of_type).to_owned()).collect();
        Ok(Reaching { system: self.system, run: self.run, groups, resources, types })
    }

    /// The groups that were added, by the highest level at which they reach one of some resources.
    fn levels(&mut self, examples: &[(&str, &str)]) -> Result<BTreeMap<i64, BTreeSet<i64>>, ConnectorError> {
        let rows = self.rows()?;
        let mut highest = BTreeMap::<(String, String), AccessLevel>::new();
        for grant in examples.iter().flat_map(|(of_type, id)| grants_to(&rows, of_type, id)) {
            if let Principal::Group { group_type, external_id, .. } = grant.principal {
                let level = highest.entry((group_type, external_id)).or_insert(grant.access.level);
                *level = grant.access.level.max(*level);
            }
        }
        let groups = self.objects.get(GROUP).cloned().unwrap_or_default();
        let sql = format!("select id, type, external_id from object where id {}", self.db.among("?1"));
        let mut levels = BTreeMap::<i64, BTreeSet<i64>>::new();
        self.db.query(&sql, &[numbers(&groups)], &mut |row| {
            let name = (row.word(1)?.to_owned(), row.word(2)?.to_owned());
            // One without a row reaches nothing, and so do its members through it.
            if let Some(level) = highest.get(&name) {
                levels.entry(kinds::level(*level)).or_default().insert(row.number(0)?);
            }
            Ok(())
        })?;
        Ok(levels)
    }

    /// Adds the memberships and bindings by which accounts reach a resource.
    fn ways_of(&mut self, accounts: &BTreeSet<i64>, reaching: &Reaching) -> Result<(), ConnectorError> {
        let Reaching { groups, resources, .. } = reaching;
        let of = [self.system.into(), self.run.into(), numbers(accounts)];
        let sql = format!(
            "select {} from {} where n.account_id {} and n.group_id {} and {STOOD} and (n.via is null or v.direct) \
             order by n.account_id, n.group_id",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
            self.db.among("?3"),
            self.db.among("?4"),
        );
        let groups = numbers(groups.values().flatten());
        let parameters = of.iter().cloned().chain([groups]).collect::<Vec<_>>();
        self.memberships.extend(self.db.rows(&sql, &parameters, |row| Ok(read::membership(row, 0)?.into()))?);
        let sql = format!(
            "select {} from {} where n.from_id {} and n.to_id {} and t.from_kind = 'account' and {STOOD} \
             order by n.from_id, n.to_id, n.terms",
            read::BINDING,
            read::BINDINGS,
            self.db.among("?3"),
            self.db.among("?4"),
        );
        let parameters = of.into_iter().chain([numbers(resources)]).collect::<Vec<_>>();
        self.bindings.extend(self.db.rows(&sql, &parameters, |row| Ok(read::binding(row, 0)?.into()))?);
        Ok(())
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

    /// Adds an object, and returns whether it is new.
    fn add(&mut self, kind: &'static str, object: i64) -> bool {
        self.objects.entry(kind).or_default().insert(object)
    }

    /// Adds the direct memberships of some accounts, and returns their groups.
    fn groups_of(&mut self, accounts: &[i64]) -> Result<Vec<i64>, ConnectorError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select {}, n.group_id from {} where n.account_id {} and {STOOD} and (n.via is null or v.direct) \
             order by n.account_id, n.group_id",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
            self.db.among("?3"),
        );
        let found = self.db.rows(&sql, &[self.system.into(), self.run.into(), numbers(accounts)], |row| {
            Ok((Record::from(read::membership(row, 0)?), row.number(9)?))
        })?;
        let (memberships, groups): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.memberships.extend(memberships);
        Ok(groups)
    }

    /// Returns the bindings of which one of several objects is one end, and something of one of these kinds the other.
    fn edges(&mut self, objects: &[i64], end: End, kinds: &[&str]) -> Result<Vec<Edge>, ConnectorError> {
        let (this, other, kind) = match end {
            End::From => ("from_id", "to_id", "to_kind"),
            End::To => ("to_id", "from_id", "from_kind"),
        };
        let sql = format!(
            "select {}, n.{other}, t.{kind} from {} where n.{this} {} and t.{kind} in ('{}') and {STOOD} \
             order by n.{this}, n.{other}, n.terms",
            read::BINDING,
            read::BINDINGS,
            self.db.among("?3"),
            kinds.join("', '")
        );
        self.db.rows(&sql, &[self.system.into(), self.run.into(), numbers(objects)], |row| {
            Ok(Edge { record: read::binding(row, 0)?.into(), object: row.number(10)?, kind: row.word(11)?.to_owned() })
        })
    }

    /// Builds the graph of everything that was added.
    fn rows(&mut self) -> Result<AccessRows, ConnectorError> {
        let accesses = runs::described(self.db, self.run)?.accesses;
        let mut rows = RowsBuilder::new(&accesses);
        for kind in ANY {
            if let Some(objects) = self.objects.get(kind) {
                let sql = format!(
                    "select n.body from {kind}_version n where n.object {} and {STOOD} order by n.object",
                    self.db.among("?3")
                );
                self.db.query(&sql, &[self.system.into(), self.run.into(), numbers(objects)], &mut |row| {
                    rows.enter(&body::record(row.word(0)?, None)?);
                    Ok(())
                })?;
            }
            if *kind == GROUP {
                self.memberships.iter().for_each(|row| rows.enter(row));
            }
        }
        self.bindings.iter().for_each(|row| rows.enter(row));
        Ok(rows.finish())
    }
}

/// Who reaches a resource; nobody if it has no row.
fn grants_to(rows: &AccessRows, resource_type: &str, external_id: &str) -> Vec<Grant> {
    let resource = rows.resource(resource_type, external_id);
    resource.map(|resource| rows.grants_to(&Reverse::of(rows.graph()), resource).collect()).unwrap_or_default()
}

/// Puts groups first, and each kind in the order of its levels.
fn strongest_first(grants: &mut [Grant]) {
    grants.sort_by_key(|grant| {
        let is_account = matches!(grant.principal, Principal::Account { .. });
        (is_account, std::cmp::Reverse(grant.access.level))
    });
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

impl Subject<'_> {
    /// Finds it among some rows.
    pub(crate) fn found_in(self, rows: &AccessRows) -> Option<connector_access::Subject> {
        match self {
            Self::Account { external_id } => rows.account(external_id),
            Self::Group { group_type, external_id } => rows.group(group_type, external_id),
        }
    }
}

/// An end of a binding.
#[derive(Debug, Clone, Copy)]
enum End {
    From,
    To,
}
