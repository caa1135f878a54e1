//! Explains misleading refusals: a 401 may mean that no organisation is selected, a 404 that it is the wrong one.

use connector_api::{ConnectorError, ErrorCode};

use crate::api::organizations::{self, Organization};
use crate::client::{Client, Meter, refused_here};
use crate::options::attribute::ORG_ID;

/// The organisations that the credential can access.
///
/// # Errors
/// The error of the request.
pub(crate) async fn visible_organizations(client: &Client, meter: &Meter) -> Result<Vec<Organization>, ConnectorError> {
    client.list_offset(meter, organizations::list(100)).await
}

/// The same error, or `wrong_organization` if the list of organisations shows that this is the cause.
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
        // A key of a single organisation lists it too, so the cause may be a missing right or a missing selection.
        (None, [_]) => {
            let error = refused_here(error);
            let remedy =
                format!("{}; or, with a multi-tenant administrator's key, set {ORG_ID} to {listed}", error.remedy);
            error.with_remedy(remedy)
        }
        (None, _) => wrong(
            format!("{who} is accepted, but can access several organisations and none is selected"),
            format!("set {ORG_ID} to one of: {listed}"),
        ),
        (Some(org_id), visible) if !visible.iter().any(|organization| organization.is(org_id)) => {
            not_visible(client, org_id, visible)
        }
        (Some(_), _) => refused_here(error),
    }
}

/// The error if the selected organisation is not among those that the credential can access.
pub(crate) fn not_visible(client: &Client, org_id: &str, visible: &[Organization]) -> ConnectorError {
    let who = client.sign_in().name();
    let (message, remedy) = match visible {
        [] => (
            format!("{who} can access no organisation, so not {org_id} either"),
            format!(
                "use a credential that can access the organisation {org_id}, or remove {ORG_ID} to scan the one that {who} \
                 belongs to"
            ),
        ),
        several => (
            format!("{who} cannot access the organisation {org_id}"),
            format!("set {ORG_ID} to one of: {}", list(client, several)),
        ),
    };
    ConnectorError::new(ErrorCode::WrongOrganization, message, remedy)
}

/// Reads the organisation of a bearer token from a user's row, if Directory Insights needs one and none is known. If that
/// fails, the error of Directory Insights shows what is missing.
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
