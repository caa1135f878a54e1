//! `harness completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use connector_api::ConnectorError;

use super::{Cli, Exit, print};

const EXAMPLES: &str = "\
Examples:
  bash:
    mkdir -p ~/.local/share/bash-completion/completions
    harness completions bash > ~/.local/share/bash-completion/completions/harness
  zsh, with ~/.zfunc in fpath:
    mkdir -p ~/.zfunc
    harness completions zsh > ~/.zfunc/_harness
  fish:
    mkdir -p ~/.config/fish/completions
    harness completions fish > ~/.config/fish/completions/harness.fish
  PowerShell:
    New-Item -ItemType Directory -Force (Split-Path $PROFILE)
    harness completions powershell >> $PROFILE
  elvish, with `use harness` in its rc.elv:
    mkdir -p ~/.config/elvish/lib
    harness completions elvish > ~/.config/elvish/lib/harness.elv";

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
