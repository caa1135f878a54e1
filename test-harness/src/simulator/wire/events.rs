//! Events, as Directory Insights gives them.

use super::{Object, time};
use crate::simulator::organization::{Actor, Event, EventKind, Kind, Node, Organization};

impl Organization {
    /// Writes an event.
    pub(crate) fn write_event(&self, event: &Event, o: &mut Object<'_>) {
        let (service, event_type) = event.kind.names();
        o.put("id", &event.id);
        o.put("timestamp", time(event.timestamp));
        o.put("service", service);
        o.put("event_type", event_type);
        o.put("organization", self.organization_id());
        match event.kind {
            EventKind::SystemLogin => self.write_device_login(event, o),
            _ => self.write_initiator(event, o),
        }
        match event.kind {
            EventKind::UserUpdate => self.write_change(event, o),
            EventKind::Sso => {
                o.put("sso_token_success", event.success);
                o.object("application", |o| {
                    let application = self.application(event.object % self.census(Kind::Application).count());
                    o.put("id", &application.id);
                    o.put("name", application.name);
                    o.put("display_label", &application.label);
                    o.put("sso_type", application.sso_type);
                });
            }
            EventKind::UserLogin | EventKind::AdminLogin => o.put("mfa", event.mfa),
            _ => {}
        }
        o.put("success", event.success);
        o.put("client_ip", &event.client_ip);
        o.object("geoip", |o| {
            o.put("country_code", "CH");
            o.put("region_name", "Zürich");
            o.put("timezone", "Europe/Zurich");
        });
        o.put("@version", "1");
    }

    /// A device knows a name and itself, not who has the name.
    fn write_device_login(&self, event: &Event, o: &mut Object<'_>) {
        o.put("username", self.actor_name(event.actor));
        o.put("process_name", "sshd");
        let census = self.census(Kind::System);
        if census.count() > 0 {
            let system = self.system(census.index(event.object % census.count()));
            o.object("system", |o| {
                o.put("id", &system.id);
                o.put("hostname", &system.hostname);
                o.put("displayName", &system.display_name);
            });
        }
    }

    fn write_initiator(&self, event: &Event, o: &mut Object<'_>) {
        o.object("initiated_by", |o| match event.actor {
            Actor::User(index) => {
                o.put("id", self.id(Node::new(Kind::User, index)));
                o.put("type", "user");
                o.put("username", self.actor_name(event.actor));
            }
            Actor::Administrator(index) => {
                o.put("id", self.id(Node::new(Kind::Administrator, index)));
                o.put("type", "admin");
                o.put("email", self.actor_name(event.actor));
            }
            Actor::Unknown(name) => {
                o.put("type", "user");
                o.put("username", name);
            }
        });
    }

    fn write_change(&self, event: &Event, o: &mut Object<'_>) {
        if let Actor::User(index) = event.actor {
            o.object("resource", |o| {
                o.put("id", self.id(Node::new(Kind::User, index)));
                o.put("type", "user");
                o.put("username", self.actor_name(event.actor));
            });
        }
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
