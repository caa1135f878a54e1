//! Evidence from roles in the console: from the scopes of a role where they were read, else from the name of the one
//! built-in role that cannot change anything.

use std::collections::BTreeMap;

use connector_api::{Account, Reason, Section, Severity};

use super::{Evidence, OwnRisks, Privilege, READ_ONLY, most_severe_first, quoted};
use crate::api::administrators::{ApiKey, Role as Held, role_id};
use crate::api::roles::Role;
use crate::graph::authority::Authority;

/// The roles that were read, by id and, where it is unique, by name.
#[derive(Debug, Default)]
pub(crate) struct Roles<'a> {
    by_id: BTreeMap<&'a str, &'a Role>,
    by_name: BTreeMap<&'a str, Option<&'a Role>>,
}

impl<'a> Roles<'a> {
    pub(crate) fn of(roles: &'a [Role]) -> Self {
        let mut all = Self::default();
        for role in roles {
            all.by_id.insert(&role.id, role);
            if let Some(name) = &role.name {
                all.by_name.entry(name).and_modify(|known| *known = None).or_insert(Some(role));
            }
        }
        all
    }

    /// A role that somebody holds, by its id, else by its name.
    fn find(&self, held: &Held) -> Option<&'a Role> {
        let by_id = held.id.as_ref().and_then(|id| self.by_id.get(role_id(id).as_str()).copied());
        // A role without an id has its name in its place. One whose id is not in the list is another one.
        let named = held.name.as_ref().filter(|name| held.id.as_ref().is_none_or(|id| id == *name));
        by_id.or_else(|| self.by_name.get(named?.as_str()).copied().flatten())
    }

    /// The name of a role by its id, if it was read.
    pub(crate) fn name(&self, id: &str) -> Option<&'a str> {
        self.by_id.get(role_id(id).as_str())?.name.as_deref()
    }
}

/// What some roles mean together.
pub(super) struct Meaning<'a> {
    /// What they allow, if the scopes of all of them were read.
    pub(super) authority: Option<Authority<'a>>,
    /// `None` if they are known to allow nothing: that makes nobody privileged.
    severity: Option<Severity>,
    /// Whether one of them is in the list of roles, which then has at least its name.
    is_listed: bool,
}

impl Meaning<'_> {
    /// The evidence, if they allow anything, with what they allow behind a sentence about them.
    fn reason(&self, evidence: Evidence, sentence: String) -> Option<Reason> {
        let message = match &self.authority {
            Some(authority) => format!("{sentence}: {}", authority.words()),
            None => sentence,
        };
        let reason = evidence.reason_of(self.severity?, message);
        Some(if self.is_listed { reason.with_details_from([Section::ROLES]) } else { reason })
    }
}

impl<'a> Privilege<'a> {
    pub(super) fn meaning(&self, held: &[Held]) -> Meaning<'a> {
        let scopes = held.iter().map(|role| self.roles.find(role)?.scopes.as_ref());
        let scopes: Option<Vec<&Vec<String>>> = if held.is_empty() { None } else { scopes.collect() };
        let authority = scopes.map(|all| Authority::of(all.into_iter().flatten().map(String::as_str)));
        let by_name = |role: &Held| if self.name_of(role) == READ_ONLY { Severity::Low } else { Severity::High };
        let severity = match &authority {
            Some(authority) => authority.severity(),
            None => Some(held.iter().map(by_name).max().unwrap_or(Severity::High)),
        };
        let is_listed = held.iter().any(|role| self.roles.find(role).is_some());
        Meaning { authority, severity, is_listed }
    }

    /// Enters the evidence for an account with roles in the console and possibly an API key, read by `section`.
    pub(crate) fn judge_holder(&self, account: &mut Account, roles: &[Held], key: Option<ApiKey>, section: Section) {
        let mut reasons: Vec<Reason> = self.holds(roles, section).into_iter().collect();
        let risks = OwnRisks { of_use: self.of_api_key(key), left_over: None };
        self.judge_risks(account, section, risks, &mut reasons);
        account.reasons = most_severe_first(reasons);
    }

    /// The evidence that an account holds roles, if they allow anything. Other roles make it another reason.
    pub(super) fn holds(&self, roles: &[Held], section: Section) -> Option<Reason> {
        let names: Vec<String> = roles.iter().map(|role| quoted(&self.name_of(role))).collect();
        let message = match names.as_slice() {
            [] => "administers the JumpCloud console with a role without a name".to_owned(),
            [role] => format!("has the role {role} in the JumpCloud console"),
            roles => format!("has the roles {} in the JumpCloud console", roles.join(", ")),
        };
        let reason = self.meaning(roles).reason(Evidence::ConsoleRole, message)?.drawn_from([section]);
        let ids: Vec<&str> = roles.iter().filter_map(|role| role.id.as_deref().or(role.name.as_deref())).collect();
        Some(if ids.is_empty() { reason } else { reason.about(ids.join("/")) })
    }

    /// The evidence that a role makes its holders privileged, if it allows anything, read by `section`; `sentence` builds the
    /// message from the role's quoted name.
    pub(crate) fn console_role(
        &self,
        role: &Held,
        section: Section,
        sentence: impl Fn(String) -> String,
    ) -> Option<Reason> {
        let message = sentence(quoted(&self.name_of(role)));
        let meaning = self.meaning(std::slice::from_ref(role));
        Some(meaning.reason(Evidence::ConsoleRole, message)?.drawn_from([section]))
    }

    /// The evidence that a user is linked to a console administrator, with a role if that is known; none if the role allows
    /// nothing.
    pub(super) fn linked_administrator(&self, role: Option<&str>) -> Option<Reason> {
        let Some(role) = role else {
            return Some(Evidence::ConsoleAdministrator.most_severe("is linked to a console administrator"));
        };
        let message = format!("is linked to a console administrator with the role {}", quoted(role));
        let held = Held { id: None, name: Some(role.to_owned()) };
        Some(self.meaning(&[held]).reason(Evidence::ConsoleAdministrator, message)?.about(role))
    }

    /// The name of a role: as the list of roles has it, else as its holder's row does, else its id.
    pub(crate) fn name_of(&self, role: &Held) -> String {
        let read = role.id.as_deref().and_then(|id| self.roles.name(id));
        read.or(role.name.as_deref()).or(role.id.as_deref()).unwrap_or_default().to_owned()
    }
}
