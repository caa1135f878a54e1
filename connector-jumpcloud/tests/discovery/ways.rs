//! How many ways there are to a thing, where there are more than are followed.

use std::collections::BTreeSet;

use crate::support::console::{Content, id};
use crate::support::scan;
use serde_json::{Value, json};

/// Groups 1 to `nested`, each a member of each other, and a row of `tail` groups above the last of them; a user in the
/// first, and an application bound to the last group of the tail.
pub(crate) fn organization(nested: u64, tail: u64) -> Content {
    let member = |kind: &str, number: u64| json!({"to": {"id": id(number), "type": kind}});
    let groups = nested + tail;
    let mut content = Content::default()
        .list("/api/systemusers", [json!({"_id": id(100), "username": "ada"})])
        .list("/api/v2/usergroups", (1..=groups).map(|number| json!({"id": id(number), "name": format!("g{number}")})))
        .list("/api/applications", [json!({"_id": id(200), "displayLabel": "Pay"})])
        .edges(
            &format!("/api/v2/applications/{}/associations?targets=user_group", id(200)),
            "user_group",
            [(id(groups).as_str(), json!(null))],
        );
    for group in 1..=groups {
        let mut members: Vec<Value> = if group <= nested {
            (1..=nested).filter(|other| *other != group).map(|other| member("user_group", other)).collect()
        } else {
            vec![member("user_group", group - 1)]
        };
        if group == 1 {
            members.push(member("user", 100));
        }
        content = content.list(&format!("/api/v2/usergroups/{}/members", id(group)), members);
    }
    content
}

/// The ways from the first of the nested groups to the last that pass none twice.
fn ways(nested: u64) -> u64 {
    // With k others between, in order: (n-2)! / (n-2-k)!.
    let between = nested - 2;
    (0..=between).map(|others| ((between - others + 1)..=between).product::<u64>()).sum()
}

#[tokio::test]
async fn the_ways_that_a_bound_cuts_are_counted() {
    for (nested, tail) in [(7, 4), (7, 0), (4, 2), (9, 3)] {
        let console = organization(nested, tail).serve().await;
        let scanned = scan(console.system()).await;
        let grant = scanned.grants().find(|grant| crate::grants::principal_id(grant) == id(100)).unwrap();
        let distinct: BTreeSet<_> = grant.via.iter().map(|path| format!("{:?}", path.steps)).collect();
        assert_eq!(distinct.len(), grant.via.len());
        let counted = grant.via.len() as u64 + grant.more_paths;
        let all = ways(nested);
        assert!(counted <= all, "{nested} {tail}: at least, never too many: {counted} of {all}");
        // As long as they can be counted, they are all counted.
        if nested <= 7 {
            assert_eq!(counted, all, "{nested} {tail}");
        }
        assert!(all <= 32 || grant.more_paths > 0, "{nested} {tail}");
    }
}
