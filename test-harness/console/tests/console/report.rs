//! The report: the pages of one system as one file.

use connector_api::Registry;
use connector_console::report;
use connector_store::Store;

use crate::organisation::{login, rows, sudo};
use crate::site::{Site, links, now};

async fn of(site: &Site, run: i64) -> String {
    let mut store = Store::open(&site.location).unwrap();
    let system = store.system_called(Some("toy")).unwrap().unwrap();
    report(store, Registry::discover().unwrap(), &system, run, now).await.unwrap()
}

#[tokio::test]
async fn a_report_is_one_file_that_loads_nothing_and_every_link_leads_within_it() {
    let site = Site::with(&[rows(20, login()), rows(21, sudo())]).await;
    let report = of(&site, 2).await;
    let policy = "default-src 'none'; style-src 'sha256-";
    assert!(report.contains(policy), "{}", &report[..600]);
    for foreign in ["<script", "<form", "<link", "<img", "src=\"", " style=\"", "url(", "<button", "@import"] {
        assert!(!report.contains(foreign), "{foreign}");
    }
    let mut ids = std::collections::BTreeSet::new();
    for id in report.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.insert(id), "{id} is there twice");
    }
    let all = links(&report);
    assert!(all.len() > 20, "{all:?}");
    for link in all {
        let place = link.strip_prefix('#').unwrap_or_else(|| panic!("{link} leads elsewhere"));
        assert!(ids.contains(place), "{link} leads nowhere");
    }
    assert_eq!(report.matches("<h1").count(), 1);
    assert!(report.contains("<h2>Findings</h2>"), "the heading of a page stands below that of the report");
}

#[tokio::test]
async fn a_report_of_the_first_scan_has_no_changes_and_its_own_rows() {
    let site = Site::with(&[rows(20, login()), rows(41, sudo())]).await;
    let (first, second) = (of(&site, 1).await, of(&site, 2).await);
    assert!(!first.contains("Changes of toy") && first.contains("Earlier scan"));
    assert!(second.contains("Changes") && !second.contains("Earlier scan"));
}
