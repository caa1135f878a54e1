//! `harness conformance`: runs the conformance suite against a connector that is built in.

use std::process::ExitCode;

use clap::Args;
use connector_api::{ConnectorError, nearest};

use crate::conformance::{Fixture, Format, Report, fixtures};

/// Run the conformance suite against a connector
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// The connector to test
    #[arg(long, value_name = "TYPE")]
    pub os_type: String,
    /// The form of the report on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the suite and prints its report. Exits with 1 when a test failed.
///
/// # Errors
/// `invalid_config` when there is no fixture for that OS Type.
pub async fn run(args: ConformanceArgs) -> Result<ExitCode, ConnectorError> {
    let fixture = find(&args.os_type)?;
    // Each test has a runtime of its own, which cannot be started on this one's threads.
    let report = tokio::task::spawn_blocking(move || Report::of(&*fixture, |name| tracing::debug!(name, "tested")))
        .await
        .map_err(|error| ConnectorError::internal(format!("the suite ended early: {error}")))?;
    print!("{}", report.render(args.format));
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(os_type: &str) -> Result<Box<dyn Fixture>, ConnectorError> {
    let mut fixtures = fixtures();
    let names: Vec<String> = fixtures.iter().map(|fixture| (fixture.registration().descriptor)().os_type).collect();
    if let Some(at) = names.iter().position(|name| name == os_type) {
        return Ok(fixtures.swap_remove(at));
    }
    let remedy = nearest(os_type, names.iter().map(String::as_str))
        .map_or_else(|| format!("use one of: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
    Err(ConnectorError::invalid_config(format!("there is no conformance fixture for the OS Type `{os_type}`"), remedy))
}
