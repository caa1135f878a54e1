//! Evidence on accounts, groups and resources: those with the most severe evidence first.

use connector_api::{ConnectorError, Record, Severity};

use super::{PageOf, RowKey, page};
use crate::body;
use crate::exceptions;
use crate::findings::{self, Finding};
use crate::store::{Store, System};

/// Which evidence. The default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Only findings of this severity.
    pub severity: Option<Severity>,
    /// Only findings with this code.
    pub code: Option<String>,
    /// Only findings on rows of this kind: `account`, `group` or `resource`.
    pub kind: Option<String>,
}

/// An account, group or resource with the findings on it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Subject {
    /// The row, without volatile fields.
    pub record: Record,
    /// Its findings, the most severe first.
    pub findings: Vec<Finding>,
}

/// The number of the most severe evidence in a body: that of an index.
const WORST: &str = "case when v.body like '%\"severity\":\"critical\"%' then 5 when v.body like '%\"severity\":\"high\"%' then 4 \
    when v.body like '%\"severity\":\"medium\"%' then 3 when v.body like '%\"severity\":\"low\"%' then 2 else 1 end";

const KINDS: [&str; 3] = ["account", "group", "resource"];

impl Store {
    /// Returns the rows with evidence after a run, those with the most severe evidence first.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn findings_page(
        &mut self,
        system: &System,
        run: i64,
        filter: &FindingFilter,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<PageOf<Subject>, ConnectorError> {
        let rank = |worst: i64, kind: &str| {
            // What is less severe than the filter wants has nothing that it wants.
            let is_passed_over = filter.kind.as_deref().is_some_and(|only| only != kind)
                || filter.severity.is_some_and(|only| worst <= only as i64);
            match is_passed_over {
                true => String::new(),
                false => format!(
                    "select v.object, v.body, cast(v.from_run as text) from {kind}_version v where v.system = ?1 \
                     and {WORST} = {worst} and v.body like '%\"reasons\":%' and v.from_run <= ?2 \
                     and (v.to_run is null or v.to_run > ?2) and v.object > ?3 order by v.object limit ?4"
                ),
            }
        };
        let ranks: Vec<String> = (1..=5).rev().flat_map(|worst| KINDS.map(|kind| rank(worst, kind))).collect();
        let wants = |reason: &connector_api::Reason| {
            filter.severity.is_none_or(|only| reason.severity == only)
                && filter.code.as_ref().is_none_or(|only| reason.code == *only)
        };
        let found = page(
            &mut *self.database,
            [system.id.into(), run.into()],
            &ranks,
            after,
            limit,
            |object, text, from_run| {
                let record = body::record(text, None)?;
                let is_wanted = findings::reasons(&record).iter().any(wants);
                let from_run = from_run.and_then(|from_run| from_run.parse().ok()).unwrap_or(run);
                Ok(is_wanted.then_some((object, from_run, record)))
            },
        )?;
        let exceptions = exceptions::all(&mut *self.database, system.id)?;
        let (mut rows, mut starts) = (Vec::new(), findings::Starts::default());
        for (object, from_run, record) in found.rows {
            let mut all = Vec::new();
            findings::of_row(
                &mut *self.database,
                record.kind(),
                object,
                (from_run, &mut starts),
                record.clone(),
                &mut |mut finding| {
                    if wants(&finding.reason) {
                        finding.exception = exceptions.get(&finding.id).cloned();
                        all.push(finding);
                    }
                    Ok(())
                },
            )?;
            all.sort_by_key(|finding| std::cmp::Reverse(finding.reason.severity));
            rows.push(Subject { record, findings: all });
        }
        Ok(PageOf { rows, next: found.next })
    }
}
