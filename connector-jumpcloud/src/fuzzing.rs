//! Where fuzzing enters: one function for each thing that is read from outside. Each takes any bytes, and must neither
//! break down nor believe what does not hold.
//!
//! Compiled for fuzzing, for this crate's own tests, which run every target over mutated seeds, and with the feature
//! `fuzzing` for benchmarks of what the targets run.

use bytes::Bytes;
use connector_http::header::{HeaderMap, HeaderValue};

use crate::api::{
    Id, administrators::Administrator, applications::Application, compiled::CompiledUser, directories::Directory,
    events, graph::Edge, organizations::Organization, systems::System, systems::SystemGroup, user_groups::UserGroup,
};
use crate::client::{self, Answer, Identified};
pub use crate::scan::{fuzz_state as state, fuzz_state_is_good as state_is_good};
use crate::sections::users::draft::Draft;

/// A fuzz target: its name, what it runs, and bytes from which a fuzzer may start.
pub struct Target {
    /// The name of the binary in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// What it runs.
    pub run: fn(&[u8]),
    /// Where a fuzzer may start.
    pub seeds: &'static [&'static str],
}

/// Every target.
pub const TARGETS: [Target; 11] = [
    Target {
        name: "users",
        run: users,
        seeds: &[
            r#"{"totalCount":2,"results":[{"_id":"5f0000000000000000000001","username":"ada","email":"a@x.example","activated":true,"mfa":{"configured":true,"exclusion":false},"attributes":[{"name":"a","value":"b"}],"sudo":true,"passwordless_sudo":false,"password_date":"2023-01-14T08:16:06.495Z","admin":null}]}"#,
            r#"[{"id":"5f0000000000000000000001","state":"STAGED","suspended":"false","mfaEnrollment":{"overallStatus":"ENROLLED","totpStatus":"ENROLLED"},"created":1700000000000}]"#,
        ],
    },
    Target {
        name: "user_groups",
        run: user_groups,
        seeds: &[
            r#"[{"id":"5f0000000000000000000001","name":"Ops","type":"user_group","membershipMethod":"STATIC","attributes":{"sudo":{"enabled":true,"withoutPassword":true}},"memberQuery":null}]"#,
        ],
    },
    Target {
        name: "edges",
        run: edges,
        seeds: &[
            r#"[{"from":{"id":"5f0000000000000000000001","type":"user_group"},"to":{"id":"5f0000000000000000000002","type":"user","attributes":null},"attributes":{"sudo":{"enabled":true,"withoutPassword":false}}}]"#,
        ],
    },
    Target {
        name: "administrators",
        run: administrators,
        seeds: &[
            r#"{"totalCount":1,"results":[{"_id":"5f0000000000000000000001","email":"a@x.example","roleName":"Manager","roleNames":["Manager"],"suspended":false,"apiKeySet":true,"apiKeyUpdatedAt":"2023-01-14"}]}"#,
        ],
    },
    Target {
        name: "systems",
        run: systems,
        seeds: &[
            r#"{"totalCount":1,"results":[{"_id":"5f0000000000000000000001","displayName":"mac","os":"Mac OS X","version":"14","active":true,"lastContact":"2023-01-14T08:16:06.495Z","userMetrics":[{"userName":"ada","admin":true,"managed":false,"suspended":false}]}]}"#,
        ],
    },
    Target {
        name: "applications",
        run: applications,
        seeds: &[
            r#"{"results":[{"_id":"5f0000000000000000000001","name":"x","displayLabel":"X","active":true,"config":{"constantAttributes":{"value":[{"name":"role","value":"x"}]}},"databaseAttributes":[{"name":"a","value":"b"}]}]}"#,
        ],
    },
    Target {
        name: "directories",
        run: directories,
        seeds: &[
            r#"[{"id":"5f0000000000000000000001","name":"LDAP","type":"ldap_server"},{"_id":"x-1","mfa":"ALWAYS","oAuthStatus":{"error":"invalid_grant"},"defaultDomain":{"domain":"x.example"},"userCertEnabled":true}]"#,
        ],
    },
    Target {
        name: "organizations",
        run: organizations,
        seeds: &[r#"{"totalCount":1,"results":[{"_id":"5f0000000000000000000001","displayName":"N"}]}"#],
    },
    Target {
        name: "sections",
        run: sections,
        seeds: &[
            r#"{"totalCount":1,"results":[{"objectId":"5f0000000000000000000001","_id":"5f0000000000000000000001","name":"x","status":"ACTIVE","roleId":"5f0000000000000000000002","createdAt":"2023-01-14T08:16:06.495Z","expiresAt":"2023-01-14","authConfigList":[{"authType":"API_KEY","apiKeyConfig":{"apiKeyPrefix":"jcs_1","lifetime":"90 Days","expiresAt":null,"createdBy":{"id":"x","type":"ADMIN"}}}]}]}"#,
            r#"{"totalCount":1,"results":[{"id":"5f0000000000000000000001","name":"x","scopes":["users.readonly","groups"],"isCustom":true,"organizationIds":["x"]}]}"#,
            r#"{"results":[{"id":"r","accessId":"r","status":"APPROVED","accessState":"granted","requestor":"5f0000000000000000000001","resourceType":"device","resourceId":"5f0000000000000000000002","devicePermissionLevel":"ADMIN","sessionStartDate":"2023-01-14","approvedDuration":"3600s","additionalAttributes":"eyJzdWRvIjp7ImVuYWJsZWQiOnRydWV9fQ=="}]}"#,
            r#"{"_id":"5f0000000000000000000001","displayName":"N","settings":{"requireAdminMFA":true,"passwordCompliance":"custom","passwordPolicy":{"enableMinLength":true,"minLength":12,"enablePasswordExpirationInDays":false},"features":{"systemInsights":{"enabled":true}}}}"#,
            r#"[{"objectId":"5f0000000000000000000001","policy":{"name":"P","default":false,"precedence":1,"enablePasswordExpirationInDays":false},"groups":[{"groupId":"5f0000000000000000000002","name":"G"}]}]"#,
            r#"[{"system_id":"5f0000000000000000000001","username":"ada","admin":true,"managed":null,"real_user":true}]"#,
            r#"[{"id":"5f0000000000000000000001","name":"x","type":"user_portal","disabled":false,"monitorOnly":true,"ips":["192.0.2.0/24"],"effect":{"action":"allow","obligations":{"mfa":{"required":true}}},"conditions":{"all":[{"not":{"ipAddressIn":["5f0000000000000000000001"]}},{"any":[{"locationIn":{"countries":["DE"]}},{"deviceManaged":true}]}]},"targets":{"resources":[{"type":"application","id":"5f0000000000000000000002"}],"excludedApplications":[],"users":{"inclusions":["ALL"]},"userGroups":{"inclusions":[],"exclusions":["5f0000000000000000000003"]},"userAttributes":{"exclusions":[{"field":"ldap_binding_user","operator":"EQ","value":true}]}}}]"#,
        ],
    },
    Target {
        name: "events",
        run: events,
        seeds: &[
            r#"[{"timestamp":"2023-01-14T08:16:06.495Z","service":"directory","event_type":"user_login_attempt","initiated_by":{"id":"5f0000000000000000000001","type":"user","username":"ada"},"success":true,"mfa":true}]"#,
            "null",
        ],
    },
    Target {
        name: "state",
        run: state,
        seeds: &[
            r#"{"reports":{},"people":{"ids":["5f0000000000000000000001"],"names":["ada"],"sudo":["login"],"listed":[0],"links":[]},"found":{"groups":{"rows":[{"id":"5f0000000000000000000002","name":"Ops"},{"id":"5f0000000000000000000003","name":"All"}]},"memberships":[{"users":[0],"groups":[],"others":[]},{"users":[],"groups":["5f0000000000000000000002"],"others":[["x","y"]]}],"systems":{"devices":[{"id":"5f0000000000000000000004"}]},"local_accounts":{"names":["root","ada"],"administrators":[{"device":0,"name":0,"managed":false},{"device":0,"name":1,"managed":true}],"users":[{"name":1,"user":0,"exact":true}]},"grants":[{"from":{"kind":"UserGroup","id":"5f0000000000000000000002"},"to":{"kind":"System","id":"5f0000000000000000000004"},"access":"sudo"}]}}"#,
        ],
    },
];

/// A page of directory users, and the accounts that they become.
pub fn users(bytes: &[u8]) {
    page::<Draft>(bytes).into_iter().for_each(crate::scan::fuzz_account);
}

/// A page of user groups.
pub fn user_groups(bytes: &[u8]) {
    page::<UserGroup>(bytes);
}

/// A page of members or associations, and one of users by a traversal.
pub fn edges(bytes: &[u8]) {
    page::<Edge>(bytes);
    page::<CompiledUser>(bytes);
}

/// A page of administrators.
pub fn administrators(bytes: &[u8]) {
    page::<Administrator>(bytes).iter().for_each(|administrator| drop(administrator.roles()));
}

/// A page of devices, and one of device groups.
pub fn systems(bytes: &[u8]) {
    page::<System>(bytes);
    page::<SystemGroup>(bytes);
}

/// A page of applications.
pub fn applications(bytes: &[u8]) {
    page::<Application>(bytes).iter().for_each(|application| drop(application.label().to_owned()));
}

/// A page of directories or RADIUS servers.
pub fn directories(bytes: &[u8]) {
    page::<Directory>(bytes).iter().filter_map(Directory::graph_kind).for_each(|kind| drop(kind.word().to_owned()));
}

/// A page of organisations.
pub fn organizations(bytes: &[u8]) {
    page::<Organization>(bytes);
}

/// A page of each section whose wire type stands in the section's own file.
pub fn sections(bytes: &[u8]) {
    crate::sections::ALL.iter().for_each(|section| section.fuzz(bytes));
}

/// A page of events; its first line is the header with the cursor of the next page.
pub fn events(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let mut answer = Answer { headers: HeaderMap::new(), body: Bytes::copy_from_slice(&bytes[at..]) };
    if let Ok(after) = HeaderValue::from_bytes(&bytes[..at]) {
        answer.headers.insert("x-search_after", after);
    }
    let read = |_: &mut (), event: &events::Event<'_>| {
        let _ = (event.time(), event.service(), event.is_unrequested(), event.outcome(), event.second_factor());
        let _ = event.actor();
    };
    let _ = events::read(&answer, read);
}

pub(crate) fn page<T: Identified<Id = Id>>(bytes: &[u8]) -> Vec<T> {
    let rows = rows::<T>(bytes);
    for row in &rows {
        let text = row.id().to_string();
        assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(text.parse::<Id>().as_ref(), Ok(row.id()));
    }
    rows
}

/// A page of rows whose ids are any text, because they are in no path.
pub(crate) fn rows<T: Identified>(bytes: &[u8]) -> Vec<T> {
    let answer = Answer { headers: HeaderMap::new(), body: Bytes::copy_from_slice(bytes) };
    client::page::<T>(&answer).map(|page| page.rows).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that parsers have stumbled over.
    const PIECES: [&[u8]; 14] = [
        b"null",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\u0000",
        b"\\ud800",
        b"-1",
        b"1e999",
        b"18446744073709551616",
        b"\xff\xfe",
        b"\"id\":\"../x\"",
        b"4294967295",
    ];

    fn mutate(seed: &[u8], dice: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..dice.usize(1..6) {
            let at = dice.usize(..=bytes.len());
            let end = dice.usize(at..=bytes.len()).min(at + 24);
            match dice.u8(..5) {
                0 if at < bytes.len() => bytes[at] = dice.u8(..),
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, PIECES[dice.usize(..PIECES.len())].iter().copied())),
                3 => drop(bytes.splice(at..end, PIECES[dice.usize(..PIECES.len())].iter().copied())),
                _ => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
            }
        }
        bytes
    }

    #[test]
    fn no_target_breaks_down_over_mutated_seeds() {
        for target in TARGETS {
            let mut dice = fastrand::Rng::with_seed(0x0a7e);
            for seed in target.seeds {
                (target.run)(seed.as_bytes());
                for _ in 0..3_000 {
                    let bytes = mutate(seed.as_bytes(), &mut dice);
                    let run = std::panic::catch_unwind(|| (target.run)(&bytes));
                    assert!(run.is_ok(), "{}: {}", target.name, bytes.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn every_seed_is_read() {
        assert!(page::<Draft>(TARGETS[0].seeds[0].as_bytes()).len() == 1);
        for target in TARGETS.iter().filter(|target| !["events", "state"].contains(&target.name)) {
            let rows = target.seeds.iter().all(|seed| serde_json::from_str::<serde_json::Value>(seed).is_ok());
            assert!(rows, "{}", target.name);
        }
        assert!(crate::scan::fuzz_state_is_good(TARGETS[10].seeds[0].as_bytes()));
    }
}
