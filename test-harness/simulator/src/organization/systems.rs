//! Devices and their groups.

use jiff::Timestamp;

use super::dice::Dice;
use super::names::{TRICKY_DESCRIPTIONS, hostile};
use super::node::{Kind, Node, created};
use super::users::days;
use super::{Organization, Stream};

/// The first of the devices with names that mean harm.
const FIRST_HOSTILE: u64 = 20;

/// A device.
#[derive(Clone, Debug)]
pub struct System {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its name in the console.
    pub display_name: String,
    /// Its name in the network.
    pub hostname: String,
    /// What it runs.
    pub os: Os,
    /// Version of the operating system.
    pub version: String,
    /// Serial number.
    pub serial_number: String,
    /// Whether it reports now.
    pub active: bool,
    /// When it last reported.
    pub last_contact: Option<Timestamp>,
    /// When it joined.
    pub created: Timestamp,
    /// Its address on the internet.
    pub remote_ip: String,
    /// Whether SSH lets root in.
    pub root_login: bool,
    /// What it is for.
    pub description: String,
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux, on servers.
    Linux,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

impl Os {
    /// `os` and `osFamily`, as the service spells them.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Linux => ("Ubuntu", "linux"),
            Self::Mac => ("Mac OS X", "darwin"),
            Self::Windows => ("Windows", "windows"),
        }
    }
}

/// A group of devices.
#[derive(Clone, Debug)]
pub struct SystemGroup {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How members come in, as the service spells it.
    pub membership_method: &'static str,
}

/// Device groups with a story; they are the first of every organisation that has devices.
pub mod cast {
    /// All Macs.
    pub const MACS: u64 = 0;
    /// All Windows devices.
    pub const WINDOWS: u64 = 1;
    /// All Linux servers.
    pub const LINUX: u64 = 2;
    /// Every other Linux server.
    pub const PRODUCTION_SERVERS: u64 = 3;
    /// How many there are.
    pub const SIZE: u64 = 4;
}

const NAMES: [&str; cast::SIZE as usize] = ["macOS fleet", "Windows fleet", "Linux servers", "Production Servers"];

impl Organization {
    /// The device of an index, deleted or not.
    pub fn system(&self, index: u64) -> System {
        let mut dice = Dice::thrown(self.seed, Stream::System as u64, index);
        let os = os(index);
        let hostname = match os {
            Os::Linux => format!("srv-{}-{index:04}", ["db", "web", "batch", "ci"][dice.below(4) as usize]),
            Os::Mac => format!("MacBook-Pro-{index}"),
            Os::Windows => format!("DESKTOP-{:06X}", dice.below(1 << 24)),
        };
        let version = match os {
            Os::Linux => format!("{}.04", 18 + 2 * dice.below(4)),
            Os::Mac => format!("{}.{}.{}", 12 + dice.below(4), dice.below(7), dice.below(3)),
            Os::Windows => format!("{} {}H2", ["10 Pro", "11 Enterprise"][dice.below(2) as usize], 21 + dice.below(4)),
        };
        let active = dice.percent(80);
        let silence = if active { 0 } else { dice.below(400) as i64 };
        System {
            index,
            id: self.id(Node::new(Kind::System, index)),
            display_name: {
                let drawn =
                    if dice.percent(10) { format!("会議室 {index} ☕, \"spare\"") } else { hostname.clone() };
                hostile(FIRST_HOSTILE, index).map_or(drawn, str::to_owned)
            },
            hostname,
            os,
            version,
            serial_number: format!("{:010X}", dice.roll() & 0xFF_FFFF_FFFF),
            active,
            last_contact: (!dice.percent(3)).then(|| self.now - days(silence)),
            created: Timestamp::from_second(created(index, self.systems.generated()) as i64)
                .unwrap_or(Timestamp::UNIX_EPOCH),
            remote_ip: format!("203.0.113.{}", dice.below(255)),
            root_login: os == Os::Linux && dice.percent(20),
            description: if dice.percent(6) { dice.pick(TRICKY_DESCRIPTIONS).to_owned() } else { String::new() },
        }
    }

    /// The device group of an index.
    pub fn system_group(&self, index: u64) -> SystemGroup {
        let mut dice = Dice::thrown(self.seed, Stream::SystemGroup as u64, index);
        SystemGroup {
            index,
            id: self.id(Node::new(Kind::SystemGroup, index)),
            name: NAMES.get(index as usize).map_or_else(|| format!("Rack {index}"), |name| (*name).to_owned()),
            description: if dice.percent(10) { dice.pick(TRICKY_DESCRIPTIONS).to_owned() } else { String::new() },
            membership_method: if index < 3 { "DYNAMIC_AUTOMATED" } else { "STATIC" },
        }
    }

    /// The devices in a device group.
    pub fn group_systems(&self, group: u64) -> Vec<u64> {
        let census = self.systems.now();
        if group >= self.system_group_count() {
            return Vec::new();
        }
        (0..self.systems.generated())
            .filter(|&system| census.contains(system) && self.is_in_system_group(system, group))
            .collect()
    }

    /// The device groups that a device is in.
    pub fn system_groups_of(&self, system: u64) -> Vec<u64> {
        if system >= self.systems.generated() || !self.systems.now().contains(system) {
            return Vec::new();
        }
        (0..self.system_group_count()).filter(|&group| self.is_in_system_group(system, group)).collect()
    }

    /// How many device groups there are.
    pub fn system_group_count(&self) -> u64 {
        match self.systems.generated() {
            0 => 0,
            systems => cast::SIZE + (systems / 50).min(2_000),
        }
    }

    fn is_in_system_group(&self, system: u64, group: u64) -> bool {
        match group {
            cast::MACS => os(system) == Os::Mac,
            cast::WINDOWS => os(system) == Os::Windows,
            cast::LINUX => os(system) == Os::Linux,
            cast::PRODUCTION_SERVERS => os(system) == Os::Linux && system.is_multiple_of(2),
            _ => system % (self.system_group_count() - cast::SIZE) == group - cast::SIZE,
        }
    }
}

fn os(index: u64) -> Os {
    [Os::Linux, Os::Mac, Os::Windows][(index % 3) as usize]
}
