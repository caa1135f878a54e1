//! Finds what people call by a name, an address or an id.

use connector_api::{ConnectorError, Record};

use crate::body;
use crate::database::{Connection, Value};
use crate::kinds;

/// A version of the table `v` that stood after run `?2`.
const STOOD: &str = "v.system = ?1 and v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2)";

/// Returns the rows of one kind with this id, or this name or address in any case, after a run. Each stands once.
pub(crate) fn find(
    db: &mut dyn Connection,
    kind: &str,
    system: i64,
    run: i64,
    called: &str,
) -> Result<Vec<Record>, ConnectorError> {
    let key = Value::from(kinds::key(called));
    let mut by_id =
        "v.object in (select id from object where system = ?1 and kind = ?4 and external_id = ?3)".to_owned();
    if ["account", "policy"].contains(&kind) {
        // Then the index has all that is asked for.
        by_id = by_id.replace("kind = ?4", "kind = ?4 and type = ''");
    }
    let mut ways = vec![(by_id, vec![called.into(), kind.into()]), ("v.name_key = ?3".to_owned(), vec![key.clone()])];
    if kind == "account" {
        ways.push(("v.email_key = ?3".to_owned(), vec![key]));
    }
    let mut found: Vec<(i64, Record)> = Vec::new();
    for (way, parameters) in ways {
        let sql = format!(
            "select v.object, v.body, f.body from {kind}_version v left join volatile_fields f on f.object = v.object \
             where {STOOD} and {way} order by v.object"
        );
        let parameters = [vec![system.into(), run.into()], parameters].concat();
        db.query(&sql, &parameters, &mut |row| {
            let object = row.number(0)?;
            if found.iter().all(|(known, _)| *known != object) {
                found.push((object, body::record(row.word(1)?, row.text(2)?)?));
            }
            Ok(())
        })?;
    }
    Ok(found.into_iter().map(|(_, record)| record).collect())
}

/// Returns every name of a kind after a run.
pub(crate) fn names(db: &mut dyn Connection, kind: &str, system: i64, run: i64) -> Result<Vec<String>, ConnectorError> {
    let sql = format!("select v.name from {kind}_version v where {STOOD}");
    db.rows(&sql, &[system.into(), run.into()], |row| row.word(0).map(str::to_owned))
}
