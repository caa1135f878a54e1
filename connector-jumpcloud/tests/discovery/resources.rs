//! Devices, applications and directories as rows.

use std::sync::{Arc, Mutex};

use connector_api::{Checkpoint, ConnectorError, Record, Resource, ScanRequest, ScanSink, Section, async_trait};
use jumpcloud_simulator::SimulatorOptions;
use serde_json::{Value, json};

use crate::grants::crafted;
use crate::support::console::{Content, id};
use crate::support::{Scanned, codes, connect, scan, simulated, small, start};

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

#[track_caller]
fn resource(scanned: &Scanned, number: u64) -> &Resource {
    let id = id(number);
    scanned.resources().find(|resource| resource.external_id == id).unwrap()
}

#[tokio::test]
async fn what_an_application_grants_is_on_its_row_and_no_key_from_any_odd_place() {
    let pem = "-----BEGIN PRIVATE KEY-----hunter2";
    let role = json!({"name": "role", "value": "arn:aws:iam::1:role/admin", "readOnly": true, "hunter2": "hunter2"});
    let config = json!({
        "constantAttributes": {"type": "keyValuePairs", "value": [role, {"name": "clientSecret", "value": "hunter2"},
            {"name": "pem", "value": pem}, {"name": {"a": "hunter2"}, "value": "hunter2"}], "tooltip": {"template": "hunter2"}},
        "databaseAttributes": {"position": 1, "value": [{"name": "team", "value": "department"},
            {"name": "role", "value": "readers"}]},
        "idpPrivateKey": {"type": "file", "value": pem}, "privateKey": "hunter2", "oidc": {"clientSecret": "hunter2"},
        "acsUrl": {"value": "https://x.example/?key=hunter2"}, "idpCertificate": {"value": "hunter2"},
    });
    let odd = |number: u64, config: Value| {
        json!({"_id": id(number), "displayLabel": "Pay", "config": config, "privateKey": "hunter2", "idpPrivateKey": pem,
            "sso": {"type": "saml", "privateKey": "hunter2", "keys": [{"d": "hunter2"}]}, "description": pem,
            "databaseAttributes": [{"name": "role", "value": "readers", "secret": "hunter2"}]})
    };
    let text = json!(config.to_string());
    let configs = [config, text, json!("hunter2"), json!(["hunter2"]), json!(null)];
    let console = Content::default()
        .list("/api/applications", (50..).zip(configs).map(|(number, config)| odd(number, config)))
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    for number in [50, 51] {
        let attributes = resource(&scanned, number).attributes.to_map();
        let constant =
            json!([{"name": "role", "value": "arn:aws:iam::1:role/admin"}, {"name": "clientSecret"}, {"name": "pem"}]);
        assert_eq!(attributes["constantAttributes"], constant, "{number}");
        let of_users = json!([{"name": "team", "value": "department"}, {"name": "role", "value": "readers"}]);
        assert_eq!(attributes["databaseAttributes"], of_users, "{number}");
        assert_eq!(attributes["sso"], json!({"type": "saml"}), "{number}");
    }
    assert_eq!(scanned.resources().count(), 5);
    let all = serde_json::to_string(&(&scanned.records, &scanned.summary)).unwrap();
    assert!(!all.contains("hunter2") && !all.contains("PRIVATE KEY"), "{all}");
}

/// Everything that leaves a scan, as text.
#[derive(Default)]
struct Everything(Mutex<String>);

#[async_trait]
impl ScanSink for Everything {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.lock().unwrap().push_str(&serde_json::to_string(&batch).unwrap());
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        self.0.lock().unwrap().push_str(&serde_json::to_string(&checkpoint).unwrap());
        Ok(())
    }
}

#[tokio::test]
async fn no_private_key_and_no_shared_secret_leaves_a_scan_by_rows_checkpoints_or_summary() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let sink = Arc::new(Everything::default());
    let mut request = ScanRequest::default();
    request.checkpoints = true;
    let connector = connect(simulated(&simulator)).unwrap();
    let summary = connector.scan(request, Arc::clone(&sink) as Arc<dyn ScanSink>).await.unwrap();
    let mut all = std::mem::take(&mut *sink.0.lock().unwrap());
    all.push_str(&serde_json::to_string(&summary).unwrap());
    assert!(all.contains("arn:aws:iam") && all.contains("\"state\":"), "what an application grants, and checkpoints");
    assert!(!all.contains("PRIVATE KEY") && !all.contains("idpPrivateKey"));
    let secret = simulator.organization().radius_server(0).shared_secret;
    assert!(!all.contains(&secret) && !all.contains("sharedSecret"));
}

#[tokio::test]
async fn a_directory_that_jumpcloud_can_no_longer_change_is_named_with_its_risk() {
    let status = |status: Value, number: u64| json!({"id": id(number), "type": "office_365", "name": format!("M{number}"), "oAuthStatus": status});
    let (console, scanned) = Content::default()
        .list("/api/v2/directories", [
            status(json!({"expiry": {"seconds": "7"}, "error": "invalid_grant", "errorMessage": "token hunter2"}), 60),
            status(json!({"expiry": {"seconds": "7"}}), 61),
            status(json!(null), 62),
            status(json!("odd"), 63),
            status(json!({"error": false}), 65),
            status(json!({"error": 0}), 66),
            json!({"id": id(64), "type": "g_suite", "name": "G", "defaultDomain": {"id": id(1), "domain": "x.example"}}),
        ])
        .list("/api/radiusservers", [
            json!({"_id": id(70), "userPasswordEnabled": false, "deviceCertEnabled": true, "requireTlsAuth": true}),
            json!({"_id": id(71), "userPasswordEnabled": true, "userCertEnabled": true, "authIdp": "JUMPCLOUD"}),
            json!({"_id": id(72), "userCertEnabled": true}),
            json!({"_id": id(73), "userPasswordEnabled": false, "userCertEnabled": true, "mfa": "ALWAYS"}),
            json!({"_id": id(74), "userPasswordEnabled": false, "userCertEnabled": true, "mfa": "DISABLED"}),
        ])
        .scanned()
        .await;
    let found = |number| codes(&resource(&scanned, number).reasons);
    assert_eq!([60, 61, 62, 63, 64].map(found), [vec!["provisioning_broken"], vec![], vec![], vec![], vec![]]);
    assert!([65, 66].map(found).iter().all(Vec::is_empty), "what is no text is no error");
    let alone = vec!["radius_by_certificate_alone"];
    assert_eq!([70, 71, 72, 73, 74].map(found), [alone.clone(), vec![], vec![], vec![], alone]);
    assert_eq!(resource(&scanned, 60).attributes.to_map()["oAuthError"], "invalid_grant");
    assert_eq!(resource(&scanned, 64).attributes.to_map()["defaultDomain"], "x.example");
    assert_eq!(resource(&scanned, 71).attributes.to_map()["authIdp"], "JUMPCLOUD");
    let notes = &scanned.summary.section(Section::DIRECTORIES).unwrap().notes;
    assert_eq!(notes[0], "JumpCloud cannot change the accounts of \"M60\" any more: \"invalid_grant\"");
    let asked = console.asked();
    let fields = &asked.iter().find(|asked| asked.path == "/api/radiusservers").unwrap().query["fields"];
    assert!(!fields.contains("sharedSecret") && fields.contains("userCertEnabled"));
    assert!(!serde_json::to_string(&scanned.records).unwrap().contains("hunter2"));
}
