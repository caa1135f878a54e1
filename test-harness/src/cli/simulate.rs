//! `harness simulate`

use clap::Args;
use connector_api::ConnectorError;

use super::Exit;

#[derive(Debug, Args)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self) -> Result<Exit, ConnectorError> {
        Ok(Exit::Complete)
    }
}
