//! The results of all tests of the suite for one fixture: as a table, as JSON, or as JUnit for a CI server.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::time::{Duration, Instant};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::fixture::Fixture;
use super::rerun::{Rerun, is_started_again};
use super::suite::{ConformanceTest, Ran, suite};
use super::verdict::{NotPassed, Verdict};

/// The format of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For CI servers.
    Junit,
}

/// The error for an unknown format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFormat(String);

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Table, Self::Json, Self::Junit];

    /// Returns the format's name on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Junit => "junit",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown report format `{}`: use table, json or junit", self.0)
    }
}

impl std::error::Error for UnknownFormat {}

/// The results of every test of the suite.
pub struct Report {
    os_type: String,
    entries: Vec<Entry>,
}

struct Entry {
    test: &'static ConformanceTest,
    ran: Ran,
    took: Duration,
}

impl Report {
    /// Runs the suite. Blocks as [`ConformanceTest::run`] does. One test starts the program again with the same
    /// arguments, and expects it to call this function again.
    pub fn of(fixture: &dyn Fixture) -> Self {
        let program = Rerun::of_command();
        let run = |test: &'static ConformanceTest| {
            let started = Instant::now();
            let ran = test.run(fixture, &program);
            Entry { test, ran, took: started.elapsed() }
        };
        let tests = suite().iter().filter(|test| !is_started_again() || test.starts_again());
        let os_type = fixture.registration().descriptor().os_type;
        Self { os_type, entries: tests.map(run).collect() }
    }

    /// Returns whether no test failed. A skipped test is not a failure.
    pub fn passed(&self) -> bool {
        self.failed() == 0
    }

    fn failed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Err(NotPassed::Failed(_))))
    }

    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        self.entries.iter().filter(|entry| which(&entry.ran.verdict)).count()
    }

    /// Formats the report.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Junit => self.junit(),
        }
    }

    fn table(&self) -> String {
        let width = self.entries.iter().map(|entry| entry.test.name.len()).max().unwrap_or_default();
        let mut table = String::new();
        for Entry { test, ran, took } in &self.entries {
            let name = test.name;
            // Writing to a string cannot fail.
            let _ = match &ran.verdict {
                Ok(()) => {
                    let without = match ran.not_tried.as_slice() {
                        [] => String::new(),
                        some => format!("  in part: {}", some.join("; ")),
                    };
                    writeln!(table, "✓ {name:width$}  {:>6} ms{without}", took.as_millis())
                }
                Err(NotPassed::Skipped(why)) => writeln!(table, "– {name:width$}  skipped: {why}"),
                Err(NotPassed::Failed(failure)) => {
                    writeln!(table, "✗ {name}\n    {}", test.explain(failure).replace('\n', "\n    "))
                }
            };
        }
        let (passed, failed) = (self.count(Result::is_ok), self.failed());
        let skipped = self.entries.len() - passed - failed;
        let _ = writeln!(table, "{}: {passed} passed, {failed} failed, {skipped} skipped", self.os_type);
        table
    }

    fn json(&self) -> Value {
        let tests: Vec<Value> = self
            .entries
            .iter()
            .map(|Entry { test, ran, took }| {
                let mut line = json!({
                    "name": test.name,
                    "verdict": "passed",
                    "durationMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "explains": test.explains,
                });
                match &ran.verdict {
                    Ok(()) if ran.not_tried.is_empty() => {}
                    Ok(()) => line["notTried"] = ran.not_tried.as_slice().into(),
                    Err(NotPassed::Skipped(why)) => {
                        line["verdict"] = "skipped".into();
                        line["why"] = why.as_str().into();
                    }
                    Err(NotPassed::Failed(failure)) => {
                        line["verdict"] = "failed".into();
                        line["expected"] = failure.expected.as_str().into();
                        line["got"] = failure.got.as_str().into();
                        let advice = test.advice(failure);
                        line["remedy"] = advice.remedy.into();
                        line["explains"] = advice.explains.into();
                    }
                }
                line
            })
            .collect();
        let skipped = self.count(|verdict| matches!(verdict, Err(NotPassed::Skipped(_))));
        json!({"osType": self.os_type, "passed": self.passed(), "skipped": skipped, "tests": tests})
    }

    fn junit(&self) -> String {
        let mut suite = TestSuite::new(format!("conformance of {}", self.os_type));
        for Entry { test, ran, took } in &self.entries {
            let status = match &ran.verdict {
                Ok(()) => TestCaseStatus::success(),
                Err(NotPassed::Skipped(why)) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(why.as_str());
                    status
                }
                Err(NotPassed::Failed(failure)) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(failure.got.as_str()).set_description(test.explain(failure));
                    status
                }
            };
            let mut case = TestCase::new(test.name, status);
            case.set_classname(self.os_type.as_str()).set_time(*took);
            suite.add_test_case(case);
        }
        let mut report = quick_junit::Report::new("conformance");
        report.add_test_suite(suite);
        report.to_string().unwrap_or_else(|error| format!("<!-- {error} -->"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Failure;

    fn report() -> Report {
        let verdicts = [
            Ok(()),
            Ok(()),
            Err(NotPassed::Skipped("no <such> thing".into())),
            Err(NotPassed::Failed(Failure::new("a row", "none & nothing"))),
        ];
        let entry = |(test, (at, verdict))| {
            let not_tried = if at == 1 { vec!["there is no such target".to_owned()] } else { Vec::new() };
            Entry { test, ran: Ran { verdict, not_tried }, took: Duration::from_millis(7) }
        };
        Report {
            os_type: "X".into(),
            entries: suite().iter().zip(verdicts.into_iter().enumerate()).map(entry).collect(),
        }
    }

    #[test]
    fn a_table_marks_each_test_and_counts() {
        let table = report().render(Format::Table);
        let marks: String =
            table.lines().filter_map(|line| line.chars().next()).filter(|c| "✓✗–".contains(*c)).collect();
        assert_eq!(marks, "✓✓–✗");
        assert!(table.contains(" ms  in part: there is no such target\n"), "{table}");
        let do_next = format!("    got:      none & nothing\n    do:       {}\n    see:      ", suite()[3].remedy);
        assert!(table.contains(&do_next), "{table}");
        assert!(table.ends_with("X: 2 passed, 1 failed, 1 skipped\n"), "{table}");
    }

    #[test]
    fn json_says_what_was_expected_and_what_to_do() {
        let json: Value = serde_json::from_str(&report().render(Format::Json)).unwrap();
        assert_eq!(json["passed"], false);
        assert_eq!(json["skipped"], 1);
        assert_eq!(json["tests"][1]["notTried"][0], "there is no such target");
        assert_eq!(json["tests"][2]["verdict"], "skipped");
        assert_eq!(json["tests"][3]["expected"], "a row");
        assert_eq!(json["tests"][3]["got"], "none & nothing");
        assert_eq!(json["tests"][3]["remedy"], suite()[3].remedy);
    }

    #[test]
    fn junit_counts_failures_and_escapes_texts() {
        let xml = report().render(Format::Junit);
        assert!(xml.contains(r#"failures="1""#) && xml.contains("none &amp; nothing"), "{xml}");
        assert!(xml.contains("&lt;such"), "{xml}");
    }
}
