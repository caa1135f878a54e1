//! When a system is scanned by itself.

use std::str::FromStr;

use connector_api::ConnectorError;
use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// The shortest time between two runs of `every`.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
/// The longest.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// A cron pattern in a zone, or a time between runs.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Cron { pattern: Box<Cron>, zone: TimeZone },
    Every(SignedDuration),
}

impl Schedule {
    /// Parses a cron pattern such as `0 3 * * 1-5`, which is in UTC unless `zone` names another zone, or `every 6h`.
    ///
    /// A pattern names a time of the zone's clock: where that is skipped, the run comes right after; where it comes twice, the
    /// run comes once. With `every`, each system has a time of its own within the period, so that a thousand systems do not start
    /// together.
    ///
    /// # Errors
    /// `invalid_config`, with what to write.
    pub fn parse(text: &str, zone: Option<&str>) -> Result<Self, ConnectorError> {
        let text = text.trim();
        let kind = match text.strip_prefix("every ") {
            Some(_) if zone.is_some() => {
                return Err(ConnectorError::invalid_config(
                    "a schedule with `every` has no time zone",
                    "leave out the zone, or write a cron pattern",
                ));
            }
            Some(period) => Kind::Every(every(period.trim())?),
            None => cron(text, zone)?,
        };
        Ok(Self { text: text.to_owned(), zone: zone.map(str::to_owned), kind })
    }

    /// Returns the pattern, or `every` with its time.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the time zone of a pattern, if one was named.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Returns the first time after `now` at which a system is to be scanned, or `None` if there is none.
    pub fn next(&self, now: Timestamp, system: &str) -> Option<Timestamp> {
        match &self.kind {
            Kind::Cron { pattern, zone } => {
                let next = pattern.find_next_occurrence(&now.to_zoned(zone.clone()), false).ok()?;
                Some(next.timestamp())
            }
            Kind::Every(period) => {
                let period = i64::try_from(period.as_millis()).ok()?;
                let offset = i64::try_from(hash(system) % period.unsigned_abs()).ok()?;
                let since = (now.as_millisecond() - offset).rem_euclid(period);
                Timestamp::from_millisecond(now.as_millisecond() - since + period).ok()
            }
        }
    }
}

fn every(period: &str) -> Result<SignedDuration, ConnectorError> {
    let wrong = |why: &str| {
        ConnectorError::invalid_config(
            format!("the schedule `every {period}` {why}"),
            "write a time from one minute to one year, such as `every 6h` or `every 1d 12h`",
        )
    };
    let days = |span: jiff::Span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let parsed = jiff::Span::from_str(period).and_then(days).map_err(|_| wrong("is not understood"))?;
    match parsed {
        period if period < SHORTEST => Err(wrong("is too short")),
        period if period > LONGEST => Err(wrong("is too long")),
        period => Ok(period),
    }
}

fn cron(pattern: &str, zone: Option<&str>) -> Result<Kind, ConnectorError> {
    let zone = match zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            ConnectorError::invalid_config(
                format!("there is no time zone {name}"),
                "use a name of the IANA database, such as Europe/Berlin",
            )
        })?,
    };
    let parsed = Cron::from_str(pattern).map_err(|error| {
        ConnectorError::invalid_config(
            format!("the schedule `{pattern}` is no cron pattern: {error}"),
            "write minute, hour, day, month and weekday, such as `0 3 * * 1-5`, or `every 6h`",
        )
    })?;
    Ok(Kind::Cron { pattern: Box::new(parsed), zone })
}

/// A number that depends on a name alone, on every machine.
fn hash(name: &str) -> u64 {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn times(text: &str, zone: Option<&str>, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(text, zone).unwrap();
        let mut now: Timestamp = from.parse().unwrap();
        let mut times = Vec::new();
        for _ in 0..count {
            now = schedule.next(now, "hq").unwrap();
            times.push(now.to_string());
        }
        times
    }

    #[test]
    fn a_pattern_is_in_utc_unless_a_zone_is_named() {
        assert_eq!(times("0 3 * * *", None, "2026-03-03T03:00:00Z", 1), ["2026-03-04T03:00:00Z"]);
        let berlin = times("0 3 * * *", Some("Europe/Berlin"), "2026-01-03T03:00:00Z", 1);
        assert_eq!(berlin, ["2026-01-04T02:00:00Z"]);
    }

    #[test]
    fn an_hour_that_is_skipped_or_comes_twice_runs_once() {
        // In Berlin, 02:30 does not exist on 29 March 2026, and comes twice on 25 October.
        let zone = Some("Europe/Berlin");
        let spring = times("30 2 * * *", zone, "2026-03-28T12:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let autumn = times("30 2 * * *", zone, "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn every_system_has_a_time_of_its_own_within_the_period() {
        let schedule = Schedule::parse("every 6h", None).unwrap();
        let now: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
        let next = |name: &str, now| schedule.next(now, name).unwrap();
        let mut of_hour = [0; 6];
        for at in 0..1200 {
            let name = format!("system {at}");
            let first = next(&name, now);
            assert!(first > now && first <= now + SignedDuration::from_hours(6));
            assert_eq!(next(&name, first), first + SignedDuration::from_hours(6));
            of_hour[usize::try_from((first - now).total(jiff::Unit::Hour).unwrap().floor() as i64 % 6).unwrap()] += 1;
        }
        assert!(of_hour.iter().all(|count| (140..260).contains(count)), "{of_hour:?}");
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_an_example() {
        for (text, zone) in [
            ("every", None),
            ("every 10s", None),
            ("every 9y", None),
            ("every now and then", None),
            ("every 6h", Some("UTC")),
            ("at noon", None),
            ("0 25 * * *", None),
            ("0 3 * * *", Some("Berlin")),
        ] {
            let error = Schedule::parse(text, zone).unwrap_err();
            assert!(error.code == connector_api::ErrorCode::InvalidConfig && !error.remedy.is_empty(), "{text}");
        }
    }
}
