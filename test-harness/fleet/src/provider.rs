//! Providers: keys that read several organisations, each of which is a system of the fleet.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, Edition, Organization, Registry};
use connector_host::organization_system;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use crate::credentials::Credentials;
use crate::database::{Database, failed};
use crate::exclude;
use crate::fleet::Fleet;
use crate::system::{NewSystem, Ready};

/// How often a provider is asked for its organisations.
const EVERY: &str = "1 hour";

/// What a provider listed, and what that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listed {
    /// The organisations that its credential can see, which may be some of those that there are.
    pub organizations: u64,
    /// Systems that are new.
    pub added: u64,
    /// Systems that were there.
    pub changed: u64,
    /// Systems that are listed no more. Their schedules rest; nothing of them is removed.
    pub gone: u64,
    /// Organisations of those that are listed which are kept out of the fleet.
    pub excluded: u64,
}

impl Fleet {
    /// Adds a provider, or changes one, and all organisations that its credential can see. From then on, workers keep them in
    /// step. `provider` is what the systems have in common; its name comes before theirs.
    ///
    /// # Errors
    /// As for [`add`](Self::add) and [`Credentials::resolve`], and any error of the target.
    pub async fn add_provider(
        &self,
        provider: &NewSystem,
        credentials: &Credentials,
        registry: &Registry,
        edition: Edition,
    ) -> Result<Listed, ConnectorError> {
        provider.check_name()?;
        let ready = provider.ready(registry, edition).map_err(|error| error.context(&provider.name))?;
        let organizations = organizations(&ready, credentials, registry, edition).await?;
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let id = ready.save_provider(&transaction, EVERY).await?;
        let listed = keep_in_step(&transaction, id, provider, &organizations, registry, edition).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(listed)
    }
}

/// Asks the provider whose time has come, if there is one, for its organisations. Returns its name, and what that changed.
pub(crate) async fn list_due(
    database: &Database,
    credentials: &Credentials,
    registry: &Registry,
    edition: Edition,
) -> Result<Option<(String, Result<Listed, ConnectorError>)>, ConnectorError> {
    let client = database.client().await?;
    // Whoever comes first; a worker that dies meanwhile costs one time.
    let sql = format!(
        "update fleet.provider set next_at = clock_timestamp() + interval '{EVERY}' where id = (select id from fleet.provider \
         where next_at <= clock_timestamp() order by next_at limit 1 for update skip locked) \
         returning id, name, os_type, hostname, port, credential, attributes, priority, schedule, zone"
    );
    let Some(row) = client.query_opt(&sql, &[]).await.map_err(failed)? else { return Ok(None) };
    drop(client);
    let id: i32 = row.get("id");
    let provider = NewSystem::read(&row)?;
    let listed = async {
        let ready = provider.ready(registry, edition)?;
        let organizations = organizations(&ready, credentials, registry, edition).await?;
        let mut client = database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let listed = keep_in_step(&transaction, id, &provider, &organizations, registry, edition).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(listed)
    };
    let listed: Result<Listed, ConnectorError> = listed.await;
    if let Err(error) = &listed {
        let sql = "update fleet.provider set code = $2, message = $3, remedy = $4 where id = $1";
        let parameters: [&(dyn ToSql + Sync); 4] = [&id, &error.code.as_str(), &error.message, &error.remedy];
        database.client().await?.execute(sql, &parameters).await.map_err(failed)?;
    }
    Ok(Some((provider.name, listed)))
}

/// Asks the target for the organisations that the credential can see.
async fn organizations(
    provider: &Ready,
    credentials: &Credentials,
    registry: &Registry,
    edition: Edition,
) -> Result<Vec<Organization>, ConnectorError> {
    let config = provider.config_with_key(credentials).await?;
    let organizations = registry.connect(config, edition)?.organizations().await?;
    if organizations.is_empty() {
        // Not that all of them are gone.
        return Err(ConnectorError::invalid_config(
            "the connector reports no organisations for this credential",
            "check the credential; a key of a single organisation is added without --all-organizations",
        ));
    }
    Ok(organizations)
}

/// Has the systems of a provider follow its list.
async fn keep_in_step(
    transaction: &Transaction<'_>,
    id: i32,
    provider: &NewSystem,
    organizations: &[Organization],
    registry: &Registry,
    edition: Edition,
) -> Result<Listed, ConnectorError> {
    let kept_out = exclude::kept_out(transaction, id).await?;
    let sql = "select organization, name from fleet.system where provider = $1";
    let known = transaction.query(sql, &[&id]).await.map_err(failed)?;
    let known: BTreeMap<&str, &str> = known.iter().map(|row| (row.get(0), row.get(1))).collect();
    let now: Timestamp = transaction.query_one("select clock_timestamp()", &[]).await.map_err(failed)?.get(0);
    let mut listed = Listed { organizations: organizations.len() as u64, added: 0, changed: 0, gone: 0, excluded: 0 };
    for organization in organizations {
        if kept_out.contains(&organization.external_id) {
            listed.excluded += 1;
            continue;
        }
        let mut attributes: Map<String, Value> = provider.attributes.clone();
        attributes.extend(organization.attributes.clone());
        let id_there = organization.external_id.as_str();
        // Its history is kept by name, so a later name at the provider changes nothing.
        let new = || organization_system(&provider.name, organization, organizations);
        let name = known.get(id_there).map_or_else(new, |name| (*name).into());
        let system = NewSystem { name, attributes, ..provider.clone() };
        let ready = system.ready(registry, edition).map_err(|error| error.context(&system.name))?;
        match ready.save(transaction, now, Some((id, id_there))).await? {
            true => listed.added += 1,
            false => listed.changed += 1,
        }
    }
    let ids: Vec<&str> = organizations.iter().map(|organization| organization.external_id.as_str()).collect();
    let sql = "update fleet.system set gone_at = clock_timestamp(), next_at = null \
               where provider = $1 and gone_at is null and organization <> all($2)";
    listed.gone = transaction.execute(sql, &[&id, &ids]).await.map_err(failed)?;
    let sql = "update fleet.provider set listed_at = clock_timestamp(), code = null, message = null, remedy = null where id = $1";
    transaction.execute(sql, &[&id]).await.map_err(failed)?;
    Ok(listed)
}
