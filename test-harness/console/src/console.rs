//! What all pages share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use connector_api::{CancellationToken, Connector, ConnectorError, Edition, Registry, SystemConfig};
use connector_host::stored_system::{self, SecretSource, Secrets, StoredSystem};
use connector_host::systems::{KnownSystem, Systems};
use connector_store::Location;
use jiff::Timestamp;

use crate::drafts::Drafts;
use crate::failure::Failure;
#[cfg(feature = "fleet")]
use crate::fleet::StoreFleet;
use crate::guard::{self, Hosts};
use crate::link::Link;
use crate::scans::Scans;
use crate::session::Sessions;
use crate::stores::Stores;
use crate::words::capital;

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
        blocking(move || work(&systems)).await
    }

    /// Returns a system that is set up, with the secrets that were entered, and its settings with all secrets.
    pub(crate) async fn resolved(&self, system: &str) -> Result<(StoredSystem, Secrets, SystemConfig), Failure> {
        let name = system.to_owned();
        let find = move |systems: &Systems| Ok((systems.find(&name)?, systems.entered(&name)));
        let (known, entered) = self.with_systems(find).await?;
        let (stored, secrets) = (known.stored.clone(), entered.clone());
        // One secret at a time, so that an error is about that one.
        let mut config = stored.config.clone();
        for (path, source) in &stored.secrets {
            let (of, source, entered) = (path.clone(), source.clone(), entered.get(path).cloned());
            let secret = blocking(move || source.read(&of, entered.as_ref())).await;
            let secret = secret.map_err(|error| self.without_secret(&known, path, error))?;
            stored_system::set(&mut config, path, secret);
        }
        Ok((stored, secrets, config))
    }

    /// What is said of a system that cannot be used because one of its secrets cannot be read.
    fn without_secret(&self, known: &KnownSystem, path: &str, error: ConnectorError) -> Failure {
        let name = known.name();
        let title = self.registry.descriptor(&known.stored.config.os_type).ok().map(|descriptor| {
            match path.strip_prefix("attributes.") {
                Some(attribute) => {
                    descriptor.attribute_schema(attribute)["title"].as_str().unwrap_or(attribute).to_owned()
                }
                None => capital(&descriptor.credential.password.meaning),
            }
        });
        let title = title.unwrap_or_else(|| path.to_owned());
        let is_lost = known.stored.secrets.get(path) == Some(&SecretSource::Entered);
        let why = error.message.strip_prefix(&format!("{path}: ")).unwrap_or(&error.message);
        let message = match is_lost {
            true => format!("{title} of {name} was only kept in memory, and the server was started again since"),
            false => format!("{title} of {name} cannot be read: {why}"),
        };
        let failure = Failure::conflict(ConnectorError::new(error.code, message, error.remedy.clone()));
        match known.is_ours {
            true => failure.with_link(Link::to("/system").with("system", name), format!("Settings of {name}")),
            false => failure,
        }
    }

    /// Makes the connector of a system, on a thread that may block: settings may name files.
    pub(crate) async fn connect(self: &Arc<Self>, config: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
        let console = Arc::clone(self);
        blocking(move || console.registry.connect(config, console.edition)).await
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

/// Works on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectorError> + Send + 'static,
) -> Result<T, ConnectorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ConnectorError::internal("reading what the settings name crashed"))?
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
