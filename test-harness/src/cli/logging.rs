//! Logs and progress on standard error, so that neither tears the other.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use connector_api::ConnectorError;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use connector_host::progress::{Bars, LOG_TARGET, LogLines, Quiet, Reporter};

/// What is written to standard error while the program runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Progress and logs (on standard error)")]
pub(super) struct Logging {
    /// Format of log lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Log level (off, error, warn, info, debug, trace) or a filter such as
    /// `connector_jumpcloud=debug,connector_http=debug`; overrides RUST_LOG. A scan shows its progress in addition: as bars on
    /// a terminal, otherwise as info lines of the target `scan_progress`, which `--quiet` or `scan_progress=off` hides
    /// [default: warn]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Show only errors and warnings: no progress, and no summary if the rows are written anywhere
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Plain text
    Text,
    /// One JSON object per line
    Json,
}

impl Logging {
    /// Starts the logs and makes the reporter that goes with them: bars on a terminal, otherwise log lines.
    pub(super) fn start(&self) -> Result<Arc<dyn Reporter>, ConnectorError> {
        let bars = io::stderr().is_terminal() && !self.quiet && self.log_format == LogFormat::Text;
        let target = if bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let screen = MultiProgress::with_draw_target(target);
        let builder = tracing_subscriber::fmt()
            .with_env_filter(self.filter(!bars && !self.quiet)?)
            .with_ansi(console::colors_enabled_stderr())
            .with_writer(Screen(screen.clone()));
        // Only the first call in a process can succeed, and that is enough.
        let _ = match self.log_format {
            LogFormat::Text => builder.try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        Ok(match (self.quiet, bars) {
            (true, _) => Arc::new(Quiet),
            (false, true) => Arc::new(Bars::new(screen)),
            (false, false) => Arc::new(LogLines::default()),
        })
    }

    /// Whether only errors and warnings are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn filter(&self, progress: bool) -> Result<EnvFilter, ConnectorError> {
        let from_environment = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
        let mut filter = self.log_level.clone().or(from_environment).unwrap_or_else(|| "warn".to_owned());
        let words = filter.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.contains(['=', '[']));
        // A word that is not a level would be taken for a module name; most likely it is a typing error.
        let understood = words.clone().all(|word| word.parse::<LevelFilter>().is_ok());
        if progress && !filter.contains(LOG_TARGET) {
            filter.push_str(&format!(",{LOG_TARGET}=info"));
        }
        EnvFilter::try_new(&filter).ok().filter(|_| understood).ok_or_else(|| {
            ConnectorError::invalid_config(
                "the log level or filter in --log-level or RUST_LOG is not valid",
                "use off, error, warn, info, debug, trace, or a filter such as connector_jumpcloud=debug,connector_http=debug",
            )
        })
    }
}

/// Standard error below the bars, which are redrawn after each line.
#[derive(Clone)]
struct Screen(MultiProgress);

impl Write for Screen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A scan goes on even if nobody reads its log.
        let _ = self.0.suspend(|| io::stderr().lock().write_all(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
