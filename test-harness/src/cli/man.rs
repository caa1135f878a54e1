//! `harness man`

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;
use connector_api::ConnectorError;
use connector_host::output::Destination;

use super::{Cli, Exit, print};

const EXAMPLES: &str = "\
Examples:
  harness man | man -l -
  harness man --output ~/.local/share/man/man1        then: man harness, man harness-scan";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Write the pages of all commands into this folder; it is created if missing
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        // Its help is no command with a page of its own.
        let program = Cli::command().disable_help_subcommand(true);
        match self.output {
            Some(folder) => {
                let written = fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(program, &folder));
                written.map_err(|error| Destination::Path(folder).write_error(&error))?;
            }
            None => {
                let mut page = Vec::new();
                let rendered = Man::new(program).render(&mut page);
                rendered.map_err(|error| ConnectorError::internal(format!("no page could be made: {error}")))?;
                print::text(&String::from_utf8_lossy(&page))?;
            }
        }
        Ok(Exit::Complete)
    }
}
