//! Devices, as `GET /api/systems` lists them, and their local accounts.

use super::{Object, time};
use crate::simulator::organization::{Dice, Kind, Node, Organization, Os, System};

/// Local accounts that System Insights knows of on each device.
pub(crate) const LOCAL_ACCOUNTS: u64 = 4;

impl Organization {
    /// Writes a device.
    pub(crate) fn write_system(&self, system: &System, o: &mut Object<'_>) {
        let (os, family) = system.os.names();
        o.put("_id", &system.id);
        o.put("displayName", &system.display_name);
        o.put("hostname", &system.hostname);
        o.put("description", &system.description);
        o.put("os", os);
        o.put("osFamily", family);
        o.put("version", &system.version);
        o.put("arch", if system.os == Os::Mac { "arm64" } else { "x86_64" });
        o.put("serialNumber", &system.serial_number);
        o.put("active", system.active);
        o.put("lastContact", system.last_contact.map(time));
        o.put("created", time(system.created));
        o.put("organization", self.organization_id());
        o.put("remoteIP", &system.remote_ip);
        o.put("agentVersion", "3.14.2");
        o.put("allowSshRootLogin", system.root_login);
        o.put("allowSshPasswordAuthentication", system.index % 5 != 1);
        o.put("allowPublicKeyAuthentication", true);
        o.put("allowMultiFactorAuthentication", system.index.is_multiple_of(3));
        o.put("hasServiceAccount", system.os == Os::Mac);
        o.put("systemTimezone", -420);
        o.put("fileSystem", ());
        o.object("fde", |o| {
            o.put("active", system.index % 4 != 3);
            o.put("keyPresent", system.index % 4 != 3);
        });
        o.object("systemInsights", |o| o.put("state", "enabled"));
        o.put("amazonInstanceID", if system.os == Os::Linux { "i-0abc" } else { "" });
        o.list("userMetrics", 0..LOCAL_ACCOUNTS, |o, number| {
            let account = self.local_account(system, number);
            o.put("userName", &account.name);
            o.put("admin", account.admin);
            o.put("managed", account.user.is_some());
            o.put("suspended", false);
            o.put("secureTokenEnabled", system.os == Os::Mac && account.real);
        });
        o.put("attributes", [(); 0]);
        o.object("primarySystemUser", |o| {
            o.put("id", self.owner_of(system.index).map(|owner| self.id(Node::new(Kind::User, owner))));
        });
    }

    /// The local account of a device at a position.
    fn local_account(&self, system: &System, number: u64) -> LocalAccount {
        let mut dice = Dice::thrown(system.index, 0x10CA, number);
        let owner = self.owner_of(system.index);
        match (number, system.os, owner) {
            (0, Os::Windows, _) => LocalAccount::local("Administrator", true, false),
            (0, ..) => LocalAccount::local("root", true, false),
            (1, _, Some(owner)) => {
                let edges = self.edges(Node::new(Kind::System, system.index), Kind::User);
                let admin =
                    edges.iter().any(|edge| edge.from.index == owner && edge.sudo.is_some_and(|sudo| sudo.enabled));
                LocalAccount { name: self.user(owner).username, admin, real: true, user: Some(owner) }
            }
            (2, ..) => LocalAccount::local("localadmin", dice.percent(30), true),
            _ => LocalAccount::local("guest", false, true),
        }
    }

    /// Writes a local account, as `GET /api/v2/systeminsights/users` lists it; `place` is its place in that list.
    pub(crate) fn write_local_account(&self, place: u64, o: &mut Object<'_>) {
        let census = self.census(Kind::System);
        let system = self.system(census.index(place / LOCAL_ACCOUNTS));
        let number = place % LOCAL_ACCOUNTS;
        let account = self.local_account(&system, number);
        let uid = if number == 0 { 0 } else { 500 + number };
        o.put("system_id", &system.id);
        o.put("username", &account.name);
        o.put("admin", account.admin);
        o.put("ad_managed", system.os == Os::Windows && account.user.is_some() && system.index % 2 == 1);
        o.put("managed", account.user.is_some());
        o.put("real_user", account.real);
        o.put("suspended", false);
        o.put("uid", uid.to_string());
        o.put("gid", uid.to_string());
        o.put("uid_signed", uid.to_string());
        o.put("gid_signed", uid.to_string());
        o.put("uuid", format!("FFFFEEEE-DDDD-CCCC-BBBB-{:012X}", place));
        o.put("type", "");
        o.put("description", "");
        o.put("directory", format!("/home/{}", account.name));
        o.put("shell", "/bin/bash");
        o.put_some("collection_time", system.last_contact.map(time));
    }
}

struct LocalAccount {
    name: String,
    admin: bool,
    real: bool,
    /// The directory user that it belongs to.
    user: Option<u64>,
}

impl LocalAccount {
    fn local(name: &str, admin: bool, real: bool) -> Self {
        Self { name: name.to_owned(), admin, real, user: None }
    }
}
