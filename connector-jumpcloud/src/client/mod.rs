//! The parts of the client that are specific to JumpCloud: hosts, sign-in, the meaning of responses, the shape of a list.

mod console;
mod hosts;
mod sign_in;

use std::ops::Deref;
use std::sync::Arc;

use connector_api::{ConnectorError, SystemConfig};
use connector_http::{Bytes, ClientBuilder, HttpClient, Offsets, Page, PageShape, Service, Words};

pub(crate) use connector_http::{
    Answer, Call, ClientOptions, Gap, Identified, Listing, ListingStats, Meter, PageReader, Reading, Task,
    TotalsWitness, grouped, is_absent, refused_here,
};
pub(crate) use hosts::Endpoints;

use console::Console;

use crate::options::{Options, attribute};
use crate::rights::{Rights, SignIn};

/// Directory Insights.
pub(crate) const INSIGHTS: Service = Service::named("Directory Insights");

/// JumpCloud's words for messages and remedies.
pub(crate) const WORDS: Words = Words {
    user_agent: concat!("orbisid-connector-jumpcloud/", env!("CARGO_PKG_VERSION")),
    vendor: "JumpCloud",
    service: "a JumpCloud console",
    example_host: "console.jumpcloud.com",
    proxy: Some(attribute::PROXY_URL),
    ca_bundle: Some(attribute::CA_BUNDLE_FILE),
    requests_per_second: Some(attribute::REQUESTS_PER_SECOND),
    concurrency: Some(attribute::CONCURRENCY),
    page_size: Some(attribute::PAGE_SIZE),
    error_fields: &["message", "error"],
    list_fields: &[PAGE.rows],
    ..Words::DEFAULT
};

/// A page in either of JumpCloud's shapes: `{"totalCount", "results"}` (V1) or a bare array, its total in the header
/// `x-total-count` (V2).
pub(crate) const PAGE: PageShape =
    PageShape { rows: "results", total: Some("/totalCount"), total_header: Some("x-total-count"), ..PageShape::ARRAY };

/// A listing in pages of `limit` rows, at most 100, in the target's own order.
pub(crate) fn listing(call: Call, limit: u64) -> Listing {
    Listing::new(Offsets { skip: "skip", ..Offsets::of(PAGE) }, call, limit)
}

/// Reads a response as a page of a list.
pub(crate) fn page<T: Identified>(answer: &Answer) -> Result<Page<T>, serde_json::Error> {
    Page::read(answer, &PAGE)
}

/// A read-only query by POST on the Directory Insights host.
pub(crate) fn insights(path: &str, body: Bytes) -> Call {
    Call::post(path, body).at(INSIGHTS)
}

/// A list that cannot be read completely and consistently, after N passes.
pub(crate) fn inconsistent(path: &str, passes: u8, why: &str) -> ConnectorError {
    connector_http::inconsistent(path, passes, why, &WORDS)
}

/// A client of one organisation. Cheap to clone; all clones share one pace and one retry budget.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: HttpClient,
    console: Arc<Console>,
    endpoints: Arc<Endpoints>,
}

impl Client {
    /// A client with its own pace, retry budget and clock; `rights` are named in remedies.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint`.
    pub(crate) fn new(
        config: &SystemConfig,
        options: &Options,
        bounds: ClientOptions,
        rights: Rights,
    ) -> Result<Self, ConnectorError> {
        let endpoints = Endpoints::new(
            &config.hostname,
            config.port,
            options.jumpcloud_insights_hostname.as_deref(),
            options.jumpcloud_token_url.as_deref(),
        )?;
        let (auth, sign_in) = sign_in::sign_in(options.jumpcloud_authentication, &config.credential, &endpoints.token)?;
        let console = Arc::new(Console::new(sign_in, options.jumpcloud_org_id.as_deref(), rights)?);
        let http = ClientBuilder::new(endpoints.console.clone(), Arc::clone(&console))
            .service(INSIGHTS, endpoints.insights.clone())
            .service(Service::TOKEN, endpoints.token.clone())
            .options(bounds)
            .build(auth)?;
        Ok(Self { http, console, endpoints: Arc::new(endpoints) })
    }

    /// The organisation that the operator named.
    pub(crate) fn org_id(&self) -> Option<&str> {
        self.console.org_id.as_ref().map(|(id, _)| id.as_str())
    }

    /// How it signs in.
    pub(crate) fn sign_in(&self) -> SignIn {
        self.console.sign_in
    }

    /// Where the organisation's services are.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether Directory Insights needs an organisation id that is not known: it refuses bearer tokens without one.
    pub(crate) fn lacks_org_id(&self) -> bool {
        self.sign_in() == SignIn::ServiceAccountToken
            && self.org_id().is_none()
            && self.console.learned_org.get().is_none()
    }

    /// Names an organisation to Directory Insights.
    pub(crate) fn learn_org_id(&self, id: String) {
        self.console.learn_org_id(&id);
    }
}

impl Deref for Client {
    type Target = HttpClient;

    fn deref(&self) -> &HttpClient {
        &self.http
    }
}
