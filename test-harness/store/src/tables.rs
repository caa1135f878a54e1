//! The tables that rows are added to in bulk, other than those of [kinds](crate::kinds).

use crate::database::ColumnType::{Boolean, Integer, Text, Time};
use crate::database::Table;

pub(crate) const OBJECT: Table = Table {
    name: "object",
    columns: &[("id", Integer), ("system", Integer), ("kind", Text), ("type", Text), ("external_id", Text)],
};

pub(crate) const VIA: Table = Table {
    name: "via",
    columns: &[
        ("id", Integer),
        ("system", Integer),
        ("direct", Boolean),
        ("steps", Text),
        ("expires_at", Time),
        ("request_id", Text),
    ],
};

pub(crate) const TERMS: Table = Table {
    name: "terms",
    columns: &[
        ("id", Integer),
        ("system", Integer),
        ("from_kind", Text),
        ("from_type", Text),
        ("to_kind", Text),
        ("to_type", Text),
        ("level", Integer),
        ("word", Text),
        ("expires_at", Time),
        ("request_id", Text),
    ],
};

// Edges that a scan sends twice are staged twice, unless both come in one part: the later part counts. So a scan that goes on
// from a checkpoint between the two keeps the first.

pub(crate) const STAGED_MEMBERSHIP: Table = Table {
    name: "staged_membership",
    columns: &[("run", Integer), ("group_id", Integer), ("account_id", Integer), ("via", Integer), ("part", Integer)],
};

pub(crate) const STAGED_MEMBERSHIP_NAME: Table = Table {
    name: "staged_membership_name",
    columns: &[
        ("run", Integer),
        ("group_id", Integer),
        ("account_id", Integer),
        ("username", Text),
        ("group_name", Text),
        ("part", Integer),
    ],
};

pub(crate) const STAGED_BINDING: Table = Table {
    name: "staged_binding",
    columns: &[("run", Integer), ("from_id", Integer), ("to_id", Integer), ("terms", Integer), ("part", Integer)],
};

pub(crate) const DELTA_OBJECT: Table = Table {
    name: "delta_object",
    columns: &[
        ("run", Integer),
        ("kind", Text),
        ("object", Integer),
        ("closes", Integer),
        ("opens", Integer),
        ("volatile", Integer),
    ],
};

pub(crate) const KEPT: Table = Table { name: "kept", columns: &[("run", Integer), ("what", Text), ("id", Integer)] };

pub(crate) const SECTION_STATE: Table = Table {
    name: "section_state",
    columns: &[
        ("run", Integer),
        ("section", Text),
        ("status", Text),
        ("code", Text),
        ("as_of", Time),
        ("as_of_run", Integer),
        ("in_part", Boolean),
    ],
};

/// The tables with staged rows that are not those of objects.
pub(crate) const STAGED_EDGES: [&str; 3] = [STAGED_MEMBERSHIP.name, STAGED_MEMBERSHIP_NAME.name, STAGED_BINDING.name];

/// The tables with rows of runs that are not published.
pub(crate) const OF_RUNS: &[&str] = &[
    "staged_account",
    "staged_group",
    "staged_resource",
    "staged_policy",
    "staged_membership",
    "staged_membership_name",
    "staged_binding",
    "delta_object",
    "delta_membership",
    "delta_membership_name",
    "delta_binding",
    "kept",
    "checkpoint",
];

/// Those of them with the difference that a run makes, and what it keeps.
pub(crate) const OF_DIFFERENCES: &[&str] =
    &["delta_object", "delta_membership", "delta_membership_name", "delta_binding", KEPT.name];

/// The tables with versions of rows.
pub(crate) const VERSIONS: &[&str] = &[
    "account_version",
    "group_version",
    "resource_version",
    "policy_version",
    "membership_version",
    "membership_name",
    "binding_version",
];
