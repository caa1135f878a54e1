//! The requests that a scan would make, estimated from counts.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, ScanPlan, ScanRequest, Section, SectionPlan};

use crate::api::Id;
use crate::api::kind::Kind;
use crate::client::{Client, Identified, Listing, Meter, PageReader};
use crate::options::Options;
use crate::sections;

/// The inputs of a plan, and the counts that sections pass to later ones.
pub(crate) struct Planner<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a Options,
    pub(crate) meter: Meter,
    /// Rows per page.
    pub(crate) limit: u64,
    /// The number of users, if the target reports it.
    pub(crate) users: Option<u64>,
    pub(crate) groups: Vec<Id>,
    /// What accounts and groups may be bound to.
    pub(crate) things: BTreeMap<Kind, u64>,
    pub(crate) sections: Vec<SectionPlan>,
}

/// Counts objects and plans the requests that a scan needs.
pub(crate) async fn plan(
    client: &Client,
    options: &Options,
    request: &ScanRequest,
) -> Result<ScanPlan, ConnectorError> {
    let mut planner = Planner {
        client,
        options,
        meter: Meter::default(),
        limit: u64::from(options.page_size),
        users: None,
        groups: Vec::new(),
        things: BTreeMap::new(),
        sections: Vec::new(),
    };
    for section in sections::ALL {
        if super::wants(section.about().section, options, request) {
            section.plan(&mut planner).await?;
        }
    }
    Ok(ScanPlan::new(planner.meter.read().requests, planner.sections))
}

impl Planner<'_> {
    /// The rows of a listing; none if the credential may not read it.
    pub(crate) async fn readable<T>(&self, listing: Listing) -> Result<Vec<T>, ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        let mut reader = PageReader::new(self.client, &self.meter, listing);
        let mut rows = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(more)) => rows.extend(more),
                Ok(None) => return Ok(rows),
                Err(error) if error.is_unavailable() => return Ok(rows),
                Err(error) => return Err(error),
            }
        }
    }

    /// The length of a listing; `None` if the credential may not read it.
    pub(crate) async fn count<T>(&self, listing: Listing) -> Result<Option<u64>, ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        match PageReader::<T>::new(self.client, &self.meter, listing).total().await {
            Ok(total) => Ok(Some(total.unwrap_or(0))),
            Err(error) if error.is_unavailable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Enters the requests for some listings, each with its name and length.
    pub(crate) fn add(&mut self, section: Section, lists: &[(&str, Option<u64>)]) {
        let requests =
            lists.iter().map(|(_, count)| count.map_or(1, |count| Listing::requests(count, self.limit))).sum();
        let because = lists.iter().map(|(what, count)| format!("{} {what}", shown(*count))).collect::<Vec<_>>();
        self.sections.push(SectionPlan::new(section, requests, because.join(", ")));
    }
}

/// A count in words.
pub(crate) fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string())
}
