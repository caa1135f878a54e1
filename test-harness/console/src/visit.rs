//! One request for a page: who asks, what for, and of which system and scan.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use connector_api::{Access, AccessLevel, ConnectorError, SectionReport, SectionStatus};
use connector_store::pages::RunHead;
use connector_store::{At, SectionState, Store, System};
use jiff::Timestamp;

use crate::console::Console;
use crate::failure::Failure;
use crate::link::Link;
use crate::session::Session;

/// How many scans can be chosen at once.
const CHOICES: usize = 30;

/// One request of somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) console: Arc<Console>,
    pub(crate) session: Session,
    pub(crate) query: Query,
    pub(crate) path: String,
    /// The present time, UTC.
    pub(crate) now: Timestamp,
    /// Whether the page becomes part of a file, where nobody can turn to a next page.
    pub(crate) is_report: bool,
}

/// Rows of a list in a file.
pub(crate) const REPORT_ROWS: usize = 500;

/// The parameters of an address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Sets a parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a parameter unless it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Returns a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Failure> {
        self.get(name).map(|text| text.parse().map_err(|_| Self::odd(name))).transpose()
    }

    /// Returns a parameter that a page cannot do without.
    pub(crate) fn needed(&self, name: &'static str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Self::odd(name))
    }

    fn odd(name: &'static str) -> Failure {
        let message = format!("The address of this page has no usable \u{201c}{name}\u{201d}");
        Failure::new(StatusCode::BAD_REQUEST, message, "Follow a link of a page, or search for the name.")
    }
}

/// A system and one of its scans.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) system: System,
    pub(crate) run: RunHead,
    /// The number of the last published run.
    pub(crate) latest: i64,
    /// Earlier and later published runs, the latest first.
    pub(crate) runs: Vec<RunHead>,
    /// The sections whose rows are kept.
    pub(crate) sections: Vec<SectionState>,
    /// All sections of the scan, also those that only compute rows from the rows of others; empty if they are not known.
    pub(crate) reports: Vec<SectionReport>,
    /// Weakest first.
    accesses: Vec<Access>,
}

impl Place {
    /// Reads the place that a query means.
    pub(crate) fn find(store: &mut Store, query: &Query) -> Result<Self, Failure> {
        let system = Self::system(store, query)?;
        let latest = store.run_at(&system, At::Now)?;
        let at = query.number("at")?.unwrap_or(latest);
        let run = store.run_head(&system, at)?;
        let mut runs = store.published_runs(&system, None, CHOICES)?;
        if runs.iter().all(|known| known.id != run.id) {
            runs.push(run);
        }
        let sections = store.sections(run.id)?;
        let summary = store.run(&system, run.id)?.and_then(|run| run.summary);
        let reports = summary.map(|summary| summary.sections).unwrap_or_default();
        let accesses = store.accesses(run.id)?;
        Ok(Self { system, run, latest, runs, sections, reports, accesses })
    }

    /// Finds the system of a query: the one that was scanned last if it names none.
    pub(crate) fn system(store: &mut Store, query: &Query) -> Result<System, Failure> {
        let named = query.get("system");
        store.system_called(named)?.ok_or_else(|| match named {
            Some(_) => Failure::new(
                StatusCode::NOT_FOUND,
                "There is no system of that name in the store",
                "Choose one of the systems.",
            ),
            None => Failure::new(
                StatusCode::NOT_FOUND,
                "No system was scanned yet",
                "Add a system and scan it from here, or run harness scan with the same store.",
            ),
        })
    }

    pub(crate) fn is_latest(&self) -> bool {
        self.run.id == self.latest
    }

    /// A page of the same system and scan.
    pub(crate) fn link(&self, path: &'static str) -> Link {
        let at = (!self.is_latest()).then_some(self.run.id);
        Link::to(path).with("system", &self.system.name).with_any("at", at)
    }

    /// The sections whose rows are older than the scan, or missing.
    pub(crate) fn older_sections(&self) -> Vec<&SectionState> {
        let is_older = |section: &&SectionState| match section.status.as_str() {
            "complete" => section.in_part,
            "skipped" => section.as_of.is_some(),
            _ => true,
        };
        self.sections.iter().filter(is_older).collect()
    }

    /// The sections that only compute rows from the rows of others, if they were not switched off.
    pub(crate) fn computed(&self) -> impl Iterator<Item = &SectionReport> {
        let is_kept = |report: &SectionReport| self.sections.iter().any(|section| section.section == report.section);
        self.reports.iter().filter(move |report| !is_kept(report) && report.status != SectionStatus::Skipped)
    }

    /// How strong an access is: its level, then its place in the connector's order.
    pub(crate) fn strength(&self, access: &Access) -> Strength {
        let place = self.accesses.iter().position(|known| known == access);
        (access.level, place)
    }
}

/// Stronger accesses are greater.
pub(crate) type Strength = (AccessLevel, Option<usize>);

impl Visit {
    /// The page itself, with all its parameters, for forms that change one of them.
    pub(crate) fn here(&self, place: &Place) -> Link {
        const KEPT: &[&str] = &[
            "q",
            "id",
            "type",
            "resource",
            "resource-type",
            "severity",
            "factor",
            "login",
            "enabled",
            "code",
            "kind",
            "show",
        ];
        let link = Link::to_path(&self.path).with("system", &place.system.name);
        KEPT.iter().fold(link, |link, name| link.with_any(name, self.query.get(name)))
    }

    /// How many rows a list has: `on_page` where there are further pages.
    pub(crate) fn rows(&self, on_page: usize) -> usize {
        if self.is_report { REPORT_ROWS } else { on_page }
    }

    /// Where all of a list is that is cut off.
    pub(crate) fn all_is(&self) -> &'static str {
        if self.is_report { "The rest is not part of this file." } else { "The CSV has all." }
    }

    /// Reads from the store.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store, &Query) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let query = self.query.clone();
        self.console.stores.read(move |store| work(store, &query)).await
    }

    /// Changes the store.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.console.stores.write(work).await
    }

    /// Reads from the store what stood at the place of the query.
    pub(crate) async fn read_at<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store, &Place, &Query) -> Result<T, Failure> + Send + 'static,
    ) -> Result<(Place, T), Failure> {
        self.read(|store, query| {
            let place = Place::find(store, query)?;
            let read = work(store, &place, query)?;
            Ok((place, read))
        })
        .await
    }
}

impl FromRequestParts<Arc<Console>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        let session = parts.extensions.get::<Session>().cloned();
        // The guard has let nobody without one pass.
        let session =
            session.ok_or_else(|| Failure::from(ConnectorError::internal("a page has no session")).into_response())?;
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let path = parts.uri.path().to_owned();
        Ok(Self { console: Arc::clone(console), session, query, path, now: (console.clock)(), is_report: false })
    }
}
