//! Reads the sections into the scan's state, concurrently if they do not depend on each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::{ConnectorError, ErrorCode, Progress, Section, SectionStatus};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use super::Scan;
use super::progress::{SectionProgress, name_lists};
use super::state::State;
use crate::explain_refusal::explain;
use crate::sections::users::endpoint::OpenUsers;
use crate::sections::{self, About, Context, Read, is_core};

impl Scan<'_> {
    /// Reads every section except the users, each as soon as the sections that it needs are read, while the list of users
    /// is opened; returns that list and the progress of the users' section.
    ///
    /// # Errors
    /// Returns the error of opening the list, or of a section that ends the scan.
    pub(crate) async fn read_sections(
        &self,
        started_at: Timestamp,
        opening: impl Future<Output = Result<OpenUsers, ConnectorError>> + Send,
        progress: SectionProgress,
        state: &mut Arc<State>,
    ) -> Result<(OpenUsers, SectionProgress), ConnectorError> {
        let limit = u64::from(self.options.page_size);
        let mut opening = Box::pin(opening);
        let mut users: Option<OpenUsers> = None;
        let mut open = self.unread_sections(state);
        let mut begun = BTreeSet::new();
        let mut reading: FuturesUnordered<BoxFuture<'_, Read>> = FuturesUnordered::new();
        loop {
            let total = users.as_ref().and_then(|users| users.total);
            let context = Context { client: self.client, options: self.options, limit, users: total };
            for section in sections::ALL {
                let About { section: word, after, .. } = *section.about();
                // Only sections after others use the number of users.
                let is_independent = users.is_some() || after.is_empty();
                let may_begin = is_independent && after.iter().all(|needed| !open.contains(needed));
                if open.contains(&word) && may_begin && begun.insert(word) {
                    match section.read(context, state, self.progress(word)) {
                        Some(read) => {
                            self.sink.progress(Progress::reading(word, 0));
                            reading.push(read);
                        }
                        None => _ = open.remove(&word),
                    }
                }
            }
            let next = tokio::select! {
                biased;
                opened = &mut opening, if users.is_none() => match opened {
                    Ok(mut opened) => {
                        // The sections leave permits idle at first.
                        opened.reader.prefetch();
                        Arc::make_mut(state).users_endpoint = Some(opened.path.to_owned());
                        users = Some(opened);
                        continue;
                    }
                    Err(error) => {
                        drop(reading);
                        return Err(self.users_not_listed(error, progress, Arc::make_mut(state)).await);
                    }
                },
                next = reading.next(), if users.is_some() || !reading.is_empty() => next,
            };
            let Some(mut read) = next else {
                let not_opened = || ConnectorError::internal("the list of users was not opened");
                return users.map(|users| (users, progress)).ok_or_else(not_opened);
            };
            let section = read.progress.section();
            if is_core(section)
                && let Err(error) = read.result
            {
                // This ends the scan. Drop the other sections: one that waits for a permit and is not polled would block
                // the requests behind it for ever.
                drop(reading);
                // What is wrong with the list of users is the cause more often than the effect.
                if users.is_none()
                    && let Err(error) = opening.as_mut().await
                {
                    return Err(self.users_not_listed(error, progress, Arc::make_mut(state)).await);
                }
                let error = explain(self.client, error).await;
                read.result = Err(error.clone());
                self.keep(read, Arc::make_mut(state))?;
                return Err(error);
            }
            self.keep(read, Arc::make_mut(state))?;
            open.remove(&section);
            self.checkpoint(started_at, state).await?;
        }
    }

    /// The sections that are still to be read: an interrupted scan has read some. Sections that depend on one that must be
    /// read again are read again too.
    fn unread_sections(&self, state: &State) -> BTreeSet<Section> {
        let mut open = BTreeSet::new();
        for section in sections::ALL {
            let word = section.about().section;
            let report = state.reports.get(&word);
            let is_open = report.is_none_or(|report| matches!(report.status, SectionStatus::Incomplete { .. }));
            let lacks = section.about().after.iter().any(|needed| open.contains(needed));
            if self.wants(word) && (is_open || lacks) {
                open.insert(word);
            }
        }
        open
    }

    /// Keeps what was read of a section. A core section that is not complete ends the scan, and so does any section if the
    /// target stops answering.
    fn keep(&self, read: Read, state: &mut State) -> Result<(), ConnectorError> {
        let Read { progress, result, keep } = read;
        let section = progress.section();
        keep(state);
        let ended = result.as_ref().err().filter(|error| ends_scan(section, error)).cloned();
        let mut report = match ended {
            Some(ref error) => progress.close(SectionStatus::Incomplete { error: error.clone() }),
            None => progress.close_by(result),
        };
        name_lists(&mut report, state);
        state.reports.insert(section, report);
        state.refused_sorts = self.client.refused_sorts();
        ended.map_or(Ok(()), |error| Err(error.context(section)))
    }
}

/// Whether a section that is not complete ends the scan.
fn ends_scan(section: Section, error: &ConnectorError) -> bool {
    let about = sections::of(section).map(|known| known.about());
    error.code == ErrorCode::AddressBlocked
        || about.is_some_and(|about| about.core || about.fatal.contains(&error.code))
}
