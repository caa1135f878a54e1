//! `harness man`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
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
    /// Write the pages of all commands into this folder, which is created if missing; `-` prints the main page
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        // Its help is no command with a page of its own.
        let mut program = Cli::command().disable_help_subcommand(true);
        match self.output.filter(|folder| folder.as_os_str() != "-") {
            Some(folder) => {
                fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, &error))?;
                program.build();
                write_pages(program, &folder)?;
            }
            None => print::text(&String::from_utf8_lossy(&rendered(&Man::new(program))?))?,
        }
        Ok(Exit::Complete)
    }
}

/// Writes the pages of a command and of those below it into `folder`.
fn write_pages(command: Command, folder: &Path) -> Result<(), ConnectorError> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()).cloned() {
        write_pages(command, folder)?;
    }
    let man = Man::new(command);
    let path = folder.join(man.get_filename());
    let page = rendered(&man)?;
    write_whole(&path, &page).map_err(|error| unwritten(&path, &error))
}

fn rendered(man: &Man) -> Result<Vec<u8>, ConnectorError> {
    let mut page = Vec::new();
    match man.render(&mut page) {
        Ok(()) => Ok(page),
        Err(error) => Err(ConnectorError::internal(format!("no page could be made: {error}"))),
    }
}

/// Writes a file that everybody may read, and gives it its name only when it is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".harness.").tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn unwritten(path: &Path, error: &io::Error) -> ConnectorError {
    Destination::Path(path.to_owned()).write_error(error)
}
