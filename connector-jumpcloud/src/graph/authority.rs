//! What the scopes of a console role allow. A name allows nothing: a custom role may have any name.

use std::collections::BTreeSet;

use connector_api::Severity;

/// The kinds of objects on which everything in an organisation rests. Who may change all of these may change everything.
const CORE: [&str; 7] = ["users", "groups", "systems", "associations", "applications", "commands", "directories"];

/// How many kinds of objects a sentence names.
const NAMED: usize = 3;

/// What some scopes allow together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Authority<'s> {
    scopes: BTreeSet<&'s str>,
}

impl<'s> Authority<'s> {
    pub(crate) fn of(scopes: impl IntoIterator<Item = &'s str>) -> Self {
        Self { scopes: scopes.into_iter().filter(|scope| !is_own(scope)).collect() }
    }

    /// The severity of the privilege, if there is any.
    pub(crate) fn severity(&self) -> Option<Severity> {
        match self.scopes.iter().all(|scope| is_read_only(scope)) {
            _ if self.scopes.is_empty() => None,
            true => Some(Severity::Low),
            false => Some(Severity::High),
        }
    }

    /// Whether it may change everything in the organisation.
    pub(crate) fn changes_everything(&self) -> bool {
        CORE.iter().all(|family| self.scopes.contains(family))
    }

    /// Whether it may read all kinds of objects on which everything rests; there are others.
    pub(crate) fn reads_core(&self) -> bool {
        CORE.iter().all(|family| self.allows(&format!("{family}.readonly")))
    }

    /// Whether it has a scope, or the same without `.readonly`.
    pub(crate) fn allows(&self, scope: &str) -> bool {
        let writing = scope.strip_suffix(".readonly").unwrap_or(scope);
        self.scopes.contains(scope) || self.scopes.contains(writing)
    }

    /// What it may do, in words.
    pub(crate) fn words(&self) -> String {
        if self.changes_everything() {
            return "may change everything".to_owned();
        }
        let writing = self.scopes.iter().filter(|scope| !is_read_only(scope)).map(|scope| family(scope));
        let writing: BTreeSet<&str> = writing.collect();
        // What everything rests on comes first.
        let core = CORE.iter().copied().filter(|family| writing.contains(family));
        let others = writing.iter().copied().filter(|family| !CORE.contains(family));
        let families: Vec<&str> = core.chain(others).map(word).collect();
        match families.len() {
            0 if self.scopes.is_empty() => "may do nothing".to_owned(),
            0 => "may only read".to_owned(),
            count if count <= NAMED => format!("may change {}", joined(&families)),
            count => format!("may change {} and {} more", families[..NAMED].join(", "), count - NAMED),
        }
    }
}

/// The kinds of objects on which everything rests, in words.
pub(crate) fn core() -> String {
    joined(&CORE.map(word))
}

/// Some words as a part of a sentence.
fn joined(words: &[&str]) -> String {
    match words {
        [more @ .., one, last] => [more, &[&format!("{one} and {last}")]].concat().join(", "),
        few => few.concat(),
    }
}

/// What a kind of objects is called in sentences.
fn word(family: &str) -> &str {
    match family {
        "systems" => "devices",
        "associations" => "bindings",
        "authn" => "conditional access",
        other => other,
    }
}

/// Whether a scope only reads.
fn is_read_only(scope: &str) -> bool {
    scope.ends_with(".readonly")
}

/// Whether a scope concerns nobody but its holder.
fn is_own(scope: &str) -> bool {
    scope == "anonymous" || scope.split('.').any(|part| part == "self")
}

/// The kind of objects that a scope is about. Who may run commands may do what a command does.
fn family(scope: &str) -> &str {
    match scope.split('.').next().unwrap_or(scope) {
        "commandrunner" => "commands",
        family => family,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_change_anything_is_highly_privileged_and_who_only_reads_is_little() {
        for (scopes, severity, words) in [
            (&[][..], None, "may do nothing"),
            (&["anonymous", "users.self"], None, "may do nothing"),
            (&["users.readonly", "users.self"], Some(Severity::Low), "may only read"),
            (&["users.readonly", "users.password.set"], Some(Severity::High), "may change users"),
            (&["reports", "commands"], Some(Severity::High), "may change commands and reports"),
            (
                &["saas", "authn", "mdm", "users.create", "users.delete"],
                Some(Severity::High),
                "may change users, conditional access, mdm and 1 more",
            ),
            (&["commandrunner.legacy"], Some(Severity::High), "may change commands"),
            (&["commandrunner", "commands", "systems"], Some(Severity::High), "may change devices and commands"),
            (&CORE, Some(Severity::High), "may change everything"),
        ] {
            let authority = Authority::of(scopes.iter().copied());
            assert_eq!((authority.severity(), authority.words().as_str()), (severity, words), "{scopes:?}");
        }
    }

    #[test]
    fn a_scope_that_writes_reads_and_one_that_reads_does_not_write() {
        let reading: Vec<String> = CORE.iter().map(|family| format!("{family}.readonly")).collect();
        let reads = Authority::of(reading.iter().map(String::as_str));
        assert!(reads.reads_core() && !reads.changes_everything());
        assert!(Authority::of(CORE).reads_core());
        let most = Authority::of(CORE[1..].iter().copied().chain(["users.create"]));
        assert!(!most.changes_everything() && !most.reads_core(), "creating users is not changing them");
        assert!(most.allows("groups.readonly") && most.allows("groups") && !reads.allows("groups"));
    }
}
