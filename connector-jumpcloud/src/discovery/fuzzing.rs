//! What fuzzing does with the state of a checkpoint and with users: the same as a scan.

use std::sync::Arc;

use connector_api::{ConnectorError, Principal, Record, ScanSink, Section, async_trait};

use super::graph::Graph;
use super::rows;
use super::section::Tally;
use super::state::State;
use super::users::Draft;

/// Makes an account of a user.
pub(crate) fn fuzz_account(draft: Draft) {
    let name = draft.name().to_owned();
    drop(draft.into_account(&name));
}

/// Reads a checkpoint's state, and makes of it what a resumed scan makes.
pub fn fuzz_state(bytes: &[u8]) {
    fuzz_state_is_good(bytes);
}

/// Whether the bytes are a state that a scan would go on from.
pub fn fuzz_state_is_good(bytes: &[u8]) -> bool {
    let Ok(state) = serde_json::from_slice::<State>(bytes) else { return false };
    // Memberships that are not closed are read again, and those of a closed section fit the groups.
    if state.check().is_err() || state.members.len() != state.groups.len() {
        return false;
    }
    let sink: Arc<dyn ScanSink> = Arc::new(Nowhere);
    let mut tally = Tally::new(Section::GRANTS, &sink);
    let graph = Graph::new(&state, &state.people, &mut tally);
    for (at, group) in (0_u32..).zip(&state.groups) {
        if let Some(members) = rows::members(&state, &graph, at) {
            members.count_missing(&mut tally);
            members.rows().for_each(drop);
        }
        let principal = Principal::Group {
            external_id: group.id.to_string(),
            group_type: String::new(),
            group_name: rows::group_name(group),
        };
        drop(rows::grants(&graph, &principal, graph.reach_of_group(at)));
    }
    for &user in state.people.listed() {
        drop(graph.groups_of(user));
        drop(graph.reach_of_user(user, state.people.sudo(user)));
    }
    true
}

struct Nowhere;

#[async_trait]
impl ScanSink for Nowhere {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        drop(batch);
        Ok(())
    }
}
