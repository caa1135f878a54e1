//! Privileged accounts, the most severe first.

use std::collections::BTreeMap;

use connector_api::{Account, ConnectorError, Record, Severity};
use jiff::Timestamp;

use super::{Factor, PageOf, RowKey, page, volatile};
use crate::body;
use crate::store::{Store, System};

/// Which privileged accounts. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrivilegedFilter {
    /// Only those of this severity.
    pub severity: Option<Severity>,
    /// Only those with this state of the second factor. [`Factor::NotSetUp`] includes those that are exempt.
    pub factor: Option<Factor>,
    /// Only those that are enabled, or that are not.
    pub enabled: Option<bool>,
    /// Only those without a login since then, UTC.
    pub no_login_since: Option<Timestamp>,
    /// Only those without any known login.
    pub no_login: bool,
}

/// A privileged account.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrivilegedAccount {
    /// The account, with volatile fields if the run is the one that stands: only the last ones are kept.
    pub account: Account,
    /// The first run of those in a row after which it is privileged.
    pub since_run: i64,
    /// When the scan of that run started, UTC.
    pub since: Timestamp,
}

impl PrivilegedFilter {
    fn accepts(&self, account: &Account) -> bool {
        let login = last_login(account);
        let is_of =
            |wanted, factor| wanted == factor || wanted == Factor::NotSetUp && Factor::WITHOUT.contains(&factor);
        self.factor.is_none_or(|wanted| is_of(wanted, Factor::of(account)))
            && self.enabled.is_none_or(|enabled| account.enabled == Some(enabled))
            && self.no_login_since.is_none_or(|time| login.is_none_or(|login| login < time))
            && (!self.no_login || login.is_none())
    }
}

/// When somebody last signed in as the account, as far as it is known.
pub(super) fn last_login(account: &Account) -> Option<Timestamp> {
    let succeeded = account.last_login.as_ref().and_then(|login| login.succeeded_at);
    succeeded.max(account.last_login_at)
}

const RANKS: [Severity; 5] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

impl Store {
    /// Returns privileged accounts after a run, the most severe first.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn privileged(
        &mut self,
        system: &System,
        run: i64,
        filter: &PrivilegedFilter,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<PageOf<PrivilegedAccount>, ConnectorError> {
        let volatile = volatile(system, run);
        let ranks = RANKS.map(|severity| match filter.severity {
            Some(only) if only != severity => String::new(),
            _ => format!(
                "select v.object, v.body, {volatile} from account_version v \
                 left join volatile_fields f on f.object = v.object and f.object > ?3 where v.system = ?1 and v.severity = {} \
                 and v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2) and v.object > ?3 \
                 order by v.object limit ?4",
                severity as i64 + 1
            ),
        });
        let found =
            page(&mut *self.database, [system.id.into(), run.into()], &ranks, after, limit, |object, body, more| {
                Ok(match body::record(body, more)? {
                    Record::Account(account) if filter.accepts(&account) => Some((object, *account)),
                    _ => None,
                })
            })?;
        let since = self.privileged_since(&found.rows.iter().map(|(object, _)| *object).collect::<Vec<_>>(), run)?;
        let rows = found.rows.into_iter().map(|(object, account)| {
            let (since_run, since) = since.get(&object).copied().unwrap_or((run, Timestamp::UNIX_EPOCH));
            PrivilegedAccount { account, since_run, since }
        });
        Ok(PageOf { rows: rows.collect(), next: found.next })
    }

    /// The first of the runs in a row, up to this one, after which accounts are privileged, with its start.
    fn privileged_since(
        &mut self,
        objects: &[i64],
        run: i64,
    ) -> Result<BTreeMap<i64, (i64, Timestamp)>, ConnectorError> {
        if objects.is_empty() {
            return Ok(BTreeMap::new());
        }
        // Numbers of the store itself.
        let among = objects.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "select v.object, v.from_run, v.to_run, v.severity, r.started_at from account_version v \
             join run r on r.id = v.from_run where v.object in ({among}) and v.from_run <= ?1 \
             order by v.object, v.from_run desc"
        );
        // The latest first: where a row of versions breaks off, the account began to be privileged.
        let mut since = BTreeMap::<i64, (i64, Timestamp)>::new();
        let mut broken = None;
        self.database.query(&sql, &[run.into()], &mut |row| {
            let (object, from_run) = (row.number(0)?, row.number(1)?);
            let follows = since.get(&object).is_none_or(|(next, _)| row.integer(2).ok().flatten() == Some(*next));
            if broken == Some(object) {
                return Ok(());
            }
            if follows && row.integer(3)?.is_some() {
                since.insert(object, (from_run, row.time(4)?.unwrap_or_default()));
            } else {
                broken = Some(object);
            }
            Ok(())
        })?;
        Ok(since)
    }
}
