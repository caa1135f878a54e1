//! Ctrl-C while another program locks the store, and the variable that names it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jumpcloud_simulator::SimulatorOptions;

use crate::support::{Running, harness, run, scan, small};

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_scan_that_waits_for_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.db");
    let store = format!("sqlite:{}", file.display());
    let simulator = small(SimulatorOptions::default()).await;
    let scan = || {
        let mut command = scan(&simulator, &[]);
        command.env("ORBISID_STORE", &store);
        command
    };
    assert_eq!(run(&mut scan()).code, 0);
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let mut child = Running(scan().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(child.0.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("The scan will be kept in sqlite:") && line.contains("ORBISID_STORE"), "{line}");
    assert!(Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap().success());
    let began = Instant::now();
    let code = loop {
        match child.0.try_wait().unwrap() {
            Some(status) => break status.code(),
            None => assert!(began.elapsed() < Duration::from_secs(20), "it goes on waiting"),
        }
        std::thread::yield_now();
    };
    assert_eq!(code, Some(130));
    drop(other);
    assert_eq!(run(&mut scan()).code, 0);
    let history = run(&mut harness(["history", "--store", &store, "--format", "csv"])).stdout;
    assert_eq!(history.matches(",published,").count(), 2, "{history}");
}

#[test]
fn a_second_signal_while_a_run_is_published_does_not_say_that_it_was_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.db");
    let store = format!("sqlite:{}", file.display());
    let scan = || harness(["scan", "--demo", "--quiet", "--store", &store]);
    assert_eq!(run(&mut scan()).code, 0);
    let other = rusqlite::Connection::open(&file).unwrap();
    // The last step of publishing never ends.
    let endless = "create view endless as with recursive c(n) as (select 1 union all select n + 1 from c) \
                   select count(*) as n from c; \
                   create trigger wait before update of published_run on system begin select n from endless; end";
    other.execute_batch(endless).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let mut child = Running(scan().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let interrupt =
        |child: &Running| Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap().success();
    // While it scans, the store is locked only for moments.
    let mut locked_since = Instant::now();
    let began = Instant::now();
    while locked_since.elapsed() < Duration::from_secs(3) {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not publish");
        if other.execute_batch("begin immediate; rollback").is_ok() {
            locked_since = Instant::now();
        }
        std::thread::yield_now();
    }
    assert!(interrupt(&child));
    let mut said = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let finishing = said.next().unwrap().unwrap();
    assert!(interrupt(&child));
    let said: Vec<String> = said.map(Result::unwrap).collect();
    assert_eq!(child.0.wait().unwrap().code(), Some(130), "{finishing} {said:?}");
    let said = said.join(" ");
    assert!(said.contains("published run 2 of") && said.contains("cannot be found out"), "{said}");
    assert!(said.contains("harness history") && !said.contains("was cancelled"), "{said}");
}

#[test]
fn a_demo_is_kept_only_where_its_command_line_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("kept.db").display());
    let demo = run(harness(["scan", "--demo"]).env("ORBISID_STORE", &store));
    assert!(demo.code == 0 && demo.stdout.lines().count() > 1000, "{}", demo.stderr);
    assert!(!demo.stderr.contains("ORBISID_STORE"), "{}", demo.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let kept = run(harness(["scan", "--demo", "--store", &store]).env("ORBISID_STORE", "sqlite:other.db"));
    assert!(kept.code == 0 && kept.stderr.contains("Kept as run 1") && !kept.stderr.contains("because"), "{kept:?}");
}
