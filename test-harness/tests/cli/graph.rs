//! The graph for BloodHound.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use connector_api::secrecy::ExposeSecret;
use connector_conformance::{Fixture, Scenario};
use connector_scim::testing::ScimFixture;
use jumpcloud_simulator::{Behaviour, SimulatorOptions};
use serde_json::Value;

use crate::support::{PASSWORD_VARIABLE, entries, file_of, harness, lines, run, scan, small};
use crate::{odd_text, skip};

fn document(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list {pointer}"))
}

fn names(values: &[Value], field: &str) -> BTreeSet<String> {
    let found: BTreeSet<String> = values.iter().map(|value| value[field].as_str().unwrap().to_owned()).collect();
    assert_eq!(found.len(), values.len(), "each {field} once");
    found
}

/// What BloodHound checks of an extension schema, and what its documentation says.
fn assert_extension(extension: &Value) {
    let namespace = extension["schema"]["namespace"].as_str().unwrap();
    let is_name = |name: &String| {
        let own = name.strip_prefix(&format!("{namespace}_"));
        own.is_some_and(|own| !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    for field in ["name", "display_name", "version"] {
        assert!(extension["schema"][field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    let nodes = names(list(extension, "/node_kinds"), "name");
    let relations = names(list(extension, "/relationship_kinds"), "name");
    let findings = names(list(extension, "/relationship_findings"), "name");
    assert!(nodes.iter().chain(&relations).chain(&findings).all(is_name));
    assert!(nodes.is_disjoint(&relations) && findings.is_disjoint(&relations) && findings.is_disjoint(&nodes));
    for relation in list(extension, "/relationship_kinds") {
        assert!(relation["is_traversable"].is_boolean() && relation["description"].is_string(), "{relation}");
    }
    for environment in list(extension, "/environments") {
        assert!(nodes.contains(environment["environment_kind"].as_str().unwrap()), "{environment}");
        assert!(!nodes.contains(environment["source_kind"].as_str().unwrap()), "{environment}");
        assert!(list(environment, "/principal_kinds").iter().all(|kind| nodes.contains(kind.as_str().unwrap())));
    }
    for finding in list(extension, "/relationship_findings") {
        assert!(nodes.contains(finding["environment_kind"].as_str().unwrap()), "{finding}");
        assert!(relations.contains(finding["relationship_kind"].as_str().unwrap()), "{finding}");
    }
}

/// Exports a file of rows as a graph, and checks what holds for every one. Returns its nodes and edges.
fn assert_graph(rows: &Path, folder: &Path) -> (Vec<Value>, Vec<Value>) {
    let graph = folder.join("graph");
    let ended = run(harness(["export", "--format", "opengraph", "--from-file"]).arg(rows).arg("--output").arg(&graph));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(entries(&graph), ["extension.json", "graph.json", "links.json", "summary.json"]);
    let (extension, links) = (document(&graph.join("extension.json")), document(&graph.join("links.json")));
    let graph = document(&graph.join("graph.json"));
    assert_extension(&extension);
    assert!(links.get("metadata").is_none(), "a source would take over the other system's nodes");
    assert_eq!(graph["metadata"].as_object().unwrap().keys().collect::<Vec<_>>(), ["source_kind"]);
    let (nodes, edges, links) =
        (list(&graph, "/graph/nodes"), list(&graph, "/graph/edges"), list(&links, "/graph/edges"));
    let described = |pointer: &str| names(list(&extension, pointer), "name");
    let (node_kinds, edge_kinds) = (described("/node_kinds"), described("/relationship_kinds"));
    let mut ids = BTreeSet::new();
    for node in nodes {
        let id = node["id"].as_str().unwrap();
        assert!(!id.contains(':') && ids.insert(id.to_uppercase()), "{id}");
        assert!(node_kinds.contains(node["kinds"][0].as_str().unwrap()), "{node}");
        assert_eq!(node["properties"]["environmentid"], nodes.last().unwrap()["id"], "{node}");
    }
    for edge in edges.iter().chain(links) {
        assert!(edge_kinds.contains(edge["kind"].as_str().unwrap()), "{edge}");
        for end in ["start", "end"] {
            let id = edge[end]["value"].as_str().map(str::to_uppercase);
            let is_link = edge[end]["match_by"] == "property";
            assert!(is_link || id.is_some_and(|id| ids.contains(&id)), "no node for the {end} of {edge}");
        }
    }
    assert!(!edges.iter().any(|edge| edge["start"]["match_by"] == "property" || edge["end"]["match_by"] == "property"));
    nodes.iter().chain(edges).for_each(assert_properties);
    for (name, values) in [("node", nodes), ("edge", edges), ("edge", links)] {
        let Some(schema) = skip::reference(&format!("specs/opengraph-{name}.json")) else { continue };
        let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        for value in values {
            assert!(validator.is_valid(value), "{value}");
        }
    }
    (nodes.clone(), edges.clone())
}

/// Primitives, or lists of texts, with names in lower case that are not BloodHound's own.
fn assert_properties(of: &Value) {
    for (name, value) in of["properties"].as_object().unwrap() {
        assert!(*name == name.to_lowercase() && !["objectid", "lastseen"].contains(&name.as_str()), "{of}");
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.contains('\0'));
        let is_plain = value.is_boolean() || value.is_number() || is_text(value);
        assert!(is_plain || value.as_array().is_some_and(|items| items.iter().all(is_text)), "{name} of {of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_for_bloodhound_has_the_rows_as_nodes_and_the_bindings_and_memberships_as_edges() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    for (seed, behaviour) in [(1, Behaviour::observed()), (2, Behaviour::published())] {
        let simulator = small(SimulatorOptions { seed, behaviour, ..SimulatorOptions::default() }).await;
        let ended = run(scan(&simulator, &[]).arg("--output").arg(&rows));
        assert_eq!(ended.code, 0, "seed {seed}: {ended:?}");
        let (nodes, edges) = assert_graph(&rows, folder.path());
        assert_whole(&lines(&rows), &nodes, &edges);
    }
}

/// Every row is a node or an edge.
fn assert_whole(rows: &[Value], nodes: &[Value], edges: &[Value]) {
    let is_other = |kind: &Value| ["JC_Account", "JC_Group", "JC_Resource"].iter().any(|other| kind == other);
    assert!(nodes.iter().all(|node| !is_other(&node["kinds"][0])), "a kind without a name");
    let count = |kinds: &[&str]| rows.iter().filter(|row| kinds.contains(&row["record"].as_str().unwrap())).count();
    assert_eq!(nodes.len(), count(&["account", "group", "resource"]) + 1, "and what contains them");
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in edges {
        *of_kind.entry(edge["kind"].as_str().unwrap()).or_default() += 1;
    }
    let direct = rows.iter().filter(|row| row["record"] == "membership" && row["direct"] == true).count();
    let made: usize = ["JC_MemberOf", "JC_Contains", "JC_CanUse", "JC_CanWrite", "JC_CanAdminister"]
        .iter()
        .filter_map(|kind| of_kind.get(kind))
        .sum();
    assert_eq!(made, count(&["binding"]) + direct);
    assert!(of_kind["JC_ConsoleRole"] > 0 && of_kind["JC_MayBeSamePerson"] > 0, "{of_kind:?}");
    let reasons: usize = rows.iter().filter_map(|row| row["reasons"].as_array()).map(Vec::len).sum();
    assert_eq!(edges.len() - made - of_kind["JC_MayBeSamePerson"], reasons, "each piece of evidence is an edge");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_whose_end_has_no_row_has_a_node_there() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole.ndjson"), folder.path().join("part.ndjson"));
    let forbidden = vec!["systems".parse().unwrap()];
    for options in [SimulatorOptions { forbidden, ..SimulatorOptions::default() }, SimulatorOptions::default()] {
        let ended = run(scan(&small(options).await, &[]).arg("--output").arg(&whole));
        assert!([0, 3].contains(&ended.code), "{ended:?}");
        let (nodes, _) = assert_graph(&whole, folder.path());
        let mut rows = lines(&whole);
        let mut number = 0;
        rows.retain(|row| {
            number += 1;
            let is_node = ["account", "group", "resource"].iter().any(|kind| row["record"] == *kind);
            !is_node || number % 3 > 0
        });
        fs::write(&part, file_of(rows)).unwrap();
        let (others, _) = assert_graph(&part, folder.path());
        let name = |nodes: &[Value], id: &Value| {
            nodes.iter().find(|node| node["id"] == *id).map(|node| node["properties"]["name"].clone())
        };
        let unknown: Vec<&Value> = others.iter().filter(|node| node["kinds"][0] == "JC_Account").collect();
        assert!(!unknown.is_empty());
        for node in unknown {
            assert_eq!(
                Some(&node["properties"]["name"]),
                name(&nodes, &node["id"]).as_ref(),
                "a membership has the name"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_person_have_an_edge_whichever_of_them_names_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole.ndjson"), folder.path().join("part.ndjson"));
    let ended = run(scan(&small(SimulatorOptions::default()).await, &[]).arg("--output").arg(&whole));
    assert_eq!(ended.code, 0, "{ended:?}");
    let pairs = |rows: &Path| {
        let (_, edges) = assert_graph(rows, folder.path());
        let of_kind = edges.into_iter().filter(|edge| edge["kind"] == "JC_MayBeSamePerson");
        let pairs: Vec<_> = of_kind.map(|edge| (edge["start"].to_string(), edge["end"].to_string())).collect();
        let different: BTreeSet<_> = pairs.iter().cloned().collect();
        assert_eq!(pairs.len(), different.len(), "{pairs:?}");
        different
    };
    let expected = pairs(&whole);
    assert!(!expected.is_empty());
    // The simulated organisation has pairs of which each names the other, and some of which only the one with the greater id does.
    let mut rows = lines(&whole);
    for row in rows.iter_mut().filter(|row| row["record"] == "account") {
        let id = row["externalId"].as_str().unwrap().to_owned();
        if let Some(links) = row.get_mut("links").and_then(Value::as_array_mut) {
            links.retain(|link| *id > *link["externalId"].as_str().unwrap());
        }
    }
    fs::write(&part, file_of(rows)).unwrap();
    assert_eq!(pairs(&part), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_describes_no_graph_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    let target = ScimFixture.start(Scenario::Healthy).await.unwrap();
    let mut command = harness(["scan", "--os-type", "Scim", "--hostname", &target.system.hostname, "--output"]);
    let ended = run(command.arg(&rows).env(PASSWORD_VARIABLE, target.system.credential.secret().expose_secret()));
    assert_eq!(ended.code, 0, "{ended:?}");
    let (nodes, edges) = assert_graph(&rows, folder.path());
    let count = |kind: &str| lines(&rows).iter().filter(|row| row["record"] == kind).count();
    assert_eq!(nodes.len(), count("account") + count("group") + 1);
    let is_made = |row: &&Value| row["record"] == "binding" || row["direct"] == true;
    let made = lines(&rows).iter().filter(is_made).count();
    assert!(edges.len() >= made && made > 100, "{} {made}", edges.len());
}

#[test]
fn no_text_of_the_target_breaks_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    for odd in ["\0", "\"", "\n", "A:b/", "%41", "Ä😀", "\u{202e}", "tag", "=cmd|'", &"x".repeat(300)] {
        fs::write(&rows, odd_text::rows(odd)).unwrap();
        let (nodes, edges) = assert_graph(&rows, folder.path());
        let accounts = nodes.iter().filter(|node| node["properties"]["name"].as_str().unwrap().contains("account"));
        assert!(accounts.count() == 3 && edges.len() > 5, "{odd:?}: {nodes:?}");
    }
}
