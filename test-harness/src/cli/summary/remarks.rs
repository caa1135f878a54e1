//! What an operator looks at after a scan.

use connector_api::{Outcome, ScanSummary, Section, SectionReport};
use indicatif::HumanCount;

use super::found::NARROW;
use super::totals::label;
use super::{Form, Kept, counts, title, words};
use crate::cli::paragraph::{first_that_fit, labelled};
use crate::cli::print::printable;

const TITLE: &str = "Worth a look";

/// How many lines of remarks the short form shows if there is room, and how many if not.
pub(super) const LINES: [usize; 3] = [4, 3, 2];

/// What an operator looks at after a scan: the notes of the sections, and what was dropped. The short form shows as many as
/// fit in `room` lines, but one in any case.
pub(super) fn render(summary: &ScanSummary, kept: Kept<'_>, form: Form, room: usize, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for section in &summary.sections {
        let name = words::section_with_name(section.section);
        let notes = section.notes.iter().filter(|note| *note != SectionReport::NOT_SET_UP);
        lines.extend(notes.map(|note| format!("{name}: {note}")));
        // The rows of a failed scan do not count.
        if summary.outcome != Outcome::Failed {
            lines.extend(oddities(section).map(|oddity| format!("{name}: {oddity}")));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    // If they are nowhere else, all of them are shown.
    let elsewhere = match kept {
        Kept::Passed => Some("see the summary at the end of the rows"),
        _ if summary.outcome == Outcome::Failed => None,
        Kept::In(_) => Some("see the summary at the end of the rows"),
        Kept::Nowhere => Some("--output saves them with the rows"),
    };
    let as_list = form == Form::Long || summary.outcome == Outcome::Failed || width < NARROW;
    let paragraph = |at: usize, text: &str| {
        let label = if as_list { "  ".to_owned() } else { label(if at == 0 { TITLE } else { "" }) };
        labelled(&format!("{label}- "), &printable(text), width)
    };
    let paragraphs = lines.iter().enumerate().map(|(at, line)| paragraph(at, line));
    let mut shown: Vec<String> = match (elsewhere, form) {
        (None, _) => paragraphs.collect(),
        (_, Form::Short) => first_that_fit(paragraphs, 1, room),
        (_, Form::Long) => paragraphs.collect(),
    };
    let hidden = lines.len() - shown.len();
    if let Some(elsewhere) = elsewhere.filter(|_| hidden > 0) {
        shown.push(paragraph(shown.len(), &format!("and {hidden} more; {elsewhere}")));
    }
    let title = if as_list { title(TITLE, width) } else { String::new() };
    title + &shown.concat()
}

/// Rows and references that were dropped.
fn oddities(section: &SectionReport) -> Option<String> {
    let lost = match section.section {
        Section::LAST_LOGIN => "names in the log match no account",
        _ => "references to objects that are not in the scan were dropped",
    };
    let mut oddities = counts([("duplicate rows were dropped", section.duplicates)]);
    if section.dangling > 0 {
        let example = section.dangling_examples.first().map(|reference| match section.section {
            Section::LAST_LOGIN => format!(", such as {}", reference.to),
            _ => format!(", such as from {} to {}", reference.from, reference.to),
        });
        oddities.push(format!("{} {lost}{}", HumanCount(section.dangling), example.unwrap_or_default()));
    }
    (!oddities.is_empty()).then(|| oddities.join("; "))
}
