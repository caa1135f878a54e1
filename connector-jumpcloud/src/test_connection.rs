//! The checks of "Test Connection": one for each thing that a scan needs.

use std::time::Duration;

use connector_api::{Check, ConnectionReport, ConnectorError, EachCheck, ErrorCode};
use tokio::time::{Instant, timeout};

use crate::api::graph::{self, Edge};
use crate::api::kind::Kind;
use crate::api::organizations::Organization;
use crate::api::user_groups::{self, UserGroup};
use crate::client::{Client, Meter, PageReader, grouped};
use crate::explain_refusal::{
    explain, list as list_organizations, name as organization_name, not_visible, visible_organizations,
};
use crate::options::Options;
use crate::options::attribute::ORG_ID;
use crate::rights;
use crate::sections::users::{self, endpoint};

/// All checks together end within this time; the host waits 60 s.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs the checks one after another. If one fails, checks that depend on it are skipped.
pub(crate) async fn run(client: &Client, options: &Options, each: EachCheck<'_>) -> ConnectionReport {
    let mut checks = Checks { report: ConnectionReport::default(), each, deadline: Instant::now() + LIMIT };
    checks.all(client, options).await;
    checks.report
}

/// The report if the settings are not valid.
pub(crate) fn unusable(error: ConnectorError, each: EachCheck<'_>) -> ConnectionReport {
    let check = Check::failed("configuration", error, Duration::ZERO);
    each(&check);
    ConnectionReport::new(vec![check])
}

struct Checks<'a> {
    report: ConnectionReport,
    each: EachCheck<'a>,
    deadline: Instant,
}

impl Checks<'_> {
    async fn all(&mut self, client: &Client, options: &Options) {
        let meter = Meter::default();
        // One request shows how far the connection gets: name resolved, connected, TLS, signed in.
        let began = Instant::now();
        let proof = self.within(user_groups::prove(client, &meter)).await;
        let took = began.elapsed();
        if !self.reached(client, proof.as_ref().err(), took) {
            self.skip(&["key", "organization", "users", "groups", "memberships"], "an earlier check failed");
            return;
        }
        let began = Instant::now();
        let organizations = self.within(visible_organizations(client, &meter)).await;
        if !self.accepted(proof, organizations.is_ok(), took) {
            self.skip(&["organization", "users", "groups", "memberships"], "the credential is not accepted");
            return;
        }
        self.organization(client, organizations, began.elapsed());
        self.users(client, options, &meter).await;
        self.groups(client, &meter).await;
    }

    /// Enters the checks of the connection and returns whether the target was reached.
    fn reached(&mut self, client: &Client, error: Option<&ConnectorError>, took: Duration) -> bool {
        let console = &client.endpoints().console;
        let address = console.host_str().unwrap_or_default();
        let port = console.port_or_known_default().unwrap_or_default();
        let proxy = client.proxy();
        let code = error.map(|error| error.code);
        match (&proxy, error) {
            // The proxy resolves the name; the result is not visible here.
            (Some(proxy), _) => self.skip(&["resolve"], &format!("the proxy {proxy} resolves the name")),
            (None, Some(error)) if error.code == ErrorCode::Dns => {
                self.fail("resolve", error.clone(), took);
                self.skip(&["connect", "tls"], "the name is not resolved");
                return false;
            }
            (None, _) => self.pass("resolve", &format!("{address} is resolved"), Duration::ZERO),
        }
        if let Some(error) = error
            && matches!(error.code, ErrorCode::Dns | ErrorCode::Connect | ErrorCode::Timeout)
        {
            self.fail("connect", error.clone(), took);
            self.skip(&["tls"], "there is no connection");
            return false;
        }
        let connected = proxy.map_or_else(
            || format!("{address}:{port} accepts connections"),
            |proxy| format!("the proxy {proxy} connects to {address}:{port}"),
        );
        self.pass("connect", &connected, if code == Some(ErrorCode::Tls) { Duration::ZERO } else { took });
        if let Some(error) = error.filter(|error| error.code == ErrorCode::Tls) {
            self.fail("tls", error.clone(), took);
            return false;
        }
        if console.scheme() == "https" {
            self.pass("tls", "the certificate is valid for the host name", Duration::ZERO);
        } else {
            self.skip(&["tls"], "plain HTTP on a loopback address");
        }
        let turned_away =
            |error: &&ConnectorError| matches!(error.code, ErrorCode::UnexpectedRedirect | ErrorCode::AddressBlocked);
        if let Some(error) = error.filter(turned_away) {
            self.fail("service", error.clone(), took);
            return false;
        }
        true
    }

    /// Enters the check of the credential and returns whether it may be accepted. `lists`: the list of organisations
    /// accepted it.
    fn accepted(&mut self, proof: Result<(), ConnectorError>, lists: bool, took: Duration) -> bool {
        match proof {
            Ok(()) => self.pass("key", "the credential is accepted", took),
            Err(_) if lists => self.pass("key", "the credential is accepted", took),
            Err(error) if error.code == ErrorCode::Unauthorized => {
                self.fail("key", error, took);
                return false;
            }
            Err(_) => self.skip(&["key"], "see the checks of users and groups"),
        }
        true
    }

    fn organization(
        &mut self,
        client: &Client,
        organizations: Result<Vec<Organization>, ConnectorError>,
        took: Duration,
    ) {
        let who = client.sign_in().name();
        let passed = |organization: &Organization| {
            let name = organization_name(client, organization);
            Check::passed("organization", format!("{name} ({})", organization.id), took)
        };
        let check = match (organizations, client.org_id()) {
            (Ok(visible), Some(org_id)) => {
                match visible.iter().find(|organization| organization.is(org_id)) {
                    Some(found) => passed(found),
                    None => {
                        let error = not_visible(client, org_id, &visible);
                        // A key of a single organisation may list none.
                        let check = if visible.is_empty() { Check::warning } else { Check::failed };
                        check("organization", error, took)
                    }
                }
            }
            (Ok(visible), None) => match visible.as_slice() {
                [one] => passed(one),
                [] => Check::skipped(
                    "organization",
                    format!("{who} lists no organisation, which is normal if it belongs to a single one"),
                ),
                several => Check::failed(
                    "organization",
                    ConnectorError::new(
                        ErrorCode::WrongOrganization,
                        format!("{who} can access {} organisations and none is selected", several.len()),
                        format!("set {ORG_ID} to one of: {}", list_organizations(client, several)),
                    ),
                    took,
                ),
            },
            (Err(error), _) if error.code == ErrorCode::Forbidden && client.sign_in().is_service_account() => {
                Check::skipped("organization", "not available to service accounts")
            }
            (Err(error), _) => Check::warning("organization", error, took),
        };
        self.enter(check);
    }

    async fn users(&mut self, client: &Client, options: &Options, meter: &Meter) {
        let began = Instant::now();
        let looked = async {
            let users = endpoint::open(client, options, meter).await?;
            Ok((users.path, users.total))
        };
        match self.within(looked).await {
            Ok((_, Some(0))) => {
                let remedy = rights::no_users(client.sign_in(), users::SCOPE);
                let error = ConnectorError::new(ErrorCode::NoUsers, "no users are returned", remedy);
                self.enter(Check::warning("users", error, began.elapsed()));
            }
            Ok((path, total)) => {
                let found = format!("{} from {path}", counted(total, "users"));
                self.pass("users", &found, began.elapsed());
            }
            Err(error) => self.fail_explained("users", client, error, began).await,
        }
    }

    async fn groups(&mut self, client: &Client, meter: &Meter) {
        let began = Instant::now();
        let mut reader = PageReader::<UserGroup>::new(client, meter, user_groups::list(100));
        let looked = async {
            let total = reader.total().await?;
            // The page is already read.
            let first = if total == Some(0) { None } else { reader.next().await? };
            Ok((total, first.into_iter().flatten().next()))
        };
        match self.within(looked).await {
            Ok((total, first)) => {
                self.pass("groups", &counted(total, "groups"), began.elapsed());
                match first {
                    Some(group) => self.memberships(client, &group, meter).await,
                    None => self.skip(&["memberships"], "there is no group"),
                }
            }
            Err(error) => {
                self.fail_explained("groups", client, error, began).await;
                self.skip(&["memberships"], "groups cannot be read");
            }
        }
    }

    /// Members need another scope than groups, so the members of one group are counted.
    async fn memberships(&mut self, client: &Client, group: &UserGroup, meter: &Meter) {
        let began = Instant::now();
        let mut reader = PageReader::<Edge>::new(client, meter, graph::members(Kind::UserGroup, &group.id, 1));
        match self.within(reader.total()).await {
            Ok(total) => {
                let found = counted(total, "members of the first group");
                self.pass("memberships", &found, began.elapsed());
            }
            Err(error) => self.fail_explained("memberships", client, error, began).await,
        }
    }

    /// Enters a failure with its explained cause.
    async fn fail_explained(&mut self, name: &str, client: &Client, error: ConnectorError, began: Instant) {
        let error = self.within(async { Ok(explain(client, error).await) }).await.unwrap_or_else(|late| late);
        self.fail(name, error, began.elapsed());
    }

    /// The result of a request, or `timeout` when the time of the test is used up.
    async fn within<T>(&self, question: impl Future<Output = Result<T, ConnectorError>>) -> Result<T, ConnectorError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        timeout(left, question).await.unwrap_or_else(|_| {
            Err(ConnectorError::new(
                ErrorCode::Timeout,
                "no response within the time limit of the connection test",
                "check the network from this server to JumpCloud, and JumpCloud's status page",
            ))
        })
    }

    fn enter(&mut self, check: Check) {
        (self.each)(&check);
        self.report.checks.push(check);
    }

    fn pass(&mut self, name: &str, found: &str, took: Duration) {
        self.enter(Check::passed(name, found, took));
    }

    fn fail(&mut self, name: &str, error: ConnectorError, took: Duration) {
        self.enter(Check::failed(name, error, took));
    }

    fn skip(&mut self, names: &[&str], why: &str) {
        names.iter().for_each(|name| self.enter(Check::skipped(*name, why)));
    }
}

fn counted(total: Option<u64>, what: &str) -> String {
    total.map_or_else(|| format!("{what} can be read"), |total| format!("{} {what}", grouped(total)))
}
