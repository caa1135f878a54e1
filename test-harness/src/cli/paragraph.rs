//! Text wrapped to a width, between words and never truncated.

use console::{Alignment, measure_text_width, pad_str};
use textwrap::{Options, WordSplitter};

use super::print::printable;

/// A space at which lines are not broken.
pub(super) const GLUE: &str = "\u{a0}";

/// `text` after `label`, wrapped; further lines are indented to the start of the text.
pub(super) fn labelled(label: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(measure_text_width(label));
    let lines = textwrap::wrap(text, options(width).initial_indent(label).subsequent_indent(&indent));
    lines.iter().map(|line| format!("{}\n", line.trim_end().replace(GLUE, " "))).collect()
}

/// How many lines a text takes.
pub(super) fn height(text: &str, width: usize) -> usize {
    textwrap::wrap(text, options(width)).len()
}

/// The first of some paragraphs that fit in `room` lines together, but at least `fewest` of them.
pub(super) fn first_that_fit(paragraphs: impl IntoIterator<Item = String>, fewest: usize, room: usize) -> Vec<String> {
    let mut used = 0;
    let fits = |(at, text): &(usize, String)| {
        used += text.lines().count();
        *at < fewest || used <= room
    };
    paragraphs.into_iter().enumerate().take_while(fits).map(|(_, text)| text).collect()
}

/// `items` after `label`, with `separator` in between. An item is moved to a new line rather than broken.
pub(super) fn listed(label: &str, items: &[String], separator: &str, width: usize) -> String {
    let room = width.saturating_sub(measure_text_width(label)).max(1);
    let mut lines: Vec<String> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let end = if at + 1 < items.len() { separator } else { "" };
        let item = format!("{}{end}", printable(item));
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(&item) <= room => {
                line.push(' ');
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    let indent = " ".repeat(measure_text_width(label));
    let start = |at: usize| if at == 0 { label } else { &indent };
    lines.iter().enumerate().map(|(at, line)| labelled(start(at), line, width)).collect()
}

/// Wraps each line of `text`; continuation lines are indented two columns further.
pub(super) fn reflowed(text: &str, width: usize) -> String {
    let reflow = |line: &str| {
        let words = line.trim_start();
        let indent = " ".repeat(line.len() - words.len());
        let further = format!("{indent}  ");
        let lines = textwrap::wrap(words, options(width).initial_indent(&indent).subsequent_indent(&further));
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    text.lines().map(reflow).collect()
}

/// The same where there is a width; otherwise the text as it is.
pub(super) fn fitted(text: &str, width: Option<usize>) -> String {
    width.map_or_else(|| text.to_owned(), |width| reflowed(text, width))
}

/// Cells side by side, each wrapped to its column's width.
pub(super) fn side_by_side(cells: &[(String, usize)]) -> Vec<String> {
    let columns: Vec<(Vec<_>, usize)> =
        cells.iter().map(|(text, width)| (textwrap::wrap(text, options(*width)), *width)).collect();
    let height = columns.iter().map(|(lines, _)| lines.len()).max().unwrap_or_default();
    let line = |at: usize| {
        let cells = columns.iter().map(|(lines, width)| {
            pad_str(lines.get(at).map_or("", |line| line.as_ref()), *width, Alignment::Left, None).into_owned()
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().replace(GLUE, " ")
    };
    (0..height).map(line).collect()
}

fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width).word_splitter(WordSplitter::NoHyphenation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_no_line_is_too_long() {
        let text = format!("some words, 漢字漢字漢字漢字漢字漢字 and {}", "x".repeat(50));
        for width in [20, 33, 80] {
            for wrapped in
                [labelled("label ", &text, width), listed("label ", &[text.clone(), text.clone()], ";", width)]
            {
                assert!(wrapped.lines().all(|line| measure_text_width(line) <= width), "{wrapped}");
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                assert!(letters(&wrapped).starts_with(&letters(&format!("label {text}"))), "{wrapped}");
            }
        }
    }

    #[test]
    fn of_paragraphs_those_that_fit_are_kept_and_the_first_few_in_any_case() {
        let paragraphs = ["a\nb\n", "c\n", "d\n"].map(str::to_owned);
        for (fewest, room, kept) in
            [(1, 0, 1), (1, 2, 1), (1, 3, 2), (1, 4, 3), (0, 9, 3), (0, 1, 0), (2, 0, 2), (9, 0, 3)]
        {
            assert_eq!(first_that_fit(paragraphs.clone(), fewest, room), paragraphs[..kept]);
        }
    }

    #[test]
    fn a_page_keeps_its_lines_and_how_far_in_they_begin() {
        let text = "Title\n\n  code [high]\n      when: somebody is somewhere\n";
        assert_eq!(reflowed(text, 80), text);
        assert_eq!(reflowed(text, 20), "Title\n\n  code [high]\n      when: somebody\n        is somewhere\n");
    }

    #[test]
    fn cells_stand_side_by_side() {
        let lines = side_by_side(&[("ada".to_owned(), 5), ("one two three".to_owned(), 8)]);
        assert_eq!(lines, ["ada    one two", "       three"]);
    }
}
