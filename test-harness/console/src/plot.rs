//! Plots: bars in tables, and one curve. Widths are attributes of the picture, colours are classes.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::text::number;

/// A bar of its share of the most.
pub(crate) fn bar(part: u64, most: u64, is_bad: bool) -> Markup {
    let width = format!("{:.1}%", part as f64 * 100.0 / most.max(1) as f64);
    html! {
        svg.bar aria-hidden="true" {
            rect.f-off width="100%" height="100%" {}
            rect.f-bad[is_bad].f1[!is_bad] width=(width) height="100%" {}
        }
    }
}

/// Bars in a table: label, number, bar. `rows` has a label, a number and whether it is bad.
pub(crate) fn bars(caption: &str, heading: &str, rows: &[(Markup, u64, bool)]) -> Markup {
    let most = rows.iter().map(|(_, many, _)| *many).max().unwrap_or(1);
    html! {
        div.scroll { table.plain-plot {
            caption { (caption) }
            thead { tr { th scope="col" { (heading) } th.num scope="col" { "Number" } th.bar-column scope="col" { span.only-read { "Share of the most" } } } }
            tbody { @for (label, many, is_bad) in rows { tr {
                th scope="row" { (label) }
                td.num { (number(*many)) }
                td.bar-column { (bar(*many, most, *is_bad)) }
            } } }
        } }
    }
}

/// A curve over time, with the same as a table for those who cannot see it. Nothing below two points.
pub(crate) fn curve(title: &str, points: &[(Timestamp, u64)]) -> Markup {
    let (Some((start, _)), Some((end, last))) = (points.first(), points.last()) else { return html! {} };
    let most = points.iter().map(|(_, many)| *many).max().unwrap_or(1).max(1);
    let span = end.duration_since(*start).as_secs().max(1) as f64;
    let place = |(time, many): &(Timestamp, u64)| {
        let x = time.duration_since(*start).as_secs() as f64 * 1000.0 / span;
        (x, 100.0 - *many as f64 * 95.0 / most as f64)
    };
    let path: Vec<String> = points.iter().map(place).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    html! {
        figure.panel aria-label=(title) {
            div.plot {
                div.y aria-hidden="true" { span { (number(most)) } span { "0" } }
                svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label=(format!("{title}: {} at the end", number(*last))) {
                    line.grid x1="0" x2="1000" y1="5" y2="5" {}
                    path d={ "M" (path.join(" L")) } {}
                }
                div.x aria-hidden="true" { span { (start.strftime("%-d %b %Y")) } span { (end.strftime("%-d %b %Y")) } }
            }
            details { summary { "The same as a table" }
                table { thead { tr { th scope="col" { "Scan" } th.num scope="col" { "Number" } } }
                    tbody { @for (time, many) in points { tr { th scope="row" { (crate::text::time(*time)) } td.num { (number(*many)) } } } } }
            }
        }
    }
}
