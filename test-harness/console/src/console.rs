//! What all pages share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use connector_api::Registry;
use connector_store::Location;
use jiff::Timestamp;

use crate::guard::{self, Hosts};
use crate::pages;
use crate::session::Sessions;
use crate::stores::Stores;

/// Receives each address at which somebody can sign in once, such as `http://127.0.0.1:8080/sign-in?token=…`.
pub type Announce = Box<dyn Fn(&str) + Send + Sync>;

/// What a console works with.
pub struct Settings {
    /// The store that it shows.
    pub location: Location,
    /// The connectors that it describes.
    pub registry: Registry,
    /// The address that browsers reach it at.
    pub address: SocketAddr,
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
    pub(crate) registry: Registry,
    pub(crate) sessions: Sessions,
    pub(crate) hosts: Hosts,
    pub(crate) clock: fn() -> Timestamp,
}

impl Console {
    /// Creates it and announces the first address for signing in.
    pub fn new(settings: Settings) -> Arc<Self> {
        let Settings { location, registry, address, clock, announce } = settings;
        Arc::new(Self {
            stores: Stores::new(location),
            registry,
            sessions: Sessions::new(address, announce),
            hosts: Hosts::of(address),
            clock,
        })
    }

    /// Returns the pages behind their guards.
    pub fn router(self: &Arc<Self>) -> Router {
        guard::guarded(pages::routes(), self).with_state(Arc::clone(self))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
