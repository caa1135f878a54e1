//! The accounts that reach a resource, the strongest first. There may be a million, so the database finds and counts them.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::ConnectorError;

use crate::database::{Connection, Value, numbers};
use crate::kinds;
use crate::reach::STOOD;

/// Through what accounts reach a resource after a run.
pub(crate) struct Reaching {
    pub(crate) system: i64,
    pub(crate) run: i64,
    /// The groups whose members reach it, by the level at which they all do.
    pub(crate) groups: BTreeMap<i64, BTreeSet<i64>>,
    /// The resource, and what it is inside: an account may be bound to each of them.
    pub(crate) resources: BTreeSet<i64>,
    /// The types of what is reached: some accounts raise their level on these.
    pub(crate) types: Vec<String>,
}

/// An account among those that reach a resource. In this order, the strongest are first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of its level.
    pub(crate) level: i64,
    pub(crate) account: i64,
}

/// The accounts that an answer shows, of all.
pub(crate) struct Shown {
    pub(crate) accounts: BTreeSet<i64>,
    pub(crate) all: u64,
}

/// The account of a membership or binding has a row: one without a row reaches nothing.
const HAS_ROW: &str = "h.from_run <= ?2 and (h.to_run is null or h.to_run > ?2) and h.object =";
/// The account is in the group itself: `v` is how.
const DIRECT: &str = "(n.via is null or v.direct)";

impl Reaching {
    /// Returns the first accounts, and how many there are in all.
    pub(crate) fn shown(&self, db: &mut dyn Connection, limit: usize) -> Result<Shown, ConnectorError> {
        let accounts = self.first(db, None, limit)?.into_iter().map(|place| place.account).collect();
        Ok(Shown { accounts, all: self.count(db)? })
    }

    /// Returns the first accounts after one of them.
    pub(crate) fn first(
        &self,
        db: &mut dyn Connection,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Vec<Place>, ConnectorError> {
        let (mut found, mut known) = (Vec::new(), BTreeSet::<i64>::new());
        let top = after.map_or(kinds::HIGHEST, |place| place.level);
        for level in (1..=top).rev() {
            let mut start = after.filter(|place| place.level == level).map_or(0, |place| place.account);
            loop {
                let next = self.of_level(db, level, start, limit)?;
                let stronger = if after.is_some() { self.above(db, level, &next)? } else { BTreeSet::new() };
                let is_new = |account: &&i64| !stronger.contains(account) && !known.contains(*account);
                let new: Vec<i64> = next.iter().filter(is_new).copied().collect();
                known.extend(&new);
                found.extend(new.into_iter().map(|account| Place { level, account }));
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
                match next.last() {
                    Some(last) if next.len() >= limit => start = *last,
                    _ => break,
                }
            }
        }
        Ok(found)
    }

    /// Returns how many accounts there are.
    pub(crate) fn count(&self, db: &mut dyn Connection) -> Result<u64, ConnectorError> {
        // Nobody is in one group twice: only the members of other groups have to be compared with those of the largest.
        let (of_largest, largest) =
            self.sizes(db)?.into_iter().map(|(group, size)| (size, group)).max().unwrap_or_default();
        let others = self.groups.values().flatten().filter(|group| **group != largest);
        let sql = format!(
            "select count(*) from ({} and n.group_id {} union {} and n.to_id {}) o \
             where not exists ({} and n.group_id = ?5 and n.account_id = o.account_id)",
            members(),
            db.among("?3"),
            bound(),
            db.among("?4"),
            members(),
        );
        let parameters =
            [self.system.into(), self.run.into(), numbers(others), numbers(&self.resources), largest.into()];
        let others = db.first(&sql, &parameters, |row| row.number(0))?.unwrap_or_default();
        Ok((of_largest + others).unsigned_abs())
    }

    /// Returns how many accounts there are if these are at most `most`, and a greater number otherwise.
    pub(crate) fn count_to(&self, db: &mut dyn Connection, most: i64) -> Result<u64, ConnectorError> {
        let of = |more: Value| [self.system.into(), self.run.into(), more, (most.saturating_add(1)).into()];
        let sql = format!("{} and n.to_id {} limit ?4", bound(), db.among("?3"));
        let found = db.rows(&sql, &of(numbers(&self.resources)), |row| row.number(0))?;
        let mut known = BTreeSet::from_iter(found);
        let sql = format!("{} and n.group_id = ?3 limit ?4", members());
        for group in self.groups.values().flatten() {
            if known.len() as i64 > most {
                break;
            }
            known.extend(db.rows(&sql, &of((*group).into()), |row| row.number(0))?);
        }
        Ok(known.len() as u64)
    }

    /// How many accounts with a row are in each group themselves.
    fn sizes(&self, db: &mut dyn Connection) -> Result<BTreeMap<i64, i64>, ConnectorError> {
        let parameters = [self.system.into(), self.run.into(), numbers(self.groups.values().flatten())];
        let all = format!(
            "select n.group_id, count(*) from membership_version n left join via v on v.id = n.via \
             where {STOOD} and {DIRECT} and n.group_id {} group by n.group_id",
            db.among("?3")
        );
        // Where an account has no row, the membership has its name: these few are looked up, instead of all accounts.
        let without = format!(
            "select n.group_id, -count(*) from membership_name p cross join membership_version n left join via v on v.id = n.via \
             where p.system = ?1 and p.group_id {} and p.from_run <= ?2 and (p.to_run is null or p.to_run > ?2) \
             and n.group_id = p.group_id and n.account_id = p.account_id and {STOOD} and {DIRECT} \
             and not exists (select 1 from account_version h where {HAS_ROW} n.account_id) group by n.group_id",
            db.among("?3")
        );
        let mut sizes = BTreeMap::new();
        for sql in [all, without] {
            db.query(&sql, &parameters, &mut |row| {
                *sizes.entry(row.number(0)?).or_default() += row.number(1)?;
                Ok(())
            })?;
        }
        Ok(sizes)
    }

    /// Returns the first accounts after `start` that have a level for one reason, whatever they have for others.
    fn of_level(
        &self,
        db: &mut dyn Connection,
        level: i64,
        start: i64,
        limit: usize,
    ) -> Result<BTreeSet<i64>, ConnectorError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let first = |account: &str| format!("{account} > ?5 order by {account} limit ?6");
        let mut accounts = self.of_themselves(db, ("=", level), &first, &[start.into(), most.into()])?;
        // The first of all are among the first of each, which an index finds without reading the rest.
        let sql = format!("{} and n.group_id = ?3 and n.account_id > ?4 order by n.account_id limit ?5", members());
        for group in self.groups.get(&level).into_iter().flatten() {
            let parameters = [self.system.into(), self.run.into(), (*group).into(), start.into(), most.into()];
            accounts.extend(db.rows(&sql, &parameters, |row| row.number(0))?);
        }
        while accounts.len() > limit {
            accounts.pop_last();
        }
        Ok(accounts)
    }

    /// Returns those of some accounts that reach it which have a higher level.
    fn above(
        &self,
        db: &mut dyn Connection,
        level: i64,
        accounts: &BTreeSet<i64>,
    ) -> Result<BTreeSet<i64>, ConnectorError> {
        if level >= kinds::HIGHEST || accounts.is_empty() {
            return Ok(BTreeSet::new());
        }
        let among = db.among("?5");
        let mut above =
            self.of_themselves(db, (">", level), &|account| format!("{account} {among}"), &[numbers(accounts)])?;
        let sql = format!("{} and n.account_id {} and n.group_id {}", members(), db.among("?3"), db.among("?4"));
        let groups = numbers(self.groups.range(level + 1..).flat_map(|(_, groups)| groups));
        let parameters = [self.system.into(), self.run.into(), numbers(accounts), groups];
        above.extend(db.rows(&sql, &parameters, |row| row.number(0))?);
        Ok(above)
    }

    /// Returns the accounts that have a level by a binding of their own, or because they raise it. `which` is a condition on
    /// the account, with its parameters from the fifth on.
    fn of_themselves(
        &self,
        db: &mut dyn Connection,
        (compared, level): (&str, i64),
        which: &dyn Fn(&str) -> String,
        parameters: &[Value],
    ) -> Result<BTreeSet<i64>, ConnectorError> {
        let of: [Value; 4] = [self.system.into(), self.run.into(), numbers(&self.resources), level.into()];
        let with = |more: &[Value]| of.iter().chain(parameters).chain(more).cloned().collect::<Vec<_>>();
        let resource = format!("n.to_id {}", db.among("?3"));
        let sql =
            format!("{} and {resource} and coalesce(t.level, 1) {compared} ?4 and {}", bound(), which("n.from_id"));
        let mut accounts: BTreeSet<i64> = db.rows(&sql, &with(&[]), |row| row.number(0))?.into_iter().collect();
        let (groups, of_type) = (5 + parameters.len(), 6 + parameters.len());
        let sql = format!(
            "select a.object from account_version a where a.system = ?1 and a.from_run <= ?2 \
             and (a.to_run is null or a.to_run > ?2) and a.raises_level {compared} ?4 \
             and replace(a.raises_types, ?{of_type}, '') <> a.raises_types \
             and (exists ({} and n.account_id = a.object and n.group_id {}) \
             or exists ({} and n.from_id = a.object and {resource})) and {}",
            members(),
            db.among(&format!("?{groups}")),
            bound(),
            which("a.object"),
        );
        let groups = numbers(self.groups.values().flatten());
        for of_type in &self.types {
            let of_type = serde_json::Value::from(of_type.as_str()).to_string();
            accounts.extend(db.rows(&sql, &with(&[groups.clone(), of_type.into()]), |row| row.number(0))?);
        }
        Ok(accounts)
    }
}

/// The query for the accounts that are in groups themselves, without the condition on the group.
fn members() -> String {
    format!(
        "select n.account_id from membership_version n join account_version h on {HAS_ROW} n.account_id left join via v on v.id = n.via \
         where {STOOD} and {DIRECT}"
    )
}

/// The query for the accounts that are bound to resources, without the condition on the resource.
fn bound() -> String {
    format!(
        "select distinct n.from_id from binding_version n join terms t on t.id = n.terms and t.from_kind = 'account' \
         join account_version h on {HAS_ROW} n.from_id where {STOOD}"
    )
}
