//! Old runs, systems and people that are removed from a store.

use connector_api::{
    Account, AccountKind, AccountLink, ConnectorError, Group, Membership, Reason, ReasonKind, Record, Resource,
    Section, SectionStatus, Severity,
};
use connector_store::{At, Ended, Exception, Fence, Hold, Mode, Start, Store};
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, begin, config, rows_at, scan, seeds, summary, system, with_statuses};

on_both!(
    after_old_runs_are_pruned_the_others_answer_as_before,
    however_old_it_is_the_newest_run_is_not_pruned,
    a_clock_that_goes_wrong_removes_no_younger_run,
    nothing_is_removed_while_a_scan_of_the_system_runs,
    a_person_is_nowhere_in_the_store_once_forgotten,
    a_system_is_nowhere_in_the_store_once_forgotten,
    forgetting_a_local_account_leaves_common_words_and_names_of_others,
);

/// Everything in the tables of a store, as text.
pub(crate) fn content(backend: &Backend) -> String {
    let tables = match &backend.url {
        Some(_) => "select tablename::text from pg_tables where schemaname = 'public' order by 1",
        None => "select name from sqlite_master where type = 'table' order by 1",
    };
    let mut content = String::new();
    for table in backend.read(tables).into_iter().flatten().flatten() {
        let rows = match &backend.url {
            Some(_) => backend.read(&format!("select cast(t.* as text) from {table} t order by 1")),
            None => {
                let columns = backend.read(&format!("select name from pragma_table_info('{table}')"));
                let columns: Vec<String> = columns.into_iter().flatten().flatten().collect();
                let columns: Vec<String> = columns
                    .iter()
                    .map(|name| {
                        format!("case typeof({name}) when 'blob' then hex({name}) else cast({name} as text) end")
                    })
                    .collect();
                backend.read(&format!("select {} from {table} order by 1", columns.join(", ")))
            }
        };
        content += &format!("{table}: {rows:?}\n");
    }
    content
}

/// Whether a text is anywhere in the tables, or in the files of a store that has some.
pub(crate) fn is_somewhere(backend: &Backend, text: &str) -> bool {
    let files = backend.folder.iter().flat_map(|folder| std::fs::read_dir(folder.path()).unwrap());
    let in_file = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|bytes| bytes.eq_ignore_ascii_case(text.as_bytes()))
    };
    files.map(|file| file.unwrap().path()).any(in_file)
        || content(backend).to_lowercase().contains(&text.to_lowercase())
}

fn differences(store: &mut Store, from: i64, to: i64) -> Vec<String> {
    let system = system(store);
    let mut found = Vec::new();
    store
        .diff(&system, from, to, &mut |change| {
            found.push(format!("{change:?}"));
            Ok(())
        })
        .unwrap();
    found.sort();
    found
}

fn after_old_runs_are_pruned_the_others_answer_as_before(backend: &Backend) {
    let descriptor = descriptor();
    for seed in seeds(2) {
        let mut organisation = Organisation::new(seed);
        let mut runs = Vec::new();
        for step in 0..6 {
            (0..step * 5).for_each(|_| organisation.change());
            let ended = scan(backend, &descriptor, &organisation.whole(), &summary(&descriptor, &[]), ANYTHING);
            let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
            runs.push(run);
        }
        let mut store = backend.open();
        let system = system(&mut store);
        let rows: Vec<_> = runs.iter().map(|run| rows_at(&mut store, *run, &descriptor)).collect();
        let change = differences(&mut store, runs[3], runs[5]);
        assert!(!change.is_empty(), "seed {seed}");
        let listed = store.runs(&system).unwrap();
        let at = |run: i64| listed.iter().find(|known| known.id == run).unwrap().started_at;

        let before = content(backend);
        // What stood when the fourth of them had begun: the fourth.
        let cutoff = at(runs[3]);
        let preview = store.prune(&system, cutoff, Mode::Preview).unwrap();
        assert_eq!(content(backend), before, "seed {seed}: a preview changes nothing");
        let pruned = store.prune(&system, cutoff, Mode::Apply).unwrap();
        assert_eq!(pruned, preview);
        assert!(pruned.runs >= 3 && pruned.versions > 0 && pruned.oldest == Some(runs[3]), "{pruned:?}");

        for (run, rows) in runs.iter().zip(&rows).skip(3) {
            assert_rows(&rows_at(&mut store, *run, &descriptor), rows, format!("seed {seed} run {run}"));
        }
        assert!(differences(&mut store, runs[3], runs[5]) == change, "seed {seed}");
        let left: Vec<i64> = store.runs(&system).unwrap().into_iter().rev().map(|run| run.id).collect();
        assert_eq!(left, runs[3..], "seed {seed}");
        let error = store.run_at(&system, At::Run(runs[2])).unwrap_err();
        assert!(error.message.contains(&format!("hq has no run {}", runs[2])), "{error}");
        // The views agree: nothing before, and nothing of the oldest run, whose change is no longer known.
        let shown = backend.table(&format!("select count(*) from change where run <= {}", runs[3]));
        assert_eq!(shown, ["0"]);
        let accounts = backend.table("select count(*) from account_now");
        let expected = rows[5].iter().filter(|row| row["record"] == "account").count().to_string();
        assert_eq!(accounts, [expected], "rows that stand since a pruned run say since when");
        drop(store);

        // It goes on.
        organisation.change();
        let whole = organisation.whole();
        let ended = scan(backend, &descriptor, &whole, &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
        let mut store = backend.open();
        assert_rows(
            &rows_at(&mut store, run, &descriptor),
            &crate::support::comparable(&whole, &descriptor),
            format!("seed {seed} after"),
        );
    }
}

fn however_old_it_is_the_newest_run_is_not_pruned(backend: &Backend) {
    let descriptor = descriptor();
    let mut organisation = Organisation::new(3);
    scan(backend, &descriptor, &organisation.whole(), &summary(&descriptor, &[]), ANYTHING);
    (0..40).for_each(|_| organisation.change());
    let rows = organisation.whole();
    scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
    let mut store = backend.open();
    let system = system(&mut store);
    let later = Timestamp::now() + 24.hours();
    let pruned = store.prune(&system, later, Mode::Apply).unwrap();
    assert_eq!((pruned.runs, pruned.oldest), (1, Some(2)));
    let expected = crate::support::comparable(&rows, &descriptor);
    assert_rows(&rows_at(&mut store, 2, &descriptor), &expected, "the newest");
    let unused = "select count(*) from object o where not exists (select 1 from account_version v where v.object = o.id) \
                  and not exists (select 1 from group_version v where v.object = o.id) \
                  and not exists (select 1 from resource_version v where v.object = o.id) \
                  and not exists (select 1 from policy_version v where v.object = o.id) \
                  and not exists (select 1 from membership_version v where o.id in (v.group_id, v.account_id)) \
                  and not exists (select 1 from binding_version v where o.id in (v.from_id, v.to_id))";
    assert_eq!(backend.table(unused), ["0"]);
    let none = store.prune(&system, later - 24_000.hours(), Mode::Apply).unwrap();
    assert_eq!((none.runs, none.versions, none.oldest), (0, 0, None));
}

fn a_clock_that_goes_wrong_removes_no_younger_run(backend: &Backend) {
    let descriptor = descriptor();
    let config = config();
    let now = Timestamp::now();
    let days = |days: i64| now - (days * 24).hours();
    // The clock of the third scan is years behind, and that of the fourth ahead.
    for began in [days(90), days(10), days(4000), now + 4000.hours(), days(2), days(1)] {
        let start = Start { now: began, ..crate::support::start(&descriptor, &config) };
        let mut scan = backend.open().begin(start).unwrap();
        scan.stage(&Organisation::new(3).whole()).unwrap();
        let Ended::Published { .. } = scan.publish(&summary(&descriptor, &[]), ANYTHING).unwrap() else { panic!() };
    }
    let mut store = backend.open();
    let hq = system(&mut store);
    let mut prune = |older_than| {
        let pruned = store.prune(&hq, older_than, Mode::Apply).unwrap();
        let left: Vec<i64> = store.runs(&hq).unwrap().iter().map(|run| run.id).collect();
        (pruned.oldest, pruned.in_future, left)
    };
    // The run of ten days ago is younger, though a later one seems to be older.
    assert_eq!(prune(days(30)), (Some(1), 1, vec![6, 5, 4, 3, 2, 1]));
    assert_eq!(prune(days(5)), (Some(3), 1, vec![6, 5, 4, 3]));
    // One in the future is before one that is not.
    assert_eq!(prune(days(2)), (Some(5), 1, vec![6, 5]));
    assert_eq!(prune(now + 40_000.hours()), (Some(6), 0, vec![6]));
}

fn nothing_is_removed_while_a_scan_of_the_system_runs(backend: &Backend) {
    let descriptor = descriptor();
    scan(backend, &descriptor, &Organisation::new(4).whole(), &summary(&descriptor, &[]), ANYTHING);
    let running = begin(backend, &descriptor);
    let mut store = backend.open();
    let system = system(&mut store);
    let before = content(backend);
    let refused = |done: Result<(), ConnectorError>| {
        let error = done.unwrap_err();
        assert!(error.message.contains("another scan of hq is running"), "{error}");
    };
    refused(store.prune(&system, Timestamp::now(), Mode::Apply).map(drop));
    refused(store.forget_system(&system, Mode::Apply).map(drop));
    refused(store.forget_accounts(&system, &["1".into()], Mode::Apply).map(drop));
    assert_eq!(content(backend), before);
    drop(running);
}

const MARIA: &str = "5f0000000000000000000001";

/// Maria, those who refer to her, and somebody with a similar name.
fn with_maria() -> Vec<Record> {
    let mut maria = Account::new(MARIA, "maria.keller");
    maria.email = Some("Maria.Keller@example.com".into());
    maria.display_name = Some("Maria Keller".into());
    maria.reasons = vec![Reason::new("admin", ReasonKind::Privilege, Severity::High, "Maria Keller is one", "Look.")];
    let mut boss = Account::new("5f0000000000000000000002", "boss");
    boss.display_name = Some("Maria Kell".into());
    boss.links = vec![AccountLink::new(MARIA, AccountKind::USER, "sharedEmail")];
    boss.attributes = [("deputy", MARIA.into()), ("note", "ask MARIA.KELLER first".into())].into();
    boss.reasons =
        vec![Reason::new("shared", ReasonKind::Privilege, Severity::Low, "shares maria.keller's key", "Look.")];
    let own = Group::new("7", "CREW", "maria.keller");
    let mut laptop = Resource::new("8", "system", "laptop of Maria Keller");
    laptop.attributes = [("lastUser", "maria.keller".into())].into();
    let membership = Membership::new(&maria, &own);
    let other = Membership::new(&boss, &own);
    vec![maria.into(), boss.into(), own.into(), membership.into(), other.into(), laptop.into()]
}

fn a_person_is_nowhere_in_the_store_once_forgotten(backend: &Backend) {
    let descriptor = descriptor();
    let with = with_maria();
    let without: Vec<Record> = with[1..3].iter().chain(&with[4..]).cloned().collect();
    scan(backend, &descriptor, &with, &summary(&descriptor, &[]), ANYTHING);
    scan(backend, &descriptor, &without, &summary(&descriptor, &[]), ANYTHING);
    scan(backend, &descriptor, &with, &summary(&descriptor, &[]), ANYTHING);
    // A held scan names who would go, and one that fails says why.
    let hold = Hold { above_percent: 0, at_least: 0 };
    let held = scan(backend, &descriptor, &without, &summary(&descriptor, &[]), hold);
    assert!(matches!(held, Ended::Held { .. }), "{held:?}");
    let failed = with_statuses(&descriptor, |section| match section == Section::USERS {
        true => SectionStatus::Incomplete {
            error: ConnectorError::new(connector_api::ErrorCode::ServerError, "maria.keller is odd", "Look."),
        },
        false => SectionStatus::Complete,
    });
    scan(backend, &descriptor, &with, &failed, ANYTHING);
    let mut store = backend.open();
    let system = system(&mut store);
    let mut ids = Vec::new();
    store
        .findings(&system, 3, &mut |finding| {
            ids.push((finding.record.key().to_string(), finding.id));
            Ok(())
        })
        .unwrap();
    assert_eq!(ids.len(), 2);
    let expires = Timestamp::now() + 24.hours();
    let except = |(_, id): &(String, String)| Exception {
        id: id.clone(),
        reason: "asked maria.keller".into(),
        expires,
        by: Some("Maria.Keller".into()),
    };
    store.import_exceptions(&system, &ids.iter().map(except).collect::<Vec<_>>()).unwrap();
    let names = ["maria.keller", "maria keller", MARIA];
    assert!(names.iter().all(|name| is_somewhere(backend, name)));

    for called in ["MARIA.keller", "maria.keller@EXAMPLE.com", MARIA] {
        let known = store.ever_called(&system, called).unwrap();
        assert_eq!(known.iter().map(|known| &*known.external_id).collect::<Vec<_>>(), [MARIA], "{called}");
        assert_eq!(known[0].username, "maria.keller");
    }
    let before = content(backend);
    let preview = store.forget_accounts(&system, &[MARIA.into()], Mode::Preview).unwrap();
    assert_eq!(content(backend), before);
    let forgotten = store.forget_accounts(&system, &[MARIA.into()], Mode::Apply).unwrap();
    assert_eq!(forgotten, preview);
    assert!(forgotten.standing == 1 && forgotten.versions >= 2 && forgotten.texts > 0, "{forgotten:?}");
    for name in names {
        let lines = content(backend);
        let line = lines.lines().find(|line| line.to_lowercase().contains(name));
        assert!(!is_somewhere(backend, name), "{name}: {line:?}");
    }
    // The others are as they were, but for her.
    let rows = rows_at(&mut store, 3, &descriptor);
    let boss: &Value = rows.iter().find(|row| row["username"] == "boss").unwrap();
    assert_eq!(boss["displayName"], "Maria Kell");
    assert_eq!(boss["attributes"]["note"], "ask forgotten first");
    assert!(boss.get("links").is_none_or(|links| links == &Value::Array(Vec::new())), "{boss}");
    assert_eq!(boss["reasons"][0]["message"], "shares forgotten's key");
    assert_eq!(rows.iter().filter(|row| row["record"] == "membership").count(), 1);
    let exceptions = store.exceptions(&system).unwrap();
    assert_eq!((exceptions.len(), &*exceptions[0].reason, &exceptions[0].by), (1, "asked forgotten", &None));
    let error = store.forget_accounts(&system, &[MARIA.into()], Mode::Apply).unwrap_err();
    assert!(error.message.contains("has no account"), "{error}");
    assert!(store.ever_called(&system, "maria.keller").unwrap().is_empty());
    drop(store);
    // What the target still says of her comes back, and goes again.
    let Ended::Published { run, .. } = scan(backend, &descriptor, &with, &summary(&descriptor, &[]), ANYTHING) else {
        panic!()
    };
    let rows = rows_at(&mut backend.open(), run, &descriptor);
    assert_rows(&rows, &crate::support::comparable(&with, &descriptor), "as scanned");
    // A scan goes on from there.
    let ended = scan(backend, &descriptor, &without, &summary(&descriptor, &[]), ANYTHING);
    assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
}

fn a_system_is_nowhere_in_the_store_once_forgotten(backend: &Backend) {
    let descriptor = descriptor();
    let rows = Organisation::new(6).whole();
    let elsewhere = config();
    let start = Start {
        name: "elsewhere",
        descriptor: &descriptor,
        config: &elsewhere,
        fence: Fence::Own,
        now: Timestamp::now(),
        fresh: false,
    };
    let mut other = backend.open().begin(start).unwrap();
    other.stage(&rows).unwrap();
    other.publish(&summary(&descriptor, &[]), ANYTHING).unwrap();
    scan(backend, &descriptor, &with_maria(), &summary(&descriptor, &[]), ANYTHING);
    drop(begin(backend, &descriptor));
    let mut store = backend.open();
    let system = system(&mut store);
    let before = content(backend);
    let preview = store.forget_system(&system, Mode::Preview).unwrap();
    assert_eq!(content(backend), before);
    assert!(is_somewhere(backend, "maria.keller"));
    let forgotten = store.forget_system(&system, Mode::Apply).unwrap();
    assert_eq!(forgotten, preview);
    assert!(forgotten.runs == 2 && forgotten.versions > 5, "{forgotten:?}");
    for name in ["maria.keller", MARIA, "laptop"] {
        assert!(!is_somewhere(backend, name), "{name}");
    }
    let left = store.systems().unwrap();
    assert_eq!(left.iter().map(|system| &*system.name).collect::<Vec<_>>(), ["elsewhere"]);
    let mut kept = Vec::new();
    store
        .records(&left[0], 1, &mut |row| {
            kept.push(row);
            Ok(())
        })
        .unwrap();
    let comparable = |rows: &[Record]| crate::support::comparable(rows, &descriptor);
    assert_rows(&comparable(&kept), &comparable(&rows), "elsewhere");
    let error = store.forget_system(&system, Mode::Apply).unwrap_err();
    assert!(error.message.contains("no longer in the store"), "{error}");
}

fn forgetting_a_local_account_leaves_common_words_and_names_of_others(backend: &Backend) {
    let descriptor = descriptor();
    let local = |device: &str, name: &str| {
        let mut account = Account::new(format!("{name} on device {device}"), format!("{name}@{device}"));
        account.display_name = Some(name.into());
        account.kind = AccountKind::USER;
        Record::from(account)
    };
    let mut others = vec![local("web-2", "deploy")];
    let mut device = Resource::new("8", "system", "the system of root");
    let message = "root may sign in, a member of the system has sudo, and deploy is there";
    device.reasons = vec![Reason::new("ssh_root_login", ReasonKind::Risk, Severity::High, message, "Ask gerda.")];
    device.attributes = [("kind of login", "system".into()), ("shared", "member".into())].into();
    let crew = Group::new("7", "CREW", "member");
    others.extend([device.into(), crew.into()]);
    let names = ["root", "member", "system", "deploy", "gerda"];
    let forgotten: Vec<Record> = names.iter().map(|name| local("web-1", name)).collect();
    scan(backend, &descriptor, &[&forgotten[..], &others].concat(), &summary(&descriptor, &[]), ANYTHING);
    let mut store = backend.open();
    let system = system(&mut store);
    // A text that no program can read any more is a text all the same.
    backend.run("update run set summary = 'gerda said: {'");
    let ids: Vec<String> = names.iter().map(|name| format!("{name} on device web-1")).collect();
    let done = store.forget_accounts(&system, &ids, Mode::Apply).unwrap();
    assert_eq!(done.names_left.iter().map(String::as_str).collect::<Vec<_>>(), ["deploy", "member", "root", "system"]);
    let found = rows_at(&mut store, 1, &descriptor);
    let text = serde_json::to_string(&others).unwrap().replace("gerda", "forgotten");
    let expected: Vec<Record> = serde_json::from_str(&text).unwrap();
    assert_rows(&found, &crate::support::comparable(&expected, &descriptor), "the others");
    assert_eq!(backend.table("select summary from run"), ["forgotten said: {"]);
    assert!(!is_somewhere(backend, "gerda"));
}
