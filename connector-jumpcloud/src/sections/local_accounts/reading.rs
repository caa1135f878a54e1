//! Reads local administrators from both sources, and merges what they say of the same account.

use std::borrow::Cow;

use connector_api::{ConnectorError, ErrorCode};
use hashbrown::HashMap;

use super::{Found, LocalAdministrator, LocalNames};
use crate::api::Id;
use crate::api::local_accounts::{self as api, ListedAccount, LocalAccount};
use crate::api::systems::System;
use crate::client::{Client, PageReader};
use crate::scan::progress::SectionProgress;

/// The local administrators read so far.
pub(super) struct Reading {
    devices: HashMap<Id, u32>,
    /// For each device, whether names there are the same in any case.
    ignores_case: Vec<bool>,
    names: LocalNames,
    /// Those of `userMetrics` first.
    administrators: Vec<LocalAdministrator>,
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
            unusable: 0,
        };
        for (at, device) in (0_u32..).zip(devices) {
            device.local_administrators.iter().for_each(|account| reading.administrator(at, account));
        }
        reading
    }

    /// Reads those that System Insights knows, if the organisation has it and the credential may read it.
    pub(super) async fn read(&mut self, client: &Client, progress: &mut SectionProgress) -> Result<(), ConnectorError> {
        let result = if self.devices.is_empty() { Ok(()) } else { self.read_insights(client, progress).await };
        if self.unusable > 0 {
            progress.note(format!("local administrators without a usable name are left out: {}", self.unusable));
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
                progress.note(format!("System Insights may not be read: {known}; {}", error.remedy));
                return Ok(());
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

    /// Enters rows of System Insights.
    pub(super) fn enter(&mut self, rows: Vec<ListedAccount>, progress: &mut SectionProgress) {
        for row in rows {
            let Some(account) = &row.administrator else { continue };
            match self.devices.get(row.device()) {
                Some(&device) => self.administrator(device, account),
                None => progress.dangling(
                    || format!("local account {}", account.name().unwrap_or_default()),
                    || format!("system {}", row.device()),
                ),
            }
        }
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
            let name = names.0.nth(one.name).unwrap_or_default();
            let folds = ignores_case.get(one.device as usize) == Some(&true);
            (one.device, if folds { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) })
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
