//! The ways by which somebody reaches something: a list in words, and the same as a picture.

mod picture;

use connector_api::{Access, Grant};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::link::Link;
use crate::text::{self, Name};
use crate::words::{capital, level};

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// What it is: `group`, `device group`, `device`.
    pub(crate) word: String,
    pub(crate) link: Link,
}

/// One way, from an account or group to a thing.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) access: Access,
    /// From the first that the account is in.
    pub(crate) groups: Vec<Node>,
    /// From the one that is bound to the one that holds the thing.
    pub(crate) containers: Vec<Node>,
    pub(crate) raised_by: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// All ways of one grant, the strongest first.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    pub(crate) from: Node,
    pub(crate) to: Node,
    pub(crate) ways: Vec<Way>,
    /// Ways that are not listed.
    pub(crate) more: u64,
}

impl Ways {
    /// Takes the ways of a grant. `node` makes a node of a step's type, id and name, and says whether it is a container.
    pub(crate) fn of(
        grant: &Grant,
        from: Node,
        to: Node,
        mut node: impl FnMut(&str, &str, &str) -> (Node, bool),
    ) -> Self {
        let mut ways: Vec<Way> = grant
            .via
            .iter()
            .map(|path| {
                let steps = path.steps.iter().map(|step| node(&step.group_type, &step.external_id, &step.name));
                let (containers, groups): (Vec<_>, Vec<_>) = steps.partition(|(_, is_container)| *is_container);
                let nodes = |all: Vec<(Node, bool)>| all.into_iter().map(|(node, _)| node).collect();
                Way {
                    access: path.access.clone(),
                    groups: nodes(groups),
                    containers: nodes(containers),
                    raised_by: path.raised_by.clone(),
                    expires_at: path.expires_at,
                }
            })
            .collect();
        // Of one level, only the connector knows which word allows more: it chose that of the grant.
        ways.sort_by_key(|way| {
            let is_strongest = way.access == grant.access;
            (std::cmp::Reverse((is_strongest, way.access.level)), way.expires_at.is_some(), way.steps())
        });
        Self { from, to, ways, more: grant.more_paths }
    }

    /// The heading of the list.
    pub(crate) fn title(&self) -> String {
        match self.ways.len() as u64 + self.more {
            1 => "1 way".to_owned(),
            all => format!("{} ways, strongest first", text::number(all)),
        }
    }

    /// The ways in words.
    pub(crate) fn list(&self) -> Markup {
        html! {
            ol.way-list {
                @for way in &self.ways { li {
                    strong { (capital(level(&way.access))) } " "
                    code.small { (text::plain(&way.access.word)) }
                    @match way.expires_at {
                        None => { ", standing" }
                        Some(end) => { " " span.tag.temporary { "Temporary" } " until " (text::time(end)) }
                    }
                    span.under { (self.sentence(way)) }
                } }
            }
            @if self.more > 0 { p.small.soft { "And at least " (text::count(self.more, "more way", "more ways")) ", not stronger than these." } }
        }
    }

    fn sentence(&self, way: &Way) -> Markup {
        let named = |node: &Node| html! { a href=(node.link) { (Name(&node.name)) } };
        let thing = &self.to.word;
        html! {
            @for (at, group) in way.groups.iter().enumerate() {
                @if at == 0 { "member of " } @else { ", which is in " }
                (named(group))
            }
            @if way.groups.is_empty() { "bound directly to the " } @else { ", which is bound to the " }
            @for (at, container) in way.containers.iter().enumerate() {
                @if at > 0 { ", which is in the " }
                (container.word) " " (named(container))
            }
            @if way.containers.is_empty() { (thing) } @else { ", which holds the " (thing) }
            @if let Some(raised_by) = &way.raised_by { "; raised by " (crate::words::spaced(raised_by)) }
        }
    }
}

impl Way {
    fn steps(&self) -> usize {
        self.groups.len() + self.containers.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{AccessLevel, AccessPath, PathStep, Principal, ResourceRef};

    use super::*;

    fn node(name: &str, word: &str) -> Node {
        Node { name: name.to_owned(), word: word.to_owned(), link: Link::to("/group").with("id", name) }
    }

    pub(super) fn ways(paths: &[(&'static str, &[&str])]) -> Ways {
        let access = |word: &'static str| {
            let level = if word == "login" { AccessLevel::Use } else { AccessLevel::Administer };
            Access::of_word(level, word)
        };
        let resource = ResourceRef::new("d", "system", "srv");
        let mut grant = Grant::new(Principal::account("a", "ann"), resource, access(paths[0].0));
        grant.via = paths
            .iter()
            .map(|(word, steps)| {
                let steps = steps
                    .iter()
                    .map(|name| PathStep::new(if name.starts_with('D') { "dg" } else { "g" }, *name, *name));
                AccessPath::new(access(word), steps.collect())
            })
            .collect();
        Ways::of(&grant, node("ann", "account"), node("srv", "device"), |of_type, _, name| {
            (node(name, if of_type == "dg" { "device group" } else { "group" }), of_type == "dg")
        })
    }

    #[test]
    fn the_strongest_way_is_first_in_the_list() {
        let ways =
            ways(&[("sudoWithoutPassword", &["Root", "Dprod"]), ("login", &["QA", "Dlinux"]), ("sudo", &["Dlinux"])]);
        let words: Vec<&str> = ways.ways.iter().map(|way| &*way.access.word).collect();
        assert_eq!(words, ["sudoWithoutPassword", "sudo", "login"]);
        let list = ways.list().0;
        assert!(
            list.contains(
                "member of <a href=\"/group?id=Root\"><bdi>Root</bdi></a>, which is bound to the device group "
            )
        );
        assert!(list.contains("bound directly to the device group <a href=\"/group?id=Dlinux\">"));
    }
}
