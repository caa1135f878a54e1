//! The systems of a store, those first that somebody must look at.

use connector_api::ConnectorError;

use super::RunHead;
use crate::runs::{self, Run};
use crate::store::{Store, System};

/// What a system needs, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// Its newest scan is held.
    Decision,
    /// Its newest scan failed, and nobody cancelled it.
    Repair,
    /// The sections of its newest scan were not all read.
    Look,
    /// It was never scanned to the end.
    Scan,
    /// Nothing: its newest scan is complete, was cancelled, or is still running.
    Nothing,
}

/// A system, its newest run and the one whose rows stand.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// The system.
    pub system: System,
    /// What it needs.
    pub need: Need,
    /// The newest run of any state.
    pub newest: Option<Run>,
    /// The run whose rows stand.
    pub published: Option<RunHead>,
}

/// Where a page of systems ends, for the next one to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingKey {
    need: i64,
    name: String,
}

const NEEDS: [Need; 5] = [Need::Decision, Need::Repair, Need::Look, Need::Scan, Need::Nothing];

/// Systems with the ids of the two runs and the number of what they need in [`NEEDS`].
const SYSTEMS: &str = "select s.id, s.name, s.os_type, s.published_run, n.id as newest, p.started_at, p.ended_at, \
    case when n.state = 'held' then 0 when n.state in ('failed', 'discarded') \
    and coalesce(n.reason, '') not like 'cancelled: %' then 1 \
    when n.state = 'published' and n.outcome <> 'complete' then 2 when p.id is null then 3 else 4 end as need \
    from system s left join run p on p.id = s.published_run left join run n on n.id = \
    (select max(r.id) from run r where r.system = s.id and r.state <> 'pruned')";

impl Standing {
    /// Returns where a page that ends with this system ends.
    pub fn key(&self) -> StandingKey {
        StandingKey { need: self.need as i64, name: self.system.name.clone() }
    }
}

impl StandingKey {
    /// Writes it for an address.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.need, self.name)
    }

    /// Reads it from an address.
    pub fn from_text(text: &str) -> Option<Self> {
        let (need, name) = text.split_once('.')?;
        Some(Self { need: need.parse().ok().filter(|need| (0..5).contains(need))?, name: name.to_owned() })
    }
}

impl Store {
    /// Returns systems, the most urgent first, after the end of a page.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn standings(&mut self, after: Option<&StandingKey>, limit: usize) -> Result<Vec<Standing>, ConnectorError> {
        let (need, name) = after.map_or((-1, ""), |key| (key.need, key.name.as_str()));
        let columns = runs::RUN.map(|column| format!("r.{column}")).join(", ");
        let sql = format!(
            "select k.id, k.name, k.os_type, k.published_run, k.started_at, k.ended_at, k.need, k.newest, {columns} \
             from (select * from ({SYSTEMS}) q where q.need > ?1 or q.need = ?1 and q.name > ?2 \
             order by q.need, q.name limit ?3) k left join run r on r.id = k.newest order by k.need, k.name"
        );
        self.database.rows(&sql, &[need.into(), name.into(), (limit as i64).into()], |row| {
            let published_run = row.integer(3)?;
            let started_at = row.time(4)?;
            let head = published_run.zip(started_at);
            let ended_at = row.time(5)?;
            Ok(Standing {
                system: System {
                    id: row.number(0)?,
                    name: row.word(1)?.to_owned(),
                    os_type: row.word(2)?.to_owned(),
                    published_run,
                },
                need: NEEDS.get(row.number(6)? as usize).copied().unwrap_or(Need::Nothing),
                newest: row.integer(7)?.map(|_| runs::read(row, 8)).transpose()?,
                published: head.map(|(id, started_at)| RunHead { id, started_at, ended_at }),
            })
        })
    }

    /// Returns how many systems need what.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn needs(&mut self) -> Result<Vec<(Need, u64)>, ConnectorError> {
        let sql = format!("select q.need, count(*) from ({SYSTEMS}) q group by q.need order by q.need");
        self.database.rows(&sql, &[], |row| {
            let need = NEEDS.get(row.number(0)? as usize).copied().unwrap_or(Need::Nothing);
            Ok((need, row.number(1)?.unsigned_abs()))
        })
    }
}
