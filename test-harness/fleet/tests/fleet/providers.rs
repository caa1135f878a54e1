//! Providers, whose organisations come and go.

use connector_api::{ConnectorError, Edition, ErrorCode, Organization};
use connector_fleet::{Credentials, Which};
use serde_json::{Map, json};

use crate::support::{Env, all_users, schedule};
use crate::toy::registry;

fn organization(id: &str, name: &str) -> Organization {
    Organization::new(id, name, Map::from_iter([("id".to_owned(), json!(id))]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_of_a_provider_follow_its_organisations_and_nothing_is_removed() {
    let Some(env) = Env::new().await else { return };
    let list = |organizations: &[(&str, &str)]| {
        let organizations = organizations.iter().map(|(id, name)| organization(id, name)).collect();
        *env.target.organizations.lock().unwrap() = organizations;
    };
    let (credentials, _) = Credentials::read(&env.credentials()).unwrap();
    let mut provider = env.system("msp", "acme");
    provider.schedule = schedule("every 6h");
    let add = async || env.fleet.add_provider(&provider, &credentials, &registry(), Edition::Enterprise).await;
    let shown = "select name, organization, gone_at is not null, next_at is not null, attributes from fleet.system order by name";

    // None at all is an error, not an end.
    let error = add().await.unwrap_err();
    assert!(error.message.contains("no organisations"), "{error}");
    list(&[("1", "Acme"), ("2", "Twin"), ("3", "Twin")]);
    let listed = add().await.unwrap();
    assert_eq!((listed.organizations, listed.added, listed.changed, listed.gone), (3, 3, 0, 0));
    let expected = [
        r#"msp / Acme|1|f|t|{"id": "1"}"#,
        r#"msp / Twin (2)|2|f|t|{"id": "2"}"#,
        r#"msp / Twin (3)|3|f|t|{"id": "3"}"#,
    ];
    assert_eq!(env.sql(shown).await, expected);

    // A worker asks again. A new name is not a new system, one that is gone rests, and its history stays.
    list(&[("1", "Acme & Co"), ("3", "Twin"), ("4", "New")]);
    env.sql("update fleet.provider set next_at = clock_timestamp()").await;
    let worker = env.worker(1).await;
    env.until("in step", async |env: &Env| env.sql(shown).await.len() == 4).await;
    let expected = [
        r#"msp / Acme|1|f|t|{"id": "1"}"#,
        r#"msp / New|4|f|t|{"id": "4"}"#,
        r#"msp / Twin (2)|2|t|f|{"id": "2"}"#,
        r#"msp / Twin (3)|3|f|t|{"id": "3"}"#,
    ];
    assert_eq!(env.sql(shown).await, expected);
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 3);

    // What cannot be listed is as it was, and the table says why.
    list(&[]);
    env.sql("update fleet.provider set next_at = clock_timestamp()").await;
    let code = "select code from fleet.provider where code is not null";
    env.until("failed", async |env: &Env| !env.sql(code).await.is_empty()).await;
    assert_eq!(env.sql(code).await, ["invalid_config"]);
    assert_eq!(env.sql(shown).await, expected);

    // It comes back.
    list(&[("1", "Acme"), ("2", "Twin"), ("3", "Twin"), ("4", "New")]);
    let listed = add().await.unwrap();
    assert_eq!((listed.added, listed.changed, listed.gone), (0, 4, 0));
    assert_eq!(env.sql("select 1 from fleet.system where gone_at is null and next_at is not null").await.len(), 4);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_of_a_provider_is_not_changed_by_another_of_its_name() {
    let Some(env) = Env::new().await else { return };
    *env.target.organizations.lock().unwrap() = vec![organization("1", "Acme")];
    let (credentials, _) = Credentials::read(&env.credentials()).unwrap();
    let provider = env.system("msp", "acme");
    env.fleet.add_provider(&provider, &credentials, &registry(), Edition::Enterprise).await.unwrap();
    let of_one = env.system("msp / Acme", "other");
    let error: ConnectorError = env.fleet.add(&[of_one], &registry(), Edition::Enterprise).await.unwrap_err();
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("another system msp / Acme"), "{error}");
    assert_eq!(env.sql("select credential from fleet.system").await, ["acme"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_is_excluded_is_not_added_again_until_it_is_included_and_keeps_its_history() {
    let Some(env) = Env::new().await else { return };
    *env.target.organizations.lock().unwrap() = vec![organization("1", "Acme"), organization("2", "Twin")];
    let (credentials, _) = Credentials::read(&env.credentials()).unwrap();
    let provider = env.system("msp", "acme");
    let add = async || env.fleet.add_provider(&provider, &credentials, &registry(), Edition::Enterprise).await.unwrap();
    add().await;
    env.add_named(&["hq"], "acme").await;
    env.target.open();
    env.fleet.enqueue(Which::Named("msp / Acme")).await.unwrap();
    let worker = env.worker(1).await;
    env.until_state("msp / Acme", "complete").await;

    let names = async || env.sql("select name from fleet.system order by name").await;
    let error = env.fleet.exclude(&["msp / Acme", "hq"]).await.unwrap_err();
    assert!(error.remedy.contains("harness fleet remove \"hq\""), "{error:?}");
    let error = env.fleet.exclude(&["msp / Akme"]).await.unwrap_err();
    assert!(error.remedy.contains("did you mean msp / Acme?"), "{error:?}");
    assert_eq!(names().await, ["hq", "msp / Acme", "msp / Twin"]);
    let excluded = env.fleet.exclude(&["msp / Acme"]).await.unwrap();
    assert_eq!((&excluded.systems[..], &excluded.kept[..]), (&["msp / Acme".into()][..], &["msp / Acme".into()][..]));
    let known = env.fleet.excluded().await.unwrap();
    assert_eq!((known[0].system.as_str(), known[0].organization.as_str()), ("msp / Acme", "1"));

    // Neither by hand nor by a worker; and what a program added that knows nothing of it is removed again.
    let listed = add().await;
    assert_eq!((listed.organizations, listed.added, listed.changed, listed.excluded), (2, 0, 1, 1));
    env.sql(
        "insert into fleet.system (name, os_type, hostname, credential, priority, provider, organization) \
         select 'msp / Acme', os_type, hostname, credential, priority, provider, '1' from fleet.system where name = 'msp / Twin'",
    )
    .await;
    env.sql("update fleet.provider set next_at = clock_timestamp()").await;
    env.until("removed", async |_: &Env| names().await == ["hq", "msp / Twin"]).await;

    let error = env.fleet.include(&["msp / Akme"]).await.unwrap_err();
    assert!(error.remedy.contains("did you mean msp / Acme?"), "{error:?}");
    assert_eq!(env.fleet.include(&["msp / Acme"]).await.unwrap(), 1);
    env.until("added again", async |_: &Env| names().await == ["hq", "msp / Acme", "msp / Twin"]).await;
    worker.end().await;
    assert!(env.fleet.excluded().await.unwrap().is_empty());
    assert_eq!(env.users("msp / Acme").await, all_users("msp / Acme"));

    // With its provider, what was excluded is forgotten.
    env.fleet.exclude(&["msp / Twin"]).await.unwrap();
    env.fleet.remove_provider("msp").await.unwrap();
    assert!(env.fleet.excluded().await.unwrap().is_empty());
}
