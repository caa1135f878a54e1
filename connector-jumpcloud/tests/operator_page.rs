//! The operator's page is made of the descriptor and the schema; this test keeps it so. After a change to either:
//! `UPDATE_DOCS=1 cargo test -p connector-jumpcloud --test operator_page`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::path::Path;

use connector_api::{Connector, Descriptor};
use connector_jumpcloud::JumpCloud;
use serde_json::Value;

#[test]
fn the_operators_page_is_what_the_descriptor_and_the_schema_say() {
    let page = render(&JumpCloud::describe());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operator.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/operator.md is stale; run this test with UPDATE_DOCS=1 and commit the page");
}

#[test]
fn every_section_that_is_discovered_has_its_scopes_among_the_permissions() {
    let descriptor = JumpCloud::describe();
    for row in descriptor.sections.iter().filter(|row| !row.rights.is_empty()) {
        let line = descriptor.required_permissions.iter().find(|line| line.starts_with(&format!("{}: `", row.section)));
        let line = line.unwrap_or_else(|| panic!("{} has no scope", row.section));
        assert!(line.contains(".readonly`"), "{line}");
    }
}

fn render(descriptor: &Descriptor) -> String {
    let mut page = format!("# {}\n\n{}\n", descriptor.display_name, descriptor.description);
    section(&mut page, "System type classification");
    table(
        &mut page,
        ["Field", "Value"],
        [
            ["OS Type".into(), descriptor.os_type.clone()],
            ["System Type".into(), descriptor.system_type.clone()],
            ["Default Scan Priority".into(), descriptor.default_scan_priority.to_string()],
            [
                "OrbisID editions".into(),
                descriptor.editions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            ],
        ],
    );
    section(&mut page, "Supported protocol");
    table(
        &mut page,
        ["Protocol", "Port", "Notes"],
        descriptor.protocols.iter().map(|row| [row.name.clone(), format!("{} TCP", row.port), row.notes.clone()]),
    );
    section(&mut page, "What is discovered");
    table(
        &mut page,
        ["Section", "Data", "Source", "Cost"],
        descriptor
            .sections
            .iter()
            .map(|row| [row.section.to_string(), row.data.clone(), row.source.clone(), row.cost.clone()]),
    );
    page.push_str(
        "\n`users`, `groups` and `memberships` are core sections: if one of them is not complete, the scan fails. The other \
         sections can be skipped, and can fail without failing the scan; the summary names what is missing.\n",
    );
    section(&mut page, "Evidence of privilege and risk");
    page.push_str(
        "Accounts and groups have `reasons`. A reason of the kind privilege makes the account, or the members of the group, \
         privileged; a reason of the kind risk does not. The severity of a privileged account is that of its most severe reason. The \
         host's policy decides what follows from it.\n\n",
    );
    table(
        &mut page,
        ["Code", "Kind", "Severity", "Meaning", "Remedy", "Source"],
        descriptor.evidence.iter().map(|row| {
            let severities = row.severities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let kind = serde_json::to_value(row.kind).unwrap().as_str().unwrap().to_owned();
            let [meaning, remedy, source] = [&row.meaning, &row.remedy, &row.source].map(Clone::clone);
            [format!("`{}`", row.code), kind, severities, meaning, remedy, source]
        }),
    );
    section(&mut page, "Required permissions");
    for permission in &descriptor.required_permissions {
        // The scopes belong to the line before them.
        let indent = if permission.contains(": `") { "  " } else { "" };
        writeln!(page, "{indent}- {permission}").unwrap();
    }
    section(&mut page, "Credential mapping");
    let field = |name: &str, field: &connector_api::CredentialField| {
        let required = if field.required { "required" } else { "optional" };
        [format!("`credential.{name}`"), field.meaning.clone(), required.to_owned()]
    };
    let username = descriptor.credential.username.iter().map(|username| field("username", username));
    let password = std::iter::once(field("password", &descriptor.credential.password));
    table(&mut page, ["OrbisID field", "Value", ""], password.chain(username));
    section(&mut page, "Network requirements");
    page.push_str(
        "The OrbisID server must have HTTPS access to the console host, and for last logins to the Directory Insights \
         host, on port 443:\n\n",
    );
    table(
        &mut page,
        ["Region", "Console", "Directory Insights", "Tokens of service accounts"],
        [("US", ""), ("EU", "eu."), ("India", "in.")].map(|(region, part)| {
            [
                region.to_owned(),
                format!("`console.{part}jumpcloud.com`"),
                format!("`api.{part}jumpcloud.com`"),
                format!("`admin-oauth.id.{part}jumpcloud.com`"),
            ]
        }),
    );
    section(&mut page, "Configuration steps");
    for (number, step) in (1..).zip(&descriptor.configuration_steps) {
        writeln!(page, "{number}. {step}.").unwrap();
    }
    page.push_str("\nTest Connection does not test the optional sections.\n");
    section(&mut page, "Signing in as a service account");
    page.push_str(SERVICE_ACCOUNT);
    section(&mut page, "What last logins show");
    page.push_str(LAST_LOGINS);
    section(&mut page, "System attributes");
    page.push_str("All attributes are optional. A form shows them in these groups, the advanced ones folded.\n");
    for group in descriptor.form_groups() {
        let folded = if group.advanced { " (advanced)" } else { "" };
        write!(page, "\n### {}{folded}\n\n", group.title).unwrap();
        let rows = group.attributes.iter().map(|name| attribute(name, descriptor.attribute_schema(name)));
        table(&mut page, ["Attribute", "Title", "Value", "Default", "Description"], rows);
    }
    section(&mut page, "Troubleshooting");
    table(
        &mut page,
        ["Code", "Symptom", "Likely cause", "Resolution"],
        descriptor.troubleshooting.iter().map(|row| {
            [format!("`{}`", row.code), row.symptom.clone(), row.likely_cause.clone(), row.resolution.clone()]
        }),
    );
    page
}

/// What neither the descriptor nor the schema says, since a form has no place for it.
const SERVICE_ACCOUNT: &str = include_str!("operator_page/service_account.txt");
const LAST_LOGINS: &str = include_str!("operator_page/last_logins.txt");

fn attribute(name: &str, property: &Value) -> [String; 5] {
    let text = |key: &str| property[key].as_str().unwrap_or_default().to_owned();
    let default = property.get("default").map_or_else(|| "–".to_owned(), |value| format!("`{value}`"));
    [format!("`{name}`"), text("title"), value_of(property), default, text("description")]
}

/// What a property takes: its type and range, or its words and what a form shows for them.
fn value_of(property: &Value) -> String {
    let choices = property["oneOf"].as_array().into_iter().flatten();
    let words: Vec<String> = choices
        .map(|choice| format!("`{}` ({})", choice["const"].as_str().unwrap(), choice["title"].as_str().unwrap()))
        .collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let plain = match property["type"].as_str().unwrap() {
        "integer" | "number" => "number",
        "boolean" => "true or false",
        "array" => "list of texts",
        "string" if property["format"] == "password" => "text, secret",
        _ => "text",
    };
    match (property.get("minimum"), property.get("maximum")) {
        (Some(low), Some(high)) => format!("{plain}, {low} to {high}"),
        _ => plain.to_owned(),
    }
}

fn section(page: &mut String, title: &str) {
    write!(page, "\n## {title}\n\n").unwrap();
}

fn table<const N: usize>(page: &mut String, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    writeln!(page, "| {} |\n|{}", head.join(" | "), "---|".repeat(N)).unwrap();
    for row in rows {
        writeln!(page, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | ")).unwrap();
    }
}
