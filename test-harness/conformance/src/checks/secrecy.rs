//! The secret: never in anything that leaves the connector.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};

use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ConnectorError, ScanFailure, ScanRequest};
use serde::Serialize;

use crate::bench::{Bench, Run};
use crate::checks::interruption::unusable;
use crate::fixture::{Fixture, Scenario};
use crate::log::CapturedLog;
use crate::probe::Script;
use crate::rerun::{self, CURRENT, Rerun};
use crate::secret::shown_in;
use crate::verdict::{Failure, NotPassed, Verdict, ensure};

/// The scenarios in which a secret is searched for: each takes another path through a connector.
fn scenarios(fixture: &dyn Fixture) -> impl Iterator<Item = Scenario> {
    let all = [
        Scenario::Healthy,
        Scenario::Unauthorized,
        Scenario::Forbidden,
        Scenario::Refused,
        Scenario::WrongCertificate,
        Scenario::PlainHttp,
        Scenario::Redirects,
        Scenario::ForeignNextLink,
    ];
    let sections = fixture.registration().descriptor().sections;
    all.into_iter().chain(sections.into_iter().map(|described| Scenario::SectionFails(described.section)))
}

pub(crate) async fn the_secret_never_shows(fixture: &dyn Fixture) -> Verdict {
    let mut tried = 0;
    for scenario in scenarios(fixture) {
        match Bench::start(fixture, scenario).await {
            Ok(bench) => {
                tried += 1;
                never_shows(&bench).await?;
            }
            Err(NotPassed::Skipped(_)) => {}
            Err(failed) => return Err(failed),
        }
    }
    if tried == 0 { Err(NotPassed::Skipped("the fixture starts no target".into())) } else { Ok(()) }
}

pub(crate) async fn the_secret_is_never_printed(fixture: &dyn Fixture) -> Verdict {
    if rerun::is_started_again() {
        return print(fixture).await;
    }
    let secrets = Bench::start(fixture, Scenario::Healthy).await?.target.secrets;
    let program = CURRENT.with(Rerun::clone);
    let output =
        program.output().await.map_err(|error| Failure::new("the test's program can be started again", error))?;
    let streams = [("on standard output", output.stdout), ("on standard error or in the crate `log`", output.stderr)]
        .map(|(stream, printed)| (stream, String::from_utf8_lossy(&printed).into_owned()));
    let ended = streams.iter().any(|(_, printed)| printed.contains(&mark(&secrets)));
    ensure(ended, "a separate process scans targets with the same secrets, and finishes", || {
        format!("{}, without the mark of its end", output.status)
    })?;
    streams.iter().try_for_each(|(stream, printed)| shows_not(&secrets, stream, printed))
}

/// Fails if a secret is in the text, and quotes its surroundings.
fn shows_not(secrets: &[SecretString], place: &str, text: &str) -> Verdict {
    shown_in(secrets, text)
        .map_or(Ok(()), |shown| Err(Failure::new(format!("no secret {place}"), format!("`{shown}`")).into()))
}

/// Produces all output in every scenario, in a process whose streams are captured.
async fn print(fixture: &dyn Fixture) -> Verdict {
    rerun::print_log();
    let mut secrets = Vec::new();
    for scenario in scenarios(fixture) {
        let bench = match Bench::start(fixture, scenario).await {
            Ok(bench) => bench,
            Err(NotPassed::Skipped(_)) => continue,
            Err(failed) => return Err(failed),
        };
        let _said = said(&bench).await?;
        if scenario == Scenario::Healthy {
            secrets = bench.target.secrets;
        }
    }
    let _ = writeln!(io::stdout(), "\n{}", mark(&secrets));
    Ok(())
}

/// The line by which a process reports that it has finished, and which secrets it used.
fn mark(secrets: &[SecretString]) -> String {
    let mut digest = DefaultHasher::new();
    secrets.iter().for_each(|secret| secret.expose_secret().hash(&mut digest));
    format!("conformance: scanned {:016x}", digest.finish())
}

async fn never_shows(bench: &Bench) -> Verdict {
    let log = CapturedLog::start();
    let said = said(bench).await?;
    let log = ("in the log".to_owned(), log.text());
    for (place, text) in said.iter().chain([&log]) {
        shows_not(&bench.target.secrets, &format!("{place} of {}", bench.scenario), text)?;
    }
    Ok(())
}

/// Collects everything that a connector outputs about a target, with where it appears.
async fn said(bench: &Bench) -> Result<Vec<(String, String)>, NotPassed> {
    let credential = &bench.target.system.credential;
    let mut said = vec![("in the configuration".to_owned(), format!("{credential:?} {}", json(credential)?))];
    let connector = match bench.try_connect(bench.target.system.clone()) {
        Ok(connector) => connector,
        // Such a target is refused here or later.
        Err(error) if bench.scenario == Scenario::PlainHttp => {
            said.push(("in the error of the connector".to_owned(), of_error(&error)?));
            return Ok(said);
        }
        Err(_) => bench.connect()?,
    };
    let report = bench.test_connection().await?;
    said.push(("in the connection report".to_owned(), format!("{report:?} {}", json(&report)?)));
    let plan = bench.in_time("plan", connector.plan(&ScanRequest::default())).await?;
    said.push(("in the plan".to_owned(), of_result(&plan)?));
    let organizations = bench.in_time("list of organisations", connector.organizations()).await?;
    said.push(("in the organisations".to_owned(), of_result(&organizations)?));

    let run = bench.run(ScanRequest::default().with_checkpoints(), Script::Record).await?;
    let own = {
        let seen = run.sink.seen();
        said.push(("in the records".to_owned(), json(&seen.rows)?));
        said.push(("in the progress".to_owned(), json(&seen.progress)?));
        said.push(("in the checkpoints".to_owned(), json(&seen.checkpoints)?));
        seen.checkpoints.first().map(|(_, checkpoint)| checkpoint.clone())
    };
    said.push(("in the summary".to_owned(), of_scan(&run)?));
    if bench.scenario == Scenario::Healthy {
        let refused = unusable(bench, own).into_iter().map(|(what, checkpoint)| {
            (format!("in the summary after a checkpoint {what}"), ScanRequest::default().resuming(checkpoint))
        });
        let core = bench.descriptor.sections.iter().filter(|described| described.core).map(|described| {
            let section = described.section;
            (format!("in the summary without {section}"), ScanRequest::default().leaving_out([section]))
        });
        for (place, request) in refused.chain(core) {
            said.push((place, of_scan(&bench.run(request, Script::Record).await?)?));
        }
    }
    Ok(said)
}

fn of_scan(run: &Run) -> Result<String, NotPassed> {
    let summary = match &run.result {
        Ok(summary) => summary,
        Err(failure) => failure.summary(),
    };
    let error = run.result.as_ref().err().map(ScanFailure::error).map(of_error).transpose()?;
    Ok(format!("{} {summary:?} {}", error.unwrap_or_default(), json(summary)?))
}

fn of_result(result: &Result<impl Serialize, ConnectorError>) -> Result<String, NotPassed> {
    match result {
        Ok(value) => json(value),
        Err(error) => of_error(error),
    }
}

/// Formats an error for people, for programs and for logs, with its causes.
fn of_error(error: &ConnectorError) -> Result<String, NotPassed> {
    let mut text = format!("{error} {error:?} {}", json(error)?);
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    Ok(text)
}

fn json(value: &impl Serialize) -> Result<String, NotPassed> {
    serde_json::to_string(value)
        .map_err(|error| Failure::new("everything that is output can be serialised as JSON", error).into())
}
