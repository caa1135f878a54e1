//! Turns rows into numbers and columns, and keeps them until they are written.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use connector_api::{Binding, ConnectorError, Membership, NodeRef, Record};
use jiff::Timestamp;

use crate::body::{Body, VolatileFields};
use crate::database::{Connection, Table, Value, kept_micros};
use crate::dictionary::{Numbers, Referred};
use crate::kinds::{self, KINDS, Kind, Place};
use crate::nul;
use crate::tables::{OBJECT, STAGED_BINDING, STAGED_MEMBERSHIP, STAGED_MEMBERSHIP_NAME, TERMS, VIA};
use crate::way::{self, Way};

/// Rows are written when they take this number of bytes.
const BYTES: usize = 2 << 20;
/// The most rows of a small scan, and objects that the store knows of a small system. Even comparing each with each takes a
/// moment, so the database need not count them before it plans.
const SMALL: usize = 2_000;
/// The bytes of a value that is not text.
const VALUE: usize = size_of::<Value>();

/// The rows of one run that are not written yet, and the numbers of what they refer to.
pub(super) struct Staging {
    system: i64,
    run: i64,
    fields: VolatileFields,
    objects: Numbers,
    vias: Numbers,
    terms: Numbers,
    /// For what identifies bindings: nobody can choose two that share one.
    seeds: [RandomState; 2],
    pending: Pending,
    /// The rows that this scan has taken.
    taken: usize,
    /// Whether an interrupted scan staged rows before.
    is_resumed: bool,
}

#[derive(Default)]
struct Pending {
    objects: Vec<Value>,
    vias: Vec<Value>,
    terms: Vec<Value>,
    /// In the order of [`KINDS`].
    rows: [Vec<Value>; KINDS.len()],
    /// Rows of which the run has one already, which they replace.
    again: [Vec<Value>; KINDS.len()],
    memberships: LastOfEach,
    /// The names in memberships whose account or group has no row in the run.
    names: LastOfEach,
    bindings: LastOfEach,
    bytes: usize,
}

/// Rows of which each stands once in a part: one that comes again replaces the first.
#[derive(Default)]
struct LastOfEach {
    values: Vec<Value>,
    /// Where the values of a row begin, by its part, its two ends and what else identifies it.
    rows: HashMap<Identity, usize>,
}

type Identity = (i64, u32, u32, [u64; 2]);

impl LastOfEach {
    /// Takes a row, and returns whether it is the first.
    fn put<const N: usize>(&mut self, key: Identity, row: [Value; N]) -> bool {
        let at = *self.rows.entry(key).or_insert(self.values.len());
        let is_first = at == self.values.len();
        if is_first {
            self.values.extend(row);
        } else {
            self.values[at..at + N].clone_from_slice(&row);
        }
        is_first
    }
}

impl Staging {
    /// Reads what the store knows of the system, and what the run has staged if it is resumed.
    pub(super) fn load(
        database: &mut dyn Connection,
        system: i64,
        run: i64,
        fields: VolatileFields,
        is_resumed: bool,
    ) -> Result<Self, ConnectorError> {
        let mut staged = HashSet::new();
        for kind in KINDS.iter().filter(|_| is_resumed) {
            let sql = format!("select object from {} where run = ?1 and layer = 0", kind.staged.name);
            database.query(&sql, &[run.into()], &mut |row| {
                staged.insert(row.number(0)?);
                Ok(())
            })?;
        }
        let mut objects = Numbers::new("object");
        let sql = "select id, kind, type, external_id from object where system = ?1";
        database.query(sql, &[system.into()], &mut |row| {
            let id = row.number(0)?;
            objects.enter((row.word(1)?, row.word(2)?, row.word(3)?), id, staged.contains(&id))
        })?;
        objects.expect_new();
        let mut vias = Numbers::new("via");
        // While a scan ran, accepting another run may have numbered one of its ways as well.
        let sql = "select v.direct, v.steps, v.expires_at, v.request_id, min(v.id) from via v where v.system = ?1 \
                   group by v.direct, v.steps, v.expires_at, v.request_id";
        database.query(sql, &[system.into()], &mut |row| vias.enter(way::key(row, 0)?, row.number(4)?, false))?;
        let mut terms = Numbers::new("terms");
        let sql = "select min(id), from_kind, from_type, to_kind, to_type, level, word, expires_at, request_id from terms \
                   where system = ?1 group by from_kind, from_type, to_kind, to_type, level, word, expires_at, request_id";
        database.query(sql, &[system.into()], &mut |row| {
            let types = [row.word(1)?, row.word(2)?, row.word(3)?, row.word(4)?];
            let access = (row.integer(5)?, row.text(6)?);
            let ends = row.time(7)?.map(Timestamp::as_microsecond);
            terms.enter((types, access, ends, row.text(8)?), row.number(0)?, false)
        })?;
        let seeds = [RandomState::new(), RandomState::new()];
        let pending = Pending::default();
        Ok(Self { system, run, fields, objects, vias, terms, seeds, pending, taken: 0, is_resumed })
    }

    /// Whether it is about so few rows that a statement costs more than they do.
    pub(super) fn is_small(&self) -> bool {
        !self.is_resumed && self.taken <= SMALL && self.objects.count() <= SMALL
    }

    /// Whether the rows should be written before more are taken.
    pub(super) fn is_full(&self) -> bool {
        self.pending.bytes >= BYTES
    }

    /// Takes a row.
    pub(super) fn take(
        &mut self,
        database: &mut dyn Connection,
        record: &Record,
        part: i64,
    ) -> Result<(), ConnectorError> {
        if !matches!(record, Record::Grant(_)) {
            self.taken += 1;
        }
        match record {
            // They follow from the other rows.
            Record::Grant(_) => Ok(()),
            Record::Membership(_) | Record::Binding(_) => {
                let replaced = if nul::may_be_in_row(record)? { Some(nul::replaced(record)?) } else { None };
                match replaced.as_ref().unwrap_or(record) {
                    Record::Membership(membership) => self.membership(database, membership, part),
                    Record::Binding(binding) => self.binding(database, binding, part),
                    other => Err(kinds::unknown(other.kind())),
                }
            }
            _ => {
                let body = self.fields.body(record)?;
                if body.may_have_nul() {
                    let replaced = nul::replaced(record)?;
                    let body = self.fields.body(&replaced)?;
                    return self.object(database, &replaced, body, part);
                }
                self.object(database, record, body, part)
            }
        }
    }

    fn object(
        &mut self,
        database: &mut dyn Connection,
        record: &Record,
        body: Body,
        part: i64,
    ) -> Result<(), ConnectorError> {
        let (of_type, external_id) = match record {
            Record::Account(account) => ("", &account.external_id),
            Record::Group(group) => (&*group.group_type, &group.external_id),
            Record::Resource(resource) => (&*resource.resource_type, &resource.external_id),
            // The id of a policy is unique whatever its type.
            Record::Policy(policy) => ("", &policy.external_id),
            other => return Err(kinds::unknown(other.kind())),
        };
        let key = (record.kind(), of_type, external_id.as_str());
        let Referred { number: object, is_new, is_staged } = self.objects.stage(database, key)?;
        if is_new {
            self.pending.object(self.system, object, key);
        }
        let volatile = body.volatile.as_ref().map_or(0, |volatile| volatile.text.len());
        let at = KINDS.iter().position(|kind| kind.word == record.kind());
        let at = at.ok_or_else(|| kinds::unknown(record.kind()))?;
        self.pending.bytes += body.text.len() + volatile + KINDS[at].staged.columns.len() * VALUE;
        let place = Place { run: self.run, object, layer: 0, part };
        let rows = if is_staged { &mut self.pending.again } else { &mut self.pending.rows };
        kinds::push(&mut rows[at], place, record, body)
    }

    fn refer(&mut self, database: &mut dyn Connection, key: (&str, &str, &str)) -> Result<Referred, ConnectorError> {
        let referred = self.objects.refer(database, key)?;
        if referred.is_new {
            self.pending.object(self.system, referred.number, key);
        }
        Ok(referred)
    }

    fn membership(
        &mut self,
        database: &mut dyn Connection,
        membership: &Membership,
        part: i64,
    ) -> Result<(), ConnectorError> {
        let group = self.refer(database, ("group", &membership.group_type, &membership.group_external_id))?;
        let account = self.refer(database, ("account", "", &membership.account_external_id))?;
        let via = match Way::of(membership)? {
            None => None,
            Some(way) => Some(self.via(database, &way)?),
        };
        let has_rows = group.is_staged && account.is_staged;
        let (group, account) = (group.number, account.number);
        let key = (part, group, account, [0; 2]);
        if !has_rows {
            let names = [membership.username.as_str(), &membership.group_name];
            self.pending.bytes += names[0].len() + names[1].len() + STAGED_MEMBERSHIP_NAME.columns.len() * VALUE;
            let [username, group_name] = names.map(Value::from);
            let row = [self.run.into(), group.into(), account.into(), username, group_name, part.into()];
            self.pending.names.put(key, row);
        }
        let row = [self.run.into(), group.into(), account.into(), via.into(), part.into()];
        if self.pending.memberships.put(key, row) {
            self.pending.bytes += STAGED_MEMBERSHIP.columns.len() * VALUE;
        }
        Ok(())
    }

    fn via(&mut self, database: &mut dyn Connection, way: &Way<'_>) -> Result<u32, ConnectorError> {
        let Referred { number, is_new, .. } = self.vias.refer(database, way.key())?;
        if is_new {
            self.pending.bytes += way.key().1.len() + VIA.columns.len() * VALUE;
            self.pending.vias.extend([number.into(), self.system.into()]);
            self.pending.vias.extend(way.values());
        }
        Ok(number)
    }

    fn binding(&mut self, database: &mut dyn Connection, binding: &Binding, part: i64) -> Result<(), ConnectorError> {
        let (from, to) = (self.end(database, &binding.from)?, self.end(database, &binding.to)?);
        let terms = self.terms(database, binding)?;
        let word = binding.access.as_ref().map(|access| access.word.as_ref());
        let identity = (&binding.from.node_type, &binding.to.node_type, word, binding.request_id.as_deref());
        let identity = [&self.seeds[0], &self.seeds[1]].map(|seed| seed.hash_one(identity));
        let row = [self.run.into(), from.into(), to.into(), terms.into(), part.into()];
        if self.pending.bindings.put((part, from, to, identity), row) {
            self.pending.bytes += STAGED_BINDING.columns.len() * VALUE;
        }
        Ok(())
    }

    fn end(&mut self, database: &mut dyn Connection, end: &NodeRef) -> Result<u32, ConnectorError> {
        let kind = Kind::of(end.kind.as_str())?;
        // An account is one object whatever its type.
        let of_type = if kind.word == "account" { "" } else { &end.node_type };
        Ok(self.refer(database, (kind.word, of_type, &end.external_id))?.number)
    }

    fn terms(&mut self, database: &mut dyn Connection, binding: &Binding) -> Result<u32, ConnectorError> {
        let Binding { from, to, .. } = binding;
        let types = [from.kind.as_str(), &from.node_type, to.kind.as_str(), &to.node_type];
        let level = binding.access.as_ref().map(|access| kinds::level(access.level));
        let word = binding.access.as_ref().map(|access| access.word.as_ref());
        let ends = binding.expires_at.map(kept_micros);
        let request = binding.request_id.as_deref();
        let Referred { number: terms, is_new, .. } =
            self.terms.refer(database, (types, (level, word), ends, request))?;
        if is_new {
            self.pending.bytes += TERMS.columns.len() * 2 * VALUE;
            let ends = ends.and_then(|ends| Timestamp::from_microsecond(ends).ok());
            self.pending.terms.extend([terms.into(), self.system.into()]);
            self.pending.terms.extend(types.map(Value::from));
            self.pending.terms.extend([level.into(), word.into(), ends.into(), request.into()]);
        }
        Ok(terms)
    }

    /// Writes all rows that were taken, within the caller's transaction.
    pub(super) fn write(&mut self, database: &mut dyn Connection) -> Result<(), ConnectorError> {
        let pending = std::mem::take(&mut self.pending);
        let edges = [
            (STAGED_MEMBERSHIP, &pending.memberships.values),
            (STAGED_MEMBERSHIP_NAME, &pending.names.values),
            (STAGED_BINDING, &pending.bindings.values),
        ];
        let dictionaries = [(OBJECT, &pending.objects), (VIA, &pending.vias), (TERMS, &pending.terms)];
        let rows = KINDS.iter().map(|kind| kind.staged).zip(&pending.rows);
        for (table, values) in dictionaries.into_iter().chain(rows).chain(edges) {
            if !values.is_empty() {
                database.insert(table, values)?;
            }
        }
        KINDS.iter().zip(pending.again).try_for_each(|(kind, rows)| replace(database, kind.staged, &rows))
    }
}

/// Replaces staged rows. Each stays in the part of the first: a scan that goes on from a checkpoint before the later row
/// keeps what it knows.
fn replace(database: &mut dyn Connection, table: Table, values: &[Value]) -> Result<(), ConnectorError> {
    // Run, object and layer identify a row; the part is the next column.
    const IDENTITY: usize = 3;
    let columns = table.columns.iter().skip(IDENTITY + 1).enumerate();
    let columns: Vec<String> = columns.map(|(at, (name, _))| format!("{name} = ?{}", IDENTITY + 1 + at)).collect();
    let sql = format!("update {} set {} where run = ?1 and object = ?2 and layer = ?3", table.name, columns.join(", "));
    for row in values.chunks_exact(table.columns.len()) {
        let parameters = [&row[..IDENTITY], &row[IDENTITY + 1..]].concat();
        database.execute(&sql, &parameters)?;
    }
    Ok(())
}

impl Pending {
    fn object(&mut self, system: i64, object: u32, (kind, of_type, external_id): (&str, &str, &str)) {
        self.bytes += external_id.len() + of_type.len() + OBJECT.columns.len() * VALUE;
        self.objects.extend([object.into(), system.into(), kind.into(), of_type.into(), external_id.into()]);
    }
}
