//! An organisation that changes a little each day, without a connector: what a scan of it sends to a store.

use std::time::{Duration, Instant};

use connector_api::{
    Access, AccessLevel, Account, Binding, Credential, Descriptor, Field, Group, Membership, NodeKind, NodeRef, Record,
    Resource, RowType, ScanLedger, Section, SectionDescription, SystemConfig,
};
use connector_store::{Ended, Fence, Hold, Location, Start, Store};
use jiff::Timestamp;

use crate::Result;

/// Members of each group but the first, which has everybody.
const MEMBERS: u32 = 200;
/// Devices that each group is bound to.
const BOUND: u32 = 5;
/// Times are tenths of a day.
pub(crate) const DAY: u32 = 10;
/// The days until all accounts and bindings have changed, one in 200 on each.
const PERIOD: u32 = 200 * DAY;
/// The same for the memberships that change, so that one in 200 of all does: those of everybody do not. Each is replaced
/// by another one, so one in a hundred is gone or new.
const MEMBERSHIP_PERIOD: u32 = 160 * DAY;
/// Rows that are staged at once.
const BATCH: usize = 1000;
/// The users from which each scan is reported.
const SPOKEN: u32 = 50_000;

pub(crate) const GROUP_TYPE: &str = "USER_GROUP";
pub(crate) const DEVICE_TYPE: &str = "system";
pub(super) const USE: Access = Access::of_word(AccessLevel::Use, "user");
/// The system of a store.
pub(crate) const SYSTEM: &str = "bars";

/// For rows that no store makes: a digest, and what changes by itself.
pub(super) const HASH: [u8; 16] = [7; 16];
pub(super) const VOLATILE: &str = r#"{"lastLoginAt":"2026-09-21T14:13:20Z"}"#;

/// An organisation with five memberships for each account, a group and a device for each fifty, and five bindings for each
/// group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Organisation {
    pub(crate) users: u32,
}

/// A scan that was kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only the bars of PostgreSQL ask"))]
    pub(super) run: i64,
    /// From opening the store to the end of publishing.
    pub(super) wall: Duration,
}

impl Organisation {
    pub(super) fn groups(self) -> u32 {
        self.users / 50
    }

    pub(crate) fn memberships(self) -> u32 {
        self.users + (self.groups() - 1) * MEMBERS
    }

    /// Memberships and bindings.
    pub(crate) fn edges(self) -> u32 {
        self.memberships() + self.groups() * BOUND
    }

    pub(super) fn account(self, id: u32, time: u32) -> Account {
        let mut account = Account::new(account_id(id), format!("user{id}"));
        account.email = Some(format!("user{id}@example.com"));
        account.display_name = Some(format!("User {id} the {}.", version(id, time, PERIOD)));
        account.department = Some(format!("Department {}", id % 97));
        account.description = Some("Senior engineer of infrastructure and operations. ".repeat(5));
        // Everybody signs in every day.
        account.last_login_at =
            Timestamp::from_second(1_790_000_000 + i64::from(time) * 8640 + i64::from(id % 3600)).ok();
        account
    }

    pub(super) fn group(self, id: u32) -> Group {
        Group::new(group_id(id), GROUP_TYPE, format!("Group {id}"))
    }

    pub(super) fn device(self, id: u32) -> Resource {
        Resource::new(device_id(id), DEVICE_TYPE, format!("device-{id}"))
    }

    /// The members of a group at a time. All are different.
    pub(super) fn members(self, group: u32, time: u32) -> impl Iterator<Item = u32> {
        let count = if group == 0 { self.users } else { MEMBERS };
        (0..count).map(move |place| match group {
            0 => place,
            _ => {
                let version = version(group * MEMBERS + place, time, MEMBERSHIP_PERIOD);
                (group * 7919 + (place + version * MEMBERS) * 101) % self.users
            }
        })
    }

    /// The devices that a group is bound to at a time. The first device is that of everybody.
    pub(super) fn bound(self, group: u32, time: u32) -> impl Iterator<Item = u32> {
        (0..BOUND).map(move |place| match (group, place) {
            (0, 0) => 0,
            _ => {
                let version = version(group * BOUND + place, time, PERIOD);
                1 + (group + (place + version * BOUND) * 11) % (self.groups() - 1)
            }
        })
    }

    /// Passes on the rows at a time as `changed` returns them, in the order of a scan.
    pub(super) fn rows(
        self,
        time: u32,
        changed: &dyn Fn(Record) -> Record,
        each: &mut dyn FnMut(&[Record]) -> Result<()>,
    ) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut send = |record: Record| -> Result<()> {
            batch.push(changed(record));
            if batch.len() == BATCH {
                each(&batch)?;
                batch.clear();
            }
            Ok(())
        };
        for id in 0..self.users {
            send(self.account(id, time).into())?;
        }
        (0..self.groups()).try_for_each(|id| send(self.group(id).into()))?;
        for id in 0..self.groups() {
            let group = self.group(id);
            for member in self.members(id, time) {
                send(Membership::new(&Account::new(account_id(member), format!("user{member}")), &group).into())?;
            }
        }
        (0..self.groups()).try_for_each(|id| send(self.device(id).into()))?;
        for id in 0..self.groups() {
            for device in self.bound(id, time) {
                let from = NodeRef::new(NodeKind::Group, GROUP_TYPE, group_id(id));
                let to = NodeRef::new(NodeKind::Resource, DEVICE_TYPE, device_id(device));
                send(Binding::new(from, to).with_access(USE).into())?;
            }
        }
        each(&batch)
    }

    /// Keeps a scan of a time in a store.
    pub(crate) fn keep(self, location: &Location, time: u32) -> Result<Kept> {
        self.keep_as(location, time, &|record| record)
    }

    /// Does the same with rows as `changed` returns them.
    pub(crate) fn keep_as(self, location: &Location, time: u32, changed: &dyn Fn(Record) -> Record) -> Result<Kept> {
        let (descriptor, config) = (descriptor(), SystemConfig::new("Bars", "bars", Credential::default()));
        let began = Instant::now();
        let now = Timestamp::from_second(1_790_000_000 + i64::from(time) * 8640)?;
        let start =
            Start { name: SYSTEM, descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: false };
        let mut scan = Store::open(location)?.begin(start)?;
        self.rows(time, changed, &mut |rows| Ok(scan.stage(rows)?))?;
        let staged = began.elapsed();
        let mut ledger = ScanLedger::start(&descriptor, &config);
        descriptor.sections.iter().for_each(|described| ledger.close(described.section.into()));
        let summary = ledger.finish(Ok(())).map_err(|failure| format!("{failure:?}"))?;
        let ended = scan.publish(&summary, Hold::default())?;
        let wall = began.elapsed();
        let Ended::Published { run, changes } = ended else { return Err(format!("{ended:?}").into()) };
        let changes: u64 = changes.0.values().map(|counts| counts.new + counts.changed + counts.gone).sum();
        if self.users >= SPOKEN {
            let [all, staging] = [wall, staged].map(|time| time.as_secs_f64());
            eprintln!("  run {run}: {changes} changes in {all:.1} s, of which {staging:.1} s to stage");
        }
        Ok(Kept { run, wall })
    }
}

/// The numbers that objects have as rows of a store: accounts first, then groups, then devices.
pub(super) struct Numbers(pub(super) Organisation);

impl Numbers {
    pub(super) fn account(&self, id: u32) -> Result<i32> {
        Ok(i32::try_from(id + 1)?)
    }

    pub(super) fn group(&self, id: u32) -> Result<i32> {
        self.account(self.0.users + id)
    }

    pub(super) fn device(&self, id: u32) -> Result<i32> {
        self.account(self.0.users + self.0.groups() + id)
    }
}

/// How often something has changed up to a time, if one in `period` does each day.
fn version(id: u32, time: u32, period: u32) -> u32 {
    (id % period + time) / period
}

pub(crate) fn account_id(id: u32) -> String {
    format!("{id:024x}")
}

pub(crate) fn group_id(id: u32) -> String {
    format!("{:024x}", id + 0x7000_0000)
}

pub(crate) fn device_id(id: u32) -> String {
    format!("{:024x}", id + 0x6000_0000)
}

/// The one system of a store.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only the bars of PostgreSQL ask"))]
pub(super) fn system(store: &mut Store) -> Result<connector_store::System> {
    store.systems()?.into_iter().find(|system| system.name == SYSTEM).ok_or_else(|| "the store has no system".into())
}

fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Bars", "Bars", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).owning([RowType::new("group", GROUP_TYPE)]),
        describe(Section::MEMBERSHIPS).owning([RowType::new("membership", GROUP_TYPE)]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", DEVICE_TYPE)]),
        describe(Section::GRANTS).owning(RowType::several("binding", ["groupToResource"])),
        describe(Section::LAST_LOGIN).filling_in([Field::new("account", "lastLoginAt")]),
    ];
    descriptor.accesses = vec![USE];
    descriptor.volatile = vec![Field::new("account", "lastLoginAt")];
    descriptor
}
