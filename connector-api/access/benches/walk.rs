//! The time of an answer relative to visiting its edges once: `cargo bench -p connector-access`.
//!
//! A million users in five of 50,000 groups each, one group in ten inside another; 20,000 devices in 500 device groups;
//! every group bound to two device groups and a device; everybody in one group that is bound to ten device groups. The
//! process fails if an answer takes ten times as long as the visit, or longer.

use std::hint::black_box;
use std::time::{Duration, Instant};

use connector_access::{Bound, Graph, Lists, Parts, Raise, Rank, Reverse, Subject, Target};

const USERS: u32 = 1_000_000;
const GROUPS: u32 = 50_000;
const DEVICES: u32 = 20_000;
const DEVICE_GROUPS: u32 = 500;
/// The group of everybody.
const EVERYBODY: u32 = GROUPS - 1;
/// The maximum ratio of the two times.
const BAR: f64 = 10.0;

/// A deterministic pseudo-random number.
fn drawn(seed: u32, below: u32) -> u32 {
    let mixed = (u64::from(seed) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) as u32 % below
}

fn graph() -> Graph {
    let memberships = (0..USERS)
        .flat_map(|user| (0..5).map(move |n| (user, drawn(5 * user + n, GROUPS - 1))).chain([(user, EVERYBODY)]));
    let nesting = (0..GROUPS / 10).map(|group| (10 * group, drawn(group, GROUPS - 1)));
    let container = |n| DEVICES + drawn(n, DEVICE_GROUPS);
    let bindings = (0..EVERYBODY).flat_map(|group| {
        let to = [container(2 * group), container(2 * group + 1), drawn(group, DEVICES)];
        to.map(|to| (group, Bound::new(to, Rank(group % 3))))
    });
    let of_everybody = (0..10).map(|n| (EVERYBODY, Bound::new(DEVICES + n, Rank(0))));
    let inside = (0..DEVICES).map(|device| (DEVICES + device % DEVICE_GROUPS, device));
    let mut parts = Parts::default();
    parts.groups_of = Lists::new(USERS as usize, memberships);
    parts.parents = Lists::new(GROUPS as usize, nesting);
    parts.bindings_of_accounts = Lists::new(USERS as usize, std::iter::empty());
    parts.bindings_of_groups = Lists::new(GROUPS as usize, bindings.chain(of_everybody));
    parts.inside = Lists::new((DEVICES + DEVICE_GROUPS) as usize, inside);
    parts.resources = (0..DEVICES + DEVICE_GROUPS)
        .map(|at| if at < DEVICES { Target::new(0) } else { Target::container(0) })
        .collect();
    parts.raises = vec![Raise::new(Rank(2), [0])];
    parts.raises_of_groups = (0..GROUPS).map(|group| u32::from(group % 50 == 0)).collect();
    Graph::new(parts)
}

/// Visits each edge of an account's answer once and returns their number.
fn visit_account(graph: &Graph, account: u32) -> u64 {
    let parts = graph.parts();
    let mut edges = 0;
    let mut sum = 0_u64;
    let mut open: Vec<u32> = parts.groups_of.of(account).to_vec();
    let mut at = 0;
    while at < open.len() {
        let group = open[at];
        for parent in parts.parents.of(group) {
            if !open.contains(parent) {
                open.push(*parent);
            }
        }
        for bound in parts.bindings_of_groups.of(group) {
            edges += 1;
            for device in parts.inside.of(bound.to) {
                edges += 1;
                sum += u64::from(*device) + u64::from(parts.resources[*device as usize].resource_type);
            }
        }
        at += 1;
    }
    black_box(sum);
    edges
}

/// Computes what an account reaches, and how strongly.
fn answer_account(graph: &Graph, account: u32) -> u64 {
    let reach = graph.reach(Subject::Account(account));
    reach.iter().map(|reached| u64::from(reached.resource()) + u64::from(reached.rank().0)).sum()
}

/// Visits each edge that leads to a device once and returns their number.
fn visit_device(graph: &Graph, members: &Lists<u32>, children: &Lists<u32>, bound: &Lists<u32>, device: u32) -> u64 {
    let parts = graph.parts();
    let container = DEVICES + device % DEVICE_GROUPS;
    let mut open: Vec<u32> = bound.of(container).iter().chain(bound.of(device)).copied().collect();
    let mut passed = vec![false; parts.bindings_of_groups.len()];
    let (mut edges, mut sum) = (0, 0_u64);
    while let Some(group) = open.pop() {
        if std::mem::replace(&mut passed[group as usize], true) {
            continue;
        }
        open.extend(children.of(group));
        for member in members.of(group) {
            // The member's own edges are involved as well.
            edges += 1 + parts.groups_of.of(*member).len() as u64;
            sum += parts.groups_of.of(*member).iter().map(|group| u64::from(*group)).sum::<u64>();
        }
    }
    black_box(sum);
    edges
}

fn answer_device(reverse: &Reverse<'_>, device: u32) -> u64 {
    let all = reverse.who(device);
    all.map(|(_, reach)| reach.iter().map(|reached| u64::from(reached.rank().0)).sum::<u64>() + 1).sum()
}

/// Returns the medians of alternating visits and answers.
fn medians(runs: usize, visit: impl Fn(usize) -> u64, answer: impl Fn(usize) -> u64) -> [Duration; 2] {
    let timed = |run: &dyn Fn(usize) -> u64, at| {
        let began = Instant::now();
        black_box(run(at));
        began.elapsed()
    };
    let (mut visits, mut answers): (Vec<_>, Vec<_>) =
        (0..runs).map(|at| (timed(&visit, at), timed(&answer, at))).unzip();
    [&mut visits, &mut answers].map(|times| {
        times.sort_unstable();
        times[runs / 2]
    })
}

fn main() -> std::process::ExitCode {
    let graph = graph();
    let parts = graph.parts();
    let turned = |lists: &Lists<u32>| Lists::new(GROUPS as usize, lists.pairs().map(|(from, to)| (*to, from)));
    let (members, children) = (turned(&parts.groups_of), turned(&parts.parents));
    let bound: Lists<u32> =
        Lists::new(parts.resources.len(), parts.bindings_of_groups.pairs().map(|(group, bound)| (bound.to, group)));
    let reverse = Reverse::of(&graph);
    let account = |run: usize| drawn(run as u32, USERS);
    // A device outside the group of everybody, which some ten thousand accounts reach.
    let device = |run: usize| DEVICE_GROUPS * (run as u32 % 30) + 20;
    let of_account =
        medians(2001, |run| visit_account(&graph, account(run)), |run| answer_account(&graph, account(run)));
    let of_device = medians(
        31,
        |run| visit_device(&graph, &members, &children, &bound, device(run)),
        |run| answer_device(&reverse, device(run)),
    );
    let lines = [("one account", of_account), ("who reaches one device", of_device)];
    println!(
        "one account involves {} edges; one device {} principals",
        visit_account(&graph, account(7)),
        reverse.who(device(0)).count()
    );
    let mut holds = true;
    for (what, [visit, answer]) in lines {
        let ratio = answer.as_secs_f64() / visit.as_secs_f64();
        holds &= ratio < BAR;
        println!("{what}: visiting {visit:?}, answering {answer:?}: {ratio:.1} ×");
    }
    if holds { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
