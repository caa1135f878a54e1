//! Registrations, by which hosts find connectors.

use crate::config::SystemConfig;
use crate::connector::Connector;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;

/// What a connector crate passes to [`inventory::submit!`]: how to describe its connector, and how to make it.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    describe: fn() -> Descriptor,
    connect: fn(SystemConfig) -> Result<Box<dyn Connector>, ConnectorError>,
}

impl Registration {
    /// Creates the registration of a connector from its [`describe`](Connector::describe) and its [`TryFrom`].
    pub const fn of<C>() -> Self
    where
        C: Connector + TryFrom<SystemConfig, Error = ConnectorError> + 'static,
    {
        Self { describe: C::describe, connect: |config| Ok(Box::new(C::try_from(config)?)) }
    }

    /// Returns the connector's descriptor. Makes no I/O.
    pub fn descriptor(&self) -> Descriptor {
        (self.describe)()
    }

    /// Makes a connector to one system. The settings must have been checked against the schema; a host uses
    /// [`Registry::connect`](crate::Registry::connect), which checks them first.
    ///
    /// # Errors
    /// Returns the connector's own error if it cannot use the settings.
    pub fn connect(&self, config: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
        (self.connect)(config)
    }
}

inventory::collect!(Registration);
