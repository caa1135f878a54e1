//! What the summary says of one privileged account.

use connector_api::Reason;
use indicatif::HumanCount;
use jiff::Timestamp;

use crate::cli::paragraph::{GLUE, height};
use crate::cli::print::printable;
use connector_host::digest::{LastSeen, PrivilegedAccount, days_before};

/// How many sentences are tried where they are to fit in lines: an account can have thousands.
const MAX_SENTENCES: usize = 8;

/// The one code that is known here: the column of second factors already shows it. A target with another code for it only
/// shows it twice.
const WITHOUT_MFA: &str = "privileged_without_mfa";

pub(super) fn name(account: &PrivilegedAccount) -> String {
    let remark = match (account.enabled, account.locked) {
        (Some(false), _) => " (not enabled)",
        (_, Some(true)) => " (locked)",
        _ => "",
    };
    printable(&account.username) + remark
}

fn date(time: Timestamp) -> String {
    time.strftime("%F").to_string()
}

/// When an account last signed in, or since when it did not, after words that say which.
pub(super) fn last_login(account: &PrivilegedAccount, now: Timestamp) -> (&'static str, String) {
    match account.last_seen {
        LastSeen::At(at) => {
            let age = match days_before(at, now) {
                0 => "today".to_owned(),
                1 => "1 day ago".to_owned(),
                days => format!("{} days ago", HumanCount(days.unsigned_abs())),
            };
            ("last login", format!("{}, {age}", date(at)))
        }
        LastSeen::NoneSince(since) => ("no login", format!("since {}", date(since))),
        LastSeen::Unknown => ("last login", "not known".to_owned()),
    }
}

/// The date of the last login, or since when there was none.
pub(super) fn login_date(account: &PrivilegedAccount) -> String {
    match account.last_seen {
        LastSeen::At(at) => date(at),
        LastSeen::NoneSince(since) => format!("none since {}", date(since)),
        LastSeen::Unknown => "not known".to_owned(),
    }
}

/// The second factor in plain words.
pub(super) fn second_factor(account: &PrivilegedAccount) -> String {
    let factor = |factor: &String| match factor.as_str() {
        "totp" => "app code".to_owned(),
        "webAuthn" => "security key".to_owned(),
        "push" => "app push".to_owned(),
        other => printable(other),
    };
    let mfa = account.mfa.as_ref();
    match mfa.and_then(|mfa| mfa.configured.map(|configured| (configured, &mfa.factors))) {
        None if !account.asked_for_factor => "–".to_owned(),
        None => "not known".to_owned(),
        Some((false, _)) => "not set up".to_owned(),
        Some((true, factors)) if factors.is_empty() => "set up".to_owned(),
        Some((true, factors)) => factors.iter().map(factor).collect::<Vec<_>>().join(", "),
    }
}

/// How much of an account's evidence is shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// A number of sentences, whatever their length.
    Sentences(usize),
    /// As many sentences as fit in a number of lines, but one in any case.
    Lines(usize),
}

impl Why {
    /// The most severe evidence in a column of `width`, and how much more there is.
    pub(super) fn render(self, reasons: &[&Reason], width: usize) -> String {
        match self {
            Self::Sentences(shown) => sentences(reasons, shown),
            Self::Lines(lines) => {
                let shown = (1..=reasons.len().min(MAX_SENTENCES)).rev().map(|shown| sentences(reasons, shown));
                let mut fitting = shown.filter(|text| height(text, width) <= lines);
                fitting.next().unwrap_or_else(|| sentences(reasons, 1))
            }
        }
    }
}

/// The first `shown` sentences of the evidence, and how many more there are.
pub(super) fn sentences(reasons: &[&Reason], shown: usize) -> String {
    let mut sentences: Vec<String> = reasons.iter().take(shown).map(|reason| printable(&reason.message)).collect();
    let hidden = reasons.len() - sentences.len();
    if hidden > 0 {
        sentences.push(format!("{hidden}{GLUE}more"));
    }
    sentences.join("; ")
}

/// The evidence without what a column of second factors shows.
pub(super) fn other_than_second_factor(account: &PrivilegedAccount) -> Vec<&Reason> {
    let says_none = account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false);
    account.reasons.iter().filter(|reason| !(says_none && reason.code == WITHOUT_MFA)).collect()
}

#[cfg(test)]
mod tests {
    use connector_api::{Account, AccountKind, ReasonKind, Severity};
    use connector_host::digest::{Digest, Privileged};

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
    fn as_much_evidence_as_fits_is_shown_and_one_sentence_whole_in_any_case() {
        let reasons = ["is one", "is two", "is three"].map(|message| power(Severity::High, message));
        let reasons: Vec<&Reason> = reasons.iter().collect();
        let shown = |why: Why, width| why.render(&reasons, width).replace(GLUE, " ");
        for (width, text) in [
            (80, "is one; is two; is three"),
            (22, "is one; is two; 1 more"),
            (15, "is one; 2 more"),
            (2, "is one; 2 more"),
        ] {
            assert_eq!(shown(Why::Lines(1), width), text);
        }
        assert_eq!(shown(Why::Lines(2), 15), "is one; is two; is three");
        assert_eq!(shown(Why::Lines(2), 8), "is one; 2 more");
        assert_eq!(shown(Why::Sentences(2), 2), "is one; is two; 1 more");
        assert_eq!(Why::Lines(1).render(&[], 80), "");
    }

    #[test]
    fn a_program_lacks_no_second_factor_and_neither_does_a_local_account() {
        let mut program = account("program", vec![power(Severity::High, "has power")]);
        program.account_type = Some(connector_api::AccountType::NonHuman);
        let mut local = account("root@host", vec![power(Severity::High, "has power")]);
        local.kind = AccountKind::LOCAL_ACCOUNT;
        let privileged = of([program, account("ada", vec![power(Severity::High, "has power")]), local]);
        let factors: Vec<String> = privileged.worst.iter().map(|(_, account)| second_factor(account)).collect();
        assert_eq!(factors, ["not known", "–", "–"]);
    }

    #[test]
    fn an_account_that_cannot_be_used_now_is_marked() {
        let accounts = [("ada", true, true), ("bob", false, true)].map(|(username, enabled, locked)| {
            let mut account = account(username, vec![power(Severity::High, "has power")]);
            (account.enabled, account.locked) = (Some(enabled), Some(locked));
            account
        });
        let names: Vec<String> = of(accounts).worst.iter().map(|(_, account)| name(account)).collect();
        assert_eq!(names, ["ada (locked)", "bob (not enabled)"]);
    }

    #[test]
    fn a_last_login_has_its_date_and_its_age() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap_or_default();
        let now = time("2026-11-26T03:37:00Z");
        for (last_seen, words) in [
            (LastSeen::At(time("2026-11-26T01:00:00Z")), "last login 2026-11-26, today"),
            (LastSeen::At(time("2026-11-25T23:00:00Z")), "last login 2026-11-25, 1 day ago"),
            (LastSeen::At(time("2026-11-09T00:00:00Z")), "last login 2026-11-09, 17 days ago"),
            (LastSeen::NoneSince(time("2026-08-28T03:37:00Z")), "no login since 2026-08-28"),
            (LastSeen::Unknown, "last login not known"),
        ] {
            let account = PrivilegedAccount {
                username: String::new(),
                kind: AccountKind::USER,
                asked_for_factor: true,
                enabled: None,
                locked: None,
                severity: Severity::Low,
                mfa: None,
                last_seen,
                reasons: Vec::new(),
            };
            let (what, when) = last_login(&account, now);
            assert_eq!(format!("{what} {when}"), words);
        }
    }
}
