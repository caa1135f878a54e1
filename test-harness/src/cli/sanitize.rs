//! `harness sanitize`

use std::path::PathBuf;

use clap::Args;
use connector_api::secrecy::SecretString;
use connector_api::{ConnectorError, Registry};
use connector_host::output::{Destination, Format, Origin};
use connector_host::sanitize::Sanitizer;
use connector_host::secret::read_secret;
use indicatif::HumanCount;
use rand::distr::{Alphanumeric, SampleString};

use super::export::{destination, write};
use super::scan::format_parser;
use super::store::FromArguments;
use super::{Exit, print, signals};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness sanitize --from-file scan.ndjson --output case.ndjson\n  harness sanitize --store \
sqlite:history.db --secret-file secret.txt --output case.ndjson\n\nThe copy has the same rows, sizes, times and graph. Names, \
addresses, ids and texts are replaced: the same text always by the same pseudonym. Only the product's own words, truth values \
and counts stay."
)]
pub(super) struct Arguments {
    /// File for the copy, or `-` for standard output. For a format of several files it is a folder
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Format of the copy [default: from the ending .ndjson, .json or .csv of --output; otherwise ndjson]
    #[arg(long, value_parser = format_parser())]
    format: Option<Format>,
    /// File with a secret of your own: the same rows and secret give the same copy, so two copies can be compared. Without
    /// it, a new secret is made and forgotten
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    from: FromArguments,
}

/// Letters and digits of a secret that nobody keeps: about 256 bits.
const SECRET_LENGTH: usize = 43;

impl Arguments {
    pub(super) fn run(self, registry: &Registry) -> Result<Exit, ConnectorError> {
        let secret = match &self.secret_file {
            Some(path) => read_secret(path)?,
            None => SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), SECRET_LENGTH)),
        };
        let starting = signals::listen()?;
        let mut rows = self.from.open()?;
        let os_type = rows.summary()?.os_type;
        // Of a connector that is not compiled in, no word is known.
        let descriptor = registry.descriptor(&os_type).cloned().unwrap_or_default();
        let sanitizer = Sanitizer::new(&secret, &descriptor);
        let format = self.format.or_else(|| Format::by_ending(&self.output)).unwrap_or_default();
        let destination = destination(&self.from, &self.output)?;
        let cancel = starting.cancel_on_signal();
        let output = destination.open(format, &Origin::new("sanitized", &descriptor))?;
        let record = |record| sanitizer.record(&record);
        let summary = |summary| sanitizer.summary(&summary, &descriptor);
        let written = write(&mut rows, &destination, output, &cancel, record, summary)?;
        if let (Some(count), Destination::Path(_)) = (written, &destination) {
            let count = HumanCount(count);
            print::said(&format!("{count} rows without names are in {}.", self.output.display()));
        }
        Ok(Exit::Complete)
    }
}
