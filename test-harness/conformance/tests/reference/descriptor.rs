//! The connector's descriptor.

use std::cell::Cell;

use connector_api::{
    CredentialField, CredentialMapping, Descriptor, Edition, ErrorCode, EvidenceRow, Field, FormGroup, Protocol,
    ReasonKind, RowType, Section, SectionDescription, Severity, TroubleshootingRow, schemars,
};
use serde_json::json;

use super::Breakage;

thread_local! {
    /// Counts the calls of a connector that describes itself differently each time. Per thread, and so per test.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

pub fn descriptor(breakage: Breakage) -> Descriptor {
    let section = |section: Section, record: &str, types: &[&str]| {
        let data = format!("The {section}");
        let described = SectionDescription::new(section, section.as_str(), data, "memory", "nothing");
        described.owning(RowType::several(record, types.iter().copied()))
    };
    let mut descriptor = Descriptor::new("Reference", "Reference", "1.0.0");
    descriptor.description = "Reads what it holds in memory.".into();
    descriptor.system_type = "Application".into();
    descriptor.default_scan_priority = 500;
    descriptor.protocols = vec![Protocol::new("memory", 443, "")];
    descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
    descriptor.credential = CredentialMapping::new(CredentialField::required("secret"));
    descriptor.required_permissions = vec!["Read".into()];
    descriptor.sections = vec![
        section(Section::USERS, "account", &["user"]).core(),
        section(Section::GROUPS, "group", &["REFERENCE_GROUP"]).core(),
        section(Section::MEMBERSHIPS, "membership", &["REFERENCE_GROUP"]).core(),
        section(Section::APPLICATIONS, "resource", &["application"]).filling_in([Field::new("account", "department")]),
        section(Section::GRANTS, "grant", &["privileged", "other"])
            .owning(RowType::several("binding", ["groupToResource"]))
            .drawn_from([Section::GROUPS, Section::APPLICATIONS]),
    ];
    descriptor.evidence = vec![EvidenceRow::new("first", ReasonKind::Privilege, [Severity::Low]).explained(
        "The group is the third.",
        "count again",
        "memory",
    )];
    descriptor.emits = vec!["REFERENCE_GROUP".into(), "application".into()];
    descriptor.accesses = vec![super::ACCESS];
    descriptor.configuration_steps = vec!["Enter the secret".into()];
    descriptor.troubleshooting = vec![TroubleshootingRow::new(
        ErrorCode::Unauthorized,
        "unauthorized",
        "The secret is wrong.",
        "Enter the right one.",
    )];
    descriptor.config_schema = schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "pageSize": {
                "type": "integer", "minimum": 1, "maximum": 1000, "default": 50, "examples": [100],
                "title": "Page size", "description": "How many rows come at once.",
            },
            "order": {
                "type": "string", "default": "byId",
                "oneOf": [{"const": "byId", "title": "By ID"}, {"const": "byName", "title": "By name"}],
                "title": "Order", "description": "In which order rows come.",
            },
            "proxyPassword": {
                "type": "string", "writeOnly": true, "format": "password",
                "title": "Proxy password", "description": "What the proxy asks for.",
            },
            "labels": {
                "type": "object", "additionalProperties": {"type": "string"},
                "title": "Labels", "description": "What is noted with each row, by name.",
            },
            "window": {
                "type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}], "items": {"type": "integer"},
                "title": "Window", "description": "The first and the last hour in which rows are read.",
            },
            "pause": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "seconds": {"type": "integer", "minimum": 0, "title": "Seconds"},
                    "every": {"type": "integer", "minimum": 1, "title": "Interval, in rows"},
                },
                "title": "Pause", "description": "How long to wait between rows.",
            },
        },
    });
    descriptor.form = vec![
        FormGroup::new("Rows", ["order", "pageSize", "labels", "window", "pause"]),
        FormGroup::new("Network", ["proxyPassword"]).advanced(),
    ];
    descriptor.tuning = vec!["pageSize".into()];
    match breakage {
        Breakage::SaysNothingOfItself => descriptor.description.clear(),
        Breakage::TunesWhatIsNotThere => descriptor.tuning.push("pageSise".into()),
        Breakage::IsNotRegistered => descriptor.os_type = "Unregistered".into(),
        Breakage::DescribesAnew => descriptor.display_name += &CALLS.replace(CALLS.get() + 1).to_string(),
        Breakage::RenamesItself => {
            descriptor.os_type = format!("Reference{}", CALLS.replace(CALLS.get() + 1));
        }
        Breakage::FormForgetsAnAttribute => drop(descriptor.form.pop()),
        Breakage::FormRepeatsAnAttribute => descriptor.form[1].attributes.push("order".into()),
        Breakage::FormNamesWhatIsNotThere => descriptor.form[1].attributes.push("pageSise".into()),
        Breakage::TwoGroupsWithOneTitle => descriptor.form[1].title = "rows".into(),
        Breakage::MarkdownInHeading => descriptor.form[1].title = "**Network**".into(),
        Breakage::FormWithoutHeadings => descriptor.form[1].title.clear(),
        Breakage::OwnsNoGrants => descriptor.sections[4].owns.clear(),
        Breakage::FillsInSecretly => descriptor.sections[3].fills_in.clear(),
        Breakage::NeedsSecretSecretly => descriptor.credential.password.required = false,
        _ => {}
    }
    let mut schema = descriptor.config_schema.clone().to_value();
    match breakage {
        Breakage::InvalidSchema => schema["properties"]["pageSize"]["type"] = "whole number".into(),
        Breakage::OpenSchema => schema["additionalProperties"] = true.into(),
        Breakage::DefaultViolatesSchema => schema["properties"]["pageSize"]["default"] = 5000.into(),
        Breakage::UntitledProperty => schema["properties"]["pageSize"]["title"] = "".into(),
        Breakage::UnmarkedSecret => schema["properties"]["proxyPassword"]["writeOnly"] = false.into(),
        Breakage::ConfusableNames => schema["properties"]["pageSizex"] = schema["properties"]["pageSize"].clone(),
        Breakage::TwoTypes => schema["properties"]["proxyPassword"]["type"] = json!(["string", "null"]),
        Breakage::TypeOfAlternatives => {
            schema["properties"]["order"].as_object_mut().map(|property| property.remove("type"));
        }
        Breakage::UntitledChoice => schema["properties"]["order"]["oneOf"][1]["title"] = " ".into(),
        Breakage::ChoiceTitledNone => schema["properties"]["order"]["oneOf"][1]["title"] = "(None)".into(),
        Breakage::ChoiceTitledDash => schema["properties"]["order"]["oneOf"][1]["title"] = "—".into(),
        Breakage::ListOfWords => schema["properties"]["order"]["enum"] = json!(["byId", "byName"]),
        Breakage::MarkdownInHelp => schema["properties"]["order"]["description"] = "The order, `byId` or not.".into(),
        Breakage::LinesInHelp => schema["properties"]["order"]["description"] = "In which order\nrows come.".into(),
        Breakage::BoldInHelp => schema["properties"]["order"]["description"] = "In which __order__ rows come.".into(),
        Breakage::TagInHelp => schema["properties"]["order"]["description"] = "In which <b>order</b> rows come.".into(),
        Breakage::TabInHelp => schema["properties"]["order"]["description"] = "In which\torder rows come.".into(),
        Breakage::ReturnInHelp => schema["properties"]["order"]["title"] = "Order\r".into(),
        Breakage::ReferenceForType => {
            schema["$defs"] = json!({"Order": schema["properties"]["order"]});
            schema["properties"]["order"] = json!({
                "$ref": "#/$defs/Order", "title": "Order", "description": "In which order rows come.",
            });
        }
        Breakage::AlternativesWithType => {
            schema["properties"]["pageSize"]["anyOf"] = json!([{"type": "integer"}, {"type": "number"}]);
        }
        Breakage::NullInTuple => {
            schema["properties"]["window"]["prefixItems"][1]["type"] = json!(["integer", "null"]);
        }
        Breakage::NullInMap => {
            schema["properties"]["labels"]["additionalProperties"]["type"] = json!(["string", "null"]);
        }
        Breakage::OnlyNull => schema["properties"]["labels"]["additionalProperties"]["type"] = "null".into(),
        Breakage::UnknownKeyword => schema["properties"]["pageSize"]["advanced"] = true.into(),
        Breakage::UnknownKeywordWithin => {
            schema["properties"]["pause"]["properties"]["every"]["x-order"] = 1.into();
        }
        Breakage::TwoChoicesWithOneTitle => schema["properties"]["order"]["oneOf"][1]["title"] = "By ID".into(),
        Breakage::TwoPropertiesWithOneTitle => schema["properties"]["order"]["title"] = "Page size".into(),
        Breakage::UntitledWithin => {
            schema["properties"]["pause"]["properties"]["every"]
                .as_object_mut()
                .map(|property| property.remove("title"));
        }
        Breakage::UnknownFormat => schema["properties"]["pageSize"]["format"] = "uint16".into(),
        Breakage::UntypedProperty => schema["properties"]["pageSize"] = json!({"title": "x", "description": "x"}),
        _ => {}
    }
    if let Ok(schema) = schema.try_into() {
        descriptor.config_schema = schema;
    }
    descriptor
}
