//! The secret: never in anything that leaves the connector.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};

use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ScanRequest, Section};

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::log::CapturedLog;
use crate::probe::Script;
use crate::rerun::{self, CURRENT, Rerun};
use crate::secret::shows_in;
use crate::verdict::{Failure, NotPassed, Verdict, ensure};

/// The states in which a secret is looked for: each takes another way through a connector.
const SCENARIOS: [Scenario; 7] = [
    Scenario::Healthy,
    Scenario::Unauthorized,
    Scenario::Forbidden,
    Scenario::Refused,
    Scenario::WrongCertificate,
    Scenario::Redirects,
    Scenario::SectionFails(Section::USERS),
];

pub(crate) async fn the_secret_never_shows(fixture: &dyn Fixture) -> Verdict {
    let mut tried = 0;
    for scenario in SCENARIOS {
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
    let output = program.output().await.map_err(|error| Failure::new("the test's program starts again", error))?;
    let streams = [("on standard output", output.stdout), ("on standard error or in the crate `log`", output.stderr)]
        .map(|(stream, printed)| (stream, String::from_utf8_lossy(&printed).into_owned()));
    let ended = streams.iter().any(|(_, printed)| printed.contains(&mark(&secrets)));
    ensure(ended, "a process of its own scans targets with the same secrets, and ends", || {
        format!("{}, and nothing of it", output.status)
    })?;
    for (secret, (stream, printed)) in secrets.iter().flat_map(|secret| streams.iter().map(move |at| (secret, at))) {
        let shows = shows_in(secret.expose_secret(), printed);
        ensure(!shows, format!("no secret {stream}"), || "it shows there")?;
    }
    Ok(())
}

/// Tests the connection and scans in every state, in a process that others look at.
async fn print(fixture: &dyn Fixture) -> Verdict {
    rerun::print_log();
    let mut secrets = Vec::new();
    for scenario in SCENARIOS {
        let bench = match Bench::start(fixture, scenario).await {
            Ok(bench) => bench,
            Err(NotPassed::Skipped(_)) => continue,
            Err(failed) => return Err(failed),
        };
        let _report = bench.connect()?.test_connection().await;
        let _run = bench.run(ScanRequest::default().with_checkpoints(), Script::Record).await?;
        if scenario == Scenario::Healthy {
            secrets = bench.target.secrets;
        }
    }
    let _ = writeln!(io::stdout(), "\n{}", mark(&secrets));
    Ok(())
}

/// By which a process says that it scanned to the end, and which secrets it looked out for.
fn mark(secrets: &[SecretString]) -> String {
    let mut digest = DefaultHasher::new();
    secrets.iter().for_each(|secret| secret.expose_secret().hash(&mut digest));
    format!("conformance: scanned {:016x}", digest.finish())
}

async fn never_shows(bench: &Bench) -> Verdict {
    let log = CapturedLog::start();
    let report = bench.connect()?.test_connection().await;
    let run = bench.run(ScanRequest::default().with_checkpoints(), Script::Record).await?;
    let log = log.text();

    let seen = run.sink.seen();
    let mut places = vec![
        ("the log", log),
        ("the connection report", format!("{report:?} {}", json(&report)?)),
        ("the records", json(&seen.rows)?),
        ("the progress", json(&seen.progress)?),
        ("the checkpoints", json(&seen.checkpoints)?),
        (
            "the configuration",
            format!("{:?} {}", bench.target.system.credential, json(&bench.target.system.credential)?),
        ),
    ];
    places.push(match &run.result {
        Ok(summary) => ("the summary", format!("{summary:?} {}", json(summary)?)),
        Err(failure) => ("the error of the scan", format!("{failure} {failure:?} {}", json(failure.summary())?)),
    });
    for secret in &bench.target.secrets {
        let secret = secret.expose_secret();
        for (place, text) in &places {
            ensure(
                !shows_in(secret, text),
                format!("no secret in {place} of {}", bench.scenario),
                || "it shows there",
            )?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, NotPassed> {
    serde_json::to_string(value).map_err(|error| Failure::new("everything that is handed over is JSON", error).into())
}
