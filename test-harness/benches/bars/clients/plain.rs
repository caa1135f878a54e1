//! A plain asynchronous client: users, groups, their details and their members, some requests in flight at once.
//!
//! It does what a short script with an asynchronous HTTP library would: the first page of a list states how many rows there
//! are, the others are requested at once, and the members of all groups are read side by side. It proves nothing: a row that
//! moves while it reads is lost or repeated.

use std::ops::Range;

use futures_util::future::{try_join, try_join_all};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::web::Web;
use super::{PAGE, Written};
use crate::Result;

pub(super) async fn read(web: &Web) -> Result<Written> {
    let plain = Plain { web, permits: Semaphore::new(web.concurrency()) };
    let (users, groups) = try_join(plain.list("/api/systemusers?sort=_id&"), plain.groups()).await?;
    Ok(Written { rows: users.len() as u64 + groups, bytes: 0 })
}

struct Plain<'a> {
    web: &'a Web,
    permits: Semaphore,
}

impl Plain<'_> {
    /// Reads the groups with details and members, and returns the number of groups and members.
    async fn groups(&self) -> Result<u64> {
        let groups = self.list("/api/v2/usergroups?sort=name&").await?;
        let members = try_join_all(groups.iter().map(|group| async {
            let id = group["id"].as_str().ok_or("a group has no id")?;
            let (details, list) = (format!("/api/v2/usergroups/{id}"), format!("/api/v2/usergroups/{id}/members?"));
            let (_, members) = try_join(self.get(&details), self.list(&list)).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(members.len())
        }));
        Ok((groups.len() + members.await?.into_iter().sum::<usize>()) as u64)
    }

    /// Reads all pages of a list.
    async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let page = |skip| async move {
            let (value, total) = self.get(&format!("{path}limit={PAGE}&skip={skip}")).await?;
            let rows = match value {
                Value::Object(mut page) => page.remove("results").unwrap_or_default(),
                rows => rows,
            };
            let Value::Array(rows) = rows else { return Err("a page is no list".into()) };
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((rows, total))
        };
        let (mut rows, total) = page(0).await?;
        let rest: Range<u64> = 1..total.div_ceil(PAGE);
        for (more, _) in try_join_all(rest.map(|at| page(at * PAGE))).await? {
            rows.extend(more);
        }
        Ok(rows)
    }

    async fn get(&self, path: &str) -> Result<(Value, u64)> {
        let _permit = self.permits.acquire().await?;
        let page = self.web.get(path).await?;
        Ok((serde_json::from_slice(&page.body)?, page.total))
    }
}
