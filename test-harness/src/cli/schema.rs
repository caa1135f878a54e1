//! `harness schema`

use clap::Args;
use connector_api::{ConnectorError, Registry, rows_schema};

use super::{Exit, print, target};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness schema --os-type JumpCloud > attributes.schema.json\n  \
                        harness schema --rows > rows.schema.json")]
pub(super) struct Arguments {
    /// OS Type of the connector whose attributes are described
    #[arg(long, value_name = "TYPE", default_value = target::DEFAULT_OS_TYPE)]
    os_type: String,
    /// Print the schema of a row (one line of NDJSON) instead; it is the same for every connector
    #[arg(long, conflicts_with = "os_type")]
    rows: bool,
}

impl Arguments {
    pub(super) fn run(self, registry: &Registry) -> Result<Exit, ConnectorError> {
        if self.rows {
            print::json(&rows_schema())?;
        } else {
            print::json(&registry.descriptor(&self.os_type)?.config_schema)?;
        }
        Ok(Exit::Complete)
    }
}
