//! The least processor time that rows of the core sections can be made in: the pages that a scan reads, parsed with
//! `serde_json` into structs that borrow from them, and written as rows of the same form.
//!
//! It looks for no row that is missing, repeated or changed, derives no evidence, keeps no order and knows all fields
//! beforehand. Everything it does has to be done by whatever makes such rows.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;

use futures_util::{StreamExt, TryStreamExt, stream};
use hashbrown::HashMap;
use serde::Serialize;

use super::download::{USERS, group, group_pages, members};
use super::rows::{Account, Edge, Group, GroupRow, Listed, Membership, Results, User};
use super::web::{Page, Web};
use super::{Written, later_pages};
use crate::Result;

pub(super) async fn scan(web: &Web) -> Result<Written> {
    let made = RefCell::new(Made { names: HashMap::new(), rows: Rows::new()? });
    let at_once = web.concurrency();

    let first = web.get(&format!("{USERS}&skip=0")).await?;
    made.borrow_mut().accounts(&first, 0)?;
    let rest = stream::iter(later_pages(first.total)).map(|skip| async move {
        let page = web.get(&format!("{USERS}&skip={skip}")).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(page)
    });
    rest.buffer_unordered(at_once).try_for_each(|page| async { made.borrow_mut().accounts(&{ page }, 1) }).await?;

    let mut ids = Vec::new();
    for (at, page) in group_pages(web).await?.iter().enumerate() {
        let groups: Vec<Listed<'_>> = serde_json::from_str(text(page)?)?;
        ids.extend(groups.iter().skip(at.min(1)).map(|group| group.id.to_owned()));
    }
    let made = &made;
    let groups = stream::iter(&ids).map(|id| async move {
        let details = web.get(&group(id)).await?;
        let list = members(id);
        let first = web.get(&format!("{list}&skip=0")).await?;
        let name = made.borrow_mut().group(&details, first.total)?;
        made.borrow_mut().memberships(&first, 0, id, &name)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((id, list, name, first.total))
    });
    let groups: Vec<_> = groups.buffer_unordered(at_once).try_collect().await?;
    let rest = groups.iter().flat_map(|(id, list, name, total)| {
        later_pages(*total).map(move |skip| (*id, format!("{list}&skip={skip}"), name))
    });
    let rest = stream::iter(rest).map(|(id, path, name)| async move {
        let page = web.get(&path).await?;
        made.borrow_mut().memberships(&page, 1, id, name)
    });
    rest.buffer_unordered(at_once).try_for_each(|()| async { Ok(()) }).await?;
    made.borrow_mut().rows.end()
}

/// What was made so far.
struct Made {
    /// The users' names by id: every row of a membership contains one.
    names: HashMap<[u8; 24], Box<str>>,
    rows: Rows,
}

impl Made {
    /// Makes the rows of a page without its first `known` users.
    fn accounts(&mut self, page: &Page, known: usize) -> Result<()> {
        let page: Results<User<'_>> = serde_json::from_str(text(page)?)?;
        for user in page.results.iter().skip(known) {
            let row = Account::of(user);
            self.names.insert(user.id().as_bytes().try_into()?, (*row.username).into());
            self.rows.write(&row)?;
        }
        Ok(())
    }

    /// Makes the row of a group and returns its name.
    fn group(&mut self, details: &Page, members: u64) -> Result<String> {
        let group: Group<'_> = serde_json::from_str(text(details)?)?;
        self.rows.write(&GroupRow::of(&group, members))?;
        Ok(group.name().to_owned())
    }

    /// Makes the rows of a page without its first `known` members.
    fn memberships(&mut self, page: &Page, known: usize, group: &str, name: &str) -> Result<()> {
        let edges: Vec<Edge<'_>> = serde_json::from_str(text(page)?)?;
        for edge in edges.iter().skip(known) {
            let member: [u8; 24] = edge.to.id.as_bytes().try_into()?;
            // A group may be a member, too.
            let Some(username) = self.names.get(&member) else { continue };
            self.rows.write(&Membership::new(username, edge.to.id, name, group))?;
        }
        Ok(())
    }
}

fn text(page: &Page) -> Result<&str> {
    Ok(std::str::from_utf8(&page.body)?)
}

/// Rows on their way to a file.
struct Rows {
    file: File,
    buffer: Vec<u8>,
    written: Written,
}

/// Bytes that are written to the file at once.
const CHUNK: usize = 64 * 1024;

impl Rows {
    fn new() -> Result<Self> {
        let buffer = Vec::with_capacity(2 * CHUNK);
        Ok(Self { file: tempfile::tempfile()?, buffer, written: Written::default() })
    }

    fn write(&mut self, row: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.buffer, row)?;
        self.buffer.push(b'\n');
        self.written.rows += 1;
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer)?;
        self.written.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn end(&mut self) -> Result<Written> {
        self.flush()?;
        Ok(self.written)
    }
}
