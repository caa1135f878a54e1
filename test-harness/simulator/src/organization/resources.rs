//! What users and groups are bound to in addition to devices: applications, directories, RADIUS servers.

use super::dice::Dice;
use super::names::hostile;
use super::node::{Kind, Node, created};
use super::{Organization, Stream};

/// A single sign-on application.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// The name of its template.
    pub name: &'static str,
    /// What users see.
    pub label: String,
    /// How it signs users on: `saml`, `oidc`, `bookmark`.
    pub sso_type: &'static str,
    /// Whether it is switched on.
    pub active: bool,
    /// When it was created, in seconds of Unix time.
    pub created: u64,
}

/// Template name, label, kind of sign-on.
const APPLICATIONS: [(&str, &str, &str); 12] = [
    ("aws", "AWS – Production", "saml"),
    ("salesforce", "Salesforce", "saml"),
    ("github", "GitHub Enterprise", "saml"),
    ("slack", "Slack 💬", "saml"),
    ("saml2", "Zeiterfassung & Spesen", "saml"),
    ("oidc", "社内ポータル", "oidc"),
    ("zoom", "Zoom", "saml"),
    ("bookmark", "Cafétéria, menu \"du jour\"", "bookmark"),
    ("datadog", "Datadog", "saml"),
    ("oidc", "=Finance!A1", "oidc"),
    ("jira", "Jira", "saml"),
    ("vault", "HashiCorp Vault", "oidc"),
];

/// How many applications there are.
pub(super) const APPLICATION_COUNT: u64 = 24;
/// The first of the applications with names that mean harm.
const FIRST_HOSTILE: u64 = 20;
/// How many RADIUS servers there are.
pub(super) const RADIUS_SERVER_COUNT: u64 = 2;
/// How many commands there are.
pub(super) const COMMAND_COUNT: u64 = 6;
/// How many policies there are.
pub(super) const POLICY_COUNT: u64 = 5;
/// How many groups of policies there are.
pub(super) const POLICY_GROUP_COUNT: u64 = 2;
/// How many entries the password manager has.
pub(super) const PASSWORD_ITEM_COUNT: u64 = 4;
/// The kinds of directory, of each of which there is one, and its name.
const DIRECTORIES: [(Kind, &str); 4] = [
    (Kind::LdapServer, "jumpcloud"),
    (Kind::GSuite, "Google Workspace – northwind.example"),
    (Kind::Office365, "Microsoft 365"),
    (Kind::ActiveDirectory, "DC=northwind,DC=example"),
];

/// A directory that users are synchronised with.
#[derive(Clone, Debug)]
pub struct Directory {
    /// What and which it is.
    pub node: Node,
    /// Its ObjectId.
    pub id: String,
    /// Its name.
    pub name: &'static str,
}

/// A RADIUS server.
#[derive(Clone, Debug)]
pub struct RadiusServer {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its name.
    pub name: &'static str,
    /// The secret that it shares with its clients. The service returns it to everyone who may list the servers; a
    /// connector must not pass it on.
    pub shared_secret: String,
    /// Whether it asks for a second factor.
    pub mfa: &'static str,
}

impl Organization {
    /// The application of an index.
    pub fn application(&self, index: u64) -> Application {
        let (name, label, sso_type) = APPLICATIONS[index as usize % APPLICATIONS.len()];
        let drawn = match index / APPLICATIONS.len() as u64 {
            0 => label.to_owned(),
            again => format!("{label} (staging {again})"),
        };
        Application {
            index,
            id: self.id(Node::new(Kind::Application, index)),
            name,
            label: hostile(FIRST_HOSTILE, index).map_or(drawn, str::to_owned),
            sso_type,
            active: index % 7 != 5,
            created: created(index, APPLICATION_COUNT),
        }
    }

    /// The directories.
    pub fn directories(&self) -> Vec<Directory> {
        let directory = |(kind, name)| {
            let node = Node::new(kind, 0);
            Directory { node, id: self.id(node), name }
        };
        DIRECTORIES.map(directory).into()
    }

    /// The RADIUS server of an index.
    pub fn radius_server(&self, index: u64) -> RadiusServer {
        let mut dice = Dice::thrown(self.seed, Stream::RadiusServer as u64, index);
        RadiusServer {
            index,
            id: self.id(Node::new(Kind::RadiusServer, index)),
            name: ["Office Wi-Fi", "VPN Zürich"][index as usize % 2],
            shared_secret: format!("radius-secret-{:016x}", dice.roll()),
            mfa: ["ENABLED", "DISABLED"][index as usize % 2],
        }
    }
}
