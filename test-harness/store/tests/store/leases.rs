//! Leases that something else grants, and keeps in the database of the store.

use connector_api::{Account, ConnectorError, ErrorCode, Record, Section};
use connector_store::{Ended, Fence, Hold, RunState, Start};

use crate::backend::{Backend, on_both};
use crate::organisation::descriptor;
use crate::support::{ANYTHING, config, start, summary, system};

on_both!(under_a_lease_that_has_ended_nothing_ends_and_whoever_grants_it_learns_in_the_same_step_what_does);

fn under_a_lease_that_has_ended_nothing_ends_and_whoever_grants_it_learns_in_the_same_step_what_does(
    backend: &Backend,
) {
    let (descriptor, config) = (descriptor(), config());
    drop(backend.open());
    backend
        .run("create table lease (stands boolean, state text, run integer, number integer); insert into lease (stands) values (true)");
    let at_end = "update lease set state = cast(?1 as text), run = cast(?2 as integer), number = cast(?3 as integer) where stands";
    let mut number = 0;
    let mut begin = || {
        number += 1;
        backend.open().begin(Start { fence: Fence::Kept { number, at_end }, ..start(&descriptor, &config) }).unwrap()
    };
    let (whole, broken) = (summary(&descriptor, &[]), summary(&descriptor, &[Section::USERS]));
    let users: Vec<Record> = (0..30).map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect();
    let ended = || backend.table("select state, run, number from lease");

    let mut scan = begin();
    scan.stage(&users).unwrap();
    let Ended::Published { run: first, .. } = scan.publish(&whole, ANYTHING).unwrap() else { panic!("not published") };
    assert_eq!(ended(), [format!("published|{first}|1")]);
    let Ended::Held { run, .. } = begin().publish(&whole, Hold::default()).unwrap() else { panic!("not held") };
    assert_eq!(ended(), [format!("held|{run}|2")]);
    let Ended::Failed { run, .. } = begin().publish(&broken, ANYTHING).unwrap() else { panic!("not failed") };
    assert_eq!(ended(), [format!("failed|{run}|3")]);

    backend.run("update lease set stands = false");
    let refused = |error: ConnectorError| {
        assert!(error.code == ErrorCode::Sink && error.message.contains("has ended"), "{error}");
    };
    refused(begin().publish(&whole, ANYTHING).unwrap_err());
    refused(begin().publish(&whole, Hold::default()).unwrap_err());
    refused(begin().publish(&broken, ANYTHING).unwrap_err());
    refused(begin().discard("enough").unwrap_err());
    assert_eq!(ended(), [format!("failed|{run}|3")]);
    let mut store = backend.open();
    let hq = system(&mut store);
    assert_eq!(hq.published_run, Some(first));
    let runs = store.runs(&hq).unwrap();
    assert_eq!(runs.iter().filter(|run| run.state == RunState::Published).count(), 1);
}
