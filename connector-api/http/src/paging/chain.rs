//! Lists whose pages form a chain: each page, or its last row, determines where the next one starts.
//!
//! The pages of [`PageReader`](super::offset::PageReader) are windows on a list. Here the target keeps the pages
//! consistent, and nothing in them reveals a row that was left out. What can be proven is proven: the chain ends where
//! the target ends it, it never leads back to a page that was read, and it has as many rows as the target counts, if it
//! counts them.

mod link_header;

use std::collections::HashSet;
use std::fmt::Display;

use connector_api::{ConnectorError, ErrorCode};
use url::Url;

use super::offset::{LONGEST, inconsistent};
use super::page::{Page, PageShape};
use super::row::Identified;
use super::seen_ids::SeenIds;
use crate::call::{Answer, Call};
use crate::client::HttpClient;
use crate::meter::Meter;

/// The maximum number of consecutive pages without a new row. A target that filters may have some.
const MOST_BARREN: u32 = 1000;

/// How the next page is found.
#[derive(Debug)]
enum Follow<I> {
    Links,
    Tokens {
        parameter: &'static str,
    },
    Cursor {
        parameter: &'static str,
        /// Formats an id as the parameter's value.
        shown: fn(&I) -> String,
    },
}

/// Reads a list page by page, each row once.
#[derive(Debug)]
pub struct ChainReader<T: Identified> {
    client: HttpClient,
    meter: Meter,
    first: Call,
    shape: PageShape,
    follow: Follow<T::Id>,
    next: Option<Call>,
    /// The starts of the pages read so far.
    begun: HashSet<String>,
    seen: SeenIds<T::Id>,
    rows: u64,
    barren: u32,
    /// The smallest total that the target reported.
    total: Option<u64>,
}

impl<T: Identified> ChainReader<T> {
    /// Creates a reader of the list that starts with `call` and follows the header `Link: <…>; rel="next"` (RFC
    /// 8288), which the last page does not have. `meter` counts the requests.
    pub fn links(client: &HttpClient, meter: &Meter, call: Call, shape: PageShape) -> Self {
        Self::new(client, meter, call, shape, Follow::Links)
    }

    /// Creates a reader that follows the token at [`PageShape::next`]: the next call passes it in `parameter`. The last
    /// page has no token.
    pub fn tokens(client: &HttpClient, meter: &Meter, call: Call, shape: PageShape, parameter: &'static str) -> Self {
        Self::new(client, meter, call, shape, Follow::Tokens { parameter })
    }

    /// Creates a reader that passes the id of the last row in `parameter` of the next call. The list ends by
    /// [`PageShape::more`] or, without it, with an empty page.
    pub fn cursor(client: &HttpClient, meter: &Meter, call: Call, shape: PageShape, parameter: &'static str) -> Self
    where
        T::Id: Display,
    {
        Self::new(client, meter, call, shape, Follow::Cursor { parameter, shown: T::Id::to_string })
    }

    fn new(client: &HttpClient, meter: &Meter, call: Call, shape: PageShape, follow: Follow<T::Id>) -> Self {
        Self {
            client: client.clone(),
            meter: meter.clone(),
            first: call.clone(),
            shape,
            follow,
            next: Some(call),
            begun: HashSet::new(),
            seen: SeenIds::default(),
            rows: 0,
            barren: 0,
            total: None,
        }
    }

    /// Returns the next new rows, or `None` after the last.
    ///
    /// # Errors
    /// Returns the error of a request; `unexpected_redirect` for a next page at another address; `inconsistent_listing`
    /// for a chain that does not end, leads back, or has fewer rows than the target counts.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ConnectorError> {
        while let Some(call) = self.next.take() {
            let shape = self.shape;
            let read = |answer: &Answer| Ok((Page::<T>::read(answer, &shape)?, link_header::next(&answer.headers)));
            let (page, link) = self.client.fetch(&self.meter, &call, read).await?;
            self.total = self.total.into_iter().chain(page.total).min();
            self.next = self.behind(&call, &page, link)?;
            let mut rows = page.rows;
            rows.retain(|row| self.seen.insert(row.id(), 1).is_none());
            self.rows += rows.len() as u64;
            self.barren = if rows.is_empty() { self.barren + 1 } else { 0 };
            if self.next.is_some() && (self.barren > MOST_BARREN || self.rows > LONGEST) {
                return Err(self.broken("it does not end"));
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        match self.total {
            Some(total) if self.rows < total => {
                Err(self.broken(&format!("{} rows were returned, but its total is {total}", self.rows)))
            }
            _ => Ok(None),
        }
    }

    /// Reads every row.
    pub(super) async fn all(mut self) -> Result<Vec<T>, ConnectorError> {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }

    /// Returns the call for the next page, if there is one.
    fn behind(&mut self, call: &Call, page: &Page<T>, link: Option<String>) -> Result<Option<Call>, ConnectorError> {
        let (parameter, at) = match self.follow {
            Follow::Links => {
                let Some(link) = link else { return Ok(None) };
                let url = self.linked(call, &link)?;
                self.begin(url.as_str())?;
                return Ok(Some(Call { link: Some(Box::new(url)), ..self.first.clone() }));
            }
            Follow::Tokens { parameter } => match &page.next {
                Some(token) => (parameter, token.clone()),
                None => return Ok(None),
            },
            Follow::Cursor { parameter, shown } => match (self.shape.more.map(|_| page.more), page.rows.last()) {
                (Some(None), _) => return Err(self.broken("a page does not say whether it is the last one")),
                (Some(Some(false)), _) | (None, None) => return Ok(None),
                (_, Some(row)) => (parameter, shown(row.id())),
                (_, None) => return Err(self.broken("a page without rows states that more rows follow")),
            },
        };
        self.begin(&at)?;
        Ok(Some(self.first.clone().query(parameter, at)))
    }

    /// Records the start of a page.
    fn begin(&mut self, at: &str) -> Result<(), ConnectorError> {
        if self.begun.insert(at.to_owned()) {
            Ok(())
        } else {
            Err(self.broken("it leads back to a page that was read before"))
        }
    }

    /// Resolves a link. It must lead to the service that returned it, since the credential goes with the request.
    fn linked(&self, call: &Call, link: &str) -> Result<Url, ConnectorError> {
        let base = self.client.url(call, true)?;
        let host = base.host_str().unwrap_or_default();
        let refused = |leads: String| {
            ConnectorError::new(
                ErrorCode::UnexpectedRedirect,
                format!(
                    "{host} answered {} with a next page {leads}; it is not followed, since that would send the credential there",
                    self.first.path
                ),
                "set the system's host name to the one that the target uses in its links",
            )
        };
        let url = base.join(link).map_err(|_| refused("at an invalid address".to_owned()))?;
        if url.origin() != base.origin() {
            let named = url.host_str().map_or_else(|| "an unnamed host".to_owned(), |host| self.client.line(host));
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            return Err(refused(format!("at {}://{named}{port}", self.client.line(url.scheme()))));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("under another user name".to_owned()));
        }
        Ok(url)
    }

    fn broken(&self, why: &str) -> ConnectorError {
        inconsistent(&self.first.path, 1, why, self.client.words())
    }
}

#[cfg(test)]
mod tests;
