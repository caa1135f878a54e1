//! Where the credential goes: only to the configured target.

use connector_api::{ConnectorError, ErrorCode, Outcome, ScanFailure, ScanRequest, ScanSummary};

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::trap::Trap;
use crate::verdict::{Failure, NotPassed, Verdict, ensure};

pub(crate) async fn plain_http_to_another_machine_is_refused(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::PlainHttp).await?;
    let (trap, expected) = (trap(&bench)?, format!("error `insecure_endpoint` for {}", bench.scenario));
    let is_refused = |error: &ConnectorError| error.code == ErrorCode::InsecureEndpoint;
    if let Err(error) = bench.try_connect(bench.target.system.clone()) {
        never_visited(&bench, trap).await?;
        return ensure(is_refused(&error), expected, || error);
    }
    // Best is a connector that cannot be made; one that sends nothing is just as safe.
    let (first, scan) = ask(&bench).await?;
    never_visited(&bench, trap).await?;
    ensure(first.as_ref().is_some_and(is_refused), format!("{expected} in the connection test"), || shown(first))?;
    let failure = scan.err().map(ConnectorError::from);
    ensure(failure.as_ref().is_some_and(is_refused), format!("{expected} in the scan"), || shown(failure))
}

pub(crate) async fn redirects_are_not_followed(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Redirects).await?;
    let (trap, expected) = (trap(&bench)?, format!("error `unexpected_redirect` for {}", bench.scenario));
    let (first, scan) = ask(&bench).await?;
    never_visited(&bench, trap).await?;
    let is_refused = |error: &ConnectorError| error.code == ErrorCode::UnexpectedRedirect;
    ensure(first.as_ref().is_some_and(is_refused), format!("{expected} in the connection test"), || shown(first))?;
    let failure = scan.err().map(ConnectorError::from);
    ensure(failure.as_ref().is_some_and(is_refused), format!("{expected} in the scan"), || shown(failure))
}

pub(crate) async fn a_next_link_to_another_server_is_not_followed(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::ForeignNextLink).await?;
    let trap = trap(&bench)?;
    let (_, scan) = ask(&bench).await?;
    never_visited(&bench, trap).await?;
    let whole = scan.is_ok_and(|summary| summary.outcome == Outcome::Complete);
    ensure(!whole, format!("the list of {} is not reported as complete", bench.scenario), || "a complete scan")
}

/// Returns the error of the connection test, and the result of a scan.
async fn ask(bench: &Bench) -> Result<(Option<ConnectorError>, Result<ScanSummary, ScanFailure>), NotPassed> {
    let report = bench.test_connection().await?;
    let scan = bench.run(ScanRequest::default(), Script::Record).await?;
    Ok((report.first_error().cloned(), scan.result))
}

fn trap(bench: &Bench) -> Result<&Trap, NotPassed> {
    let missing =
        || Failure::new(format!("{} has a trap (`Target::with_trap`)", bench.scenario), "a target without one");
    Ok(bench.target.trap.as_ref().ok_or_else(missing)?)
}

async fn never_visited(bench: &Bench, trap: &Trap) -> Verdict {
    let caught = trap.caught(&bench.target.secrets).await;
    ensure(caught.is_none(), format!("no connection to the other server of {}", bench.scenario), || {
        caught.unwrap_or_default()
    })
}

fn shown(error: Option<ConnectorError>) -> String {
    error.map_or_else(|| "no error".to_owned(), |error| error.to_string())
}
