//! Requests: as few as the lists are long.

use connector_api::Section;
use test_harness::simulator::organization::{Kind, Node, Organization};
use test_harness::simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::scan::Scope;
use super::{Result, Setup};

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let (users, groups, systems) = if setup.quick { (1_000, 50, 200) } else { (10_000, 500, 2_000) };
    let options = SimulatorOptions { users, groups, systems, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await?;
    let plan = setup.plan(&simulator, Scope::Whole).await?;
    let scanned = setup.scan(&simulator, Scope::Whole).await?;
    let requests = |sections: &[Section]| -> u64 {
        sections.iter().filter_map(|section| scanned.summary.section(*section)).map(|report| report.requests).sum()
    };
    let planned = |sections: &[Section]| -> u64 {
        plan.sections.iter().filter(|plan| sections.contains(&plan.section)).map(|plan| plan.requests).sum()
    };
    let core = [Section::Users, Section::Groups, Section::Memberships];
    let others = [Section::Administrators, Section::Systems, Section::Applications, Section::Directories];
    // How many lists of edges and of events must be read is the plan's own arithmetic.
    let from_plan = planned(&[Section::Grants, Section::LastLogin]);
    let organization = simulator.organization();
    let ideal_core = pages_of_core(&organization);
    let ideal = ideal_core + pages_of_others(&organization) + from_plan;
    let whole = requests(&core) + requests(&others) + requests(&[Section::Grants, Section::LastLogin]);
    let what = format!("{users} users, {groups} groups, {systems} systems");
    Ok(vec![
        Bar::new(
            format!("requests of the core, {what}"),
            requests(&core) as f64,
            ideal_core as f64,
            "requests",
            Bound::AtMost(1.05),
        ),
        Bar::new("requests of the whole scan", whole as f64, ideal as f64, "requests", Bound::AtMost(1.05)),
        Bar::new("requests as planned", whole as f64, plan.requests() as f64, "requests", Bound::Within(0.02)),
    ])
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
    pages(count(Kind::User)) + pages(count(Kind::UserGroup)) + members.sum::<u64>()
}

fn pages_of_others(organization: &Organization) -> u64 {
    let lists = [Kind::Administrator, Kind::System, Kind::SystemGroup, Kind::Application];
    let directories = 2;
    lists.into_iter().map(|kind| pages(organization.census(kind).count())).sum::<u64>() + directories
}
