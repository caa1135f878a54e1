//! The tables of System Insights: `GET /api/v2/systeminsights/{table}`.

use super::{Object, time};
use crate::behaviour::UnsetFields;
use crate::organization::{Kind, LOCAL_ACCOUNTS, Organization, Os, System};

/// Local groups that each device has.
const LOCAL_GROUPS: u64 = 2;

impl Organization {
    /// How many rows each table has: for local accounts, local groups, who is in them, and authorised keys.
    pub(crate) fn local_counts(&self) -> [u64; 4] {
        let systems = self.census(Kind::System).count();
        [systems * LOCAL_ACCOUNTS, systems * LOCAL_GROUPS, systems, systems]
    }

    /// The device of a row, of which each has `rows`, and the number of the row there.
    fn device(&self, place: u64, rows: u64) -> (System, u64) {
        (self.system(self.census(Kind::System).index(place / rows)), place % rows)
    }

    /// Writes the local account at a place.
    pub(crate) fn write_local_account(&self, place: u64, o: &mut Object<'_>) {
        let (system, number) = self.device(place, LOCAL_ACCOUNTS);
        let account = self.local_account(&system, number);
        let uid = uid(number);
        o.put("system_id", &system.id);
        o.put("username", &account.name);
        o.put("admin", account.admin);
        o.put("ad_managed", system.os == Os::Windows && account.user.is_some() && system.index % 2 == 1);
        o.put("managed", account.user.is_some());
        o.put("real_user", account.real);
        o.put("suspended", account.suspended);
        o.put("uid", &uid);
        o.put("gid", &uid);
        o.put("uid_signed", &uid);
        o.put("gid_signed", &uid);
        o.put("uuid", format!("FFFFEEEE-DDDD-CCCC-BBBB-{:012X}", place));
        o.put("type", "");
        o.put("description", "");
        o.put("directory", format!("/home/{}", account.name));
        o.put("shell", "/bin/bash");
        let last_login = account.user.and(system.last_contact).map(|contact| contact.as_second().to_string());
        if self.behaviour().unset_fields == UnsetFields::Null || last_login.is_some() {
            o.put("last_login", last_login);
        }
        write_collected(&system, o);
    }

    /// Writes the local group at a place: the one of those who administer the device, then the one of all.
    pub(crate) fn write_local_group(&self, place: u64, o: &mut Object<'_>) {
        let (system, number) = self.device(place, LOCAL_GROUPS);
        let (gid, name) = match (number, system.os) {
            (0, os) => administrators(os),
            (_, Os::Windows) => ("545", "Users"),
            _ => ("20", "staff"),
        };
        o.put("system_id", &system.id);
        o.put("groupname", name);
        o.put("gid", gid);
        o.put("gid_signed", gid);
        o.put("group_sid", if system.os == Os::Windows { format!("S-1-5-32-{gid}") } else { String::new() });
        o.put("comment", "");
        write_collected(&system, o);
    }

    /// Writes that the owner of a device is in one of its groups.
    pub(crate) fn write_local_membership(&self, place: u64, o: &mut Object<'_>) {
        let (system, _) = self.device(place, 1);
        let admin = self.local_account(&system, 1).admin;
        let everybody = if system.os == Os::Windows { "545" } else { "20" };
        o.put("system_id", &system.id);
        o.put("uid", uid(1));
        o.put("gid", if admin { administrators(system.os).0 } else { everybody });
        write_collected(&system, o);
    }

    /// Writes a key with which the owner of a device logs in there.
    pub(crate) fn write_authorized_key(&self, place: u64, o: &mut Object<'_>) {
        let (system, _) = self.device(place, 1);
        let name = self.local_account(&system, 1).name;
        o.put("system_id", &system.id);
        o.put("uid", uid(1));
        o.put("algorithm", "ssh-ed25519");
        o.put("key", format!("AAAAC3NzaC1lZDI1NTE5AAAA{:032x}", system.index));
        o.put("key_file", format!("/home/{name}/.ssh/authorized_keys"));
        write_collected(&system, o);
    }
}

/// The id of the account of a number: the first is root.
fn uid(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { (500 + number).to_string() }
}

/// The id and the name of the group of those who administer a device.
fn administrators(os: Os) -> (&'static str, &'static str) {
    match os {
        Os::Linux => ("27", "sudo"),
        Os::Mac => ("80", "admin"),
        Os::Windows => ("544", "Administrators"),
    }
}

fn write_collected(system: &System, o: &mut Object<'_>) {
    o.put_some("collection_time", system.last_contact.map(time));
}
