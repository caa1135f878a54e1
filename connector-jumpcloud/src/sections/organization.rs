//! The organisation's own settings, `GET /api/organizations/{id}`, and its password policies: facts of the summary. They
//! decide fields where an account's own fields do not.

use std::collections::BTreeMap;

use connector_api::{Account, ConnectorError, ErrorCode, Mfa, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{About, Context, Discovery, Read};
use crate::api::Id;
use crate::api::organizations::{self as api, WholeOrganization};
use crate::api::password_policies::{self, PasswordPolicy, PasswordRules};
use crate::client::{Client, is_absent};
use crate::options::Switch;
use crate::options::attribute::ORG_ID;
use crate::rights::Right;
use crate::scan::another_answered;
use crate::scan::planner::Planner;
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// What is known about the organisation: nothing, if its settings were not read.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Found {
    id: Option<Id>,
    name: Option<String>,
    /// Whether a second factor is required of every administrator.
    pub(crate) requires_admin_mfa: Option<bool>,
    /// The organisation's own rules for passwords.
    password_rules: Option<PasswordRules>,
    /// The policies that apply to members of some groups, if they could be listed.
    password_policies: Option<Vec<PasswordPolicy>>,
    /// Whether features are on.
    features: BTreeMap<String, bool>,
}

pub(crate) struct OrganizationSettings;

static ABOUT: About = About {
    data: "Settings of the organisation: whether administrators need a second factor, password policies, features",
    source: "GET /api/organizations/{id}, GET /api/organizations, GET /api/v2/passwordpolicies",
    cost: "3 requests, 2 with jumpcloudOrgId, 4 if no organisation is listed",
    // Where no policy decides about the console, the organisation's setting does.
    fills_in_of_type: &[
        ("account", "administrator", "mfa.required"),
        ("account", "administrator", "protection.console"),
    ],
    option: Some(Switch {
        name: "includeOrganization",
        title: "Organisation settings",
        description: "Read the organisation's settings and password policies. Costs two to four requests.",
    }),
    rights: &[
        Right::of_feature("/api/organizations/{id}", "organizations.readonly"),
        Right::of_administrators("/api/organizations", "organizations.readonly"),
        // The list is not published; the scope is that of the published calls about password policies.
        Right::of_administrators("/api/v2/passwordpolicies", "groups.readonly"),
    ],
    ..About::new(Section::ORGANIZATION, "Organisation settings")
};

#[async_trait]
impl Discovery for OrganizationSettings {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        Some(Box::pin(async move {
            let mut found = Found::default();
            let result = read(context.client, &mut found, &mut progress).await;
            Read::new(progress, result, |state| state.found.organization = found)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let (requests, because) = match planner.client.org_id() {
            Some(_) => (2, "the organisation's settings and password policies"),
            None => (3, "the list of organisations, the settings and the password policies"),
        };
        // It fills in fields of rows, and has none of its own.
        let rows = RowEstimate::default();
        planner.sections.push(SectionPlan::new(Section::ORGANIZATION, requests, because).with_rows(rows));
        Ok(())
    }

    fn facts(&self, found: &super::Found) -> Vec<(&'static str, Value)> {
        found.organization.facts()
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        let mut found = Found { password_policies: Some(crate::fuzzing::page(bytes)), ..Found::default() };
        if let Ok(whole) = serde_json::from_slice::<WholeOrganization>(bytes) {
            found.enter(whole, str::to_owned);
        }
        drop((found.facts(), found.passwords_never_expire()));
    }
}

async fn read(client: &Client, found: &mut Found, progress: &mut SectionProgress) -> Result<(), ConnectorError> {
    let Some(id) = which(client, progress).await? else { return Ok(()) };
    match api::one(client, &progress.meter, &id).await {
        Ok(whole) if whole.organization.id == id => found.enter(whole, |name| client.line(name)),
        Ok(another) => return Err(another_answered("organisation", &id, &another.organization.id)),
        // JumpCloud keeps this from service accounts: their credential is good all the same.
        Err(error) if error.is_unavailable() && !is_absent(&error) && client.sign_in().is_service_account() => {
            progress.skip("JumpCloud does not show the organisation's settings to this service account");
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    progress.advance(1, None);
    match password_policies::list(client, &progress.meter).await {
        Ok(Some(mut policies)) => {
            policies.iter_mut().for_each(|policy| policy.clean(|name| client.line(name)));
            found.password_policies = Some(policies);
        }
        Ok(None) => progress.note("there are more password policies of groups than are read"),
        Err(error) if error.code == ErrorCode::AddressBlocked => return Err(error),
        // No document has this list. The organisation's settings are complete without it.
        Err(error) if is_absent(&error) => {}
        Err(error) if error.is_unavailable() => {
            progress.note(format!("the password policies of groups were not listed: {}", error.message));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Which organisation the credential belongs to: the one that the operator named, else the only one of the list, else the
/// one that a user's row names. `None`, with a note, if that is not certain.
async fn which(client: &Client, progress: &mut SectionProgress) -> Result<Option<Id>, ConnectorError> {
    if let Some(id) = client.org_id() {
        let id = id.parse().ok();
        if id.is_none() {
            progress.skip(format!("the value of {ORG_ID} cannot be an organisation's id"));
        }
        return Ok(id);
    }
    match api::first_two(client, &progress.meter).await {
        Ok(visible) => match <[_; 1]>::try_from(visible) {
            Ok([only]) => return Ok(Some(only.id)),
            Err(visible) if visible.is_empty() => {}
            Err(_) => {
                progress.skip(format!("the credential can access several organisations, and {ORG_ID} names none"));
                return Ok(None);
            }
        },
        Err(error) if error.is_unavailable() => {}
        Err(error) => return Err(error),
    }
    let named = match api::of_first_user(client, &progress.meter).await {
        Err(error) if !error.is_unavailable() => return Err(error),
        named => named.ok().flatten(),
    };
    if named.is_none() {
        progress.skip(format!("the organisation's id is not known; set {ORG_ID} to have its settings read"));
    }
    Ok(named)
}

impl Found {
    fn enter(&mut self, whole: WholeOrganization, clean: impl Fn(&str) -> String) {
        self.requires_admin_mfa = whole.requires_admin_mfa();
        self.password_rules = whole.password_rules();
        self.features = whole.features().map(|(name, on)| (name.to_owned(), on)).collect();
        self.name = whole.organization.display_name.as_deref().map(clean);
        self.id = Some(whole.organization.id);
    }

    /// Enters whether a second factor is required of an administrator: by the organisation, or by the administrator's own
    /// flag. If the organisation's setting is not known, a flag that is off says nothing.
    pub(crate) fn enter_required_mfa(&self, administrator: &mut Account) {
        let own = administrator.mfa.as_ref().and_then(|mfa| mfa.required);
        let required = match self.requires_admin_mfa {
            Some(false) => own,
            None => own.filter(|required| *required),
            Some(true) => Some(true),
        };
        if required != own {
            let mut mfa = administrator.mfa.take().unwrap_or_default();
            mfa.required = required;
            administrator.mfa = (mfa != Mfa::default()).then_some(mfa);
        }
    }

    /// Whether no user's password expires by any policy. Only certain if the policies of groups are known as well.
    pub(crate) fn passwords_never_expire(&self) -> bool {
        let never = |rules: &PasswordRules| rules.expires == Some(false);
        self.password_rules.as_ref().is_some_and(never)
            && self.password_policies.as_ref().is_some_and(|all| all.iter().all(|policy| never(&policy.rules)))
    }

    /// Enters that a user's password never expires, if no policy lets it expire and the user's own fields say nothing. What
    /// another directory manages follows the policies there.
    pub(crate) fn enter_expiry(&self, user: &mut Account) {
        let own = user.password.as_ref();
        let is_said = own.is_some_and(|own| own.never_expires.is_some() || own.expires_at.is_some());
        if !is_said && user.source.is_none() && self.passwords_never_expire() {
            user.password.get_or_insert_default().never_expires = Some(true);
        }
    }

    fn facts(&self) -> Vec<(&'static str, Value)> {
        let policies = |all: &Vec<PasswordPolicy>| Value::from_iter(all.iter().take(SHOWN).map(policy_fact));
        let facts = [
            ("organizationId", self.id.as_ref().map(|id| id.to_string().into())),
            ("organizationName", self.name.clone().map(Value::from)),
            ("requireAdminMfa", self.requires_admin_mfa.map(Value::from)),
            ("passwordPolicy", self.password_rules.as_ref().map(|rules| rules.rules.clone().into())),
            ("passwordPolicies", self.password_policies.as_ref().map(policies)),
            ("features", (!self.features.is_empty()).then(|| json!(self.features))),
        ];
        facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
    }
}

/// The most policies, and groups of each, in the facts.
const SHOWN: usize = 50;

fn policy_fact(policy: &PasswordPolicy) -> Value {
    let group = |(id, name): &(String, Option<String>)| json!({"id": id, "name": name});
    json!({
        "id": policy.id.to_string(),
        "name": policy.name,
        "default": policy.default,
        "precedence": policy.precedence,
        "groups": Value::from_iter(policy.groups.iter().take(SHOWN).map(group)),
        "rules": policy.rules.rules,
    })
}
