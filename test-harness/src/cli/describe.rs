//! `harness describe`

use std::fmt::Write;

use clap::Args;
use connector_api::{ConnectorError, CredentialField, Descriptor, Edition, Registry, SectionDescription};
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
    let editions: Vec<String> = descriptor.editions.iter().map(Edition::to_string).collect();
    section(
        &mut page,
        "General",
        &facts([
            ("System Type", descriptor.system_type.clone()),
            ("Version", descriptor.version.clone()),
            ("Editions", editions.join(", ")),
            ("Scan priority", descriptor.default_scan_priority.to_string()),
            ("Host name", descriptor.default_hostname.clone().unwrap_or_default()),
            ("Port", descriptor.default_port.to_string()),
            ("User name", credential(descriptor.credential.username.as_ref())),
            ("Password", credential(Some(&descriptor.credential.password))),
        ]),
    );
    let mut protocols = String::new();
    for protocol in &descriptor.protocols {
        let _ = writeln!(protocols, "  {}, port {}\n      {}", protocol.name, protocol.port, protocol.notes);
    }
    section(&mut page, "Protocols", &protocols);
    section(&mut page, "Required permissions", &list(&descriptor.required_permissions, "-"));
    let mut sections = String::new();
    for SectionDescription { section, data, source, cost, .. } in &descriptor.sections {
        let _ = writeln!(sections, "  {section}\n      data:   {data}\n      source: {source}\n      cost:   {cost}");
    }
    section(&mut page, "What is discovered", &sections);
    let mut evidence = String::new();
    for row in &descriptor.evidence {
        let severities: Vec<&str> = row.severities.iter().map(|severity| severity.as_str()).collect();
        let _ = writeln!(evidence, "  {} [{}]", row.code, severities.join(", "));
        let _ = writeln!(
            evidence,
            "      meaning: {}\n      remedy:  {}\n      source:  {}",
            row.meaning, row.remedy, row.source
        );
    }
    section(&mut page, "Evidence of privilege and risk", &evidence);
    section(&mut page, "Group and resource types", &list(&descriptor.emits, "-"));
    section(&mut page, "Attributes", &attributes(descriptor));
    section(&mut page, "Configuration steps", &list(&descriptor.configuration_steps, "1."));
    let mut troubleshooting = String::new();
    for row in &descriptor.troubleshooting {
        let _ = writeln!(troubleshooting, "  {} [{}]", row.symptom, row.code);
        let _ = writeln!(troubleshooting, "      cause:  {}\n      remedy: {}", row.likely_cause, row.resolution);
    }
    section(&mut page, "Troubleshooting", &troubleshooting);
    page
}

fn section(page: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        let _ = write!(page, "\n{title}\n{body}");
    }
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

fn list(lines: &[String], mark: &str) -> String {
    let numbered = mark == "1.";
    let mark = |at: usize| if numbered { format!("{}.", at + 1) } else { mark.to_owned() };
    lines.iter().enumerate().map(|(at, line)| format!("  {} {line}\n", mark(at))).collect()
}

/// The attributes as a form groups them.
fn attributes(descriptor: &Descriptor) -> String {
    let mut text = String::new();
    for group in descriptor.form_groups() {
        let _ = writeln!(text, "  {}{}", group.title, if group.advanced { " (advanced)" } else { "" });
        for name in &group.attributes {
            let property = descriptor.attribute(name);
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
