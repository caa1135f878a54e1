//! Grants as trees: what is reached alike stands together, with its ways as branches.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use connector_api::{Access, AccessPath, Grant};
use indicatif::HumanCount;
use jiff::Timestamp;

use crate::cli::paragraph;
use crate::cli::print::printable;
use crate::cli::store::shown;
use crate::cli::summary::words;

/// What grants have in common that stand together, in the order in which they are shown.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    level: Reverse<connector_api::AccessLevel>,
    /// The kind of what is named, such as `system` or `account`.
    kind: String,
    /// Such as `sudo (administer), until …`.
    access: String,
    branches: String,
}

/// Grants as trees, the strongest first. `named` returns the kind and name of that end of a grant which differs.
pub(super) fn trees<'a>(
    grants: &'a [Grant],
    os_type: &str,
    width: Option<usize>,
    named: impl Fn(&'a Grant) -> (&'a str, String),
) -> String {
    let mut all = BTreeMap::<Alike, Vec<String>>::new();
    for grant in grants {
        let (kind, name) = named(grant);
        let access = format!("{}{}", self::named(&grant.access), until(grant.expires_at));
        let level = Reverse(grant.access.level);
        let alike = Alike { level, kind: kind.to_owned(), access, branches: branches(grant) };
        all.entry(alike).or_default().push(name);
    }
    let mut text = String::new();
    for (Alike { kind, access, branches, .. }, mut names) in all {
        names.sort_unstable();
        let count = names.len() as u64;
        let kind = words::kind(&kind, os_type, count);
        let ways = paragraph::fitted(&branches, width);
        text += &match names.as_slice() {
            [name] => paragraph::fitted(&format!("\n{kind} {}: {access}\n", printable(name)), width) + &ways,
            several => {
                let names = paragraph::listed("  ", several, ",", width.unwrap_or(usize::MAX));
                format!("\n{} {kind}: {access}\n{ways}{names}", HumanCount(count))
            }
        };
    }
    text
}

/// The ways of a grant as the branches of a tree.
fn branches(grant: &Grant) -> String {
    let mut text = String::new();
    let ways = grant.via.len() + usize::from(grant.more_paths > 0);
    for (at, way) in grant.via.iter().enumerate() {
        let branch = if at + 1 == ways { "└─" } else { "├─" };
        let _ = writeln!(text, "  {branch} {}", way_of(way, &grant.access));
    }
    if grant.more_paths > 0 {
        let _ = writeln!(text, "  └─ at least {} more", HumanCount(grant.more_paths));
    }
    text
}

/// The steps of a way, and in what it differs from the whole.
fn way_of(way: &AccessPath, whole: &Access) -> String {
    let steps: Vec<String> = way.steps.iter().map(|step| printable(&step.name)).collect();
    let mut text = if steps.is_empty() { "directly".to_owned() } else { format!("through {}", steps.join(" → ")) };
    if way.access != *whole {
        let _ = write!(text, ", {}", named(&way.access));
    }
    if let Some(raised_by) = &way.raised_by {
        let _ = write!(text, ", raised by {}", printable(raised_by));
    }
    text + &until(way.expires_at)
}

/// The target's word, with the level that it has.
pub(in crate::cli) fn named(access: &Access) -> String {
    match &*access.word {
        word if word == access.level.as_str() => word.to_owned(),
        word => format!("{} ({})", printable(word), access.level),
    }
}

pub(in crate::cli) fn until(end: Option<Timestamp>) -> String {
    end.map_or_else(String::new, |end| format!(", until {}", shown(end)))
}

#[cfg(test)]
mod tests {
    use connector_api::{AccessLevel, PathStep, Principal, ResourceRef};

    use super::*;

    fn on(device: &str, access: Access, via: Vec<AccessPath>) -> Grant {
        let mut grant = Grant::new(Principal::account("1", "ada"), ResourceRef::new(device, "system", device), access);
        grant.via = via;
        grant
    }

    fn resource(grant: &Grant) -> (&str, String) {
        (&grant.resource.resource_type, grant.resource.name.clone())
    }

    #[test]
    fn the_ways_of_a_grant_are_its_branches_and_what_is_reached_alike_stands_together() {
        let sudo = || Access::of_word(AccessLevel::Administer, "sudo");
        let login = || Access::of_word(AccessLevel::Use, "login");
        let step = |name| PathStep::new("GROUP", "7", name);
        let by_group = || vec![AccessPath::new(sudo(), vec![step("Admins"), step("Servers")])];
        let directly = || AccessPath::new(login(), Vec::new());
        let mut both = on("web-2", sudo(), [vec![directly()], by_group()].concat());
        both.more_paths = 2;
        let grants = [
            on("web-9", login(), vec![directly()]),
            on("web-3", sudo(), by_group()),
            both,
            on("web-1", sudo(), by_group()),
        ];
        let expected = "\n2 devices: sudo (administer)\n  └─ through Admins → Servers\n  web-1, web-3\n\
                        \ndevice web-2: sudo (administer)\n  ├─ directly, login (use)\n  ├─ through Admins → Servers\n  \
                        └─ at least 2 more\n\
                        \ndevice web-9: login (use)\n  └─ directly\n";
        assert_eq!(trees(&grants, "Toy", None, resource), expected);
        let narrow = trees(&grants[1..], "Toy", Some(14), resource);
        assert!(
            narrow.starts_with("\n2 devices: sudo (administer)\n  └─ through\n    Admins →\n    Servers\n"),
            "{narrow}"
        );
        assert!(narrow.contains("\n  web-1, web-3\n") || narrow.contains("\n  web-1,\n  web-3\n"), "{narrow}");
    }
}
