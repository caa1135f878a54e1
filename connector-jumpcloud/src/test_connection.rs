//! What the button "Test Connection" finds out: one check for each thing that a scan needs.

use std::time::Duration;

use connector_api::{Check, ConnectionReport, ConnectorError, ErrorCode};
use tokio::time::{Instant, timeout};

use crate::api::user_groups;
use crate::client::{Client, Endpoints, Meter, PageReader};
use crate::discovery::{explain, list_organizations, open_users, organization_name, visible_organizations};
use crate::options::Options;

/// All checks together end within this time; the host waits 60 s.
const LIMIT: Duration = Duration::from_secs(20);

/// Makes the checks one after another. A failure skips those that need what failed.
pub(crate) async fn run(client: &Client, options: &Options) -> ConnectionReport {
    let mut checks = Checks { report: ConnectionReport::default(), deadline: Instant::now() + LIMIT };
    checks.all(client, options).await;
    checks.report
}

/// The report of settings from which no client can be made.
pub(crate) fn unusable(error: ConnectorError) -> ConnectionReport {
    ConnectionReport { checks: vec![Check::failed("configuration", error, Duration::ZERO)] }
}

struct Checks {
    report: ConnectionReport,
    deadline: Instant,
}

impl Checks {
    async fn all(&mut self, client: &Client, options: &Options) {
        let meter = Meter::default();
        // One request shows how far it gets: resolved, connected, secured, signed in.
        let began = Instant::now();
        let organizations = self.within(visible_organizations(client, &meter)).await;
        let took = began.elapsed();
        if !self.reached(client.endpoints(), organizations.as_ref().err(), took) {
            self.skip(&["key", "organization", "users", "groups"], "nothing can be asked before a connection stands");
            return;
        }
        match &organizations {
            Ok(_) => self.pass("key", "the credential is accepted", took),
            Err(error) if error.code == ErrorCode::Unauthorized => {
                self.fail("key", error.clone(), took);
                self.skip(&["organization", "users", "groups"], "the credential is not accepted");
                return;
            }
            // Listing organisations may be refused to a key that may read the rest.
            Err(_) => self.report.checks.push(Check::skipped("key", "the users and groups will show")),
        }
        self.organization(client, organizations, took);
        self.users(client, options, &meter).await;
        self.groups(client, &meter).await;
    }

    /// Whether the target was reached; enters the checks on the way to it.
    fn reached(&mut self, endpoints: &Endpoints, error: Option<&ConnectorError>, took: Duration) -> bool {
        let address = endpoints.console.host_str().unwrap_or_default();
        let port = endpoints.console.port_or_known_default().unwrap_or_default();
        let secured = endpoints.console.scheme() == "https";
        match error {
            Some(error) if error.code == ErrorCode::Dns => {
                self.fail("resolve", error.clone(), took);
                self.skip(&["connect", "tls"], "the name is not resolved");
                false
            }
            Some(error) if error.code == ErrorCode::Connect || error.code == ErrorCode::Timeout => {
                self.pass("resolve", &format!("{address} is resolved"), Duration::ZERO);
                self.fail("connect", error.clone(), took);
                self.skip(&["tls"], "no connection stands");
                false
            }
            Some(error) if error.code == ErrorCode::Tls => {
                self.pass("resolve", &format!("{address} is resolved"), Duration::ZERO);
                self.pass("connect", &format!("{address}:{port} accepts connections"), Duration::ZERO);
                self.fail("tls", error.clone(), took);
                false
            }
            _ => {
                self.pass("resolve", &format!("{address} is resolved"), Duration::ZERO);
                self.pass("connect", &format!("{address}:{port} accepts connections"), took);
                if secured {
                    self.pass("tls", "the certificate is valid for the host name", Duration::ZERO);
                } else {
                    self.skip(&["tls"], "plain HTTP on a loopback address");
                }
                match error {
                    Some(error) if error.code == ErrorCode::UnexpectedRedirect => {
                        self.fail("service", error.clone(), took);
                        false
                    }
                    _ => true,
                }
            }
        }
    }

    fn organization(
        &mut self,
        client: &Client,
        organizations: Result<Vec<crate::api::organizations::Organization>, ConnectorError>,
        took: Duration,
    ) {
        let wrong =
            |message: String, remedy: String| ConnectorError::new(ErrorCode::WrongOrganization, message, remedy);
        let check = match (organizations, client.org_id()) {
            (Ok(visible), Some(org_id)) => {
                match visible.iter().find(|organization| organization.id.to_string() == org_id) {
                    Some(found) => {
                        let name = organization_name(client, found);
                        Check::passed("organization", format!("{name} ({org_id})"), took)
                    }
                    None => Check::failed(
                        "organization",
                        wrong(
                            format!("the organisation {org_id} is not one that the key may see"),
                            format!("set jumpcloudOrgId to one of: {}", list_organizations(client, &visible)),
                        ),
                        took,
                    ),
                }
            }
            (Ok(visible), None) => match visible.as_slice() {
                [one] => {
                    let name = organization_name(client, one);
                    Check::passed("organization", format!("{name} ({})", one.id), took)
                }
                [] => {
                    Check::skipped("organization", "the key sees no organisation; a key of one organisation need not")
                }
                several => Check::failed(
                    "organization",
                    wrong(
                        format!("the key may see {} organisations and none is named", several.len()),
                        format!("set jumpcloudOrgId to one of: {}", list_organizations(client, several)),
                    ),
                    took,
                ),
            },
            (Err(error), _) => Check::warning("organization", error, took),
        };
        self.report.checks.push(check);
    }

    async fn users(&mut self, client: &Client, options: &Options, meter: &Meter) {
        let began = Instant::now();
        let looked = async {
            let users = open_users(client, options, meter).await?;
            Ok((users.path, users.total))
        };
        match self.within(looked).await {
            Ok((_, Some(0))) => {
                let error = ConnectorError::new(
                    ErrorCode::NoUsers,
                    "no users are returned",
                    "verify that users exist and that the API key belongs to an Administrator",
                );
                self.report.checks.push(Check::warning("users", error, began.elapsed()));
            }
            Ok((path, total)) => {
                let found = format!("{} from {path}", counted(total, "users"));
                self.pass("users", &found, began.elapsed());
            }
            Err(error) => {
                let error = self.within(async { Ok(explain(client, error).await) }).await.unwrap_or_else(|late| late);
                self.fail("users", error, began.elapsed());
            }
        }
    }

    async fn groups(&mut self, client: &Client, meter: &Meter) {
        let began = Instant::now();
        let mut reader = PageReader::<user_groups::UserGroup>::new(client, meter, user_groups::list(100));
        match self.within(reader.total()).await {
            Ok(total) => self.pass("groups", &counted(total, "groups"), began.elapsed()),
            Err(error) => {
                let error = self.within(async { Ok(explain(client, error).await) }).await.unwrap_or_else(|late| late);
                self.fail("groups", error, began.elapsed());
            }
        }
    }

    /// What a question answers, or that no time is left for it.
    async fn within<T>(&self, question: impl Future<Output = Result<T, ConnectorError>>) -> Result<T, ConnectorError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        timeout(left, question).await.unwrap_or_else(|_| {
            Err(ConnectorError::new(
                ErrorCode::Timeout,
                "no answer came in the time that a connection test has",
                "ensure that this server can reach the target, and look at JumpCloud's status page",
            ))
        })
    }

    fn pass(&mut self, name: &str, found: &str, took: Duration) {
        self.report.checks.push(Check::passed(name, found, took));
    }

    fn fail(&mut self, name: &str, error: ConnectorError, took: Duration) {
        self.report.checks.push(Check::failed(name, error, took));
    }

    fn skip(&mut self, names: &[&str], why: &str) {
        self.report.checks.extend(names.iter().map(|name| Check::skipped(*name, why)));
    }
}

fn counted(total: Option<u64>, what: &str) -> String {
    total.map_or_else(|| format!("{what} can be read"), |total| format!("{total} {what}"))
}
