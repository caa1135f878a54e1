//! A folder of NDJSON, read by a real database.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use jumpcloud_simulator::SimulatorOptions;

use crate::skip;
use crate::support::{Ended, harness, run, scan, small};

const README: &str = include_str!("../../../README.md");

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_reads_a_folder_by_the_queries_of_the_readme() {
    let Some(duckdb) = skip::program("duckdb") else {
        return;
    };
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("hq/");
    let ended = run(&mut scan(&simulator, &["--format", "ndjson", "--output", output.to_str().unwrap()]));
    assert_eq!(ended.code, 0, "{ended:?}");
    let ask = |query: &str| -> Ended {
        let mut command = Command::new(&duckdb);
        command.args(["-csv", "-noheader", "-c", query]).current_dir(folder.path()).stdin(Stdio::null());
        run(&mut command)
    };
    let (_, block) = README.split_once("```sql\n").unwrap();
    let queries: Vec<&str> = block.split_once("```").unwrap().0.split_terminator(";\n").collect();
    assert_eq!(queries.len(), 2);
    for query in queries {
        let answer = ask(query);
        assert_eq!(answer.code, 0, "{query}: {answer:?}");
        assert!(answer.stdout.lines().count() > 1, "{query}: {answer:?}");
    }
    for kind in ["accounts", "groups", "memberships", "resources", "grants"] {
        let rows = std::fs::read_to_string(output.join(kind).with_extension("ndjson")).unwrap().lines().count();
        let answer = ask(&format!("select count(*) from read_json_auto('hq/{kind}.ndjson')"));
        assert_eq!((answer.code, answer.stdout.trim()), (0, rows.to_string().as_str()), "{kind}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_finds_the_same_rows_in_every_table_that_is_exported() {
    let Some(duckdb) = skip::program("duckdb") else {
        return;
    };
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let scanned = folder.path().join("scan.ndjson");
    let ended = run(&mut scan(&simulator, &["--output", scanned.to_str().unwrap()]));
    assert_eq!(ended.code, 0, "{ended:?}");
    for format in ["ndjson", "csv", "parquet"] {
        let mut export = harness(["export", "--format", format, "--output", &format!("{format}/"), "--from-file"]);
        let ended = run(export.arg(&scanned).current_dir(folder.path()));
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let ask = |query: &str| -> BTreeSet<String> {
        let mut command = Command::new(&duckdb);
        command.args(["-csv", "-noheader", "-c", "set timezone = 'UTC'", "-c", query]);
        let answer = run(command.current_dir(folder.path()).stdin(Stdio::null()));
        assert_eq!(answer.code, 0, "{query}: {answer:?}");
        answer.stdout.lines().map(str::to_owned).collect()
    };
    // What is a structure or a list in the others is text in a spreadsheet, which runs no cell that begins with a sign.
    let name = "ltrim(username, '''')";
    let of_accounts = format!("\"externalId\", kind, {name}, enabled, epoch(\"createdAt\"::timestamptz)");
    for (kind, columns) in [
        ("accounts", of_accounts.as_str()),
        ("memberships", "\"accountExternalId\", \"groupExternalId\", direct"),
        ("resources", "\"externalId\", \"resourceType\", active"),
    ] {
        let of = |format: &str, columns: &str| {
            let reader = match format {
                "ndjson" => format!("read_json_auto('ndjson/{kind}.ndjson')"),
                _ => format!("'{format}/{kind}.{format}'"),
            };
            ask(&format!("select {columns} from {reader}"))
        };
        let [ndjson, csv, parquet] = ["ndjson", "csv", "parquet"].map(|format| of(format, columns));
        assert!(ndjson.len() > 5, "{kind}");
        assert_eq!(ndjson, parquet, "{kind}");
        assert_eq!(ndjson, csv, "{kind}");
    }
    let nested = "\"externalId\", mfa.configured, len(reasons), reasons[1].code, attributes";
    let [ndjson, parquet] = ["read_json_auto('ndjson/accounts.ndjson')", "'parquet/accounts.parquet'"]
        .map(|reader| ask(&format!("select {nested} from {reader}")));
    assert_eq!(ndjson, parquet);
}
