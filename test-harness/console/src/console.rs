//! What all pages share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use connector_api::{CancellationToken, Connector, ConnectorError, Edition, Registry, SystemConfig};
use connector_host::stored_system::{Secrets, StoredSystem};
use connector_host::systems::Systems;
use connector_store::Location;
use jiff::Timestamp;

use crate::drafts::Drafts;
use crate::failure::Failure;
#[cfg(feature = "fleet")]
use crate::fleet::StoreFleet;
use crate::guard::{self, Hosts};
use crate::scans::Scans;
use crate::session::Sessions;
use crate::stores::Stores;

/// Receives each address at which somebody can sign in once, such as `http://127.0.0.1:8080/sign-in?token=…`.
pub type Announce = Box<dyn Fn(&str) + Send + Sync>;

/// What a console works with.
pub struct Settings {
    /// The store that it shows.
    pub location: Location,
    /// The connectors that it describes, and scans with.
    pub registry: Registry,
    /// The edition of the host, which decides which of them it offers.
    pub edition: Edition,
    /// The systems that it can scan.
    pub systems: Systems,
    /// The address that browsers reach it at.
    pub address: SocketAddr,
    /// Further host names by which they reach it, those of a proxy: `console.example`.
    pub hosts: Vec<String>,
    /// The present time, UTC.
    pub clock: fn() -> Timestamp,
    /// Receives the addresses for signing in.
    pub announce: Announce,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The pages over one store.
pub struct Console {
    pub(crate) stores: Stores,
    #[cfg(feature = "fleet")]
    pub(crate) fleet: Arc<StoreFleet>,
    pub(crate) registry: Registry,
    pub(crate) edition: Edition,
    pub(crate) systems: Arc<Systems>,
    pub(crate) scans: Scans,
    pub(crate) drafts: Drafts,
    pub(crate) sessions: Sessions,
    pub(crate) hosts: Hosts,
    pub(crate) clock: fn() -> Timestamp,
}

impl Console {
    /// Creates it and announces the first address for signing in.
    pub fn new(settings: Settings) -> Arc<Self> {
        let stores = Stores::new(settings.location.clone());
        Self::over(stores, settings)
    }

    /// Creates it over a store that is open.
    pub(crate) fn over(stores: Stores, settings: Settings) -> Arc<Self> {
        #[cfg(feature = "fleet")]
        let fleet = Arc::new(StoreFleet::of(&settings.location));
        let Settings { location: _, registry, edition, systems, address, hosts, clock, announce } = settings;
        Arc::new(Self {
            stores,
            #[cfg(feature = "fleet")]
            fleet,
            registry,
            edition,
            systems: Arc::new(systems),
            scans: Scans::default(),
            drafts: Drafts::default(),
            sessions: Sessions::new(address, announce),
            hosts: Hosts::of(address, hosts),
            clock,
        })
    }

    /// Works with the systems that are set up, on a thread that may block: they may be files.
    pub(crate) async fn with_systems<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Systems) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let systems = Arc::clone(&self.systems);
        let done = tokio::task::spawn_blocking(move || work(&systems)).await;
        done.map_err(|_| ConnectorError::internal("reading the systems crashed"))?
    }

    /// Returns a system that is set up, with the secrets that were entered, and its settings with all secrets.
    pub(crate) async fn resolved(&self, system: &str) -> Result<(StoredSystem, Secrets, SystemConfig), Failure> {
        let system = system.to_owned();
        let find = move |systems: &Systems| {
            let (stored, entered) = (systems.find(&system)?.stored, systems.entered(&system));
            let config = stored.resolve(&entered).map_err(Failure::conflict);
            Ok(config.map(|config| (stored, entered, config)))
        };
        self.with_systems(find).await?
    }

    /// Makes the connector of a system that is set up.
    pub(crate) fn connect(&self, config: SystemConfig) -> Result<Box<dyn Connector>, Failure> {
        self.registry.connect(config, self.edition).map_err(Failure::conflict)
    }

    /// Whether the database of the store has a fleet, as far as is known.
    #[cfg(feature = "fleet")]
    pub(crate) async fn has_fleet(&self) -> bool {
        self.fleet.is_there().await
    }

    /// Whether the database of the store has a fleet: this program cannot look.
    #[cfg(not(feature = "fleet"))]
    pub(crate) async fn has_fleet(&self) -> bool {
        false
    }

    /// Waits for `cancel`, then cancels all scans and waits until they have ended: what they have read so far stays in
    /// the store, and the next scan goes on from there.
    pub async fn end_with(&self, cancel: &CancellationToken) {
        cancel.cancelled().await;
        self.drafts.end();
        #[cfg(feature = "fleet")]
        self.fleet.end();
        self.scans.end().await;
    }

    /// Returns the pages behind their guards.
    pub fn router(self: &Arc<Self>) -> Router {
        guard::guarded(self).with_state(Arc::clone(self))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
