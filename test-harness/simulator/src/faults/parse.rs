//! Faults from text and to text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::kinds::{Drift, Effect, Fault, FaultError, RetryAfter, Scope, TotalFault};
use crate::server::Endpoint;

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
                _ => return Err(bad(word, value, "to follow `status`")),
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
        "slow" => Effect::Slow(parse(word, value, "bytes per second")?),
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

/// Splits at colons, but not inside a URL: a part after a redirect that is not a qualifier belongs to the URL.
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

/// The known word most similar to a word, if one is similar enough.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
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
    use crate::faults::kinds::HELP;

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
    fn an_unknown_word_is_refused_with_the_nearest() {
        let error = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert_eq!(error("statu=503"), "there is no fault `statu`; did you mean `status`?");
        assert_eq!(error("reset:tmes=3"), "there is no qualifier `tmes`; did you mean `times`?");
        assert_eq!(
            error("reset:on=usergroup.member"),
            "there is no endpoint `usergroup.member`; did you mean `usergroups.members`?"
        );
        assert_eq!(error("status=abc"), "`status` expects a status from 200 to 599, not `abc`");
        assert_eq!(error("reset=1"), "`reset` expects no value, not `1`");
    }
}
