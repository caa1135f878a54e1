//! The descriptor, and how a host finds the connector.

use std::collections::BTreeSet;

use connector_api::{Descriptor, Edition, ErrorCode, Field, Registry, RowType, Section};

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::truth::shortened;
use crate::verdict::{Expect, Failure, Verdict, ensure};

pub(crate) async fn the_descriptor_is_complete(fixture: &dyn Fixture) -> Verdict {
    let gaps = gaps(&fixture.registration().descriptor());
    ensure(gaps.is_empty(), "a descriptor that a host can show", || shortened(&gaps))
}

/// Returns what is missing or implausible, one line each.
fn gaps(descriptor: &Descriptor) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut want = |holds: bool, gap: &str| {
        if !holds {
            gaps.push(gap.to_owned());
        }
    };
    let os_type = &descriptor.os_type;
    want(
        os_type.starts_with(|first: char| first.is_ascii_uppercase())
            && os_type.chars().all(|letter| letter.is_ascii_alphanumeric()),
        "osType is not an identifier in PascalCase",
    );
    want(is_version(&descriptor.version), "version is not of the form 1.2.3");
    want(descriptor.default_port > 0, "defaultPort is 0");
    want(!descriptor.protocols.is_empty(), "protocols is empty");
    want(!descriptor.editions.is_empty(), "editions is empty");
    want(
        descriptor.editions.iter().collect::<BTreeSet<_>>().len() == descriptor.editions.len(),
        "an edition is repeated",
    );
    want(!descriptor.configuration_steps.is_empty(), "configurationSteps is empty");
    let password = &descriptor.credential.password;
    want(!password.required || !password.meaning.is_empty(), "credential.password has no meaning");
    want(
        !password.required || descriptor.troubleshooting.iter().any(|row| row.code == ErrorCode::Unauthorized),
        "troubleshooting has no row for `unauthorized`",
    );
    let attributes = &descriptor.config_schema.as_value()["properties"];
    for name in &descriptor.tuning {
        want(attributes[name].is_object(), &format!("tuning contains {name}, which is not an attribute"));
    }
    for section in [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS] {
        want(descriptor.is_core(section), &format!("sections has no core section {section}"));
    }
    let sections: BTreeSet<Section> = descriptor.sections.iter().map(|described| described.section).collect();
    want(sections.len() == descriptor.sections.len(), "a section is repeated");
    let owned: Vec<&RowType> = descriptor.sections.iter().flat_map(|described| &described.owns).collect();
    for rows in owned.iter().collect::<BTreeSet<_>>() {
        let owners = owned.iter().filter(|other| *other == rows).count();
        want(owners == 1, &format!("the rows `{rows}` are owned {owners} times"));
    }
    let filled: Vec<&Field> = descriptor.sections.iter().flat_map(|described| &described.fills_in).collect();
    let once = filled.iter().collect::<BTreeSet<_>>().len() == filled.len();
    want(once, "a field is filled in by two sections");
    for (name, text) in texts(descriptor) {
        want(!text.trim().is_empty(), &format!("{name} is empty"));
    }
    gaps
}

/// Returns every text that a host shows.
fn texts(descriptor: &Descriptor) -> impl Iterator<Item = (&'static str, &str)> {
    let own = [
        ("displayName", descriptor.display_name.as_str()),
        ("description", descriptor.description.as_str()),
        ("systemType", descriptor.system_type.as_str()),
    ];
    let protocols = descriptor.protocols.iter().map(|protocol| ("protocols.name", protocol.name.as_str()));
    let permissions = descriptor.required_permissions.iter().map(|line| ("requiredPermissions", line.as_str()));
    let steps = descriptor.configuration_steps.iter().map(|line| ("configurationSteps", line.as_str()));
    let sections = descriptor.sections.iter().flat_map(|line| {
        [
            ("sections.title", line.title.as_str()),
            ("sections.data", &line.data),
            ("sections.source", &line.source),
            ("sections.cost", &line.cost),
        ]
    });
    let troubleshooting = descriptor.troubleshooting.iter().flat_map(|row| {
        [
            ("troubleshooting.symptom", row.symptom.as_str()),
            ("troubleshooting.likelyCause", &row.likely_cause),
            ("troubleshooting.resolution", &row.resolution),
        ]
    });
    let evidence = descriptor.evidence.iter().flat_map(|row| {
        [
            ("evidence.code", row.code.as_str()),
            ("evidence.meaning", &row.meaning),
            ("evidence.remedy", &row.remedy),
            ("evidence.source", &row.source),
        ]
    });
    let tables = sections.chain(evidence).chain(troubleshooting);
    own.into_iter().chain(protocols).chain(permissions).chain(steps).chain(tables)
}

fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u64>().is_ok())
}

pub(crate) async fn the_descriptor_survives_json(fixture: &dyn Fixture) -> Verdict {
    let registered = fixture.registration().descriptor();
    let json = serde_json::to_string(&registered).expecting("the descriptor as JSON")?;
    let read: Descriptor = serde_json::from_str(&json).expecting("the descriptor from its JSON")?;
    ensure(read == registered, "the same descriptor after JSON", || "another one")?;
    let again = fixture.registration().descriptor();
    ensure(again == registered, "describe() always returns the same", || "another descriptor the second time")
}

pub(crate) async fn the_registry_discovers_the_connector(fixture: &dyn Fixture) -> Verdict {
    let registered = fixture.registration().descriptor();
    let os_type = &registered.os_type;
    let registry = Registry::discover().expecting("every OS Type is registered once")?;
    let discovered = registry
        .descriptor(os_type)
        .expecting(format!("`inventory::submit!` registers {os_type}, and its crate is linked into this program"))?;
    ensure(*discovered == registered, format!("the registry's {os_type} is the one under test"), || "another connector")
}

pub(crate) async fn a_second_connector_of_one_os_type_is_refused(fixture: &dyn Fixture) -> Verdict {
    let registration = fixture.registration();
    let expected = "error `internal` for two connectors with one OS Type";
    match Registry::from_registrations([registration, registration]) {
        Ok(_) => Err(Failure::new(expected, "a registry with both").into()),
        Err(error) => ensure(error.code == ErrorCode::Internal, expected, || error),
    }
}

pub(crate) async fn only_the_listed_editions_connect(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    for edition in [Edition::Community, Edition::Pro, Edition::Enterprise] {
        let listed = bench.descriptor.editions.contains(&edition);
        match bench.try_edition(edition) {
            Ok(_) => ensure(listed, format!("error `edition_not_supported` for {edition}"), || "a connector")?,
            Err(error) if listed => {
                return Err(Failure::new(format!("a connector for {edition}, which is listed"), error).into());
            }
            Err(error) => ensure(
                error.code == ErrorCode::EditionNotSupported,
                format!("error `edition_not_supported` for {edition}"),
                || error,
            )?,
        }
    }
    Ok(())
}
