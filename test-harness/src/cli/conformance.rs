//! `harness conformance`

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use connector_api::ConnectorError;

use super::fixtures::fixtures;
use super::{Exit, print};
use connector_conformance::{Fixture, Format, Report};
use connector_host::nearest;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness conformance --os-type Scim\n  harness conformance --os-type Scim --format junit"
)]
pub(super) struct Arguments {
    /// OS Type of the connector to test
    #[arg(long, value_name = "TYPE")]
    os_type: String,
    /// Format of the report
    #[arg(long, default_value_t, value_parser = PossibleValuesParser::new(Format::ALL.iter().map(|format| format.as_str())).try_map(|name| name.parse::<Format>()))]
    format: Format,
}

impl Arguments {
    /// Exits with 1 when a test failed. Blocks: each test has a runtime of its own.
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let report = Report::of(&*fixture(&self.os_type)?);
        print::text(&report.render(self.format))?;
        Ok(if report.passed() { Exit::Complete } else { Exit::Failed })
    }
}

fn fixture(os_type: &str) -> Result<Box<dyn Fixture>, ConnectorError> {
    let mut fixtures = fixtures();
    let names: Vec<String> = fixtures.iter().map(|fixture| fixture.registration().descriptor().os_type).collect();
    if let Some(at) = names.iter().position(|name| name == os_type) {
        return Ok(fixtures.swap_remove(at));
    }
    let remedy = match nearest(os_type, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of: {}", names.join(", ")),
    };
    Err(ConnectorError::invalid_config(format!("there is no conformance fixture for the OS Type `{os_type}`"), remedy))
}
