//! Scans that end or begin while a later lease takes their system over.

use connector_api::{Account, Checkpoint, ErrorCode, Record};
use connector_store::{Ended, Fence, Scan, Start};
use jiff::Timestamp;

use crate::backend::{Backend, on_both};
use crate::organisation::descriptor;
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, start, summary, with_statuses};

on_both!(
    a_scan_that_is_overtaken_as_it_begins_removes_nothing_of_the_later_one,
    a_rejected_checkpoint_is_not_resumed_even_if_its_rows_could_not_be_cleared,
);

fn users() -> Vec<Record> {
    (0..10).map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect()
}

fn resumed(scan: &mut Scan) -> Option<u64> {
    scan.take_resume().map(|checkpoint| checkpoint.state.read().unwrap())
}

/// Has statements run when a row of the runs changes.
fn on_run(backend: &Backend, event: &str, condition: &str, statements: &str) {
    if backend.url.is_some() {
        backend.run(&format!(
            "create function meanwhile() returns trigger language plpgsql as 'begin if {condition} then {statements} end if; \
             return new; end'; create trigger meanwhile {event} on run for each row execute function meanwhile()"
        ));
    } else {
        let statements = statements.replace("raise exception ''no'';", "select raise(abort, 'no');");
        backend.run(&format!("create trigger meanwhile {event} on run when {condition} begin {statements} end"));
    }
}

fn a_scan_that_is_overtaken_as_it_begins_removes_nothing_of_the_later_one(backend: &Backend) {
    let (descriptor, config) = (descriptor(), config());
    let lease = |number, fresh| {
        backend.open().begin(Start { fence: Fence::Lease(number), fresh, ..start(&descriptor, &config) })
    };
    let mut first = lease(5, false).unwrap();
    first.stage(&users()).unwrap();
    first.checkpoint(&Checkpoint::new(&descriptor, &config, Timestamp::now(), std::sync::Arc::new(1))).unwrap();
    drop(first);
    // As soon as the second is the owner, a third one takes over. It has got as far as the first.
    on_run(
        backend,
        "after insert",
        "new.id = 2",
        "insert into run (id, system, state, fence, attempt, part, described, started_at) \
         select 3, system, ''staging'', 3, 1, part, described, started_at from run where id = 1; \
         update staged_account set run = 3 where run = 1; update checkpoint set run = 3 where run = 1; \
         update counter set next = 4 where name = ''run''; update system set fence = fence + 1, lease = lease + 1;"
            .replace("''", if backend.url.is_some() { "''" } else { "'" })
            .as_str(),
    );
    let error = lease(6, true).unwrap_err();
    assert!(error.message.contains("another scan of it has started since"), "{error}");
    let mut third = lease(8, false).unwrap();
    assert_eq!((third.run(), resumed(&mut third)), (3, Some(1)));
    let ended = third.publish(&summary(&descriptor, &[]), ANYTHING).unwrap();
    assert!(matches!(ended, Ended::Published { run: 3, .. }), "{ended:?}");
    let rows = rows_at(&mut backend.open(), 3, &descriptor);
    assert_rows(&rows, &comparable(&users(), &descriptor), "of the third");
}

fn a_rejected_checkpoint_is_not_resumed_even_if_its_rows_could_not_be_cleared(backend: &Backend) {
    let descriptor = descriptor();
    let mut scan = begin(backend, &descriptor);
    scan.stage(&users()).unwrap();
    scan.checkpoint(&Checkpoint::new(&descriptor, &config(), Timestamp::now(), std::sync::Arc::new(1))).unwrap();
    let mut failed = with_statuses(&descriptor, |_| connector_api::SectionStatus::Incomplete {
        error: Checkpoint::rejected("the target knows nothing of it"),
    });
    failed.error = Some(Checkpoint::rejected("the target knows nothing of it"));
    assert_eq!(failed.error.as_ref().unwrap().code, ErrorCode::CheckpointRejected);
    // As if the process were killed in between.
    on_run(backend, "before update of cleared", "new.cleared", "raise exception ''no'';");
    let ended = scan.publish(&failed, ANYTHING).unwrap();
    assert!(matches!(ended, Ended::Failed { can_resume: false, .. }), "{ended:?}");
    backend.run(if backend.url.is_some() { "drop trigger meanwhile on run" } else { "drop trigger meanwhile" });
    let mut next = begin(backend, &descriptor);
    assert_eq!(resumed(&mut next), None);
    let ended = next.publish(&summary(&descriptor, &[]), ANYTHING).unwrap();
    let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
    assert_rows(&rows_at(&mut backend.open(), run, &descriptor), &[], "nothing of the rejected one");
}
