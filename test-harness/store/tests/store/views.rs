//! The views that other programs read.

use std::collections::BTreeMap;

use connector_access::RowsBuilder;
use connector_api::{AccessLevel, Account, Group, Membership, Principal, Reason, Record, Section};
use connector_store::{Change, Ended};
use jiff::Timestamp;
use serde_json::Value;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, scan, seeds, several, summary, system};

on_both!(
    the_views_show_what_stands_now,
    the_view_of_access_shows_what_all_rows_say,
    the_views_after_a_run_show_later_what_they_showed_then,
    the_view_of_changes_shows_each_run_against_the_one_before,
    a_kept_membership_changes_with_the_names_that_it_had_when_it_was_read,
);

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn reasons(row: &Record) -> &[Reason] {
    match row {
        Record::Account(row) => &row.reasons,
        Record::Group(row) => &row.reasons,
        Record::Resource(row) => &row.reasons,
        _ => &[],
    }
}

fn the_views_show_what_stands_now(backend: &Backend) {
    let (descriptor, mut organisation) = (descriptor(), Organisation::new(8));
    let mut rows = Vec::new();
    for _ in 0..3 {
        organisation.crowd();
        (0..40).for_each(|_| organisation.change());
        rows = organisation.whole();
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
    }
    let some = |text: &str| Some(text.to_owned());
    let flag = |is: bool| some(if is { "yes" } else { "no" });
    let mut expected: BTreeMap<&str, Vec<Vec<Option<String>>>> = BTreeMap::new();
    for row in &rows {
        match row {
            Record::Account(row) => {
                let severity = row.severity().map(|severity| severity.to_string());
                let (id, kind) = (some(&row.external_id), some(row.kind.as_str()));
                let columns = vec![id, kind, some(&row.username), row.email.clone(), severity.clone()];
                if severity.is_some() {
                    expected.entry("privileged_now").or_default().push(columns.clone());
                }
                expected.entry("account_now").or_default().push(columns);
            }
            Record::Group(row) => {
                let columns =
                    vec![some(&row.external_id), some(&row.group_type), some(&row.name), flag(row.privileged)];
                expected.entry("group_now").or_default().push(columns);
            }
            Record::Membership(row) => {
                let (group, name) = (some(&row.group_external_id), some(&row.username));
                let columns =
                    vec![some(&row.account_external_id), name, group, some(&row.group_name), flag(row.direct)];
                let columns = [columns, vec![time(row.expires_at), row.request_id.clone()]].concat();
                expected.entry("membership_now").or_default().push(columns);
            }
            Record::Resource(row) => {
                let (id, name) = (some(&row.external_id), some(&row.name));
                expected.entry("resource_now").or_default().push(vec![
                    id,
                    some(&row.resource_type),
                    name,
                    flag(row.container),
                ]);
            }
            Record::Binding(row) => {
                let access = row.access.as_ref();
                let (level, word) = (access.map(|one| one.level.to_string()), access.map(|one| one.word.to_string()));
                let (from, to) = (some(&row.from.external_id), some(&row.to.external_id));
                let columns = vec![some(row.from.kind.as_str()), from, some(&row.to.node_type), to, level, word];
                let columns = [columns, vec![time(row.expires_at), row.request_id.clone()]].concat();
                expected.entry("binding_now").or_default().push(columns);
            }
            Record::Policy(row) => {
                let (id, effect) = (some(&row.external_id), some(row.effect.as_str()));
                let enabled = row.enabled.map(|is| if is { "yes" } else { "no" }.to_owned());
                expected.entry("policy_now").or_default().push(vec![id, some(&row.name), effect, enabled]);
            }
            Record::Grant(_) => {}
            other => panic!("{other:?}"),
        }
        for reason in reasons(row) {
            let columns =
                vec![some(row.kind()), some(&reason.code), some(reason.severity.as_str()), some(&reason.message)];
            expected.entry("finding_now").or_default().push(columns);
        }
    }
    let flag = |column: &str| format!("case when {column} then 'yes' else 'no' end");
    let account = "external_id, kind, username, email, severity".to_owned();
    let selections = [
        ("account_now", account.clone()),
        ("privileged_now", account),
        ("group_now", format!("external_id, group_type, name, {}", flag("privileged"))),
        (
            "membership_now",
            format!(
                "account_external_id, username, group_external_id, group_name, {}, {}, request_id",
                flag("direct"),
                backend.time("expires_at")
            ),
        ),
        ("resource_now", format!("external_id, resource_type, name, {}", flag("container"))),
        (
            "binding_now",
            format!(
                "from_kind, from_external_id, to_type, to_external_id, level, word, {}, request_id",
                backend.time("expires_at")
            ),
        ),
        (
            "policy_now",
            "external_id, name, effect, case when enabled then 'yes' when not enabled then 'no' end".to_owned(),
        ),
        ("finding_now", "record, code, severity, message".to_owned()),
    ];
    for (view, columns) in selections {
        let mut found = backend.read(&format!("select {columns} from {view} where system = 'hq'"));
        let mut expected = expected.remove(view).unwrap_or_default();
        found.sort();
        expected.sort();
        assert!(!expected.is_empty(), "{view}");
        let json = |rows: Vec<Vec<Option<String>>>| rows.into_iter().map(Value::from).collect::<Vec<_>>();
        assert_rows(&json(found), &json(expected), view);
        if view == "finding_now" {
            continue;
        }
        let since = backend.read(&format!("select 'run' from {view} where since_run > 1 and since is not null"));
        assert!(!since.is_empty(), "{view}");
    }
}

fn the_view_of_access_shows_what_all_rows_say(backend: &Backend) {
    let descriptor = descriptor();
    let (mut reached, mut raised, mut temporary) = (0, 0, 0);
    for seed in seeds(6) {
        let mut organisation = Organisation::new(seed);
        organisation.crowd();
        (0..60).for_each(|_| organisation.change());
        let mut rows = organisation.whole();
        // Bindings can be older than what they bind, where a section was not read.
        let mut at = 0;
        for (number, row) in rows.iter_mut().enumerate() {
            if let Record::Account(account) = row {
                account.enabled = [None, Some(true), Some(false)][number % 3];
            }
        }
        rows.retain(|row| {
            at += usize::from(matches!(row, Record::Group(_) | Record::Resource(_)));
            !matches!(row, Record::Group(_) | Record::Resource(_)) || at % 9 != 0
        });
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
        let mut all = RowsBuilder::new(&descriptor.accesses);
        rows.iter().for_each(|row| all.enter(row));
        let of_accounts = all.finish();
        let of_accounts = of_accounts.all_grants().filter(|grant| matches!(grant.principal, Principal::Account { .. }));
        let mut expected: Vec<Vec<Option<String>>> = of_accounts
            .map(|grant| {
                raised += usize::from(
                    grant.via.iter().any(|way| way.access.level > AccessLevel::Use && !way.steps.is_empty()),
                );
                let of = &grant.resource;
                let id = grant.principal.external_id();
                let account = rows.iter().find_map(|row| match row {
                    Record::Account(account) if account.external_id == id => Some(account),
                    _ => None,
                });
                let is_enabled =
                    account.and_then(|account| account.enabled).map(|is| if is { "yes" } else { "no" }.to_owned());
                let columns =
                    [grant.principal.external_id(), &of.resource_type, &of.external_id, grant.access.level.as_str()];
                temporary += usize::from(grant.expires_at.is_some());
                columns
                    .map(|column| Some(column.to_owned()))
                    .into_iter()
                    .chain([time(grant.expires_at), is_enabled])
                    .collect()
            })
            .collect();
        let columns = format!(
            "account_external_id, resource_type, resource_external_id, level, {}, \
                 case when enabled then 'yes' when not enabled then 'no' end",
            backend.time("expires_at")
        );
        let mut found = backend.read(&format!("select {columns} from access_now"));
        expected.sort();
        found.sort();
        let json = |rows: Vec<Vec<Option<String>>>| rows.into_iter().map(Value::from).collect::<Vec<_>>();
        reached += expected.len();
        assert_rows(&json(found), &json(expected), format!("SEED={seed}"));
    }
    assert!(
        reached > 300 && raised > 20 && temporary > 20,
        "{reached} reached, {raised} raised, {temporary} temporary"
    );
}

fn the_views_after_a_run_show_later_what_they_showed_then(backend: &Backend) {
    let date = |column| backend.time(column);
    let text = |column: &str| format!("cast({column} as text)");
    let row = format!("{}, body", text("since_run"));
    let views = [
        ("account", format!("external_id, kind, username, portal_sign_in, {row}")),
        ("privileged", format!("external_id, severity, {row}")),
        ("group", format!("external_id, group_type, name, severity, {row}")),
        ("resource", format!("external_id, resource_type, name, {row}")),
        ("policy", format!("external_id, effect, {row}")),
        ("membership", format!("username, account_external_id, group_name, group_external_id, {}", date("expires_at"))),
        ("binding", format!("from_external_id, to_external_id, word, {}, {}", date("expires_at"), date("since"))),
        ("finding", "record, external_id, code, message".to_owned()),
        ("section", "section, status, code".to_owned()),
        (
            "access",
            format!("username, resource_type, resource_name, level, {}, {}", date("expires_at"), text("enabled")),
        ),
    ];
    let read = |view: &str, columns: &str, condition: &str| {
        let mut rows = backend.read(&format!("select {columns} from {view} where {condition}"));
        rows.sort();
        rows
    };
    let mut then = Vec::new();
    several(backend, 3, |run| {
        for (view, columns) in &views {
            then.push((run, view, columns, read(&format!("{view}_now"), columns, "system = 'hq'")));
        }
    });
    for (run, view, columns, expected) in &then {
        let found = read(&format!("{view}_at"), columns, &format!("run = {run}"));
        assert_eq!(&found, expected, "{view}_at, run {run}");
        assert!(!found.is_empty(), "{view}_at, run {run}");
    }
    let last = "run = (select max(run) from snapshot where system = 'hq' and at < '2999-01-01')";
    let (_, view, columns, expected) = then.last().unwrap();
    assert_eq!(&read(&format!("{view}_at"), columns, last), expected);
}

fn the_view_of_changes_shows_each_run_against_the_one_before(backend: &Backend) {
    let mut runs = Vec::new();
    several(backend, 4, |run| runs.push(run));
    let mut store = backend.open();
    let system = system(&mut store);
    let mut changes = BTreeMap::new();
    for pair in runs.windows(2) {
        let mut expected = Vec::new();
        store
            .diff(&system, pair[0], pair[1], &mut |change| {
                let word = match &change {
                    Change::New(_) => "new",
                    Change::Gone(_) => "gone",
                    _ => "changed",
                };
                *changes.entry(word).or_insert(0) += 1;
                let row = change.record();
                let names = match row {
                    Record::Membership(row) => [row.username.clone(), row.group_name.clone()],
                    _ => Default::default(),
                };
                let [id, to] = match row {
                    Record::Account(row) => [row.external_id.clone(), String::new()],
                    Record::Group(row) => [row.external_id.clone(), String::new()],
                    Record::Resource(row) => [row.external_id.clone(), String::new()],
                    Record::Policy(row) => [row.external_id.clone(), String::new()],
                    Record::Membership(row) => [row.account_external_id.clone(), row.group_external_id.clone()],
                    Record::Binding(row) => [row.from.external_id.clone(), row.to.external_id.clone()],
                    other => panic!("{other:?}"),
                };
                let [name, to_name] = names;
                expected.push([word.to_owned(), row.kind().to_owned(), id, to, name, to_name].map(Some).to_vec());
                Ok(())
            })
            .unwrap();
        let of_membership = |name: &str| format!("case record when 'membership' then {name} else '' end");
        let names = ["name", "to_name"].map(of_membership).join(", ");
        let columns = format!("change, record, external_id, coalesce(to_external_id, ''), {names}");
        let mut found =
            backend.read(&format!("select {columns} from change where system = 'hq' and run = {}", pair[1]));
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "run {}", pair[1]);
    }
    assert!(changes.len() == 3 && changes.values().all(|count| *count > 5), "{changes:?}");
    let names = "select name from change where record in ('account', 'group', 'resource', 'policy') and name is null";
    assert!(backend.read(names).is_empty());
}

fn a_kept_membership_changes_with_the_names_that_it_had_when_it_was_read(backend: &Backend) {
    let descriptor = descriptor();
    let rows = |name: &str, has_row: bool, is_member: bool| {
        let (account, group) = (Account::new("1", name), Group::new("2", "CREW", format!("group of {name}")));
        let membership = is_member.then(|| Membership::new(&account, &group).into());
        let account = has_row.then(|| Record::from(account));
        account.into_iter().chain([group.into()]).chain(membership).collect::<Vec<Record>>()
    };
    let scans = [
        (rows("ada", true, true), &[][..]),
        // Renamed, while memberships are not read.
        (rows("eve", true, false), &[Section::MEMBERSHIPS]),
        // The membership is gone, and the account renamed again.
        (rows("ivy", true, false), &[]),
        // One whose account has no row.
        (rows("joe", false, true), &[]),
        (rows("kim", false, false), &[]),
    ];
    for (rows, not_read) in scans {
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, not_read), ANYTHING);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
    }
    let sql =
        "select run, change, name, to_name from change where record = 'membership' and run > 1 order by run, change";
    let expected = ["3|gone|ada|group of ada", "4|new|joe|group of joe", "5|gone|joe|group of joe"];
    assert_eq!(backend.table(sql), expected);
    // The same as the difference says.
    let mut store = backend.open();
    let system = system(&mut store);
    let mut found = Vec::new();
    for run in 2..=5 {
        store
            .diff(&system, run - 1, run, &mut |change| {
                let word = if matches!(change, Change::New(_)) { "new" } else { "gone" };
                if let Record::Membership(row) = change.record() {
                    found.push(format!("{run}|{word}|{}|{}", row.username, row.group_name));
                }
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(found, expected);
}
