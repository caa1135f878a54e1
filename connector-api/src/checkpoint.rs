//! The point from which an interrupted scan resumes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

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
    pub state: CheckpointState,
}

impl Checkpoint {
    /// The version of the envelope that this crate writes and reads.
    pub const VERSION: u32 = 2;

    /// The maximum age of an interrupted scan: rows of different days do not make one snapshot.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Creates a checkpoint of a scan of `config` that began at `started_at`.
    pub fn new(
        descriptor: &Descriptor,
        config: &SystemConfig,
        started_at: Timestamp,
        state: impl Into<CheckpointState>,
    ) -> Self {
        Self {
            version: Self::VERSION,
            os_type: descriptor.os_type.clone(),
            connector_version: descriptor.version.clone(),
            fingerprint: config.fingerprint(descriptor),
            started_at,
            state: state.into(),
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

/// A connector's own state in a [`Checkpoint`]: any JSON value.
///
/// It may be large, so it has no form of its own in memory. A connector shares what it holds anyway, and the host serialises
/// that straight to where the checkpoint is written. One that was read is kept as text until the connector
/// [reads](Self::read) it.
#[derive(Clone, JsonSchema)]
#[schemars(with = "Value")]
pub struct CheckpointState(Content);

#[derive(Clone)]
enum Content {
    Shared(Arc<dyn erased_serde::Serialize + Send + Sync>),
    Text(Arc<RawValue>),
}

impl CheckpointState {
    /// Reads the state as what the connector made it of.
    ///
    /// # Errors
    /// Returns `checkpoint_rejected` if it is something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        let state = match &self.0 {
            Content::Shared(_) => serde_json::to_string(self).and_then(|text| serde_json::from_str(&text)),
            Content::Text(text) => serde_json::from_str(text.get()),
        };
        state.map_err(|error| Checkpoint::rejected(format!("its state is damaged: {error}")))
    }
}

/// Shares a connector's state. It is serialised when the checkpoint is written, and must be the same until then: use
/// [`Arc::make_mut`] to change it afterwards, which copies it only if the host still has the checkpoint.
impl<T: Serialize + Send + Sync + 'static> From<Arc<T>> for CheckpointState {
    fn from(state: Arc<T>) -> Self {
        Self(Content::Shared(state))
    }
}

impl From<Value> for CheckpointState {
    fn from(state: Value) -> Self {
        Arc::new(state).into()
    }
}

impl Serialize for CheckpointState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Content::Shared(state) => erased_serde::serialize(&**state, serializer),
            Content::Text(text) => text.serialize(serializer),
        }
    }
}

/// From JSON only.
impl<'de> Deserialize<'de> for CheckpointState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Content::Text(text.into())))
    }
}

/// States are equal if they are the same JSON value. To find out, both are serialised.
impl PartialEq for CheckpointState {
    fn eq(&self, other: &Self) -> bool {
        let [one, other] = [self, other].map(|state| state.read::<Value>().ok());
        one.is_some() && one == other
    }
}

impl fmt::Debug for CheckpointState {
    /// Without the state, which is large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointState").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    fn checkpoint(state: impl Into<CheckpointState>) -> Checkpoint {
        let config = SystemConfig::new("hq", "host", crate::Credential::default());
        Checkpoint::new(&Descriptor::default(), &config, Timestamp::UNIX_EPOCH, state)
    }

    #[test]
    fn a_state_is_not_copied_before_it_is_written() {
        static SERIALISED: AtomicUsize = AtomicUsize::new(0);
        #[derive(Clone)]
        struct Large;
        impl Serialize for Large {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                SERIALISED.fetch_add(1, Ordering::Relaxed);
                serializer.serialize_u64(7)
            }
        }
        let state = Arc::new(Large);
        let checkpoint = checkpoint(Arc::clone(&state));
        let passed_on = checkpoint.clone();
        assert_eq!((SERIALISED.load(Ordering::Relaxed), Arc::strong_count(&state)), (0, 3));
        assert!(serde_json::to_string(&passed_on).unwrap().ends_with(r#""state":7}"#));
        drop((checkpoint, passed_on));
        assert_eq!((SERIALISED.load(Ordering::Relaxed), Arc::strong_count(&state)), (1, 1));
    }

    #[test]
    fn a_checkpoint_comes_back_from_its_json() {
        let state = json!({"sent": 3, "names": ["ada", "\u{0}"]});
        let checkpoint = checkpoint(state.clone());
        let text = serde_json::to_string(&checkpoint).unwrap();
        let back: [Checkpoint; 2] = [
            serde_json::from_str(&text).unwrap(),
            serde_json::from_value(serde_json::to_value(&checkpoint).unwrap()).unwrap(),
        ];
        for back in back {
            assert_eq!(back.state.read::<Value>(), Ok(state.clone()));
            assert_eq!(back, checkpoint);
            assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
        assert_eq!(checkpoint.state.read::<Value>(), Ok(state));
    }

    #[test]
    fn a_state_of_another_connector_is_refused() {
        let error = checkpoint(json!({"sent": 3})).state.read::<u64>().unwrap_err();
        assert_eq!(error.code, ErrorCode::CheckpointRejected);
    }
}
