//! When and how accounts last signed in: one stream of login events from Directory Insights, newest first, for all
//! accounts together.

use connector_api::{ConnectorError, ErrorCode};
use serde_json::Value;

use super::logins::{Login, Logins, Moment};
use super::section::Tally;
use crate::api::Id;
use crate::api::events::{self, ADMIN_LOGIN, Event, LOGIN_EVENTS};
use crate::client::Client;

/// A stream of events may not have more pages.
const LONGEST: u64 = 10_000;
/// No more accounts may have signed in: a target that names ever new ones must not fill the memory.
const MOST: usize = 5_000_000;

/// Reads the login events of the last `days` days into `logins`; what came before an error stays there.
pub(super) async fn read(
    client: &Client,
    days: u16,
    logins: &mut Logins,
    tally: &mut Tally,
) -> Result<(), ConnectorError> {
    let (since, until) = events::period(client, days);
    let mut after: Option<Value> = None;
    let mut unattributed = 0_u64;
    for _ in 0..LONGEST {
        let page = events::page(client, &tally.meter, since, until, after.as_ref()).await?;
        let count = page.events.len();
        tally.advance(count, None);
        for event in page.events {
            unattributed += u64::from(!enter(event, logins));
        }
        if logins.count() > MOST {
            return Err(inconsistent("they name more accounts than there can be"));
        }
        // A short page may have been cut by a limit that the target does not tell: only nothing behind it is the end.
        if count == 0 || (page.after.is_none() && !page.full) {
            logins.since = Some(since);
            if unattributed > 0 {
                tally.note(format!("{unattributed} login events do not tell whose they are or how they went"));
            }
            return Ok(());
        }
        if page.after.is_none() {
            return Err(inconsistent("a full page does not tell where the next one begins"));
        }
        if page.after == after {
            return Err(inconsistent("a page does not go on where the one before it ended"));
        }
        after = page.after;
    }
    Err(inconsistent("the events do not end"))
}

fn inconsistent(why: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::InconsistentListing,
        format!("the login events could not be read as a whole: {why}"),
        "lower lastLoginDays, or switch includeLastLogin off",
    )
}

/// Enters one event; whether it tells whose login it was, and how it went.
fn enter(event: Event, logins: &mut Logins) -> bool {
    if event.event_type.as_deref().is_some_and(|kind| !LOGIN_EVENTS.contains(&kind)) {
        return true;
    }
    let (Some(at), Some(success)) = (event.timestamp, event.success.or(event.sso_token_success)) else { return false };
    let initiator = event.initiated_by;
    let by_administrator = match initiator.kind.as_deref() {
        Some(kind) => kind == "admin",
        None => event.event_type.as_deref() == Some(ADMIN_LOGIN),
    };
    let known = if by_administrator { &mut logins.administrators } else { &mut logins.users };
    // A device reports the login of a user whom it knows by name alone.
    let person = matches!(initiator.kind.as_deref(), None | Some("user" | "admin"));
    let id = initiator.id.filter(|_| person).and_then(|id| id.parse::<Id>().ok());
    let name = event.username.or(initiator.username).or(initiator.email).map(|name| name.to_lowercase());
    let login = match (id, name) {
        (Some(id), _) => known.by_id.entry(id).or_default(),
        (None, Some(name)) => known.by_name.entry(name).or_default(),
        (None, None) => return false,
    };
    let at = Some(Moment::of(at));
    login.merge(&if success {
        Login { succeeded_at: at, failed_at: None, service: event.service, mfa: event.mfa }
    } else {
        Login { failed_at: at, ..Login::default() }
    });
    true
}

/// Counts the logins of those who are not in the scan: `names` that no user has, and ids that no account has.
pub(super) fn count_strangers<'a>(
    logins: &Logins,
    names: impl IntoIterator<Item = &'a str>,
    is_user: impl Fn(&Id) -> bool,
    tally: &mut Tally,
) {
    let from = || "login events".to_owned();
    for name in names {
        tally.dangling(from, || format!("user {name}"));
    }
    for id in logins.users.by_id.keys().filter(|id| !is_user(id)) {
        tally.dangling(from, || format!("user {id}"));
    }
}
