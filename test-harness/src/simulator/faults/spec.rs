//! The words in which faults are ordered.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::simulator::server::Endpoint;

/// One thing that goes wrong; its text form is described by [`Fault::help`].
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// Where it may happen; empty for everywhere that it makes sense.
    pub on: Vec<Scope>,
    /// The share of requests that it happens to, from 0 to 1.
    pub rate: f64,
    /// How often it happens at most.
    pub times: Option<u64>,
    /// How many matching requests it spares first.
    pub after: u64,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answers with a status, and perhaps says when to come back.
    Status(u16, Option<RetryAfter>),
    /// Answers with an HTML page of this status.
    Html(u16),
    /// Answers with a redirect.
    Redirect(String),
    /// Resets the connection before the answer.
    Reset,
    /// Breaks the connection in the middle of the body.
    Truncate,
    /// Sends this many bytes a second.
    Slow(u64),
    /// Waits before the answer.
    Delay(Duration),
    /// Puts bytes into the body that are not UTF-8.
    InvalidUtf8,
    /// Names another content type.
    ContentType(String),
    /// Pads the body with this many bytes of white space.
    Oversized(u64),
    /// Answers with this many bytes of white space, compressed.
    GzipBomb(u64),
    /// Answers with arrays nested this deep.
    Deep(u64),
    /// Changes the organisation with each request.
    Drift(Drift),
    /// Answers 404 for a group that is in the listing.
    GroupVanishes,
    /// Answers with the first page, whatever `skip` says.
    IgnoreSkip,
    /// Answers with the page before.
    RepeatPage,
    /// Answers with half of the page; the rest follows at the next row.
    ShortPage,
    /// Answers with no rows.
    EmptyPage,
    /// Gives a wrong total.
    Total(TotalFault),
    /// Changes the order with each request that names none.
    Unsorted,
    /// Repeats every tenth row.
    DuplicateRows,
    /// Adds a member that no listing has.
    Dangling,
    /// Makes each group a member of the group before it, and the first of the last.
    Cycle,
    /// Replaces ids by such as must not enter a path.
    HostileIds,
    /// Sets fields to null.
    NullFields,
    /// Adds fields that nobody knows.
    UnknownFields,
    /// Gives values another type.
    WrongTypes,
}

/// When the client may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// In seconds.
    Seconds(u64),
    /// As the date one second ahead.
    Date,
}

/// How the organisation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Something that is listed is deleted.
    Delete,
    /// Something is created.
    Insert,
    /// Both.
    Both,
}

/// What is wrong with a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalFault {
    /// It is off by this much.
    Off(i64),
    /// There is none.
    None,
    /// It grows with each request.
    Moving,
}

/// A class of requests: `usergroups.members`, `usergroups.*` or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// Whether requests of a class belong to it.
    pub fn covers(&self, class: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => class.starts_with(prefix),
            None => class == self.0,
        }
    }
}

/// A fault that nobody can make sense of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The first word names no fault.
    #[error("there is no fault `{word}`{}", hint(.nearest))]
    UnknownFault {
        /// The word.
        word: String,
        /// The known word that it is most like.
        nearest: Option<String>,
    },
    /// A later word names no qualifier.
    #[error("`{word}` is no qualifier of a fault{}", hint(.nearest))]
    UnknownQualifier {
        /// The word.
        word: String,
        /// The known word that it is most like.
        nearest: Option<String>,
    },
    /// A scope names no class of requests.
    #[error("there is no endpoint `{word}`{}", hint(.nearest))]
    UnknownScope {
        /// The word.
        word: String,
        /// The known word that it is most like.
        nearest: Option<String>,
    },
    /// A value is missing, superfluous or not of the right form.
    #[error("`{word}` takes {expected}, not `{value}`")]
    Value {
        /// The word.
        word: String,
        /// What it takes.
        expected: &'static str,
        /// What it got.
        value: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

const EFFECTS: [&str; 28] = [
    "status",
    "html",
    "redirect",
    "reset",
    "truncate",
    "slow",
    "delay",
    "invalid-utf8",
    "content-type",
    "oversized",
    "gzip-bomb",
    "deep",
    "drift",
    "group-vanishes",
    "ignore-skip",
    "repeat-page",
    "short-page",
    "empty-page",
    "total",
    "unsorted",
    "duplicate-rows",
    "dangling",
    "cycle",
    "hostile-ids",
    "null-fields",
    "unknown-fields",
    "wrong-types",
    "retry-after",
];
const QUALIFIERS: [&str; 5] = ["on", "rate", "times", "after", "retry-after"];

const HELP: &str = "\
A fault is EFFECT[:QUALIFIER]…, for example status=503:rate=0.1:on=usergroups.members

Effects on the answer as a whole:
  status=CODE         answer with this status; with retry-after=SECONDS or retry-after=date as qualifier
  retry-after=WHEN    short for status=429:retry-after=WHEN
  html[=CODE]         answer with an HTML page (200 unless told)
  redirect=URL        answer 302 with this location
  reset               reset the connection instead of answering
  truncate            break the connection in the middle of the body
  slow=BYTES          send this many bytes a second
  delay=MS            wait this many milliseconds before answering
  invalid-utf8        put bytes into the body that are not UTF-8
  content-type=TYPE   name another content type
  oversized=BYTES     pad the body with white space
  gzip-bomb=BYTES     answer with this much white space, compressed
  deep=LEVELS         answer with arrays nested this deep
Effects on listings:
  drift=delete|insert|both  change the organisation with each request
  group-vanishes      answer 404 for the members of a listed group (every fifth group, or the share in rate)
  ignore-skip         answer with the first page, whatever skip says
  repeat-page         answer with the page before
  short-page          answer with half a page; the rest follows at the next row
  empty-page          answer with no rows
  total=+N|-N|none|moving   give a wrong total
  unsorted            change the order between requests that name none
  duplicate-rows      repeat every tenth row
  dangling            add a member that no listing has
  cycle               make groups members of each other, in a circle
  hostile-ids         replace ids by such as must not enter a path
  null-fields         set fields to null
  unknown-fields      add fields that nobody knows
  wrong-types         give values another type
Qualifiers:
  on=ENDPOINT[,…]     only there: systemusers, usergroups.members, usergroups.*, insights.events, oauth.token, …
  rate=SHARE          only to this share of the requests, from 0 to 1
  times=N             at most N times
  after=N             not to the first N requests
";

impl Fault {
    /// The grammar of faults, for people.
    pub fn help() -> &'static str {
        HELP
    }

    /// A fault that always happens, everywhere that it makes sense.
    pub fn new(effect: Effect) -> Self {
        Self { effect, on: Vec::new(), rate: 1.0, times: None, after: 0 }
    }

    /// Whether requests of a class can be struck.
    pub fn covers(&self, class: &str) -> bool {
        self.on.is_empty() || self.on.iter().any(|scope| scope.covers(class))
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut words = words(text).into_iter();
        let (word, value) = words.next().unwrap_or_default();
        let mut fault = Self::new(effect(&word, value.as_deref())?);
        if fault.effect == Effect::GroupVanishes {
            fault.rate = 0.2;
        }
        for (word, value) in words {
            fault.qualify(&word, value.as_deref())?;
        }
        Ok(fault)
    }
}

impl Fault {
    fn qualify(&mut self, word: &str, value: Option<&str>) -> Result<(), FaultError> {
        match word {
            "on" => {
                let scopes = value.unwrap_or_default().split(',').map(str::parse);
                self.on = scopes.collect::<Result<_, _>>()?;
            }
            "rate" => {
                self.rate = parse(word, value, "a share from 0 to 1")?;
                if !(0.0..=1.0).contains(&self.rate) {
                    return Err(bad(word, value, "a share from 0 to 1"));
                }
            }
            "times" => self.times = Some(parse(word, value, "a number")?),
            "after" => self.after = parse(word, value, "a number")?,
            "retry-after" => match &mut self.effect {
                Effect::Status(_, after) => *after = Some(retry_after(word, value)?),
                _ => return Err(bad(word, value, "a place after `status`")),
            },
            _ => {
                let nearest = nearest(word, QUALIFIERS.into_iter());
                return Err(FaultError::UnknownQualifier { word: word.to_owned(), nearest });
            }
        }
        Ok(())
    }
}

fn effect(word: &str, value: Option<&str>) -> Result<Effect, FaultError> {
    Ok(match word {
        "status" => Effect::Status(status(word, value)?, None),
        "retry-after" => Effect::Status(429, Some(retry_after(word, value)?)),
        "html" if value.is_none() => Effect::Html(200),
        "html" => Effect::Html(status(word, value)?),
        "redirect" => Effect::Redirect(parse(word, value, "a URL")?),
        "slow" => Effect::Slow(parse(word, value, "bytes a second")?),
        "delay" => Effect::Delay(Duration::from_millis(parse(word, value, "milliseconds")?)),
        "content-type" => Effect::ContentType(parse(word, value, "a content type")?),
        "oversized" => Effect::Oversized(parse(word, value, "a number of bytes")?),
        "gzip-bomb" => Effect::GzipBomb(parse(word, value, "a number of bytes")?),
        "deep" => Effect::Deep(parse(word, value, "a number of levels")?),
        "drift" => Effect::Drift(match value {
            Some("delete") => Drift::Delete,
            Some("insert") => Drift::Insert,
            Some("both") => Drift::Both,
            _ => return Err(bad(word, value, "delete, insert or both")),
        }),
        "total" => Effect::Total(match value {
            Some("none") => TotalFault::None,
            Some("moving") => TotalFault::Moving,
            _ => TotalFault::Off(parse(word, value, "+N, -N, none or moving")?),
        }),
        _ => return plain(word, value),
    })
}

fn plain(word: &str, value: Option<&str>) -> Result<Effect, FaultError> {
    let effect = match word {
        "reset" => Effect::Reset,
        "truncate" => Effect::Truncate,
        "invalid-utf8" => Effect::InvalidUtf8,
        "group-vanishes" => Effect::GroupVanishes,
        "ignore-skip" => Effect::IgnoreSkip,
        "repeat-page" => Effect::RepeatPage,
        "short-page" => Effect::ShortPage,
        "empty-page" => Effect::EmptyPage,
        "unsorted" => Effect::Unsorted,
        "duplicate-rows" => Effect::DuplicateRows,
        "dangling" => Effect::Dangling,
        "cycle" => Effect::Cycle,
        "hostile-ids" => Effect::HostileIds,
        "null-fields" => Effect::NullFields,
        "unknown-fields" => Effect::UnknownFields,
        "wrong-types" => Effect::WrongTypes,
        _ => {
            let nearest = nearest(word, EFFECTS.into_iter());
            return Err(FaultError::UnknownFault { word: word.to_owned(), nearest });
        }
    };
    match value {
        None => Ok(effect),
        Some(_) => Err(bad(word, value, "no value")),
    }
}

/// Splits at colons, but not inside a URL: a part that follows a redirect and is no qualifier belongs to it.
fn words(text: &str) -> Vec<(String, Option<String>)> {
    let mut words: Vec<(String, Option<String>)> = Vec::new();
    for part in text.split(':') {
        let (word, value) = match part.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (part, None),
        };
        match words.last_mut() {
            Some((last, Some(url))) if last == "redirect" && !QUALIFIERS.contains(&word) => {
                url.push(':');
                url.push_str(part);
            }
            _ => words.push((word.to_owned(), value.map(str::to_owned))),
        }
    }
    words
}

fn status(word: &str, value: Option<&str>) -> Result<u16, FaultError> {
    let status: u16 = parse(word, value, "a status from 200 to 599")?;
    if (200..600).contains(&status) { Ok(status) } else { Err(bad(word, value, "a status from 200 to 599")) }
}

fn retry_after(word: &str, value: Option<&str>) -> Result<RetryAfter, FaultError> {
    match value {
        Some("date") => Ok(RetryAfter::Date),
        _ => parse(word, value.map(|value| value.trim_end_matches('s')), "seconds or date").map(RetryAfter::Seconds),
    }
}

fn parse<T: FromStr>(word: &str, value: Option<&str>, expected: &'static str) -> Result<T, FaultError> {
    value
        .filter(|value| !value.is_empty())
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| bad(word, value, expected))
}

fn bad(word: &str, value: Option<&str>, expected: &'static str) -> FaultError {
    FaultError::Value { word: word.to_owned(), expected, value: value.unwrap_or_default().to_owned() }
}

fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

impl FromStr for Scope {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let scope = Self(text.to_owned());
        let classes: Vec<String> = Endpoint::all().into_iter().map(Endpoint::class).collect();
        if classes.iter().any(|class| scope.covers(class)) {
            return Ok(scope);
        }
        let nearest = nearest(text, classes.iter().map(String::as_str));
        Err(FaultError::UnknownScope { word: text.to_owned(), nearest })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.effect)?;
        if !self.on.is_empty() {
            let scopes: Vec<String> = self.on.iter().map(Scope::to_string).collect();
            write!(f, ":on={}", scopes.join(","))?;
        }
        let usual = Self::from_str(&self.effect.to_string()).map_or(1.0, |fault| fault.rate);
        if self.rate != usual {
            write!(f, ":rate={}", self.rate)?;
        }
        if let Some(times) = self.times {
            write!(f, ":times={times}")?;
        }
        if self.after > 0 {
            write!(f, ":after={}", self.after)?;
        }
        Ok(())
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code, None) => write!(f, "status={code}"),
            Self::Status(code, Some(RetryAfter::Seconds(seconds))) => {
                write!(f, "status={code}:retry-after={seconds}s")
            }
            Self::Status(code, Some(RetryAfter::Date)) => {
                write!(f, "status={code}:retry-after=date")
            }
            Self::Html(code) => write!(f, "html={code}"),
            Self::Redirect(url) => write!(f, "redirect={url}"),
            Self::Slow(rate) => write!(f, "slow={rate}"),
            Self::Delay(delay) => write!(f, "delay={}", delay.as_millis()),
            Self::ContentType(name) => write!(f, "content-type={name}"),
            Self::Oversized(bytes) => write!(f, "oversized={bytes}"),
            Self::GzipBomb(bytes) => write!(f, "gzip-bomb={bytes}"),
            Self::Deep(levels) => write!(f, "deep={levels}"),
            Self::Drift(Drift::Delete) => f.write_str("drift=delete"),
            Self::Drift(Drift::Insert) => f.write_str("drift=insert"),
            Self::Drift(Drift::Both) => f.write_str("drift=both"),
            Self::Total(TotalFault::Off(by)) => write!(f, "total={by:+}"),
            Self::Total(TotalFault::None) => f.write_str("total=none"),
            Self::Total(TotalFault::Moving) => f.write_str("total=moving"),
            Self::Reset => f.write_str("reset"),
            Self::Truncate => f.write_str("truncate"),
            Self::InvalidUtf8 => f.write_str("invalid-utf8"),
            Self::GroupVanishes => f.write_str("group-vanishes"),
            Self::IgnoreSkip => f.write_str("ignore-skip"),
            Self::RepeatPage => f.write_str("repeat-page"),
            Self::ShortPage => f.write_str("short-page"),
            Self::EmptyPage => f.write_str("empty-page"),
            Self::Unsorted => f.write_str("unsorted"),
            Self::DuplicateRows => f.write_str("duplicate-rows"),
            Self::Dangling => f.write_str("dangling"),
            Self::Cycle => f.write_str("cycle"),
            Self::HostileIds => f.write_str("hostile-ids"),
            Self::NullFields => f.write_str("null-fields"),
            Self::UnknownFields => f.write_str("unknown-fields"),
            Self::WrongTypes => f.write_str("wrong-types"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_fault_reads_back_as_it_was_written() {
        for text in [
            "status=503:on=usergroups.members:rate=0.1",
            "status=429:retry-after=2s:times=3",
            "status=429:retry-after=date",
            "redirect=http://127.0.0.1:8080/away:after=2",
            "html=502",
            "drift=both:on=systemusers,users",
            "total=+7",
            "total=-1",
            "total=moving",
            "group-vanishes",
            "group-vanishes:rate=1",
            "delay=20:on=insights.*",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        for effect in EFFECTS {
            assert!(HELP.contains(&format!("\n  {effect}")), "{effect} is not in the help");
        }
    }

    #[test]
    fn a_word_nobody_knows_is_answered_with_the_nearest() {
        let error = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert_eq!(error("statu=503"), "there is no fault `statu`; did you mean `status`?");
        assert_eq!(error("reset:tmes=3"), "`tmes` is no qualifier of a fault; did you mean `times`?");
        assert_eq!(
            error("reset:on=usergroup.member"),
            "there is no endpoint `usergroup.member`; did you mean `usergroups.members`?"
        );
        assert_eq!(error("status=abc"), "`status` takes a status from 200 to 599, not `abc`");
        assert_eq!(error("reset=1"), "`reset` takes no value, not `1`");
    }
}
