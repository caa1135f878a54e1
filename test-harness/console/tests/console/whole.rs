//! A connector with a setting of each type, whose scans do what its settings say.

use std::sync::Arc;

use connector_api::{
    Account, Check, ConnectionReport, Connector, ConnectorError, CredentialField, CredentialMapping, Descriptor,
    EachCheck, Edition, ErrorCode, FormGroup, Progress, Registration, Registry, ScanFailure, ScanLedger, ScanRequest,
    ScanSink, ScanSummary, Section, SectionReport, SystemConfig, async_trait, schemars,
};

pub struct Whole(SystemConfig);

pub fn registry() -> Registry {
    Registry::from_registrations([Registration::of::<Whole>()]).unwrap()
}

impl TryFrom<SystemConfig> for Whole {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        match config.hostname.contains(' ') {
            true => Err(ConnectorError::invalid_config("hostname: has a space", "leave it out")),
            false => Ok(Self(config)),
        }
    }
}

impl Whole {
    fn number(&self, name: &str) -> u64 {
        self.0.attributes.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default()
    }
}

#[async_trait]
impl Connector for Whole {
    fn describe() -> Descriptor {
        let mut descriptor = crate::organisation::descriptor();
        (descriptor.os_type, descriptor.display_name) = ("Whole".into(), "Whole <of it>".into());
        descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
        descriptor.credential = CredentialMapping::new(CredentialField::required("pass phrase"));
        descriptor.config_schema = schemars::json_schema!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "users": {"type": "integer", "minimum": 0, "maximum": 500, "default": 0, "title": "Users"},
                "waits": {"type": "boolean", "default": false, "title": "Waits"},
                "order": {
                    "type": "string", "default": "byId", "title": "Order",
                    "oneOf": [{"const": "byId", "title": "By ID"}, {"const": "byName", "title": "By name"}],
                },
                "labels": {"type": "object", "additionalProperties": {"type": "string"}, "title": "Labels"},
                "patterns": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"], "title": "Patterns"},
                "proxy": {"type": "string", "writeOnly": true, "format": "password", "title": "Proxy"},
            },
        });
        descriptor.form =
            vec![FormGroup::new("Rows", ["users", "order"]), FormGroup::new("Odd", ["labels"]).advanced()];
        descriptor
    }

    async fn test_connection(&self) -> ConnectionReport {
        self.test_connection_watched(&|_| {}).await
    }

    async fn test_connection_watched(&self, each: EachCheck<'_>) -> ConnectionReport {
        let passed = Check::passed("connect", "it answers", std::time::Duration::ZERO);
        each(&passed);
        let error = ConnectorError::new(ErrorCode::Unauthorized, "the pass phrase is wrong", "ask <b>somebody</b>");
        let failed = Check::failed("key", error, std::time::Duration::ZERO);
        each(&failed);
        ConnectionReport::new(vec![passed, failed])
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let descriptor = Self::describe();
        let mut ledger = ScanLedger::start(&descriptor, &self.0);
        let users = self.number("users");
        let accounts = (0..users).map(|user| Account::new(format!("id{user}"), format!("user{user}")).into()).collect();
        let read = async || {
            sink.records(accounts).await?;
            sink.progress(Progress::reading(Section::USERS, users).with_requests(7).with_waits(3, 2_000));
            if self.0.attributes.get("waits").is_some() {
                request.cancel.cancelled().await;
                return Err(ConnectorError::cancelled());
            }
            for described in &descriptor.sections {
                let rows = if described.section == Section::USERS { users } else { 0 };
                sink.progress(Progress::done(described.section, rows).with_requests(7));
                let mut report = SectionReport::new(described.section, connector_api::SectionStatus::Complete);
                (report.records, report.planned_requests) = (rows, Some(5));
                ledger.close(report.with_requests(7));
            }
            Ok(())
        };
        let result = read().await;
        ledger.finish(result)
    }
}
