//! What the errors of the server and of the connection to it mean for the operator.

use std::io;

use connector_api::{ConnectorError, ErrorCode, Retry};
use postgres::error::SqlState;

/// The error of a server that has no TLS where it is required.
pub(super) fn without_tls(error: &postgres::Error) -> Option<ConnectorError> {
    let refused = std::error::Error::source(error)?.to_string();
    (refused == "server does not support TLS").then(|| {
        ConnectorError::new(
            ErrorCode::InsecureEndpoint,
            "the server of the store offers no TLS",
            "turn on `ssl` at the server; or, if nobody else can reach the network between, add sslmode=disable to the URL",
        )
    })
}

/// What a failure means for the operator. The server's details are left out: they may quote rows.
pub(super) fn failure(error: &postgres::Error) -> ConnectorError {
    let Some(answer) = error.as_db_error() else { return lost(error) };
    let message = answer.message();
    match *answer.code() {
        SqlState::DISK_FULL => ConnectorError::sink(
            "no space is left on the server of the store",
            "free some space there, then run the same command again; the last snapshot is unchanged",
        ),
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => ConnectorError::invalid_config(
            format!("the server of the store refuses the sign-in: {message}"),
            PASSWORD,
        ),
        SqlState::INVALID_CATALOG_NAME => ConnectorError::invalid_config(
            format!("the server of the store: {message}"),
            "create the database first, with createdb, or choose another one",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => ConnectorError::sink(
            format!("the database user may not do this in the store: {message}"),
            "to read, the user needs SELECT on all tables of the schema, not only on the views; to scan, it also has to create \
             and write tables there",
        ),
        SqlState::READ_ONLY_SQL_TRANSACTION => ConnectorError::sink(
            format!("the store cannot be written: {message}"),
            "allow the database user to create and write tables in its schema",
        ),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            ConnectorError::sink(format!("the server of the store is not available: {message}"), AGAIN)
                .with_retry(Retry::Later)
        }
        _ if is_passing(answer.code().code()) => ConnectorError::sink(
            format!("the server of the store ended this: {message}"),
            "run the same command again; if that does not help, check the limits of the server, the database and its user",
        )
        .with_retry(Retry::Later),
        _ => ConnectorError::internal(format!("PostgreSQL {}: {message}", answer.code().code())),
    }
}

/// What a server means that refuses a connection: it may know nothing of an option in the URL.
pub(super) fn refused(error: &postgres::Error) -> ConnectorError {
    if let Some(error) = without_tls(error) {
        return error;
    }
    match (error.as_db_error(), failure(error)) {
        (Some(answer), failure) if failure.code == ErrorCode::Internal => ConnectorError::invalid_config(
            format!("the server of the store refuses the connection: {}", answer.message()),
            "check the URL of the store: its user, its database and its options",
        ),
        (_, failure) => failure,
    }
}

/// Whether the server has no defect and the statement neither: lost connections, conflicts with other transactions, limits,
/// locks, time-outs and operators.
fn is_passing(code: &str) -> bool {
    ["08", "25P03", "25P04", "40", "53", "55P03", "57"].iter().any(|class| code.starts_with(class))
}

const PASSWORD: &str =
    "check user and password: the password belongs in ORBISID_STORE, in a file with --store-file, or in PGPASSFILE";

/// What the client library calls a URL that leads to no server.
const CONFIGURATION: &str = "invalid configuration";

const AGAIN: &str = "check that the server runs, then run the same command again; the last snapshot is unchanged";

fn lost(error: &postgres::Error) -> ConnectorError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let connection = error.is_closed() || cause.downcast_ref::<io::Error>().is_some();
    if connection {
        ConnectorError::sink(format!("the connection to the server of the store failed: {cause}"), AGAIN)
            .with_retry(Retry::Later)
    } else if cause.to_string() == "password missing" {
        ConnectorError::invalid_config("the server of the store asks for a password, and there is none", PASSWORD)
    } else if error.to_string().starts_with(CONFIGURATION) {
        ConnectorError::invalid_config(
            format!("the URL of the store cannot be used: {cause}"),
            "use postgres://USER@HOST:PORT/DATABASE, with one port for all hosts or one for each",
        )
    } else {
        ConnectorError::sink(format!("the server of the store: {cause}"), "check the URL of the store, and its server")
    }
}
