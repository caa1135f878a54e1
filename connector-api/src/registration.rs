//! What a connector crate submits, so that hosts find it.

use crate::config::SystemConfig;
use crate::connector::Connector;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;

/// What a connector crate hands to [`inventory::submit!`]: how its connector is described, and how it is made.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    describe: fn() -> Descriptor,
    connect: fn(SystemConfig) -> Result<Box<dyn Connector>, ConnectorError>,
}

impl Registration {
    /// The registration of a connector: its own [`describe`](Connector::describe), and [`TryFrom`] a configuration.
    pub const fn of<C>() -> Self
    where
        C: Connector + TryFrom<SystemConfig, Error = ConnectorError> + 'static,
    {
        Self { describe: C::describe, connect: |config| Ok(Box::new(C::try_from(config)?)) }
    }

    /// What the connector says of itself. Makes no I/O.
    pub fn descriptor(&self) -> Descriptor {
        (self.describe)()
    }

    /// Makes a connector to one system, whose settings were checked against the schema. A host does it by
    /// [`Registry::connect`](crate::Registry::connect), which checks them first.
    ///
    /// # Errors
    /// What the connector itself finds wrong with the settings.
    pub fn connect(&self, config: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
        (self.connect)(config)
    }
}

inventory::collect!(Registration);
