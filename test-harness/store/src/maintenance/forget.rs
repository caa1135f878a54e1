//! Removes a system, or an account, from all of history.

use std::collections::BTreeSet;

use connector_api::ConnectorError;

use super::common_words::CommonWords;
use super::forgotten_words::ForgottenWords;
use crate::body;
use crate::database::{Connection, Value};
use crate::findings;
use crate::kinds;
use crate::links::Links;
use crate::runs;
use crate::tables::{OF_RUNS, VERSIONS};

/// What was removed with a system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForgottenSystem {
    /// Runs of every state.
    pub runs: u64,
    /// Versions of rows.
    pub versions: u64,
}

/// What was removed with accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForgottenAccounts {
    /// Versions of their rows, memberships and bindings.
    pub versions: u64,
    /// Texts of other rows and runs in which their names stood.
    pub texts: u64,
    /// How many of them stand in the newest published run: the next scan may bring them back.
    pub standing: u64,
    /// Names that stay in other texts, in lower case: they are common words, or another account is called so.
    pub names_left: BTreeSet<String>,
}

/// An account that stands in the history of a system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct KnownAccount {
    /// Its id on the target.
    pub external_id: String,
    /// Its last user name; empty if no row of it was ever kept.
    pub username: String,
}

pub(super) fn system(db: &mut dyn Connection, system: i64) -> Result<ForgottenSystem, ConnectorError> {
    let mut forgotten = ForgottenSystem::default();
    let of_system = [system.into()];
    let sql = "select count(*) from run where system = ?1 and state <> 'pruned'";
    forgotten.runs = db.first(sql, &of_system, |row| row.number(0))?.unwrap_or_default().unsigned_abs();
    for table in OF_RUNS.iter().chain(&["section_state"]) {
        let sql = format!("delete from {table} where run in (select id from run where system = ?1)");
        db.execute(&sql, &of_system)?;
    }
    for table in VERSIONS {
        forgotten.versions += db.execute(&format!("delete from {table} where system = ?1"), &of_system)?;
    }
    let sql = "delete from volatile_fields where object in (select id from object where system = ?1)";
    db.execute(sql, &of_system)?;
    for table in ["object", "via", "terms", "finding_exception", "run_figures"] {
        db.execute(&format!("delete from {table} where system = ?1"), &of_system)?;
    }
    db.execute("delete from run where system = ?1", &of_system)?;
    db.execute("delete from system where id = ?1", &of_system)?;
    Ok(forgotten)
}

pub(super) fn ever_called(
    db: &mut dyn Connection,
    system: i64,
    called: &str,
) -> Result<Vec<KnownAccount>, ConnectorError> {
    let sql = "select o.external_id, (select v.name from account_version v where v.object = o.id \
               order by v.from_run desc limit 1) from object o where o.system = ?1 and o.kind = 'account' and ( \
               o.external_id = ?2 \
               or o.id in (select v.object from account_version v where v.system = ?1 and v.name_key = ?3) \
               or o.id in (select v.object from account_version v where v.system = ?1 and v.email_key = ?3) \
               or o.id in (select m.account_id from membership_name m where m.system = ?1 and m.username = ?2) \
               or o.id in (select v.object from staged_account v join run r on r.id = v.run where r.system = ?1 \
               and (v.name_key = ?3 or v.email_key = ?3))) order by o.id";
    db.rows(sql, &[system.into(), called.into(), kinds::key(called).into()], |row| {
        Ok(KnownAccount { external_id: row.word(0)?.to_owned(), username: row.owned(1)?.unwrap_or_default() })
    })
}

pub(super) fn accounts(
    db: &mut dyn Connection,
    system: i64,
    external_ids: &[String],
) -> Result<ForgottenAccounts, ConnectorError> {
    let mut forgotten = ForgottenAccounts::default();
    let links = Links::read(db, system, None)?;
    let (mut all, mut linked) = (Vec::new(), BTreeSet::new());
    for external_id in external_ids {
        linked.extend(links.joined_with(external_id).into_iter().map(|(id, ..)| id));
        all.push(account(db, system, external_id, &mut forgotten)?);
    }
    let common = CommonWords::of(db, system)?;
    let mut left: BTreeSet<String> = all.iter().flat_map(ForgottenWords::all).cloned().collect();
    let of_others = names_of_others(db, system, &linked, &left)?;
    left.retain(|name| common.contains(name) || of_others.contains(name));
    all.iter_mut().for_each(|words| words.leave(&left));
    forgotten.names_left = left;
    // What an unfinished scan would go on with is the connector's own, and may name anybody: that scan starts again.
    // They count what is going to be removed.
    db.execute("delete from run_figures where system = ?1", &[system.into()])?;
    db.execute("delete from checkpoint where run in (select id from run where system = ?1)", &[system.into()])?;
    // They have names as well, and are prepared again when they are needed.
    runs::clear_difference(db, "in (select id from run where system = ?1)", system)?;
    for words in all {
        forgotten.texts += words.remove(db, system)?;
    }
    Ok(forgotten)
}

/// Those of some names that accounts have which are not linked with what is forgotten.
fn names_of_others(
    db: &mut dyn Connection,
    system: i64,
    linked: &BTreeSet<String>,
    names: &BTreeSet<String>,
) -> Result<BTreeSet<String>, ConnectorError> {
    let mut found = BTreeSet::new();
    for (table, of) in [
        ("account_version", "v.system = ?1"),
        ("staged_account", "v.run in (select id from run where system = ?1) and v.layer = 0"),
    ] {
        let sql = format!(
            "select o.external_id, v.name, v.display_name, v.email from {table} v join object o on o.id = v.object where {of}"
        );
        db.query(&sql, &[system.into()], &mut |row| {
            if !linked.contains(row.word(0)?) {
                for column in 1..4 {
                    let name = row.text(column)?.map(|name| kinds::key(name.trim()));
                    found.extend(name.filter(|name| names.contains(name)));
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Removes the rows of an account, and returns what it was called.
fn account(
    db: &mut dyn Connection,
    system: i64,
    external_id: &str,
    forgotten: &mut ForgottenAccounts,
) -> Result<ForgottenWords, ConnectorError> {
    let sql = "select id from object where system = ?1 and kind = 'account' and type = '' and external_id = ?2";
    let object = db.first(sql, &[system.into(), external_id.into()], |row| row.number(0))?.ok_or_else(|| {
        ConnectorError::invalid_config(
            format!("the store has no account with the id {external_id}"),
            "see `harness who` and `harness why` for accounts",
        )
    })?;
    let sql = "select count(*) from account_version where object = ?1 and to_run is null";
    let standing = db.first(sql, &[object.into()], |row| row.number(0))?.unwrap_or_default();
    forgotten.standing += standing.unsigned_abs();
    let words = words(db, object, external_id)?;
    exceptions(db, system, object)?;

    for (table, column) in [
        ("account_version", "object"),
        ("membership_version", "account_id"),
        ("membership_name", "account_id"),
        ("binding_version", "from_id"),
        ("binding_version", "to_id"),
    ] {
        forgotten.versions += db.execute(&format!("delete from {table} where {column} = ?1"), &[object.into()])?;
    }
    for (table, column) in [
        ("volatile_fields", "object"),
        ("staged_account", "object"),
        ("staged_membership", "account_id"),
        ("staged_membership_name", "account_id"),
        ("staged_binding", "from_id"),
        ("staged_binding", "to_id"),
    ] {
        db.execute(&format!("delete from {table} where {column} = ?1"), &[object.into()])?;
    }
    db.execute("delete from object where id = ?1", &[object.into()])?;
    Ok(words)
}

/// Everything that the account was ever called.
fn words(db: &mut dyn Connection, object: i64, external_id: &str) -> Result<ForgottenWords, ConnectorError> {
    let mut words = ForgottenWords::of(external_id);
    for sql in [
        "select name, email, display_name from account_version where object = ?1",
        "select name, email, display_name from staged_account where object = ?1",
        "select username, null, null from membership_name where account_id = ?1",
        "select username, null, null from staged_membership_name where account_id = ?1",
    ] {
        // The type of a column that is always empty must be known.
        let sql = sql.replace("null", "cast(null as text)");
        db.query(&sql, &[object.into()], &mut |row| {
            for column in 0..3 {
                row.text(column)?.into_iter().for_each(|word| words.add(word));
            }
            Ok(())
        })?;
    }
    Ok(words)
}

/// Removes the exceptions of the account's findings.
fn exceptions(db: &mut dyn Connection, system: i64, object: i64) -> Result<(), ConnectorError> {
    let sql = "select body from account_version where object = ?1";
    let rows = db.rows(sql, &[object.into()], |row| body::record(row.word(0)?, None))?;
    let ids: BTreeSet<String> = rows.iter().flat_map(findings::ids).collect();
    for id in ids {
        let sql = "delete from finding_exception where system = ?1 and finding = ?2";
        db.execute(sql, &[Value::from(system), id.into()])?;
    }
    Ok(())
}
