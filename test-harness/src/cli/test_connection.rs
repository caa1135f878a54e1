//! `harness test-connection`

use std::time::Duration;

use clap::Args;
use connector_api::{CheckStatus, ConnectionReport, ConnectorError, Registry};

use super::logging::Logging;
use super::print::{self, AnswerFormat};
use super::table::Table;
use super::target::TargetArguments;
use super::{Exit, signals};
use connector_host::run;

#[derive(Debug, Args)]
#[command(mut_arg("quiet", |quiet| quiet.help("Show no progress")), after_help = "\
Examples:
  harness test-connection --demo
  harness test-connection --hostname console.jumpcloud.com --password-file key.txt
  harness test-connection --system hq.toml --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    /// Time limit of the whole test, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    logging: Logging,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        self.logging.start()?;
        let starting = signals::listen()?;
        let target = self.target.resolve(&registry).await?;
        let connector = target.connect(&registry)?;
        let cancel = starting.cancel_on_signal();
        let report = run::test_connection(&*connector, Duration::from_secs(self.timeout), &cancel).await?;
        match self.format {
            AnswerFormat::Text => print::text(&table(&report))?,
            AnswerFormat::Json => print::json(&report)?,
        }
        for check in &report.checks {
            match (check.status, &check.error) {
                (CheckStatus::Failed, Some(error)) => print::error(error),
                (CheckStatus::Warning, Some(error)) => print::warning(error),
                _ => {}
            }
        }
        Ok(if report.passed() { Exit::Complete } else { Exit::Failed })
    }
}

fn table(report: &ConnectionReport) -> String {
    let mut table = Table::new(&["", "CHECK", "TIME", "FOUND"], &[2]);
    for check in &report.checks {
        let mark = match check.status {
            CheckStatus::Passed => "✓",
            CheckStatus::Warning => "!",
            CheckStatus::Skipped => "–",
            _ => "✗",
        };
        table.row([mark.to_owned(), check.name.clone(), format!("{} ms", check.duration_ms), check.found.clone()]);
    }
    table.render(0)
}
