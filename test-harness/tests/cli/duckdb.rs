//! A folder of NDJSON, read by a real database.

use std::process::{Command, Stdio};

use jumpcloud_simulator::SimulatorOptions;

use crate::skip;
use crate::support::{Ended, run, scan, small};

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
