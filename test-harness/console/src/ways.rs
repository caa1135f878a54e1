//! The ways by which somebody reaches something: a list in words, and the same as a picture.
//!
//! One lane a way, the strongest on top. A node that several ways share stands once, at the mean of its lanes; nodes of a
//! column are then moved apart. A way that skips a column passes it in a lane of its own.

use std::collections::BTreeMap;
use std::fmt::Write;

use connector_api::{Access, Grant};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::link::Link;
use crate::text::{self, Name, bare, cut};
use crate::words::{capital, level};

/// Ways in a picture. The list has more.
const DRAWN: usize = 8;

/// Sizes in units of the picture: a box fits [`COLUMNS`] columns of text.
const BOX: i32 = 172;
const TALL: i32 = 46;
const LANE: i32 = 70;
const GAP: i32 = 148;
const TOP: i32 = 36;
const EDGE: i32 = 12;
const COLUMNS: usize = 22;

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

    /// The ways as a picture.
    pub(crate) fn picture(&self) -> Markup {
        let layout = Layout::of(self);
        let (width, height) = (layout.width(), layout.height);
        let title = format!(
            "Picture of the ways from {} to {}. The list says the same in words.",
            bare(&self.from.name),
            bare(&self.to.name)
        );
        html! {
            div.scroll tabindex="0" role="region" aria-label="Picture of the ways, scrolls sideways" {
                svg.ways viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" aria-labelledby="way-title" {
                    title #way-title { (title) }
                    @for (at, word) in layout.headings.iter().enumerate() {
                        text.column x=(x(at)) y="20" { (capital(word)) }
                    }
                    @for lane in (0..layout.lanes.len()).rev() {
                        g.strongest[lane == 0].temporary[self.ways[lane].expires_at.is_some()] { path d=(layout.path(lane)) {} }
                    }
                    @for shown in &layout.boxes { (shown.draw()) }
                    @for lane in 0..layout.lanes.len() { (layout.words(self, lane)) }
                }
            }
            p.small.soft {
                "Thick line: strongest way. Dashed line: temporary."
                @if self.ways.len() > DRAWN { " Drawn are the " (DRAWN) " strongest; the list has the others." }
            }
        }
    }
}

impl Way {
    fn steps(&self) -> usize {
        self.groups.len() + self.containers.len()
    }
}

/// Where a column begins.
fn x(column: usize) -> i32 {
    EDGE + column as i32 * (BOX + GAP)
}

/// One box.
struct Shown {
    column: usize,
    /// Its middle.
    y: i32,
    name: String,
    under: String,
    is_end: bool,
    is_strongest: bool,
}

impl Shown {
    fn draw(&self) -> Markup {
        let (left, top) = (x(self.column), self.y - TALL / 2);
        html! {
            g.strongest[self.is_strongest] {
                rect.box.end[self.is_end] x=(left) y=(top) width=(BOX) height=(TALL) rx="3" {}
                text x=(left + 10) y=(top + 20) { (cut(&self.name, COLUMNS)) }
                text.sub x=(left + 10) y=(top + 37) { (self.under) }
                title { (bare(&self.name)) }
            }
        }
    }
}

struct Layout {
    headings: Vec<String>,
    boxes: Vec<Shown>,
    /// For each way, the middle of what it meets in each column, and whether that is a box.
    lanes: Vec<Vec<(i32, bool)>>,
    height: i32,
}

/// What stands in a column: a node, or a way that passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Node(String, String),
    Passing(usize),
}

impl Layout {
    fn of(all: &Ways) -> Self {
        let ways: Vec<&Way> = all.ways.iter().take(DRAWN).collect();
        let groups = ways.iter().map(|way| way.groups.len()).max().unwrap_or(0);
        let containers = ways.iter().map(|way| way.containers.len()).max().unwrap_or(0);
        let last = 1 + groups + containers;
        let node_at = |way: &Way, column: usize| -> Option<Node> {
            match column {
                0 => Some(all.from.clone()),
                _ if column == last => Some(all.to.clone()),
                _ if column <= groups => way.groups.get(column - 1).cloned(),
                // The one that holds the thing stands next to it.
                _ => way.containers.len().checked_sub(last - column).and_then(|at| way.containers.get(at)).cloned(),
            }
        };
        let mut headings = Vec::new();
        let mut boxes = Vec::new();
        let mut lanes = vec![Vec::new(); ways.len()];
        let mut bottom = 0;
        for column in 0..=last {
            let mut spots: BTreeMap<Spot, (Option<Node>, Vec<usize>)> = BTreeMap::new();
            for (lane, way) in ways.iter().enumerate() {
                let node = node_at(way, column);
                let spot = match &node {
                    Some(node) => Spot::Node(node.word.clone(), maud::Render::render(&node.link).0),
                    None => Spot::Passing(lane),
                };
                spots.entry(spot).or_insert_with(|| (node, Vec::new())).1.push(lane);
            }
            let mut placed: Vec<(i32, Option<Node>, Vec<usize>)> = spots
                .into_values()
                .map(|(node, of)| {
                    let sum: i32 = of.iter().map(|lane| TOP + LANE / 2 + *lane as i32 * LANE).sum();
                    (sum / of.len().max(1) as i32, node, of)
                })
                .collect();
            placed.sort_by_key(|(y, _, of)| (*y, of.first().copied()));
            let mut free = i32::MIN;
            for (y, ..) in &mut placed {
                *y = (*y).max(free);
                free = *y + LANE - 8;
            }
            let word = placed.iter().find_map(|(_, node, _)| node.as_ref().map(|node| node.word.clone()));
            headings.push(word.unwrap_or_default());
            for (y, node, of) in placed {
                bottom = bottom.max(y + TALL / 2);
                for lane in &of {
                    lanes[*lane].push((y, node.is_some()));
                }
                let Some(node) = node else { continue };
                let under = if column == 0 { raised(&ways).unwrap_or(node.word) } else { node.word };
                let (is_end, is_strongest) = (column == 0 || column == last, of.contains(&0));
                boxes.push(Shown { column, y, name: node.name, under, is_end, is_strongest });
            }
        }
        Self { headings, boxes, lanes, height: bottom + EDGE }
    }

    fn width(&self) -> i32 {
        x(self.headings.len() - 1) + BOX + EDGE
    }

    /// The line of a way: curves between columns, straight where it passes one.
    fn path(&self, lane: usize) -> String {
        let mut path = String::new();
        let stops = &self.lanes[lane];
        for (column, pair) in stops.windows(2).enumerate() {
            let [(from, is_box), (to, _)] = pair else { continue };
            let (left, right) = (x(column) + BOX, x(column + 1));
            if *is_box {
                let _ = write!(path, "M{left} {from}");
            } else {
                let _ = write!(path, "H{left}");
            }
            let middle = (left + right) / 2;
            let _ = write!(path, "C{middle} {from} {middle} {to} {right} {to}");
        }
        path
    }

    /// The number of a way, its level at the edge that gives it, and its end.
    fn words(&self, all: &Ways, lane: usize) -> Markup {
        let way = &all.ways[lane];
        let stops = &self.lanes[lane];
        // Ways that share their first node have their numbers next to each other.
        let first = stops[1].0;
        let before = self.lanes[..lane].iter().filter(|stops| stops[1].0 == first).count() as i32;
        let (number_x, number_y) = (x(1) - 14 - 22 * before, first);
        // The edge from what is bound to what it is bound to: the last box of groups to the next box.
        let bound = way.groups.len();
        let next = (bound + 1..stops.len()).find(|column| stops[*column].1).unwrap_or(stops.len() - 1);
        let twin = (0..lane).any(|other| {
            let other_way = &all.ways[other];
            other_way.groups.len() == bound
                && other_way.access == way.access
                && self.lanes[other].get(bound..=next) == stops.get(bound..=next)
        });
        let (label_x, label_y) = match next {
            // Through free columns: over the line, in the first of them.
            next if next > bound + 1 => (x(bound + 1) + BOX / 2, stops[bound + 1].0 - 8),
            _ if bound == 0 => ((x(bound) + BOX + x(next)) / 2 - 8, (stops[bound].0 + stops[next].0) / 2 - 8),
            _ => ((x(bound) + BOX + x(next)) / 2, (stops[bound].0 + stops[next].0) / 2 - 8),
        };
        let level = level(&way.access);
        let (upper, lower) = level.split_once(" without ").map_or((level, None), |(upper, rest)| (upper, Some(rest)));
        html! {
            g.strongest[lane == 0] {
                @if !twin {
                    text.level x=(label_x) y=(label_y) { (upper) }
                    @if let Some(lower) = lower { text.level x=(label_x) y=(label_y + 24) { "without " (lower) } }
                    @if let Some(end) = way.expires_at {
                        text.level x=(label_x) y=(label_y + 24) { "until " (end.strftime("%-d %b %Y")) }
                    }
                }
                g.step { circle cx=(number_x) cy=(number_y) r="10" {} text x=(number_x) y=(number_y + 4) { (lane + 1) } }
            }
        }
    }
}

/// What the account itself raises.
fn raised(ways: &[&Way]) -> Option<String> {
    let way = ways.iter().find(|way| way.raised_by.is_some())?;
    Some(format!("{} by itself", level(&way.access)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{AccessLevel, AccessPath, PathStep, Principal, ResourceRef};

    use super::*;

    fn node(name: &str, word: &str) -> Node {
        Node { name: name.to_owned(), word: word.to_owned(), link: Link::to("/group").with("id", name) }
    }

    fn ways(paths: &[(&'static str, &[&str])]) -> Ways {
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
    fn the_strongest_way_is_first_in_the_list_and_in_the_picture() {
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
        let layout = Layout::of(&ways);
        assert_eq!(layout.headings, ["account", "group", "device group", "device"]);
        // A shared node stands once.
        let boxes: Vec<&str> = layout.boxes.iter().map(|shown| shown.name.as_str()).collect();
        assert_eq!(boxes, ["ann", "Root", "QA", "Dprod", "Dlinux", "srv"]);
        // The direct way passes the groups.
        assert_eq!(layout.lanes[1].iter().map(|(_, is_box)| *is_box).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn no_two_boxes_of_a_column_overlap_whatever_the_ways_share() {
        for seed in 0..200_u64 {
            let mut random = numbers(seed);
            let names = ["A", "B", "C", "E"];
            let paths: Vec<(&'static str, Vec<&str>)> = (0..1 + random(12))
                .map(|_| {
                    let mut steps: Vec<&str> = (0..random(3)).map(|_| names[random(4)]).collect();
                    if random(2) == 0 {
                        steps.push(["D1", "D2"][random(2)]);
                    }
                    (["login", "sudo"][random(2)], steps)
                })
                .collect();
            let paths: Vec<(&'static str, &[&str])> = paths.iter().map(|(word, steps)| (*word, &steps[..])).collect();
            let layout = Layout::of(&ways(&paths));
            for (at, one) in layout.boxes.iter().enumerate() {
                for two in layout.boxes[..at].iter().filter(|two| two.column == one.column) {
                    assert!((one.y - two.y).abs() >= TALL, "seed {seed}: {} and {}", one.name, two.name);
                }
                assert!(one.y + TALL / 2 <= layout.height, "seed {seed}");
            }
        }
    }

    /// Numbers that look random and are the same each time.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        }
    }
}
