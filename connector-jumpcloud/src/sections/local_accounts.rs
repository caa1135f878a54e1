//! Local administrators of devices: those in `userMetrics` of each device, which come with the list of devices, and those
//! that System Insights knows, `GET /api/v2/systeminsights/users`.
//!
//! A local account that JumpCloud manages is that of the user with its name, and has no row of its own: the user's bindings
//! give its rights.

mod reading;
pub(crate) mod same_names;

use std::collections::BTreeMap;

use connector_access::{Name, Names, Subject};
use connector_api::{
    Access, AccessLevel, AccessPath, Account, AccountKind, AccountLink, Binding, ConnectorError, Grant, NodeKind,
    NodeRef, Principal, Reason, ResourceRef, RowEstimate, Section, SectionPlan, SectionStatus, Severity, async_trait,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{About, Context, Discovery, Read};
use crate::api::kind::Kind;
use crate::api::local_accounts::{self as api, ListedAccount};
use crate::api::systems::System;
use crate::client::Listing;
use crate::graph::evidence_rules::most_severe_first;
use crate::graph::evidence_table::{Evidence, quoted};
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::people::People;
use crate::scan::planner::{Planner, row_bytes, shown};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;
use reading::Reading;
use same_names::{SameName, UsersByName};

/// What a local administrator may do with the device.
pub(crate) const ACCESS: Access = Access::of_word(AccessLevel::Administer, "localAdministrator");

/// With how many users of the same name an account is linked. A name that more users have says nothing.
const MOST_LINKS: usize = 8;

/// Local administrators, by device and then by name. As small as possible: there may be several on each device.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Found {
    names: LocalNames,
    administrators: Vec<LocalAdministrator>,
    /// The users with one of the names.
    pub(crate) users: Vec<SameName>,
    /// The administrators that have a row, each with its name there.
    #[serde(skip)]
    rows: Vec<(u32, Name)>,
}

/// An administrator of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocalAdministrator {
    /// The place of the device in the list of devices.
    device: u32,
    /// The place of the name among the names.
    name: u32,
    managed: Option<bool>,
    suspended: Option<bool>,
    ad_managed: Option<bool>,
    real_user: Option<bool>,
}

/// The distinct names of local administrators: most are the same on all devices.
#[derive(Debug, Default, Clone)]
struct LocalNames(Names);

impl Serialize for LocalNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.len() as u32).filter_map(|at| self.0.nth(at)))
    }
}

impl<'de> Deserialize<'de> for LocalNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Names::default();
        for name in Vec::<String>::deserialize(deserializer)? {
            // A checkpoint in which a name occurs twice has fewer names than places: `check` finds it.
            let _ = names.insert(&name);
        }
        Ok(Self(names))
    }
}

pub(crate) struct LocalAccounts;

static ABOUT: About = About {
    data: "Administrators among the local accounts of devices, except those of the users that JumpCloud manages there",
    source: "GET /api/v2/systeminsights/users, and userMetrics of GET /api/systems",
    cost: "1 request per 10,000 local accounts of all devices",
    after: &[Section::SYSTEMS],
    owns: &[("account", &["localAccount"]), ("binding", &["localAccountToResource"])],
    option: Some(Switch {
        name: "includeLocalAccounts",
        title: "Local administrators",
        description: "Discover the local administrators of devices. Costs one request for each 10,000 local accounts.",
    }),
    rights: &[
        Right::of_feature(api::PATH, "systeminsights.readonly"),
        Right::of_administrators("/api/systems", "systems.readonly"),
    ],
    ..About::new(Section::LOCAL_ACCOUNTS, "Local administrators")
};

#[async_trait]
impl Discovery for LocalAccounts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(
        &self,
        context: Context<'a>,
        state: &State,
        mut progress: SectionProgress,
    ) -> Option<BoxFuture<'a, Read>> {
        // Without devices nothing is local.
        state.reports.get(&Section::SYSTEMS)?;
        let mut reading = Reading::of(&state.found.systems.devices);
        Some(Box::pin(async move {
            let result = reading.read(context.client, &mut progress).await;
            Read::new(progress, result, |state| {
                state.found.local_accounts = reading.finish();
            })
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        if planner.count_of(Kind::System) == 0 {
            planner.sections.push(SectionPlan::new(Section::LOCAL_ACCOUNTS, 0, "no devices"));
            return Ok(());
        }
        let accounts = planner.count::<ListedAccount>(api::count()).await?;
        let requests = accounts.map_or(1, |accounts| Listing::requests(accounts, api::LIMIT));
        let because = format!("{} local accounts", shown(accounts));
        // Each may be an administrator. Where System Insights is not served, how many there are is not known.
        let rows = accounts.map(|accounts| {
            let account = RowEstimate::at_most(accounts, row_bytes::LOCAL_ACCOUNT);
            account.and(RowEstimate::at_most(accounts, row_bytes::BINDING))
        });
        planner.local_accounts = accounts;
        planner.sections.push(SectionPlan::new(Section::LOCAL_ACCOUNTS, requests, because).with_rows(rows));
        Ok(())
    }

    fn name_accounts(&self, state: &mut State) {
        let State { found, people, .. } = state;
        let rows = found.local_accounts.rows(&found.systems.devices, people);
        found.local_accounts.rows = rows;
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        let mut reading = Reading::of(&[]);
        let rows = crate::fuzzing::rows::<ListedAccount>(bytes);
        rows.iter().filter_map(|row| row.account.as_ref()).for_each(|account| reading.administrator(0, account));
        drop(reading.finish());
    }

    async fn emit(&self, record: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let found = &known.state.found.local_accounts;
        let users = UsersByName::of(&found.users);
        if record == "account"
            && let Some(note) = found.managed_for_nobody(&users, known)
        {
            outlet.aside(Section::LOCAL_ACCOUNTS).note(note);
        }
        for local in found.local(known.state) {
            if record == "account" {
                outlet.send(Section::LOCAL_ACCOUNTS, local.account(&users, &known.state.people)).await?;
            } else {
                outlet.send(Section::LOCAL_ACCOUNTS, local.binding()).await?;
            }
        }
        Ok(())
    }
}

impl Found {
    /// Checks that the parts are consistent, because a checkpoint comes from a file.
    ///
    /// # Errors
    /// The first inconsistency.
    pub(crate) fn check(&self, devices: usize, people: usize) -> Result<(), String> {
        let has_name = |name: u32| self.names.0.nth(name).is_some();
        let is_right = |one: &LocalAdministrator| has_name(one.name) && (one.device as usize) < devices;
        if !self.administrators.iter().all(is_right) {
            return Err("a local administrator is on a device that is not there, or has no name".to_owned());
        }
        if !self.users.iter().all(|same| has_name(same.name) && (same.user as usize) < people) {
            return Err("a user has the name of a local administrator who is not there".to_owned());
        }
        Ok(())
    }

    fn name(&self, administrator: &LocalAdministrator) -> &str {
        self.names.0.nth(administrator.name).unwrap_or_default()
    }

    /// The administrators that have a row, each with a unique name.
    fn rows(&self, devices: &[System], people: &mut People) -> Vec<(u32, Name)> {
        let users = UsersByName::of(&self.users);
        let mut rows = Vec::with_capacity(self.administrators.len());
        for (at, one) in (0_u32..).zip(&self.administrators) {
            let device = &devices[one.device as usize];
            let is_users = one.managed == Some(true) && users.owners(one.name, device.ignores_case()).next().is_some();
            if !is_users {
                let name = format!("{}@{}", self.name(one), device.host());
                let other = format!("{name} ({})", device.id);
                rows.push((at, people.reserve(&name, &other)));
            }
        }
        rows
    }

    /// Administrators that JumpCloud manages for a user who may not sign in to the device, if who may is known: the user's
    /// access does not show them.
    fn managed_for_nobody(&self, users: &UsersByName<'_>, known: &Known<'_>) -> Option<String> {
        let needed = [Section::SYSTEMS, Section::GRANTS, Section::TEMPORARY_ACCESS];
        if !needed.iter().all(|section| known.state.has_read(*section)) {
            return None;
        }
        let devices = &known.state.found.systems.devices;
        let is_left = |one: &&LocalAdministrator| {
            let device = known.graph.device(one.device);
            let mut owners = users.owners(one.name, devices[one.device as usize].ignores_case()).peekable();
            let signs_in = |user| known.graph.reach(Subject::Account(user)).iter().any(|one| one.resource() == device);
            one.managed == Some(true) && owners.peek().is_some() && !owners.any(signs_in)
        };
        let mut left = self.administrators.iter().filter(is_left);
        let first = left.next()?;
        let (name, device) = (quoted(self.name(first)), quoted(&devices[first.device as usize].host()));
        Some(format!(
            "{} administrators have the name of a user for whom JumpCloud manages them, but who may not sign in there: they \
             have no row, for example {name} on {device}",
            1 + left.count()
        ))
    }

    /// The administrators that have a row.
    fn local<'a>(&'a self, state: &'a State) -> impl Iterator<Item = Local<'a>> {
        self.rows.iter().map(move |(at, username)| {
            let administrator = &self.administrators[*at as usize];
            Local {
                administrator,
                device: &state.found.systems.devices[administrator.device as usize],
                name: self.name(administrator),
                username: state.people.text(*username),
            }
        })
    }
}

/// Makes every row, for fuzzing the state of a checkpoint.
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub(crate) fn fuzz_rows(state: &State) {
    let users = UsersByName::of(&state.found.local_accounts.users);
    for local in state.found.local_accounts.local(state) {
        drop((local.account(&users, &state.people), local.binding(), local.grant()));
    }
}

/// The effective access of local administrators, if they were read completely: a host keeps what it knew otherwise.
pub(crate) fn grants<'a>(state: &'a State) -> impl Iterator<Item = Grant> + 'a {
    let report = state.reports.get(&Section::LOCAL_ACCOUNTS);
    let is_whole = report.is_some_and(|report| report.status == SectionStatus::Complete);
    let found = is_whole.then_some(&state.found.local_accounts);
    found.into_iter().flat_map(move |found| found.local(state)).map(|local| local.grant())
}

/// A local administrator that has a row.
struct Local<'a> {
    administrator: &'a LocalAdministrator,
    device: &'a System,
    name: &'a str,
    username: &'a str,
}

impl Local<'_> {
    /// The device's id and the name. In the name, `%` and `:` are percent-encoded, so that hosts can put ids together.
    fn external_id(&self) -> String {
        format!("{}/{}", self.device.id, self.name.replace('%', "%25").replace(':', "%3A"))
    }

    fn account(&self, users: &UsersByName<'_>, people: &People) -> Account {
        let LocalAdministrator { name, managed, suspended, ad_managed, real_user, .. } = *self.administrator;
        let mut row = Account::new(self.external_id(), self.username);
        row.kind = AccountKind::LOCAL_ACCOUNT;
        row.display_name = Some(self.name.to_owned());
        row.enabled = suspended.map(|suspended| !suspended);
        let same: Vec<u32> = users.of_name(name, self.device.ignores_case()).take(MOST_LINKS + 1).collect();
        if same.len() <= MOST_LINKS {
            let link = |user| AccountLink::new(people.id(user).to_string(), AccountKind::USER, "sameLocalName");
            let sections = [Section::USERS, Section::LOCAL_ACCOUNTS];
            row.links = same.into_iter().map(|user| link(user).drawn_from(sections)).collect();
        }
        row.reasons = self.reasons();
        let flags =
            [("managed", managed), ("suspended", suspended), ("adManaged", ad_managed), ("realUser", real_user)];
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
        let device = ("deviceId".to_owned(), Value::from(self.device.id.to_string()));
        row.attributes = flags.chain([device]).collect::<BTreeMap<_, _>>().into();
        row
    }

    /// The evidence that it is privileged, and of how it signs in, unless it cannot be used.
    fn reasons(&self) -> Vec<Reason> {
        let LocalAdministrator { managed, suspended, real_user, .. } = *self.administrator;
        if suspended == Some(true) {
            return Vec::new();
        }
        let who = match managed {
            Some(true) => "JumpCloud manages the account, but no user's accounts have its name",
            Some(false) => "JumpCloud does not manage the account",
            None => "it is not known whether JumpCloud manages the account",
        };
        let severity = if real_user == Some(false) { Severity::Low } else { Severity::Medium };
        let message = format!("administers the device {}; {who}", quoted(&self.device_name()));
        let administers = Evidence::LocalAdministrator.reason_of(severity, message);
        let by_ssh = (self.name == "root" && self.device.lets_root_in()).then(|| {
            let message = format!("may sign in to the device {} by SSH", quoted(&self.device_name()));
            Evidence::SshRootLogin.reason(message).drawn_from([Section::LOCAL_ACCOUNTS])
        });
        most_severe_first([administers].into_iter().chain(by_ssh).collect())
    }

    fn device_name(&self) -> String {
        let label = self.device.label();
        if label.is_empty() { self.device.id.to_string() } else { label.to_owned() }
    }

    fn binding(&self) -> Binding {
        let from = NodeRef::new(NodeKind::Account, AccountKind::LOCAL_ACCOUNT.as_str(), self.external_id());
        let to = NodeRef::new(NodeKind::Resource, Kind::System.resource_type(), self.device.id.to_string());
        Binding::new(from, to).with_access(ACCESS)
    }

    fn grant(&self) -> Grant {
        let device = ResourceRef::new(self.device.id.to_string(), Kind::System.resource_type(), self.device_name());
        let mut grant = Grant::new(Principal::account(self.external_id(), self.username), device, ACCESS);
        grant.direct = true;
        grant.via = vec![AccessPath::new(ACCESS, Vec::new())];
        grant
    }
}
