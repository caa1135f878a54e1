//! The meaning of JumpCloud's responses, and the header that names the organisation.

use std::sync::OnceLock;

use connector_api::{ConnectorError, ErrorCode};
use connector_http::header::{HeaderMap, HeaderName, HeaderValue};
use connector_http::{Call, Form, Refusal, Said, Service, StatusCode, Target, Verdict, Words};

use super::{INSIGHTS, WORDS};
use crate::options::attribute;
use crate::regions;
use crate::rights::{self, Rights, SignIn};

const ORG_ID: HeaderName = HeaderName::from_static("x-org-id");

/// Where the organisations are listed.
const ORGANIZATIONS: &str = "/api/organizations";

/// Whether a path names the organisations, or one of them.
fn is_of_organizations(path: &str) -> bool {
    path.strip_prefix(ORGANIZATIONS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What to check if Directory Insights is not found.
fn insights_host() -> String {
    format!(
        "check {}: Directory Insights is at {}, by the organisation's region",
        attribute::INSIGHTS_HOSTNAME,
        regions::hosts(regions::INSIGHTS)
    )
}

/// One organisation, as one credential sees it.
#[derive(Debug)]
pub(crate) struct Console {
    pub(super) sign_in: SignIn,
    /// The organisation that the operator named.
    pub(super) org_id: Option<(String, HeaderValue)>,
    /// The rights that calls need, for remedies.
    rights: Rights,
    /// The organisation named in its own rows, for Directory Insights.
    pub(super) learned_org: OnceLock<HeaderValue>,
}

impl Console {
    /// # Errors
    /// `invalid_config` for an organisation id that cannot be a header value.
    pub(super) fn new(sign_in: SignIn, org_id: Option<&str>, rights: Rights) -> Result<Self, ConnectorError> {
        // Ids are written in lower case; an operator may have copied one in another.
        let org_id = org_id.map(str::to_lowercase).map(|id| header(&id).map(|value| (id, value))).transpose()?;
        Ok(Self { sign_in, org_id, rights, learned_org: OnceLock::new() })
    }

    /// Names an organisation to Directory Insights.
    pub(super) fn learn_org_id(&self, id: &str) {
        if let Ok(id) = header(id) {
            self.learned_org.get_or_init(|| id);
        }
    }
}

fn header(org_id: &str) -> Result<HeaderValue, ConnectorError> {
    HeaderValue::from_str(org_id).map_err(|_| {
        ConnectorError::invalid_config(
            format!("attributes.{}: is not an id", attribute::ORG_ID),
            "set it to the organisation's id, 24 hexadecimal digits",
        )
    })
}

impl Target for Console {
    fn words(&self) -> &Words {
        &WORDS
    }

    fn headers(&self, call: &Call) -> HeaderMap {
        let learned = self.learned_org.get().filter(|_| call.service() == INSIGHTS);
        let org_id = self.org_id.as_ref().map(|(_, header)| header).or(learned);
        org_id.map(|id| (ORG_ID, id.clone())).into_iter().collect()
    }

    fn judge(&self, refusal: &Refusal<'_>) -> Verdict {
        let Refusal { asked, status, said, .. } = refusal;
        let (service, path, sign_in) = (asked.service, asked.path, self.sign_in);
        match status.as_u16() {
            _ if refusal.blocks_address() => refusal.address_blocked(),
            400 | 401 | 403 if service == Service::TOKEN => refusal.no_token(rights::no_token()),
            // `failed to list collection objects: invalid sort field: _id`, or in other words.
            400 | 422 if refusal.may_refuse_to_sort() && !is_about_organizations(said, *status) => refusal.without_sort(),
            401 | 403 if is_about_service_accounts(said) || (sign_in.is_service_account() && is_of_organizations(path)) => {
                let remedy = if path == ORGANIZATIONS {
                    format!(
                        "create one system per organisation; if the service account can access several, select one with {}",
                        attribute::ORG_ID
                    )
                } else {
                    "skip this section: no role allows it".to_owned()
                };
                refusal.forbidden("not available to service accounts", remedy)
            }
            400 | 401 if is_about_organizations(said, *status) => refusal.fail(
                ErrorCode::WrongOrganization,
                "",
                format!(
                    "set {} to the organisation's id: 24 hexadecimal digits, from Settings, Organization Profile in the \
                     JumpCloud portal",
                    attribute::ORG_ID
                ),
            ),
            401 => {
                let (renew, right) = (rights::unauthorized(sign_in), self.rights.remedy(path, sign_in));
                let refused_here = format!("{right}; if all other requests are refused now too: {renew}");
                refusal.unauthorized(renew, refused_here)
            }
            402 | 404 | 405 | 410 if service == Service::MAIN && self.rights.is_of_feature(path) => {
                refusal.not_found("set the feature up in the JumpCloud portal to have it read")
            }
            402 if service == INSIGHTS => refusal.forbidden(
                "Directory Insights is not part of the organisation's JumpCloud plan",
                "add Directory Insights to the plan",
            ),
            402 => refusal.forbidden(
                "this is not part of the organisation's JumpCloud plan",
                "check the organisation's plan in the JumpCloud portal",
            ),
            403 | 451 if said.form != Form::WebPage => {
                refusal.forbidden("the credential's role does not allow reading this", self.rights.remedy(path, sign_in))
            }
            404 | 405 | 410 => refusal.not_found(match service {
                INSIGHTS => insights_host(),
                Service::TOKEN => format!("check the system's host name and {}", attribute::TOKEN_URL),
                _ => "check the system's host name and the organisation id".to_owned(),
            }),
            400 | 422 => refusal.not_taken(),
            _ => refusal.standard(),
        }
    }
}

/// Whether it refuses all service accounts, not only this one.
fn is_about_service_accounts(said: &Said) -> bool {
    let words = said.words.to_lowercase();
    words.contains("service accounts") && ["not ", "cannot"].iter().any(|part| words.contains(part))
}

/// Whether it asks for an organisation, or for another one.
fn is_about_organizations(said: &Said, status: StatusCode) -> bool {
    let words = said.words.to_lowercase();
    let asks = ["x-org-id", "no organization", "organization selected", "organization id"];
    (status == StatusCode::BAD_REQUEST && words.contains("organi")) || asks.iter().any(|part| words.contains(part))
}

#[cfg(test)]
mod tests;
