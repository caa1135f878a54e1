//! Sends the users' accounts as the users are read, and compares the list with the users named in memberships and bindings: a
//! list that omits users must not be reported as complete.

pub(crate) mod draft;
pub(crate) mod endpoint;
mod fields;

use connector_api::{
    Account, AccountKind, AccountLink, ConnectorError, ErrorCode, Record, Retry, RowEstimate, Section, SectionPlan,
    SectionStatus, async_trait,
};
use draft::Draft;
use endpoint::OpenUsers;
use hashbrown::{HashMap, HashSet};

use super::last_login::{self, attribution::Attribution};
use super::local_accounts::same_names::{SameName, SameNames};
use super::{About, Discovery, organization as organization_settings};
use crate::api::graph;
use crate::api::kind::Kind;
use crate::api::users::{self as users_api, SYSTEM_USERS, V2_USERS};
use crate::api::{Id, IdOnly};
use crate::client::{Identified, Listing, Meter, PageReader, grouped, is_absent};
use crate::explain_refusal::explain;
use crate::graph::Graph;
use crate::graph::evidence_rules::Privilege;
use crate::options::{Options, UsersEndpoint};
use crate::organization;
use crate::rights::{self, Right};
use crate::scan::outlet::Outlet;
use crate::scan::people::{LinkEvidence, People};
use crate::scan::planner::{Planner, row_bytes, shown};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;
use crate::scan::{Scan, another_answered};

/// The directory's users. Their list is opened first and read last: each account is sent as its page arrives.
pub(crate) struct Users;

static ABOUT: About = About {
    core: true,
    data: "User accounts, enabled state (activated, suspended, state), admin and MFA status, SSH keys (attributes.ssh_keys), privilege evidence",
    source: "GET /api/v2/users, or GET /api/systemusers if that is not served (see usersEndpoint)",
    cost: "1 request per 100 users",
    owns: &[("account", &["user"])],
    volatile: &[("account", "attributes.badLoginAttempts")],
    rights: &[
        Right::of_managers("/api/v2/users", SCOPE),
        Right::of_managers("/api/systemusers", SCOPE),
        Right::of_managers("/api/systemusers/{id}", SCOPE),
    ],
    ..About::new(Section::USERS, "Users")
};

/// The scope without which no user is listed.
pub(crate) const SCOPE: &str = "users.readonly";

#[async_trait]
impl Discovery for Users {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let probe = Options { page_size: 1, ..planner.options.clone() };
        let opened = endpoint::open(planner.client, &probe, &planner.meter).await?;
        // The scan, too, makes a request to an endpoint that is not served.
        let requests = opened.in_vain + Listing::requests(opened.total.unwrap_or(0), planner.limit);
        let because = format!("{} users from {}", shown(opened.total), opened.path);
        let rows = opened.total.map(|users| RowEstimate::about(users, row_bytes::USER));
        planner.sections.push(SectionPlan::new(Section::USERS, requests, because).with_rows(rows));
        planner.users = opened.total;
        Ok(())
    }
}

/// How many of the users missing from the list are requested by id.
const ASKED: usize = 20;

impl Scan<'_> {
    /// Reads the users and sends an account for each.
    pub(crate) async fn emit_users(
        &self,
        users: OpenUsers,
        progress: SectionProgress,
        state: &mut State,
    ) -> Result<(), ConnectorError> {
        // The names of the users are entered while their rows are made; the evidence needs only ids and edges.
        let mut people = std::mem::take(&mut state.people);
        for edge in state.found.grants.iter().filter(|edge| edge.from.kind == Kind::User) {
            people.intern(&edge.from.id);
        }
        // A request may outlive its user: a list without that user is not incomplete.
        let mut only_approved = HashSet::new();
        for access in &state.found.temporary_access {
            if people.find(&access.user).is_none() {
                only_approved.insert(people.intern(&access.user));
            }
        }
        let Sent { result, people, rows, mut progress, endpoint, logins, same_names } =
            self.send_users(users, progress, state, people, only_approved).await;
        progress.sent(rows);
        state.people = people;
        state.found.local_accounts.users = same_names;
        state.users_endpoint = Some(endpoint.to_owned());
        if let Some(report) = state.reports.get_mut(&Section::LAST_LOGIN) {
            logins.enter_aside(report);
        }
        let result = match result {
            Err(error) => Err(explain(self.client, error).await),
            Ok(()) => Ok(()),
        };
        let status = match &result {
            Ok(()) => SectionStatus::Complete,
            Err(error) => SectionStatus::Incomplete { error: error.clone() },
        };
        state.reports.insert(Section::USERS, progress.close(status));
        if rows == 0 && result.is_ok() {
            state.warnings.push(format!(
                "{}: no users returned: the organisation is empty, or the credential may not read them; {}",
                ErrorCode::NoUsers,
                rights::no_users(self.client.sign_in(), SCOPE)
            ));
        }
        result.map_err(|error| if error.code == ErrorCode::Sink { error } else { error.context(Section::USERS) })
    }

    async fn send_users(
        &self,
        users: OpenUsers,
        progress: SectionProgress,
        state: &State,
        people: People,
        only_approved: HashSet<u32>,
    ) -> Sent {
        let mut aside = SectionProgress::new(Section::GRANTS, &self.sink);
        let graph = Graph::new(state, &people, self.client.clock().now(), &mut aside);
        let mut sender = Sender {
            scan: self,
            organization: &state.found.organization,
            privilege: self.privilege(state, &graph),
            administrators: LinkedAdministrators::of(state),
            attribution: Attribution::new(&state.found.last_login),
            same_names: SameNames::of(&state.found),
            people,
            only_approved,
            outlet: Outlet::new(self),
            progress,
            endpoint: users.path,
        };
        let result = sender.send_all(users).await;
        let Sender { people, attribution, same_names, progress, endpoint, .. } = sender;
        let same_names = same_names.into_users();
        let mut logins = SectionProgress::new(Section::LAST_LOGIN, &self.sink);
        if result.is_ok() {
            let is_user = |id: &Id| people.find(id).is_some_and(|user| people.is_listed(user));
            last_login::count_unmatched(&attribution, &state.found.last_login, is_user, &mut logins);
        }
        let rows = self.in_flight.of(Section::USERS).taken;
        Sent { result, people, rows, progress, endpoint, logins, same_names }
    }
}

/// The result of sending the accounts, all of them or those before an error.
struct Sent {
    result: Result<(), ConnectorError>,
    people: People,
    rows: u64,
    progress: SectionProgress,
    /// The listing that the users were read from.
    endpoint: &'static str,
    /// The logins without an account in the scan.
    logins: SectionProgress,
    /// The users with the name of a local administrator.
    same_names: Vec<SameName>,
}

/// Makes the accounts of users and sends them.
struct Sender<'a> {
    scan: &'a Scan<'a>,
    organization: &'a organization_settings::Found,
    privilege: Privilege<'a>,
    administrators: LinkedAdministrators,
    attribution: Attribution<'a>,
    same_names: SameNames<'a>,
    people: People,
    /// The users that nothing names but requests for access.
    only_approved: HashSet<u32>,
    outlet: Outlet<'a>,
    progress: SectionProgress,
    /// The listing that the users come from.
    endpoint: &'static str,
}

impl Sender<'_> {
    async fn send_all(&mut self, users: OpenUsers) -> Result<(), ConnectorError> {
        self.send_listed(users.reader, users.total).await?;
        self.make_good().await?;
        for (user, account) in self.attribution.settle() {
            self.judge_and_send(user, account).await?;
        }
        self.outlet.flush().await
    }

    /// Sends an account for each listed user without one.
    async fn send_listed(&mut self, mut reader: PageReader<Draft>, total: Option<u64>) -> Result<(), ConnectorError> {
        let result = async {
            while let Some(page) = reader.next().await? {
                let before = self.people.listed().len();
                for draft in page {
                    let asked = self.scan.client.org_id();
                    organization::check(asked, draft.organization.as_deref(), || format!("the user {}", draft.id()))?;
                    self.send(draft).await?;
                }
                self.progress.advance(self.people.listed().len() - before, total);
            }
            Ok(())
        }
        .await;
        self.progress.listing(reader.stats());
        result
    }

    /// Makes the account of a user without one, and sends it unless its logins must wait to be assigned.
    async fn send(&mut self, draft: Draft) -> Result<(), ConnectorError> {
        let Some(user) = self.people.list(&draft.id, draft.name(), draft.sudo) else { return Ok(()) };
        let (id, names) = (draft.id.clone(), self.attribution.names_of(&draft));
        self.same_names.enter(user, self.same_names.of_user(&draft));
        let account = make_account(draft, user, &mut self.people, &self.administrators);
        match self.attribution.enter(account, user, &id, names) {
            Some(account) => self.judge_and_send(user, account).await,
            None => Ok(()),
        }
    }

    async fn judge_and_send(&mut self, user: u32, mut account: Box<Account>) -> Result<(), ConnectorError> {
        self.organization.enter_expiry(&mut account);
        let administered = self.same_names.administered(user);
        self.privilege.judge_user(&mut account, user, self.people.sudo(user), administered);
        self.outlet.send(Section::USERS, Record::Account(account)).await
    }

    fn is_listed(&self, id: &Id) -> bool {
        self.people.find(id).is_some_and(|user| self.people.is_listed(user))
    }

    /// The users named in memberships and bindings that are missing from the list.
    fn lacking(&self) -> Vec<Id> {
        let all = 0..self.people.len() as u32;
        let lacks = |user: &u32| !self.people.is_listed(*user) && !self.only_approved.contains(user);
        all.filter(lacks).map(|user| self.people.id(user).clone()).collect()
    }

    /// Compares the list with the users named in memberships and bindings: a missing user is gone, or the list is not
    /// complete.
    async fn make_good(&mut self) -> Result<(), ConnectorError> {
        let mut lacking = self.lacking();
        if lacking.is_empty() {
            return Ok(());
        }
        // `/api/v2/users` may list only some of the users; `/api/systemusers` is the published listing.
        if self.endpoint == V2_USERS && self.scan.options.users_endpoint == UsersEndpoint::Auto {
            lacking = self.read_published().await?;
        }
        let listed = self.people.listed().len();
        if listed == 0 && !lacking.is_empty() {
            return Err(self.lacks(&lacking, "and lists no user at all"));
        }
        let most = ASKED.max(listed / 100);
        let mut read_again = false;
        if lacking.len() > most {
            lacking = self.read_again().await?;
            read_again = true;
            if lacking.len() > most {
                return Err(self.lacks(&lacking, "also when read again"));
            }
        }
        let found = self.ask(&lacking).await?;
        let gone = lacking.len().min(ASKED) - found.len();
        if !found.is_empty() {
            let still: Vec<Id> = if read_again {
                found
            } else {
                self.read_again().await?;
                found.into_iter().filter(|id| !self.is_listed(id)).collect()
            };
            if !still.is_empty() {
                return Err(self.lacks(&still, "although they can be read by id"));
            }
            lacking = self.lacking();
        }
        if !lacking.is_empty() {
            self.progress.note(format!(
                "{} named in memberships or bindings {} not in the list of users; requested by id, {gone} do not exist",
                users(lacking.len()),
                if lacking.len() == 1 { "is" } else { "are" },
            ));
        }
        Ok(())
    }

    /// Reads the published listing in addition, if it is served, and returns who is still missing.
    async fn read_published(&mut self) -> Result<Vec<Id>, ConnectorError> {
        let before = self.people.listed().len();
        match self.read_from(SYSTEM_USERS).await {
            Err(error) if error.is_unavailable() => {}
            other => other?,
        }
        if self.people.listed().len() > before {
            self.progress.note(format!("{V2_USERS} omits users; they were read from {SYSTEM_USERS}"));
            self.endpoint = SYSTEM_USERS;
        }
        Ok(self.lacking())
    }

    /// Reads the list of users once more, and returns who is still missing.
    async fn read_again(&mut self) -> Result<Vec<Id>, ConnectorError> {
        self.read_from(self.endpoint).await?;
        Ok(self.lacking())
    }

    async fn read_from(&mut self, path: &str) -> Result<(), ConnectorError> {
        let Scan { client, options, .. } = self.scan;
        let listing = users_api::list(path, u64::from(options.page_size));
        let reader = PageReader::new(client, &self.progress.meter, listing);
        self.send_listed(reader, None).await
    }

    /// Requests some users by id, and returns those who exist.
    async fn ask(&self, users: &[Id]) -> Result<Vec<Id>, ConnectorError> {
        let (client, meter): (_, &Meter) = (self.scan.client, &self.progress.meter);
        let mut found = Vec::new();
        for id in users.iter().take(ASKED) {
            match client.json::<IdOnly>(meter, graph::one(Kind::User, id)).await {
                Ok(user) if user.id == *id => found.push(user.id),
                Ok(another) => return Err(another_answered("user", id, &another.id)),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn lacks(&self, users: &[Id], how: &str) -> ConnectorError {
        let example = users.first().map_or_else(String::new, |id| format!(", such as {id}"));
        ConnectorError::new(
            ErrorCode::InconsistentListing,
            format!(
                "{} omits {} named in memberships or bindings{example}, {how}",
                self.endpoint,
                self::users(users.len())
            ),
            "check that the credential can read all users, not only some; then scan again",
        )
        .with_retry(Retry::Later)
    }
}

/// Makes the account of the user at this index of `people`, and enters its links there.
fn make_account(draft: Draft, at: u32, people: &mut People, administrators: &LinkedAdministrators) -> Box<Account> {
    let email = draft.email().filter(|_| !administrators.by_email.is_empty()).map(str::to_lowercase);
    let sharing = email.as_ref().and_then(|email| administrators.by_email.get(email)).into_iter().flatten();
    let mut links: Vec<(String, LinkEvidence)> = sharing.map(|id| (id.clone(), LinkEvidence::SharedEmail)).collect();
    // An administrator that was not read has no row to link to.
    if let Some(declared) = &draft.administrator
        && administrators.ids.contains(declared)
        && !links.iter().any(|(administrator, _)| administrator == declared)
    {
        links.push((declared.clone(), LinkEvidence::DeclaredByTarget));
    }
    let mut account = draft.into_account(people.name(at).unwrap_or_default());
    for (administrator, evidence) in links {
        let link = AccountLink::new(administrator.clone(), AccountKind::ADMINISTRATOR, evidence.word());
        account.links.push(link.drawn_from([Section::USERS, Section::ADMINISTRATORS]));
        people.link(at, administrator, evidence);
    }
    account
}

/// The administrators to which users can be linked.
struct LinkedAdministrators {
    ids: HashSet<String>,
    /// The ids with each address, in lower case.
    by_email: HashMap<String, Vec<String>>,
}

impl LinkedAdministrators {
    fn of(state: &State) -> Self {
        let (mut ids, mut by_email) = (HashSet::new(), HashMap::<String, Vec<String>>::new());
        for administrator in state.found.administrators.rows() {
            let id = administrator.id().to_string();
            if let Some(email) = administrator.email() {
                by_email.entry(email.to_lowercase()).or_default().push(id.clone());
            }
            ids.insert(id);
        }
        Self { ids, by_email }
    }
}

fn users(count: usize) -> String {
    if count == 1 { "1 user".to_owned() } else { format!("{} users", grouped(count as u64)) }
}
