//! The reading of the sections, side by side as far as one does not need another, into what the scan knows.

use std::collections::HashSet;

use connector_api::{ConnectorError, ErrorCode, Section, SectionStatus};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use super::{Course, Scan};
use crate::api::administrators::{self as administrators_api, Administrator};
use crate::api::applications::{self as applications_api, Application};
use crate::api::directories::{self as directories_api, Directory, RadiusServer};
use crate::api::edge_lists::EdgeReader;
use crate::api::systems::{self as systems_api, System, SystemGroup};
use crate::descriptor::{SECTIONS, is_core};
use crate::explain::{explain, learn_organization};
use crate::organization;
use crate::scan::people::People;
use crate::scan::progress::{Tally, name_lists};
use crate::scan::state::{Edge, Members, State};
use crate::sections::grants::{self as edges, Counts};
use crate::sections::groups::{self, Groups};
use crate::sections::last_login::logins::Logins;
use crate::sections::users::endpoint as users_endpoint;
use crate::sections::{last_login, memberships};

/// One section as it was read, whole or as far as it came.
struct Read {
    section: Section,
    found: Found,
    tally: Tally,
    result: Result<(), ConnectorError>,
}

enum Found {
    Groups(Groups),
    Memberships(People, Vec<Option<Members>>),
    Administrators(Vec<Administrator>),
    Systems(Vec<System>, Vec<SystemGroup>),
    Applications(Vec<Application>),
    Directories(Vec<Directory>),
    Edges(Vec<Edge>),
    Logins(Logins),
}

impl Scan<'_> {
    /// Reads every section but the users, side by side as far as one does not need another.
    pub(crate) async fn read_sections(
        &self,
        started_at: Timestamp,
        users: Option<u64>,
        course: &mut Course,
    ) -> Result<(), ConnectorError> {
        let mut reading: FuturesUnordered<BoxFuture<'_, Read>> = FuturesUnordered::new();
        for &section in SECTIONS {
            if self.must_read(section, &course.state) {
                reading.extend(self.listing(section));
            }
        }
        let (mut memberships, mut grants) = (false, false);
        loop {
            let state = &mut course.state;
            if !memberships
                && state.reports.contains_key(&Section::GROUPS)
                && self.must_read(Section::MEMBERSHIPS, state)
            {
                memberships = true;
                reading.push(Box::pin(self.memberships(state)));
            }
            let needed = [Section::GROUPS, Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES];
            let known = needed.iter().all(|section| !self.wants(*section) || state.reports.contains_key(section));
            if !grants && known && self.must_read(Section::GRANTS, state) {
                grants = true;
                reading.push(Box::pin(self.edges(users, state)));
            }
            let Some(mut read) = reading.next().await else { return Ok(()) };
            if is_core(read.section)
                && let Err(error) = read.result
            {
                // This ends the scan. The other sections give up what they hold: one that waits for a permit, and is not
                // run on, would keep the question behind it for ever.
                drop(reading);
                read.result = Err(explain(self.client, error).await);
                return self.enter(read, &mut course.state);
            }
            self.enter(read, &mut course.state)?;
            self.checkpoint(started_at, &course.state).await?;
        }
    }

    /// Enters a section into the state. A core section that is not whole ends the scan, and so does any when nothing
    /// more is answered.
    fn enter(&self, read: Read, state: &mut State) -> Result<(), ConnectorError> {
        let Read { section, found, tally, result } = read;
        match found {
            Found::Groups(groups) => (state.groups, state.absent_groups) = (groups.rows, groups.absent),
            Found::Memberships(people, members) => (state.people, state.members) = (people, members),
            Found::Administrators(administrators) => state.administrators = administrators,
            Found::Systems(systems, groups) => (state.systems, state.system_groups) = (systems, groups),
            Found::Applications(applications) => state.applications = applications,
            Found::Directories(directories) => state.directories = directories,
            Found::Edges(edges) => state.edges = edges,
            Found::Logins(logins) => state.logins = logins,
        }
        let ended = result.as_ref().err().filter(|error| ends_scan(section, error)).cloned();
        let mut report = match ended {
            Some(ref error) => tally.close(SectionStatus::Incomplete { error: error.clone() }),
            None => tally.close_by(result),
        };
        name_lists(&mut report, state);
        state.reports.insert(section, report);
        state.refused_sorts = self.client.refused_sorts();
        ended.map_or(Ok(()), |error| Err(error.context(section)))
    }

    /// The reading of a section that needs no other one.
    fn listing(&self, section: Section) -> Option<BoxFuture<'_, Read>> {
        let (client, limit, mut tally) = (self.client, self.limit(), self.tally(section));
        Some(match section {
            Section::GROUPS => {
                let details = self.options.group_details;
                Box::pin(async move {
                    let mut found = Groups::default();
                    let result = groups::read(client, limit, details, &mut found, &mut tally).await;
                    Read { section, found: Found::Groups(found), tally, result }
                })
            }
            Section::ADMINISTRATORS => Box::pin(async move {
                let mut rows = Vec::new();
                let result = tally.read_into(client, administrators_api::list(limit), &mut rows).await;
                Read { section, found: Found::Administrators(rows), tally, result }
            }),
            Section::SYSTEMS => Box::pin(async move {
                let (mut systems, mut groups) = (Vec::new(), Vec::new());
                let main = tally.read_into(client, systems_api::list(limit), &mut systems).await;
                let main = main.and_then(|()| organization::check_devices(client.org_id(), &systems));
                let result = tally.read_besides(main, client, systems_api::list_groups(limit), &mut groups).await;
                Read { section, found: Found::Systems(systems, groups), tally, result }
            }),
            Section::APPLICATIONS => Box::pin(async move {
                let mut rows = Vec::new();
                let result = tally.read_into(client, applications_api::list(limit), &mut rows).await;
                Read { section, found: Found::Applications(rows), tally, result }
            }),
            Section::DIRECTORIES => Box::pin(async move {
                let (mut rows, mut servers) = (Vec::new(), Vec::<RadiusServer>::new());
                let main = tally.read_into(client, directories_api::list(limit), &mut rows).await;
                let radius = directories_api::list_radius_servers(limit);
                let result = tally.read_besides(main, client, radius, &mut servers).await;
                rows.extend(servers.into_iter().map(Directory::from));
                Read { section, found: Found::Directories(rows), tally, result }
            }),
            Section::LAST_LOGIN => {
                let days = self.options.last_login_days;
                Box::pin(async move {
                    let mut logins = Logins::default();
                    learn_organization(client, &tally.meter).await;
                    let result = last_login::read(client, days, &mut logins, &mut tally).await;
                    Read { section, found: Found::Logins(logins), tally, result }
                })
            }
            _ => return None,
        })
    }

    /// The reading of the memberships of the groups in `state`.
    fn memberships(&self, state: &State) -> impl Future<Output = Read> + Send + use<'_> {
        let mut tally = self.tally(Section::MEMBERSHIPS);
        let reader = self.edge_reader(&tally);
        let groups: Vec<_> = state.groups.iter().map(|group| group.id.clone()).collect();
        let absent = state.absent_groups.clone();
        async move {
            let mut people = People::default();
            let read = memberships::read(&reader, &groups, &mut people, &mut tally).await;
            let read = read.and_then(|members| {
                let there: HashSet<_> =
                    groups.iter().zip(&members).filter_map(|(id, list)| list.as_ref().map(|_| id)).collect();
                groups::check_absent(&absent, |id| there.contains(id)).map(|()| members)
            });
            let (members, result) = match read {
                Ok(members) => (members, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            };
            Read { section: Section::MEMBERSHIPS, found: Found::Memberships(people, members), tally, result }
        }
    }

    /// The reading of the edges between what is in `state`.
    fn edges(&self, users: Option<u64>, state: &State) -> impl Future<Output = Read> + Send + use<'_> {
        let mut tally = self.tally(Section::GRANTS);
        let reader = self.edge_reader(&tally);
        let walks = edges::plan(&Counts::of(users, state), reader.limit);
        let asked = edges::asked(&walks, state);
        let users_paths = users_endpoint::of_ids(self.options.users_endpoint);
        async move {
            let mut edges = Vec::new();
            let result = edges::read(&reader, &walks, asked, users_paths, &mut edges, &mut tally).await;
            Read { section: Section::GRANTS, found: Found::Edges(edges), tally, result }
        }
    }

    fn edge_reader(&self, tally: &Tally) -> EdgeReader<'_> {
        EdgeReader { client: self.client, meter: tally.meter.clone(), limit: self.limit() }
    }
}

/// Whether a section that is not whole ends the scan.
fn ends_scan(section: Section, error: &ConnectorError) -> bool {
    match error.code {
        ErrorCode::AddressBlocked => true,
        // A device of another organisation.
        ErrorCode::WrongOrganization => is_core(section) || section == Section::SYSTEMS,
        _ => is_core(section),
    }
}
