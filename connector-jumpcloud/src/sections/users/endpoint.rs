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
    let paths: &[&'static str] = match options.users_endpoint {
        UsersEndpoint::Auto => &[V2_USERS, SYSTEM_USERS],
        UsersEndpoint::V2 => &[V2_USERS],
        UsersEndpoint::Systemusers => &[SYSTEM_USERS],
    };
    let (mut absent, mut empty) = (None, None);
    for (in_vain, path) in (0..).zip(paths) {
        let mut reader = PageReader::new(client, meter, users_api::list(path, u64::from(options.page_size)));
        match reader.total().await {
            Ok(total) => {
                tracing::info!(endpoint = path, total, "the users' endpoint");
                let users = OpenUsers { path, reader, total, in_vain };
                if total != Some(0) {
                    return Ok(users);
                }
                // The other endpoint may list some: an organisation without users is rare.
                empty.get_or_insert(users);
            }
            Err(error) if error.is_unavailable() && empty.is_some() => {}
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => return Err(error.context(Section::USERS)),
        }
    }
    if let Some(users) = empty {
        return Ok(OpenUsers { in_vain: paths.len() as u64 - 1, ..users });
    }
    let mut error = absent.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint"));
    if options.users_endpoint != UsersEndpoint::Auto {
        error.remedy =
            format!("set {USERS_ENDPOINT} to auto, which uses the list that JumpCloud serves; or {}", error.remedy);
    }
    Err(error.context(Section::USERS))
}

/// The listings for the ids of users whose bindings are read: the published one first, since the other may omit users.
pub(crate) fn of_ids(chosen: UsersEndpoint) -> &'static [&'static str] {
    match chosen {
        UsersEndpoint::Auto => &[SYSTEM_USERS, V2_USERS],
        UsersEndpoint::V2 => &[V2_USERS],
        UsersEndpoint::Systemusers => &[SYSTEM_USERS],
    }
}
