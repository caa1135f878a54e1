//! The parts by themselves: `cargo bench -p test-harness --bench micro`.

use std::fs;
use std::sync::Arc;

use connector_api::{
    Account, ConnectorError, Credential, Edition, Membership, Record, Registry, ScanRequest, ScanSink, SystemConfig,
    async_trait,
};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use test_harness::host::output::{Destination, Format};
use test_harness::simulator::{Simulator, SimulatorOptions};
use tokio::runtime::Runtime;

type Fallible = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn main() {
    divan::main();
}

/// Takes rows and drops them.
struct Drain;

#[async_trait]
impl ScanSink for Drain {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        drop(black_box(batch));
        Ok(())
    }
}

/// Paging, parsing, the graph and the rows together: a scan without a process, a file or a network between.
#[divan::bench(args = [100, 1_000, 5_000], sample_count = 10)]
fn scan(bencher: Bencher<'_, '_>, users: u64) {
    let Ok(runtime) = Runtime::new() else { return };
    let options = SimulatorOptions { users, gzip: false, ..SimulatorOptions::default() };
    let Ok(simulator) = runtime.block_on(Simulator::start(options)) else { return };
    let config = SystemConfig::new("JumpCloud", simulator.url(), Credential::from_secret(simulator.api_key()));
    let scan = || -> Fallible {
        let connector = Registry::discover()?.connect(config.clone(), Edition::Enterprise)?;
        runtime.block_on(connector.scan(ScanRequest::default(), Arc::new(Drain))).map_err(|failure| failure.error)?;
        Ok(())
    };
    bencher.counter(ItemsCount::new(users)).bench_local(scan);
}

/// A thousand rows into each form.
#[divan::bench(args = [Format::Ndjson, Format::Json, Format::Csv])]
fn output(bencher: Bencher<'_, '_>, format: Format) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let rows = rows();
    let path = folder.path().join("rows");
    let write = || -> Fallible {
        let mut output = Destination::Path(path.clone()).open(format)?;
        for row in &rows {
            output.record(row)?;
        }
        // Without the end, where the file is made safe on the disk, which is the disk's time.
        drop(output);
        Ok(())
    };
    bencher.counter(ItemsCount::new(rows.len())).bench_local(write);
    let _ = fs::remove_dir_all(path);
}

fn rows() -> Vec<Record> {
    let account = |at: usize| Account {
        external_id: format!("{at:024x}"),
        username: format!("user{at}"),
        display_name: Some(format!("Üser Number {at}")),
        email: Some(format!("user{at}@northwind.example")),
        enabled: Some(true),
        attributes: (0..40).map(|field| (format!("field{field}"), "some value".into())).collect(),
        ..Account::default()
    };
    let membership = |at: usize| Membership {
        username: format!("user{at}"),
        account_external_id: format!("{at:024x}"),
        group_name: "Everybody".to_owned(),
        group_type: "JUMPCLOUD_USER_GROUP".to_owned(),
        group_external_id: format!("{:024x}", 7),
        direct: true,
        via: Vec::new(),
    };
    (0..500).flat_map(|at| [Record::from(account(at)), Record::from(membership(at))]).collect()
}
