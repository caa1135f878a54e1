//! The plan of a scan, held against the scan.

use connector_api::{Connector, Record, ScanPlan, ScanRequest, Section, SectionDescription};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};

use crate::support::{Scanned, connect, scan, simulated, small, start};

async fn planned(simulator: &Simulator) -> ScanPlan {
    connect(simulated(simulator)).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_section_makes_the_requests_that_were_planned() {
    let sizes = [(120, 30, 40), (12, 16, 60), (700, 60, 150), (200, 80, 3)];
    for (at, (users, groups, systems)) in sizes.into_iter().cycle().take(20).enumerate() {
        let answers = ["all", "first", "first-with-rows", "last", "refused"][at / 4];
        let behaviour = Behaviour::observed().with(&format!("several-targets={answers}")).unwrap();
        let simulator = start(SimulatorOptions { users, groups, systems, behaviour, ..small() }).await;
        let plan = planned(&simulator).await;
        let probes = simulator.requests().total;
        assert_eq!(plan.probes, probes);
        let scanned = scan(simulated(&simulator)).await;
        let mut sum = 0;
        for line in &plan.sections {
            let report = scanned.summary.section(line.section).unwrap();
            let made = report.requests;
            let context = format!(
                "{answers}, {users} users: {} planned {} made {made}: {}",
                line.section, line.requests, line.because
            );
            assert!(made.abs_diff(line.requests) as f64 <= (line.requests as f64 * 0.02).max(0.0), "{context}");
            // The report of the section has what it would take from what the scan counted.
            let counted = report.planned_requests.unwrap_or(made);
            assert!(made.abs_diff(counted) as f64 <= counted as f64 * 0.02, "{counted} counted; {context}");
            sum += made;
        }
        assert_eq!(sum, simulator.requests().total - probes, "every request belongs to a section");
        let all: Vec<Section> = JumpCloud::describe().sections.iter().map(|section| section.section).collect();
        assert_eq!(plan.sections.iter().map(|line| line.section).collect::<Vec<_>>(), all);
    }
}

/// Whether the plan counts a row: not the roles of administrators and service accounts, which no list counts, and not
/// memberships through nested groups.
fn is_counted(row: &Record, section: Section) -> bool {
    match row {
        Record::Group(_) => [Section::GROUPS, Section::ROLES].contains(&section),
        Record::Membership(membership) => membership.direct,
        _ => true,
    }
}

/// The rows of a section that its plan counts, each with its bytes as NDJSON.
fn counted(scanned: &Scanned, section: &SectionDescription) -> Vec<u64> {
    let owns =
        |row: &&Record| section.owns.iter().any(|own| own.record == row.kind() && own.row_type == row.row_type());
    let rows = scanned.records.iter().filter(owns).filter(|row| is_counted(row, section.section));
    rows.map(|row| serde_json::to_string(row).unwrap().len() as u64 + 1).collect()
}

#[tokio::test]
async fn every_section_has_the_rows_that_were_planned_each_about_as_long() {
    for (users, groups, systems) in [(120, 30, 40), (12, 16, 60), (700, 60, 150), (200, 80, 3)] {
        let simulator = start(SimulatorOptions { users, groups, systems, ..small() }).await;
        let plan = planned(&simulator).await;
        let scanned = scan(simulated(&simulator)).await;
        for (line, section) in plan.sections.iter().zip(&JumpCloud::describe().sections) {
            let (rows, estimate) = (counted(&scanned, section), line.rows.unwrap());
            let (count, bytes) = (rows.len() as u64, rows.iter().sum::<u64>());
            let context = format!("{users} users, {}: {count} rows of {bytes} bytes, {estimate:?}", line.section);
            if estimate.at_most {
                let has_some = 0 < count || estimate.count == 0;
                assert!(has_some && count <= estimate.count && bytes <= estimate.bytes, "{context}");
            } else {
                assert_eq!(count, estimate.count, "{context}");
            }
            let ratio = (bytes * estimate.count) as f64 / (estimate.bytes * count) as f64;
            assert!(count == 0 || (0.5..2.0).contains(&ratio), "{context}: {ratio:.2} times the bytes per row");
        }
    }
}
