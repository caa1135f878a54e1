//! Lists by pages, filters, and what stands where a list is empty.

use axum::http::StatusCode;
use connector_api::Record;

use crate::organisation::{login, rows, sudo};
use crate::site::{Site, keep, lead, links};

/// Follows a list to its end. Returns the ids of the accounts, in the order of the pages.
async fn walk(site: &Site, start: &str) -> Vec<String> {
    let (mut path, mut found) = (start.to_owned(), Vec::new());
    for _ in 0..100 {
        let page = site.page(&path).await;
        let body = page.split("<tbody").last().unwrap().split("</tbody>").next().unwrap();
        for row in body.split("<th scope=\"row\"").skip(1) {
            let link = links(row).remove(0);
            found.push(link.split("id=").nth(1).unwrap().to_owned());
        }
        match page
            .split("rel=\"next\" href=\"")
            .nth(1)
            .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        {
            Some(next) => path = next,
            None => return found,
        }
    }
    panic!("the list has no end");
}

#[tokio::test]
async fn the_pages_of_a_list_have_each_account_once_the_worst_first() {
    let site = Site::with(&[rows(263, login())]).await;
    let found = walk(&site, "/privileged").await;
    let mut sorted = found.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((found.len(), sorted.len()), (132, 132));
    let rank = |id: &String| 3 - id[id.len() - 4..].parse::<usize>().unwrap() / 2 % 4;
    assert!(found.is_sorted_by_key(rank), "{found:?}");
    let members = walk(&site, "/group?type=CREW&id=g%3F1").await;
    assert_eq!(members.len(), 263);
    let findings = walk(&site, "/findings").await;
    assert_eq!(findings.len(), 132);
}

#[tokio::test]
async fn filters_are_links_that_show_what_they_say() {
    let site = Site::with(&[rows(40, login())]).await;
    assert_eq!(walk(&site, "/privileged?severity=critical").await.len(), 5);
    assert_eq!(walk(&site, "/privileged?enabled=no").await.len(), 4);
    assert_eq!(walk(&site, "/privileged?factor=setUp").await.len(), 7);
    assert_eq!(walk(&site, "/privileged?login=none").await.len(), 20);
    assert_eq!(walk(&site, "/findings?severity=high&code=sudo_on_systems&kind=account").await.len(), 5);
    let none = site.page("/privileged?factor=exempt").await;
    assert!(none.contains("No privileged account is of this kind.") && none.contains("Clear filters"));
}

#[tokio::test]
async fn an_account_without_a_second_factor_has_none_whether_it_is_exempt_or_not() {
    let exempt = |mut row: Record| {
        if let Record::Account(account) = &mut row
            && account.external_id.ends_with('2')
            && let Some(mfa) = &mut account.mfa
        {
            (mfa.excluded, mfa.configured) = (Some(true), Some(false));
        }
        row
    };
    let site = Site::with(&[rows(40, login()).into_iter().map(exempt).collect()]).await;
    let without = walk(&site, "/privileged?factor=notSetUp&enabled=yes").await;
    let exempt = walk(&site, "/privileged?factor=exempt&enabled=yes").await;
    assert_eq!(exempt, ["id%2F0022", "id%2F0012", "id%2F0002", "id%2F0032"].map(str::to_owned));
    assert!(exempt.iter().all(|id| without.contains(id)), "{without:?}");
    let page = site.page("/privileged").await;
    assert!(
        lead(&page).ends_with(&format!(" {} of the enabled ones have no second factor.", without.len())),
        "{}",
        lead(&page)
    );
    let account = site.page("/account?id=id%2F0002").await;
    assert!(account.contains("Not set up</span><span class=\"under\">exempt from it</span>"), "{account}");
    let sheet = site.page("/privileged?format=csv").await;
    let row = sheet.lines().find(|line| line.contains("id/0012")).unwrap();
    assert!(row.contains(",notSetUp,") && row.ends_with(",true"), "{row}");
}

#[tokio::test]
async fn an_empty_store_and_an_empty_answer_are_sentences() {
    let site = Site::empty().await;
    assert_eq!(
        lead(&site.page("/").await),
        "No system was scanned yet. Add one here, or run harness scan with the same store."
    );
    for path in ["/privileged", "/findings", "/changes", "/charts", "/search"] {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status, answer.lead().as_str()),
            (StatusCode::NOT_FOUND, "No system was scanned yet."),
            "{path}"
        );
    }
    keep(&site.location, "toy", 2, &rows(1, login())[..0], &[]);
    assert_eq!(lead(&site.page("/privileged").await), "None of 0 accounts holds privileges.");
    assert!(site.page("/findings").await.contains("No findings. 0 accounts were checked."));
    assert_eq!(lead(&site.page("/changes").await), "There is no earlier scan to compare with.");
    assert!(lead(&site.page("/search?q=nobody").await).starts_with("Nothing begins with nobody"));
    for path in [
        "/account?id=x",
        "/account",
        "/group?id=x",
        "/resource?type=system&id=x",
        "/privileged?at=99",
        "/privileged?system=no",
        "/nowhere",
    ] {
        assert!(site.get(path).await.status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn a_search_finds_by_the_beginning_of_names_addresses_and_ids() {
    let site = Site::with(&[rows(30, sudo())]).await;
    for (text, sentence) in [
        ("USER001", "10 rows begin with USER001."),
        ("user0012@ex", "1 row begins with user0012@ex."),
        ("id%2F002", "10 rows begin with id/002."),
        ("SRV", "1 row begins with SRV."),
        ("ser", "Nothing begins with ser in this scan."),
        ("%25", "Nothing begins with % in this scan."),
        ("_", "Nothing begins with _ in this scan."),
    ] {
        assert_eq!(lead(&site.page(&format!("/search?q={text}")).await), sentence);
    }
}

#[tokio::test]
async fn many_systems_come_by_pages_those_first_that_need_somebody() {
    let site = Site::empty().await;
    for number in 0..53 {
        keep(&site.location, &format!("system / {number:02}"), 1, &rows(1, login()), &[]);
    }
    keep(&site.location, "zz", 1, &rows(1, login()), &[connector_api::Section::SYSTEMS]);
    let page = site.page("/").await;
    assert_eq!(lead(&page), "54 systems. 1 needs you: one could not read a section.");
    let first = page.split("<tbody").nth(1).unwrap();
    assert!(first.find("<bdi>zz</bdi>").unwrap() < first.find("<bdi>system / 00</bdi>").unwrap());
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let rest = site.page(&next).await;
    assert_eq!(rest.matches("<tr role=\"row\"><th scope=\"row\"").count(), 4);
    assert!(rest.contains("<bdi>system / 52</bdi>"));
}
