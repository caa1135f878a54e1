//! Counts over all accounts, groups and resources after a run. They are kept, and those of a later run are made from them by
//! the versions that begin or end in between: nobody counts a million rows to open a page.

use std::collections::BTreeMap;

use connector_api::{Account, ConnectorError, Mfa, Severity};
use jiff::Timestamp;
use serde::Deserialize;

use crate::database::{Connection, Row, Value};
use crate::publish::Changes;
use crate::runs::json;
use crate::store::{Store, System};

/// The state of an account's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Factor {
    /// It is set up.
    SetUp,
    /// It is not set up, and the account is exempt from the requirement.
    Exempt,
    /// It is not set up.
    NotSetUp,
    /// The target does not report it.
    NotKnown,
}

impl Factor {
    /// The states of accounts without a second factor, exempt or not.
    pub const WITHOUT: &[Self] = &[Self::NotSetUp, Self::Exempt];

    /// Every state.
    pub const ALL: &[Self] = &[Self::SetUp, Self::Exempt, Self::NotSetUp, Self::NotKnown];

    /// Returns its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "setUp",
            Self::Exempt => "exempt",
            Self::NotSetUp => "notSetUp",
            Self::NotKnown => "notKnown",
        }
    }

    /// Returns the state with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|factor| factor.as_str() == word).copied()
    }

    /// Returns that of an account.
    pub fn of(account: &Account) -> Self {
        Self::of_mfa(account.mfa.as_ref())
    }

    fn of_mfa(mfa: Option<&Mfa>) -> Self {
        let Some(mfa) = mfa else { return Self::NotKnown };
        match (mfa.configured, mfa.excluded) {
            (Some(true), _) => Self::SetUp,
            (Some(false), Some(true)) => Self::Exempt,
            (Some(false), _) => Self::NotSetUp,
            (None, _) => Self::NotKnown,
        }
    }
}

/// Counts after a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(BTreeMap<String, i64>);

/// The fields of rows that are counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    enabled: Option<bool>,
    mfa: Option<Mfa>,
    password: Option<Password>,
    #[serde(default)]
    credentials: Vec<Key>,
    #[serde(default)]
    reasons: Vec<Evidence>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    changed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    usable: Option<bool>,
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Evidence {
    code: String,
    severity: Severity,
}

/// What the keys of last logins begin with.
const LOGIN: &str = "login/";

const ENABLED: [(&str, Option<bool>); 3] = [("enabled", Some(true)), ("disabled", Some(false)), ("notKnown", None)];

fn month(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "notKnown".to_owned(), |time| time.strftime("%Y-%m").to_string())
}

impl Figures {
    fn add(&mut self, key: String, sign: i64) {
        let count = self.0.entry(key).or_default();
        *count += sign;
    }

    /// Counts a version: its kind, type, severity if privileged, and body.
    fn count(&mut self, kind: &str, row: &dyn Row, sign: i64) -> Result<(), ConnectorError> {
        let (of_type, severity) = (row.word(1)?, row.integer(2)?.unwrap_or(0));
        let facts: Facts = serde_json::from_str(row.word(0)?).map_err(|error| {
            ConnectorError::internal("the store has a row that this version cannot read").with_source(error)
        })?;
        if kind == "account" {
            let enabled = ENABLED.iter().find(|(_, enabled)| *enabled == facts.enabled).map_or("", |(word, _)| word);
            let factor = Factor::of_mfa(facts.mfa.as_ref()).as_str();
            self.add(format!("account/{enabled}/{factor}/{severity}"), sign);
            if let Some(password) = &facts.password {
                self.add(format!("password/{}", month(password.changed_at)), sign);
            }
            for key in facts.credentials.iter().filter(|key| key.usable != Some(false)) {
                self.add(format!("key/{}", month(key.created_at)), sign);
            }
        } else {
            self.add(format!("{kind}/{of_type}/{severity}"), sign);
        }
        for reason in &facts.reasons {
            self.add(format!("finding/{}/{}", reason.severity.as_str(), reason.code), sign);
        }
        Ok(())
    }

    fn sum(&self, of: &str, mut which: impl FnMut(&[&str]) -> bool) -> u64 {
        let all = self.0.range(of.to_owned()..).take_while(|(key, _)| key.starts_with(of));
        let sum: i64 = all.filter(|(key, _)| which(&key.split('/').skip(1).collect::<Vec<_>>())).map(|(_, n)| n).sum();
        sum.max(0).unsigned_abs()
    }

    /// Returns how many accounts there are.
    pub fn accounts(&self) -> u64 {
        self.sum("account/", |_| true)
    }

    /// Returns how many accounts of a state have a second factor of a state. `None` stands for an account whose state is not
    /// known.
    pub fn accounts_by(&self, enabled: Option<bool>, factor: Factor) -> u64 {
        let word = ENABLED.iter().find(|(_, known)| *known == enabled).map_or("", |(word, _)| word);
        self.sum("account/", |parts| parts.first() == Some(&word) && parts.get(1) == Some(&factor.as_str()))
    }

    /// Returns how many accounts are privileged.
    pub fn privileged(&self) -> u64 {
        self.sum("account/", |parts| parts.get(2) != Some(&"0"))
    }

    /// Returns how many accounts are privileged with this severity.
    pub fn privileged_of(&self, severity: Severity) -> u64 {
        let number = (severity as i64 + 1).to_string();
        self.sum("account/", |parts| parts.get(2) == Some(&number.as_str()))
    }

    /// Returns how many privileged accounts are without a second factor, exempt or not, among those that are not disabled.
    pub fn privileged_without_factor(&self) -> u64 {
        self.sum("account/", |parts| {
            let is_without = Factor::WITHOUT.iter().any(|factor| parts.get(1) == Some(&factor.as_str()));
            parts.first() != Some(&"disabled") && is_without && parts.get(2) != Some(&"0")
        })
    }

    /// Returns how many findings of a severity there are.
    pub fn findings(&self, severity: Severity) -> u64 {
        self.sum(&format!("finding/{}/", severity.as_str()), |_| true)
    }

    /// Returns how many findings of each code there are, the most severe first.
    pub fn findings_by_code(&self) -> Vec<(Severity, String, u64)> {
        let ranked = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
        let mut found = Vec::new();
        for severity in ranked {
            let of = format!("finding/{}/", severity.as_str());
            let all = self.0.range(of.clone()..).take_while(|(key, _)| key.starts_with(&of));
            found.extend(
                all.filter(|(_, many)| **many > 0)
                    .map(|(key, many)| (severity, key[of.len()..].to_owned(), many.unsigned_abs())),
            );
        }
        found
    }

    /// Returns how many groups, or resources of a type, there are.
    pub fn things(&self, kind: &str) -> Vec<(String, u64)> {
        let of = format!("{kind}/");
        let mut types = BTreeMap::<String, u64>::new();
        for (key, many) in self.0.range(of.clone()..).take_while(|(key, _)| key.starts_with(&of)) {
            let of_type = key[of.len()..].rsplit_once('/').map_or("", |(of_type, _)| of_type);
            *types.entry(of_type.to_owned()).or_default() += (*many).max(0).unsigned_abs();
        }
        types.into_iter().filter(|(_, many)| *many > 0).collect()
    }

    /// Returns how many passwords were changed in each month, such as `2026-03`, or `notKnown`.
    pub fn passwords(&self) -> Vec<(&str, u64)> {
        self.months("password/")
    }

    /// Returns how many accounts had their last known login in each month when the run was published; nothing where that was
    /// not counted.
    pub fn last_logins(&self) -> Vec<(&str, u64)> {
        self.months(LOGIN)
    }

    /// Returns how many usable keys and other credentials were made in each month.
    pub fn keys(&self) -> Vec<(&str, u64)> {
        self.months("key/")
    }

    fn months(&self, of: &str) -> Vec<(&str, u64)> {
        let all = self.0.range(of.to_owned()..).take_while(|(key, _)| key.starts_with(of));
        all.filter(|(_, many)| **many > 0).map(|(key, many)| (&key[of.len()..], many.unsigned_abs())).collect()
    }
}

impl Store {
    /// Returns the counts after a published run. Those of a run that has none are counted and kept, which ends a
    /// [pin](Self::pin) for a moment.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn figures(&mut self, system: &System, run: i64) -> Result<Figures, ConnectorError> {
        let counted = self.reading(|db| counted(db, system.id, run))?;
        if !counted.is_kept {
            let was_pinned = self.is_pinned;
            // A store that cannot be written is counted again the next time.
            let _ = write(self.writing(), system.id, run, &counted.figures);
            if was_pinned {
                self.pin()?;
            }
        }
        Ok(counted.figures)
    }

    /// Returns how many accounts were privileged after each of the last published runs of a system, the earliest first, with
    /// the start of its scan.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn privileged_over_time(
        &mut self,
        system: &System,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(Timestamp, u64)>, ConnectorError> {
        let sql = "select r.id, r.started_at, f.figures from run r left join run_figures f on f.run = r.id \
                   where r.system = ?1 and r.state = 'published' and r.id <= ?2 order by r.id desc limit ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let runs = self.database.rows(sql, &[system.id.into(), until.into(), limit.into()], |row| {
            let kept = row.text(2)?.map(parsed).transpose()?;
            Ok((row.number(0)?, row.time(1)?.unwrap_or_default(), kept))
        })?;
        let privileged = |(run, started_at, kept): (i64, Timestamp, Option<Figures>)| {
            let figures = kept.map_or_else(|| self.figures(system, run), Ok)?;
            Ok((started_at, figures.privileged()))
        };
        runs.into_iter().rev().map(privileged).collect()
    }
}

/// Counts the accounts that stand by the month of their last known login, as last seen.
fn count_logins(db: &mut dyn Connection, system: i64, figures: &mut Figures) -> Result<(), ConnectorError> {
    let sql = "select v.body, f.body from account_version v left join volatile_fields f on f.object = v.object \
               where v.system = ?1 and v.to_run is null";
    db.query(sql, &[system.into()], &mut |row| {
        let login = row.text(1)?.and_then(login).max(login(row.word(0)?));
        figures.add(format!("{LOGIN}{}", month(login)), 1);
        Ok(())
    })
}

/// The last login in a body or in volatile fields.
fn login(body: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Logins {
        last_login_at: Option<Timestamp>,
        last_login: Option<Last>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Last {
        succeeded_at: Option<Timestamp>,
    }
    let logins: Logins = serde_json::from_str(body).ok()?;
    logins.last_login_at.max(logins.last_login.and_then(|last| last.succeeded_at))
}

/// Counts, and whether they are kept already.
struct Counted {
    figures: Figures,
    is_kept: bool,
}

/// Counts after a run that stands, and keeps that. `before` is the run that stood until then, and `changes` is what became of it.
pub(crate) fn keep(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    before: Option<i64>,
    changes: &Changes,
) -> Result<(), ConnectorError> {
    let known = if before.is_some() { known(db, system, run)? } else { None };
    let is_of_before = known.as_ref().is_some_and(|(at, _)| Some(*at) == before);
    let kinds = KINDS.into_iter().filter(|kind| !is_of_before || changes.0.contains_key(*kind));
    let mut figures = add(db, system, run, known, kinds)?;
    count_logins(db, system, &mut figures)?;
    write(db, system, run, &figures)
}

/// The kinds that are counted.
const KINDS: [&str; 3] = ["account", "group", "resource"];

fn write(db: &mut dyn Connection, system: i64, run: i64, figures: &Figures) -> Result<(), ConnectorError> {
    let sql = "insert into run_figures (run, system, figures) values (?1, ?2, ?3) on conflict (run) do nothing";
    db.execute(sql, &[run.into(), system.into(), json(&figures.0)?]).map(drop)
}

fn parsed(figures: &str) -> Result<Figures, ConnectorError> {
    serde_json::from_str(figures).map(Figures).map_err(|error| {
        ConnectorError::internal("the store has figures that this version cannot read").with_source(error)
    })
}

fn counted(db: &mut dyn Connection, system: i64, run: i64) -> Result<Counted, ConnectorError> {
    let known = known(db, system, run)?;
    if let Some((_, figures)) = known.as_ref().filter(|(at, _)| *at == run) {
        return Ok(Counted { figures: figures.clone(), is_kept: true });
    }
    let mut figures = add(db, system, run, known, KINDS)?;
    let published = "select published_run from system where id = ?1";
    if db.first(published, &[system.into()], |row| row.integer(0))?.flatten() == Some(run) {
        count_logins(db, system, &mut figures)?;
    }
    Ok(Counted { figures, is_kept: false })
}

/// The last counts up to a run that are kept, and of which run they are.
fn known(db: &mut dyn Connection, system: i64, run: i64) -> Result<Option<(i64, Figures)>, ConnectorError> {
    let sql = "select run, figures from run_figures where system = ?1 and run <= ?2 order by run desc limit 1";
    db.first(sql, &[system.into(), run.into()], |row| Ok((row.number(0)?, parsed(row.word(1)?)?)))
}

/// Adds to counts what has changed of some kinds until a run.
fn add(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    known: Option<(i64, Figures)>,
    kinds: impl IntoIterator<Item = &'static str>,
) -> Result<Figures, ConnectorError> {
    let (base, mut figures) = known.map(|(at, figures)| (Some(at), figures)).unwrap_or_default();
    for kind in kinds {
        let severity = if kind == "resource" { "cast(null as integer)" } else { "v.severity" };
        let columns = format!("select v.body, v.type, {severity} from {kind}_version v where v.system = ?1 and ");
        let stands = format!("{columns} v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2)");
        let began = format!("{columns} v.from_run > ?3 and v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2)");
        let ended = format!("{columns} v.to_run > ?3 and v.to_run <= ?2 and v.from_run <= ?3");
        let queries = match base {
            None => vec![(stands, 1)],
            Some(_) => vec![(began, 1), (ended, -1)],
        };
        for (sql, sign) in queries {
            let mut parameters: Vec<Value> = vec![system.into(), run.into()];
            parameters.extend(base.map(Value::from));
            db.query(&sql, &parameters, &mut |row| figures.count(kind, row, sign))?;
        }
    }
    // They change without new versions. Those of an earlier run are no longer known.
    figures.0.retain(|key, many| *many != 0 && !key.starts_with(LOGIN));
    Ok(figures)
}
