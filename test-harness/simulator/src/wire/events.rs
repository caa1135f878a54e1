//! Events, as Directory Insights gives them: each service has its own shape.

use super::{Object, time};
use crate::behaviour::{AdminLogins, EventShapes, Initiators};
use crate::organization::{Actor, Event, EventKind, Kind, Node, Organization};

/// The fields that events have, of which a query can name some.
pub(crate) const EVENT_FIELDS: [&str; 33] = [
    "@version",
    "application",
    "association",
    "auth_context",
    "auth_meta",
    "auth_method",
    "changes",
    "client_ip",
    "dn",
    "error_code",
    "error_message",
    "event_type",
    "geoip",
    "id",
    "idp_initiated",
    "initiated_by",
    "message",
    "mfa",
    "operation_type",
    "organization",
    "process_name",
    "provider",
    "resource",
    "service",
    "sso_token_success",
    "success",
    "system",
    "system_timestamp",
    "timestamp",
    "useragent",
    "username",
    "version",
    "windows_meta",
];

impl Organization {
    /// Writes an event.
    pub(crate) fn write_event(&self, event: &Event, o: &mut Object<'_>) {
        let (service, event_type) = self.event_names(event);
        let recorded = self.behaviour().event_shapes == EventShapes::Recorded;
        o.put("id", &event.id);
        o.put("timestamp", self.event_timestamp(event));
        o.put("service", service);
        o.put("event_type", event_type);
        o.put("organization", self.organization_id());
        match event.kind {
            EventKind::UserUpdate => self.write_change(event, o),
            EventKind::UserLogin => self.write_portal_login(event, o),
            EventKind::AdminLogin => self.write_admin_login(event, o),
            EventKind::Sso => self.write_sign_on(event, recorded, o),
            EventKind::SystemLogin => self.write_device_login(event, recorded, o),
            EventKind::Radius => self.write_radius(event, recorded, o),
            EventKind::LdapBind => self.write_bind(event, recorded, o),
        }
        if !(recorded && event.kind == EventKind::Sso) {
            o.put("success", event.success);
        }
        o.put("client_ip", &event.client_ip);
        o.object("geoip", |o| {
            o.put("country_code", "CH");
            o.put("region_name", "Zürich");
            o.put("timezone", "Europe/Zurich");
        });
        o.put("@version", "1");
    }

    /// RADIUS writes whole seconds, single sign-on nanoseconds, all others milliseconds.
    fn event_timestamp(&self, event: &Event) -> String {
        match (self.behaviour().event_shapes, event.kind) {
            (EventShapes::Recorded, EventKind::Radius) if event.timestamp.subsec_nanosecond() == 0 => {
                event.timestamp.to_string()
            }
            (EventShapes::Recorded, EventKind::Sso) => format!("{:.9}", event.timestamp),
            _ => time(event.timestamp),
        }
    }

    fn write_portal_login(&self, event: &Event, o: &mut Object<'_>) {
        self.write_initiator(event, o);
        o.put("mfa", event.mfa);
    }

    fn write_admin_login(&self, event: &Event, o: &mut Object<'_>) {
        match self.behaviour().admin_logins {
            AdminLogins::Initiator => self.write_initiator(event, o),
            AdminLogins::Resource => self.write_resource(event, o),
        }
        o.put("mfa", event.mfa);
        o.put("provider", ());
    }

    fn write_sign_on(&self, event: &Event, recorded: bool, o: &mut Object<'_>) {
        self.write_initiator(event, o);
        o.put("sso_token_success", event.success);
        o.object("application", |o| {
            let application = self.application(event.object % self.census(Kind::Application).count().max(1));
            o.put("id", &application.id);
            o.put("name", application.name);
            o.put("display_label", &application.label);
            o.put("sso_type", application.sso_type);
        });
        if !recorded {
            return;
        }
        o.put("mfa", event.mfa);
        o.put("error_message", if event.success { "" } else { "user is not bound to the application" });
        o.put("idp_initiated", event.object.is_multiple_of(2));
        o.put("provider", "");
        o.object("auth_context", |o| {
            o.object("auth_methods", |o| {
                o.object("password", |o| o.put("success", true));
                if event.mfa {
                    o.object("totp", |o| o.put("success", true));
                }
            });
        });
    }

    /// A device knows a name and itself, not who has the name.
    fn write_device_login(&self, event: &Event, recorded: bool, o: &mut Object<'_>) {
        let local = match event.actor {
            Actor::User(index) => self.user(index).local_name,
            _ => None,
        };
        let name = local.unwrap_or_else(|| self.actor_name(event.actor));
        let census = self.census(Kind::System);
        let system = (census.count() > 0).then(|| self.system(census.index(event.object % census.count())));
        o.put("username", &name);
        if recorded {
            o.object("initiated_by", |o| {
                o.put("type", self.user_type(event));
                o.put("username", &name);
            });
            o.put("message", if event.success { "login succeeded" } else { "wrong password" });
            o.put("system_timestamp", time(event.timestamp));
            if system.as_ref().is_some_and(|system| system.os.names().1 == "windows") {
                o.object("windows_meta", |o| o.put("logon_type", 2));
            }
        }
        o.put("process_name", "sshd");
        if let Some(system) = system {
            o.object("system", |o| {
                o.put("id", &system.id);
                o.put("hostname", &system.hostname);
                o.put("displayName", &system.display_name);
            });
        }
    }

    /// The network knows a name alone.
    fn write_radius(&self, event: &Event, recorded: bool, o: &mut Object<'_>) {
        if !recorded {
            return self.write_initiator(event, o);
        }
        self.write_name(event, o);
        o.put("mfa", event.mfa);
        o.put("error_message", if event.success { "" } else { "password mismatch" });
        o.object("auth_meta", |o| {
            o.put("userid_type", "USERNAME");
            o.put("auth_idp", "JUMPCLOUD");
        });
    }

    /// So does the LDAP server, which writes each factor by itself.
    fn write_bind(&self, event: &Event, recorded: bool, o: &mut Object<'_>) {
        if !recorded {
            return self.write_initiator(event, o);
        }
        self.write_name(event, o);
        let (name, organization) = (self.actor_name(event.actor), self.organization_id());
        o.put("dn", format!("uid={name},ou=Users,o={organization},dc=jumpcloud,dc=com"));
        o.put("auth_method", "simple");
        o.object("auth_meta", |o| {
            o.object("auth_methods", |o| {
                o.object("password", |o| o.put("success", event.success));
                if event.mfa {
                    let factor = if event.object.is_multiple_of(2) { "totp" } else { "jumpcloud_protect" };
                    o.object(factor, |o| o.put("success", event.success));
                }
            });
        });
    }

    /// Writes the name with which somebody logged in, and no id.
    fn write_name(&self, event: &Event, o: &mut Object<'_>) {
        let name = self.actor_name(event.actor);
        o.put("username", &name);
        o.object("initiated_by", |o| {
            o.put("type", "user");
            o.put("username", &name);
        });
    }

    fn write_initiator(&self, event: &Event, o: &mut Object<'_>) {
        match event.actor {
            Actor::Unknown(name) => o.object("initiated_by", |o| {
                o.put("type", "user");
                o.put("username", name);
            }),
            _ => o.object("initiated_by", |o| self.write_actor(event, self.user_type(event), o)),
        }
    }

    fn write_resource(&self, event: &Event, o: &mut Object<'_>) {
        if !matches!(event.actor, Actor::Unknown(_)) {
            o.object("resource", |o| self.write_actor(event, "user", o));
        }
    }

    /// Writes who it was, where that is known.
    fn write_actor(&self, event: &Event, user_type: &str, o: &mut Object<'_>) {
        let (node, kind, name) = match event.actor {
            Actor::User(index) => (Node::new(Kind::User, index), user_type, "username"),
            Actor::Administrator(index) => (Node::new(Kind::Administrator, index), "admin", "email"),
            Actor::Unknown(_) => return,
        };
        o.put("id", self.id(node));
        o.put("type", kind);
        o.put(name, self.actor_name(event.actor));
    }

    /// The word for a user who caused an event.
    fn user_type(&self, event: &Event) -> &'static str {
        match self.behaviour().initiators {
            Initiators::Mixed if event.index % 3 == 1 => "systemuser",
            _ => "user",
        }
    }

    fn write_change(&self, event: &Event, o: &mut Object<'_>) {
        self.write_initiator(event, o);
        self.write_resource(event, o);
        o.list("changes", ["department"], |o, field| {
            o.put("field", field);
            o.put("from", "Sales");
            o.put("to", "IT");
        });
    }

    /// The name with which an actor logs in.
    fn actor_name(&self, actor: Actor) -> String {
        match actor {
            Actor::User(index) => self.user(index).username,
            Actor::Administrator(index) => self.administrator(index).email,
            Actor::Unknown(name) => name.to_owned(),
        }
    }
}
