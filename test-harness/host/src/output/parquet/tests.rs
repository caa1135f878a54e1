#![allow(clippy::unwrap_used)]
use std::fs::File;

use arrow_json::LineDelimitedWriter;
use connector_api::{Attributes, ConnectorError, Credential, Descriptor, ScanLedger, SystemConfig};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde_json::{Value, json};

use super::schema::Columns;
use super::table::BATCH;
use super::*;

fn summary() -> ScanSummary {
    let ledger = ScanLedger::start(&Descriptor::default(), &SystemConfig::new("", "", Credential::default()));
    ledger.finish(Err(ConnectorError::cancelled())).unwrap_err().into_summary()
}

/// Every kind of record, with what is odd: text that is no English, times with parts of a second, large numbers, lists that are
/// empty, what is only there in some rows.
fn rows() -> Vec<Value> {
    let reason = json!({"code": "sudo", "kind": "privilege", "severity": "high", "message": "=1+1\u{0}\n\"x\"", "remedy": "remove it",
        "subject": "group/1", "sections": ["grants"], "expiresAt": "2026-11-26T00:00:00.123456Z", "setting": {"name": "a", "value": "b"}});
    let step = json!({"groupType": "G", "externalId": "g", "name": "ops, \u{1f600}"});
    let node = |kind: &str| json!({"kind": kind, "type": "T", "externalId": "x"});
    vec![
        json!({"record": "account", "externalId": "1", "kind": "user", "username": "Zoë; Çelik", "enabled": false,
            "accountType": "HUMAN", "mfa": {"configured": true, "factors": ["totp", "push"]},
            "lastLoginAt": "0001-01-01T00:00:00Z", "createdAt": "9999-12-30T22:00:00Z", "reasons": [reason],
            "links": [{"externalId": "2", "kind": "administrator", "evidence": "sharedEmail"}],
            "credentials": [{"kind": "apiKey", "usable": true, "createdBy": {"name": "x"}}],
            "attributes": {"n": 1e300, "long": 123456789012345678u64, "list": [1, "a", {}], "$": "漢字"}}),
        json!({"record": "account", "externalId": "2", "kind": "administrator", "username": "b"}),
        json!({"record": "group", "externalId": "g", "groupType": "G", "name": "", "memberCount": u64::MAX, "privileged": true}),
        json!({"record": "membership", "username": "b", "accountExternalId": "2", "groupName": "g", "groupType": "G",
            "groupExternalId": "g", "direct": false, "via": [step]}),
        json!({"record": "resource", "externalId": "x", "resourceType": "T", "name": "box", "container": true,
            "raises": null, "attributes": {"a": {"b": [true]}}}),
        json!({"record": "binding", "from": node("group"), "to": node("resource"),
            "access": {"level": "administer", "word": "sudo"}}),
        json!({"record": "grant", "principal": {"kind": "account", "externalId": "1", "username": "a"},
            "resource": {"externalId": "x", "resourceType": "T", "name": "box"}, "access": {"level": "use", "word": "login"},
            "direct": true, "via": [{"access": {"level": "use", "word": "login"}, "steps": []}], "morePaths": 3}),
        json!({"record": "grant", "principal": {"kind": "group", "externalId": "g", "groupType": "G", "groupName": "ops"},
            "resource": {"externalId": "x", "resourceType": "T", "name": "box"}, "access": {"level": "use", "word": "login"},
            "direct": false, "via": []}),
        json!({"record": "policy", "externalId": "p", "policyType": "P", "name": "n", "position": 0, "effect": "deny",
            "subjects": {"everyone": false, "included": [node("group")], "includedBy": [{"field": "f", "operator": "EQ", "value": "v"}],
            "moreExcluded": true}, "targets": {"included": [{"kind": "portal"}, {"kind": "application", "resource": node("resource")}]}}),
    ]
}

/// What a reader of Parquet finds in a file, as JSON.
fn read(path: &Path, columns: &Columns) -> Vec<Value> {
    // The writer of JSON knows no zone by its name.
    let options = ArrowReaderOptions::new().with_schema(columns.all());
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap().build().unwrap();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    for batch in reader {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A row as it stands in a file: without its kind, the attributes as text, and times in one form.
fn expected(record: &Record) -> Value {
    let mut row = serde_json::to_value(record).unwrap();
    let kind = row.as_object_mut().unwrap().shift_remove("record");
    assert!(kind.is_some());
    if let Some(attributes) = row.get_mut("attributes") {
        *attributes = attributes.to_string().into();
    }
    row
}

fn whole_microseconds(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(time) = text.parse::<jiff::Timestamp>() {
                *text = time.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_microseconds),
        Value::Object(members) => members.values_mut().for_each(whole_microseconds),
        _ => {}
    }
}

#[test]
fn what_is_read_of_the_files_is_what_the_rows_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let records: Vec<Record> = rows().into_iter().map(|row| serde_json::from_value(row).unwrap()).collect();
    let mut output = Box::new(ParquetFolder::create(&path).unwrap());
    records.iter().for_each(|record| output.record(record).unwrap());
    output.commit(&summary()).unwrap();
    let files = ["accounts", "groups", "memberships", "resources", "bindings", "grants", "policies"];
    let columns = columns(Record::KINDS.iter().copied()).unwrap();
    for ((kind, file), columns) in Record::KINDS.iter().zip(files).zip(&columns) {
        let mut found = read(&path.join(file).with_extension("parquet"), columns);
        found.iter_mut().for_each(whole_microseconds);
        let expected: Vec<Value> = records.iter().filter(|record| record.kind() == *kind).map(expected).collect();
        assert!(!expected.is_empty(), "{kind}");
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn every_field_of_the_rows_is_a_column_and_times_numbers_and_lists_have_their_types() {
    let columns = columns(Record::KINDS.iter().copied()).unwrap();
    let types = |at: usize, name: &str| columns[at].all().field_with_name(name).unwrap().data_type().to_string();
    assert_eq!(types(0, "lastLoginAt"), "Timestamp(µs, \"+00:00\")");
    assert_eq!(types(0, "enabled"), "Boolean");
    assert_eq!(types(0, "attributes"), "Utf8");
    assert_eq!(types(1, "memberCount"), "UInt64");
    assert!(types(0, "reasons").starts_with("List("), "{}", types(0, "reasons"));
    assert!(types(4, "from").starts_with("Struct("), "{}", types(4, "from"));
    assert!(columns[2].all().field_with_name("attributes").is_err());
    let account = columns[0].all();
    let names: Vec<&str> = account.fields().iter().map(|field| field.name().as_str()).collect();
    assert!(names.contains(&"reasons") && !names.contains(&"record"), "{names:?}");
}

#[test]
fn a_row_group_ends_where_it_is_large_so_that_memory_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let mut output = Box::new(ParquetFolder::create(&path).unwrap());
    let mut text = String::new();
    for n in 0..5 * BATCH {
        text.clear();
        // Text that does not become smaller, so that few rows are many bytes.
        let mut state = n as u64 + 1;
        while text.len() < 6 * 1024 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(char::from(b'0' + (state >> 58) as u8));
        }
        let mut account = connector_api::Account::new(n.to_string(), n.to_string());
        account.attributes = Attributes::from([("text", json!(text))]);
        output.record(&account.into()).unwrap();
    }
    output.commit(&summary()).unwrap();
    let file = File::open(path.join("accounts.parquet")).unwrap();
    let metadata = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().metadata().clone();
    let rows: Vec<i64> =
        metadata.row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
    assert!(rows.len() >= 2, "{rows:?}");
    assert_eq!(rows.iter().sum::<i64>(), 5 * BATCH as i64);
}
