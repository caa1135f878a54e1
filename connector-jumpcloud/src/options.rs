//! What an operator can set: `system.attributes.*`, typed, with their schema.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use connector_api::{ConnectorError, Section, SystemConfig, settings_schema};
use connector_http::{ClientOptions, RetryPolicy};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) mod attribute;
mod choices;
pub(crate) mod form;

pub(crate) use choices::{Authentication, EffectiveGrants, GroupDetails, UsersEndpoint};

/// The attributes of a JumpCloud system. None has to be set for console.jumpcloud.com.
// Without `Debug`: the proxy's password must not show.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "JumpCloud system attributes")]
pub(crate) struct Options {
    /// The organisation to scan: 24 hexadecimal digits. Needed when the credential may see several; find it in the
    /// JumpCloud portal under Settings, Organization Profile.
    #[schemars(title = "Organization ID", regex(pattern = "^[0-9a-fA-F]{24}$"), extend("examples" = ["5f1a2b3c4d5e6f7a8b9c0d1e"]))]
    pub(crate) jumpcloud_org_id: Option<String>,
    /// With an API key, enter it as the credential's password. With a service account, enter its client ID as the
    /// credential's user name and its client secret as the password.
    #[schemars(title = "Sign in with")]
    pub(crate) jumpcloud_authentication: Authentication,
    /// Where a service account gets its token. In JumpCloud's own regions it follows from the host name.
    #[schemars(title = "Token URL", extend("examples" = ["https://admin-oauth.id.jumpcloud.com/oauth2/token"]))]
    pub(crate) jumpcloud_token_url: Option<String>,
    /// Where last logins are read. In JumpCloud's own regions it follows from the host name; elsewhere it is the same
    /// host.
    #[schemars(title = "Directory Insights host", extend("examples" = ["api.eu.jumpcloud.com"]))]
    pub(crate) jumpcloud_insights_hostname: Option<String>,
    /// Which list of users to read. Automatic asks /api/v2/users first, and /api/systemusers where that is not served
    /// or lists nobody.
    #[schemars(title = "Users endpoint")]
    pub(crate) users_endpoint: UsersEndpoint,
    /// Where to read what makes a group privileged (sudo, POSIX groups) and how its members get in: JumpCloud may leave
    /// these out of its list of groups. Automatic takes the list where it has them, else reads each group with one
    /// request. With the list alone, sudo of groups may be missed. By filters, a few requests find the groups with sudo
    /// or a rule, and only these are read.
    #[schemars(title = "Group details")]
    pub(crate) group_details: GroupDetails,
    /// The sections that the operator skips, each by its own switch.
    #[serde(skip)]
    pub(crate) left_out: BTreeSet<Section>,
    /// Which effective grants to write as rows. A binding is what an administrator configured; a grant is what an account
    /// or group can reach because of it, and there can be as many as accounts times devices. Grants that are not written
    /// can be computed from bindings and memberships; evidence is the same in every case.
    #[schemars(title = "Effective grants")]
    pub(crate) effective_grants: EffectiveGrants,
    /// The most rows in each section of effective grants. A section with more ends as incomplete, and the host keeps the
    /// rows that it had.
    #[schemars(title = "Effective grants limit", range(min = 1, max = 1_000_000_000))]
    pub(crate) effective_grants_limit: u64,
    /// A check of the computed access: for this number of devices and of applications, JumpCloud's own list of the users who
    /// reach them is compared with the bindings and memberships of the scan, and differences become notes of the section
    /// grants. JumpCloud does not publish, for example, whether a direct right on a device supersedes that of a group; this
    /// shows it for your organisation. Rows never depend on it. Costs a request for each 100 users of each of them.
    #[schemars(title = "Devices and applications to verify", range(min = 0, max = 1000))]
    pub(crate) verify_grants: u16,
    /// How many days of logins to read. JumpCloud keeps 90 days, with some plans 15.
    #[schemars(title = "Login look-back, in days", range(min = 1, max = 90))]
    pub(crate) last_login_days: u16,
    /// A group whose name contains one of these, in any case, is privileged.
    #[schemars(title = "Privileged group names", inner(length(min = 1)))]
    pub(crate) privileged_group_patterns: Vec<String>,
    /// An API key or SSH key older than this is reported as stale.
    #[schemars(title = "Stale key age, in days", range(min = 1, max = 3650))]
    pub(crate) stale_api_key_days: u16,
    /// Rows per page. JumpCloud takes at most 100.
    #[schemars(title = "Page size", range(min = 2, max = 100))]
    pub(crate) page_size: u8,
    /// The most requests in flight at the same time. 0 is automatic: 8 at first, more as long as throughput grows, at most
    /// 32, and fewer when JumpCloud gets slower or fails. 1 to 64 fixes the number.
    #[schemars(title = "Concurrent requests", range(min = 0, max = 64))]
    pub(crate) concurrency: u8,
    /// Maximum number of requests per second. If it is not set, the pace follows JumpCloud's responses.
    #[schemars(title = "Requests per second", range(min = 0.1, max = 1000.0))]
    pub(crate) requests_per_second: Option<f64>,
    /// Maximum number of attempts, including the first. Responses that ask to slow down (429, or 503 with Retry-After) do
    /// not count; the time budget limits them.
    #[schemars(title = "Attempts per request", range(min = 1, max = 20))]
    pub(crate) attempts: u8,
    /// The longest first wait before another attempt, in milliseconds. It doubles with each attempt.
    #[schemars(title = "First retry wait, in milliseconds", range(min = 1, max = 60_000))]
    pub(crate) retry_wait_milliseconds: u16,
    /// How long to wait for a connection, in seconds.
    #[schemars(title = "Connect time-out, in seconds", range(min = 1, max = 120))]
    pub(crate) connect_timeout_seconds: u16,
    /// The longest pause within a response, in seconds.
    #[schemars(title = "Read time-out, in seconds", range(min = 1, max = 300))]
    pub(crate) read_timeout_seconds: u16,
    /// How long one attempt may take in all, in seconds.
    #[schemars(title = "Request time-out, in seconds", range(min = 1, max = 600))]
    pub(crate) request_timeout_seconds: u16,
    /// How long one request may take over all of its attempts and waits, in seconds.
    #[schemars(title = "Time budget per request, in seconds", range(min = 1, max = 3600))]
    pub(crate) retry_budget_seconds: u16,
    /// How long a scan may take, in minutes.
    #[schemars(title = "Time limit of a scan, in minutes", range(min = 1, max = 1440))]
    pub(crate) scan_limit_minutes: u16,
    /// The largest response to accept, in MiB, after decompression.
    #[schemars(title = "Largest response, in MiB", range(min = 1, max = 256))]
    pub(crate) largest_answer_mib: u16,
    /// The path of a file of certificates in PEM form, on the OrbisID server, to trust in addition to the platform's own.
    #[schemars(title = "CA bundle file", extend("examples" = ["/etc/orbisid/ca.pem"]))]
    pub(crate) ca_bundle_file: Option<PathBuf>,
    /// The URL of an HTTP proxy for all requests; it may hold a password. When it is not set, the environment's HTTPS_PROXY
    /// and NO_PROXY apply.
    #[schemars(
        title = "Proxy URL",
        extend("examples" = ["http://proxy.example:3128"], "writeOnly" = true, "format" = "password")
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy_url: Option<String>,
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
            verify_grants: 0,
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
    /// Reads attributes that have passed the schema, and the switches that skip sections.
    ///
    /// # Errors
    /// `invalid_config` for what a schema cannot say.
    pub(crate) fn read(mut config: SystemConfig, switches: Switches) -> Result<Self, ConnectorError> {
        let mut left_out = BTreeSet::new();
        for (section, switch) in switches {
            match config.attributes.remove(switch.name) {
                None | Some(Value::Null | Value::Bool(true)) => {}
                Some(Value::Bool(false)) => _ = left_out.insert(section),
                Some(_) => {
                    return Err(ConnectorError::invalid_config(
                        format!("attributes.{}: is neither true nor false", switch.name),
                        "correct the system's attributes",
                    ));
                }
            }
        }
        let options: Self = config.options()?;
        left_out.extend(options.effective_grants.left_out());
        Ok(Self { left_out, ..options })
    }

    /// The schema of the attributes, with the switches of the sections, in the order of the form.
    pub(crate) fn schema(switches: &Switches) -> Schema {
        let mut schema = settings_schema::<Self>();
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return schema };
        let switched = switches.iter().map(|(_, switch)| (switch.name.to_owned(), switch.schema()));
        properties.extend(switched);
        let order: Vec<String> = form::groups(switches).into_iter().flat_map(|group| group.attributes).collect();
        let mut sorted: Vec<_> = std::mem::take(properties).into_iter().collect();
        sorted.sort_by_key(|(name, _)| order.iter().position(|known| known == name).unwrap_or(order.len()));
        properties.extend(sorted);
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

/// The attribute that skips a section; it is on unless said otherwise.
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
        json!({"title": self.title, "description": self.description, "type": "boolean", "default": true})
    }
}

/// The sections that can be skipped, each with its switch.
pub(crate) type Switches = Vec<(Section, &'static Switch)>;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Credential, ErrorCode, SystemConfig};
    use connector_http::Concurrency;

    use super::*;
    use crate::sections::switches;

    fn config() -> SystemConfig {
        SystemConfig::new("JumpCloud", "console.jumpcloud.com", Credential::from_secret("key"))
    }

    #[test]
    fn whatever_number_the_schema_accepts_is_read() {
        let config = config().with_attribute("lastLoginDays", 45.0).with_attribute("requestsPerSecond", 2);
        config.validate(&crate::descriptor::descriptor()).unwrap();
        let options = Options::read(config, switches()).unwrap();
        assert_eq!((options.last_login_days, options.requests_per_second), (45, Some(2.0)));
    }

    #[test]
    fn concurrency_is_automatic_or_a_number_from_1_to_64() {
        let read = |value: Value| -> Result<Concurrency, ConnectorError> {
            let config = config().with_attribute("concurrency", value);
            config.validate(&crate::descriptor::descriptor())?;
            Ok(Options::read(config, switches())?.bounds().concurrency)
        };
        assert_eq!(Options::read(config(), switches()).unwrap().bounds().concurrency, Concurrency::Automatic);
        assert_eq!(read(json!(0)).unwrap(), Concurrency::Automatic);
        for number in [1, 32, 64] {
            assert_eq!(read(json!(number)).unwrap(), Concurrency::Fixed(number));
        }
        for (refused, bound) in
            [(json!(65), "64"), (json!(-1), "0"), (json!(1.5), "whole number"), (json!("auto"), "whole number")]
        {
            let error = read(refused.clone()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidConfig, "{refused}");
            assert!(
                error.message.contains("attributes.concurrency") && error.message.contains(bound),
                "{refused}: {error}"
            );
        }
    }

    #[test]
    fn an_attribute_that_does_not_fit_is_named() {
        let error = Options::read(config().with_attribute("lastLoginDays", 90.5), switches()).err().unwrap();
        assert!(error.message.starts_with("attributes.lastLoginDays: "), "{error}");
    }

    #[test]
    fn every_attribute_explains_itself_and_has_its_default_where_there_is_one_unless_it_is_secret() {
        let schema = Options::schema(&switches());
        let properties = schema.get("properties").unwrap().as_object().unwrap();
        assert!(properties.len() > 20);
        for (name, property) in properties {
            assert!(property.get("title").is_some(), "{name} has no title");
            assert!(property.get("description").is_some(), "{name} has no description");
            let default = serde_json::to_value(Options::default()).unwrap().get(name).cloned();
            let has_default = default.is_none_or(|default| !default.is_null()) && property["writeOnly"] != true;
            assert_eq!(property.get("default").is_some(), has_default, "{name}");
        }
    }

    #[test]
    fn what_code_and_texts_call_an_attribute_is_one() {
        let schema = Options::schema(&switches());
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
        let read = |value: Value| Options::read(config().with_attribute("includeSystems", value), switches());
        assert!(!read(json!(false)).unwrap().wants(Section::SYSTEMS));
        assert!(read(json!(true)).unwrap().wants(Section::SYSTEMS));
        assert!(read(json!(false)).unwrap().wants(Section::APPLICATIONS));
        let error = read(json!("false")).err().unwrap();
        assert_eq!(error.message, "attributes.includeSystems: is neither true nor false");
        assert!(Options::read(config().with_attribute("includeWeather", true), switches()).is_err());
    }

    #[test]
    fn attributes_stand_in_the_schema_in_the_order_of_the_form() {
        let schema = Options::schema(&switches());
        let names: Vec<&String> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        let groups = form::groups(&switches());
        assert_eq!(names, groups.iter().flat_map(|group| &group.attributes).collect::<Vec<_>>());
        for (_, switch) in switches() {
            assert!(groups[1].attributes.iter().any(|name| name == switch.name), "{}", switch.name);
        }
    }

    #[test]
    fn an_attribute_that_is_null_counts_as_not_set() {
        let mut config = config();
        let schema = Options::schema(&switches());
        for name in schema.get("properties").unwrap().as_object().unwrap().keys() {
            config = config.with_attribute(name, Value::Null);
        }
        config.validate(&crate::descriptor::descriptor()).unwrap();
        crate::connector::JumpCloud::try_from(config).unwrap();
    }

    #[test]
    fn no_attribute_need_be_given() {
        Options::read(config(), switches()).unwrap();
    }
}
