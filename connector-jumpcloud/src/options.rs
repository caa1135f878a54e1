//! What an operator can set: `system.attributes.*`, typed, with their schema.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use connector_api::{ConnectorError, Section};
use connector_http::{ClientOptions, RetryPolicy};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) mod attribute;

/// The attributes of a JumpCloud system. Every one has a default that works for `console.jumpcloud.com`.
// Without `Debug`: the proxy's password must not show.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "JumpCloud system attributes")]
pub(crate) struct Options {
    /// The organisation to scan, sent as `x-org-id`. Needed when the credential may see several; find it in the
    /// JumpCloud portal under Settings, Organization Profile.
    #[schemars(title = "Organization ID", regex(pattern = "^[0-9a-fA-F]{24}$"), extend("examples" = ["5f1a2b3c4d5e6f7a8b9c0d1e"]))]
    pub(crate) jumpcloud_org_id: Option<String>,
    /// How to sign in: `apiKey` takes the credential's password as an API key; `serviceAccount` takes its user name
    /// as client id and its password as client secret.
    #[schemars(title = "Sign in with")]
    pub(crate) jumpcloud_authentication: Authentication,
    /// Where a service account gets its token. Follows from the host name in JumpCloud's own regions.
    #[schemars(title = "Token URL", extend("examples" = ["https://admin-oauth.id.jumpcloud.com/oauth2/token"]))]
    pub(crate) jumpcloud_token_url: Option<String>,
    /// The Directory Insights host. Follows from the host name in JumpCloud's own regions; otherwise the same
    /// host.
    #[schemars(title = "Directory Insights host", extend("examples" = ["api.eu.jumpcloud.com"]))]
    pub(crate) jumpcloud_insights_hostname: Option<String>,
    /// Which listing of users to read: `auto` asks `/api/v2/users` first and goes on with `/api/systemusers` where
    /// that is not served or lists nobody.
    #[schemars(title = "Users endpoint")]
    pub(crate) users_endpoint: UsersEndpoint,
    /// Where to read what makes a group privileged (sudo, POSIX groups) and how its members get in, which JumpCloud was
    /// seen to leave out of its list of groups: `auto` takes the list where its rows hold it, else reads each group, one
    /// request for each; `list` never reads groups one by one, so that their sudo may be missed; `each` always does;
    /// `filtered` finds the groups with sudo or a rule by filters, a few requests in all, and reads these alone.
    #[schemars(title = "Group details")]
    pub(crate) group_details: GroupDetails,
    /// The sections that the operator leaves out, each by its own switch.
    #[serde(skip)]
    pub(crate) left_out: BTreeSet<Section>,
    /// Which effective grants to write as rows. A binding is what an administrator made; a grant is what an account or group
    /// reaches because of it, and there can be as many as accounts times devices.
    #[schemars(title = "Effective grants")]
    pub(crate) effective_grants: EffectiveGrants,
    /// The most rows of each of the two sections of effective grants. A section that has more ends as incomplete.
    #[schemars(title = "Most effective grants", range(min = 1, max = 1_000_000_000))]
    pub(crate) effective_grants_limit: u64,
    /// How many days to look back for logins; JumpCloud keeps 90, or 15 with some plans.
    #[schemars(title = "Days of logins", range(min = 1, max = 90))]
    pub(crate) last_login_days: u16,
    /// A group whose name contains one of these, in any case, is privileged.
    #[schemars(title = "Privileged group names", inner(length(min = 1)))]
    pub(crate) privileged_group_patterns: Vec<String>,
    /// An API key older than this is reported as stale.
    #[schemars(title = "Age of a stale API key, in days", range(min = 1, max = 3650))]
    pub(crate) stale_api_key_days: u16,
    /// Rows a page; JumpCloud takes at most 100.
    #[schemars(title = "Page size", range(min = 2, max = 100))]
    pub(crate) page_size: u8,
    /// Requests in flight at the same time. 0 is automatic: few at first, more as long as they pay, at most 32.
    #[schemars(title = "Concurrent requests", range(min = 0, max = 64))]
    pub(crate) concurrency: u8,
    /// The most requests a second. Without it, the pace follows what JumpCloud answers.
    #[schemars(title = "Requests per second", range(min = 0.1, max = 1000.0))]
    pub(crate) requests_per_second: Option<f64>,
    /// Attempts for one request, the first included. Those that JumpCloud answers by asking for fewer calls (429, or 503
    /// with a time to wait) do not count; the time budget bounds them.
    #[schemars(title = "Attempts", range(min = 1, max = 20))]
    pub(crate) attempts: u8,
    /// The longest that the first wait before another attempt may be, in milliseconds; it doubles with each attempt.
    #[schemars(title = "First wait, in milliseconds", range(min = 1, max = 60_000))]
    pub(crate) retry_wait_milliseconds: u16,
    /// How long to wait for a connection, in seconds.
    #[schemars(title = "Connect time-out, in seconds", range(min = 1, max = 120))]
    pub(crate) connect_timeout_seconds: u16,
    /// The longest silence while an answer comes, in seconds.
    #[schemars(title = "Read time-out, in seconds", range(min = 1, max = 300))]
    pub(crate) read_timeout_seconds: u16,
    /// How long one attempt may take in all, in seconds.
    #[schemars(title = "Request time-out, in seconds", range(min = 1, max = 600))]
    pub(crate) request_timeout_seconds: u16,
    /// How long one request may take over all of its attempts and waits, in seconds.
    #[schemars(title = "Time budget of a request, in seconds", range(min = 1, max = 3600))]
    pub(crate) retry_budget_seconds: u16,
    /// How long a scan may take, in minutes.
    #[schemars(title = "Time limit of a scan, in minutes", range(min = 1, max = 1440))]
    pub(crate) scan_limit_minutes: u16,
    /// The largest answer that is accepted, in MiB, after decompression.
    #[schemars(title = "Largest answer, in MiB", range(min = 1, max = 256))]
    pub(crate) largest_answer_mib: u16,
    /// A file of certificates in PEM form to trust in addition to the platform's own.
    #[schemars(title = "CA bundle", extend("examples" = ["/etc/orbisid/ca.pem"]))]
    pub(crate) ca_bundle_file: Option<PathBuf>,
    /// An HTTP proxy for all requests; its URL may hold a password. Without it, `HTTPS_PROXY` and `NO_PROXY` of the
    /// environment hold.
    #[schemars(
        title = "Proxy",
        extend("examples" = ["http://proxy.example:3128"], "writeOnly" = true, "format" = "password")
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy_url: Option<String>,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum Authentication {
    /// An administrator's API key.
    #[default]
    ApiKey,
    /// A service account's client id and secret.
    ServiceAccount,
}

/// Which listing of users to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum UsersEndpoint {
    /// The first of the two that is served.
    #[default]
    Auto,
    /// `/api/v2/users`.
    V2,
    /// `/api/systemusers`.
    Systemusers,
}

/// Where to read the details of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum GroupDetails {
    /// In the list where its rows hold them, else in each group.
    #[default]
    Auto,
    /// In the list alone.
    List,
    /// In each group.
    Each,
    /// In the groups that filters find.
    Filtered,
}

/// Which effective grants are rows. Each is a set of whole sections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(crate) enum EffectiveGrants {
    /// What accounts reach with more than use, or for a limited time.
    #[default]
    Privileged,
    /// What all accounts and groups reach.
    All,
    /// None. Bindings and memberships are still rows, and evidence is the same.
    None,
}

impl EffectiveGrants {
    /// The sections that it leaves out.
    const fn left_out(self) -> &'static [Section] {
        match self {
            Self::Privileged => &[Section::OTHER_GRANTS],
            Self::All => &[],
            Self::None => &[Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS],
        }
    }
}

impl GroupDetails {
    /// The word in the settings.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::List => "list",
            Self::Each => "each",
            Self::Filtered => "filtered",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jumpcloud_org_id: None,
            jumpcloud_authentication: Authentication::default(),
            jumpcloud_token_url: None,
            jumpcloud_insights_hostname: None,
            users_endpoint: UsersEndpoint::default(),
            group_details: GroupDetails::default(),
            left_out: BTreeSet::new(),
            effective_grants: EffectiveGrants::default(),
            effective_grants_limit: 5_000_000,
            last_login_days: 90,
            privileged_group_patterns: ["admin", "privilege", "superuser", "root", "sudo"].map(str::to_owned).to_vec(),
            stale_api_key_days: 90,
            page_size: 100,
            concurrency: 0,
            requests_per_second: None,
            attempts: 7,
            retry_wait_milliseconds: 500,
            connect_timeout_seconds: 10,
            read_timeout_seconds: 30,
            request_timeout_seconds: 120,
            retry_budget_seconds: 300,
            scan_limit_minutes: 360,
            largest_answer_mib: 64,
            ca_bundle_file: None,
            proxy_url: None,
        }
    }
}

impl Options {
    /// Reads attributes that have passed the schema, and the switches that leave sections out.
    ///
    /// # Errors
    /// `invalid_config` for what a schema cannot say.
    pub(crate) fn read(attributes: &Map<String, Value>, switches: Switches) -> Result<Self, ConnectorError> {
        let refused = |error: String| {
            ConnectorError::invalid_config(format!("attributes: {error}"), "correct the system's attributes")
        };
        let mut attributes = attributes.clone();
        let mut left_out = BTreeSet::new();
        for (section, switch) in switches {
            match attributes.remove(switch.name) {
                None | Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => _ = left_out.insert(section),
                Some(_) => return Err(refused(format!("{} is neither true nor false", switch.name))),
            }
        }
        let options: Self =
            serde_json::from_value(Value::Object(attributes)).map_err(|error| refused(error.to_string()))?;
        left_out.extend(options.effective_grants.left_out());
        Ok(Self { left_out, ..options })
    }

    /// The schema of the attributes, with the switches of the sections where they belong.
    pub(crate) fn schema(switches: Switches) -> Schema {
        let mut schema = schemars::schema_for!(Self);
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return schema };
        let own = std::mem::take(properties);
        for (name, property) in own {
            if name == BEHIND_SWITCHES {
                properties.extend(switches.iter().map(|(_, switch)| (switch.name.to_owned(), switch.schema())));
            }
            properties.insert(name, property);
        }
        schema
    }

    /// The bounds within which a scan asks.
    pub(crate) fn bounds(&self) -> ClientOptions {
        let seconds = |seconds: u16| Duration::from_secs(seconds.into());
        ClientOptions {
            connect_timeout: seconds(self.connect_timeout_seconds),
            read_timeout: seconds(self.read_timeout_seconds),
            request_timeout: seconds(self.request_timeout_seconds),
            retry: RetryPolicy {
                attempts: self.attempts.into(),
                time_budget: seconds(self.retry_budget_seconds),
                first_wait: Duration::from_millis(self.retry_wait_milliseconds.into()),
                ..RetryPolicy::default()
            },
            concurrency: self.concurrency.into(),
            requests_per_second: self.requests_per_second,
            largest_body: usize::from(self.largest_answer_mib) * 1024 * 1024,
            ca_bundle: self.ca_bundle_file.clone(),
            proxy: self.proxy_url.clone().map(Into::into),
        }
    }

    /// Whether the operator wants a section.
    pub(crate) fn wants(&self, section: Section) -> bool {
        !self.left_out.contains(&section)
    }
}

/// The attribute in front of which the switches of the sections stand in forms.
const BEHIND_SWITCHES: &str = attribute::LAST_LOGIN_DAYS;

/// The attribute that leaves a section out; it is on unless said otherwise.
pub(crate) struct Switch {
    /// The attribute's name.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// What it discovers, and at what cost.
    pub(crate) description: &'static str,
}

impl Switch {
    fn schema(&self) -> Value {
        json!({"description": self.description, "type": "boolean", "default": true, "title": self.title})
    }
}

/// The sections that can be left out, each with its switch.
pub(crate) type Switches = Vec<(Section, &'static Switch)>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sections::switches;

    #[test]
    fn every_attribute_explains_itself_and_has_its_default_in_the_schema_unless_it_is_secret() {
        let schema = Options::schema(switches());
        let properties = schema.get("properties").unwrap().as_object().unwrap();
        assert!(properties.len() > 20);
        for (name, property) in properties {
            assert!(property.get("title").is_some(), "{name} has no title");
            assert!(property.get("description").is_some(), "{name} has no description");
            assert_eq!(property.get("default").is_some(), property["writeOnly"] != true, "{name}");
        }
    }

    #[test]
    fn what_code_and_texts_call_an_attribute_is_one() {
        let schema = Options::schema(switches());
        let is_attribute = |name: &str| schema.get("properties").unwrap().get(name).is_some();
        let known = attribute::ALL.iter().copied().chain(switches().into_iter().map(|(_, switch)| switch.name));
        for name in known {
            assert!(is_attribute(name), "{name}");
        }
        let descriptor = crate::descriptor::descriptor();
        let sections = descriptor.sections.iter().flat_map(|section| [&section.data, &section.cost]);
        let evidence = descriptor.evidence.iter().flat_map(|row| [&row.meaning, &row.remedy]);
        let troubles = descriptor.troubleshooting.iter().flat_map(|row| [&row.likely_cause, &row.resolution]);
        for text in sections.chain(evidence).chain(troubles) {
            for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '.') {
                let word = word.trim_end_matches('.');
                let is_name = word.starts_with(|first: char| first.is_lowercase()) && word.contains(char::is_uppercase);
                // The field that says since when logins are known.
                assert!(!is_name || word == "lastLogin.since" || is_attribute(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn a_section_is_left_out_by_its_switch_and_by_nothing_else_than_false() {
        let read = |value: Value| Options::read(&Map::from_iter([("includeSystems".to_owned(), value)]), switches());
        assert!(!read(json!(false)).unwrap().wants(Section::SYSTEMS));
        assert!(read(json!(true)).unwrap().wants(Section::SYSTEMS));
        assert!(read(json!(false)).unwrap().wants(Section::APPLICATIONS));
        let error = read(json!("false")).err().unwrap();
        assert_eq!(error.message, "attributes: includeSystems is neither true nor false");
        assert!(Options::read(&Map::from_iter([("includeWeather".to_owned(), json!(true))]), switches()).is_err());
    }

    #[test]
    fn no_attribute_need_be_given() {
        Options::read(&Map::new(), switches()).unwrap();
    }
}
