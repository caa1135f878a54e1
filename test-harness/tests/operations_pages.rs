//! What the pages of docs/operations list is what there is: every line that is logged, held against the sources and against
//! the log of a scan, and the attributes that may change between the runs of one scan.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use connector_api::Connector;
use connector_jumpcloud::JumpCloud;
use serde_json::Value;

/// The crates whose lines an operator may see, by folder and by the name that begins their targets.
const CRATES: [(&str, &str); 8] = [
    ("connector-api", "connector_api"),
    ("connector-api/access", "connector_access"),
    ("connector-api/http", "connector_http"),
    ("connector-jumpcloud", "connector_jumpcloud"),
    ("test-harness", "test_harness"),
    ("test-harness/host", "connector_host"),
    ("test-harness/scim", "connector_scim"),
    ("test-harness/simulator", "jumpcloud_simulator"),
];

/// One kind of line: its target, level, message and fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    target: String,
    level: String,
    message: String,
    fields: BTreeSet<String>,
}

#[test]
fn the_page_lists_every_line_that_the_sources_log_and_no_other() {
    let mut logged = BTreeSet::new();
    for (folder, name) in CRATES {
        let source = root().join(folder).join("src");
        for path in rust_files(&source) {
            let text = without_tests(&fs::read_to_string(&path).unwrap());
            let other = unread_form(&text);
            assert_eq!(other, None, "{}: this test does not read lines of that form", path.display());
            logged.extend(lines_of(&text, &module(name, &source, &path)));
        }
    }
    assert!(logged.len() >= 10, "{logged:?}");
    assert_eq!(page(), logged, "docs/operations/logs.md on the left, the sources on the right");
}

#[test]
fn the_sources_are_read_as_they_are_written() {
    let text = without_tests(
        r#"
        const TARGET: &str = "elsewhere";
        // tracing::error!("a comment")
        fn log(kind: &str) {
            tracing::warn!(target: TARGET, %kind, wait = f(1, [2, 3]), "one, of \"two\" ways");
            tracing::debug!("plain");
        }
        #[cfg(test)]
mod tests { fn log() { tracing::info!("a test") } }"#,
    );
    let line = |target: &str, level: &str, message: &str, fields: &[&str]| Line {
        target: target.to_owned(),
        level: level.to_owned(),
        message: message.to_owned(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    };
    let expected =
        [line("elsewhere", "warn", r#"one, of \"two\" ways"#, &["kind", "wait"]), line("here", "debug", "plain", &[])];
    assert_eq!(lines_of(&text, "here"), expected);
    assert_eq!(unread_form(&text), None);
    assert_eq!(unread_form("use tracing::{info, warn};"), Some("use tracing::"));
    assert_eq!(unread_form("#[tracing::instrument(skip_all)]"), Some("instrument("));
}

#[test]
fn what_a_scan_logs_stands_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["scan", "--demo", "--log-format", "json", "--output"])
        .arg(folder.path().join("demo.ndjson"))
        .args(["--log-level", "connector_jumpcloud=trace,connector_http=trace,connector_host=trace,test_harness=trace"])
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = page();
    let mut targets = BTreeSet::new();
    for line in String::from_utf8(output.stderr).unwrap().lines().filter(|line| line.starts_with('{')) {
        let mut line: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
        let mut take = |name: &str| line.remove(name).unwrap().as_str().unwrap().to_owned();
        let (target, level, message, _) =
            (take("target"), take("level").to_lowercase(), take("message"), take("timestamp"));
        let found = page.iter().find(|listed| {
            (&listed.target, &listed.level) == (&target, &level) && listed.message.split(", ").any(|one| one == message)
        });
        let found = found.unwrap_or_else(|| panic!("{target} {level}: {message}"));
        for (name, value) in line {
            assert!(found.fields.contains(&name), "{target}: {message}: {name}");
            // A value in the form of the code would be of no use to a program.
            assert!(!value.to_string().contains("Some("), "{target}: {message}: {name}={value}");
        }
        targets.insert(target);
    }
    assert!(targets.len() >= 4, "{targets:?}");
}

#[test]
fn the_attributes_that_may_change_between_the_runs_of_a_scan_stand_on_the_page() {
    let page = fs::read_to_string(root().join("docs/operations/upgrades.md")).unwrap();
    let (_, rest) = page.split_once("<!-- tuning -->\n").unwrap();
    let (listed, _) = rest.split_once("<!-- /tuning -->").unwrap();
    let listed: Vec<&str> = listed.split(',').map(|name| name.trim().trim_matches('`')).collect();
    assert_eq!(listed, JumpCloud::describe().tuning);
}

/// `UPDATE_DOCS=1 cargo test -p test-harness --test operations_pages` writes the plan into the page.
#[test]
fn the_plan_on_the_page_is_what_is_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["scan", "--demo", "--plan"])
        .env("COLUMNS", "100")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let path = root().join("docs/operations/scan-times.md");
    let page = fs::read_to_string(&path).unwrap();
    let start = "on a terminal of 100 columns:\n\n```text\n";
    let (before, rest) = page.split_once(start).unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{start}{printed}```\n{after}")).unwrap();
        return;
    }
    // The events of the demo are those of the last 90 days.
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("lastLogin ")).map(str::to_owned).collect()
    };
    assert_eq!(lines(shown), lines(&printed), "UPDATE_DOCS=1 writes what is printed now into the page");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The lines that the page lists.
fn page() -> BTreeSet<Line> {
    let page = fs::read_to_string(root().join("docs/operations/logs.md")).unwrap();
    let (_, table) = page.split_once("| target | level | message | fields | when |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|row| row.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [target, level, message, fields, _] = cells[..] else { panic!("{row}") };
        let fields = fields.split(',').map(str::trim).filter(|field| !field.is_empty());
        let fields = fields.map(|field| field.trim_matches('`').to_owned()).collect();
        let [target, level, message] = [target.trim_matches('`'), level, message].map(str::to_owned);
        Line { target, level, message, fields }
    })
    .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// A file without its tests, which stand at its end, and without comments.
fn without_tests(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// A form of logging, in a file without comments, that [`lines_of`] does not find.
fn unread_form(text: &str) -> Option<&'static str> {
    let forms =
        ["use tracing::", "instrument(", "span!(", "event!(", "log::info", "log::debug", "log::warn", "log::error"];
    forms.into_iter().find(|form| text.contains(form))
}

/// The module that a file is, as a target names it.
fn module(name: &str, source: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(source).unwrap().with_extension("");
    let parts = inside.iter().map(|part| part.to_str().unwrap()).filter(|part| !["lib", "main", "mod"].contains(part));
    std::iter::once(name).chain(parts).collect::<Vec<_>>().join("::")
}

fn lines_of(text: &str, module: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for level in ["error", "warn", "info", "debug", "trace"] {
        for (at, found) in text.match_indices(&format!("tracing::{level}!(")) {
            lines.push(line_of(arguments(&text[at + found.len()..]), text, level, module));
        }
    }
    lines
}

/// A line from the arguments of its macro: a target, fields, and the message.
fn line_of(arguments: Vec<String>, text: &str, level: &str, module: &str) -> Line {
    let mut line =
        Line { target: module.to_owned(), level: level.to_owned(), message: String::new(), fields: BTreeSet::new() };
    for argument in arguments {
        if let Some(constant) = argument.strip_prefix("target: ") {
            let (_, value) = text.split_once(&format!("const {constant}: &str = \"")).unwrap();
            line.target = value.split('"').next().unwrap().to_owned();
        } else if let Some(message) = argument.strip_prefix('"') {
            line.message = message.trim_end_matches('"').to_owned();
        } else {
            let name = argument.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
            line.fields.insert(name.to_owned());
        }
    }
    // The words of progress, which the scan shows.
    if line.message == "{stage}" {
        line.message = "started, reading, done".to_owned();
    }
    line
}

/// What stands between the parentheses of a macro, split at its commas.
fn arguments(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut quoted, mut last) = (vec![String::new()], 0, false, ' ');
    for c in text.chars() {
        match c {
            '"' if last != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            found.push(String::new())
        } else {
            found.last_mut().unwrap().push(c)
        }
        last = c;
    }
    found.iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}
