//! One JSON object per line.

use std::io::{self, Write};

use connector_api::{Record, ScanSummary};
use serde::Serialize;

use super::{Output, Target};

/// Rows as lines, the summary as the last one.
pub struct NdjsonLines {
    target: Target,
    line: Vec<u8>,
}

#[derive(Serialize)]
#[serde(tag = "record", rename = "summary")]
struct SummaryLine<'a> {
    #[serde(flatten)]
    summary: &'a ScanSummary,
}

impl NdjsonLines {
    /// Lines written to `target`.
    pub fn new(target: Target) -> Self {
        Self { target, line: Vec::new() }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.target.write_all(&self.line)
    }
}

impl Output for NdjsonLines {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line(record)
    }

    fn commit(mut self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        self.line(&SummaryLine { summary })?;
        self.target.commit()
    }

    fn abandon(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        if self.target.is_stream() { self.commit(summary) } else { Ok(()) }
    }
}
