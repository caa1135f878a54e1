//! What the connector says of itself.

use std::cell::Cell;

use connector_api::{
    CredentialField, CredentialMapping, Descriptor, Discovery, Edition, ErrorCode, EvidenceRow, Protocol, ReasonKind,
    Section, Severity, TroubleshootingRow, schemars,
};
use serde_json::json;

use super::Breakage;

thread_local! {
    /// Counts the calls of a connector that renames itself, in each test by itself: a test has one thread.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

pub fn descriptor(breakage: Breakage) -> Descriptor {
    let discovery = |section: Section| Discovery {
        section,
        data: format!("The {section}"),
        source: "memory".into(),
        cost: "nothing".into(),
    };
    let mut descriptor = Descriptor {
        os_type: "Reference".into(),
        display_name: "Reference".into(),
        description: "Reads what it holds in memory.".into(),
        version: "1.0.0".into(),
        system_type: "Application".into(),
        default_scan_priority: 500,
        default_port: 443,
        default_hostname: None,
        protocols: vec![Protocol { name: "memory".into(), port: 443, notes: String::new() }],
        editions: vec![Edition::Pro, Edition::Enterprise],
        credential: CredentialMapping {
            username: None,
            password: CredentialField { meaning: "secret".into(), required: true },
        },
        required_permissions: vec!["Read".into()],
        discovers: [Section::Users, Section::Groups, Section::Memberships, Section::Applications, Section::Grants]
            .map(discovery)
            .into(),
        evidence: vec![EvidenceRow {
            code: "first".into(),
            kind: ReasonKind::Privilege,
            severities: vec![Severity::Low],
            meaning: "The group is the third.".into(),
            remedy: "count again".into(),
            source: "memory".into(),
        }],
        emits: vec!["REFERENCE_GROUP".into(), "application".into()],
        accesses: vec![super::ACCESS],
        configuration_steps: vec!["Enter the secret.".into()],
        troubleshooting: vec![TroubleshootingRow {
            code: ErrorCode::Unauthorized,
            symptom: "unauthorized".into(),
            likely_cause: "The secret is wrong.".into(),
            resolution: "Enter the right one.".into(),
        }],
        config_schema: schemars::json_schema!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "pageSize": {
                    "type": "integer", "minimum": 1, "maximum": 1000, "default": 50, "examples": [100],
                    "title": "Page size", "description": "How many rows come at once.",
                },
                "proxyPassword": {
                    "type": "string", "writeOnly": true, "format": "password",
                    "title": "Proxy password", "description": "What the proxy asks for.",
                },
            },
        }),
        tuning: vec!["pageSize".into()],
    };
    match breakage {
        Breakage::SaysNothingOfItself => descriptor.description.clear(),
        Breakage::TunesWhatIsNotThere => descriptor.tuning.push("pageSise".into()),
        Breakage::IsNotRegistered => descriptor.os_type = "Unregistered".into(),
        Breakage::RenamesItself => {
            descriptor.os_type = format!("Reference{}", CALLS.replace(CALLS.get() + 1));
        }
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
        Breakage::UntypedProperty => schema["properties"]["pageSize"] = json!({"title": "x", "description": "x"}),
        _ => {}
    }
    if let Ok(schema) = schema.try_into() {
        descriptor.config_schema = schema;
    }
    descriptor
}
