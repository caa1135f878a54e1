//! Requests: as few as the lists are long.

use connector_api::Section;
use jumpcloud_simulator::organization::{Kind, Node, Organization};
use jumpcloud_simulator::{GroupSizes, Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::scan::{Scanned, Scope};
use super::{Result, Setup};

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let (users, groups, systems) = if setup.quick { (1_000, 50, 200) } else { (10_000, 500, 2_000) };
    let options = SimulatorOptions { users, groups, systems, ..SimulatorOptions::default() };
    let mut bars = whole(setup, &options).await?;
    // Lists of full pages are the worst: each needs a request more than it has pages, to show that it ends there.
    for (sizes, most) in [(GroupSizes::UpTo(400), 1.05), (GroupSizes::Each(100), 1.20), (GroupSizes::Each(200), 1.20)] {
        let options = SimulatorOptions { group_sizes: sizes, users: 10_000, groups: 500, ..options.clone() };
        bars.push(core(setup, options, most).await?);
    }
    Ok(bars)
}

/// The requests of a whole scan, and of its core.
async fn whole(setup: &Setup, options: &SimulatorOptions) -> Result<Vec<Bar>> {
    let simulator = Simulator::start(options.clone()).await?;
    let plan = setup.plan(&simulator, Scope::Whole).await?;
    let scanned = setup.scan(&simulator, Scope::Whole).await?;
    let planned = |sections: &[Section]| -> u64 {
        plan.sections.iter().filter(|plan| sections.contains(&plan.section)).map(|plan| plan.requests).sum()
    };
    // How many lists of edges and of events must be read is the plan's own arithmetic.
    let from_plan = planned(&[Section::GRANTS, Section::LAST_LOGIN]);
    let organization = simulator.organization();
    let ideal_core = pages_of_core(&organization);
    let ideal = ideal_core + pages_of_others(&organization) + from_plan;
    let of_core = requests(&scanned, &CORE);
    let whole = scanned.summary.requests();
    let what = format!("{} users, {} groups, {} systems", options.users, options.groups, options.systems);
    Ok(vec![
        of_the_core(&what, of_core, ideal_core, 1.05),
        Bar::new("requests of the whole scan", whole as f64, ideal as f64, "requests", Bound::AtMost(1.05)),
        Bar::new("requests as planned", whole as f64, plan.requests() as f64, "requests", Bound::Within(0.02)),
    ])
}

/// The requests of the core of an organisation with groups of certain sizes.
async fn core(setup: &Setup, options: SimulatorOptions, most: f64) -> Result<Bar> {
    let what = match options.group_sizes {
        GroupSizes::Skewed => "a few large groups".to_owned(),
        GroupSizes::UpTo(most) => format!("groups of up to {most}"),
        GroupSizes::Each(size) => format!("groups of {size}"),
    };
    let simulator = Simulator::start(options).await?;
    let scanned = setup.scan(&simulator, Scope::Core).await?;
    Ok(of_the_core(&what, requests(&scanned, &CORE), pages_of_core(&simulator.organization()), most))
}

const CORE: [Section; 3] = [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS];

fn requests(scanned: &Scanned, sections: &[Section]) -> u64 {
    sections.iter().filter_map(|section| scanned.summary.section(*section)).map(|report| report.requests).sum()
}

fn of_the_core(what: &str, requests: u64, ideal: u64, most: f64) -> Bar {
    Bar::new(format!("requests of the core, {what}"), requests as f64, ideal as f64, "requests", Bound::AtMost(most))
}

fn pages(rows: u64) -> u64 {
    rows.div_ceil(100).max(1)
}

fn pages_of_core(organization: &Organization) -> u64 {
    let count = |kind| organization.census(kind).count();
    let members = organization.user_groups().map(|group| {
        let members = organization.members(Node { kind: Kind::UserGroup, index: group.index });
        pages(members.count())
    });
    // The list of groups omits what makes a group privileged, so each is read by itself.
    let details = count(Kind::UserGroup);
    pages(count(Kind::User)) + pages(count(Kind::UserGroup)) + details + members.sum::<u64>()
}

fn pages_of_others(organization: &Organization) -> u64 {
    let lists = [Kind::Administrator, Kind::ServiceAccount, Kind::System, Kind::SystemGroup, Kind::Application];
    let directories = 2;
    lists.into_iter().map(|kind| pages(organization.census(kind).count())).sum::<u64>() + directories
}
