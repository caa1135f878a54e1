//! The point from which an interrupted scan resumes.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Fingerprint, SystemConfig};
use crate::descriptor::Descriptor;
use crate::error::{ConnectorError, ErrorCode};

/// A connector's state at some point of a scan, bound to the connector and configuration that it was made for. Holds no
/// secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The version of this envelope.
    pub version: u32,
    /// The connector that made it.
    pub os_type: String,
    /// That connector's version.
    pub connector_version: String,
    /// The configuration's [`SystemConfig::fingerprint`].
    pub fingerprint: Fingerprint,
    /// When the interrupted scan began, UTC.
    pub started_at: Timestamp,
    /// The connector's own state.
    pub state: Value,
}

impl Checkpoint {
    /// The version of the envelope that this crate writes and reads.
    pub const VERSION: u32 = 2;

    /// The maximum age of an interrupted scan: rows of different days do not make one snapshot.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Creates a checkpoint of a scan of `config` that began at `started_at`.
    pub fn new(descriptor: &Descriptor, config: &SystemConfig, started_at: Timestamp, state: Value) -> Self {
        Self {
            version: Self::VERSION,
            os_type: descriptor.os_type.clone(),
            connector_version: descriptor.version.clone(),
            fingerprint: config.fingerprint(descriptor),
            started_at,
            state,
        }
    }

    /// Refuses a checkpoint of another connector, version or configuration, and one whose scan began too long before
    /// `now`, or after it.
    ///
    /// # Errors
    /// Returns `checkpoint_rejected`; the message names the reason.
    pub fn verify(&self, descriptor: &Descriptor, config: &SystemConfig, now: Timestamp) -> Result<(), ConnectorError> {
        if self.version != Self::VERSION {
            return Err(Self::rejected(format!("its version is {}, not {}", self.version, Self::VERSION)));
        }
        if self.os_type != descriptor.os_type {
            return Err(Self::rejected(format!("it belongs to {}, not {}", self.os_type, descriptor.os_type)));
        }
        if self.connector_version != descriptor.version {
            let (theirs, ours) = (&self.connector_version, &descriptor.version);
            return Err(Self::rejected(format!(
                "it was made by version {theirs} of the connector, and this is {ours}"
            )));
        }
        let ours = config.fingerprint(descriptor);
        let differences = self.fingerprint.differences(&ours);
        if !differences.is_empty() {
            let error = Self::rejected(format!("these settings have changed: {}", differences.join(", ")));
            let remedy = format!("to resume, restore the earlier settings; or {}", error.remedy);
            return Err(error.with_remedy(remedy));
        }
        let age = now.duration_since(self.started_at);
        if age.is_negative() {
            return Err(Self::rejected(format!("its scan began at {}, which is in the future", self.started_at)));
        }
        if age.unsigned_abs() > Self::MAX_AGE {
            return Err(Self::rejected(format!("its scan began at {}, which is too old", self.started_at)));
        }
        Ok(())
    }

    /// Creates the error for a checkpoint that cannot be used.
    pub fn rejected(why: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(
            ErrorCode::CheckpointRejected,
            format!("the checkpoint cannot be used: {why}"),
            "scan from the beginning",
        )
    }
}
