//! What a connector crate submits, so that hosts find it.

use crate::config::SystemConfig;
use crate::connector::Connector;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;

/// What a connector crate hands to [`inventory::submit!`]: how to describe and how to make its connector.
#[derive(Debug)]
pub struct Registration {
    /// Makes the descriptor, without I/O.
    pub descriptor: fn() -> Descriptor,
    /// Makes a connector from a configuration that has been validated.
    pub factory: fn(SystemConfig) -> Result<Box<dyn Connector>, ConnectorError>,
}

inventory::collect!(Registration);
