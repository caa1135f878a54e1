//! What pages say, against what the store knows.

use connector_api::{Group, LastLogin, Reason, ReasonKind, Record, Section, Severity};
use connector_store::Store;

use crate::organisation::{descriptor, login, rows, sudo, without_password};
use crate::site::{Site, keep, lead};

#[tokio::test]
async fn the_first_sentence_of_each_page_is_true() {
    let rows = rows(60, sudo());
    let site = Site::with(std::slice::from_ref(&rows)).await;
    let accounts =
        || rows.iter().filter_map(|row| if let Record::Account(account) = row { Some(account) } else { None });
    let privileged = accounts().filter(|account| account.severity().is_some());
    let (all, many) = (accounts().count(), privileged.clone().count());
    let without = privileged.filter(|account| {
        account.enabled == Some(true) && account.mfa.as_ref().is_some_and(|mfa| mfa.configured == Some(false))
    });
    let expected = format!(
        "{many} of {all} accounts hold privileges. {} of the enabled ones have no second factor.",
        without.count()
    );
    assert_eq!(lead(&site.page("/privileged").await), expected);
    assert_eq!(lead(&site.page("/").await), "1 system. None needs you.");
    assert_eq!(lead(&site.page("/findings").await), "30 findings, of them 7 critical and 7 high.");
    assert_eq!(lead(&site.page("/charts").await), "60 accounts, 30 of them privileged. 33 % have a second factor.");
    let mut store = Store::open(&site.location).unwrap();
    let system = store.systems().unwrap().remove(0);
    let run = system.published_run.unwrap();
    let grants = store.why(&system, run, "id/0000").unwrap();
    assert_eq!(grants.len(), 2);
    assert_eq!(lead(&site.page("/account?id=id%2F0000").await), "Administrator on 2 devices. Second factor is set up.");
    let who = store.who(&system, run, "system", "d=1", 1000).unwrap();
    assert_eq!(who.accounts, 60);
    let page = site.page("/resource?type=system&id=d%3D1").await;
    assert_eq!(lead(&page), "60 accounts reach it; 1 group leads to it. The strongest level here is administrator.");
    // The picture has the width of the page: it does not fit into half of it.
    let ways = page.split("An example of the strongest access: why ").nth(1).unwrap();
    assert!(ways.contains("<svg class=\"ways") && !ways.contains("class=\"two"), "{ways}");
    assert_eq!(lead(&site.page("/group?type=CREW&id=g%3F1").await), "60 members. Administrator on 2 devices.");
}

#[tokio::test]
async fn the_ways_are_listed_before_they_are_drawn_the_strongest_first() {
    let site = Site::with(&[rows(4, without_password())]).await;
    let page = site.page("/account?id=id%2F0000&resource-type=system&resource=d%3D1").await;
    let list = page.find("<ol class=\"way-list\">").unwrap();
    let picture = page.find("<svg class=\"ways\"").unwrap();
    assert!(list < picture);
    let ways = &page[list..picture];
    let (strong, weak) = (ways.find("Administrator without a password").unwrap(), ways.find("Sign in").unwrap());
    assert!(strong < weak);
    assert!(page.contains("2 ways, strongest first"));
    assert!(page[picture..].contains("role=\"img\""));
}

#[tokio::test]
async fn an_earlier_scan_shows_what_stood_then() {
    let site = Site::with(&[rows(10, login()), rows(20, sudo())]).await;
    assert!(lead(&site.page("/privileged").await).starts_with("10 of 20 accounts"));
    let then = site.page("/privileged?at=1").await;
    assert!(lead(&then).starts_with("5 of 10 accounts"), "{}", lead(&then));
    assert!(then.contains("Earlier scan"));
    // Its links stay in that scan.
    assert!(then.contains("/account?system=toy&amp;at=1&amp;id="));
    assert_eq!(
        lead(&site.page("/account?id=id%2F0002&at=1").await),
        "Sign in on 2 devices. No second factor is set up."
    );
    assert_eq!(
        lead(&site.page("/account?id=id%2F0002").await),
        "Administrator on 2 devices. No second factor is set up."
    );
    assert!(site.get("/account?id=id%2F0015&at=1").await.status.is_client_error());
}

#[tokio::test]
async fn the_last_logins_of_the_newest_scan_are_not_those_of_an_earlier_one() {
    let with_login = |at: &str| {
        let mut all = rows(4, login());
        for row in &mut all {
            if let Record::Account(account) = row {
                let mut last = LastLogin::default();
                last.succeeded_at = Some(at.parse().unwrap());
                account.last_login = Some(last);
            }
        }
        all
    };
    let site = Site::with(&[with_login("2026-11-20T00:00:00Z"), with_login("2026-11-26T08:50:00Z")]).await;
    for path in ["/privileged?system=toy", "/account?id=id%2F0002"] {
        let (now, then) = (site.page(path).await, site.page(&format!("{path}&at=1")).await);
        assert!(now.contains("26 Nov 2026</time><span class=\"under\">"), "{now}");
        assert!(then.contains("Not known as of this scan"), "{then}");
        assert!(!then.contains("datetime=\"2026-11-26T08:50:00Z\""), "{then}");
    }
    // Nor does a filter know them.
    let filtered = site.page("/privileged?at=1&login=30").await;
    assert!(!filtered.contains("Over 30 days ago"), "{filtered}");
    assert_eq!(filtered.matches("<tr role=\"row\"><td").count(), 2);
}

#[tokio::test]
async fn changes_say_who_got_more_and_who_is_gone() {
    let site = Site::with(&[rows(10, login()), rows(8, sudo())]).await;
    let page = site.page("/changes").await;
    assert_eq!(lead(&page), "1 account or group got more access, 2 got less or are gone.");
    assert!(page.contains("is gone: the complete list no longer has the account."));
    assert!(page.contains("administrator on 2 devices"));
    // And back.
    keep(&site.location, "toy", 0, &rows(10, login()), &[]);
    let back = site.page("/changes").await;
    assert_eq!(lead(&back), "2 accounts and groups got more access, 1 got less or is gone.");
    // The first and the last are equal.
    assert_eq!(lead(&site.page("/changes?from=1").await), "No change of access or protection.");
}

#[tokio::test]
async fn what_an_exemption_changes_is_said_apart_from_the_second_factor() {
    // The second factor of the first account: whether it is set up, and whether the account is exempt.
    let with = |configured: bool, excluded: bool| {
        let mut all = rows(2, login());
        if let Record::Account(account) = &mut all[0]
            && let Some(mfa) = &mut account.mfa
        {
            (mfa.configured, mfa.excluded) = (Some(configured), Some(excluded));
        }
        all
    };
    let site = Site::with(&[with(true, false)]).await;
    for (configured, excluded, sign, words) in [
        (false, true, "Weaker", "has no second factor any more, and is exempt from it."),
        (false, false, "Stronger", "is no longer exempt from the second factor."),
        (false, true, "Weaker", "is exempt from the second factor."),
        (true, true, "Stronger", "has set up a second factor."),
    ] {
        keep(&site.location, "toy", 0, &with(configured, excluded), &[]);
        let page = site.page("/changes").await;
        assert_eq!(lead(&page), "1 is protected differently.");
        assert!(page.contains(words) && page.contains(sign), "{words}: {page}");
    }
}

#[tokio::test]
async fn two_scans_the_other_way_round_are_said_to_be_and_the_right_order_is_a_link() {
    let site = Site::with(&[rows(10, login()), rows(8, sudo())]).await;
    let page = site.page("/changes?at=1&from=2").await;
    assert_eq!(lead(&page), "The two scans are the other way round.");
    let link = crate::site::links(&page).into_iter().find(|link| link.contains("from=1")).unwrap();
    assert_eq!(lead(&site.page(&link).await), "1 account or group got more access, 2 got less or are gone.");
    assert_eq!(lead(&site.page("/changes?at=2&from=2").await), "A scan is not compared with itself.");
    assert_eq!(lead(&site.page("/changes?at=1").await), "There is no earlier scan to compare with.");
    assert!(site.get("/changes?from=99").await.status.is_client_error());
}

#[tokio::test]
async fn where_much_differs_access_is_compared_when_somebody_asks_for_it() {
    let site = Site::with(&[rows(2, login()), rows(2_100, login())]).await;
    let page = site.page("/changes").await;
    assert_eq!(lead(&page), "Too much changed to compare access here.");
    assert!(page.contains("More access (2,000 and more)"), "{page}");
    let link = crate::site::links(&page).into_iter().find(|link| link.contains("count=all")).unwrap();
    assert_eq!(lead(&site.page(&link).await), "2,098 accounts and groups got more access.");
}

#[tokio::test]
async fn the_charts_show_the_logins_of_the_newest_scan() {
    let site = Site::with(&[rows(30, login())]).await;
    let none_found = async || {
        let page = site.page("/charts").await;
        let row = page.split("None found</th><td class=\"num\">").nth(1).expect("a row").to_owned();
        row.split('<').next().unwrap().to_owned()
    };
    assert_eq!([none_found().await, none_found().await], ["30", "30"]);
    keep(&site.location, "toy", 0, &rows(45, login()), &[]);
    assert_eq!(none_found().await, "45");
}

#[tokio::test]
async fn what_was_not_read_is_said_and_not_counted_as_gone() {
    let site = Site::with(&[rows(10, sudo())]).await;
    let without_things: Vec<Record> =
        rows(10, sudo()).into_iter().filter(|row| !matches!(row, Record::Resource(_))).collect();
    keep(&site.location, "toy", 0, &without_things, &[Section::SYSTEMS]);
    let sections = descriptor().sections.len();
    let expected = format!("{} of {sections} sections complete; systems not read, shown as of ", sections - 1);
    for path in ["/privileged", "/account?id=id%2F0000", "/charts"] {
        let page = site.page(path).await;
        let strip = page.split("class=\"where\"").nth(1).unwrap().split("</div>").next().unwrap();
        assert!(strip.contains(&expected), "{path}: {strip}");
    }
    let changes = site.page("/changes").await;
    assert!(changes.contains("Not read this time: systems"));
    assert_eq!(lead(&changes), "No change of access or protection.");
    assert_eq!(lead(&site.page("/account?id=id%2F0000").await), "Administrator on 2 devices. Second factor is set up.");
}

#[tokio::test]
async fn every_page_counts_the_same_sections_with_those_that_only_compute() {
    let site = Site::with(&[rows(10, sudo())]).await;
    let sections = descriptor().sections.len();
    let scan = site.page("/scan?system=toy").await;
    assert_eq!(scan.matches("<tr role=\"row\"><th scope=\"row\"").count(), sections + 1, "with the sums: {scan}");
    assert!(site.page("/").await.contains(&format!("{sections} of {sections} complete")));
    let charts = site.page("/charts").await;
    assert!(charts.contains(&format!("{sections} sections complete")), "{charts}");
    assert!(charts.contains("Privileged grants</th>"), "{charts}");
    keep(&site.location, "toy", 0, &rows(10, sudo()), &[Section::PRIVILEGED_GRANTS]);
    let page = site.page("/privileged").await;
    let expected = format!("{} of {sections} sections complete; privileged grants not computed whole", sections - 1);
    assert!(page.contains(&expected), "{page}");
}

#[tokio::test]
async fn a_scan_took_the_time_from_its_start_to_its_end() {
    let site = Site::with(&[rows(10, sudo())]).await;
    let mut store = Store::open(&site.location).unwrap();
    let system = store.systems().unwrap().remove(0);
    let run = store.runs(&system).unwrap().remove(0);
    // The scan itself took no second; the store was given an earlier start.
    let hours = run.ended_at.unwrap().duration_since(run.started_at).as_secs_f64() / 3600.0;
    let page = site.page("/scan?system=toy").await;
    assert!(page.contains(&format!(". It took {:.0} h and ", hours.ceil())), "{hours}: {page}");
}

#[tokio::test]
async fn a_group_whose_evidence_gives_access_is_not_said_to_give_none() {
    let mut all = rows(3, login());
    let mut role = Group::new("role", "CREW", "Administrator");
    all.push(role.clone().into());
    let site = Site::with(&[all.clone()]).await;
    let path = "/group?type=CREW&id=role";
    assert_eq!(lead(&site.page(path).await), "0 members. The group gives access to nothing that was read.");
    let message = "its members may change everything in the console";
    role.reasons = vec![Reason::new("administrator_role", ReasonKind::Privilege, Severity::Critical, message, "look")];
    all.pop();
    all.push(role.into());
    keep(&site.location, "toy", 0, &all, &[]);
    let page = site.page(path).await;
    assert_eq!(lead(&page).trim_end(), "0 members.");
    assert!(page.contains("Its members may change everything in the console"), "{page}");
}

/// The counts of a later run are made from those before: they must be those of a fresh count.
#[tokio::test]
async fn counts_that_follow_from_each_other_are_those_of_a_fresh_count() {
    let scans = [rows(30, login()), rows(45, sudo()), rows(12, login()), rows(33, sudo())];
    let site = Site::with(&scans).await;
    for (at, rows) in scans.iter().enumerate() {
        let fresh = Site::with(std::slice::from_ref(rows)).await;
        for path in ["/privileged", "/findings", "/charts"] {
            let then = site.page(&format!("{path}?at={}", at + 1)).await;
            assert_eq!(lead(&then), lead(&fresh.page(path).await), "{path} of scan {at}");
        }
    }
}
