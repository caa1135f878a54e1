//! What a first load is compared with: the same rows, ready to be stored, into the same tables with the same indexes.

use std::time::{Duration, Instant};

use connector_api::Record;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use postgres::{Client, NoTls};

use super::organisation::{self, Numbers, Organisation};
use crate::Result;

/// The first run, the only system, and the only terms.
const ONE: i32 = 1;

/// Copies all rows of the first day into the tables of an empty store. Returns the time that it took.
pub(super) fn copy(url: &str, organisation: Organisation) -> Result<Duration> {
    let mut client = Client::connect(url, NoTls)?;
    client.batch_execute(
        "insert into terms (id, system, from_kind, from_type, to_kind, to_type, level, word) \
        values (1, 1, 'group', 'USER_GROUP', 'resource', 'system', 1, 'user')",
    )?;
    let began = Instant::now();
    let numbers = Numbers(organisation);
    objects(&mut client, organisation, &numbers)?;
    accounts(&mut client, organisation, &numbers)?;
    groups_and_devices(&mut client, organisation, &numbers)?;
    edges(&mut client, organisation, &numbers)?;
    Ok(began.elapsed())
}

type Row<'a> = &'a [&'a (dyn ToSql + Sync)];

fn copy_into(
    client: &mut Client,
    table: &str,
    types: &[Type],
    rows: impl FnOnce(&mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let mut writer = BinaryCopyInWriter::new(client.copy_in(&format!("copy {table} from stdin binary"))?, types);
    rows(&mut |row| Ok(writer.write(row)?))?;
    writer.finish()?;
    Ok(())
}

fn objects(client: &mut Client, organisation: Organisation, numbers: &Numbers) -> Result<()> {
    let columns = "object (id, system, kind, type, external_id)";
    let types = [Type::INT4, Type::INT4, Type::TEXT, Type::TEXT, Type::TEXT];
    copy_into(client, columns, &types, |write| {
        for id in 0..organisation.users {
            write(&[&numbers.account(id)?, &ONE, &"account", &"", &organisation::account_id(id)])?;
        }
        for id in 0..organisation.groups() {
            write(&[&numbers.group(id)?, &ONE, &"group", &"USER_GROUP", &organisation::group_id(id)])?;
            write(&[&numbers.device(id)?, &ONE, &"resource", &"system", &organisation::device_id(id)])?;
        }
        Ok(())
    })
}

fn accounts(client: &mut Client, organisation: Organisation, numbers: &Numbers) -> Result<()> {
    let columns = "account_version (object, system, from_run, type, name, name_key, display_name, email, email_key, \
                   hash, body)";
    let mut types = vec![Type::INT4; 3];
    types.extend(vec![Type::TEXT; 6]);
    types.extend([Type::BYTEA, Type::TEXT]);
    copy_into(client, columns, &types, |write| {
        for id in 0..organisation.users {
            let mut account = organisation.account(id, 0);
            account.last_login_at = None;
            let body = serde_json::to_string(&Record::from(account.clone()))?;
            let (name, email) = (&account.username, &account.email);
            let number = numbers.account(id)?;
            let display_name = &account.display_name;
            write(&[
                &number,
                &ONE,
                &ONE,
                &"user",
                name,
                name,
                display_name,
                email,
                email,
                &&organisation::HASH[..],
                &body,
            ])?;
        }
        Ok(())
    })?;
    let types = [Type::INT4, Type::BYTEA, Type::TEXT];
    copy_into(client, "volatile_fields (object, hash, body)", &types, |write| {
        for id in 0..organisation.users {
            write(&[&numbers.account(id)?, &&organisation::HASH[..], &organisation::VOLATILE])?;
        }
        Ok(())
    })
}

fn groups_and_devices(client: &mut Client, organisation: Organisation, numbers: &Numbers) -> Result<()> {
    let columns = "object, system, from_run, type, name, name_key, hash, body";
    let types = [
        [Type::INT4, Type::INT4, Type::INT4],
        [Type::TEXT, Type::TEXT, Type::TEXT],
        [Type::BYTEA, Type::TEXT, Type::BOOL],
    ]
    .concat();
    copy_into(client, &format!("group_version ({columns}, privileged)"), &types, |write| {
        for id in 0..organisation.groups() {
            let group = organisation.group(id);
            let body = serde_json::to_string(&Record::from(group.clone()))?;
            let (number, name) = (numbers.group(id)?, &group.name);
            write(&[&number, &ONE, &ONE, &group.group_type, name, name, &&organisation::HASH[..], &body, &false])?;
        }
        Ok(())
    })?;
    copy_into(client, &format!("resource_version ({columns}, container)"), &types, |write| {
        for id in 0..organisation.groups() {
            let device = organisation.device(id);
            let body = serde_json::to_string(&Record::from(device.clone()))?;
            let (number, name) = (numbers.device(id)?, &device.name);
            write(&[&number, &ONE, &ONE, &device.resource_type, name, name, &&organisation::HASH[..], &body, &false])?;
        }
        Ok(())
    })
}

fn edges(client: &mut Client, organisation: Organisation, numbers: &Numbers) -> Result<()> {
    let four = vec![Type::INT4; 4];
    copy_into(client, "membership_version (system, group_id, account_id, from_run)", &four, |write| {
        for id in 0..organisation.groups() {
            let group = numbers.group(id)?;
            for member in organisation.members(id, 0) {
                write(&[&ONE, &group, &numbers.account(member)?, &ONE])?;
            }
        }
        Ok(())
    })?;
    let five = vec![Type::INT4; 5];
    copy_into(client, "binding_version (system, from_id, to_id, terms, from_run)", &five, |write| {
        for id in 0..organisation.groups() {
            let group = numbers.group(id)?;
            for device in organisation.bound(id, 0) {
                write(&[&ONE, &group, &numbers.device(device)?, &ONE, &ONE])?;
            }
        }
        Ok(())
    })
}
