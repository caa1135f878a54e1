//! Columns that line up.

use std::fmt::Write;

use console::{Alignment, measure_text_width, pad_str};

use super::print::printable;

/// Rows of cells; the first row is the heading.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    numeric: &'static [usize],
}

impl Table {
    /// A table whose columns at the places `numeric` hold numbers, which line up at the right.
    pub(super) fn new(heading: &[&str], numeric: &'static [usize]) -> Self {
        Self { rows: vec![heading.iter().map(|cell| (*cell).to_owned()).collect()], numeric }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// The table as lines, each after `indent` spaces.
    pub(super) fn render(&self, indent: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let side = if self.numeric.contains(&column) { Alignment::Right } else { Alignment::Left };
                let _ = write!(line, "{}  ", pad_str(cell, *width, side, None));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
