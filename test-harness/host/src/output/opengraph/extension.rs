//! The extension schema, without which BloodHound draws nodes and edges but finds no path.

use std::collections::BTreeSet;

use connector_api::EvidenceRow;
use serde_json::{Value, json};

use super::names::{EDGES, Names};
use super::properties::text;

/// Colour of what contains everything.
const ENVIRONMENT_COLOR: &str = "#3D8BFD";

pub(super) fn extension<'a>(names: &Names, title: &str, evidence: impl Iterator<Item = &'a EvidenceRow>) -> Value {
    let description = names.description();
    let environment = names.environment_kind();
    let node = |name: &str, title: &str, icon: &str, color: &str| json!({"name": name, "display_name": title, "description": title, "is_display_kind": true, "icon": icon, "color": color});
    let mut nodes =
        vec![node(&environment, &format!("{title} {}", description.environment), "building", ENVIRONMENT_COLOR)];
    let mut known = BTreeSet::from([environment.clone()]);
    let described = description.nodes.iter().map(|node| (names.prefixed(&node.name), node));
    let described: Vec<_> = described.filter(|(name, _)| known.insert(name.clone())).collect();
    nodes.extend(described.iter().map(|(name, kind)| node(name, &kind.title, &kind.icon, &kind.color)));
    // What a later version of the connector sends.
    for record in ["Account", "Group", "Resource"] {
        let name = names.prefixed(record);
        if known.insert(name.clone()) {
            nodes.push(node(&name, &format!("Other {}", record.to_lowercase()), "circle", "#8A94A6"));
        }
    }
    let relation = |name: &str, description: &str, is_traversable: bool| json!({"name": name, "description": description, "is_traversable": is_traversable});
    let mut relations: Vec<Value> =
        EDGES.iter().map(|(name, meaning, leads_on)| relation(&names.prefixed(name), meaning, *leads_on)).collect();
    for link in &description.links {
        relations.push(relation(&names.prefixed(&link.name), "Is the same account as one of another system", true));
    }
    let mut findings = Vec::new();
    for row in evidence {
        let name = names.evidence(&row.code);
        // Two codes may differ in what a name cannot have.
        if relations.iter().any(|known| known["name"] == *name) {
            continue;
        }
        let controls = description.controls_environment.contains(&row.code);
        relations.push(relation(&name, &row.meaning, controls));
        findings.push(json!({
            "name": format!("{name}Finding"),
            "display_name": sentence(&row.code),
            "environment_kind": environment,
            "relationship_kind": name,
            "remediation": {
                "short_description": sentence(&row.code),
                "long_description": row.meaning,
                "short_remediation": text(&row.remedy),
                "long_remediation": text(&row.remedy),
            },
        }));
    }
    let principals: Vec<&String> =
        described.iter().filter(|(_, kind)| kind.rows.record != "resource").map(|(name, _)| name).collect();
    json!({
        "schema": {
            "name": description.namespace,
            "display_name": title,
            "version": concat!("v", env!("CARGO_PKG_VERSION")),
            "namespace": description.namespace,
        },
        "node_kinds": nodes,
        "relationship_kinds": relations,
        "environments": [{
            "environment_kind": environment,
            "source_kind": names.source_kind(),
            "principal_kinds": principals,
        }],
        "relationship_findings": findings,
    })
}

/// A code as words: `Console role`.
pub(super) fn sentence(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
