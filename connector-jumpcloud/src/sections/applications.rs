//! Applications: `GET /api/applications`.

use connector_api::{Attributes, ConnectorError, Resource, Section, async_trait};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{About, Context, Discovery, Read, Thing, enter_text, one_listing};
use crate::api::applications::{self as api, Application};
use crate::api::kind::Kind;
use crate::api::sent_attributes::{SentAttribute, SentAttributes};
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Applications, as they are listed.
pub(crate) type Found = Vec<Application>;

pub(crate) struct Applications;

static ABOUT: About = About {
    data: "Applications, and the attributes that sign-ins send to them, such as the ARN of a role",
    source: "GET /api/applications",
    cost: "1 request per 100 applications",
    owns: &[("resource", &[Kind::Application.resource_type()])],
    option: Some(Switch {
        name: "includeApplications",
        title: "Applications",
        description: "Discover applications. Costs one request for each 100 applications.",
    }),
    rights: &[
        Right::of_administrators("/api/applications", "applications.readonly"),
        Right::of_administrators("/api/applications/{id}", "applications.readonly"),
    ],
    ..About::new(Section::APPLICATIONS, "Applications")
};

#[async_trait]
impl Discovery for Applications {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let listing = api::list(context.limit);
        one_listing(context, progress, listing, |state, rows| state.found.applications = rows)
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let applications = planner.count_things(Kind::Application, api::list_ids(planner.limit)).await?;
        planner.add(Section::APPLICATIONS, &[("applications", applications, &[row_bytes::APPLICATION])]);
        Ok(())
    }

    fn things<'s>(&self, found: &'s super::Found) -> Vec<Thing<'s>> {
        let thing = |one: &'s Application| Thing { kind: Kind::Application, id: &one.id, name: one.label() };
        found.applications.iter().map(thing).collect()
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        for application in &known.state.found.applications {
            outlet.send(Section::APPLICATIONS, row(application)).await?;
        }
        Ok(())
    }
}

/// Enters attributes that are sent to the application, if there are any.
fn enter_sent<'s>(attributes: &mut Attributes, name: &str, sent: impl Iterator<Item = &'s SentAttribute>) {
    let sent: Vec<Value> = sent.filter_map(|one| serde_json::to_value(one).ok()).collect();
    if !sent.is_empty() {
        attributes.insert(name, sent);
    }
}

fn row(application: &Application) -> Resource {
    let label = Some(application.label()).filter(|label| !label.is_empty());
    let id = application.id.to_string();
    let name = label.unwrap_or(&id).to_owned();
    let mut row = Resource::new(id, Kind::Application.resource_type(), name);
    row.active = application.active;
    row.created_at = application.created;
    row.attributes = application.rest.clone();
    enter_text(&mut row.attributes, "name", application.name.as_deref());
    enter_text(&mut row.attributes, "displayName", application.display_name.as_deref());
    let SentAttributes { constant_attributes, database_attributes } = &application.config;
    // The row may have the same attributes as its configuration.
    let of_row = application.database_attributes.iter().filter(|one| !database_attributes.contains(one));
    enter_sent(&mut row.attributes, "constantAttributes", constant_attributes.iter());
    enter_sent(&mut row.attributes, "databaseAttributes", database_attributes.iter().chain(of_row));
    row
}
