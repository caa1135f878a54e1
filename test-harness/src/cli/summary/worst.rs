//! The most severe of the privileged accounts.

use connector_api::Severity;
use console::{Alignment, StyledObject, measure_text_width, pad_str};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::account::{Why, last_login, login_date, name, other_than_second_factor, second_factor, sentences};
use super::{WIDE, title};
use crate::cli::colour;
use crate::cli::paragraph::{GLUE, labelled, side_by_side};
use connector_host::digest::{Privileged, PrivilegedAccount};

/// How many lines of evidence about each it shows below the account, and how many in a column of their own. A single
/// sentence may take more.
const LINES_BELOW: usize = 1;
const LINES_IN_COLUMN: usize = 2;

/// How many sentences the long form shows below an account, and how many in a column of their own.
const REASONS_BELOW: usize = 2;
const REASONS_IN_COLUMN: usize = 3;

/// Widths of a severity, of a last login in words, and of a name at most.
const SEVERITY: usize = 8;
const LOGIN: usize = "last login 2026-11-30, 999 days ago".len();
const NAME: usize = 40;

/// From this width on there is room for columns of last logins and second factors.
const COLUMNS: usize = 76;

/// The most severe accounts in as many lines as `room` says: as many of them as fit, but at least `fewest`.
pub(super) fn short(privileged: &Privileged, now: Timestamp, fewest: usize, room: usize, width: usize) -> String {
    let accounts: Vec<_> = privileged.worst.iter().map(|(_, account)| account).collect();
    if accounts.is_empty() {
        return String::new();
    }
    let list = |shown: usize| {
        let accounts = &accounts[..shown];
        let more = as_severe(privileged, accounts).map(|more| format!("; {more}")).unwrap_or_default();
        let list = match width {
            WIDE.. => wide(accounts, now, Why::Lines(LINES_IN_COLUMN), width),
            COLUMNS.. => in_columns(accounts, width),
            _ => stacked(accounts, width),
        };
        title(&format!("{}{more}", heading(privileged, accounts)), width) + &list
    };
    let fewest = accounts.len().min(fewest);
    let fitting = (fewest..=accounts.len()).rev().map(list).find(|text| text.lines().count() <= room);
    fitting.unwrap_or_else(|| list(fewest))
}

/// The most severe accounts, and how they are ordered.
pub(super) fn long(privileged: &Privileged, now: Timestamp, width: usize) -> String {
    let accounts: Vec<_> = privileged.worst.iter().map(|(_, account)| account).collect();
    if accounts.is_empty() {
        return String::new();
    }
    let mut text = title(&heading(privileged, &accounts), width);
    let order = "Ordered by the most severe evidence, then whether the account can be used now, then its other \
                 evidence, then name.";
    let more = as_severe(privileged, &accounts).map(|more| format!(" {more}.")).unwrap_or_default();
    text += &labelled("", &format!("{order}{more}"), width);
    text.push('\n');
    text + &if width >= WIDE {
        wide(&accounts, now, Why::Sentences(REASONS_IN_COLUMN), width)
    } else {
        narrow(&accounts, now, width)
    }
}

fn heading(privileged: &Privileged, shown: &[&PrivilegedAccount]) -> String {
    if privileged.accounts > shown.len() as u64 {
        format!("The {} most severe of the {} privileged accounts", shown.len(), HumanCount(privileged.accounts))
    } else {
        "The privileged accounts, most severe first".to_owned()
    }
}

/// How many more are as severe as the last that is shown.
fn as_severe(privileged: &Privileged, shown: &[&PrivilegedAccount]) -> Option<String> {
    let last = shown.last()?;
    let shown = shown.iter().filter(|account| account.severity == last.severity).count() as u64;
    let all = privileged.by_severity.get(&last.severity).copied().unwrap_or_default();
    let more = all.checked_sub(shown).filter(|more| *more > 0)?;
    Some(format!("{} more {} {}", HumanCount(more), if more == 1 { "is" } else { "are" }, last.severity))
}

/// A line of columns for each account, and below it the evidence.
fn in_columns(accounts: &[&PrivilegedAccount], width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let factor = "SECOND FACTOR".len();
    let logins = accounts.iter().map(|account| login_date(account).len());
    let login = logins.max().unwrap_or_default().max("LAST LOGIN".len());
    let room = width - indent.len() - login - factor - 4;
    let columns = [longest_name(accounts).min(room), login, factor];
    let row = |cells: [String; 3]| {
        let [one, two, three] = cells;
        side_by_side(&[(one, columns[0]), (two, columns[1]), (three, columns[2])])
    };
    let mut text = format!("{indent}{}\n", row(["ACCOUNT", "LAST LOGIN", "SECOND FACTOR"].map(str::to_owned)).join(""));
    for account in accounts {
        let second_factor = Some(second_factor(account)).filter(|factors| measure_text_width(factors) <= factor);
        let second_factor = second_factor.unwrap_or_else(|| "set up".to_owned());
        text += &after_severity(account.severity, &row([name(account), login_date(account), second_factor]));
        text += &why_below(account, width);
    }
    text
}

/// Everything about an account below its name.
fn stacked(accounts: &[&PrivilegedAccount], width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let mut text = String::new();
    for account in accounts {
        text += &after_severity(account.severity, &side_by_side(&[(name(account), width - indent.len())]));
        let facts = [("last login", login_date(account)), ("second factor", second_factor(account))];
        let facts = facts.map(|(name, fact)| format!("{name} {fact}").replace(' ', GLUE));
        text += &labelled(&indent, &facts.join(", "), width);
        text += &why_below(account, width);
    }
    text
}

fn why_below(account: &PrivilegedAccount, width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let why = Why::Lines(LINES_BELOW).render(&other_than_second_factor(account), width - indent.len());
    if why.is_empty() { why } else { labelled(&indent, &why, width) }
}

/// The width of the longest name, or of the heading above names.
fn longest_name(accounts: &[&PrivilegedAccount]) -> usize {
    let names = accounts.iter().map(|account| measure_text_width(&name(account)));
    names.max().unwrap_or_default().max("ACCOUNT".len())
}

fn narrow(accounts: &[&PrivilegedAccount], now: Timestamp, width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let rooms = width.saturating_sub(indent.len() + LOGIN + 2);
    let mut text = String::new();
    for account in accounts {
        let (name, (what, when)) = (name(account), last_login(account, now));
        let login = format!("{what} {when}");
        let head = if measure_text_width(&name) <= rooms {
            vec![format!("{}  {login}", pad_str(&name, rooms, Alignment::Left, None))]
        } else {
            side_by_side(&[(format!("{name}, {login}"), width - indent.len())])
        };
        text += &after_severity(account.severity, &head);
        text += &labelled(&indent, &sentences(&account.reasons.iter().collect::<Vec<_>>(), REASONS_BELOW), width);
    }
    text
}

fn wide(accounts: &[&PrivilegedAccount], now: Timestamp, why: Why, width: usize) -> String {
    let login = |account: &PrivilegedAccount| match last_login(account, now) {
        ("no login", since) => format!("none {since}"),
        (_, when) => when,
    };
    let columns = [longest_name(accounts).min(NAME), LOGIN - "last login ".len(), "SECOND FACTOR".len()];
    let rest = width - SEVERITY - 2 - columns.iter().map(|column| column + 2).sum::<usize>();
    let row = |cells: [String; 4]| {
        let [one, two, three, four] = cells;
        side_by_side(&[(one, columns[0]), (two, columns[1]), (three, columns[2]), (four, rest)])
    };
    let heading = row(["ACCOUNT", "LAST LOGIN", "SECOND FACTOR", "WHY"].map(str::to_owned));
    let mut text = format!("{}{}\n", " ".repeat(SEVERITY + 2), heading.join(""));
    for account in accounts {
        let why = why.render(&other_than_second_factor(account), rest);
        let lines = row([name(account), login(account), second_factor(account), why]);
        text += &after_severity(account.severity, &lines);
    }
    text
}

/// Lines, the first after the severity.
fn after_severity(severity: Severity, lines: &[String]) -> String {
    let indent = " ".repeat(SEVERITY);
    let line = |(at, line): (usize, &String)| match at {
        0 => format!("{}  {line}\n", self::severity(severity)),
        _ => format!("{indent}  {line}\n"),
    };
    lines.iter().enumerate().map(line).collect()
}

/// A severity, padded to the widest.
fn severity(severity: Severity) -> StyledObject<String> {
    colour::severity(severity, format!("{:<SEVERITY$}", severity.as_str().to_uppercase())).for_stderr()
}

#[cfg(test)]
mod tests {
    use connector_api::{Account, Reason, ReasonKind};
    use connector_host::digest::Digest;

    use super::*;

    fn of(accounts: impl IntoIterator<Item = Account>) -> Privileged {
        let mut digest = Digest::default();
        accounts.into_iter().for_each(|account| digest.observe(&account.into()));
        digest.privileged
    }

    fn account(username: impl Into<String>, reasons: Vec<Reason>) -> Account {
        let mut account = Account::new("", username);
        account.reasons = reasons;
        account
    }

    fn power(severity: Severity, message: &str) -> Reason {
        Reason::new("power", ReasonKind::Privilege, severity, message, "ask")
    }

    #[test]
    fn the_list_fills_the_room_that_there_is_and_a_few_are_shown_in_any_case() {
        let privileged = of((0..30).map(|number| {
            account(format!("u{number:02}"), vec![power(Severity::High, "has power"), power(Severity::Low, "has more")])
        }));
        let now = Timestamp::UNIX_EPOCH;
        for (width, room, shown) in
            [(60, 0, 3), (60, 15, 4), (80, 0, 3), (80, 14, 5), (80, 80, 10), (140, 0, 3), (140, 8, 5), (140, 14, 10)]
        {
            let text = short(&privileged, now, 3, room, width);
            let text_of_one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let heading =
                format!("The {shown} most severe of the 30 privileged accounts; {} more are high", 30 - shown);
            assert!(console::strip_ansi_codes(&text_of_one_line).contains(&heading), "{room} {width}: {text}");
            assert_eq!(text.lines().filter(|line| line.contains(" u")).count(), shown, "{text}");
            assert!(room == 0 || text.lines().count() <= room, "{room} {width}: {text}");
        }
        assert_eq!(short(&Privileged::default(), now, 3, 80, 80), "");
    }

    #[test]
    fn the_number_of_further_accounts_as_severe_as_the_last_is_shown() {
        let privileged = of((0..15).map(|number| {
            let severity = if number < 2 { Severity::Critical } else { Severity::High };
            account(format!("u{number:02}"), vec![power(severity, "has power")])
        }));
        let shown: Vec<_> = privileged.worst.iter().map(|(_, account)| account).collect();
        assert_eq!(as_severe(&privileged, &shown).as_deref(), Some("5 more are high"));
        assert_eq!(as_severe(&privileged, &shown[..2]), None);
    }
}
