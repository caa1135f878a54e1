//! What fuzzing does with the state of a checkpoint and with users: the same as a scan.

use std::sync::Arc;

use connector_access::Subject;
use connector_api::{ConnectorError, Principal, Record, ScanSink, Section, async_trait};
use jiff::Timestamp;

use crate::graph::Graph;
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;
use crate::sections::users::draft::Draft;
use crate::sections::{self, effective_grants, local_accounts, memberships};

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
    let Ok(mut state) = serde_json::from_slice::<State>(bytes) else { return false };
    // Memberships that are not closed are read again, and those of a closed section fit the groups.
    if state.check().is_err() || state.found.memberships.len() != state.found.groups.rows.len() {
        return false;
    }
    sections::ALL.iter().for_each(|section| section.name_accounts(&mut state));
    local_accounts::fuzz_rows(&state);
    let sink: Arc<dyn ScanSink> = Arc::new(Nowhere);
    let mut progress = SectionProgress::new(Section::GRANTS, &sink);
    let graph = Graph::new(&state, &state.people, Timestamp::UNIX_EPOCH, &mut progress);
    for (at, group) in (0_u32..).zip(&state.found.groups.rows) {
        if let Some(members) = memberships::of_group(&state, &graph, at) {
            members.count_missing(&mut progress);
            members.rows().for_each(drop);
        }
        let principal = Principal::group(group.id.to_string(), "", group.shown_name());
        effective_grants::rows(&graph, &principal, &graph.reach(Subject::Group(at))).for_each(drop);
    }
    let bindings = |subject| graph.bound(subject, &state.people).for_each(drop);
    graph.nested().chain(graph.devices_in_groups()).for_each(drop);
    (0..state.found.groups.rows.len() as u32).map(Subject::Group).for_each(bindings);
    for &user in state.people.listed() {
        bindings(Subject::Account(user));
        drop(graph.ends(Subject::Account(user)));
        let reach = graph.reach(Subject::Account(user));
        drop(reach.iter().map(|reached| reached.paths()).collect::<Vec<_>>());
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
