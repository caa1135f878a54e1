//! Arguments, and what is wrong with them in the same form as any other error.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;
use connector_api::ConnectorError;

use super::screen;

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
    // clap itself would take any number in `COLUMNS` for a width, even 0.
    let mut command = T::command().term_width(screen::of_help());
    let matches = command.try_get_matches_from_mut(&arguments);
    let parsed = matches.and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    let error = match parsed {
        Ok(arguments) => return Ok(Parsed::Arguments(arguments)),
        Err(error) => error.format(&mut command),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Text(error.render().to_string())),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(ConnectorError::invalid_config(
            "no command was given",
            "`harness --help` lists the commands; start with `harness scan --demo`",
        )),
        _ => {
            let subcommand = arguments.get(1).and_then(|word| command.find_subcommand(word));
            let name = subcommand.map_or_else(String::new, |subcommand| format!(" {}", subcommand.get_name()));
            let text = without_values(&error.render().to_string(), &arguments);
            Err(usage_error(&text, &format!("harness{name}")))
        }
    }
}

/// clap's text without what was given: one of them may be a key in the wrong place, and errors are kept in logs.
fn without_values(text: &str, arguments: &[OsString]) -> String {
    let mut text = text.to_owned();
    for argument in arguments.iter().skip(1) {
        let argument = argument.to_string_lossy();
        let value = match argument.split_once('=') {
            Some((name, value)) if name.starts_with('-') => value,
            _ if argument.starts_with('-') => continue,
            _ => &argument,
        };
        if !value.is_empty() {
            let lines = text.lines().filter(|line| !line.contains(&format!("tip: to pass '{value}'")));
            text = lines.collect::<Vec<_>>().join("\n").replace(&format!(" '{value}'"), "");
            text = text.replace(&format!(": {value} is not in "), ": it is not in ");
        }
    }
    text
}

/// clap's text has the problem first, then tips, then the usage.
fn usage_error(text: &str, command: &str) -> ConnectorError {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let ends = ["tip:", "Usage:", "For more information"];
    let problem: Vec<&str> = lines().take_while(|line| !ends.iter().any(|end| line.starts_with(end))).collect();
    let problem = problem.join(" ");
    let tip = lines().find_map(|line| line.strip_prefix("tip: "));
    let problem = problem.strip_prefix("error: ").unwrap_or(&problem);
    let help = match tip {
        Some(tip) => tip.to_owned(),
        None if problem == "unexpected argument found" => {
            format!("pass each value with an option, and a key in a file; `{command} --help` explains every option")
        }
        None => format!("`{command} --help` explains every option"),
    };
    ConnectorError::invalid_config(problem, help)
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
