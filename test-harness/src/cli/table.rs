//! Columns that line up.

use std::fmt::Write;

use console::{Alignment, measure_text_width, pad_str};

use super::paragraph::labelled;
use super::print::printable;

/// The smallest last column to wrap in; a narrower one goes below its row.
const NARROW: usize = 24;

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

    /// The table with its last column wrapped, so that lines fit into `width` where the other columns do.
    pub(super) fn render_within(&self, width: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let is_last = |(column, _): &(usize, &String)| column + 1 == columns;
        let others = |row: &Vec<String>| {
            row.iter().enumerate().filter(|cell| !is_last(cell)).map(|(_, cell)| cell.clone()).collect()
        };
        let rest = Self { rows: self.rows.iter().map(others).collect(), numeric: self.numeric };
        let rest = rest.render(0);
        let widest = rest.lines().map(measure_text_width).max().unwrap_or_default();
        let mut text = String::new();
        for (line, row) in rest.lines().zip(&self.rows) {
            let last = row.get(columns - 1).map_or("", String::as_str);
            if widest + 2 + NARROW <= width {
                let label = pad_str(line, widest + 2, Alignment::Left, None);
                text.push_str(labelled(&label, last, width).trim_end());
            } else {
                text.push_str(line);
                if !last.is_empty() {
                    text.push('\n');
                    text.push_str(labelled("    ", last, width).trim_end());
                }
            }
            text.push('\n');
        }
        text
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
