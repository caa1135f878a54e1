//! The groups of the form: first what most operators set, folded what only some need.

use connector_api::FormGroup;

use super::Switches;
use super::attribute::*;

/// The groups, each with its attributes in the order in which a form shows them. The sections' switches come with the
/// sections.
pub(crate) fn groups(switches: &Switches) -> Vec<FormGroup> {
    let switches = switches.iter().map(|(_, switch)| switch.name);
    vec![
        FormGroup::new("Organisation and sign-in", [ORG_ID, AUTHENTICATION]),
        FormGroup::new("What to discover", switches.chain([EFFECTIVE_GRANTS, LAST_LOGIN_DAYS])),
        FormGroup::new("Evidence of privilege and risk", [PRIVILEGED_GROUP_PATTERNS, STALE_API_KEY_DAYS]),
        FormGroup::new(
            "Network",
            [
                PROXY_URL,
                CA_BUNDLE_FILE,
                INSIGHTS_HOSTNAME,
                TOKEN_URL,
                CONNECT_TIMEOUT_SECONDS,
                READ_TIMEOUT_SECONDS,
                REQUEST_TIMEOUT_SECONDS,
            ],
        )
        .advanced(),
        FormGroup::new(
            "Pace and retries",
            [
                REQUESTS_PER_SECOND,
                CONCURRENCY,
                ATTEMPTS,
                RETRY_WAIT_MILLISECONDS,
                RETRY_BUDGET_SECONDS,
                SCAN_LIMIT_MINUTES,
            ],
        )
        .advanced(),
        FormGroup::new(
            "Reading",
            [USERS_ENDPOINT, GROUP_DETAILS, EFFECTIVE_GRANTS_LIMIT, VERIFY_GRANTS, PAGE_SIZE, LARGEST_ANSWER_MIB],
        )
        .advanced(),
    ]
}
