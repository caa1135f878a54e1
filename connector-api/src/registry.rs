//! The registry: the connectors that are linked into a host.

use std::collections::BTreeMap;

use crate::config::SystemConfig;
use crate::connector::Connector;
use crate::descriptor::{Descriptor, Edition};
use crate::error::ConnectorError;
use crate::registration::Registration;
use crate::validate::nearest;

/// The connectors of one host, sorted by OS Type.
#[derive(Debug)]
pub struct Registry {
    connectors: BTreeMap<String, Registered>,
}

#[derive(Debug)]
struct Registered {
    registration: Registration,
    descriptor: Descriptor,
}

impl Registry {
    /// Collects every connector that is linked into this program.
    ///
    /// # Errors
    /// Returns `internal` if two connectors have the same OS Type.
    pub fn discover() -> Result<Self, ConnectorError> {
        Self::from_registrations(inventory::iter::<Registration>.into_iter().copied())
    }

    /// Collects the given connectors, for hosts and tests that choose them.
    ///
    /// # Errors
    /// Returns `internal` if two connectors have the same OS Type.
    pub fn from_registrations(registrations: impl IntoIterator<Item = Registration>) -> Result<Self, ConnectorError> {
        let mut connectors = BTreeMap::new();
        for registration in registrations {
            let descriptor = registration.descriptor();
            let os_type = descriptor.os_type.clone();
            if connectors.insert(os_type.clone(), Registered { registration, descriptor }).is_some() {
                return Err(ConnectorError::internal(format!("two connectors have the OS Type {os_type}")));
            }
        }
        Ok(Self { connectors })
    }

    /// Returns every connector's descriptor, sorted by OS Type.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.connectors.values().map(|registered| &registered.descriptor)
    }

    /// Returns the descriptors of an edition's connectors, sorted by OS Type.
    pub fn descriptors_for(&self, edition: Edition) -> impl Iterator<Item = &Descriptor> {
        self.descriptors().filter(move |descriptor| descriptor.editions.contains(&edition))
    }

    /// Returns the descriptor of an OS Type.
    ///
    /// # Errors
    /// Returns `invalid_config` for an unknown OS Type; the remedy names the nearest known one.
    pub fn descriptor(&self, os_type: &str) -> Result<&Descriptor, ConnectorError> {
        self.find(os_type).map(|registered| &registered.descriptor)
    }

    /// Checks edition and configuration, and makes the connector. It sees only the attributes that are set, none that
    /// is `null`.
    ///
    /// # Errors
    /// Returns `invalid_config` for an unknown OS Type or settings that the schema refuses, `edition_not_supported`, or
    /// the connector's own error if it cannot use the settings.
    pub fn connect(&self, config: SystemConfig, edition: Edition) -> Result<Box<dyn Connector>, ConnectorError> {
        let Registered { registration, descriptor } = self.find(&config.os_type)?;
        descriptor.check_edition(edition)?;
        config.validate(descriptor)?;
        registration.connect(SystemConfig { attributes: config.set_attributes(), ..config })
    }

    fn find(&self, os_type: &str) -> Result<&Registered, ConnectorError> {
        self.connectors.get(os_type).ok_or_else(|| {
            let names: Vec<&str> = self.connectors.keys().map(String::as_str).collect();
            let remedy = match nearest(os_type, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "compile a connector into this program: it has none".to_owned(),
                None => format!("use one of: {}", names.join(", ")),
            };
            ConnectorError::invalid_config(format!("unknown OS Type `{os_type}`"), remedy)
        })
    }
}
