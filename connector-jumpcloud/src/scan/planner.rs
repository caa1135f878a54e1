//! The requests that a scan would make, estimated from counts and samples.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, RowEstimate, ScanPlan, ScanRequest, Section, SectionPlan};

use crate::api::kind::Kind;
use crate::api::{Id, IdOnly};
use crate::client::{Client, Identified, Listing, Meter, PageReader, grouped};
use crate::options::Options;
use crate::{sections, verification};

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
    /// The number of local accounts of all devices, if the target reports it.
    pub(crate) local_accounts: Option<u64>,
    /// What accounts and groups may be bound to.
    pub(crate) things: BTreeMap<Kind, Things>,
    pub(crate) sections: Vec<SectionPlan>,
}

/// The objects of a kind, counted.
#[derive(Debug, Default)]
pub(crate) struct Things {
    pub(crate) count: u64,
    /// The ids of the first of them.
    pub(crate) first: Vec<Id>,
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
        local_accounts: Some(0),
        things: BTreeMap::new(),
        sections: Vec::new(),
    };
    for section in sections::ALL {
        if super::wants(section.about().section, options, request) {
            section.plan(&mut planner).await?;
        }
    }
    verification::plan(&mut planner).await?;
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

    /// Counts the objects of a kind by one request, which also shows the first of them; `None` if the credential may not read
    /// them.
    pub(crate) async fn count_things(&mut self, kind: Kind, listing: Listing) -> Result<Option<u64>, ConnectorError> {
        let mut reader = PageReader::<IdOnly>::new(self.client, &self.meter, listing);
        let count = match reader.total().await {
            Ok(total) => total.unwrap_or(0),
            Err(error) if error.is_unavailable() => return Ok(None),
            Err(error) => return Err(error),
        };
        let first = if count == 0 { None } else { reader.next().await? };
        let first = first.into_iter().flatten().map(|thing| thing.id).collect();
        self.things.insert(kind, Things { count, first });
        Ok(Some(count))
    }

    /// Enters the requests for some listings, each with its name and length, and how many bytes each of the rows takes that
    /// are made of one of its objects.
    pub(crate) fn add(&mut self, section: Section, lists: &[(&str, Option<u64>, &[u64])]) {
        let requests =
            lists.iter().map(|(_, count, _)| count.map_or(1, |count| Listing::requests(count, self.limit))).sum();
        let because = lists.iter().map(|(what, count, _)| format!("{} {what}", shown(*count))).collect::<Vec<_>>();
        let rows = lists.iter().try_fold(RowEstimate::default(), |all, (_, count, rows)| {
            let count = (*count)?;
            Some(rows.iter().map(|bytes| RowEstimate::about(count, *bytes)).fold(all, RowEstimate::and))
        });
        self.sections.push(SectionPlan::new(section, requests, because.join(", ")).with_rows(rows));
    }

    /// How many objects of a kind accounts and groups may be bound to.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.things.get(&kind).map_or(0, |things| things.count)
    }
}

/// About how many bytes a row takes as NDJSON, as measured of the demo organisation.
pub(crate) mod row_bytes {
    pub(crate) const USER: u64 = 2_930;
    pub(crate) const ADMINISTRATOR: u64 = 1_670;
    pub(crate) const ROLE: u64 = 900;
    pub(crate) const SERVICE_ACCOUNT: u64 = 900;
    pub(crate) const GROUP: u64 = 760;
    pub(crate) const MEMBERSHIP: u64 = 240;
    pub(crate) const DEVICE: u64 = 1_450;
    pub(crate) const LOCAL_ACCOUNT: u64 = 700;
    pub(crate) const DEVICE_GROUP: u64 = 200;
    pub(crate) const APPLICATION: u64 = 440;
    pub(crate) const DIRECTORY: u64 = 140;
    pub(crate) const BINDING: u64 = 215;
    pub(crate) const GRANT: u64 = 530;
    pub(crate) const POLICY: u64 = 620;
}

/// A count in words.
pub(crate) fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number of".to_owned(), grouped)
}
