//! Arguments, and what is wrong with them in the same form as any other error.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;
use connector_api::ConnectorError;

/// What the command line asks for.
pub(super) enum Parsed<T> {
    /// A command.
    Arguments(T),
    /// Only a text: help or version.
    Text(String),
}

/// Parses a command line.
pub(super) fn parse<T: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed<T>, ConnectorError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let error = match T::try_parse_from(&arguments) {
        Ok(arguments) => return Ok(Parsed::Arguments(arguments)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Text(error.render().to_string())),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(ConnectorError::invalid_config(
            "nothing was asked for",
            "`harness --help` shows the commands; `harness scan --demo` is a good start",
        )),
        _ => {
            let command = T::command();
            let subcommand = arguments.get(1).and_then(|word| command.find_subcommand(word));
            let name = subcommand.map_or_else(String::new, |subcommand| format!(" {}", subcommand.get_name()));
            Err(usage_error(&error.render().to_string(), &format!("harness{name}")))
        }
    }
}

/// clap's text has the problem first, then tips, then the usage.
fn usage_error(text: &str, command: &str) -> ConnectorError {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let ends = ["tip:", "Usage:", "For more information"];
    let problem: Vec<&str> = lines().take_while(|line| !ends.iter().any(|end| line.starts_with(end))).collect();
    let problem = problem.join(" ");
    let tip = lines().find_map(|line| line.strip_prefix("tip: "));
    ConnectorError::invalid_config(
        problem.strip_prefix("error: ").unwrap_or(&problem),
        tip.map_or_else(|| format!("`{command} --help` explains every option"), str::to_owned),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_is_one_line_and_the_tip_is_the_help() {
        let error = usage_error(
            "error: unexpected argument '--systm' found\n\n  tip: a similar argument exists: '--system'\n\n\
             Usage: harness scan --demo\n\nFor more information, try '--help'.\n",
            "harness scan",
        );
        assert_eq!(error.message, "unexpected argument '--systm' found");
        assert_eq!(error.remedy, "a similar argument exists: '--system'");
    }

    #[test]
    fn without_a_tip_the_help_names_the_command_to_ask() {
        let error = usage_error(
            "error: invalid value 'x' for '--format <FORMAT>'\n  [possible values: text, json]\n\n\
             For more information, try '--help'.\n",
            "harness scan",
        );
        assert_eq!(error.message, "invalid value 'x' for '--format <FORMAT>' [possible values: text, json]");
        assert_eq!(error.remedy, "`harness scan --help` explains every option");
    }
}
