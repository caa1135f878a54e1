//! The secret: never in anything that leaves the connector.

use connector_api::secrecy::ExposeSecret;
use connector_api::{ScanRequest, Section};

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::log::CapturedLog;
use crate::probe::Script;
use crate::secret::shows_in;
use crate::verdict::{Failure, NotPassed, Verdict, ensure};

/// The states in which a secret is looked for: each takes another way through a connector.
const SCENARIOS: [Scenario; 6] = [
    Scenario::Healthy,
    Scenario::Unauthorized,
    Scenario::Forbidden,
    Scenario::Refused,
    Scenario::WrongCertificate,
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
        Err(failure) => ("the error of the scan", format!("{failure} {failure:?} {}", json(&failure.summary)?)),
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
