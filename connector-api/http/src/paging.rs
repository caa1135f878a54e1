//! Reading complete lists. Two families, by who finds the next page: [`offset`] asks for windows of rows and proves that they
//! join up; [`chain`] goes where each page says that the next one begins (a `Link` header, a token, the last row's id). Lists
//! that fit into memory have a short way here.

pub(crate) mod chain;
pub(crate) mod offset;
pub(crate) mod page;
pub(crate) mod row;
mod seen_ids;

use std::fmt::Display;

use connector_api::{Check, ConnectorError};

use crate::call::Call;
use crate::client::HttpClient;
use crate::meter::Meter;
use crate::text::grouped;
use chain::ChainReader;
use offset::{Listing, PageReader};
use page::PageShape;
use row::Identified;

/// Methods for lists that fit into memory. Each reads a complete list or fails; none returns a part of one.
impl HttpClient {
    /// Reads every row of a list by offset, and proves that it is complete: see [`PageReader`].
    ///
    /// # Errors
    /// As [`PageReader::next`].
    pub async fn list_offset<T: Identified + Send + 'static>(
        &self,
        meter: &Meter,
        listing: Listing,
    ) -> Result<Vec<T>, ConnectorError> {
        let (mut reader, mut all) = (PageReader::new(self, meter, listing), Vec::new());
        while let Some(rows) = reader.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }

    /// Reads every row of a list whose next page starts after the id of the last row: see [`ChainReader::cursor`].
    ///
    /// # Errors
    /// As [`ChainReader::next`].
    pub async fn list_cursor<T: Identified<Id: Display>>(
        &self,
        meter: &Meter,
        call: Call,
        shape: PageShape,
        parameter: &'static str,
    ) -> Result<Vec<T>, ConnectorError> {
        ChainReader::cursor(self, meter, call, shape, parameter).all().await
    }

    /// Reads every row of a list whose pages link to the next one: see [`ChainReader::links`].
    ///
    /// # Errors
    /// As [`ChainReader::next`].
    pub async fn list_links<T: Identified>(
        &self,
        meter: &Meter,
        call: Call,
        shape: PageShape,
    ) -> Result<Vec<T>, ConnectorError> {
        ChainReader::links(self, meter, call, shape).all().await
    }

    /// Reads every row of a list whose pages contain tokens: see [`ChainReader::tokens`].
    ///
    /// # Errors
    /// As [`ChainReader::next`].
    pub async fn list_tokens<T: Identified>(
        &self,
        meter: &Meter,
        call: Call,
        shape: PageShape,
        parameter: &'static str,
    ) -> Result<Vec<T>, ConnectorError> {
        ChainReader::tokens(self, meter, call, shape, parameter).all().await
    }

    /// Checks that a list by offset can be read, and reports the number of rows from its first page. For other
    /// lists, use [`Check::probe`].
    pub async fn check<T: Identified + Send + 'static>(&self, name: &str, listing: Listing) -> Check {
        let reading = async {
            let total = PageReader::<T>::new(self, &Meter::default(), listing).total().await?;
            Ok(total.map_or_else(|| format!("{name} can be read"), |total| format!("{} {name}", grouped(total))))
        };
        Check::probe(name, reading).await
    }
}
