//! Stores that are copied into another one, and exceptions.

use connector_store::{Copied, Ended, Exception, Finding, Hold, Run, Store};
use jiff::{Timestamp, ToSpan};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, begin, rows_at, scan, summary, system};

on_both!(
    a_copy_of_a_file_has_the_same_runs_and_gives_the_same_answers,
    an_interrupted_copy_leaves_nothing_and_can_be_repeated,
    an_exception_belongs_to_its_finding_until_it_expires,
);

fn findings(store: &mut Store, run: i64) -> Vec<Finding> {
    let system = system(store);
    let mut findings = Vec::new();
    store
        .findings(&system, run, &mut |finding| {
            findings.push(finding);
            Ok(())
        })
        .unwrap();
    findings.sort_by(|one, two| one.id.cmp(&two.id));
    findings
}

/// A file with published runs, one that is held and one that is not finished.
fn original() -> (Backend, Vec<i64>) {
    let file = Backend::sqlite().unwrap();
    let descriptor = descriptor();
    let mut organisation = Organisation::new(11);
    organisation.crowd();
    let mut runs = Vec::new();
    for _ in 0..4 {
        (0..15).for_each(|_| organisation.change());
        let ended = scan(&file, &descriptor, &organisation.whole(), &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
        runs.push(run);
    }
    (0..30).for_each(|_| organisation.change());
    let hold = Hold { above_percent: 0, at_least: 0 };
    let held = scan(&file, &descriptor, &organisation.whole(), &summary(&descriptor, &[]), hold);
    assert!(matches!(held, Ended::Held { .. }), "{held:?}");
    let mut store = file.open();
    let (system, last) = (system(&mut store), runs[3]);
    let excepted = findings(&mut store, last).remove(0);
    let expires = "2031-03-03T09:00:00.123456Z".parse().unwrap();
    store
        .except(
            &system,
            last,
            &[Exception { id: excepted.id, reason: "known".into(), expires, by: Some("ada".into()) }],
        )
        .unwrap();
    (file, runs)
}

fn a_copy_of_a_file_has_the_same_runs_and_gives_the_same_answers(backend: &Backend) {
    let descriptor = descriptor();
    let (file, runs) = original();
    let (mut one, mut two) = (file.open(), backend.open());
    let Copied { systems, rows, .. } = one.copy_into(&mut two).unwrap();
    assert!(systems == 1 && rows > 100, "{rows}");
    let listed = |store: &mut Store| -> Vec<Run> {
        let system = system(store);
        store.runs(&system).unwrap()
    };
    assert_eq!(listed(&mut one), listed(&mut two));
    for run in &runs {
        let expected = rows_at(&mut one, *run, &descriptor);
        assert_rows(&rows_at(&mut two, *run, &descriptor), &expected, format!("run {run}"));
        assert_eq!(findings(&mut one, *run), findings(&mut two, *run));
        assert_eq!(one.sections(*run).unwrap(), two.sections(*run).unwrap());
    }
    assert!(findings(&mut two, runs[3]).iter().any(|finding| finding.exception.is_some()));
    // The run that is held can be accepted in the copy as well, and the next scan has a number of its own.
    let accepted = |store: &mut Store| {
        let system = system(store);
        let ended = store.accept(&system, runs[3] + 1).unwrap();
        let Ended::Published { run, changes } = ended else { panic!("{ended:?}") };
        (changes, rows_at(store, run, &descriptor))
    };
    let ((changes, expected), (of_copy, rows)) = (accepted(&mut one), accepted(&mut two));
    assert_eq!(changes, of_copy);
    assert_rows(&rows, &expected, "accepted");
    drop(two);
    let next = begin(backend, &descriptor);
    assert_eq!(next.run(), runs[3] + 2);
    drop(next);
    let error = one.copy_into(&mut backend.open()).unwrap_err();
    assert!(error.message.contains("not empty"), "{error}");
}

fn an_interrupted_copy_leaves_nothing_and_can_be_repeated(backend: &Backend) {
    let (file, _) = original();
    // The last table has something that cannot be read.
    file.run("update finding_exception set expires_at = 'odd'");
    let (mut one, mut two) = (file.open(), backend.open());
    one.copy_into(&mut two).unwrap_err();
    assert!(two.systems().unwrap().is_empty());
    file.run("update finding_exception set expires_at = '2031-03-03T09:00:00.000000Z'");
    one.copy_into(&mut two).unwrap();
    assert_eq!(one.systems().unwrap(), two.systems().unwrap());
}

fn an_exception_belongs_to_its_finding_until_it_expires(backend: &Backend) {
    let descriptor = descriptor();
    let mut organisation = Organisation::new(12);
    organisation.crowd();
    scan(backend, &descriptor, &organisation.whole(), &summary(&descriptor, &[]), ANYTHING);
    let mut store = backend.open();
    let system = system(&mut store);
    let all = findings(&mut store, 1);
    let now = Timestamp::now();
    let except = |at: usize, reason: &str, expires| Exception {
        id: all[at].id.clone(),
        reason: reason.into(),
        expires,
        by: None,
    };
    let holds = except(0, "agreed", now + 24.hours());
    let expired = except(1, "agreed", now - 1.hour());
    store.except(&system, 1, &[holds.clone(), expired]).unwrap();
    let found = findings(&mut store, 1);
    let excepted: Vec<&str> = found.iter().filter(|found| found.is_excepted(now)).map(|found| &*found.id).collect();
    assert_eq!(excepted, [all[0].id.as_str()]);
    assert!(!found[0].is_excepted(now + 25.hours()));
    assert!(found[1].exception.is_some(), "it says that it has expired");
    // One that is given again replaces the first, and a bad one keeps all of them out.
    let longer = Exception { by: Some("eve".into()), ..except(1, "renewed", now + 48.hours()) };
    store.except(&system, 1, std::slice::from_ref(&longer)).unwrap();
    let nobodys = Exception { by: Some(" ".into()), ..except(0, "why", now) };
    let odd = Exception { id: "ADA".into(), ..except(0, "why", now) };
    let unknown = Exception { id: "0123456789ab".into(), ..except(0, "why", now) };
    for bad in [except(0, " ", now), except(0, "two\nlines", now), odd, unknown.clone(), nobodys] {
        let error = store.except(&system, 1, &[except(1, "lost", now), bad]).unwrap_err();
        assert_eq!(error.code, connector_api::ErrorCode::InvalidConfig, "{error}");
    }
    let kept = store.exceptions(&system).unwrap();
    let reasons: Vec<&str> = kept.iter().map(|exception| &*exception.reason).collect();
    assert_eq!(reasons, ["agreed", "renewed"]);
    assert_eq!((kept[0].by.as_deref(), kept[1].by.as_deref()), (None, Some("eve")));
    assert_eq!(kept[0].expires.as_second(), holds.expires.as_second());
    // One that was exported may be of a finding that does not stand at the moment.
    store.import_exceptions(&system, &[unknown]).unwrap();
    assert_eq!(store.exceptions(&system).unwrap().len(), 3);
}
