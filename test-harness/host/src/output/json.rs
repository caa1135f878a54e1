//! One JSON document, written row by row.

use std::io::{self, Write};

use connector_api::{Record, ScanSummary};

use super::{Output, Target};

/// `{"records":[…],"summary":{…}}`, streamed.
pub struct JsonDocument {
    target: Target,
    item: Vec<u8>,
    records: u64,
}

impl JsonDocument {
    /// A document written to `target`. Nothing is written before the first row.
    pub fn new(target: Target) -> Self {
        Self { target, item: Vec::new(), records: 0 }
    }
}

impl Output for JsonDocument {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.item.clear();
        self.item.extend_from_slice(if self.records == 0 { b"{\"records\":[\n" } else { b",\n" });
        serde_json::to_writer(&mut self.item, record)?;
        self.records += 1;
        self.target.write_all(&self.item)
    }

    fn commit(mut self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        self.target.write_all(if self.records == 0 { b"{\"records\":[" } else { b"\n" })?;
        self.target.write_all(b"],\"summary\":")?;
        serde_json::to_writer(&mut self.target, summary)?;
        self.target.write_all(b"}\n")?;
        self.target.commit()
    }

    fn abandon(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        if self.target.is_stream() { self.commit(summary) } else { Ok(()) }
    }
}
