//! The promise under everything at once: random organisations, faults and cancellations. A scan that says it is whole
//! has the truth's rows; one that is not names what is missing.
//!
//! `CASES=10000 cargo test -p connector-jumpcloud --test trust properties` draws ten thousand cases; a failure prints the
//! `SEED` that draws its case again, alone.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Collected, Identities, config, connect, differ, is_complete, walked};
use connector_api::{CancellationToken, ErrorCode, Outcome, ScanFailure, ScanRequest, ScanSink, ScanSummary, Section};
use futures_util::{FutureExt, StreamExt, stream};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{Behaviour, Organization, Simulator, SimulatorOptions, UsersEndpoint};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

/// No case may take longer, whatever its faults. Nearly all take seconds; where a third of all calls is refused at random
/// and one is made at a time, the pace may come down to two a second.
const LONGEST: Duration = Duration::from_secs(240);

/// One draw.
#[derive(Debug)]
struct Case {
    users: u64,
    groups: u64,
    systems: u64,
    endpoint: UsersEndpoint,
    page_size: u64,
    concurrency: u64,
    attempts: u64,
    faults: Vec<String>,
    /// In what the target differs from the service as it was observed.
    differences: Vec<&'static str>,
    group_details: &'static str,
    effective_grants: &'static str,
    /// The call of the sink at which the scan is cancelled.
    cancel_at: Option<usize>,
    cancel_after: Option<Duration>,
}

const SCOPES: [&str; 8] = [
    "systemusers,users",
    "usergroups",
    "usergroups.members",
    "*",
    "systems",
    "administrators,serviceaccounts",
    "systems.associations,usergroups.associations,users.associations",
    "systemgroups.*,systemgroups,applications,directories",
];

/// Of each kind of difference one may be drawn.
const DIFFERENCES: [&[&str]; 6] = [
    &[
        "null-edges=3%",
        "null-edges=20%:form=null",
        "null-edges=8%:form=null-to",
        "null-edges=0-30:form=left-out",
        "null-edges=5-120:form=null-id",
        "null-edges=12%:form=empty-id:on=usergroups.members",
    ],
    &["v2-sort=nothing", "v2-sort=any"],
    &["group-rows=no-attributes", "group-rows=whole"],
    &["group-filter=refused", "group-filter=ignored"],
    &["retention-days=15"],
    &["several-targets=first", "several-targets=first-with-rows", "several-targets=last", "several-targets=refused"],
];

impl Case {
    fn draw(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let small = dice.random_bool(0.5);
        let page_size = [100, 100, 50, 20, 7][dice.random_range(0..5)];
        let mut case = Self {
            users: dice.random_range(0..=if small { 60 } else { 400 }),
            groups: dice.random_range(0..=if small { 8 } else { 30 }),
            systems: dice.random_range(0..=if small { 10 } else { 40 }),
            endpoint: [UsersEndpoint::SystemUsers, UsersEndpoint::V2, UsersEndpoint::Both][dice.random_range(0..3)],
            page_size,
            concurrency: [1, 4, 16][dice.random_range(0..3)],
            attempts: dice.random_range(2..=7),
            faults: Vec::new(),
            differences: Vec::new(),
            group_details: ["auto", "auto", "each", "filtered"][dice.random_range(0..4)],
            effective_grants: "all",
            cancel_at: dice.random_bool(0.08).then(|| dice.random_range(1..12)),
            cancel_after: dice.random_bool(0.08).then(|| Duration::from_millis(dice.random_range(0..200))),
        };
        for _ in 0..dice.random_range(0..=4) {
            let fault = Self::fault(&mut dice);
            if !case.faults.iter().any(|other| is_undecidable(other, &fault)) {
                case.faults.push(fault);
            }
        }
        for differences in DIFFERENCES {
            let difference = differences[dice.random_range(0..differences.len())];
            if dice.random_bool(0.4) && !case.faults.iter().any(|fault| is_undecidable(fault, difference)) {
                case.differences.push(difference);
            }
        }
        case.effective_grants = ["all", "all", "privileged", "none"][dice.random_range(0..4)];
        case
    }

    fn fault(dice: &mut ChaCha8Rng) -> String {
        let scope = SCOPES[dice.random_range(0..SCOPES.len())];
        let rare = format!(":rate={}", [0.02, 0.1, 0.3][dice.random_range(0..3)]);
        let any = format!(":rate={}", [0.02, 0.2, 0.5, 1.0][dice.random_range(0..4)]);
        let few = format!(":times={}:after={}", dice.random_range(1..4), dice.random_range(0..6));
        let pick = |words: &[&str], dice: &mut ChaCha8Rng| words[dice.random_range(0..words.len())].to_owned();
        let (effect, when) = match dice.random_range(0..8) {
            0 => {
                (pick(&["status=500", "status=502", "status=503", "status=504", "status=429", "html=502"], dice), rare)
            }
            1 => (
                pick(
                    &[
                        "status=401",
                        "status=403",
                        "status=400",
                        "retry-after=0s",
                        "retry-after=date",
                        "redirect=http://127.0.0.1:1/x",
                        "deep=500",
                        "html",
                    ],
                    dice,
                ),
                few,
            ),
            2 => (
                pick(&["reset", "truncate", "invalid-utf8", "content-type=text/html", "delay=5", "slow=400000"], dice),
                rare,
            ),
            3 => (pick(&["oversized=3000000", "gzip-bomb=3000000", "hostile-ids", "status=404"], dice), few),
            4 => (pick(&["drift=delete", "drift=insert", "drift=both"], dice), any),
            5 => (
                pick(&["ignore-skip", "repeat-page", "short-page", "empty-page", "duplicate-rows", "unsorted"], dice),
                any,
            ),
            6 => (pick(&["total=+3", "total=-2", "total=-60", "total=none", "total=moving"], dice), any),
            _ => (
                pick(&["dangling", "cycle", "null-fields", "unknown-fields", "wrong-types", "group-vanishes"], dice),
                any,
            ),
        };
        if effect == "group-vanishes" { effect } else { format!("{effect}:on={scope}{when}") }
    }

    fn has(&self, effect: &str) -> bool {
        self.faults.iter().any(|fault| fault.starts_with(effect))
    }

    fn options(&self, seed: u64) -> SimulatorOptions {
        SimulatorOptions {
            users: self.users,
            groups: self.groups,
            systems: self.systems,
            events: Some(20),
            seed,
            users_endpoint: self.endpoint,
            behaviour: self.differences.iter().fold(Behaviour::observed(), |all, one| all.with(one).unwrap()),
            faults: self.faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            ..SimulatorOptions::default()
        }
    }
}

/// Two faults, or a fault and a difference, under which a target is consistently wrong: rows are missing, and no total
/// contradicts.
fn is_undecidable(one: &str, other: &str) -> bool {
    // Null records that are left out make a page short as well.
    const HIDES: [&str; 4] = ["empty-page", "short-page", "null-edges=0-30:form=left-out", "null-edges=3%"];
    let hides = |fault: &str| HIDES.iter().any(|hides| fault.starts_with(hides));
    let vouches = |fault: &str| fault.starts_with("total=-") || fault.starts_with("total=none");
    (hides(one) && vouches(other)) || (hides(other) && vouches(one))
}

#[derive(Default)]
struct Counts {
    complete: u32,
    incomplete: u32,
    failed: u32,
    cancelled: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_has_the_rows_of_the_truth_or_names_what_is_missing() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CASES").unwrap_or(256),
    };
    let mut failures = Vec::new();
    let mut counts = Counts::default();
    let mut cases = stream::iter(seeds)
        .map(|seed| async move {
            let case = Case::draw(seed);
            let run = tokio::spawn(
                AssertUnwindSafe(async move {
                    let verdict = tokio::time::timeout(LONGEST, run(seed, &case)).await;
                    (verdict.unwrap_or_else(|_| Err("it did not end".to_owned())), format!("{case:?}"))
                })
                .catch_unwind(),
            );
            (seed, run.await)
        })
        .buffer_unordered(6);
    while let Some((seed, ended)) = cases.next().await {
        match ended {
            Ok(Ok((Ok(kind), _))) => match kind {
                Kinds::Complete => counts.complete += 1,
                Kinds::Incomplete => counts.incomplete += 1,
                Kinds::Failed => counts.failed += 1,
                Kinds::Cancelled => counts.cancelled += 1,
            },
            Ok(Ok((Err(why), case))) => failures.push(format!("SEED={seed}: {why}\n  {case}")),
            _ => failures.push(format!("SEED={seed}: panicked")),
        }
    }
    let Counts { complete, incomplete, failed, cancelled } = counts;
    println!("{complete} complete, {incomplete} incomplete, {failed} failed by name, {cancelled} cancelled");
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
}

enum Kinds {
    Complete,
    Incomplete,
    Failed,
    Cancelled,
}

async fn run(seed: u64, case: &Case) -> Result<Kinds, String> {
    let simulator = Simulator::start(case.options(seed)).await.unwrap();
    let attributes = json!({
        "pageSize": case.page_size, "concurrency": case.concurrency, "attempts": case.attempts,
        "groupDetails": case.group_details, "effectiveGrants": case.effective_grants,
        "largestAnswerMib": 1, "retryBudgetSeconds": 20, "requestTimeoutSeconds": 10,
    });
    let connector = connect(config(&simulator, attributes)).unwrap();
    let cancel = CancellationToken::new();
    let sink = Arc::new(match case.cancel_at {
        Some(call) => Collected::cancelling(cancel.clone(), call),
        None => Collected::default(),
    });
    let mut request = ScanRequest::with_cancel(cancel.clone());
    request.checkpoints = seed.is_multiple_of(2);
    let scan = connector.scan(request, Arc::clone(&sink) as Arc<dyn ScanSink>);
    let after = case.cancel_after;
    let ended = {
        tokio::pin!(scan);
        let timer = async {
            match after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            cancel.cancel();
        };
        tokio::select! {
            ended = &mut scan => ended,
            () = timer => tokio::time::timeout(Duration::from_secs(5), scan).await.map_err(|_| "it did not heed the cancellation".to_owned())?,
        }
    };
    judge(case, &simulator.organization(), &ended, &sink)
}

fn judge(
    case: &Case,
    organization: &Organization,
    ended: &Result<ScanSummary, ScanFailure>,
    sink: &Collected,
) -> Result<Kinds, String> {
    let summary = match ended {
        Err(failure) => {
            let error = failure.error();
            if failure.summary().outcome != Outcome::Failed {
                return Err("a failed scan's summary does not say so".to_owned());
            }
            return match error.code {
                ErrorCode::Internal => Err(format!("internal: {}", error.message)),
                ErrorCode::Cancelled => Ok(Kinds::Cancelled),
                _ => Ok(Kinds::Failed),
            };
        }
        Ok(summary) => summary,
    };
    let rows = sink.rows();
    let (found, wrong) = Identities::of(&rows);
    if !wrong.is_empty() {
        return Err(format!("{wrong:?}"));
    }
    let walked = walked(&rows, summary)?;
    if is_complete(summary, Section::OTHER_GRANTS) && found.logins != walked {
        return Err("bindings and memberships give other logins than the grants".to_owned());
    }
    let found = Identities { logins: walked, ..found };
    if case.has("drift") {
        drifted(organization, &found, summary, case)?;
    } else {
        same(organization, &found, summary, case)?;
    }
    for report in &summary.sections {
        if report.status.error().is_some_and(|error| error.code == ErrorCode::Internal) {
            return Err(format!("{report:?}"));
        }
    }
    Ok(if summary.outcome == Outcome::Complete { Kinds::Complete } else { Kinds::Incomplete })
}

/// Nothing changed while the scan ran: every complete section equals the truth.
fn same(organization: &Organization, found: &Identities, summary: &ScanSummary, case: &Case) -> Result<(), String> {
    let mut truth = Identities::truth(organization);
    if case.has("group-vanishes") {
        // Only groups that are reported as gone may be missing, with everything that depends on them.
        let notes = summary.section(Section::MEMBERSHIPS).map(|report| report.notes.as_slice()).unwrap_or_default();
        let is_reported =
            |group: &String| notes.iter().any(|note| note.contains(&format!("the group {group} vanished")));
        truth.groups.retain(|group| !is_reported(group));
        truth.direct.retain(|(group, _)| !is_reported(group));
        differ("users", &truth.users, &found.users)?;
        differ("groups", &truth.groups, &found.groups)?;
        return differ("direct memberships", &truth.direct, &found.direct);
    }
    differ("users", &truth.users, &found.users)?;
    differ("groups", &truth.groups, &found.groups)?;
    differ("direct memberships", &truth.direct, &found.direct)?;
    if !case.has("cycle") {
        differ("memberships", &truth.members, &found.members)?;
    }
    if is_complete(summary, Section::ADMINISTRATORS) {
        differ("administrators", &truth.administrators, &found.administrators)?;
    }
    if is_complete(summary, Section::SERVICE_ACCOUNTS) {
        differ("service accounts", &truth.service_accounts, &found.service_accounts)?;
    }
    if is_complete(summary, Section::SYSTEMS) {
        differ("systems", &truth.systems, &found.systems)?;
    }
    if is_complete(summary, Section::GRANTS) && is_complete(summary, Section::SYSTEMS) && !case.has("cycle") {
        differ("logins", &truth.logins, &found.logins)?;
    }
    Ok(())
}

/// What was there throughout was found, and nothing that was never there.
fn drifted(organization: &Organization, found: &Identities, summary: &ScanSummary, case: &Case) -> Result<(), String> {
    let id = |kind: Kind, index: u64| organization.id(Node::new(kind, index));
    let check = |what: &str, kind: Kind, found: &BTreeSet<String>| {
        let census = organization.census(kind);
        let throughout: BTreeSet<String> = census.throughout().map(|index| id(kind, index)).collect();
        let ever: BTreeSet<String> = census.ever().map(|index| id(kind, index)).collect();
        let missing: Vec<_> = throughout.difference(found).take(3).collect();
        let invented: Vec<_> = found.difference(&ever).take(3).collect();
        if missing.is_empty() && invented.is_empty() {
            return Ok(());
        }
        Err(format!("{what}: missing {missing:?}, never there {invented:?}"))
    };
    check("users", Kind::User, &found.users)?;
    if is_complete(summary, Section::SYSTEMS) {
        check("systems", Kind::System, &found.systems)?;
    }
    if case.has("group-vanishes") {
        return Ok(());
    }
    check("groups", Kind::UserGroup, &found.groups)?;
    let users: BTreeSet<u64> = organization.census(Kind::User).throughout().collect();
    for group in organization.census(Kind::UserGroup).throughout() {
        let name = id(Kind::UserGroup, group);
        for member in organization.members(Node::new(Kind::UserGroup, group)).iter() {
            if member.kind != Kind::User || !users.contains(&member.index) {
                continue;
            }
            let pair = (name.clone(), organization.id(member));
            if !found.direct.contains(&pair) {
                return Err(format!("the membership {pair:?} is missing"));
            }
        }
    }
    Ok(())
}
