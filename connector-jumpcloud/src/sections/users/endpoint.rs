//! Chooses the listing of users that is served.

use connector_api::{ConnectorError, Section};

use super::draft::Draft;
use crate::api::users::{self as users_api, SYSTEM_USERS, V2_USERS};
use crate::client::{Client, Meter, PageReader, is_absent};
use crate::options::attribute::USERS_ENDPOINT;
use crate::options::{Options, UsersEndpoint};

/// The users' listing, opened at its first page, which shows which endpoint is served and how many users there are.
pub(crate) struct OpenUsers {
    pub(crate) path: &'static str,
    pub(crate) reader: PageReader<Draft>,
    pub(crate) total: Option<u64>,
    /// Requests to endpoints that are not served.
    pub(crate) in_vain: u64,
}

/// Opens the users' listing at the configured endpoint, or at the first one that is served.
pub(crate) async fn open(client: &Client, options: &Options, meter: &Meter) -> Result<OpenUsers, ConnectorError> {
    let mut search = Search::new(client, options, meter);
    let first = search.next().await?;
    search.rest(first).await
}

/// The search for the users' listing: one request for each endpoint, until one is served.
pub(crate) struct Search<'a> {
    client: &'a Client,
    options: &'a Options,
    meter: Meter,
    paths: std::slice::Iter<'static, &'static str>,
    in_vain: u64,
    absent: Option<ConnectorError>,
    empty: Option<OpenUsers>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(client: &'a Client, options: &'a Options, meter: &Meter) -> Self {
        let paths: &[&'static str] = match options.users_endpoint {
            UsersEndpoint::Auto => &[V2_USERS, SYSTEM_USERS],
            UsersEndpoint::V2 => &[V2_USERS],
            UsersEndpoint::Systemusers => &[SYSTEM_USERS],
        };
        Self { client, options, meter: meter.clone(), paths: paths.iter(), in_vain: 0, absent: None, empty: None }
    }

    /// Tries the next endpoint; `None` if it is not served, or lists nobody.
    pub(crate) async fn next(&mut self) -> Result<Option<OpenUsers>, ConnectorError> {
        let Some(path) = self.paths.next() else { return Ok(None) };
        let in_vain = self.in_vain;
        self.in_vain += 1;
        let listing = users_api::list(path, u64::from(self.options.page_size));
        let mut reader = PageReader::new(self.client, &self.meter, listing);
        match reader.total().await {
            Ok(total) => {
                tracing::info!(endpoint = path, total, "the users' endpoint");
                let users = OpenUsers { path, reader, total, in_vain };
                if total != Some(0) {
                    return Ok(Some(users));
                }
                // The other endpoint may list some: an organisation without users is rare.
                self.empty.get_or_insert(users);
            }
            Err(error) if error.is_unavailable() && self.empty.is_some() => {}
            Err(error) if is_absent(&error) => self.absent = Some(error),
            Err(error) => return Err(error.context(Section::USERS)),
        }
        Ok(None)
    }

    /// Tries the other endpoints unless the listing was `found`.
    pub(crate) async fn rest(mut self, mut found: Option<OpenUsers>) -> Result<OpenUsers, ConnectorError> {
        while found.is_none() && !self.paths.as_slice().is_empty() {
            found = self.next().await?;
        }
        if let Some(users) = found {
            return Ok(users);
        }
        if let Some(users) = self.empty {
            return Ok(OpenUsers { in_vain: self.in_vain - 1, ..users });
        }
        let mut error = self.absent.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint"));
        if self.options.users_endpoint != UsersEndpoint::Auto {
            error.remedy =
                format!("set {USERS_ENDPOINT} to auto, which uses the list that JumpCloud serves; or {}", error.remedy);
        }
        Err(error.context(Section::USERS))
    }
}

/// The listings for the ids of users whose bindings are read: the published one first, since the other may omit users.
pub(crate) fn of_ids(chosen: UsersEndpoint) -> &'static [&'static str] {
    match chosen {
        UsersEndpoint::Auto => &[SYSTEM_USERS, V2_USERS],
        UsersEndpoint::V2 => &[V2_USERS],
        UsersEndpoint::Systemusers => &[SYSTEM_USERS],
    }
}
