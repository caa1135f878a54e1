//! What stands after a scan is what the plan says.

use connector_api::{Outcome, Record};
use connector_store::{At, Ended, RunState};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, comparable, rows_at, scan, seeds, system};

on_both!(the_rows_after_each_run_are_those_of_the_plan_applied_to_vectors, a_failed_scan_changes_only_the_list_of_runs);

/// Every run of a changing organisation, read in part, against the plan applied in memory.
fn the_rows_after_each_run_are_those_of_the_plan_applied_to_vectors(backend: &Backend) {
    let descriptor = descriptor();
    // All seeds in one store, one after the other: of the same system, as if it had been replaced.
    let mut expected: Vec<Record> = Vec::new();
    let mut snapshots = Vec::new();
    for seed in seeds(6) {
        let mut organisation = Organisation::new(seed);
        for step in 0..8 {
            (0..step * 3).for_each(|_| organisation.change());
            let (rows, summary) = organisation.scan(&descriptor);
            let ended = scan(backend, &descriptor, &rows, &summary, ANYTHING);
            let plan = summary.replacement(&descriptor);
            expected = plan.apply(expected, rows).unwrap();
            match ended {
                Ended::Published { run, .. } => snapshots.push((seed, step, run, comparable(&expected, &descriptor))),
                Ended::Failed { .. } => assert_eq!(summary.outcome, Outcome::Failed, "SEED={seed}, step {step}"),
                other => panic!("SEED={seed}, step {step}: {other:?}"),
            }
        }
    }
    let mut store = backend.open();
    for (seed, step, run, expected) in snapshots {
        assert_rows(&rows_at(&mut store, run, &descriptor), &expected, format!("SEED={seed}, step {step}, run {run}"));
    }
}

fn a_failed_scan_changes_only_the_list_of_runs(backend: &Backend) {
    let descriptor = descriptor();
    let mut organisation = Organisation::new(1);
    let whole = crate::support::summary(&descriptor, &[]);
    let rows = organisation.whole();
    let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &whole, ANYTHING) else { panic!() };
    let failed = crate::support::summary(&descriptor, &[connector_api::Section::USERS]);
    assert_eq!(failed.outcome, Outcome::Failed);
    let ended = scan(backend, &descriptor, &rows[..3], &failed, ANYTHING);
    assert!(matches!(ended, Ended::Failed { can_resume: false, .. }), "{ended:?}");
    let mut store = backend.open();
    let system = system(&mut store);
    assert_eq!(store.run_at(&system, At::Now).unwrap(), run);
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&rows, &descriptor), "after the failed one");
    let states: Vec<RunState> = store.runs(&system).unwrap().iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Failed, RunState::Published]);
}
