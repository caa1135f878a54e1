//! Exports that others open: without names, and as a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::skip;
use crate::support::{entries, harness, run, scan, small};

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs of four letters and more.
fn tokens(text: &str) -> BTreeSet<String> {
    let runs = text.split(|letter: char| !letter.is_alphabetic());
    runs.filter(|run| run.chars().count() >= 4).map(str::to_owned).collect()
}

/// Every text of a value, with the names of its members.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            texts(value, found);
        }),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_for_a_support_case_has_the_graph_and_no_word_but_the_products_own() {
    let folder = tempfile::tempdir().unwrap();
    let [rows, copy, again, other, secret] =
        ["rows.ndjson", "copy.ndjson", "again.ndjson", "other.ndjson", "secret.txt"]
            .map(|name| folder.path().join(name));
    fs::write(&secret, "a secret of somebody\n").unwrap();
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(scan(&simulator, &[]).arg("--output").arg(&rows));
    assert_eq!(ended.code, 0, "{ended:?}");
    let sanitize = |output: &Path, secret: Option<&Path>| {
        let mut command = harness(["sanitize", "--from-file"]);
        command.arg(&rows).arg("--output").arg(output);
        if let Some(secret) = secret {
            command.arg("--secret-file").arg(secret);
        }
        let ended = run(&mut command);
        assert_eq!(ended.code, 0, "{ended:?}");
        fs::read_to_string(output).unwrap()
    };
    let text = sanitize(&copy, Some(&secret));
    assert_eq!(text, sanitize(&again, Some(&secret)), "the same rows and secret give the same copy");
    assert_ne!(text, sanitize(&other, None));

    let said = |arguments: &[&str]| run(&mut harness(arguments)).stdout;
    let product = said(&["schema", "--rows"]) + &said(&["connectors", "--format", "json"]);
    // Words of the contract for fields that also take others, which no schema lists.
    let open = "sharedEmail declaredByTarget apiKey clientSecret allow deny requireSecondFactor notKnown portal console ldap \
                application secondFactor denied open elsewhere depends";
    let words: BTreeSet<String> = tokens(&product).union(&tokens(open)).cloned().collect();
    let survived: Vec<String> = tokens(&text).difference(&words).cloned().collect();
    assert!(survived.is_empty(), "{survived:?}");

    let (mut before, mut after, mut own) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    lines(&rows).iter().for_each(|row| texts(row, &mut before));
    lines(&copy).iter().for_each(|row| texts(row, &mut after));
    [&["schema", "--rows"][..], &["connectors", "--format", "json"][..]].into_iter().for_each(|arguments| {
        texts(&serde_json::from_str(&said(arguments)).unwrap(), &mut own);
    });
    let is_time = |text: &String| text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    let kept: Vec<&String> = before.intersection(&after).filter(|text| !text.is_empty() && !is_time(text)).collect();
    // An attribute may be called like a word of the product, and a version is a number.
    let is_own = |text: &&&String| own.contains(**text) || tokens(text).is_subset(&words) && !text.contains(['@', ' ']);
    let foreign: Vec<&&String> = kept.iter().filter(|text| !is_own(text)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");

    let why = |file: &Path, account: &Value| {
        let account = account["externalId"].as_str().unwrap();
        let ended = run(harness(["why", account, "--format", "json", "--from-file"]).arg(file));
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let count = |value: &Value| list(value, "/accounts/0/grants").len();
    let users = |file: &Path| -> Vec<Value> { lines(file).into_iter().filter(|row| row["kind"] == "user").collect() };
    let (before, after) = (users(&rows), users(&copy));
    assert!(count(&why(&rows, &before[0])) > 0);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after).take(3) {
        assert_eq!(count(&why(&rows, before)), count(&why(&copy, after)), "{before}");
        assert_eq!(before["reasons"].as_array().map(Vec::len), after["reasons"].as_array().map(Vec::len));
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_for_bloodhound_has_the_rows_as_nodes_and_the_bindings_and_memberships_as_edges() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, graph) = (folder.path().join("rows.ndjson"), folder.path().join("graph"));
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(scan(&simulator, &[]).arg("--output").arg(&rows));
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = run(harness(["export", "--format", "opengraph", "--from-file"]).arg(&rows).arg("--output").arg(&graph));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(entries(&graph), ["extension.json", "graph.json", "links.json", "summary.json"]);
    let (rows, extension, links) =
        (lines(&rows), document(&graph.join("extension.json")), document(&graph.join("links.json")));
    let graph = document(&graph.join("graph.json"));
    assert_extension(&extension);
    assert_eq!(extension["schema"]["namespace"], "JC");
    assert!(links.get("metadata").is_none(), "a source would take over the other system's nodes");
    assert_eq!(graph["metadata"].as_object().unwrap().keys().collect::<Vec<_>>(), ["source_kind"]);
    let (nodes, edges) = (list(&graph, "/graph/nodes"), list(&graph, "/graph/edges"));

    let described = |pointer: &str| names(list(&extension, pointer), "name");
    let (node_kinds, edge_kinds) = (described("/node_kinds"), described("/relationship_kinds"));
    let is_other = |kind: &str| ["JC_Account", "JC_Group", "JC_Resource"].contains(&kind);
    let mut ids = BTreeMap::new();
    for node in nodes {
        let (id, kind) = (node["id"].as_str().unwrap(), node["kinds"][0].as_str().unwrap());
        assert!(!id.contains(':') && ids.insert(id.to_uppercase(), node).is_none(), "{id}");
        assert!(node_kinds.contains(kind) && !is_other(kind), "{node}");
        let properties = node["properties"].as_object().unwrap();
        assert!(properties.keys().all(|name| *name == name.to_lowercase()), "{node}");
        assert_eq!(properties["environmentid"], nodes.last().unwrap()["id"], "{node}");
    }
    let count = |kinds: &[&str]| rows.iter().filter(|row| kinds.contains(&row["record"].as_str().unwrap())).count();
    assert_eq!(nodes.len(), count(&["account", "group", "resource"]) + 1, "and what contains them");
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in edges {
        let kind = edge["kind"].as_str().unwrap();
        assert!(edge_kinds.contains(kind), "{edge}");
        for end in ["start", "end"] {
            let id = edge[end]["value"].as_str().unwrap().to_uppercase();
            assert!(ids.contains_key(&id), "no node for the {end} of {edge}");
        }
        *of_kind.entry(kind).or_default() += 1;
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

    for (name, values) in [("node", nodes), ("edge", edges), ("edge", list(&links, "/graph/edges"))] {
        let Some(schema) = skip::reference(&format!("specs/opengraph-{name}.json")) else { continue };
        let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        for value in values {
            assert!(validator.is_valid(value), "{value}");
        }
    }
}
