//! `harness conformance`

use std::process::ExitCode;

use clap::Args;
use connector_api::{ConnectorError, nearest};

use crate::conformance::{Fixture, Format, Report, fixtures};

/// The arguments of `harness conformance`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness conformance --os-type Scim\n  harness conformance --os-type Scim --format junit"
)]
pub struct Arguments {
    /// The connector to test
    #[arg(long, value_name = "TYPE")]
    os_type: String,
    /// The form of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Arguments {
    /// Runs the suite and prints its report: exit code 1 when a test failed. Blocks; each test has a runtime of its own.
    ///
    /// # Errors
    /// `invalid_config` when there is no fixture for that OS Type.
    pub fn run(self) -> Result<ExitCode, ConnectorError> {
        let report = Report::of(&*fixture(&self.os_type)?);
        print!("{}", report.render(self.format));
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn fixture(os_type: &str) -> Result<Box<dyn Fixture>, ConnectorError> {
    let mut fixtures = fixtures();
    let names: Vec<String> = fixtures.iter().map(|fixture| (fixture.registration().descriptor)().os_type).collect();
    if let Some(at) = names.iter().position(|name| name == os_type) {
        return Ok(fixtures.swap_remove(at));
    }
    let remedy = match nearest(os_type, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of: {}", names.join(", ")),
    };
    Err(ConnectorError::invalid_config(format!("there is no conformance fixture for the OS Type `{os_type}`"), remedy))
}
