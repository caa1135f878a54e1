//! Devices, applications and directories as rows.

use connector_api::Section;
use serde_json::json;

use crate::grants::crafted;
use crate::support::console::id;
use crate::support::scan;

#[tokio::test]
async fn what_is_refused_in_part_is_read_as_far_as_it_may_be_and_not_complete() {
    let refused = |path: &str| crafted().answer(path, 403, json!({"message": "no"}));
    for (section, refused, shown, status) in [
        (Section::DIRECTORIES, refused("/api/radiusservers"), "ldapServer", "incomplete"),
        (Section::SYSTEMS, refused("/api/v2/systemgroups"), "system", "incomplete"),
        (Section::SYSTEMS, refused("/api/systems"), "systemGroup", "unavailable"),
    ] {
        let directory = json!({"id": id(60), "type": "ldap_server", "name": "LDAP"});
        let console = refused.list("/api/v2/directories", [directory]).serve().await;
        let scanned = scan(console.system()).await;
        assert_eq!(scanned.summary.section(section).unwrap().status.as_str(), status, "{section}");
        assert!(scanned.resources().any(|resource| resource.resource_type == shown), "{section}: {shown}");
    }
}

#[tokio::test]
async fn devices_keep_what_bears_on_access_and_applications_no_keys() {
    let console = crafted()
        .list("/api/systems", [json!({
            "_id": id(30), "id": id(30), "hostname": "h", "displayName": "H", "os": "Ubuntu", "version": "24.04",
            "serialNumber": "S", "active": true, "lastContact": "2026-01-01T00:00:00Z", "allowSshRootLogin": true,
            "userMetrics": [{"userName": "root", "admin": true}], "networkInterfaces": [{}], "connectionHistory": [{}],
        })])
        .list("/api/applications", [json!({
            "_id": id(50), "name": "pay", "displayName": "Pay", "displayLabel": "Payroll", "active": false,
            "sso": {"type": "saml"}, "config": {"idpPrivateKey": {"value": "hunter2"}}, "logo": {"url": "x"},
        })])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let device = scanned.resources().find(|resource| resource.resource_type == "system").unwrap();
    assert_eq!(
        (device.name.as_str(), device.os.as_deref(), device.serial_number.as_deref()),
        ("H", Some("Ubuntu"), Some("S"))
    );
    assert_eq!(device.attributes.to_map().keys().collect::<Vec<_>>(), ["allowSshRootLogin", "hostname"]);
    let application = scanned.resources().find(|resource| resource.resource_type == "application").unwrap();
    assert_eq!((application.name.as_str(), application.active), ("Payroll", Some(false)));
    assert_eq!(application.attributes.to_map().keys().collect::<Vec<_>>(), ["displayName", "name", "sso"]);
    assert_eq!(application.attributes.get("sso").unwrap()["type"], "saml");
}
