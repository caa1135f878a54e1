//! `harness scan`

mod kept;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use connector_api::{
    CancellationToken, Connector, ConnectorError, Descriptor, ErrorCode, EvidenceRow, Organization, Registry,
    RowEstimate, ScanPlan, ScanRequest, Section, SystemConfig,
};
use connector_store::{Ended, Location};
use indicatif::{HumanBytes, HumanCount};

use self::kept::{KeepArguments, Kept};
use super::logging::Logging;
use super::store::{VARIABLE, files_of};
use super::summary::{self, Form, Kept as Place};
use super::table::Table;
use super::target::{Target, TargetArguments};
use super::{Exit, paragraph, print, screen, signals};
use connector_host::output::{self, Destination, Format};
use connector_host::progress::Reporter;
use connector_host::run::{CheckpointFile, ScanJob, ScanReport};
use connector_host::{by_likeness, files, organization_system};

#[derive(Debug, Args)]
#[command(after_help = "\
The rows go to the file given with --output, or with `--output -` to standard output. Without --output they go to \
the store if there is one, and otherwise to standard output if that is a pipe or a file; on a terminal only the summary \
is shown. A file gets its final name only when it is complete, and only its owner can read it.

The store is the one of --store or --store-file, or else of the environment variable ORBISID_STORE. That variable does not \
apply to --demo.

Examples:
  harness scan --demo
  harness scan --hostname console.jumpcloud.com --password-file key.txt --output scan.ndjson
  harness scan --system hq.toml --format csv --output hq-csv
  harness scan --system hq.toml --format ndjson --output hq/
  harness scan --system hq.toml --output scan.ndjson --checkpoint scan.checkpoint
  harness scan --system provider.toml --all-organizations --output scans/
  harness scan --system hq.toml --store sqlite:history.db
  harness scan --demo --plan
  harness scan --demo | jq 'select(.record == \"account\")'

Exit codes: 0 complete, 1 failed, 2 wrong usage or configuration or a checkpoint that is refused, 3 core sections \
complete but an optional section not, 4 held because it would remove too much from the store, 130 cancelled.")]
pub(super) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    rows: RowArguments,
    /// Show the long summary: more accounts, every kind of evidence, all counts and each section. Shown with --quiet too
    #[arg(long, conflicts_with = "plan", help_heading = "Progress and logs (on standard error)")]
    details: bool,
    #[command(flatten)]
    keep: KeepArguments,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
struct RowArguments {
    /// File for the rows, or `-` for standard output. For a format of several files, and with --all-organizations, it is a
    /// folder. With ndjson, a name ending in / is a folder with one file per kind of record
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the rows [default: from the ending .ndjson, .json or .csv of --output; otherwise ndjson for standard
    /// output and --all-organizations]
    #[arg(long, value_parser = format_parser())]
    format: Option<Format>,
    /// Save an unfinished scan in this file and its rows in FILE.rows; the next scan with this option continues where it
    /// stopped
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Discard the checkpoint, or what the store has of an interrupted scan, and start from the beginning. A file that is
    /// not a checkpoint is never overwritten
    #[arg(long)]
    fresh: bool,
    /// Skip an optional section, such as lastLogin; can be repeated. Without grants or temporaryAccess,
    /// privilegedGrants and otherGrants are skipped too, and localAccounts without systems. `harness describe` lists the
    /// sections
    #[arg(long, value_name = "SECTION", value_delimiter = ',')]
    without: Vec<String>,
    /// Do not scan; show how many requests a scan would make
    #[arg(long, conflicts_with_all = ["output", "checkpoint", "all_organizations", "store", "store_file"])]
    plan: bool,
    /// Scan every organisation that the credential can read, each into a file of its own in the folder --output
    #[arg(long)]
    all_organizations: bool,
}

pub(super) fn format_parser() -> impl TypedValueParser<Value = Format> {
    let choice = |format: &Format| PossibleValue::new(format.as_str()).help(format.description());
    // The parser accepts only these names.
    PossibleValuesParser::new(Format::ALL.iter().map(choice)).map(|name| Format::by_name(&name).unwrap_or_default())
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        let reporter = self.logging.start()?;
        let starting = signals::listen()?;
        let format = self.format()?;
        let target = self.target.resolve(&registry).await?;
        let connector = target.connect(&registry)?;
        let cancel = starting.cancel_on_signal();
        if self.rows.plan {
            return self.show_plan(&*connector, &target.descriptor, cancel).await;
        }
        let location = self.location()?;
        self.check_places(location.is_some())?;
        if self.rows.all_organizations {
            return self.scan_all(&registry, &target, &*connector, location.as_ref(), cancel, reporter).await;
        }
        let (destination, checkpoint) = (self.destination(location.is_some()), self.rows.checkpoint.clone());
        let mut job = self.job(destination, format, checkpoint, &target, cancel.clone(), reporter)?;
        job.inputs.extend(location.iter().flat_map(files_of));
        job.check(&target.descriptor)?;
        let name = self.keep.store.name().unwrap_or(&target.config.name);
        let kept = match &location {
            Some(location) => {
                let kept = self.keep.begin(location, name, &target.descriptor, &target.config, self.rows.fresh);
                Some(unless_cancelled(&cancel, kept).await?)
            }
            None => None,
        };
        self.run_job(job, kept, &*connector, &target.descriptor, &target.config).await
    }

    /// Runs a scan and says how it ended, in its output and in the store.
    async fn run_job(
        &self,
        job: ScanJob,
        kept: Option<Kept>,
        connector: &dyn Connector,
        descriptor: &Descriptor,
        config: &SystemConfig,
    ) -> Result<Exit, ConnectorError> {
        let destination = job.destination.clone();
        let Some(kept) = kept else {
            let report = job.run(connector, descriptor, config).await?;
            return Ok(self.conclude(&report, &descriptor.evidence, &destination, None));
        };
        kept.say_at_end();
        let Kept { archive, place, name } = kept;
        let ended = archive.ended();
        let report = job.run_kept(Box::new(archive), connector, descriptor, config).await?;
        let exit = self.conclude(&report, &descriptor.evidence, &destination, Some(&place));
        match ended.get() {
            Some(Ended::Published { run, .. }) if report.summary.error.is_some() => {
                print::remark(&format!(
                    "only the output failed: the store has the scan as run {run} of {name}; `harness export --at {run} \
                     --name \"{name}\" --output FILE` with the same store writes its rows"
                ));
                Ok(exit)
            }
            Some(ended) => Ok(exit.max(self.keep.conclude(ended, &name, self.logging.is_quiet()))),
            None => Ok(exit),
        }
    }

    /// Where the scan is kept. A demo is kept only where that is said on its command line.
    fn location(&self) -> Result<Option<Location>, ConnectorError> {
        let store = &self.keep.store;
        if self.target.is_demo() {
            return store.given();
        }
        let location = store.location()?;
        if let (Some(location), None, false) = (&location, store.given()?, self.logging.is_quiet()) {
            print::said(&format!("The scan will be kept in {location}, because {VARIABLE} is set."));
        }
        Ok(location)
    }

    /// Refuses options that do not go together with or without a store.
    fn check_places(&self, is_kept: bool) -> Result<(), ConnectorError> {
        let refused = match (is_kept, &self.rows.checkpoint) {
            (true, Some(_)) => Some(("a scan that is kept has its checkpoints in the store", "leave out --checkpoint")),
            (false, None) if self.rows.fresh => {
                Some(("there is nothing to discard", "use --fresh with --checkpoint or --store"))
            }
            _ => None,
        };
        match refused {
            Some((message, remedy)) => Err(ConnectorError::invalid_config(message, remedy)),
            None => self.keep.check(is_kept),
        }
    }

    async fn show_plan(
        &self,
        connector: &dyn Connector,
        descriptor: &Descriptor,
        cancel: CancellationToken,
    ) -> Result<Exit, ConnectorError> {
        let request = ScanRequest::with_cancel(cancel.clone()).leaving_out(skipped(&self.rows.without, descriptor)?);
        request.verify(descriptor)?;
        let plan = unless_cancelled(&cancel, connector.plan(&request)).await?.ok_or_else(|| {
            ConnectorError::invalid_config(
                format!("the {} connector does not support --plan", descriptor.os_type),
                "run the scan without --plan",
            )
        })?;
        match self.rows.format {
            Some(Format::Json) => print::json(&plan)?,
            _ => print::text(&plan_table(&plan, screen::of_results()))?,
        }
        Ok(Exit::Complete)
    }

    /// Scans one organisation after the other. One that fails does not stop the others.
    async fn scan_all(
        &self,
        registry: &Registry,
        target: &Target,
        connector: &dyn Connector,
        store: Option<&Location>,
        cancel: CancellationToken,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Exit, ConnectorError> {
        let (folder, format) = (self.rows.output.as_deref(), self.format()?);
        match folder {
            None if store.is_none() => {
                let message = "--all-organizations needs a place for the rows";
                return Err(ConnectorError::invalid_config(message, "set --output to a folder, or --store to a store"));
            }
            Some(folder) => {
                files::check_folder(folder)?;
                if folder.as_os_str() == "-" || folder.exists() && !folder.is_dir() {
                    return Err(ConnectorError::invalid_config(
                        format!("--all-organizations needs a folder, and {} is not a folder", folder.display()),
                        "set --output to a folder",
                    ));
                }
            }
            None => {}
        }
        let organizations = unless_cancelled(&cancel, connector.organizations()).await?;
        if organizations.is_empty() {
            return Err(ConnectorError::invalid_config(
                "the connector reports no organisations for this credential",
                "run the scan without --all-organizations",
            ));
        }
        if let Some(folder) = folder {
            files::make_folder(folder)?;
        }
        let mut worst = Exit::Complete;
        for organization in &organizations {
            let scanned = async {
                let mut config = target.config.clone();
                config.name = organization_system(&config.name, organization, &organizations);
                config.attributes.extend(organization.attributes.clone());
                let connector = registry.connect(config.clone(), target.edition)?;
                let id = file_name(organization);
                let destination = folder.map_or(Destination::Nowhere, |folder| {
                    Destination::Path(folder.join(format!("{id}{}", format.extension())))
                });
                let checkpoint = self.rows.checkpoint.as_ref().map(|path| {
                    let mut name = path.clone().into_os_string();
                    name.push(format!(".{id}"));
                    PathBuf::from(name)
                });
                let reporter = Arc::clone(&reporter);
                let mut job = self.job(destination, format, checkpoint, target, cancel.clone(), reporter)?;
                job.inputs.extend(store.into_iter().flat_map(files_of));
                job.check(&target.descriptor)?;
                let kept = match store {
                    Some(store) => {
                        let system = self.keep.store.name().unwrap_or(&target.config.name);
                        let name = organization_system(system, organization, &organizations);
                        let kept = self.keep.begin(store, &name, &target.descriptor, &config, self.rows.fresh);
                        Some(unless_cancelled(&cancel, kept).await?)
                    }
                    None => None,
                };
                self.run_job(job, kept, &*connector, &target.descriptor, &config).await
            };
            let exit = match scanned.await {
                Ok(exit) => exit,
                Err(error) => {
                    let error = error.context(format_args!("organisation {}", organization.name));
                    print::error(&error);
                    Exit::from(&error)
                }
            };
            worst = worst.max(exit);
            if cancel.is_cancelled() {
                break;
            }
        }
        Ok(worst)
    }

    fn job(
        &self,
        destination: Destination,
        format: Format,
        checkpoint: Option<PathBuf>,
        target: &Target,
        cancel: CancellationToken,
        reporter: Arc<dyn Reporter>,
    ) -> Result<ScanJob, ConnectorError> {
        Ok(ScanJob {
            destination,
            format,
            checkpoint: checkpoint.map(|path| CheckpointFile { path, fresh: self.rows.fresh }),
            inputs: target.files.clone(),
            without: skipped(&self.rows.without, &target.descriptor)?,
            cancel,
            reporter,
        })
    }

    /// The format given with `--format`, or by the ending of the output's name.
    fn format(&self) -> Result<Format, ConnectorError> {
        if let Some(format) = self.rows.format {
            return Ok(format);
        }
        let Destination::Path(path) = self.destination(false) else { return Ok(Format::default()) };
        // Pipes, devices and the folder of --all-organizations need no such ending.
        let is_named_freely = self.rows.all_organizations || path.exists() && !path.is_file() && !path.is_dir();
        match Format::by_ending(&path) {
            Some(format) => Ok(format),
            None if is_named_freely => Ok(Format::default()),
            None => Err(ConnectorError::invalid_config(
                format!("the name {} does not show the format of the rows", path.display()),
                "use a name ending in .ndjson, .json or .csv, or set --format",
            )),
        }
    }

    fn destination(&self, is_kept: bool) -> Destination {
        match &self.rows.output {
            None if is_kept => Destination::Nowhere,
            Some(path) if path.as_os_str() == "-" => Destination::Stdout,
            Some(path) => Destination::Path(path.clone()),
            // Rows are not printed on a terminal and cannot be where nobody reads, but a format that needs a folder must fail
            // there with the error that says so.
            None if (io::stdout().is_terminal() || output::stdout_is_closed())
                && !self.rows.format.is_some_and(Format::is_folder) =>
            {
                Destination::Nowhere
            }
            None => Destination::Stdout,
        }
    }

    /// Prints how the scan ended and returns the exit code.
    fn conclude(
        &self,
        report: &ScanReport,
        evidence: &[EvidenceRow],
        destination: &Destination,
        store: Option<&str>,
    ) -> Exit {
        let kept = match destination {
            Destination::Nowhere => store.map_or(Place::Nowhere, Place::InStore),
            Destination::Path(path) => Place::In(path),
            Destination::Stdout => Place::Passed,
        };
        let is_shown = !self.logging.is_quiet() || self.details || matches!(kept, Place::Nowhere);
        if is_shown {
            let form = if self.details { Form::Long } else { Form::Short };
            summary::print(report, evidence, kept, form);
        } else {
            // Without the summary, warnings name what is missing and what needs a look.
            summary::shortcomings(&report.summary).iter().for_each(print::warning);
            report.summary.warnings.iter().for_each(|warning| print::remark(warning));
        }
        match &report.summary.error {
            None => report.summary.outcome.into(),
            Some(error) => {
                let mut error = error.clone();
                if report.can_resume && error.code == ErrorCode::Cancelled {
                    error.remedy = "run the same command again to continue where it stopped".to_owned();
                } else if error.code == ErrorCode::CheckpointRejected {
                    error.remedy += " with --fresh";
                } else if report.can_resume && !error.remedy.contains("run the same command again") {
                    error.remedy += "; then run the same command again to continue where it stopped";
                }
                print::error(&error);
                Exit::from(&error)
            }
        }
    }
}

/// The sections of these names.
///
/// # Errors
/// `invalid_config` with the names that there are. The wrong one is not repeated: it may be a secret in the wrong place.
fn skipped(names: &[String], descriptor: &Descriptor) -> Result<Vec<Section>, ConnectorError> {
    let known = |name: &String| name.parse().ok().filter(|section| descriptor.section(*section).is_some());
    let section = |name: &String| {
        known(name).ok_or_else(|| {
            let optional = descriptor.sections.iter().filter(|described| !described.core);
            let names = by_likeness(name, optional.map(|described| described.section.as_str()));
            ConnectorError::invalid_config(
                "--without: the connector has no section of that name",
                format!("skip only these: {}", names.join(", ")),
            )
        })
    };
    names.iter().map(section).collect()
}

async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, ConnectorError>>,
) -> Result<T, ConnectorError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ConnectorError::cancelled()),
        done = work => done,
    }
}

fn plan_table(plan: &ScanPlan, width: Option<usize>) -> String {
    let mut table = Table::new(&["SECTION", "REQUESTS", "ROWS", "SIZE", "BECAUSE"], &[1, 2, 3]);
    for section in &plan.sections {
        let [rows, size] = estimated(section.rows);
        let requests = HumanCount(section.requests).to_string();
        table.row([section.section.to_string(), requests, rows, size, section.because.clone()]);
    }
    let all = plan.sections.iter().map(|section| section.rows).reduce(|all, rows| Some(all?.and(rows?))).flatten();
    let [rows, size] = estimated(all);
    table.row(["total".to_owned(), HumanCount(plan.requests()).to_string(), rows, size, String::new()]);
    let table = width.map_or_else(|| table.render(0), |width| table.render_within(width));
    let probes = HumanCount(plan.probes);
    let note = format!(
        "ROWS and SIZE, as NDJSON, are estimates; ≤ marks upper bounds, which can be far above the truth. This plan took \
         {probes} requests."
    );
    let note = match width {
        Some(width) => paragraph::labelled("", &note, width),
        None => note + "\n",
    };
    format!("{table}\n{note}")
}

/// Rows and their size as NDJSON; `≤` marks an upper bound.
fn estimated(rows: Option<RowEstimate>) -> [String; 2] {
    let Some(RowEstimate { count, bytes, at_most, .. }) = rows else { return ["?", "?"].map(str::to_owned) };
    let mark = if at_most { "≤ " } else { "" };
    [format!("{mark}{}", HumanCount(count)), format!("{mark}{}", HumanBytes(bytes))]
}

/// The organisation's id as a file name, whatever the target says: anything unusual becomes `%` and its code.
fn file_name(organization: &Organization) -> String {
    let mut name = String::new();
    for byte in organization.external_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_cannot_choose_where_its_file_goes() {
        let named = |id: &str| file_name(&Organization::new(id, "", Default::default()));
        assert_eq!(named("5f1a-b_C"), "5f1a-b_C");
        assert_eq!(named("../etc/passwd"), "%2e%2e%2fetc%2fpasswd");
    }
}
