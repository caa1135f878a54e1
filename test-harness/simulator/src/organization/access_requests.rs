//! Requests for temporary access.

use jiff::Timestamp;

use super::groups::cast as group;
use super::node::{Kind, Node};
use super::users::days;
use super::{Organization, Sudo};

/// A request for temporary access.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    /// Its place among them.
    pub index: u64,
    /// Its id.
    pub id: String,
    /// What became of it, as the service spells it: `APPROVED`, `PENDING`, ….
    pub status: &'static str,
    /// The index of the user who gets the access.
    pub user: u64,
    /// What the user gets access to.
    pub resource: Node,
    /// The rights on a device.
    pub sudo: Option<Sudo>,
    /// The index of the group by which the user has the access.
    pub group: Option<u64>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Requests with a story; there are no others.
pub mod cast {
    /// A user who is not bound to a device administers it for two days.
    pub const DEVICE: u64 = 0;
    /// A membership that ends.
    pub const GROUP: u64 = 1;
    /// An application for three days.
    pub const APPLICATION: u64 = 2;
    /// Nobody has decided yet.
    pub const PENDING: u64 = 3;
    /// Has ended.
    pub const ENDED: u64 = 4;
    /// Was taken back before its end.
    pub const REVOKED: u64 = 5;
    /// Begins tomorrow.
    pub const NOT_YET: u64 = 6;
    /// Is in a state that no document has.
    pub const IN_LIMBO: u64 = 7;
    /// How many there are.
    pub const SIZE: u64 = 8;
}

/// Status, user, resource, whether with administrator rights, group, days from and until.
type Story = (&'static str, u64, Node, Option<Sudo>, Option<u64>, i64, i64);

const fn node(kind: Kind, index: u64) -> Node {
    Node { kind, index }
}

const SUDO: Option<Sudo> = Some(Sudo { enabled: true, without_password: false });
const WITHOUT_PASSWORD: Option<Sudo> = Some(Sudo { enabled: true, without_password: true });

const CAST: [Story; cast::SIZE as usize] = [
    ("APPROVED", 18, node(Kind::System, 3), WITHOUT_PASSWORD, None, -1, 2),
    ("APPROVED", 19, node(Kind::UserGroup, group::VENDORS), None, Some(group::VENDORS), -20, 10),
    ("APPROVED", 16, node(Kind::Application, 22), None, None, -2, 3),
    ("PENDING", 17, node(Kind::System, 1), SUDO, None, 0, 1),
    ("APPROVED", 17, node(Kind::System, 2), SUDO, None, -9, -2),
    ("REVOKED", 17, node(Kind::System, 4), SUDO, None, -1, 5),
    ("APPROVED", 17, node(Kind::System, 6), SUDO, None, 1, 2),
    ("IN_LIMBO", 17, node(Kind::System, 7), SUDO, None, -1, 1),
];

impl AccessRequest {
    /// Whether it gives access at a time.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.status == "APPROVED" && self.starts_at <= now && now < self.expires_at
    }
}

impl Organization {
    /// The requests for temporary access of users to objects that exist now.
    pub fn access_requests(&self) -> Vec<AccessRequest> {
        let exists = |node: Node| self.census(node.kind).contains(node.index);
        let request = |(index, story): (u64, &Story)| {
            let &(status, user, resource, sudo, group, from, until) = story;
            let is_there = exists(node(Kind::User, user)) && exists(resource);
            is_there.then(|| AccessRequest {
                index,
                id: format!("{:08x}-0000-4000-8000-{index:012x}", self.seed() as u32),
                status,
                user,
                resource,
                sudo,
                group,
                starts_at: self.now() + days(from),
                expires_at: self.now() + days(until),
            })
        };
        (0..).zip(&CAST).filter_map(request).collect()
    }
}
