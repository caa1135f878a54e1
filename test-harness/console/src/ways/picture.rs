//! The ways as a picture.
//!
//! One lane a way, the strongest on top. A node that several ways share stands once, at the mean of its lanes; nodes of a
//! column are then moved apart. A way that skips a column passes it in a lane of its own.

use std::collections::BTreeMap;
use std::fmt::Write;

use maud::{Markup, html};

use super::{Node, Way, Ways};
use crate::text::{bare, cut};
use crate::words::{capital, level};

/// Ways in a picture. The list has more.
const DRAWN: usize = 8;

/// Columns of a picture that is not long.
const SHORT: usize = 4;

/// Sizes in units of the picture: a box fits [`COLUMNS`] columns of text.
const BOX: i32 = 172;
const TALL: i32 = 46;
const LANE: i32 = 70;
const GAP: i32 = 148;
const TOP: i32 = 36;
const EDGE: i32 = 12;
const COLUMNS: usize = 20;

impl Ways {
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
                svg.ways.of-two[layout.headings.len() == 2].of-three[layout.headings.len() == 3].long[layout.headings.len() > SHORT] viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" aria-labelledby="way-title" {
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

/// What stands under the name of an account or group that gets more from a way than its binding gives.
fn raised(ways: &[&Way]) -> Option<String> {
    let is_raised = ways.iter().any(|way| way.raised_by.is_some());
    is_raised.then(|| "raises its own access".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::ways;
    use super::*;

    #[test]
    fn the_strongest_way_is_on_top_and_a_shared_node_stands_once() {
        let ways =
            ways(&[("sudoWithoutPassword", &["Root", "Dprod"]), ("login", &["QA", "Dlinux"]), ("sudo", &["Dlinux"])]);
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
