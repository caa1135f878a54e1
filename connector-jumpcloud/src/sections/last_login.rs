//! When and how accounts last signed in: one stream of login events from Directory Insights for all accounts, newest first.

pub(crate) mod attribution;
pub(crate) mod logins;

use attribution::Attribution;
use connector_api::{ConnectorError, ErrorCode, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use logins::{Logins, Moment};
use serde_json::Value;

use super::{About, Context, Discovery, Read};
use crate::api::Id;
use crate::api::events::{self, Actor, Event, Named, Outcome, Window};
use crate::client::{Client, grouped};
use crate::explain_refusal::learn_organization;
use crate::options::Switch;
use crate::options::attribute::LAST_LOGIN_DAYS;
use crate::rights::Right;
use crate::scan::planner::Planner;
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// What is known about recent logins.
pub(crate) type Found = Logins;

pub(crate) struct LastLogin;

const FIELDS: &[(&str, &str)] = &[("account", "lastLogin"), ("account", "lastLoginAt")];

/// The attribute that turns it off.
const SWITCH: &str = "includeLastLogin";

static ABOUT: About = About {
    data: "Last successful and failed login, service, second factor",
    source: "POST /insights/directory/v1/events",
    cost: "1 request per 10,000 login events in the look-back window, plus 2; these run sequentially. 1 more for a service \
           account without jumpcloudOrgId",
    fills_in: FIELDS,
    volatile: FIELDS,
    option: Some(Switch {
        name: SWITCH,
        title: "Last logins",
        description: "Discover last logins from Directory Insights. Costs one request per 10,000 login events in the \
                      look-back window, plus two; these run sequentially.",
    }),
    rights: &[
        Right::of_administrators("/insights/directory/v1/events", "directoryinsights.readonly"),
        Right::of_administrators("/insights/directory/v1/events/count", "directoryinsights.readonly"),
    ],
    ..About::new(Section::LAST_LOGIN, "Last logins")
};

#[async_trait]
impl Discovery for LastLogin {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let Context { client, options, .. } = context;
        Some(Box::pin(async move {
            let mut logins = Logins::default();
            learn_organization(client, &progress.meter).await;
            let result = read(client, options.last_login_days, &mut logins, &mut progress).await;
            Read::new(progress, result, |state| {
                state.warnings.append(&mut logins.warnings);
                state.found.last_login = logins;
            })
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let Planner { client, options, .. } = *planner;
        let days = options.last_login_days;
        // The scan needs this request as well.
        let learns = u64::from(client.lacks_org_id());
        learn_organization(client, &planner.meter).await;
        let window = Window::of_days(client, days);
        let (requests, because) = match events::count(client, &planner.meter, window).await {
            // One more request at the start, for the oldest event, and one at the end, to see that nothing follows.
            Ok(count) => (count.div_ceil(events::LIMIT) + 2, format!("{} login events in {days} days", grouped(count))),
            Err(error) => (1, format!("the login events cannot be counted: {}", error.message)),
        };
        // It fills in fields of rows, and has none of its own.
        let rows = RowEstimate::default();
        planner.sections.push(SectionPlan::new(Section::LAST_LOGIN, requests + learns, because).with_rows(rows));
        Ok(())
    }
}

/// The most pages of events.
const LONGEST: u64 = 10_000;
/// The most accounts with logins: a target that invents names must not fill the memory.
const MOST: usize = 5_000_000;

/// Reads the login events of the last `days` days into `logins`, which keeps what was read before an error.
async fn read(
    client: &Client,
    days: u16,
    logins: &mut Logins,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let window = Window::of_days(client, days);
    // A log may be shorter than the look-back window, or empty.
    let mut oldest = match events::oldest(client, &progress.meter, window).await {
        Ok(oldest) => oldest,
        // The target refuses this request; the events themselves still show how far the log goes back.
        Err(error) if error.code == ErrorCode::MalformedResponse => None,
        Err(error) => return Err(error),
    };
    let mut after: Option<Value> = None;
    let mut unattributed = 0_u64;
    for _ in 0..LONGEST {
        let page = events::page(client, &progress.meter, window, after.as_ref(), OfPage::enter).await?;
        let count = page.events;
        progress.advance(count, None);
        oldest = [oldest, page.learned.oldest].into_iter().flatten().min();
        unattributed += page.learned.unattributed;
        logins.merge(page.learned.logins);
        if logins.count() > MOST {
            return Err(inconsistent("they name more than 5,000,000 accounts"));
        }
        // A short page may have been cut by an unknown limit of the target: the log ends only where nothing follows.
        if count == 0 || (page.after.is_none() && !page.full) {
            cover(logins, window, oldest, days);
            if unattributed > 0 {
                progress.note(format!(
                    "login events ignored because account, time or outcome is missing: {}",
                    grouped(unattributed)
                ));
            }
            return Ok(());
        }
        if page.after.is_none() {
            return Err(inconsistent("a full page has no cursor for the next one"));
        }
        if page.after == after {
            return Err(inconsistent("a page has the same cursor as the one before it"));
        }
        after = page.after;
    }
    Err(inconsistent("they have more than 10,000 pages"))
}

/// Enters how much of the window the log covers. It goes back to its `oldest` event and no further: an empty log does not
/// prove that anybody had no login.
fn cover(logins: &mut Logins, window: Window, oldest: Option<Timestamp>, days: u16) {
    let Some(oldest) = oldest.filter(|_| logins.count() > 0) else {
        logins.warnings.push(format!(
            "lastLogin: Directory Insights has no logins of the last {days} days, so no last logins are reported; check \
             that it is enabled for the organisation"
        ));
        return;
    };
    let since = window.since.max(oldest);
    logins.since = Some(since);
    // A quiet organisation may have no event at the start of the window.
    let asked = window.until.duration_since(window.since);
    logins.covered = window.until.duration_since(since) >= asked / 10 * 9;
    if !logins.covered {
        logins.warnings.push(format!(
            "lastLogin: Directory Insights goes back only to {}, not {days} days, so privileged_never_logged_in is not \
             reported",
            since.strftime("%F"),
        ));
    }
}

fn inconsistent(why: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::InconsistentListing,
        format!("the login events could not be read completely: {why}"),
        format!("lower {LAST_LOGIN_DAYS}, or set {SWITCH} to false"),
    )
}

/// What is learned from one page of events.
#[derive(Default)]
struct OfPage {
    logins: Logins,
    oldest: Option<Timestamp>,
    /// Events that do not name an account, a time or an outcome.
    unattributed: u64,
}

impl OfPage {
    fn enter(&mut self, event: &Event<'_>) {
        let at = event.time();
        self.oldest = [self.oldest, at].into_iter().flatten().min();
        self.unattributed += u64::from(!enter(event, at, &mut self.logins));
    }
}

/// Enters one event; returns whether it names an account and an outcome.
fn enter(event: &Event<'_>, at: Option<Timestamp>, logins: &mut Logins) -> bool {
    if event.is_unrequested() {
        return true;
    }
    let (Some(at), Some(outcome)) = (at, event.outcome()) else { return false };
    let Some(Actor { named, administrator }) = event.actor() else { return false };
    let known = if administrator { &mut logins.administrators } else { &mut logins.users };
    let login = match named {
        Named::Id(id) => known.by_id.entry(id).or_default(),
        Named::Name(name) => known.by_name.entry(name).or_default(),
        Named::OnDevice(name) => known.on_devices.entry(name).or_default(),
    };
    let at = Moment::of(at);
    match outcome {
        // Events come newest first, so of most nothing more is needed.
        Outcome::Succeeded if login.succeeded_at < Some(at) => {
            (login.succeeded_at, login.service, login.mfa) = (Some(at), event.service(), event.second_factor());
        }
        Outcome::Failed => login.failed_at = login.failed_at.max(Some(at)),
        Outcome::Succeeded | Outcome::Pending => {}
    }
    true
}

/// Counts logins without an account in the scan (unknown names and ids), and notes names that several users share.
pub(crate) fn count_unmatched(
    attribution: &Attribution<'_>,
    logins: &Logins,
    is_user: impl Fn(&Id) -> bool,
    progress: &mut SectionProgress,
) {
    let from = || "login events".to_owned();
    for name in attribution.unmatched() {
        progress.dangling(from, || format!("user {name}"));
    }
    let mut unmatched: Vec<&Id> = logins.users.by_id.keys().filter(|id| !is_user(id)).collect();
    unmatched.sort_unstable();
    for id in unmatched {
        progress.dangling(from, || format!("user {id}"));
    }
    let shared = attribution.shared();
    if !shared.is_empty() {
        let examples = shared.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        progress.note(format!(
            "logins under names that several users share are not assigned ({}): {examples}",
            grouped(shared.len() as u64)
        ));
    }
}
