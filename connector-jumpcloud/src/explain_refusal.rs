//! Some refusals mean something else than they say: a 401 may be for want of an organisation, a 404 for a wrong one.

use connector_api::{ConnectorError, ErrorCode};

use crate::api::organizations::{self, Organization};
use crate::client::{Client, Meter, refused_here};
use crate::options::attribute::ORG_ID;

/// The organisations that the credential may see.
///
/// # Errors
/// Whatever the request ends with.
pub(crate) async fn visible_organizations(client: &Client, meter: &Meter) -> Result<Vec<Organization>, ConnectorError> {
    client.list_offset(meter, organizations::list(100)).await
}

/// The same error, or `wrong_organization` where asking for the organisations shows that that is what it means.
pub(crate) async fn explain(client: &Client, error: ConnectorError) -> ConnectorError {
    let asks = match error.code {
        ErrorCode::Unauthorized => true,
        ErrorCode::WrongOrganization => client.org_id().is_none(),
        ErrorCode::Forbidden | ErrorCode::NotFound => client.org_id().is_some(),
        _ => false,
    };
    if !asks {
        return error;
    }
    let Ok(visible) = visible_organizations(client, &Meter::default()).await else { return error };
    let (listed, who) = (list(client, &visible), client.sign_in().name());
    let wrong = |message: String, remedy: String| ConnectorError::new(ErrorCode::WrongOrganization, message, remedy);
    match (client.org_id(), visible.as_slice()) {
        (None, []) => error,
        // Keys of one organisation see it too, so this may be a bad right as well as a missing name.
        (None, [_]) => {
            let error = refused_here(error);
            let remedy =
                format!("{}; or, with a multi-tenant administrator's key, set {ORG_ID} to {listed}", error.remedy);
            error.with_remedy(remedy)
        }
        (None, _) => wrong(
            format!("{who} is accepted, but it may see several organisations and none is named"),
            format!("set {ORG_ID} to one of: {listed}"),
        ),
        (Some(org_id), visible) if !visible.iter().any(|organization| organization.is(org_id)) => {
            not_visible(client, org_id, visible)
        }
        (Some(_), _) => refused_here(error),
    }
}

/// The organisation that is named is not among those that the credential may see.
pub(crate) fn not_visible(client: &Client, org_id: &str, visible: &[Organization]) -> ConnectorError {
    let who = client.sign_in().name();
    let (message, remedy) = match visible {
        [] => (
            format!("the organisation {org_id} is named, and {who} may see no organisation"),
            format!(
                "sign in with what may see the organisation {org_id}, or leave {ORG_ID} out for the one that {who} belongs to"
            ),
        ),
        several => (
            format!("the organisation {org_id} is not one that {who} may see"),
            format!("set {ORG_ID} to one of: {}", list(client, several)),
        ),
    };
    ConnectorError::new(ErrorCode::WrongOrganization, message, remedy)
}

/// Finds out by a user's row which organisation a bearer token belongs to, where Directory Insights must be named one
/// and none is known. Where that fails, Directory Insights says itself what is missing.
pub(crate) async fn learn_organization(client: &Client, meter: &Meter) {
    if client.lacks_org_id()
        && let Ok(Some(id)) = organizations::of_first_user(client, meter).await
    {
        client.learn_org_id(id.to_string());
    }
}

/// An organisation's name for a message.
pub(crate) fn name(client: &Client, organization: &Organization) -> String {
    client.line(organization.display_name.as_deref().unwrap_or("without a name"))
}

/// Ids and names for a message, at most ten.
pub(crate) fn list(client: &Client, organizations: &[Organization]) -> String {
    let shown = organizations.iter().take(10);
    let shown = shown.map(|organization| format!("{} ({})", organization.id, name(client, organization)));
    let mut listed = shown.collect::<Vec<_>>().join(", ");
    if organizations.len() > 10 {
        listed.push_str(&format!(" and {} more", organizations.len() - 10));
    }
    listed
}
