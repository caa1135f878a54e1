//! A client that downloads the pages that a scan of the core sections reads, and looks at nothing but totals and the
//! groups' ids.

use std::error::Error;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::later_pages;
use super::web::{Page, Web};
use crate::Result;

pub(super) async fn download(web: &Web) -> Result<()> {
    #[derive(Deserialize)]
    struct Group {
        id: String,
    }
    let mut lists = vec![USERS.to_owned()];
    let mut details = Vec::new();
    for (at, page) in group_pages(web).await?.iter().enumerate() {
        let groups: Vec<Group> = serde_json::from_slice(&page.body)?;
        // A page begins with the last row of the page before it.
        for Group { id } in groups.into_iter().skip(at.min(1)) {
            lists.push(members(&id));
            details.push(group(&id));
        }
    }
    let drop_page = |_| async { Ok(()) };
    let details = stream::iter(&details).map(|path| web.get(path));
    details.buffer_unordered(web.concurrency()).try_for_each(drop_page).await?;
    let first = stream::iter(lists).map(|list| async move {
        let total = web.get(&format!("{list}&skip=0")).await?.total;
        Ok::<_, Box<dyn Error + Send + Sync>>((list, total))
    });
    let first: Vec<(String, u64)> = first.buffer_unordered(web.concurrency()).try_collect().await?;
    let rest =
        first.iter().flat_map(|(list, total)| later_pages(*total).map(move |skip| format!("{list}&skip={skip}")));
    let rest = stream::iter(rest).map(|path| async move { web.get(&path).await });
    rest.buffer_unordered(web.concurrency()).try_for_each(drop_page).await
}

/// The list of users; `skip` is still to be added.
pub(super) const USERS: &str = "/api/systemusers?sort=_id&limit=100";

/// The list of a group's members; `skip` is still to be added.
pub(super) fn members(group: &str) -> String {
    format!("/api/v2/usergroups/{group}/members?limit=100")
}

/// A group's details.
pub(super) fn group(id: &str) -> String {
    format!("/api/v2/usergroups/{id}")
}

/// All pages of the list of groups, in order.
pub(super) async fn group_pages(web: &Web) -> Result<Vec<Page>> {
    let path = |skip| format!("/api/v2/usergroups?sort=name&limit=100&skip={skip}");
    let first = web.get(&path(0)).await?;
    let rest = later_pages(first.total).map(|skip| async move { web.get(&path(skip)).await });
    let rest: Vec<Page> = stream::iter(rest).buffered(web.concurrency()).try_collect().await?;
    Ok([first].into_iter().chain(rest).collect())
}
