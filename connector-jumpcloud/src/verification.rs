//! A check of the computed access, if the operator wants it: for some devices and applications, JumpCloud's own traversal is
//! compared with what the bindings and memberships of the scan give. Differences are notes and a warning; no row
//! depends on them.
//!
//! Whether a direct right on a device supersedes that of a group, for example, is not published. Rows have the strongest
//! right of all paths; this check shows whether an organisation's JumpCloud says the same.

mod choice;

use std::collections::BTreeMap;

use connector_access::{Reverse, Subject};
use connector_api::{ConnectorError, ErrorCode, Section};
use futures_util::{StreamExt, stream};

use crate::api::Id;
use crate::api::compiled::{self, CompiledUser};
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::client::{Client, Listing, Meter, PageReader, grouped, is_absent};
use crate::graph::Graph;
use crate::graph::evidence_table::quoted;
use crate::options::attribute::VERIFY_GRANTS;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::Planner;
use crate::scan::state::State;
use crate::sections;

/// The kinds of objects that are compared, each with its word for one and for several.
const KINDS: [(Kind, &str, &str); 2] =
    [(Kind::System, "device", "devices"), (Kind::Application, "application", "applications")];

/// Traversals under way at the same time.
const AT_ONCE: usize = 8;

/// The most differences that notes describe.
const SHOWN: usize = 10;

/// The most objects of each kind whose traversals a plan counts, to estimate how long they are.
const SAMPLED: usize = 3;

/// Compares the access to as many devices and as many applications as the operator wants, and notes the result.
///
/// # Errors
/// Only what ends the scan.
pub(crate) async fn verify(known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
    let Known { scan, state, .. } = known;
    let number = usize::from(scan.options.verify_grants);
    if number == 0 {
        return Ok(());
    }
    let why_not = if state.reports.contains_key(&Section::GRANTS) {
        unread(state).map(|section| format!("{section} is not complete"))
    } else {
        Some(format!("{} is skipped", Section::GRANTS))
    };
    if let Some(why) = why_not {
        outlet.warn(format!("{VERIFY_GRANTS}: nothing was compared with JumpCloud's traversals, because {why}"));
        return Ok(());
    }
    let (meter, limit) = (outlet.aside(Section::GRANTS).meter.clone(), u64::from(scan.options.page_size));
    let mut comparison = Comparison::new(known);
    let result = comparison.run(scan.client, &meter, limit, number).await;
    let aside = outlet.aside(Section::GRANTS);
    aside.plan(comparison.planned);
    comparison.notes(result.is_ok()).into_iter().for_each(|note| aside.note(note));
    comparison.warning().into_iter().for_each(|warning| outlet.warn(warning));
    match result {
        Err(error) if error.code == ErrorCode::AddressBlocked => Err(error),
        Err(error) => {
            let early = "the comparison with JumpCloud's traversals ended early";
            outlet.warn(format!("{VERIFY_GRANTS}: {early}: {}", error.message));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// The first section without which the computed access is not complete, of those that were read only in part.
fn unread(state: &State) -> Option<Section> {
    let after = sections::of(Section::GRANTS).map_or(&[][..], |known| known.about().after);
    let is_broken =
        |section: &Section| state.reports.get(section).is_some_and(|report| report.status.error().is_some());
    after.iter().copied().chain([Section::GRANTS]).find(is_broken)
}

/// Adds the requests of the check to the plan of the bindings.
pub(crate) async fn plan(planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
    let number = u64::from(planner.options.verify_grants);
    let is_planned = planner.sections.iter().any(|line| line.section == Section::GRANTS);
    if number == 0 || !is_planned {
        return Ok(());
    }
    let mut requests = 0;
    for (kind, ..) in KINDS {
        let Some(things) = planner.things.get(&kind) else { continue };
        let (objects, sampled) = (things.count.min(number), things.first.iter().take(SAMPLED));
        let (mut pages, mut counted) = (0, 0);
        for id in sampled {
            let users = planner.count::<CompiledUser>(compiled::users_of(kind, id, 1)).await?;
            pages += Listing::requests(users.unwrap_or(0), planner.limit);
            counted += 1;
        }
        requests += (objects * pages).div_ceil(counted.max(1));
    }
    if let Some(line) = planner.sections.iter_mut().find(|line| line.section == Section::GRANTS) {
        line.requests += requests;
        line.because = format!("{}; about {} to verify them", line.because, grouped(requests));
    }
    Ok(())
}

/// The access that one side has and the other has not, or at another level.
struct Difference {
    /// The index of the resource.
    resource: u32,
    user: Id,
    /// `None` for no access.
    theirs: Option<Level>,
    ours: Option<Level>,
}

/// What was compared so far.
struct Comparison<'k> {
    state: &'k State,
    graph: &'k Graph<'k>,
    /// The number of objects of each kind of [`KINDS`].
    compared: [u64; KINDS.len()],
    accesses: u64,
    differing: u64,
    /// The requests that the lengths of the lists take.
    planned: u64,
    /// The first of the differences.
    shown: Vec<Difference>,
}

impl<'k> Comparison<'k> {
    fn new(known: &Known<'k>) -> Self {
        let Known { state, graph, .. } = *known;
        Self { state, graph, compared: [0; KINDS.len()], accesses: 0, differing: 0, planned: 0, shown: Vec::new() }
    }

    async fn run(&mut self, client: &Client, meter: &Meter, limit: u64, number: usize) -> Result<(), ConnectorError> {
        // JumpCloud compiles the attributes of edges and groups. What a user's own flags allow is not among them.
        let paths_alone = self.graph.without_own_raises();
        let reverse = Reverse::of(&paths_alone);
        for (at, (kind, ..)) in KINDS.into_iter().enumerate() {
            let chosen = choice::choose(self.graph, &paths_alone, kind, number);
            let graph = self.graph;
            let answers = chosen.into_iter().map(|resource| async move {
                let listing = compiled::users_of(kind, graph.thing(resource).id, limit);
                (resource, read(client, meter, listing).await)
            });
            let mut answers = stream::iter(answers).buffered(AT_ONCE);
            while let Some((resource, (planned, answer))) = answers.next().await {
                self.planned += planned;
                match answer {
                    Ok(theirs) => {
                        self.compared[at] += 1;
                        self.compare(resource, kind, &reverse, theirs);
                    }
                    // It was deleted during the scan.
                    Err(error) if is_absent(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn compare(&mut self, resource: u32, kind: Kind, reverse: &Reverse<'_>, theirs: Vec<CompiledUser>) {
        let people = &self.state.people;
        let mut ours: BTreeMap<u32, Level> = BTreeMap::new();
        // Whether the traversals contain what was approved until a certain time is not published: both are right.
        let mut standing: BTreeMap<u32, Level> = BTreeMap::new();
        for (subject, reach) in reverse.who(resource) {
            if let (Subject::Account(user), Some(reached)) = (subject, reach.iter().next())
                && people.is_listed(user)
            {
                ours.insert(user, Level::of_rank(reached.rank()));
                standing.extend(reached.standing_rank().map(|rank| (user, Level::of_rank(rank))));
            }
        }
        for CompiledUser { id, level } in theirs {
            self.accesses += 1;
            let user = people.find(&id).filter(|user| people.is_listed(*user));
            let computed = user.and_then(|user| Some((user, ours.remove(&user)?)));
            let Some((user, ours)) = computed else {
                self.differ(Difference { resource, user: id, theirs: Some(level.unwrap_or_default()), ours: None });
                continue;
            };
            // A service that adds the user's own flags is right as well.
            let is = |level: Level, ours: Level| level == ours || level == ours.max(people.sudo(user));
            let is_same = |level| is(level, ours) || standing.get(&user).is_some_and(|ours| is(level, *ours));
            if kind == Kind::System && level.is_some_and(|level| !is_same(level)) {
                self.differ(Difference { resource, user: id, theirs: level, ours: Some(ours) });
            }
        }
        for (user, ours) in ours.into_iter().filter(|(user, _)| standing.contains_key(user)) {
            self.accesses += 1;
            self.differ(Difference { resource, user: people.id(user).clone(), theirs: None, ours: Some(ours) });
        }
    }

    fn differ(&mut self, difference: Difference) {
        self.differing += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(difference);
        }
    }

    /// What was compared, and the differences. Nothing is said of a comparison that ended before its first object.
    fn notes(&self, is_whole: bool) -> Vec<String> {
        if !is_whole && self.compared.iter().all(|number| *number == 0) {
            return Vec::new();
        }
        let number = |(number, (_, one, several)): (&u64, &(Kind, &str, &str))| match number {
            1 => format!("1 {one}"),
            number => format!("{} {several}", grouped(*number)),
        };
        let objects = self.compared.iter().zip(&KINDS).map(number).collect::<Vec<_>>().join(" and ");
        let differ = match self.differing {
            0 if is_whole => "none differs".to_owned(),
            0 => "none differs so far".to_owned(),
            1 => "1 differs".to_owned(),
            several => format!("{} differ", grouped(several)),
        };
        let compared = format!(
            "compared with JumpCloud's traversals of {objects}: of {} accesses, {differ}",
            grouped(self.accesses)
        );
        let more = self.differing.saturating_sub(self.shown.len() as u64);
        let more =
            (more > 0).then(|| format!("{} more differences from JumpCloud's traversals are not shown", grouped(more)));
        [compared].into_iter().chain(self.shown.iter().map(|difference| self.note(difference))).chain(more).collect()
    }

    /// What an operator must not miss: somebody may have more or less access than the rows say.
    fn warning(&self) -> Option<String> {
        let differ = match self.differing {
            0 => return None,
            1 => "differs",
            _ => "differ",
        };
        Some(format!(
            "{VERIFY_GRANTS}: {} of {} compared accesses {differ} from what JumpCloud reports, so rows may show more or less \
             access than there is; scan again to see whether this lasts, and compare the notes of the section {} with the \
             JumpCloud console",
            grouped(self.differing),
            grouped(self.accesses),
            Section::GRANTS,
        ))
    }

    fn note(&self, difference: &Difference) -> String {
        let thing = self.graph.thing(difference.resource);
        let kind = KINDS.iter().find(|(kind, ..)| *kind == thing.kind).map_or("object", |(_, word, _)| word);
        let people = &self.state.people;
        let name = people.find(&difference.user).and_then(|user| people.name(user));
        let named =
            |name: &str, id: &Id| if name.is_empty() { id.to_string() } else { format!("{} ({id})", quoted(name)) };
        let word =
            |level: Option<Level>| level.map_or_else(|| "no access".to_owned(), |level| level.access().to_string());
        format!(
            "{kind} {}, user {}: JumpCloud reports {}, the scan computes {}",
            named(thing.name, thing.id),
            named(name.unwrap_or_default(), &difference.user),
            word(difference.theirs),
            word(difference.ours),
        )
    }
}

/// The requests that the length of a traversal takes, and all its users.
async fn read(client: &Client, meter: &Meter, listing: Listing) -> (u64, Result<Vec<CompiledUser>, ConnectorError>) {
    let mut reader = PageReader::new(client, meter, listing);
    let mut users = Vec::new();
    let result = loop {
        match reader.next().await {
            Ok(Some(more)) => users.extend(more),
            Ok(None) => break Ok(users),
            Err(error) => break Err(error),
        }
    };
    (reader.stats().planned.unwrap_or(1), result)
}
