//! What the connector says of itself.

use std::sync::LazyLock;

use connector_api::{CredentialField, CredentialMapping, Descriptor, Edition, ErrorCode, Protocol, TroubleshootingRow};

use crate::api::level::Level;
use crate::client::WORDS;
use crate::graph::evidence_table;
use crate::options::{Options, attribute, form};
use crate::regions;
use crate::rights::{self, EVERYTHING, Right, SignIn};
use crate::sections::{self, About, users};

/// The OS Type by which a system chooses this connector.
pub const OS_TYPE: &str = "JumpCloud";

/// The console of the organisations that are not in a region of their own.
const DEFAULT_HOSTNAME: &str = WORDS.example_host;

/// Describes the connector, without I/O. It is put together once: its schema takes longer to make than to copy.
pub(crate) fn descriptor() -> Descriptor {
    static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(made);
    DESCRIPTOR.clone()
}

fn made() -> Descriptor {
    let mut descriptor = Descriptor::new(OS_TYPE, "JumpCloud", env!("CARGO_PKG_VERSION"));
    descriptor.description =
        "Discovers users, groups, memberships, administrators, devices, applications and last logins of a \
                  JumpCloud organisation, and who reaches what, over JumpCloud's Core API and Directory Insights."
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
    descriptor.accesses = Level::accesses();
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

/// The group and resource types that rows may carry.
fn emits() -> Vec<String> {
    let owned = sections::ALL.iter().flat_map(|section| section.about().owns);
    let named = owned.filter(|(record, _)| ["group", "resource"].contains(record));
    named.flat_map(|(_, types)| types.iter().map(|name| (*name).to_owned())).collect()
}

/// What the operator's page says on permissions.
fn permissions() -> Vec<String> {
    let readers = |role: &str| {
        let may =
            |about: &&About| !about.rights.is_empty() && about.rights.iter().all(|right| right.roles.contains(&role));
        let abouts = sections::ALL.iter().map(|section| section.about());
        abouts.filter(may).map(|about| about.section.to_string()).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        "An administrator with API access, or a service account; what it may read follows from its role".to_owned(),
        format!("{EVERYTHING} may read everything; Manager: {}", readers("Manager")),
        "Any other role needs these scopes, or the same ones without `.readonly`:".to_owned(),
    ];
    let line = |of: &str, taken: &[Right]| {
        let scopes: Vec<String> = rights::scopes(taken).iter().map(|scope| format!("`{scope}`")).collect();
        format!("{of}: {}", scopes.join(", "))
    };
    let reading = sections::ALL.iter().map(|section| section.about()).filter(|about| !about.rights.is_empty());
    lines.extend(reading.map(|about| line(about.section.as_str(), about.rights)));
    lines.push(line("the organisations that a credential may see", &rights::ORGANIZATIONS));
    lines.push(
        "The Command Runner roles are refused at Directory Insights (last logins), service accounts where the \
         organisations are listed"
            .to_owned(),
    );
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
            &format!("Set {} to one of the ids that Test Connection lists", attribute::ORG_ID),
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
            &format!(
                "Do not scan again before JumpCloud's support has unblocked this server's public IP address; then set {} to \
                 less",
                attribute::REQUESTS_PER_SECOND
            ),
        ),
        row(
            ErrorCode::NoUsers,
            "No users returned",
            "Organisation empty or key lacks scope",
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
            "Outbound HTTPS blocked, or a proxy that refuses",
            &format!(
                "Ensure the OrbisID server can reach console.jumpcloud.com:443, directly or through {}",
                attribute::PROXY_URL
            ),
        ),
        row(ErrorCode::Dns, "Name not resolved", "Wrong host name or DNS", "Check the host name and this server's DNS"),
        row(
            ErrorCode::Tls,
            "TLS handshake failed",
            "A proxy that inspects TLS, this server's clock, or a port that speaks plain HTTP",
            &format!(
                "Name the proxy's authority in {}, or correct clock or port; verification cannot be turned off",
                attribute::CA_BUNDLE_FILE
            ),
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
            &format!("Lower {}, or raise {}", attribute::PAGE_SIZE, attribute::LARGEST_ANSWER_MIB),
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
            &format!(
                "Check the host name, for last logins {}; leave out what there is not",
                attribute::INSIGHTS_HOSTNAME
            ),
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
