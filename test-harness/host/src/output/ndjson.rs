//! One JSON object per line.

use std::io::{self, Write};

use connector_api::{Record, ScanSummary};
use serde::Serialize;

use super::byte_output::BUFFER;
use super::{Output, Target};

/// Rows as lines, the summary as the last one.
pub struct NdjsonLines {
    target: Target,
    /// Lines that are not written yet, collected until a write is large enough that the target does not copy them.
    lines: Vec<u8>,
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
        Self { target, lines: Vec::new() }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let whole = self.lines.len();
        serde_json::to_writer(&mut self.lines, value).inspect_err(|_| self.lines.truncate(whole))?;
        self.lines.push(b'\n');
        if self.lines.len() < BUFFER { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        self.target.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

impl Output for NdjsonLines {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line(record)
    }

    fn commit(mut self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        self.line(&SummaryLine { summary })?;
        self.write()?;
        self.target.commit()
    }

    fn abandon(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        if self.target.is_stream() { self.commit(summary) } else { Ok(()) }
    }
}
