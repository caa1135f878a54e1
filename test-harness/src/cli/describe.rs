//! `harness describe`

use std::fmt::Write;

use clap::Args;
use connector_api::{
    ConnectorError, CredentialField, Descriptor, Edition, EvidenceRow, Protocol, Registry, SectionDescription,
};
use serde_json::Value;

use super::print::{self, AnswerFormat};
use super::{Exit, target};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness describe --os-type JumpCloud\n  harness describe --format json")]
pub(super) struct Arguments {
    /// OS Type of the connector
    #[arg(long, value_name = "TYPE", default_value = target::DEFAULT_OS_TYPE)]
    os_type: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
}

impl Arguments {
    pub(super) fn run(self, registry: &Registry) -> Result<Exit, ConnectorError> {
        let descriptor = registry.descriptor(&self.os_type)?;
        match self.format {
            AnswerFormat::Text => print::page(&page(descriptor))?,
            AnswerFormat::Json => print::json(descriptor)?,
        }
        Ok(Exit::Complete)
    }
}

fn page(descriptor: &Descriptor) -> String {
    let mut page = format!("{} ({})\n{}\n", descriptor.display_name, descriptor.os_type, descriptor.description);
    for (title, body) in [
        ("General", general(descriptor)),
        ("Protocols", protocols(descriptor)),
        ("Required permissions", list(&descriptor.required_permissions)),
        ("What is discovered", sections(descriptor)),
        ("Evidence of privilege and risk", evidence(descriptor)),
        ("Group and resource types", list(&descriptor.emits)),
        ("Attributes", attributes(descriptor)),
        ("Configuration steps", steps(&descriptor.configuration_steps)),
        ("Troubleshooting", troubleshooting(descriptor)),
    ] {
        if !body.is_empty() {
            let _ = write!(page, "\n{title}\n{body}");
        }
    }
    page
}

fn general(descriptor: &Descriptor) -> String {
    let editions: Vec<String> = descriptor.editions.iter().map(Edition::to_string).collect();
    facts([
        ("System Type", descriptor.system_type.clone()),
        ("Version", descriptor.version.clone()),
        ("Editions", editions.join(", ")),
        ("Scan priority", descriptor.default_scan_priority.to_string()),
        ("Host name", descriptor.default_hostname.clone().unwrap_or_default()),
        ("Port", descriptor.default_port.to_string()),
        ("User name", credential(descriptor.credential.username.as_ref())),
        ("Password", credential(Some(&descriptor.credential.password))),
    ])
}

fn protocols(descriptor: &Descriptor) -> String {
    let line = |of: &Protocol| format!("  {}, port {}\n      {}\n", of.name, of.port, of.notes);
    descriptor.protocols.iter().map(line).collect()
}

fn sections(descriptor: &Descriptor) -> String {
    let mut text = String::new();
    for SectionDescription { section, data, source, cost, .. } in &descriptor.sections {
        let _ = writeln!(text, "  {section}\n      data:   {data}\n      source: {source}\n      cost:   {cost}");
    }
    text
}

fn evidence(descriptor: &Descriptor) -> String {
    let mut text = String::new();
    for EvidenceRow { code, kind, severities, meaning, remedy, source, .. } in &descriptor.evidence {
        let severities: Vec<&str> = severities.iter().map(|severity| severity.as_str()).collect();
        let _ = writeln!(text, "  {code} [{}: {}]", kind.as_str(), severities.join(", "));
        let _ = writeln!(text, "      meaning: {meaning}\n      remedy:  {remedy}\n      source:  {source}");
    }
    text
}

fn troubleshooting(descriptor: &Descriptor) -> String {
    let mut text = String::new();
    for row in &descriptor.troubleshooting {
        let _ = writeln!(text, "  {} [{}]", row.symptom, row.code);
        let _ = writeln!(text, "      cause:  {}\n      remedy: {}", row.likely_cause, row.resolution);
    }
    text
}

fn facts<const N: usize>(facts: [(&str, String); N]) -> String {
    let present = facts.into_iter().filter(|(_, value)| !value.is_empty());
    present.fold(String::new(), |text, (name, value)| text + &format!("  {name:<16}{value}\n"))
}

fn credential(field: Option<&CredentialField>) -> String {
    field.map_or_else(
        || "not used".to_owned(),
        |field| format!("{} ({})", field.meaning, if field.required { "required" } else { "optional" }),
    )
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}\n")).collect()
}

fn steps(lines: &[String]) -> String {
    (1..).zip(lines).map(|(number, line)| format!("  {number}. {line}\n")).collect()
}

/// The attributes as a form groups them.
fn attributes(descriptor: &Descriptor) -> String {
    let mut text = String::new();
    for group in descriptor.form_groups() {
        let _ = writeln!(text, "  {}{}", group.title, if group.advanced { " (advanced)" } else { "" });
        for name in &group.attributes {
            let property = descriptor.attribute_schema(name);
            let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
            let default = property.get("default").map(|default| format!(" [default: {default}]")).unwrap_or_default();
            let _ = writeln!(text, "    {name}: {}{default}", word(property, "title"));
            let _ = writeln!(text, "        {}", word(property, "description"));
            for choice in property["oneOf"].as_array().into_iter().flatten() {
                let (title, meaning) = (word(choice, "title"), word(choice, "description"));
                let meaning = if meaning.is_empty() { meaning } else { format!(": {meaning}") };
                let _ = writeln!(text, "        {} = {title}{meaning}", word(choice, "const"));
            }
        }
    }
    text
}
