//! Devices, as `GET /api/systems` lists them, and their local accounts.

use super::{Object, time};
use crate::behaviour::V1Rows;
use crate::organization::{Kind, Node, Organization, Os, System};

impl Organization {
    /// Writes a device.
    pub(crate) fn write_system(&self, system: &System, o: &mut Object<'_>) {
        let (os, family) = system.os.names();
        self.write_v1_id(&system.id, o);
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
        write_security(system, self.behaviour().v1_rows, o);
        o.put("systemTimezone", -420);
        o.put("fileSystem", ());
        o.object("fde", |o| {
            o.put("active", system.index % 4 != 3);
            o.put("keyPresent", system.index % 4 != 3);
        });
        o.object("systemInsights", |o| o.put("state", "enabled"));
        o.put("amazonInstanceID", if system.os == Os::Linux { "i-0abc" } else { "" });
        // The agent reports the accounts that somebody signs in with, and root.
        o.list("userMetrics", self.local_accounts(system).filter(|account| account.in_metrics), |o, account| {
            o.put("userName", &account.name);
            o.put("admin", account.admin);
            o.put("managed", account.user.is_some());
            o.put("suspended", account.suspended);
            o.put("secureTokenEnabled", system.os == Os::Mac && account.real);
        });
        o.put("attributes", [(); 0]);
        if self.behaviour().v1_rows == V1Rows::Recorded {
            o.put("tags", [(); 0]);
        }
        o.object("primarySystemUser", |o| {
            o.put("id", self.owner_of(system.index).map(|owner| self.id(Node::new(Kind::User, owner))));
        });
    }
}

/// Writes who gets in to a device, and how it is managed.
fn write_security(system: &System, rows: V1Rows, o: &mut Object<'_>) {
    let (linux, mac, windows) = (system.os == Os::Linux, system.os == Os::Mac, system.os == Os::Windows);
    o.put("hasServiceAccount", mac);
    o.object("serviceAccountState", |o| {
        o.put("hasSecureToken", mac);
        o.put("passwordAPFSValid", mac);
        o.put("passwordODValid", mac && system.index % 4 != 1);
    });
    o.put("sshRootEnabled", system.root_login);
    o.put("modifySSHDConfig", linux && system.index.is_multiple_of(2));
    o.list("sshdParams", linux.then_some("PermitRootLogin"), |o, name| {
        o.put("name", name);
        o.put("value", if system.root_login { "yes" } else { "no" });
    });
    o.object("secureLogin", |o| {
        o.put("supported", windows);
        o.put("enabled", windows && system.index % 6 == 2);
    });
    o.put("azureAdJoined", windows && system.index % 5 == 2);
    o.object("domainInfo", |o| {
        let joined = windows && system.index % 2 == 1;
        o.put("domainName", if joined { "northwind.example" } else { "" });
        o.put("partOfDomain", joined);
    });
    o.object("mdm", |o| {
        if rows == V1Rows::Recorded && mac {
            o.put("enrollmentType", if system.index % 2 == 1 { "automated device" } else { "device" });
            o.object("internal", |o| o.put("deviceId", format!("{:08x}", system.index)));
        }
        o.put("vendor", if mac { "internal" } else { "none" });
        o.put("dep", mac && system.index % 2 == 1);
        o.put("userApproved", mac);
    });
    o.put("desktopCapable", !linux);
    o.put("archFamily", if mac { "arm" } else { "x86" });
}
