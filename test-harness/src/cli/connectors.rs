//! `harness connectors`

use clap::Args;
use connector_api::{ConnectorError, Descriptor, Edition, Registry};

use super::print::{self, AnswerFormat};
use super::table::Table;
use super::{Exit, target};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness connectors\n  harness connectors --edition pro --format json")]
pub(super) struct Arguments {
    /// List only the connectors of this edition
    #[arg(long, value_parser = target::edition_parser(), ignore_case = true)]
    edition: Option<Edition>,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
}

impl Arguments {
    pub(super) fn run(self, registry: &Registry) -> Result<Exit, ConnectorError> {
        let descriptors: Vec<&Descriptor> = match self.edition {
            Some(edition) => registry.descriptors_for(edition).collect(),
            None => registry.descriptors().collect(),
        };
        match self.format {
            AnswerFormat::Text => print::text(&table(&descriptors))?,
            AnswerFormat::Json => print::json(&descriptors)?,
        }
        Ok(Exit::Complete)
    }
}

fn table(descriptors: &[&Descriptor]) -> String {
    let mut table = Table::new(&["OS TYPE", "NAME", "SYSTEM TYPE", "EDITIONS", "PRIORITY", "PORT", "VERSION"], &[4, 5]);
    for descriptor in descriptors {
        let editions: Vec<String> = descriptor.editions.iter().map(Edition::to_string).collect();
        table.row([
            descriptor.os_type.clone(),
            descriptor.display_name.clone(),
            descriptor.system_type.clone(),
            editions.join(", "),
            descriptor.default_scan_priority.to_string(),
            descriptor.default_port.to_string(),
            descriptor.version.clone(),
        ]);
    }
    table.render(0)
}
