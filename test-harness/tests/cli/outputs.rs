//! The forms of the rows, written by the reference host.

use std::collections::BTreeMap;
use std::fs;

use connector_api::{
    Access, AccessLevel, AccessPath, Binding, ErrorCode, Grant, Membership, NodeKind, NodeRef, Outcome, PathStep,
    Principal, Record, ResourceRef, rows_schema,
};
use connector_host::output::Format;
use serde_json::{Value, json};

use crate::support::entries;
use crate::toy::{Ending, HOSTILE_NAMES, Toy, config, descriptor, job, kept_in, refusal, rows_of, scan};

#[tokio::test]
async fn ndjson_holds_every_row_and_ends_with_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ndjson");
    let (report, _) = scan(job(&path, Format::Ndjson), Ending::Whole).await;
    assert_eq!(report.summary.outcome, Outcome::Complete);
    let (rows, summary) = rows_of(&path);
    assert_eq!(rows, Toy::new(Ending::Whole).rows);
    assert_eq!((&summary["record"], &summary["outcome"]), (&json!("summary"), &json!("complete")));
    assert_eq!(entries(folder.path()), ["scan.ndjson"]);
}

#[tokio::test]
async fn each_line_is_as_the_schema_of_rows_says_and_one_that_lacks_a_field_is_not() {
    let schema = rows_schema();
    let validator = jsonschema::draft202012::new(schema.as_value()).unwrap();
    for ending in [Ending::Whole, Ending::WithoutLastLogin] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan.ndjson");
        scan(job(&path, Format::Ndjson), ending).await;
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &lines {
            assert!(validator.is_valid(line), "{line}");
        }
        for field in ["code", "kind", "severity", "message", "remedy"] {
            let mut row = lines[0].clone();
            row["reasons"][0].as_object_mut().unwrap().remove(field).unwrap();
            assert!(!validator.is_valid(&row), "{field}");
        }
        for (line, field) in [(0, "record"), (lines.len() - 1, "record"), (lines.len() - 1, "outcome")] {
            let mut line = lines[line].clone();
            line.as_object_mut().unwrap().remove(field).unwrap();
            assert!(!validator.is_valid(&line), "{field}");
        }
    }
}

#[tokio::test]
async fn json_is_one_document_with_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.json");
    let (report, _) = scan(job(&path, Format::Json), Ending::WithoutLastLogin).await;
    assert_eq!(report.summary.outcome, Outcome::Incomplete);
    let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let rows: Vec<Record> = serde_json::from_value(document["records"].clone()).unwrap();
    assert_eq!(rows, Toy::new(Ending::Whole).rows);
    assert_eq!(document["summary"]["outcome"], "incomplete");
}

#[tokio::test]
async fn csv_round_trips_hostile_names_and_runs_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    scan(job(&path, Format::Csv), Ending::Whole).await;
    let files = [
        "accounts.csv",
        "bindings.csv",
        "grants.csv",
        "groups.csv",
        "memberships.csv",
        "policies.csv",
        "resources.csv",
        "summary.json",
    ];
    assert_eq!(entries(&path), files);

    #[cfg(unix)]
    for file in files.iter().chain(&["."]) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.join(file).metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{file} is its owner's alone");
    }
    let mut accounts = csv::Reader::from_path(path.join("accounts.csv")).unwrap();
    let columns = accounts.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let bytes = fs::read(path.join("accounts.csv")).unwrap();
    assert!(bytes.starts_with("\u{feff}externalId".as_bytes()), "a spreadsheet takes it for UTF-8");
    let rows: Vec<csv::StringRecord> = accounts.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), HOSTILE_NAMES.len());
    for (row, name) in rows.iter().zip(HOSTILE_NAMES) {
        let cell = &row[at("username")];
        assert!(cell == name || cell.strip_prefix('\'') == Some(name), "{cell:?}");
        let attributes: Value = serde_json::from_str(&row[at("attributes")]).unwrap();
        assert_eq!(attributes[name], name);
        assert!(row[at("reasons")].ends_with(&format!("{name}; is long")), "{row:?}");
        for (column, cell) in [
            ("severity", "high"),
            ("reasonCodes", "named; long"),
            ("reasonKinds", "privilege; risk"),
            ("reasonSeverities", "high; low"),
            ("remedies", "rename it; =rename it"),
        ] {
            assert_eq!(&row[at(column)], cell, "{column}");
        }
    }
    for file in files.iter().filter(|file| file.ends_with(".csv")) {
        for row in csv::Reader::from_path(path.join(file)).unwrap().records() {
            for cell in &row.unwrap() {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
                    "{file}: {cell:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_policy_is_one_line_with_whom_it_is_for_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    scan(job(&path, Format::Csv), Ending::Whole).await;
    let mut policies = csv::Reader::from_path(path.join("policies.csv")).unwrap();
    let columns = policies.headers().unwrap().clone();
    let row = policies.records().next().unwrap().unwrap();
    for (column, expected) in [
        ("name", "'=1+1"),
        ("effect", "'=deny"),
        ("everyone", "false"),
        ("included", "'=g =1"),
        ("excludedBy", "'=field EQ 1"),
        ("targets", "'@portal"),
        ("conditions", "'-not from here"),
    ] {
        assert_eq!(&row[columns.iter().position(|name| name == column).unwrap()], expected, "{column}");
    }
}

#[tokio::test]
async fn paths_are_columns_that_can_be_filtered() {
    let step = |name: &str| PathStep::new("G", name, name);
    let way = |access, steps: &[&str], raised_by: Option<&str>| {
        let mut way = AccessPath::new(access, steps.iter().map(|name| step(name)).collect());
        way.raised_by = raised_by.map(str::to_owned);
        way
    };
    let login = Access::of_word(AccessLevel::Use, "login");
    let sudo = Access::of_word(AccessLevel::Administer, "sudo");
    let mut toy = Toy::new(Ending::Whole);
    let mut membership = Membership::default();
    membership.via = vec![step("crew"), step("staff")];
    toy.rows.push(membership.into());
    let from = NodeRef::new(NodeKind::Group, "CREW", "c");
    let mut binding = Binding::new(from, NodeRef::new(NodeKind::Resource, "system", "r")).with_access(sudo.clone());
    binding.expires_at = Some("2026-11-26T00:00:00Z".parse().unwrap());
    toy.rows.push(binding.into());
    let resource = ResourceRef::new("r", "system", "box");
    let mut grant = Grant::new(Principal::account("1", "ada"), resource, sudo.clone());
    grant.direct = true;
    grant.via = vec![
        way(login, &[], None),
        way(sudo.clone(), &["crew", "boxes"], Some("groupSudo")),
        way(sudo, &["staff"], Some("groupSudo")),
    ];
    grant.more_paths = 4;
    toy.rows.push(grant.into());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    job(&path, Format::Csv).run(&toy, &descriptor(), &config()).await.unwrap();

    let last = |file: &str| -> BTreeMap<String, String> {
        let mut rows = csv::Reader::from_path(path.join(file)).unwrap();
        rows.deserialize().last().unwrap().unwrap()
    };
    let grant = last("grants.csv");
    for (column, cell) in [
        ("path", ""),
        ("access", "sudo"),
        ("accessLevel", "administer"),
        ("pathAccess", "login"),
        ("raisedBy", "groupSudo"),
        ("otherPaths", "crew > boxes; staff"),
        ("morePaths", "4"),
    ] {
        assert_eq!(grant[column], cell, "{column}");
    }
    assert_eq!(last("memberships.csv")["path"], "crew > staff");
    let binding = last("bindings.csv");
    for (column, cell) in [
        ("fromKind", "group"),
        ("fromType", "CREW"),
        ("fromExternalId", "c"),
        ("toKind", "resource"),
        ("toType", "system"),
        ("toExternalId", "r"),
        ("access", "sudo"),
        ("accessLevel", "administer"),
        ("expiresAt", "2026-11-26T00:00:00Z"),
        ("requestId", ""),
    ] {
        assert_eq!(binding[column], cell, "{column}");
    }
    for file in ["groups.csv", "memberships.csv", "policies.csv", "bindings.csv", "grants.csv"] {
        let text = fs::read_to_string(path.join(file)).unwrap();
        assert!(!text.contains('{') && !text.contains('['), "there is JSON in {text}");
    }
}

#[tokio::test]
async fn an_ndjson_folder_has_one_file_a_kind_of_record_and_replaces_only_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan/");
    for _ in 0..2 {
        let (report, _) = scan(job(&path, Format::Ndjson), Ending::Whole).await;
        assert_eq!(report.summary.error, None);
    }
    assert_eq!(entries(folder.path()), ["scan"]);
    let files = [
        "accounts.ndjson",
        "bindings.ndjson",
        "grants.ndjson",
        "groups.ndjson",
        "memberships.ndjson",
        "policies.ndjson",
        "resources.ndjson",
        "summary.json",
    ];
    assert_eq!(entries(&path), files);
    for (file, kind, rows) in [("accounts", "account", HOSTILE_NAMES.len()), ("grants", "grant", 1)] {
        let text = fs::read_to_string(path.join(format!("{file}.ndjson"))).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), rows);
        assert!(lines.iter().all(|line| line["record"] == kind));
    }
    let summary: Value = serde_json::from_slice(&fs::read(path.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["outcome"], "complete");

    fs::write(path.join("thesis.txt"), "irreplaceable").unwrap();
    let error = refusal(job(&path, Format::Ndjson), &config()).await;
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(path.join("thesis.txt").exists());
}

#[tokio::test]
async fn what_is_put_into_a_folder_while_it_is_scanned_stays() {
    for format in [Format::Csv, Format::Ndjson] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan/");
        scan(job(&path, format), Ending::Whole).await;
        let mut toy = Toy::new(Ending::Whole);
        toy.meanwhile = Some(path.join("thesis.txt"));
        let report = job(&path, format).run(&toy, &descriptor(), &config()).await.unwrap();
        assert_eq!(report.summary.error.unwrap().code, ErrorCode::Sink);
        assert_eq!(fs::read_to_string(path.join("thesis.txt")).unwrap(), "irreplaceable");
        assert_eq!((entries(folder.path()), entries(&path).len()), (vec!["scan".to_owned()], 9));
    }
}

#[tokio::test]
async fn a_csv_folder_replaces_only_that_of_an_earlier_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    for _ in 0..2 {
        let (report, _) = scan(job(&path, Format::Csv), Ending::Whole).await;
        assert_eq!(report.summary.error, None);
    }
    assert_eq!(entries(folder.path()), ["scan"]);
    fs::write(path.join("thesis.txt"), "irreplaceable").unwrap();
    let error = refusal(job(&path, Format::Csv), &config()).await;
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(path.join("thesis.txt").exists());
}

#[tokio::test]
async fn a_scan_that_fails_leaves_nothing_and_spares_an_earlier_one() {
    for format in [Format::Ndjson, Format::Json, Format::Csv] {
        for ending in [Ending::FailsAfter(6), Ending::PanicsAfter(6)] {
            let folder = tempfile::tempdir().unwrap();
            let (report, _) = scan(job(&folder.path().join("scan"), format), ending).await;
            assert_eq!(report.summary.outcome, Outcome::Failed);
            assert!(!format!("{report:?}").contains("hunter2"));
            assert_eq!(entries(folder.path()), Vec::<String>::new());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    fs::write(&path, "earlier").unwrap();
    scan(job(&path, Format::Ndjson), Ending::FailsAfter(6)).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_known_before_the_scan_starts() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/scan");
    let scan = folder.path().join("scan");
    for job in [
        job(&missing, Format::Ndjson),
        job(&missing, Format::Csv),
        job(folder.path(), Format::Json),
        kept_in(&missing, job(&scan, Format::Json)),
        kept_in(folder.path(), job(&scan, Format::Json)),
    ] {
        let error = refusal(job, &config()).await;
        assert_eq!(error.code, ErrorCode::InvalidConfig, "{error}");
    }
}
