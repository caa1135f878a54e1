//! What the connector says of itself.

use connector_api::{
    CredentialField, CredentialMapping, Descriptor, Edition, ErrorCode, Field, Protocol, RowType, Section,
    SectionDescription, TroubleshootingRow,
};

use crate::api::level::Level;
use crate::graph::{USER_GROUP, evidence};
use crate::options::Options;
use crate::rights::{self, SignIn};
use crate::sections::administrators::ADMIN_ROLE;

/// The OS Type by which a system chooses this connector.
pub const OS_TYPE: &str = "JumpCloud";

/// What a directory or network service may be.
const DIRECTORY_TYPES: &[&str] =
    &["activeDirectory", "directory", "gSuite", "ldapServer", "office365", "radiusServer", "workday"];

/// Describes the connector, without I/O.
pub fn descriptor() -> Descriptor {
    let mut descriptor = Descriptor::new(OS_TYPE, "JumpCloud", env!("CARGO_PKG_VERSION"));
    descriptor.description =
        "Discovers users, groups, memberships, administrators, devices, applications and last logins of a \
                  JumpCloud organisation, and who reaches what, over JumpCloud's Core API and Directory Insights."
            .to_owned();
    descriptor.system_type = "Directory Service".to_owned();
    descriptor.default_scan_priority = 10;
    descriptor.default_hostname = Some("console.jumpcloud.com".to_owned());
    descriptor.protocols = vec![Protocol::new(
        "REST API (HTTPS)",
        443,
        "API key via x-api-key request header, or a service account's bearer token",
    )];
    descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
    descriptor.credential =
        CredentialMapping::new(CredentialField::required("JumpCloud API key, or client secret of a service account"))
            .with_username(CredentialField::optional("client id of a service account; ignored with an API key"));
    descriptor.required_permissions = rights::permissions();
    descriptor.sections = sections();
    descriptor.volatile = vec![
        Field::new("account", "lastLogin"),
        Field::new("account", "lastLoginAt"),
        Field::new("resource", "lastContactAt"),
    ];
    descriptor.evidence = evidence::rows();
    descriptor.emits = [USER_GROUP, ADMIN_ROLE, "system", "systemGroup", "application"]
        .into_iter()
        .chain(DIRECTORY_TYPES.iter().copied())
        .map(str::to_owned)
        .collect();
    descriptor.accesses = Level::accesses();
    descriptor.configuration_steps = [
        "In the JumpCloud admin portal, open Administrator Account, API Settings, Generate New API Key. A new key \
         revokes the old one for everything that uses it",
        "Copy the API key (it is displayed only once)",
        "Create a Credential in OrbisID with the API key as its Password",
        "Open Systems, Add System",
        "Choose OS Type JumpCloud and System Type Directory Service; the Hostname is console.jumpcloud.com \
         (console.eu.jumpcloud.com or console.in.jumpcloud.com in those regions); choose the Credential",
        "Click Test Connection",
        "Click Save",
    ]
    .map(str::to_owned)
    .to_vec();
    descriptor.troubleshooting = troubleshooting();
    descriptor.config_schema = schemars::schema_for!(Options);
    descriptor.tuning = [
        "jumpcloudTokenUrl",
        "pageSize",
        "concurrency",
        "requestsPerSecond",
        "attempts",
        "retryWaitMilliseconds",
        "connectTimeoutSeconds",
        "readTimeoutSeconds",
        "requestTimeoutSeconds",
        "retryBudgetSeconds",
        "scanLimitMinutes",
        "largestAnswerMib",
        "caBundleFile",
        "proxyUrl",
    ]
    .map(str::to_owned)
    .to_vec();
    descriptor
}

/// The sections, in the order in which they are listed everywhere.
pub(crate) const SECTIONS: &[Section] = &[
    Section::USERS,
    Section::GROUPS,
    Section::MEMBERSHIPS,
    Section::ADMINISTRATORS,
    Section::SYSTEMS,
    Section::APPLICATIONS,
    Section::DIRECTORIES,
    Section::GRANTS,
    Section::PRIVILEGED_GRANTS,
    Section::OTHER_GRANTS,
    Section::LAST_LOGIN,
];

/// Whether a scan without this section, whole, is a failed scan.
pub(crate) fn is_core(section: Section) -> bool {
    matches!(section, Section::USERS | Section::GROUPS | Section::MEMBERSHIPS)
}

fn sections() -> Vec<SectionDescription> {
    SECTIONS.iter().map(|section| describe(*section)).collect()
}

fn describe(section: Section) -> SectionDescription {
    let new = |title: &str, data: &str, source: &str, cost: &str| {
        let described = SectionDescription::new(section, title, data, source, cost);
        let described = described.needing(rights::scopes(Some(section)));
        if is_core(section) { described.core() } else { described }
    };
    let user_groups = [USER_GROUP];
    let roles = [ADMIN_ROLE];
    match section {
        Section::USERS => new(
            "Users",
            "User accounts, enabled state (activated, suspended, state), admin and MFA status, privilege evidence",
            "GET /api/v2/users, or GET /api/systemusers where that is not served",
            "1 request for each 100 users",
        )
        .owning(RowType::several("account", ["user"])),
        Section::GROUPS => new(
            "Groups",
            "User groups, with what makes them privileged and how members get in",
            "GET /api/v2/usergroups, and GET /api/v2/usergroups/{id} where the list lacks these",
            "1 request for each 100 groups, and 1 for each group that the list does not show whole (groupDetails)",
        )
        .owning(RowType::several("group", user_groups)),
        Section::MEMBERSHIPS => new(
            "Memberships",
            "Group memberships, nested ones resolved, and which group is in which",
            "GET /api/v2/usergroups/{id}/members",
            "1 request for each 100 members of each group, at least 1 a group",
        )
        .owning(RowType::several("membership", user_groups))
        .owning(RowType::several("binding", ["groupToGroup"]))
        .filling_in([Field::new("group", "memberCount")]),
        Section::ADMINISTRATORS => new(
            "Administrators",
            "Console administrators and their roles",
            "GET /api/users",
            "1 request for each 100 administrators",
        )
        .owning(RowType::several("account", ["administrator"]))
        .owning(RowType::several("group", roles))
        .owning(RowType::several("membership", roles)),
        Section::SYSTEMS => new(
            "Devices",
            "Devices and device groups",
            "GET /api/systems, GET /api/v2/systemgroups",
            "1 request for each 100 devices and each 100 device groups",
        )
        .owning(RowType::several("resource", ["system", "systemGroup"])),
        Section::APPLICATIONS => {
            new("Applications", "Applications", "GET /api/applications", "1 request for each 100 applications")
                .owning(RowType::several("resource", ["application"]))
        }
        Section::DIRECTORIES => new(
            "Directories",
            "LDAP, Google Workspace, Microsoft 365, Active Directory and RADIUS",
            "GET /api/v2/directories, GET /api/radiusservers",
            "2 requests",
        )
        .owning(RowType::several("resource", DIRECTORY_TYPES.iter().copied())),
        Section::GRANTS => new(
            "Bindings",
            "Who is bound to which device, device group, application and directory, and which device is in which device \
             group",
            "GET /api/v2/{kind}/{id}/associations, GET /api/v2/systemgroups/{id}/members",
            "for each kind of edge, 1 request for each thing on the side that has fewer",
        )
        .owning(RowType::several("binding", ["accountToResource", "groupToResource", "resourceToResource"])),
        Section::PRIVILEGED_GRANTS => new(
            "Privileged grants",
            "Which devices accounts reach as administrator, with the level and the path",
            "made of bindings, memberships and what raises access",
            "nothing",
        )
        .owning(RowType::several("grant", ["privileged"])),
        Section::OTHER_GRANTS => new(
            "Other grants",
            "What else accounts and groups reach, with the level and the path",
            "made of bindings, memberships and what raises access",
            "nothing",
        )
        .owning(RowType::several("grant", ["other"])),
        _ => new(
            "Last logins",
            "Last successful and failed login, service, second factor",
            "POST /insights/directory/v1/events",
            "1 request per 10,000 login events in the look-back window, plus 2, sequentially; 1 more as a service \
             account without jumpcloudOrgId",
        )
        .filling_in([Field::new("account", "lastLogin"), Field::new("account", "lastLoginAt")]),
    }
}

/// Steps as sentences.
fn sentences(steps: &[String]) -> String {
    steps.iter().map(|step| sentence(step)).collect::<Vec<_>>().join(". ")
}

fn sentence(remedy: &str) -> String {
    let mut letters = remedy.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn troubleshooting() -> Vec<TroubleshootingRow> {
    let row = |code, symptom: &str, likely_cause: &str, resolution: &str| {
        TroubleshootingRow::new(code, symptom, likely_cause, resolution)
    };
    vec![
        row(
            ErrorCode::Unauthorized,
            "401 Unauthorized",
            "Another region's host; an API key that expired, was replaced, or whose administrator has no API access",
            &sentences(&rights::unauthorized_steps(SignIn::ApiKey)),
        ),
        row(
            ErrorCode::Unauthorized,
            "401 Unauthorized, signing in as a service account",
            "Another region's host; an account that is not active, a secret or key that expired or was replaced",
            &sentences(&rights::unauthorized_steps(SignIn::ServiceAccountToken)),
        ),
        row(
            ErrorCode::WrongOrganization,
            "401 or 400 that asks for an organisation, 404 with an organisation id, or another organisation's rows",
            "The credential may see several organisations and none is named, or the id is wrong",
            "Set jumpcloudOrgId to one of the ids that Test Connection lists",
        ),
        row(
            ErrorCode::Forbidden,
            "403 Forbidden, or 402",
            "The role lacks the scope of a call, or the organisation's plan the feature",
            "Give the administrator or service account the role or scope that the error names (see Required permissions)",
        ),
        row(
            ErrorCode::AddressBlocked,
            "403 with a web page: your IP has been blocked",
            "A gateway takes this server's calls for abuse",
            "Do not scan again before JumpCloud's support has unblocked this server's public IP address; then set \
             requestsPerSecond to less",
        ),
        row(
            ErrorCode::NoUsers,
            "No users returned",
            "Organisation empty or key lacks scope",
            &sentence(&rights::no_users(SignIn::ApiKey)),
        ),
        row(
            ErrorCode::RateLimited,
            "Rate limit errors",
            "Too many API calls",
            "The connector backs off automatically; increase the scan interval or set requestsPerSecond",
        ),
        row(
            ErrorCode::Connect,
            "Cannot connect",
            "Outbound HTTPS blocked, or a proxy that refuses",
            "Ensure the OrbisID server can reach console.jumpcloud.com:443, directly or through proxyUrl",
        ),
        row(ErrorCode::Dns, "Name not resolved", "Wrong host name or DNS", "Check the host name and this server's DNS"),
        row(
            ErrorCode::Tls,
            "TLS handshake failed",
            "A proxy that inspects TLS, this server's clock, or a port that speaks plain HTTP",
            "Name the proxy's authority in caBundleFile, or correct clock or port; verification cannot be turned off",
        ),
        row(
            ErrorCode::Timeout,
            "No answer in time",
            "Slow network or service",
            "Scan again; raise the time-outs when it lasts",
        ),
        row(
            ErrorCode::ServerError,
            "5xx after all attempts",
            "JumpCloud has an outage",
            "Scan again later; look at JumpCloud's status page",
        ),
        row(
            ErrorCode::UnexpectedRedirect,
            "Redirected",
            "Wrong host name, or a login page in between",
            "Check the host name; redirects are never followed, since the credential would travel along",
        ),
        row(
            ErrorCode::MalformedResponse,
            "Answer not understood",
            "The host is not a JumpCloud console, a proxy changes answers, or JumpCloud refuses a request as it is made",
            "Check the host name and the proxy; report it when the message quotes JumpCloud",
        ),
        row(
            ErrorCode::ResponseTooLarge,
            "Answer too large",
            "Very large records, or not a JumpCloud console",
            "Lower pageSize, or raise largestAnswerMib",
        ),
        row(
            ErrorCode::InconsistentListing,
            "Listing inconsistent",
            "The organisation changed faster than it could be read",
            "Scan again at a quieter time",
        ),
        row(
            ErrorCode::InvalidConfig,
            "Settings refused",
            "An attribute is unknown or has a wrong value",
            "Follow the message; the schema lists all attributes",
        ),
        row(
            ErrorCode::InsecureEndpoint,
            "Plain HTTP refused",
            "The host name begins with http://",
            "Leave the scheme out",
        ),
        row(ErrorCode::EditionNotSupported, "Not available", "Community edition", "Use OrbisID Pro or Enterprise"),
        row(
            ErrorCode::CheckpointRejected,
            "Checkpoint refused",
            "It is damaged, too old, or made for other settings",
            "Scan with the settings that it was made for, or start afresh explicitly",
        ),
        row(
            ErrorCode::NotFound,
            "404 Not Found",
            "Wrong host name, or a feature that the organisation does not have",
            "Check the host name, for last logins jumpcloudInsightsHostname; leave out what there is not",
        ),
        row(ErrorCode::Cancelled, "Cancelled", "Somebody ended the scan", "Start it again when ready"),
        row(
            ErrorCode::Sink,
            "Records not taken",
            "The host could not store the records",
            "Look at the host's own log, disk and database",
        ),
        row(ErrorCode::Internal, "Internal error", "A defect in the connector", "Report it with the scan's log"),
    ]
}
