//! `harness completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use connector_api::ConnectorError;

use super::{Cli, Exit, print};

const EXAMPLES: &str = "\
Examples:
  harness completions bash > ~/.local/share/bash-completion/completions/harness
  harness completions zsh > ~/.zfunc/_harness                   with ~/.zfunc in fpath
  harness completions fish > ~/.config/fish/completions/harness.fish
  harness completions powershell >> $PROFILE
  harness completions elvish >> ~/.config/elvish/rc.elv";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Shell to complete in
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "harness", &mut script);
        print::text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Complete)
    }
}
