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
async fn a_report_has_all_that_fits_and_says_of_each_list_what_it_leaves_out() {
    let site = Site::with(&[rows(263, login()), rows(264, sudo())]).await;
    let whole = of(&site, 2).await;
    for said in [
        "The scan has 132 privileged accounts and 132 findings.",
        "What an account reaches is here for 100 of 264 accounts, the worst.",
        "harness export --format evidence-pack",
        "All of 132 privileged accounts.",
        "All of 132 findings.",
    ] {
        assert!(whole.contains(said), "{said}");
    }
    let listed = whole.split("All of 132 privileged accounts.").nth(1).unwrap().split("</table>").next().unwrap();
    assert_eq!(listed.matches("<tr role=\"row\"><td").count(), 132);
    assert_eq!(whole.matches("<p class=\"soft\">Privileged accounts</p>").count(), 100);
    // Times as of when it was made, and what only a server can do.
    for gone in [" h ago", " min ago", "Accept for a time", ">why<", "The CSV has all", "Next page", "Count all"] {
        let at = whole.find(gone);
        assert!(at.is_none(), "{gone}: {:?}", at.and_then(|at| whole.get(at.saturating_sub(200)..at + 50)));
    }
    let large = Site::with(&[rows(1_100, login())]).await;
    let cut = of(&large, 1).await;
    assert!(
        cut.contains("The first 500 of 550 privileged accounts.") && cut.contains("The first 500 of 550 findings.")
    );
    assert!(cut.len() < 4 << 20, "{} bytes", cut.len());
}

#[tokio::test]
async fn a_report_of_the_first_scan_has_no_changes_and_its_own_rows() {
    let site = Site::with(&[rows(20, login()), rows(41, sudo())]).await;
    let (first, second) = (of(&site, 1).await, of(&site, 2).await);
    assert!(!first.contains("Changes of toy") && first.contains("Earlier scan"));
    assert!(second.contains("Changes") && !second.contains("Earlier scan"));
}
