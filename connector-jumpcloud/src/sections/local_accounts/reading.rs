//! Reads local administrators from both sources, and merges what they say of the same account.

use std::borrow::Cow;

use connector_api::{ConnectorError, ErrorCode};
use hashbrown::{HashMap, HashSet};

use super::{Found, LocalAdministrator, LocalNames};
use crate::api::Id;
use crate::api::local_accounts::{self as api, ListedAccount, LocalAccount};
use crate::api::systems::System;
use crate::client::{Client, PageReader, grouped};
use crate::scan::progress::SectionProgress;

/// The local administrators read so far.
pub(super) struct Reading {
    devices: HashMap<Id, u32>,
    /// For each device, whether names there are the same in any case.
    ignores_case: Vec<bool>,
    names: LocalNames,
    /// Those of `userMetrics` first, by device.
    administrators: Vec<LocalAdministrator>,
    /// How many of them are from `userMetrics`.
    reported: usize,
    /// The names that `userMetrics` has of those that do not administer their devices.
    others: HashSet<(u32, String)>,
    /// Administrators without a usable name.
    unusable: u64,
}

impl Reading {
    /// Those that the devices' own rows name.
    pub(super) fn of(devices: &[System]) -> Self {
        let mut reading = Self {
            devices: devices.iter().map(|device| device.id.clone()).zip(0..).collect(),
            ignores_case: devices.iter().map(System::ignores_case).collect(),
            names: LocalNames::default(),
            administrators: Vec::new(),
            reported: 0,
            others: HashSet::new(),
            unusable: 0,
        };
        for (at, device) in (0_u32..).zip(devices) {
            device.local_accounts.administrators.iter().for_each(|account| reading.administrator(at, account));
            let others = device.local_accounts.others();
            let others: Vec<_> = others.map(|name| (at, reading.key(at, name).into_owned())).collect();
            reading.others.extend(others);
        }
        reading.reported = reading.administrators.len();
        reading
    }

    /// Reads those that System Insights knows, if the organisation has it and the credential may read it.
    pub(super) async fn read(&mut self, client: &Client, progress: &mut SectionProgress) -> Result<(), ConnectorError> {
        let result = if self.devices.is_empty() { Ok(()) } else { self.read_insights(client, progress).await };
        if self.unusable > 0 {
            progress
                .note(format!("local administrators without a usable name are left out: {}", grouped(self.unusable)));
        }
        result
    }

    async fn read_insights(&mut self, client: &Client, progress: &mut SectionProgress) -> Result<(), ConnectorError> {
        let mut reader = PageReader::<ListedAccount>::new(client, &progress.meter, api::list());
        let known = "only the administrators in userMetrics of the devices are known";
        let total = match reader.total().await {
            Err(error) if error.code == ErrorCode::NotFound => {
                progress.note(format!("System Insights is not set up here: {known}"));
                return Ok(());
            }
            Err(error) if error.is_unavailable() => {
                // There may be more than the devices' own lists show: that is a part, not the whole.
                progress.advance(0, None);
                return Err(error);
            }
            total => total?,
        };
        let result = async {
            while let Some(page) = reader.next().await? {
                progress.advance(page.len(), total);
                self.enter(page, progress);
            }
            Ok(())
        }
        .await;
        progress.listing(reader.stats());
        result
    }

    /// Enters rows of System Insights, which may be older than what the devices report.
    pub(super) fn enter(&mut self, rows: Vec<ListedAccount>, progress: &mut SectionProgress) {
        for row in rows {
            let Some(account) = &row.account else { continue };
            let is_administrator = account.admin == Some(true);
            match self.devices.get(row.device()) {
                Some(&device) if is_administrator => {
                    let name = account.name().map(|name| (device, self.key(device, name).into_owned()));
                    if name.is_none_or(|name| !self.others.contains(&name)) {
                        self.administrator(device, account);
                    }
                }
                // A row that does not say whether the account is an administrator adds to one that is reported.
                Some(&device) if self.is_reported(device, account) => self.administrator(device, account),
                None if is_administrator => progress.dangling(
                    || format!("local account {}", account.name().unwrap_or_default()),
                    || format!("system {}", row.device()),
                ),
                _ => {}
            }
        }
    }

    /// Whether `userMetrics` of a device has this account as an administrator.
    fn is_reported(&self, device: u32, account: &LocalAccount) -> bool {
        let Some(name) = account.name().map(|name| self.key(device, name)) else { return false };
        let reported = &self.administrators[..self.reported];
        let first = reported.partition_point(|one| one.device < device);
        let mut own = reported[first..].iter().take_while(|one| one.device == device);
        own.any(|one| self.names.0.nth(one.name).is_some_and(|known| self.key(device, known) == name))
    }

    /// A name on a device, as it is compared.
    fn key<'n>(&self, device: u32, name: &'n str) -> Cow<'n, str> {
        key(&self.ignores_case, device, name)
    }

    /// Enters what one source says of an administrator.
    pub(super) fn administrator(&mut self, device: u32, account: &LocalAccount) {
        let Some(name) = account.name() else {
            self.unusable += 1;
            return;
        };
        let name = self.names.0.insert(name).unwrap_or_else(|known| known).index();
        let LocalAccount { managed, suspended, ad_managed, real_user, .. } = *account;
        self.administrators.push(LocalAdministrator { device, name, managed, suspended, ad_managed, real_user });
    }

    /// Merges the rows of the same account: the device's own are the newer ones, and those of System Insights add what these
    /// do not say.
    pub(super) fn finish(self) -> Found {
        let Self { ignores_case, names, mut administrators, .. } = self;
        let key = |one: &LocalAdministrator| {
            (one.device, key(&ignores_case, one.device, names.0.nth(one.name).unwrap_or_default()))
        };
        administrators.sort_by(|one, other| key(one).cmp(&key(other)));
        administrators.dedup_by(|later, first| {
            let is_same = key(later) == key(first);
            if is_same {
                first.managed = first.managed.or(later.managed);
                first.suspended = first.suspended.or(later.suspended);
                first.ad_managed = first.ad_managed.or(later.ad_managed);
                first.real_user = first.real_user.or(later.real_user);
            }
            is_same
        });
        administrators.shrink_to_fit();
        Found { names, administrators, ..Found::default() }
    }
}

/// A name on a device, as it is compared: in lower case where names are the same in any case.
fn key<'n>(ignores_case: &[bool], device: u32, name: &'n str) -> Cow<'n, str> {
    if ignores_case.get(device as usize) == Some(&true) { name.to_lowercase().into() } else { name.into() }
}
