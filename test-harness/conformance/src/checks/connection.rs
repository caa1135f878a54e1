//! The connection test: the right result, in time.

use connector_api::{CheckStatus, ErrorCode, ScanRequest};

use crate::bench::Bench;
use crate::checks::completeness::failing;
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::verdict::{Failure, Verdict, ensure};

pub(crate) async fn a_healthy_target_passes_the_connection_test(fixture: &dyn Fixture) -> Verdict {
    let report = Bench::start(fixture, Scenario::Healthy).await?.test_connection().await?;
    ensure(!report.checks.is_empty(), "one check for each thing probed", || "no check")?;
    let failure = report.checks.iter().find(|check| check.status == CheckStatus::Failed);
    ensure(failure.is_none() && report.passed(), "every check passes on a healthy target", || {
        failure.map(|check| format!("{}: {}", check.name, check.found)).unwrap_or_default()
    })
}

pub(crate) async fn nobody_listening_is_reported_as_connect(fixture: &dyn Fixture) -> Verdict {
    reported_as(fixture, Scenario::Refused, ErrorCode::Connect).await
}

pub(crate) async fn a_refused_credential_is_reported_as_unauthorized(fixture: &dyn Fixture) -> Verdict {
    reported_as(fixture, Scenario::Unauthorized, ErrorCode::Unauthorized).await
}

pub(crate) async fn a_forbidden_credential_is_reported_as_forbidden(fixture: &dyn Fixture) -> Verdict {
    reported_as(fixture, Scenario::Forbidden, ErrorCode::Forbidden).await
}

pub(crate) async fn a_target_that_never_answers_is_reported_as_timeout_in_time(fixture: &dyn Fixture) -> Verdict {
    reported_as(fixture, Scenario::Hangs, ErrorCode::Timeout).await
}

pub(crate) async fn a_wrong_certificate_is_reported_as_tls(fixture: &dyn Fixture) -> Verdict {
    reported_as(fixture, Scenario::WrongCertificate, ErrorCode::Tls).await
}

pub(crate) async fn a_core_section_that_fails_fails_the_connection_test(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let core = descriptor.sections.iter().filter(|described| described.core).map(|described| described.section);
    for (_, bench) in failing(fixture, core).await? {
        let report = bench.test_connection().await?;
        ensure(!report.passed(), format!("a failed check for {}", bench.scenario), || {
            let checks: Vec<String> =
                report.checks.iter().map(|check| format!("{} ({:?})", check.name, check.status)).collect();
            format!("a report that passed: {}", checks.join(", ").to_lowercase())
        })?;
        let error = report.first_error();
        ensure(error.is_some(), format!("an error of the failed check for {}", bench.scenario), || "none")?;
    }
    Ok(())
}

pub(crate) async fn a_refused_credential_fails_the_scan(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Unauthorized).await?;
    let run = bench.run(ScanRequest::default(), Script::Record).await?;
    let expected = "the scan fails with `unauthorized`";
    match run.result {
        Ok(summary) => Err(Failure::new(expected, format!("it ended {:?}", summary.outcome)).into()),
        Err(failure) => {
            ensure(failure.error().code == ErrorCode::Unauthorized, expected, || failure.error())?;
            let rows = run.sink.seen().rows.len();
            ensure(rows == 0, "no rows", || format!("{rows} rows"))
        }
    }
}

/// Checks the code of the first failed check, and that its error has a remedy.
async fn reported_as(fixture: &dyn Fixture, scenario: Scenario, code: ErrorCode) -> Verdict {
    let report = Bench::start(fixture, scenario).await?.test_connection().await?;
    let expected = format!("code `{code}` for {scenario}");
    let Some(error) = report.first_error() else {
        let got = if report.passed() { "a report that passed" } else { "a failed check without an error" };
        return Err(Failure::new(expected, got).into());
    };
    ensure(error.code == code, expected, || error)?;
    ensure(!error.remedy.trim().is_empty(), format!("a remedy for `{code}`"), || "none")
}
