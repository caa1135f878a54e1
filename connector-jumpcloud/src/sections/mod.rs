//! The sections of a scan, one file each: what a section lists, counts and emits, the rows that it owns, the rights that
//! it needs, its cost, and the option that turns it off.
//!
//! A new section is a new file and a line in the list below. Nothing else in this crate names sections, except the code that
//! derives evidence and grants from some of them.

pub(crate) mod administrators;
mod applications;
pub(crate) mod conditional_access;
mod directories;
pub(crate) mod effective_grants;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod last_login;
pub(crate) mod local_accounts;
pub(crate) mod memberships;
pub(crate) mod organization;
pub(crate) mod roles;
pub(crate) mod service_accounts;
mod systems;
pub(crate) mod temporary_access;
pub(crate) mod users;

use connector_api::{Attributes, ConnectorError, ErrorCode, Field, RowType, Section, SectionDescription, async_trait};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Id;
use crate::api::edge_lists::EdgeReader;
use crate::api::kind::Kind;
use crate::client::{Client, Identified, Listing};
use crate::options::{Options, Switch, Switches};
use crate::rights::{self, Right, Rights};
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::Planner;
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Lists the sections, and the type of what each keeps.
macro_rules! sections {
    ($($file:ident::$section:ident $(keeps $found:ident)?),* $(,)?) => {
        /// Every section, in the order of all lists and of the rows: each after those that it refers to.
        pub(crate) const ALL: &[&dyn Discovery] = &[$(&$file::$section),*];

        /// What the sections read before the users keep: it is in memory for the whole scan, and stored in checkpoints.
        #[derive(Debug, Default, Clone, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct Found {
            $($(pub(crate) $file: $file::$found,)?)*
        }
    };
}

sections! {
    users::Users,
    groups::Groups keeps Found,
    memberships::Memberships keeps Found,
    roles::ConsoleRoles keeps Found,
    administrators::Administrators keeps Found,
    service_accounts::ServiceAccounts keeps Found,
    systems::Systems keeps Found,
    local_accounts::LocalAccounts keeps Found,
    applications::Applications keeps Found,
    directories::Directories keeps Found,
    grants::Grants keeps Found,
    temporary_access::TemporaryAccess keeps Found,
    effective_grants::Privileged,
    effective_grants::Other,
    organization::OrganizationSettings keeps Found,
    conditional_access::ConditionalAccess keeps Found,
    last_login::LastLogin keeps Found,
}

/// One section.
#[async_trait]
pub(crate) trait Discovery: Sync {
    /// What it is, without I/O.
    fn about(&self) -> &'static About;

    /// Reads it, concurrently with others; `None` if it makes no requests itself.
    fn read<'a>(
        &self,
        _context: Context<'a>,
        _state: &State,
        _progress: SectionProgress,
    ) -> Option<BoxFuture<'a, Read>> {
        None
    }

    /// Enters the requests that reading it would need, estimated from counts and samples.
    async fn plan(&self, _planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// The objects that it found to which accounts and groups can be bound.
    fn things<'s>(&self, _found: &'s Found) -> Vec<Thing<'s>> {
        Vec::new()
    }

    /// What it found out about the target that the summary states as facts, by name.
    fn facts(&self, _found: &Found) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Gives its accounts their names. Sections do this one after another, so that names are unique.
    fn name_accounts(&self, _state: &mut State) {}

    /// Reads bytes as a page of its rows, for fuzzing, if their wire type is in the section's own file.
    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, _bytes: &[u8]) {}

    /// Sends its rows of one record kind that it owns, when everything is known. The rows of all sections are sent in the
    /// order of record kinds.
    async fn emit(&self, _record: &str, _known: &Known<'_>, _outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// What a section is, for the descriptor, the settings and the table of rights.
pub(crate) struct About {
    pub(crate) section: Section,
    /// Its display name.
    pub(crate) title: &'static str,
    /// Whether the scan fails if it is not complete.
    pub(crate) core: bool,
    /// What it discovers, from where, and at which cost.
    pub(crate) data: &'static str,
    pub(crate) source: &'static str,
    pub(crate) cost: &'static str,
    /// The rows that it owns: each record kind once, with its types.
    pub(crate) owns: &'static [(&'static str, &'static [&'static str])],
    /// The sections that must be read before this one, because it uses what they found. It is only as complete as they are.
    pub(crate) after: &'static [Section],
    /// The section whose edges its rows are computed from, if it is not read itself.
    pub(crate) made_of: Option<Section>,
    /// The fields that it fills in rows of other sections, by record kind.
    pub(crate) fills_in: &'static [(&'static str, &'static str)],
    /// The same in rows of one type, by record kind and type.
    pub(crate) fills_in_of_type: &'static [(&'static str, &'static str, &'static str)],
    /// Those of its fields that change by themselves.
    pub(crate) volatile: &'static [(&'static str, &'static str)],
    /// The setting that turns it off.
    pub(crate) option: Option<Switch>,
    /// The rights for its calls.
    pub(crate) rights: &'static [Right],
    /// Errors that end the scan although the section is not core.
    pub(crate) fatal: &'static [ErrorCode],
}

impl About {
    /// A section that is not core, without rows, rights and option.
    pub(crate) const fn new(section: Section, title: &'static str) -> Self {
        Self {
            section,
            title,
            core: false,
            data: title,
            source: "",
            cost: "",
            owns: &[],
            after: &[],
            made_of: None,
            fills_in: &[],
            fills_in_of_type: &[],
            volatile: &[],
            option: None,
            rights: &[],
            fatal: &[],
        }
    }

    /// Its description for hosts.
    pub(crate) fn describe(&self) -> SectionDescription {
        let described = SectionDescription::new(self.section, self.title, self.data, self.source, self.cost);
        let described = if self.core { described.core() } else { described };
        let owns = self.owns.iter().flat_map(|(record, types)| RowType::several(record, types.iter().copied()));
        let of_type = self.fills_in_of_type.iter();
        let of_type = of_type.map(|(record, row_type, field)| Field::new(*record, *field).of_type(*row_type));
        let drawn_from = self.after.iter().copied().chain(self.made_of);
        described
            .needing(rights::scopes(self.rights))
            .drawn_from(drawn_from)
            .owning(owns)
            .filling_in(fields(self.fills_in).chain(of_type))
    }
}

/// Fields by record kind and name, for hosts.
pub(crate) fn fields(named: &[(&str, &str)]) -> impl Iterator<Item = Field> {
    named.iter().map(|(record, field)| Field::new(*record, *field))
}

/// The switches of the sections that can be skipped.
pub(crate) fn switches() -> Switches {
    let abouts = ALL.iter().map(|section| section.about());
    abouts.filter_map(|about| Some((about.section, about.option.as_ref()?))).collect()
}

/// The rights for the sections' calls.
pub(crate) fn rights() -> Rights {
    Rights::new(ALL.iter().flat_map(|section| section.about().rights))
}

/// A section by its word.
pub(crate) fn of(section: Section) -> Option<&'static dyn Discovery> {
    ALL.iter().copied().find(|known| known.about().section == section)
}

/// Every section's word.
pub(crate) fn words() -> impl Iterator<Item = Section> {
    ALL.iter().map(|known| known.about().section)
}

/// Whether the scan fails if this section is not complete.
pub(crate) fn is_core(section: Section) -> bool {
    of(section).is_some_and(|known| known.about().core)
}

/// The objects to which accounts and groups can be bound, of all sections in their order.
pub(crate) fn things(found: &Found) -> Vec<Thing<'_>> {
    ALL.iter().flat_map(|section| section.things(found)).collect()
}

/// Enters an attribute, if it has a value.
fn enter_text(attributes: &mut Attributes, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        attributes.insert(name, value);
    }
}

/// An object to which accounts and groups can be bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thing<'s> {
    pub(crate) kind: Kind,
    pub(crate) id: &'s Id,
    /// Empty if it has none.
    pub(crate) name: &'s str,
}

/// What a section is read with.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a Options,
    /// Rows per page.
    pub(crate) limit: u64,
    /// The number of users, if the target reports it.
    pub(crate) users: Option<u64>,
}

impl<'a> Context<'a> {
    /// A reader of lists of edges whose requests count for a section.
    pub(crate) fn edge_reader(&self, progress: &SectionProgress) -> EdgeReader<'a> {
        EdgeReader { client: self.client, meter: progress.meter.clone(), limit: self.limit }
    }
}

/// The result of reading one section, complete or not.
pub(crate) struct Read {
    pub(crate) progress: SectionProgress,
    pub(crate) result: Result<(), ConnectorError>,
    /// Keeps what was found.
    pub(crate) keep: Box<dyn FnOnce(&mut State) + Send>,
}

impl Read {
    /// A result, and the function that stores what was found.
    pub(crate) fn new(
        progress: SectionProgress,
        result: Result<(), ConnectorError>,
        keep: impl FnOnce(&mut State) + Send + 'static,
    ) -> Self {
        Self { progress, result, keep: Box::new(keep) }
    }
}

/// Reads a section that is a single listing; `keep` stores the rows.
fn one_listing<'a, T>(
    context: Context<'a>,
    mut progress: SectionProgress,
    listing: Listing,
    keep: impl FnOnce(&mut State, Vec<T>) + Send + 'static,
) -> Option<BoxFuture<'a, Read>>
where
    T: Identified + Send + 'static,
{
    Some(Box::pin(async move {
        let mut rows = Vec::new();
        let result = progress.read_into(context.client, listing, &mut rows).await;
        Read::new(progress, result, |state| keep(state, rows))
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use connector_api::Record;

    use super::*;

    #[test]
    fn every_section_is_listed_after_those_that_it_refers_to() {
        let mut before = BTreeSet::new();
        for section in ALL {
            let word = section.about().section;
            for needed in section.about().after.iter().copied().chain(section.about().made_of) {
                assert!(before.contains(&needed), "{word} is listed before {needed}");
            }
            assert!(before.insert(word), "{word} is listed twice");
        }
    }

    #[test]
    fn a_row_type_belongs_to_one_section_and_a_section_names_each_record_kind_once() {
        let mut owned = BTreeSet::new();
        for about in ALL.iter().map(|section| section.about()) {
            let kinds: BTreeSet<_> = about.owns.iter().map(|(record, _)| record).collect();
            assert_eq!(kinds.len(), about.owns.len(), "{}", about.section);
            for (record, types) in about.owns {
                assert!(Record::KINDS.contains(record), "{}: {record}", about.section);
                for row_type in *types {
                    assert!(owned.insert((record, row_type)), "{}: {record} {row_type}", about.section);
                }
            }
        }
    }

    #[test]
    fn what_is_core_cannot_be_left_out_and_every_other_section_that_asks_can() {
        for about in ALL.iter().map(|section| section.about()) {
            let asks = !about.rights.is_empty();
            assert_eq!(about.option.is_some(), asks && !about.core, "{}", about.section);
        }
    }
}
