//! Directories and network services: `GET /api/v2/directories` and `GET /api/radiusservers`.

use connector_api::{ConnectorError, Reason, Resource, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;

use super::{About, Context, Discovery, Read, Thing, enter_text};
use crate::api::directories::{self as api, Directory, RadiusServer};
use crate::api::kind::Kind;
use crate::graph::evidence_table::{Evidence, quoted};
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Directories, followed by RADIUS servers.
pub(crate) type Found = Vec<Directory>;

pub(crate) struct Directories;

/// The types of rows, in the order of the descriptor. Nothing can be bound to a `workday`, or to a `directory`, which has an
/// unknown kind.
const TYPES: &[&str] = &[
    Kind::ActiveDirectory.resource_type(),
    UNKNOWN,
    Kind::GSuite.resource_type(),
    Kind::LdapServer.resource_type(),
    Kind::Office365.resource_type(),
    Kind::RadiusServer.resource_type(),
    "workday",
];

/// The type of a directory without a kind.
const UNKNOWN: &str = "directory";

static ABOUT: About = About {
    data: "LDAP, Google Workspace, Microsoft 365, Active Directory and RADIUS",
    source: "GET /api/v2/directories, GET /api/radiusservers",
    cost: "2 requests",
    owns: &[("resource", TYPES)],
    option: Some(Switch {
        name: "includeDirectories",
        title: "Directories",
        description: "Discover directories: LDAP, Google Workspace, Microsoft 365, Active Directory, RADIUS. Costs two \
                      requests.",
    }),
    rights: &[
        Right::of_administrators("/api/v2/directories", "directories.readonly"),
        Right::of_administrators("/api/v2/ldapservers/{id}", "directories.readonly"),
        Right::of_administrators("/api/v2/gsuites/{id}", "directories.readonly"),
        Right::of_administrators("/api/v2/office365s/{id}", "directories.readonly"),
        Right::of_administrators("/api/v2/activedirectories/{id}", "directories.readonly"),
        Right::of_administrators("/api/radiusservers", "radius.readonly"),
        Right::of_administrators("/api/radiusservers/{id}", "radius.readonly"),
    ],
    ..About::new(Section::DIRECTORIES, "Directories")
};

#[async_trait]
impl Discovery for Directories {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let Context { client, limit, .. } = context;
        Some(Box::pin(async move {
            let (mut rows, mut servers) = (Vec::new(), Vec::<RadiusServer>::new());
            let main = progress.read_into(client, api::list(limit), &mut rows).await;
            let radius = api::list_radius_servers(limit);
            let result = progress.read_besides(main, client, radius, &mut servers).await;
            rows.extend(servers.into_iter().map(Directory::from));
            for (directory, error) in rows.iter().filter_map(|row| Some((row, row.oauth_status.error.as_ref()?))) {
                let name = quoted(directory.shown_name().as_ref());
                progress.note(format!("JumpCloud cannot change the accounts of {name} any more: {}", quoted(error)));
            }
            Read::new(progress, result, |state| state.found.directories = rows)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let mut rows: Vec<Directory> = planner.readable(api::list(planner.limit)).await?;
        let servers: Vec<RadiusServer> = planner.readable(api::list_radius_servers(planner.limit)).await?;
        rows.extend(servers.into_iter().map(Directory::from));
        for (kind, row) in rows.iter().filter_map(|row| Some((row.graph_kind()?, row))) {
            let things = planner.things.entry(kind).or_default();
            things.count += 1;
            things.first.push(row.id.clone());
        }
        let because = format!("2 lists with {} directories", rows.len());
        let found = RowEstimate::about(rows.len() as u64, row_bytes::DIRECTORY);
        planner.sections.push(SectionPlan::new(Section::DIRECTORIES, 2, because).with_rows(found));
        Ok(())
    }

    fn things<'s>(&self, found: &'s super::Found) -> Vec<Thing<'s>> {
        let thing = |one: &'s Directory| {
            Some(Thing { kind: one.graph_kind()?, id: &one.id, name: one.name.as_deref().unwrap_or_default() })
        };
        found.directories.iter().filter_map(thing).collect()
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        for directory in &known.state.found.directories {
            outlet.send(Section::DIRECTORIES, row(directory)).await?;
        }
        Ok(())
    }
}

fn row(directory: &Directory) -> Resource {
    let word = directory.kind.as_deref();
    let resource_type = directory.graph_kind().map(Kind::resource_type);
    let resource_type = resource_type.or(word.filter(|word| TYPES.contains(word)));
    let id = directory.id.to_string();
    let name = directory.shown_name().into_owned();
    let mut row = Resource::new(id, resource_type.unwrap_or(UNKNOWN), name);
    // Every row needs a type that a section owns.
    enter_text(&mut row.attributes, "type", word.filter(|_| resource_type.is_none()));
    enter_text(&mut row.attributes, "mfa", directory.mfa.as_deref());
    enter_text(&mut row.attributes, "networkSourceIp", directory.network_source_ip.as_deref());
    enter_text(&mut row.attributes, "defaultDomain", directory.default_domain.domain.as_deref());
    enter_text(&mut row.attributes, "oAuthError", directory.oauth_status.error.as_deref());
    enter_text(&mut row.attributes, "authIdp", directory.auth_idp.as_deref());
    let flags = [
        ("userPasswordEnabled", directory.user_password_enabled),
        ("userCertEnabled", directory.user_cert_enabled),
        ("deviceCertEnabled", directory.device_cert_enabled),
        ("requireTlsAuth", directory.require_tls_auth),
    ];
    for (name, value) in flags.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        row.attributes.insert(name, value);
    }
    row.reasons = reasons(directory);
    row
}

/// The evidence on a directory or RADIUS server, most severe first.
fn reasons(directory: &Directory) -> Vec<Reason> {
    let broken = directory.oauth_status.error.as_ref().map(|error| {
        let message =
            format!("JumpCloud cannot change its accounts any more: the authorisation failed with {}", quoted(error));
        Evidence::ProvisioningBroken.reason(message)
    });
    let certificate = directory.takes_certificates_alone().then(|| {
        Evidence::RadiusByCertificateAlone
            .reason("lets users in by a certificate alone, without a password or a second factor")
    });
    broken.into_iter().chain(certificate).collect()
}
