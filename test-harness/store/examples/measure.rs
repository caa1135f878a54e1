//! Measures.
#![allow(clippy::unwrap_used)]
use connector_api::*;
use connector_store::*;
use std::time::Instant;

fn main() {
    let mut args = std::env::args().skip(1);
    let location: Location = args.next().unwrap().parse().unwrap();
    let users: u32 = args.next().unwrap().parse().unwrap();
    let groups = users / 50;
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).owning([RowType::new("group", "CREW")]),
        describe(Section::MEMBERSHIPS).owning([RowType::new("membership", "CREW")]),
        describe(Section::LAST_LOGIN),
    ];
    descriptor.volatile = vec![Field::new("account", "lastLoginAt")];
    let config = SystemConfig::new("Toy", "toy", Credential::default()).with_name("hq");
    let rss = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        status.lines().find(|l| l.starts_with("VmHWM")).unwrap().to_owned()
    };
    let pad = "x".repeat(300);
    let account = |id: u32, round: u32| {
        let mut a = Account::new(format!("{id:024x}"), format!("user{id}"));
        a.email = Some(format!("user{id}@example.com"));
        a.display_name = Some(if (id + round * 7) % 200 == 3 { format!("U {id} {round}") } else { format!("U {id}") });
        a.last_login_at = jiff::Timestamp::from_second(i64::from(id + round)).ok();
        a.description = Some(pad.clone());
        a
    };
    let group = |id: u32| Group::new(format!("{:024x}", id + 0x7000_0000), "CREW", format!("Crew {id}"));
    for round in 0..3 {
        let start = Instant::now();
        let mut scan = Store::open(&location)
            .unwrap()
            .begin(Start {
                name: "hq",
                descriptor: &descriptor,
                config: &config,
                fence: Fence::Own,
                now: jiff::Timestamp::now(),
                fresh: false,
            })
            .unwrap();
        println!("begin {:?} {}", start.elapsed(), rss());
        let start = Instant::now();
        for chunk in (0..users).collect::<Vec<_>>().chunks(1000) {
            scan.stage(&chunk.iter().map(|id| account(*id, round).into()).collect::<Vec<_>>()).unwrap();
        }
        let all: Vec<Record> = (0..groups).map(|id| group(id).into()).collect();
        scan.stage(&all).unwrap();
        println!("accounts {:?} {}", start.elapsed(), rss());
        for g in 0..groups {
            let gr = group(g);
            let batch: Vec<Record> = (0..250u32)
                .map(|m| {
                    let mut id = (g.wrapping_mul(7919).wrapping_add(m * 104_729)) % users;
                    if (g * 250 + m + round) % 200 == 3 {
                        id = (id + round) % users;
                    }
                    let a = Account::new(format!("{id:024x}"), format!("user{id}"));
                    Membership::new(&a, &gr).into()
                })
                .collect();
            scan.stage(&batch).unwrap();
        }
        println!("staged {:?} {}", start.elapsed(), rss());
        let publish = Instant::now();
        let mut ledger = ScanLedger::start(&descriptor, &config);
        descriptor.sections.iter().for_each(|d| ledger.close(d.section.into()));
        let ended = scan.publish(&ledger.finish(Ok(())).unwrap(), Hold { above_percent: 100, at_least: 0 }).unwrap();
        println!("published {:?}, all {:?} {} {ended:?}", publish.elapsed(), start.elapsed(), rss());
    }
}
