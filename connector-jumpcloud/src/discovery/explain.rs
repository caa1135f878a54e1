//! Some refusals mean something else than they say: a 401 may be for want of an organisation, a 404 for a wrong one.

use connector_api::{ConnectorError, ErrorCode};

use crate::api::organizations::{self, Organization};
use crate::client::{Client, Meter, PageReader};

/// The organisations that the credential may see.
///
/// # Errors
/// Whatever the request ends with.
pub(crate) async fn visible_organizations(client: &Client, meter: &Meter) -> Result<Vec<Organization>, ConnectorError> {
    let mut reader = PageReader::new(client, meter, organizations::list(100));
    let mut all = Vec::new();
    while let Some(more) = reader.next().await? {
        all.extend(more);
    }
    Ok(all)
}

/// The same error, or `wrong_organization` where asking for the organisations shows that that is what it means.
pub(crate) async fn explain(client: &Client, error: ConnectorError) -> ConnectorError {
    let asks = matches!(error.code, ErrorCode::Unauthorized | ErrorCode::Forbidden | ErrorCode::NotFound);
    if !asks || (client.org_id().is_none() && error.code != ErrorCode::Unauthorized) {
        return error;
    }
    let Ok(visible) = visible_organizations(client, &Meter::default()).await else { return error };
    let listed = list(client, &visible);
    match (client.org_id(), visible.as_slice()) {
        (None, []) => error,
        // Keys of one organisation see it too, so this may be a bad right as well as a missing name.
        (None, [_]) => {
            let remedy = format!(
                "{}; or, with a multi-tenant administrator's key, set jumpcloudOrgId to {listed}",
                error.remedy
            );
            ConnectorError { remedy, ..error }
        }
        (None, _) => ConnectorError::new(
            ErrorCode::WrongOrganization,
            "the key is good, but it may see several organisations and none is named",
            format!("set jumpcloudOrgId to one of: {listed}"),
        ),
        (Some(org_id), _) if !visible.iter().any(|organization| organization.id.to_string() == org_id) => {
            ConnectorError::new(
                ErrorCode::WrongOrganization,
                format!("the organisation {org_id} is not one that the key may see"),
                format!("set jumpcloudOrgId to one of: {listed}"),
            )
        }
        (Some(_), _) => error,
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
    if listed.is_empty() { "none that it may see".to_owned() } else { listed }
}
