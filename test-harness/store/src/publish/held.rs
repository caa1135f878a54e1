//! Whether a run would remove so much that somebody should look at it first.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, RowType, ScanSummary, Section, SectionDescription};
use serde::{Deserialize, Serialize};

use super::{Context, terms};
use crate::database::{Connection, Value};
use crate::kinds::KINDS;

/// Names that are shown of what would be removed.
const EXAMPLES: usize = 5;

/// How much a run may remove before it is kept aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Percent of a section's rows. A run that would remove more of a section is held.
    pub above_percent: u64,
    /// The number of rows from which this applies.
    pub at_least: u64,
}

impl Default for Hold {
    fn default() -> Self {
        Self { above_percent: 20, at_least: 10 }
    }
}

/// What a run would remove of one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Removal {
    /// The section that owns the rows.
    pub section: Section,
    /// The rows of the section that stand.
    pub rows: u64,
    /// Those that would be removed.
    pub removed: u64,
    /// The names of some of them.
    pub examples: Vec<String>,
}

/// A query for the type of rows of one kind and, in the first column, their number.
struct Query {
    record: &'static str,
    sql: String,
}

const BINDING: &str = "binding";

/// Returns the sections of which the prepared difference would remove too much.
pub(super) fn removals(
    db: &mut dyn Connection,
    context: &Context<'_>,
    summary: &ScanSummary,
    hold: Hold,
) -> Result<Vec<Removal>, ConnectorError> {
    let removed = by_section(db, removed(), context.run.into(), &summary.described)?;
    if removed.values().all(|removed| *removed < hold.at_least) {
        return Ok(Vec::new());
    }
    let standing = by_section(db, standing(), context.system.into(), &summary.described)?;
    let mut removals = Vec::new();
    for (section, removed) in removed {
        let rows = standing.get(&section).copied().unwrap_or_default();
        if removed >= hold.at_least && removed * 100 > rows * hold.above_percent {
            let examples = examples(db, context, &summary.described, section)?;
            removals.push(Removal { section, rows, removed, examples });
        }
    }
    Ok(removals)
}

/// The rows that the difference removes: those that end and do not go on. A binding goes on as another one between the same
/// ends, of whatever access.
fn removed() -> Vec<Query> {
    let of_objects = KINDS.iter().map(|kind| Query {
        record: kind.word,
        sql: format!(
            "select count(*), v.type from delta_object d \
             join {word}_version v on v.object = d.object and v.from_run = d.closes \
             where d.run = ?1 and d.kind = '{word}' and d.opens is null group by v.type",
            word = kind.word
        ),
    });
    let of_memberships = Query {
        record: "membership",
        sql: "select count(*), o.type from delta_membership d join object o on o.id = d.group_id \
              where d.run = ?1 and not d.opens group by o.type"
            .to_owned(),
    };
    let of_bindings = Query {
        record: BINDING,
        sql: format!(
            "select count(*), {} from delta_binding d join terms t on t.id = d.terms \
              where d.run = ?1 and not d.opens and not exists (select 1 from delta_binding e \
              where e.run = ?1 and e.opens and e.from_id = d.from_id and e.to_id = d.to_id) \
              group by t.from_kind, t.from_type, t.to_kind, t.to_type, t.expires_at is not null",
            terms::COLUMNS
        ),
    };
    of_objects.chain([of_memberships, of_bindings]).collect()
}

/// The rows that stand.
fn standing() -> Vec<Query> {
    let of_objects = KINDS.iter().map(|kind| Query {
        record: kind.word,
        sql: format!(
            "select count(*), type from {}_version where system = ?1 and to_run is null group by type",
            kind.word
        ),
    });
    let of_memberships = Query {
        record: "membership",
        sql: "select count(*), o.type from membership_version m join object o on o.id = m.group_id \
              where m.system = ?1 and m.to_run is null group by o.type"
            .to_owned(),
    };
    let of_bindings = Query {
        record: BINDING,
        sql: format!(
            "select count(*), {} from binding_version b join terms t on t.id = b.terms \
             where b.system = ?1 and b.to_run is null \
             group by t.from_kind, t.from_type, t.to_kind, t.to_type, t.expires_at is not null",
            terms::COLUMNS
        ),
    };
    of_objects.chain([of_memberships, of_bindings]).collect()
}

fn by_section(
    db: &mut dyn Connection,
    queries: Vec<Query>,
    of: Value,
    described: &[SectionDescription],
) -> Result<BTreeMap<Section, u64>, ConnectorError> {
    let mut sections = BTreeMap::new();
    for Query { record, sql } in queries {
        db.query(&sql, std::slice::from_ref(&of), &mut |row| {
            let row_type = match record {
                BINDING => terms::read(row, 1)?.map(|binding| RowType::of(&binding.into())),
                _ => Some(RowType::new(record, row.word(1)?)),
            };
            if let Some(section) = row_type.and_then(|row_type| owner(described, &row_type)) {
                *sections.entry(section).or_default() += row.number(0)?.unsigned_abs();
            }
            Ok(())
        })?;
    }
    Ok(sections)
}

fn owner(described: &[SectionDescription], row_type: &RowType) -> Option<Section> {
    described.iter().find(|described| described.owns.contains(row_type)).map(|described| described.section)
}

/// The names of some objects, or members with their groups, that would be removed of a section.
fn examples(
    db: &mut dyn Connection,
    context: &Context<'_>,
    described: &[SectionDescription],
    section: Section,
) -> Result<Vec<String>, ConnectorError> {
    let owned = described.iter().filter(|described| described.section == section).flat_map(|described| &described.owns);
    let mut examples = Vec::new();
    for RowType { record, row_type, .. } in owned {
        let sql = match record.as_str() {
            "membership" => "select a.name, g.name from delta_membership d join object o on o.id = d.group_id \
                             join account_version a on a.object = d.account_id and a.to_run is null \
                             join group_version g on g.object = d.group_id and g.to_run is null \
                             where d.run = ?1 and not d.opens and o.type = ?2 limit ?3"
                .to_owned(),
            word if KINDS.iter().any(|kind| kind.word == word) => format!(
                "select v.name, null from delta_object d \
                 join {word}_version v on v.object = d.object and v.from_run = d.closes \
                 where d.run = ?1 and d.kind = '{word}' and d.opens is null and v.type = ?2 limit ?3"
            ),
            _ => continue,
        };
        let rest = EXAMPLES - examples.len();
        let parameters = [context.run.into(), row_type.as_str().into(), (rest as i64).into()];
        examples.extend(db.rows(&sql, &parameters, |row| {
            let name = row.word(0)?;
            Ok(row.text(1)?.map_or_else(|| name.to_owned(), |group| format!("{name} in {group}")))
        })?);
    }
    Ok(examples)
}
