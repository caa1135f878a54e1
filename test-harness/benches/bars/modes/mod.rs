//! Modes of grants: one binding of everybody to all devices is one row more, unless all effective grants are wanted.

mod everybody;

use connector_api::{Section, SectionStatus};

use super::bar::{Bar, Bound};
use super::scan::{Scan, Scanned, Scope};
use super::{Result, Setup};
use everybody::{DEVICES, Everybody};

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let users = if setup.quick { 1_000 } else { 10_000 };
    let unbound = Everybody::start(users, false).await?;
    let bound = Everybody::start(users, true).await?;
    let without = scan(setup, &unbound, None).await?;
    let mut bars = Vec::new();
    for (mode, rows) in [
        (None, 1),
        (Some("none"), 1),
        // A row for each user and one for the group, on each device.
        (Some("all"), 1 + (users + 1) * DEVICES),
    ] {
        let scanned = scan(setup, &bound, mode).await?;
        let name = mode.unwrap_or("privileged, the default");
        let more = scanned.summary.records() as f64 - without.summary.records() as f64;
        bars.push(Bar::new(
            format!("rows that the binding adds, {users} users, {DEVICES} devices, {name}"),
            more,
            rows as f64,
            "rows",
            Bound::Within(0.0),
        ));
        bars.push(Bar::fact(format!("rows in all, {name}"), scanned.summary.records() as f64, "rows"));
        bars.push(Bar::fact(format!("bytes in all, {name}"), scanned.bytes as f64, "bytes"));
        bars.push(Bar::fact(format!("wall time, {name}"), scanned.usage.wall.as_secs_f64(), "s"));
    }
    Ok(bars)
}

async fn scan(setup: &Setup, organization: &Everybody, mode: Option<&str>) -> Result<Scanned> {
    let mut scan = Scan::at(organization.url(), everybody::KEY, Scope::WithoutLogins);
    if let Some(mode) = mode {
        scan = scan.with("effectiveGrants", mode);
    }
    let scanned = setup.run(&scan).await?;
    let grants = [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS, Section::GRANTS];
    let is_complete = |section| {
        scanned.summary.section(section).is_some_and(|report| matches!(report.status, SectionStatus::Complete))
    };
    if grants.into_iter().all(is_complete) { Ok(scanned) } else { Err("a scan of the modes is not complete".into()) }
}
