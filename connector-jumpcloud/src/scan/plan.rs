//! The requests that a scan would make, from the counts alone.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, ScanPlan, ScanRequest, Section, SectionPlan};

use crate::api::directories::{Directory, RadiusServer};
use crate::api::edge_lists::EdgeReader;
use crate::api::graph::Kind;
use crate::api::{administrators, applications, directories, events, systems, user_groups};
use crate::client::{Client, Identified, Listing, Meter, PageReader};
use crate::descriptor::SECTIONS;
use crate::explain::learn_organization;
use crate::options::Options;
use crate::scan::progress::is_unavailable;
use crate::sections::grants::{self as edges, Counts};
use crate::sections::users::endpoint::open_users;
use crate::sections::{groups, memberships};

/// What a plan is made with.
struct Planner<'a> {
    client: &'a Client,
    options: &'a Options,
    meter: Meter,
    limit: u64,
    sections: Vec<SectionPlan>,
}

/// Counts what there is and plans the requests that a scan of it takes.
pub(crate) async fn plan(
    client: &Client,
    options: &Options,
    request: &ScanRequest,
) -> Result<ScanPlan, ConnectorError> {
    let limit = u64::from(options.page_size);
    let mut planner = Planner { client, options, meter: Meter::default(), limit, sections: Vec::new() };
    let wants = |section| options.wants(section) && !request.without.contains(&section);
    let users = planner.users().await?;
    let groups = planner.groups().await?;
    let mut counts = Counts { users, groups, reachable: BTreeMap::new() };
    if wants(Section::ADMINISTRATORS) {
        let administrators = planner.count::<administrators::Administrator>(administrators::list(1)).await?;
        planner.add(Section::ADMINISTRATORS, &[("administrators", administrators)]);
    }
    if wants(Section::SYSTEMS) {
        let devices = planner.count::<systems::System>(systems::list(1)).await?;
        let device_groups = planner.count::<systems::SystemGroup>(systems::list_groups(1)).await?;
        counts.reachable.insert(Kind::System, devices.unwrap_or(0));
        counts.reachable.insert(Kind::SystemGroup, device_groups.unwrap_or(0));
        planner.add(Section::SYSTEMS, &[("devices", devices), ("device groups", device_groups)]);
    }
    if wants(Section::APPLICATIONS) {
        let applications = planner.count::<applications::Application>(applications::list(1)).await?;
        counts.reachable.insert(Kind::Application, applications.unwrap_or(0));
        planner.add(Section::APPLICATIONS, &[("applications", applications)]);
    }
    if wants(Section::DIRECTORIES) {
        planner.directories(&mut counts).await?;
    }
    if wants(Section::GRANTS) {
        let walks = edges::plan(&counts, planner.limit);
        let requests = walks.iter().map(|walk| walk.requests).sum();
        let because = walks.iter().map(|walk| format!("{} {}", walk.requests, walk.ask.path())).collect::<Vec<_>>();
        planner.sections.push(SectionPlan::new(Section::GRANTS, requests, format!("asked: {}", because.join(", "))));
    }
    if wants(Section::LAST_LOGIN) {
        planner.last_login().await;
    }
    planner.sections.sort_by_key(|plan| SECTIONS.iter().position(|section| *section == plan.section));
    Ok(ScanPlan::new(planner.meter.read().requests, planner.sections))
}

impl Planner<'_> {
    async fn users(&mut self) -> Result<Option<u64>, ConnectorError> {
        let probe = Options { page_size: 1, ..self.options.clone() };
        let opened = open_users(self.client, &probe, &self.meter).await?;
        // An endpoint that is not served is asked in vain, by the scan too.
        let requests = opened.in_vain + Listing::requests(opened.total.unwrap_or(0), self.limit);
        let because = format!("{} users from {}", shown(opened.total), opened.path);
        self.sections.push(SectionPlan::new(Section::USERS, requests, because));
        Ok(opened.total)
    }

    async fn groups(&mut self) -> Result<u64, ConnectorError> {
        let mut reader = PageReader::new(self.client, &self.meter, user_groups::list(self.limit));
        let mut groups = Vec::new();
        while let Some(more) = reader.next().await? {
            groups.extend::<Vec<user_groups::UserGroup>>(more);
        }
        let count = groups.len() as u64;
        let details = groups::details(self.options.group_details, &groups);
        self.sections.push(SectionPlan::new(
            Section::GROUPS,
            Listing::requests(count, self.limit) + details,
            format!("{count} groups, {details} of them read by themselves"),
        ));
        let reader = EdgeReader { client: self.client, meter: self.meter.clone(), limit: self.limit };
        let groups: Vec<_> = groups.into_iter().map(|group| group.id).collect();
        let members = memberships::counts(&reader, &groups).await?;
        let requests = Listing::requests_of_many(&members, self.limit);
        let because = format!("{count} groups with {} members", members.iter().sum::<u64>());
        self.sections.push(SectionPlan::new(Section::MEMBERSHIPS, requests, because));
        Ok(count)
    }

    async fn directories(&mut self, counts: &mut Counts) -> Result<(), ConnectorError> {
        let mut rows: Vec<Directory> = self.readable(directories::list(self.limit)).await?;
        let servers: Vec<RadiusServer> = self.readable(directories::list_radius_servers(self.limit)).await?;
        rows.extend(servers.into_iter().map(Directory::from));
        for kind in rows.iter().filter_map(Directory::graph_kind) {
            *counts.reachable.entry(kind).or_default() += 1;
        }
        let because = format!("{} directories in two listings", rows.len());
        self.sections.push(SectionPlan::new(Section::DIRECTORIES, 2, because));
        Ok(())
    }

    async fn last_login(&mut self) {
        let days = self.options.last_login_days;
        // The scan finds the organisation out as well.
        let learns = u64::from(self.client.lacks_org_id());
        learn_organization(self.client, &self.meter).await;
        let window = events::Window::of_days(self.client, days);
        let (requests, because) = match events::count(self.client, &self.meter, window).await {
            // One before shows how far the log reaches back, and one after that nothing is behind the last event.
            Ok(count) => (count.div_ceil(events::LIMIT) + 2, format!("{count} login events in {days} days")),
            Err(error) => (1, format!("the login events cannot be counted: {}", error.message)),
        };
        self.sections.push(SectionPlan::new(Section::LAST_LOGIN, requests + learns, because));
    }

    /// The rows of a listing; none when the credential may not read it.
    async fn readable<T>(&self, listing: Listing) -> Result<Vec<T>, ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        let mut reader = PageReader::new(self.client, &self.meter, listing);
        let mut rows = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(more)) => rows.extend(more),
                Ok(None) => return Ok(rows),
                Err(error) if is_unavailable(&error) => return Ok(rows),
                Err(error) => return Err(error),
            }
        }
    }

    /// How long a listing is; `None` when the credential may not read it.
    async fn count<T>(&self, listing: Listing) -> Result<Option<u64>, ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        match PageReader::<T>::new(self.client, &self.meter, listing).total().await {
            Ok(total) => Ok(Some(total.unwrap_or(0))),
            Err(error) if is_unavailable(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, section: Section, lists: &[(&str, Option<u64>)]) {
        let requests =
            lists.iter().map(|(_, count)| count.map_or(1, |count| Listing::requests(count, self.limit))).sum();
        let because = lists.iter().map(|(what, count)| format!("{} {what}", shown(*count))).collect::<Vec<_>>();
        self.sections.push(SectionPlan::new(section, requests, because.join(", ")));
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string())
}
