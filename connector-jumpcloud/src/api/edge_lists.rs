//! Lists of edges, read completely: the members of one group, or the bindings of one object to one kind or several.
//!
//! Such lists may contain null records (see [`PageReader`]). If a whole window is empty although rows are counted there, the
//! list is accepted only if the traversal of the same edges shows no further object. If rows are counted only after the
//! last returned one, the traversal is used if it can be read, but the list does not depend on it.
//!
//! A list of several kinds has no such traversal, and not every service answers all of its kinds. What is not clear in it
//! is left to the caller, who reads one kind at a time instead (see [`Mixed`]).

use std::sync::Arc;

use connector_api::{ConnectorError, ErrorCode, Retry};
use serde::de::IgnoredAny;

use crate::api::Id;
use crate::api::graph::{self, Edge, MixedEdge, Reached};
use crate::api::kind::Kind;
use crate::client::{
    Client, Gap, Identified, Listing, ListingStats, Meter, PageReader, TotalsWitness, inconsistent, is_absent,
};

/// How often an object itself must answer 404 before it is considered gone.
const CONFIRMATIONS: u32 = 2;

/// One list of edges: those from one object to all objects of a kind, or of several.
#[derive(Debug, Clone)]
pub(crate) struct EdgeList {
    pub(crate) of: Kind,
    pub(crate) id: Id,
    pub(crate) to: Arc<[Kind]>,
}

/// A list of edges that was read completely.
pub(crate) struct WholeList<T> {
    pub(crate) found: T,
    pub(crate) stats: ListingStats,
    /// Its end is trusted only because of its total.
    pub(crate) on_trust: bool,
}

/// The result of reading a list of several kinds.
pub(crate) enum Mixed {
    Whole(WholeList<Vec<Edge>>),
    /// Its object is gone.
    Gone,
    /// Records are null, or counted but not returned, or the list changed while it was read; no traversal shows edges to
    /// several kinds.
    Odd(ListingStats),
    /// It was refused, or contains what was not requested.
    Refused,
}

impl EdgeList {
    /// The direct members of a group.
    pub(crate) fn members(of: Kind, id: Id) -> Self {
        let to = if of == Kind::UserGroup { Kind::User } else { Kind::System };
        Self { of, id, to: Arc::new([to]) }
    }

    /// A list for each of its kinds.
    pub(crate) fn one_by_one(self) -> impl Iterator<Item = Self> {
        let Self { of, id, to } = self;
        let kinds: Vec<Kind> = to.to_vec();
        kinds.into_iter().map(move |to| Self { of, id: id.clone(), to: Arc::new([to]) })
    }

    /// Whether edges of a kind were requested.
    pub(crate) fn requests(&self, kind: &str) -> bool {
        self.to.iter().any(|to| to.word() == kind)
    }

    fn listing(&self, limit: u64) -> Listing {
        match (self.of, &*self.to) {
            (Kind::UserGroup, [Kind::User]) | (Kind::SystemGroup, [Kind::System]) => {
                graph::members(self.of, &self.id, limit)
            }
            (_, to) => graph::associations(self.of, &self.id, to, limit),
        }
    }
}

/// How lists of edges are read.
#[derive(Clone)]
pub(crate) struct EdgeReader<'a> {
    pub(crate) client: &'a Client,
    pub(crate) meter: Meter,
    /// Rows per page.
    pub(crate) limit: u64,
}

impl EdgeReader<'_> {
    /// Counts a list without reading it; 0 if its object is gone.
    pub(crate) async fn count(&self, list: &EdgeList) -> Result<u64, ConnectorError> {
        let mut reader = PageReader::<Edge>::new(self.client, &self.meter, list.listing(1));
        match reader.total().await {
            Ok(total) => Ok(total.unwrap_or(0)),
            Err(error) if is_absent(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn reader<T: Identified + Send + 'static>(
        &self,
        list: &EdgeList,
        witness: Option<&TotalsWitness>,
    ) -> PageReader<T> {
        let reader = PageReader::new(self.client, &self.meter, list.listing(self.limit));
        match witness {
            Some(witness) => reader.watched(witness),
            None => reader,
        }
    }

    /// Enters a complete list of one kind into `found`; `None` if its object is gone. With a witness, the list may end at
    /// its total.
    pub(crate) async fn read<T>(
        &self,
        list: &EdgeList,
        witness: Option<&TotalsWitness>,
        mut found: T,
        enter: fn(&mut T, Edge),
    ) -> Result<Option<WholeList<T>>, ConnectorError> {
        let mut reader = self.reader::<Edge>(list, witness);
        loop {
            match reader.next().await {
                Ok(Some(more)) => more.into_iter().for_each(|edge| enter(&mut found, edge)),
                Ok(None) => break,
                Err(error) if is_absent(&error) => {
                    self.confirm_gone(list).await?;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(gap) = reader.gap() {
            self.confirm_gap(list, gap, &reader).await?;
        }
        Ok(Some(WholeList { found, stats: reader.stats(), on_trust: reader.on_trust() }))
    }

    /// Reads a list of several kinds.
    pub(crate) async fn read_mixed(
        &self,
        list: &EdgeList,
        witness: Option<&TotalsWitness>,
    ) -> Result<Mixed, ConnectorError> {
        let mut reader = self.reader::<MixedEdge>(list, witness);
        let mut found = Vec::new();
        loop {
            let error = match reader.next().await {
                Ok(Some(more)) => {
                    found.extend(more.into_iter().map(Edge::from));
                    continue;
                }
                Ok(None) => break,
                Err(error) if is_absent(&error) => match self.confirm_gone(list).await {
                    Ok(()) => return Ok(Mixed::Gone),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            return if concerns_one_request(&error) { Ok(Mixed::Refused) } else { Err(error) };
        }
        if found.iter().any(|edge| !list.requests(&edge.kind)) {
            return Ok(Mixed::Refused);
        }
        let stats = reader.stats();
        if !reader.is_consistent() {
            return Ok(Mixed::Odd(stats));
        }
        Ok(Mixed::Whole(WholeList { found, stats, on_trust: reader.on_trust() }))
    }

    /// Reads the device groups that contain a device; `None` if the device is gone. They contain it directly, because device
    /// groups do not contain each other.
    ///
    /// # Errors
    /// In addition to those of its requests, `inconsistent_listing` for a record that is anything else.
    pub(crate) async fn groups_of_device(&self, device: &Id) -> Result<Option<WholeList<Vec<Id>>>, ConnectorError> {
        let listing = graph::groups_of_device(device, self.limit);
        let odd = |why: &str| inconsistent(&format!("the list of device groups of the system {device}"), 1, why);
        let mut reader = PageReader::<Reached>::new(self.client, &self.meter, listing);
        let mut found = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(more)) => {
                    for Reached { id, kind, direct } in more {
                        if kind != Kind::SystemGroup.word() {
                            return Err(odd(&format!("{kind:?} {id} is not a device group")));
                        }
                        if direct == Some(false) {
                            return Err(odd(&format!("no path leads to the device group {id} in one step")));
                        }
                        found.push(id);
                    }
                }
                Ok(None) => return Ok(Some(WholeList { found, stats: reader.stats(), on_trust: false })),
                Err(error) if is_absent(&error) => {
                    confirm_gone(self.client, &self.meter, Kind::System, device).await?;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Checks that the traversal of the same edges shows no object that is missing from a list.
    async fn confirm_gap(&self, list: &EdgeList, gap: Gap, reader: &PageReader<Edge>) -> Result<(), ConnectorError> {
        let EdgeList { of, id, to } = list;
        let [to] = &**to else { return Err(ConnectorError::internal("a traversal leads to one kind")) };
        let path = format!("the list of {}s of the {} {id}", to.word(), of.word());
        let mut traversal =
            PageReader::<Reached>::new(self.client, &self.meter, graph::traversal(*of, id, *to, self.limit));
        loop {
            let shown = match traversal.next().await {
                Ok(Some(shown)) => shown,
                Ok(None) => return Ok(()),
                Err(error) if gap == Gap::Tail && shows_nothing(&error) => return Ok(()),
                Err(error) => {
                    let why = "rows are counted but not returned, and the traversal that would show whether they are null \
                               cannot be read";
                    let mut unconfirmed = inconsistent(&path, 2, &format!("{why}: {}", error.message));
                    unconfirmed.retry = error.retry;
                    return Err(unconfirmed);
                }
            };
            let lacking = |reached: &&Reached| reached.direct != Some(false) && !reader.brought(&reached.id);
            if let Some(lacking) = shown.iter().find(lacking) {
                let why = format!("rows are counted but not returned, and the traversal shows {}", lacking.id);
                return Err(inconsistent(&path, 2, &why));
            }
        }
    }

    /// Checks that an object is gone if its list answers 404. One or two 404s may come from a gateway by mistake, and an
    /// existing group must not be reported as one without members.
    async fn confirm_gone(&self, list: &EdgeList) -> Result<(), ConnectorError> {
        confirm_gone(self.client, &self.meter, list.of, &list.id).await
    }
}

/// Whether the same edges, requested otherwise, may be answered: the error is about the request, and not about the target or
/// the scan.
pub(crate) fn concerns_one_request(error: &ConnectorError) -> bool {
    matches!(
        error.code,
        ErrorCode::Unauthorized
            | ErrorCode::Forbidden
            | ErrorCode::NotFound
            | ErrorCode::WrongOrganization
            | ErrorCode::Timeout
            | ErrorCode::ServerError
            | ErrorCode::UnexpectedRedirect
            | ErrorCode::MalformedResponse
            | ErrorCode::ResponseTooLarge
            | ErrorCode::InconsistentListing
    )
}

/// Whether a traversal is refused, missing or itself incomplete, so that another attempt would not help.
fn shows_nothing(error: &ConnectorError) -> bool {
    error.is_unavailable() || matches!(error.code, ErrorCode::MalformedResponse | ErrorCode::InconsistentListing)
}

/// Checks that an object is gone after one of its lists answered 404.
pub(crate) async fn confirm_gone(client: &Client, meter: &Meter, kind: Kind, id: &Id) -> Result<(), ConnectorError> {
    for _ in 0..CONFIRMATIONS {
        match client.json::<IgnoredAny>(meter, graph::one(kind, id)).await {
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                return Err(ConnectorError::new(
                    ErrorCode::InconsistentListing,
                    format!("the {} {id} exists, but JumpCloud answers 404 for its list", kind.word()),
                    "scan again; if it persists, report it to JumpCloud",
                )
                .with_retry(Retry::Later));
            }
        }
    }
    Ok(())
}
