//! `harness store prune`, `forget` and `copy`

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use connector_api::ConnectorError;
use connector_host::words::count;
use connector_store::{ForgottenAccounts, KnownAccount, LinkedAccount, Mode, Pruned, Store, System};
use indicatif::HumanCount;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::Exit;
use super::print::{self, printable};
use super::store::{LocationArguments, StoreArguments, Url, location_in, shown};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Remove the history of a system that is older than a time; the newest published run always stays
    Prune(PruneArguments),
    /// Remove a system, or a person from all of a system's history
    Forget(ForgetArguments),
    /// Copy a whole store into an empty one, such as from SQLite to PostgreSQL
    Copy(CopyArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness store prune --older-than 1y --store sqlite:history.db\n  harness store \
prune --older-than 2026-03-03 --store sqlite:history.db --yes")]
struct PruneArguments {
    /// Age such as 90d, 18months or 1y, or a date. What stood then, and since, can still be asked
    #[arg(long, value_name = "AGE|DATE")]
    older_than: Age,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness store forget --person maria.keller --store sqlite:history.db\n  harness \
store forget --system --store sqlite:history.db --name hq --yes\n\nOne system of the store is changed, and no other: \
forget a person in each system that has them.")]
struct ForgetArguments {
    /// Remove this account, by its user name, e-mail address or id, from all of the history of this one system
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "system")]
    person: Option<String>,
    /// Remove all accounts that links join with this one as well
    #[arg(long, requires = "person")]
    linked: bool,
    /// Remove the system with all of its history
    #[arg(long, conflicts_with = "person")]
    system: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness store copy --store sqlite:history.db --to postgres://harness@db/history\n\n\
All of it is copied, or nothing: after an error, run the same command again."
)]
struct CopyArguments {
    /// URL of the store to copy into, which must be new or empty
    #[arg(long, value_name = "URL", required_unless_present = "to_file")]
    to: Option<Url>,
    /// File that contains only that URL, for a URL with a password
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
    #[command(flatten)]
    store: LocationArguments,
}

#[derive(Debug, Args)]
struct Confirmation {
    /// Do it; without this, only what would be removed is shown
    #[arg(long)]
    yes: bool,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        match self.command {
            Command::Prune(arguments) => arguments.run(),
            Command::Forget(arguments) => arguments.run(),
            Command::Copy(arguments) => arguments.run(),
        }
    }
}

impl PruneArguments {
    fn run(self) -> Result<Exit, ConnectorError> {
        let cutoff = self.older_than.before(Timestamp::now())?;
        self.confirmation.finish_earlier(&self.store)?;
        let (mut store, system) = self.store.open()?;
        let Pruned { runs, versions, oldest, in_future, .. } =
            store.prune(&system, cutoff, self.confirmation.mode())?;
        if in_future > 0 {
            print::remark(&format!(
                "{} of {} started in the future, by the clock of this machine: it is wrong, or that of the scan was. Check it \
                 before you remove anything by age",
                count(in_future, "run"),
                system.name,
            ));
        }
        let until = shown(cutoff);
        match oldest {
            None => print::page(&format!(
                "No run of {} was published by {until}: nothing is older.\n",
                printable(&system.name)
            ))?,
            Some(oldest) => self.confirmation.report(&format!(
                "{} and {} of {}, older than {until}. The oldest run that stays is {oldest}.",
                count(runs, "run"),
                versions_of_rows(versions),
                system.name,
            ))?,
        }
        Ok(Exit::Complete)
    }
}

impl ForgetArguments {
    fn run(self) -> Result<Exit, ConnectorError> {
        self.confirmation.finish_earlier(&self.store)?;
        let (mut store, system) = self.store.open()?;
        let Some(called) = &self.person else { return self.system(&mut store, &system) };
        let KnownAccount { external_id, username, .. } = person(&mut store, &system, called)?;
        let others: Vec<LinkedAccount> = store.linked(&system, None, &external_id)?;
        let others = others.iter().filter(|linked| linked.linked_with.is_some());
        let (others, names): (Vec<String>, Vec<String>) = others.map(named).unzip();
        let mut ids = vec![external_id.clone()];
        if self.linked {
            ids.extend(others);
        } else if !names.is_empty() {
            print::remark(&format!(
                "{} linked with it: {}. If they are the same person's, add --linked.",
                count(names.len() as u64, "account"),
                names.join(", "),
            ));
        }
        let ForgottenAccounts { versions, texts, standing, names_left, .. } =
            store.forget_accounts(&system, &ids, self.confirmation.mode())?;
        let more = if ids.len() > 1 {
            format!(" and {}", count(ids.len() as u64 - 1, "linked account"))
        } else {
            String::new()
        };
        self.confirmation.report(&format!(
            "{username} ({external_id}){more} from all of the history of {}: {}, and the names from {}.",
            system.name,
            versions_of_rows(versions),
            count(texts, "other text"),
        ))?;
        if !names_left.is_empty() {
            let names: Vec<&str> = names_left.iter().map(String::as_str).collect();
            print::remark(&format!(
                "{} stays in other texts: it is a common word, or another account is called so",
                names.join(", "),
            ));
        }
        if standing > 0 {
            print::remark(&format!(
                "{} in the newest run of {}. Remove what the target still has, or the next scan brings it back.",
                match standing {
                    1 => "1 account stands".to_owned(),
                    several => format!("{} accounts stand", HumanCount(several)),
                },
                system.name,
            ));
        }
        Ok(Exit::Complete)
    }

    fn system(&self, store: &mut Store, system: &System) -> Result<Exit, ConnectorError> {
        let forgotten = store.forget_system(system, self.confirmation.mode())?;
        self.confirmation.report(&format!(
            "{} with all of its history: {} and {}.",
            system.name,
            count(forgotten.runs, "run"),
            versions_of_rows(forgotten.versions),
        ))?;
        Ok(Exit::Complete)
    }
}

impl CopyArguments {
    fn run(self) -> Result<Exit, ConnectorError> {
        let from = self.store.existing()?;
        let to = match (&self.to, &self.to_file) {
            (Some(url), _) => url.location("--to")?,
            (None, Some(file)) => location_in(file)?,
            (None, None) => {
                return Err(ConnectorError::invalid_config("no store to copy into was given", "use --to URL"));
            }
        };
        let mut source = Store::open_to_read(&from)?;
        if source.systems()?.is_empty() {
            let message = format!("the store {from} is empty: there is nothing to copy");
            return Err(ConnectorError::invalid_config(message, "check the URL of --store"));
        }
        let copied = source.copy_into(&mut Store::open(&to)?)?;
        print::page(&format!(
            "Copied {} with {} from {from} to {to}.\n",
            count(copied.systems, "system"),
            count(copied.rows, "row"),
        ))?;
        Ok(Exit::Complete)
    }
}

impl Confirmation {
    fn mode(&self) -> Mode {
        if self.yes { Mode::Apply } else { Mode::Preview }
    }

    /// Clears what an interrupted command removed, but could not clear from the files any more.
    fn finish_earlier(&self, store: &StoreArguments) -> Result<(), ConnectorError> {
        match store.location()? {
            Some(location) if self.yes && location.files().first().is_none_or(|file| file.exists()) => {
                Store::open(&location)?.clear_remains()
            }
            _ => Ok(()),
        }
    }

    fn report(&self, what: &str) -> Result<(), ConnectorError> {
        let what = printable(what);
        if self.yes {
            return print::page(&format!("Removed {what}\n"));
        }
        print::page(&format!("Would remove {what}\n"))?;
        print::note("Nothing was removed. Add --yes to remove it for good.");
        Ok(())
    }
}

/// The id of a linked account, and how to call it.
fn named(linked: &LinkedAccount) -> (String, String) {
    let LinkedAccount { account, evidence, .. } = linked;
    (account.external_id.clone(), format!("{} ({}, {evidence})", account.username, account.kind))
}

/// The one account that was ever called so.
fn person(store: &mut Store, system: &System, called: &str) -> Result<KnownAccount, ConnectorError> {
    let mut known = store.ever_called(system, called)?;
    match known.len() {
        1 => Ok(known.remove(0)),
        0 => Err(ConnectorError::invalid_config(
            format!("no account of {} was ever called {called}", system.name),
            "name it by its user name, its address or its id",
        )),
        several => {
            let ids: Vec<String> =
                known.iter().map(|known| format!("{} ({})", known.external_id, known.username)).collect();
            Err(ConnectorError::invalid_config(
                format!("{several} accounts of {} were called {called}", system.name),
                format!("forget each by its id: {}", ids.join(", ")),
            ))
        }
    }
}

fn versions_of_rows(many: u64) -> String {
    if many == 1 { "1 version of a row".to_owned() } else { format!("{} versions of rows", HumanCount(many)) }
}

/// A length of time before now, or a date.
#[derive(Debug, Clone, Copy)]
enum Age {
    Span(Span),
    Date(Date),
}

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(date) = text.parse() {
            return Ok(Self::Date(date));
        }
        match text.parse::<Span>() {
            // `m` is a minute: whoever writes 6m means months.
            Ok(span)
                if span.is_positive()
                    && span.get_hours() == 0
                    && span.get_minutes() == 0
                    && span.get_seconds() == 0
                    && span.get_milliseconds() == 0
                    && span.get_microseconds() == 0
                    && span.get_nanoseconds() == 0 =>
            {
                Ok(Self::Span(span))
            }
            Ok(span) if span.is_zero() => Err("use an age of more than nothing, such as 90d"),
            _ => Err(
                "write an age in days, weeks, months or years, such as 90d, 6months or 1y, or a date such as 2026-03-03",
            ),
        }
    }
}

impl Age {
    fn before(self, now: Timestamp) -> Result<Timestamp, ConnectorError> {
        let zone = TimeZone::system();
        let time = match self {
            Self::Span(span) => now.to_zoned(zone).checked_sub(span),
            Self::Date(date) => date.to_zoned(zone),
        };
        let time = time.map(|time| time.timestamp()).map_err(|_| {
            ConnectorError::invalid_config("--older-than is longer ago than the calendar reaches", "use a later date")
        })?;
        // All of the history but the newest run is older than that, which nobody means who writes a date.
        if time > now {
            return Err(ConnectorError::invalid_config(
                format!("--older-than is in the future: {}", shown(time)),
                "use a date that has passed, or an age such as 90d",
            ));
        }
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_age_is_a_length_of_time_or_a_date() {
        let now: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
        let before = |text: &str| text.parse::<Age>().unwrap().before(now).unwrap();
        assert_eq!(before("2d"), "2026-03-01T12:00:00Z".parse().unwrap());
        assert!(before("1y") < before("90d") && before("2026-03-01") > before("1month"));
        for odd in ["6m", "48h", "1d2h", "", "0d", "-3d", "3", "yesterday"] {
            assert!(odd.parse::<Age>().is_err(), "{odd}");
        }
        assert!(before("2026-03-03") < now);
        let future = "2026-03-05".parse::<Age>().unwrap().before(now).unwrap_err();
        assert!(future.message.starts_with("--older-than is in the future: 2026-03-05"), "{future:?}");
        assert!("20000y".parse::<Age>().is_err() || "20000y".parse::<Age>().unwrap().before(now).is_err());
    }
}
