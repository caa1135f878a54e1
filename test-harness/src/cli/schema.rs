//! `harness schema`

use clap::Args;
use connector_api::{ConnectorError, Registry};

use super::{Exit, print, target};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  harness schema --os-type JumpCloud > attributes.schema.json")]
pub(super) struct Arguments {
    /// OS Type of the connector
    #[arg(long, value_name = "TYPE", default_value = target::DEFAULT_OS_TYPE)]
    os_type: String,
}

impl Arguments {
    pub(super) fn run(self, registry: &Registry) -> Result<Exit, ConnectorError> {
        print::json(&registry.descriptor(&self.os_type)?.config_schema)?;
        Ok(Exit::Complete)
    }
}
