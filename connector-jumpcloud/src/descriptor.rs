//! The connector's descriptor.

use std::sync::LazyLock;

use connector_api::{
    Access, CredentialField, CredentialMapping, Descriptor, Edition, ErrorCode, Protocol, TroubleshootingRow,
};

use crate::api::level::Level;
use crate::client::WORDS;
use crate::graph::evidence_table;
use crate::graph_description::graph_description;
use crate::options::{Options, attribute, form};
use crate::regions;
use crate::rights::{self, EVERYTHING, Right, SignIn};
use crate::sections::{self, About, local_accounts, users};

/// The OS Type by which a system chooses this connector.
pub const OS_TYPE: &str = "JumpCloud";

/// The console of the default region.
const DEFAULT_HOSTNAME: &str = WORDS.example_host;

/// Describes the connector, without I/O. It is built once, because copying the schema is faster than building it.
pub(crate) fn descriptor() -> Descriptor {
    static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(made);
    DESCRIPTOR.clone()
}

fn made() -> Descriptor {
    let mut descriptor = Descriptor::new(OS_TYPE, "JumpCloud", env!("CARGO_PKG_VERSION"));
    descriptor.description =
        "Discovers who can get into a JumpCloud organisation, who reaches what there, and why: users, groups, \
         administrators, service accounts and their roles, local administrators of devices, devices, applications, \
         directories, bindings, temporary access, conditional access and last logins, over JumpCloud's Core API and Directory \
         Insights."
            .to_owned();
    descriptor.system_type = "Directory Service".to_owned();
    descriptor.default_scan_priority = 10;
    descriptor.default_hostname = Some(DEFAULT_HOSTNAME.to_owned());
    descriptor.protocols = vec![Protocol::new(
        "REST API (HTTPS)",
        443,
        "API key via x-api-key request header, or a service account's bearer token",
    )];
    descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
    descriptor.credential =
        CredentialMapping::new(CredentialField::required("JumpCloud API key, or client secret of a service account"))
            .with_username(CredentialField::optional("client id of a service account; ignored with an API key"));
    descriptor.required_permissions = permissions();
    descriptor.sections = sections::ALL.iter().map(|section| section.about().describe()).collect();
    descriptor.volatile = sections::ALL.iter().flat_map(|section| sections::fields(section.about().volatile)).collect();
    descriptor.evidence = evidence_table::rows();
    descriptor.emits = emits();
    descriptor.accesses = accesses();
    descriptor.graph = Some(graph_description());
    descriptor.configuration_steps = [
        "In the JumpCloud admin portal, open Administrator Account, API Settings, Generate New API Key. A new key \
         revokes the old one for everything that uses it",
        "Copy the API key (it is displayed only once)",
        "Create a Credential in OrbisID with the API key as its Password",
        "Open Systems, Add System",
        &format!(
            "Choose OS Type JumpCloud and System Type Directory Service; the Hostname is {DEFAULT_HOSTNAME} ({} in those \
             regions); choose the Credential",
            regions::other_hosts(regions::CONSOLE)
        ),
        "Click Test Connection",
        "Click Save",
    ]
    .map(str::to_owned)
    .to_vec();
    descriptor.troubleshooting = troubleshooting();
    descriptor.config_schema = Options::schema(&sections::switches());
    descriptor.form = form::groups(&sections::switches());
    descriptor.tuning = attribute::TUNING.iter().map(|name| (*name).to_owned()).collect();
    descriptor
}

/// The group and resource types in rows.
fn emits() -> Vec<String> {
    let owned = sections::ALL.iter().flat_map(|section| section.about().owns);
    let named = owned.filter(|(record, _)| ["group", "resource"].contains(record));
    named.flat_map(|(_, types)| types.iter().map(|name| (*name).to_owned())).collect()
}

/// The accesses in rows, weakest first. No account has both a local administrator's and one of the levels.
fn accesses() -> Vec<Access> {
    let mut accesses = Level::accesses();
    accesses.push(local_accounts::ACCESS);
    accesses
}

/// The lines about permissions on the operator's page.
fn permissions() -> Vec<String> {
    let readers = |role: &str| {
        let may =
            |about: &&About| !about.rights.is_empty() && about.rights.iter().all(|right| right.roles.contains(&role));
        let abouts = sections::ALL.iter().map(|section| section.about());
        abouts.filter(may).map(|about| about.section.to_string()).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        "An administrator with API access, or a service account; its role decides what it can read".to_owned(),
        format!("The role {EVERYTHING} can read everything; the role Manager: {}", readers("Manager")),
        "JumpCloud refuses last logins (Directory Insights) to the Command Runner roles, and the list of organisations to \
         service accounts"
            .to_owned(),
        "Any other role needs these scopes, or the same scopes without `.readonly`:".to_owned(),
    ];
    let line = |of: &str, taken: &[Right]| {
        let scopes: Vec<String> = rights::scopes(taken).iter().map(|scope| format!("`{scope}`")).collect();
        format!("{of}: {}", scopes.join(", "))
    };
    let reading = sections::ALL.iter().map(|section| section.about()).filter(|about| !about.rights.is_empty());
    lines.extend(reading.map(|about| line(about.section.as_str(), about.rights)));
    lines.push(line("the list of organisations", &rights::ORGANIZATIONS));
    lines
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
            "Host of another region; API key expired or replaced; its administrator has no API access",
            &sentences(&rights::unauthorized_steps(SignIn::ApiKey)),
        ),
        row(
            ErrorCode::Unauthorized,
            "401 Unauthorized, signing in as a service account",
            "Host of another region; service account not active; its secret or key expired or replaced",
            &sentences(&rights::unauthorized_steps(SignIn::ServiceAccountToken)),
        ),
        row(
            ErrorCode::WrongOrganization,
            "401 or 400 that asks for an organisation, 404 with an organisation id, or rows of another organisation",
            "The credential can access several organisations and none is selected, or the id is wrong",
            &format!("Set {} to one of the ids that Test Connection lists", attribute::ORG_ID),
        ),
        row(
            ErrorCode::Forbidden,
            "403 Forbidden, or 402",
            "The role does not have a required scope, or the organisation's plan does not include the feature",
            "Give the administrator or service account the role or scope named in the error (see Required permissions)",
        ),
        row(
            ErrorCode::AddressBlocked,
            "403 or 429 with a web page: your IP has been blocked",
            "A gateway blocks this server because of too many requests",
            &format!(
                "Do not scan again until JumpCloud's support has unblocked this server's public IP address; then set a lower {}",
                attribute::REQUESTS_PER_SECOND
            ),
        ),
        row(
            ErrorCode::NoUsers,
            "No users returned",
            "The organisation is empty, or the key does not have the scope",
            &sentence(&rights::no_users(SignIn::ApiKey, users::SCOPE)),
        ),
        row(
            ErrorCode::RateLimited,
            "Rate limit errors",
            "Too many API calls",
            &format!(
                "The connector backs off automatically; increase the scan interval or set {}",
                attribute::REQUESTS_PER_SECOND
            ),
        ),
        row(
            ErrorCode::Connect,
            "Cannot connect",
            "Outbound HTTPS is blocked, or the proxy refuses the connection",
            &format!(
                "Ensure the OrbisID server can reach console.jumpcloud.com:443, directly or through {}",
                attribute::PROXY_URL
            ),
        ),
        row(ErrorCode::Dns, "Name not resolved", "Wrong host name or DNS", "Check the host name and this server's DNS"),
        row(
            ErrorCode::Tls,
            "TLS handshake failed",
            "A proxy inspects TLS, this server's clock is wrong, or the port is for plain HTTP",
            &format!(
                "Add the proxy's CA certificate with {}, or correct the clock or port; verification cannot be turned off",
                attribute::CA_BUNDLE_FILE
            ),
        ),
        row(
            ErrorCode::Timeout,
            "No response in time",
            "Slow network or service",
            "Scan again; if it persists, raise the time-outs",
        ),
        row(
            ErrorCode::ServerError,
            "5xx after all attempts",
            "JumpCloud has an outage",
            "Scan again later; check JumpCloud's status page",
        ),
        row(
            ErrorCode::UnexpectedRedirect,
            "Redirected",
            "Wrong host name, or a login page on the way to JumpCloud",
            "Check the host name; redirects are never followed, because they would receive the credential",
        ),
        row(
            ErrorCode::MalformedResponse,
            "Response not understood",
            "The host is not a JumpCloud console, a proxy changes the responses, or JumpCloud rejects the request",
            "Check the host name and the proxy; if the message quotes JumpCloud, report it",
        ),
        row(
            ErrorCode::ResponseTooLarge,
            "Response too large",
            "Very large records, or not a JumpCloud console",
            &format!("Lower {}, or raise {}", attribute::PAGE_SIZE, attribute::LARGEST_ANSWER_MIB),
        ),
        row(
            ErrorCode::InconsistentListing,
            "List inconsistent",
            "The organisation changed faster than it could be read",
            "Scan again at a quieter time",
        ),
        row(
            ErrorCode::LimitExceeded,
            "Effective grants incomplete",
            "A section of effective grants has more rows than effectiveGrantsLimit allows",
            "Raise effectiveGrantsLimit, or set effectiveGrants to none, or to privileged if only the other grants are too \
             many; the host keeps the rows that it had",
        ),
        row(
            ErrorCode::InvalidConfig,
            "Settings refused",
            "An attribute is unknown or has a wrong value",
            "Correct the attribute that the message names; the schema lists all attributes",
        ),
        row(
            ErrorCode::InsecureEndpoint,
            "Plain HTTP refused",
            "The host name begins with http://",
            "Remove http:// from the host name",
        ),
        row(ErrorCode::EditionNotSupported, "Not available", "Community edition", "Use OrbisID Pro or Enterprise"),
        row(
            ErrorCode::CheckpointRejected,
            "Checkpoint refused",
            "It is damaged, too old, or was made with other settings",
            "Scan with the settings that it was made with, or start a new scan without it (`harness scan --fresh`)",
        ),
        row(
            ErrorCode::NotFound,
            "404 Not Found",
            "Wrong host name, or the organisation does not have the feature",
            &format!(
                "Check the host name, for last logins {}; skip sections that the organisation does not have",
                attribute::INSIGHTS_HOSTNAME
            ),
        ),
        row(ErrorCode::Cancelled, "Cancelled", "Somebody cancelled the scan", "Start the scan again when ready"),
        row(
            ErrorCode::Sink,
            "Records not taken",
            "The host could not store the records",
            "Check the host's log, disk and database",
        ),
        row(ErrorCode::Internal, "Internal error", "A defect in the connector", "Report it with the scan's log"),
    ]
}
