//! What a worker shows to Prometheus, and to whoever watches its health.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use connector_api::ConnectorError;
use tokio::net::TcpListener;
use tracing::warn;

use crate::database::{Database, failed};
use crate::status::LEASE;
use crate::worker::Shared;

/// Listens at an address; port 0 chooses a free port.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, ConnectorError> {
    TcpListener::bind(address).await.map_err(|error| {
        ConnectorError::invalid_config(
            format!("cannot listen on {address}: {error}"),
            "choose another address with --listen, such as 127.0.0.1:0 for a free port",
        )
    })
}

/// Serves `/metrics`, `/livez` and `/readyz`, for ever.
pub(crate) async fn serve(listener: Option<TcpListener>, shared: Arc<Shared>) -> Infallible {
    if let Some(listener) = listener {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(shared);
        if let Err(error) = axum::serve(listener, router).await {
            warn!(target: "fleet", "figures are no longer served: {error}");
        }
    }
    std::future::pending().await
}

/// Whether the worker looks for runs. If it does not for the length of a lease, it should be started again.
async fn livez(State(shared): State<Arc<Shared>>) -> Response {
    let looked = shared.health().looked.elapsed();
    verdict(looked < shared.options().lease, &format!("looked for runs {} s ago", looked.as_secs()))
}

/// Whether the database answers. If it does not, the worker waits for it, and need not be started again.
async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    let answered = shared.health().answered.elapsed();
    verdict(answered < shared.options().lease, &format!("the database answered {} s ago", answered.as_secs()))
}

fn verdict(is_well: bool, why: &str) -> Response {
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{why}\n")).into_response()
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let mut text = of_worker(&shared);
    match of_fleet(shared.database()).await {
        Ok(figures) => text.push_str(&figures),
        // Those of the worker are as good as ever; `/readyz` says that the others are missing.
        Err(error) => warn!(target: "fleet", "no figures of the fleet: {error}"),
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn of_worker(shared: &Shared) -> String {
    let mut text = String::new();
    let health = shared.health();
    let concurrency = f64::from(shared.options().concurrency);
    figure(
        &mut text,
        "fleet_worker_concurrency",
        "gauge",
        "The most scans of this worker at a time",
        &[("", concurrency)],
    );
    let running = [("", health.running as f64)];
    figure(&mut text, "fleet_worker_running", "gauge", "Scans that this worker is running", &running);
    let ended: Vec<(String, f64)> =
        health.ended.iter().map(|(how, count)| (format!("{{how=\"{how}\"}}"), *count as f64)).collect();
    let ended: Vec<(&str, f64)> = ended.iter().map(|(labels, count)| (labels.as_str(), *count)).collect();
    figure(
        &mut text,
        "fleet_worker_scans_total",
        "counter",
        "Scans that ended in this worker, by how they ended",
        &ended,
    );
    text
}

/// The figures that every worker shows alike, from the tables.
async fn of_fleet(database: &Database) -> Result<String, ConnectorError> {
    let client = database.client().await?;
    let sql = "select state, count(*), coalesce(extract(epoch from clock_timestamp() - min(requested_at)), 0)::float8 \
               from fleet.run where state in ('waiting', 'queued', 'running') group by state";
    let open = client.query(sql, &[]).await.map_err(failed)?;
    let sql = format!(
        "select (select count(*) from fleet.standing), \
               (select count(*) from fleet.worker where seen_at + {LEASE} >= clock_timestamp()), \
               (select count(*) from fleet.standing where state = 'failed'), \
               (select count(*) from fleet.last_run where ended_as = 'held' and state = 'held'), \
               coalesce(extract(epoch from clock_timestamp() - (select coalesce(scanned_at, added_at) \
               from fleet.oldest_scan)), 0)::float8"
    );
    let whole = client.query_one(&sql, &[]).await.map_err(failed)?;
    let mut text = String::new();
    let states = ["waiting", "queued", "running"];
    let of_state = |state: &str| open.iter().find(|row| row.get::<_, &str>(0) == state);
    let labels = states.map(|state| format!("{{state=\"{state}\"}}"));
    let counts = states.map(|state| of_state(state).map_or(0.0, |row| row.get::<_, i64>(1) as f64));
    let ages = states.map(|state| of_state(state).map_or(0.0, |row| row.get::<_, f64>(2)));
    let labelled = |values: [f64; 3]| labels.iter().map(String::as_str).zip(values).collect::<Vec<_>>();
    figure(&mut text, "fleet_runs", "gauge", "Runs that have not ended", &labelled(counts));
    let help = "Seconds since the oldest of them was requested";
    figure(&mut text, "fleet_oldest_run_age_seconds", "gauge", help, &labelled(ages));
    for (column, name, help) in [
        (0, "fleet_systems", "Systems of the fleet"),
        (1, "fleet_workers", "Workers whose last heartbeat is not longer ago than their lease"),
        (2, "fleet_systems_failed", "Systems whose last run failed"),
        (3, "fleet_systems_held", "Systems whose last run is held"),
    ] {
        figure(&mut text, name, "gauge", help, &[("", whole.get::<_, i64>(column) as f64)]);
    }
    let help = "Seconds since the last complete scan of the scheduled system for which that is longest ago";
    figure(&mut text, "fleet_oldest_scan_age_seconds", "gauge", help, &[("", whole.get(4))]);
    Ok(text)
}

/// Adds a figure in the text format of Prometheus.
fn figure(text: &mut String, name: &str, kind: &str, help: &str, values: &[(&str, f64)]) {
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}
