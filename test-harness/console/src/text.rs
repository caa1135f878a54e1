//! Text that came from a target, and numbers and times, as they stand in a page.

use std::fmt::Write;

use connector_store::pages::Counted;
use jiff::Timestamp;
use maud::{Markup, PreEscaped, Render, html};
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most characters of one text of a target that a page shows.
const LONGEST: usize = 2_000;

/// Whether a character leaves no trace of its own on a page, or moves what is around it.
fn is_unseen(letter: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    match letter {
        ' ' => false,
        // Fillers and blanks that are letters or symbols by their category.
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => true,
        _ => matches!(
            get_general_category(letter),
            Control
                | Format
                | LineSeparator
                | ParagraphSeparator
                | SpaceSeparator
                | PrivateUse
                | Surrogate
                | Unassigned
        ),
    }
}

/// Text of a target: escaped, isolated from the direction of what is around it, with what cannot be seen as code points.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl Render for Name<'_> {
    fn render_to(&self, to: &mut String) {
        to.push_str("<bdi>");
        plain(self.0).render_to(to);
        to.push_str("</bdi>");
    }
}

/// The same within a sentence of the connector, which isolates names itself or has none.
pub(crate) fn plain(text: &str) -> Markup {
    let mut markup = String::new();
    let mut shown = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        if is_unseen(letter) {
            shown.as_str().render_to(&mut markup);
            shown.clear();
            let _ = write!(markup, "<span class=\"unseen\">{}</span>", code_point(letter));
        } else {
            shown.push(letter);
        }
    }
    shown.as_str().render_to(&mut markup);
    PreEscaped(markup)
}

fn code_point(letter: char) -> String {
    format!("U+{:04X}", u32::from(letter))
}

/// Text of a target without markup, such as for a title: what cannot be seen as code points in brackets.
pub(crate) fn bare(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars().take(LONGEST) {
        if is_unseen(letter) {
            let _ = write!(shown, "[{}]", code_point(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The same, cut at a number of columns. Wide characters count two, graphemes stay whole.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text = bare(text);
    if text.width() <= columns {
        return text;
    }
    let (mut shown, mut width) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        width += grapheme.width();
        if width >= columns {
            break;
        }
        shown.push_str(grapheme);
    }
    shown + "…"
}

/// A number, such as 15,726.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number with its noun, such as `1 device` or `10 devices`.
pub(crate) fn count(many: u64, one: &str, several: &str) -> String {
    let noun = if many == 1 { one } else { several };
    format!("{} {noun}", number(many))
}

/// As [`count`], or `more than 1,000 members`.
pub(crate) fn counted(many: Counted, one: &str, several: &str) -> String {
    match many {
        Counted::All(many) => count(many, one, several),
        Counted::MoreThan(many) => format!("more than {} {several}", number(many)),
    }
}

/// A whole percentage. Something is never 0 %, and less than all never 100 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    match share {
        share if part > 0 && share < 1.0 => "under 1 %".to_owned(),
        share if part < whole && share > 99.0 => "over 99 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

/// A moment, such as 26 Nov 2026, 03:37.
pub(crate) fn time(time: Timestamp) -> Markup {
    html! { time datetime=(time.strftime("%Y-%m-%dT%H:%M:%SZ")) { (minute(time)) } }
}

/// The time of day of a moment, to the second.
pub(crate) fn moment(time: Timestamp) -> Markup {
    html! { time datetime=(time.strftime("%Y-%m-%dT%H:%M:%SZ")) data-form="second" { (time.strftime("%H:%M:%S")) } }
}

/// A moment without markup.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%-d %b %Y, %H:%M").to_string()
}

/// The day of a moment, such as 26 Nov 2026.
pub(crate) fn day(time: Timestamp) -> Markup {
    html! { time.nowrap datetime=(time.strftime("%Y-%m-%dT%H:%M:%SZ")) { (time.strftime("%-d %b %Y")) } }
}

/// How long ago or ahead a moment is, in whole units: `6 h ago`, `in 12 days`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    let (minutes, hours, days) = (seconds.abs() / 60, seconds.abs() / 3600, seconds.abs() / 86_400);
    let span = match (days, hours, minutes) {
        (2.., ..) => count(days.unsigned_abs(), "day", "days"),
        (_, 1.., _) => format!("{hours} h"),
        (.., 1..) => format!("{minutes} min"),
        _ => return "just now".to_owned(),
    };
    if seconds < 0 { format!("in {span}") } else { format!("{span} ago") }
}

/// The same after a comma, for a sentence. A file that is read later leaves it out.
pub(crate) fn and_ago(time: Timestamp, now: Timestamp) -> Markup {
    html! { span.of-now { ", " (ago(time, now)) } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_of_a_target_is_escaped_isolated_and_complete() {
        let shown = |text: &str| Name(text).render().0;
        assert_eq!(shown("<b>&\""), "<bdi>&lt;b&gt;&amp;&quot;</bdi>");
        assert_eq!(shown("invoice-\u{202e}fdp.exe"), "<bdi>invoice-<span class=\"unseen\">U+202E</span>fdp.exe</bdi>");
        assert_eq!(
            shown("a\nb\u{a0}c\u{200b}"),
            "<bdi>a<span class=\"unseen\">U+000A</span>b<span class=\"unseen\">U+00A0</span>c<span class=\"unseen\">U+200B</span></bdi>"
        );
        assert_eq!(shown("الحسن 会議室 ⭐️"), "<bdi>الحسن 会議室 ⭐️</bdi>");
        assert!(shown(&"x".repeat(100_000)).len() < 2_100);
    }

    #[test]
    fn a_cut_name_fits_and_keeps_its_graphemes() {
        assert_eq!(cut("会議室会議室", 7), "会議室…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("a\u{202e}b", 24), "a[U+202E]b");
    }

    #[test]
    fn numbers_ages_and_shares_are_in_words_that_are_true() {
        assert_eq!([number(0), number(999), number(15_726), number(1_000_000)], ["0", "999", "15,726", "1,000,000"]);
        assert_eq!([count(1, "device", "devices"), count(10, "device", "devices")], ["1 device", "10 devices"]);
        assert_eq!(
            [percent(0, 3), percent(1, 1000), percent(999, 1000), percent(37, 100), percent(0, 0)],
            ["0 %", "under 1 %", "over 99 %", "37 %", "0 %"]
        );
        let now: Timestamp = "2026-11-26T09:37:00Z".parse().unwrap();
        let at = |text: &str| ago(text.parse().unwrap(), now);
        assert_eq!(at("2026-11-26T03:37:05Z"), "5 h ago");
        assert_eq!(at("2026-11-25T03:37:00Z"), "30 h ago");
        assert_eq!(at("2026-11-14T03:37:00Z"), "12 days ago");
        assert_eq!(at("2026-11-28T18:00:00Z"), "in 2 days");
        assert_eq!(minute("2026-03-05T03:07:00Z".parse().unwrap()), "5 Mar 2026, 03:07");
    }
}
