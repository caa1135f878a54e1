//! Checks that a target returns rows of the requested organisation, not of another one.

use connector_api::{Attributes, ConnectorError, ErrorCode};
use serde_json::Value;

use crate::api::systems::System;
use crate::options::attribute::ORG_ID;

/// The organisation that a row names by its field `organization`, if it names one.
pub(crate) fn named(fields: &Attributes) -> Option<String> {
    match fields.get("organization") {
        Some(Value::String(name)) if !name.is_empty() => Some(name),
        _ => None,
    }
}

/// Compares the organisations of devices with the requested one, if any.
///
/// # Errors
/// `wrong_organization`.
pub(crate) fn check_devices(asked: Option<&str>, devices: &[System]) -> Result<(), ConnectorError> {
    if asked.is_none() {
        return Ok(());
    }
    devices.iter().try_for_each(|device| {
        let named = named(&device.rest);
        check(asked, named.as_deref(), || format!("the device {}", device.id))
    })
}

/// Compares the organisation that a row names with the requested one, if any. A row without an organisation passes.
///
/// # Errors
/// `wrong_organization`.
pub(crate) fn check(
    asked: Option<&str>,
    named: Option<&str>,
    whose: impl FnOnce() -> String,
) -> Result<(), ConnectorError> {
    match (asked, named) {
        (Some(asked), Some(named)) if !named.eq_ignore_ascii_case(asked) => Err(ConnectorError::new(
            ErrorCode::WrongOrganization,
            format!("{} does not belong to the selected organisation {asked}", whose()),
            format!("set {ORG_ID} to the organisation of this credential, which Test Connection shows"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_text_names_an_organisation() {
        for nothing in [json!(null), json!(""), json!(7), json!(false), json!({"id": "x"})] {
            assert_eq!(named(&Attributes::from([("organization", nothing.clone())])), None, "{nothing}");
        }
        assert_eq!(named(&Attributes::default()), None);
        assert_eq!(named(&Attributes::from([("organization", json!("x"))])).as_deref(), Some("x"));
    }
}
