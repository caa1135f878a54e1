//! A small SCIM service provider on loopback, with faults on demand.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every request is forbidden.
    Forbidden,
    /// About every third request fails in a way that a retry cures, never more than two in a row.
    Transient {
        /// Decides which requests fail, and how.
        seed: u64,
    },
    /// One resource always fails, by its path: `/Groups`.
    Fails(&'static str),
}

/// A running server. It ends with the runtime that it was started in.
#[derive(Debug)]
pub struct ScimServer {
    /// Where it listens: `http://127.0.0.1:54321`.
    pub url: String,
}

impl ScimServer {
    /// Serves these users and groups to clients with the token, below `/scim/v2`.
    ///
    /// # Errors
    /// If it cannot listen on loopback.
    pub async fn start(token: &str, users: Vec<Value>, groups: Vec<Value>, fault: Fault) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let gate = Gate { authorization: format!("Bearer {token}"), fault, mischief: Mischief::new(fault) };
        let app = Router::new()
            .route("/scim/v2/Users", get(list).with_state(Arc::new(users)))
            .route("/scim/v2/Groups", get(list).with_state(Arc::new(groups)))
            .layer(middleware::from_fn_with_state(Arc::new(gate), guard));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url: format!("http://{address}") })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    start_index: usize,
    count: usize,
}

/// One page, of 100 resources at most.
async fn list(State(resources): State<Arc<Vec<Value>>>, Query(range): Query<Range>) -> Json<Value> {
    let page: Vec<&Value> =
        resources.iter().skip(range.start_index.saturating_sub(1)).take(range.count.min(100)).collect();
    Json(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": range.start_index,
        "itemsPerPage": page.len(),
        "Resources": page,
    }))
}

struct Gate {
    authorization: String,
    fault: Fault,
    mischief: Option<Mutex<Mischief>>,
}

/// Lets a request through, or answers it with the server's fault.
async fn guard(State(gate): State<Arc<Gate>>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if shown != Some(&gate.authorization) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match gate.fault {
        Fault::Forbidden => return StatusCode::FORBIDDEN.into_response(),
        Fault::Fails(path) if request.uri().path().ends_with(path) => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        _ => {}
    }
    let fault =
        gate.mischief.as_ref().and_then(|mischief| mischief.lock().unwrap_or_else(PoisonError::into_inner).next());
    match fault {
        None => next.run(request).await,
        Some(StatusCode::TOO_MANY_REQUESTS) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0")]).into_response()
        }
        Some(status) => status.into_response(),
    }
}

/// Draws transient faults.
struct Mischief {
    rng: ChaCha8Rng,
    in_a_row: u32,
}

impl Mischief {
    fn new(fault: Fault) -> Option<Mutex<Self>> {
        let Fault::Transient { seed } = fault else { return None };
        Some(Mutex::new(Self { rng: ChaCha8Rng::seed_from_u64(seed), in_a_row: 0 }))
    }

    /// The status that the next request is answered with instead.
    fn next(&mut self) -> Option<StatusCode> {
        const FAULTS: [StatusCode; 4] = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        if self.in_a_row < 2 && self.rng.random_bool(1.0 / 3.0) {
            self.in_a_row += 1;
            return Some(FAULTS[self.rng.random_range(..FAULTS.len())]);
        }
        self.in_a_row = 0;
        None
    }
}
