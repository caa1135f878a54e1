//! What changed between two scans: access and protection first, everything else folded.

mod found;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use connector_api::{ConnectorError, NodeKind, Record, ResourceRef};
use connector_store::pages::RunHead;
use connector_store::{Change, Changes, Store};
use maud::{Markup, html};

use self::found::{Found, Room, Shift, Side};
use super::Answer;
use super::rows::{named, principal, record_link, resource, type_word, type_words, word_before};
use super::scan_result::changed;
use crate::failure::Failure;
use crate::frame::{Page, hidden};
use crate::link::Link;
use crate::sheet::Sheet;
use crate::text::{self, Name, count, number};
use crate::visit::{Place, Query, Visit};
use crate::words::{level, spaced};

/// Lines of a section, and things in one of them.
const LINES: usize = 60;
const THINGS: usize = 15;

/// What the scan of the address is compared with.
enum Other {
    Earlier(RunHead),
    /// The address has the two the other way round.
    Later(RunHead),
    /// The address names the scan itself.
    Same,
    /// It is the first that is kept.
    None,
}

/// The other run of the address, or the one before.
fn other_run(store: &mut Store, place: &Place, query: &Query) -> Result<Other, Failure> {
    let Some(from) = query.number::<i32>("from")?.map(i64::from) else {
        let before = store.published_runs(&place.system, Some(place.run.id), 1)?.pop();
        return Ok(before.map_or(Other::None, Other::Earlier));
    };
    let from = store.run_head(&place.system, from)?;
    Ok(match from.id.cmp(&place.run.id) {
        Ordering::Less => Other::Earlier(from),
        Ordering::Equal => Other::Same,
        Ordering::Greater => Other::Later(from),
    })
}

/// What a run changed since the one before, by kind: it is counted when the run is published.
fn counted(store: &mut Store, place: &Place, from: i64) -> Result<Option<Changes>, ConnectorError> {
    let before = store.published_runs(&place.system, Some(place.run.id), 1)?.pop();
    if before.is_none_or(|before| before.id != from) {
        return Ok(None);
    }
    let runs = store.runs(&place.system)?;
    Ok(runs.into_iter().find(|run| run.id == place.run.id).and_then(|run| run.changes))
}

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let is_sheet = visit.query.get("format") == Some("csv");
    let read = visit.read_at(move |store, place, query| {
        let from = match other_run(store, place, query)? {
            Other::Earlier(from) => from,
            other => return Ok((other, Found::default(), None)),
        };
        if is_sheet {
            return Ok((Other::Earlier(from), Found::default(), Some(sheet(store, place, from.id)?)));
        }
        let most = if query.get("count") == Some("all") { found::MOST } else { found::AT_ONCE };
        let mut found = Found::read(store, place, from.id, most)?;
        if found.is_too_much {
            found.counted = counted(store, place, from.id)?;
        }
        Ok((Other::Earlier(from), found, None))
    });
    let (place, read) = read.await?;
    let content = match read {
        (Other::Earlier(from), _, Some(sheet)) => {
            return Ok(Answer::file(&format!("changes-{}-{}", from.id, place.run.id), sheet)?);
        }
        (Other::Earlier(from), found, None) => content(&visit, &place, from, &found),
        (other, ..) => nothing(&place, &other),
    };
    Ok(Page { title: format!("Changes of {}", place.system.name), entry: "/changes", place: Some(place), content }
        .into())
}

/// What is said where there is nothing to compare.
fn nothing(place: &Place, other: &Other) -> Markup {
    let lead = match other {
        Other::Later(_) => "The two scans are the other way round.",
        Other::Same => "A scan is not compared with itself.",
        _ => "There is no earlier scan to compare with.",
    };
    html! {
        div.head { div { h1 { "Changes" } p.lead { (lead) } } }
        div.note { p {
            @match other {
                Other::Later(later) => {
                    "Changes lead from an earlier scan to a later one. "
                    a href=(place.link("/changes").with("at", later.id).with("from", place.run.id)) {
                        "Compare the scan of " (text::minute(place.run.started_at)) " with that of " (text::minute(later.started_at))
                    }
                }
                Other::Same => { "Choose an earlier one. " a href=(place.link("/changes")) { "Compare with the scan before" } }
                _ => { "This is the first scan of " (Name(&place.system.name)) " that is kept. After the next one, this page shows what changed." }
            }
        } }
        @match other { Other::Later(from) => { (choose(place, *from)) } Other::Same => { (choose(place, place.run)) } _ => {} }
    }
}

fn content(visit: &Visit, place: &Place, from: RunHead, found: &Found) -> Markup {
    let here = place.link("/changes").with("at", place.run.id).with("from", from.id);
    html! {
        div.head {
            div {
                h1 { "Changes" }
                p.lead { (lead(found)) }
                p.soft {
                    "From the scan of " (text::time(from.started_at)) " to that of " (text::time(place.run.started_at)) ". "
                    @if found.rest() > 0 { (count(found.rest(), "other change is", "other changes are")) " folded at the end." }
                }
            }
            div.row { a.button href=(here.clone().with("format", "csv")) { "Download CSV" } }
        }
        (choose(place, from))
        (not_read(place))
        @if found.is_too_much { (too_much(found, &here)) }
        (shifts(visit, "more", "More access", Side::More, place, found))
        (shifts(visit, "less", "Less access", Side::Less, place, found))
        (protection(visit, place, found))
        (rest(visit, place, found))
    }
}

/// What is said where too much differs to compare access at once, or at all.
fn too_much(found: &Found, here: &Link) -> Markup {
    html! {
        div.note.warn { p {
            "More than " (number(found.most as u64)) " rows or rights differ"
            @if let Some(changes) = &found.counted { ": " (changed(Some(changes))) }
            ". So changes of access are not computed here. "
            @if found.most < found::MOST {
                a href=(here.clone().with("count", "all")) { "Compute them" } ", which may take some seconds."
            } @else {
                "Compare two scans that are nearer to each other, or run " code { "harness diff" } "."
            }
        } }
    }
}

fn lead(found: &Found) -> String {
    // What was read of it counts nobody.
    if found.is_too_much {
        return "Too much changed to compare access here.".to_owned();
    }
    let (more, less) = (found.subjects(Side::More), found.subjects(Side::Less));
    let protected = found.protection.len() as u64;
    if more + less + protected == 0 {
        return "No change of access or protection.".to_owned();
    }
    let parts = [
        (more, "account or group got more access", "accounts and groups got more access"),
        (less, "got less or is gone", "got less or are gone"),
        (protected, "is protected differently", "are protected differently"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(many, ..)| *many > 0).map(|(many, one, several)| count(*many, one, several)).collect();
    parts.join(", ") + "."
}

fn choose(place: &Place, from: RunHead) -> Markup {
    html! {
        @if place.runs.len() > 2 {
            form.filters method="get" action="/changes" {
                (hidden(&place.link("/changes").without("at")))
                @for (name, label, chosen) in [("from", "From scan", from.id), ("at", "To scan", place.run.id)] {
                    label.wide { (label) " "
                        select name=(name) { @for run in &place.runs { option value=(run.id) selected[run.id == chosen] { (text::minute(run.started_at)) } } }
                    }
                }
                button { "Compare" }
            }
        }
    }
}

fn not_read(place: &Place) -> Markup {
    html! {
        @for section in place.older_sections() {
            div.note.warn {
                h2 { "Not read this time: " (spaced(section.section.as_str())) }
                p {
                    @if let Some(code) = &section.code { "Code " code { (text::plain(code)) } ". " }
                    @match section.as_of {
                        Some(time) => { "Its rows are kept as of " (text::time(time)) ". They are " strong { "not" } " counted as gone, and what changed in them since is not known." }
                        None => { "It was never read, so nothing is known of it." }
                    }
                }
            }
        }
    }
}

fn shifts(visit: &Visit, id: &str, title: &str, side: Side, place: &Place, found: &Found) -> Markup {
    let all: Vec<&Shift> = found.shifts.iter().filter(|shift| shift.side == side).collect();
    let accounts: Vec<&Change> = found
        .accounts
        .iter()
        .filter(|change| matches!((change, side), (Change::New(_), Side::More) | (Change::Gone(_), Side::Less)))
        .collect();
    let lines = visit.rows(LINES);
    let class = if side == Side::More { "more" } else { "less" };
    html! {
        @if !all.is_empty() || !accounts.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) " (" (number((all.len() + accounts.len()) as u64)) (and_more(found)) ")" }
                @if all.len() > lines || accounts.len() > lines { p.small.soft { "The first " (lines) " of each kind. " (visit.all_is()) } }
                ol.changes {
                    @for shift in all.iter().take(lines) { li {
                        span class={ "sign " (class) } { @if side == Side::More { "+ More" } @else { "− Less" } }
                        p { (sentence(place, shift)) }
                        @if shift.things.len() > 1 { details { summary { "Which" } @for (at, thing) in shift.things.iter().take(THINGS).enumerate() { @if at > 0 { ", " } (resource(place, thing)) } @if let Some(more) = shift.things.len().checked_sub(THINGS).filter(|more| *more > 0) { " and " (number(more as u64)) " more" } } }
                    } }
                    @for change in accounts.iter().take(lines) { li {
                        span class={ "sign " (class) } { @if side == Side::More { "+ New" } @else { "− Gone" } }
                        p {
                            @match (side, record_link(place, change.record())) {
                                (Side::More, Some((link, name))) => { (named(link, &name)) " is a new account." }
                                // It has no page in this scan.
                                (_, Some((_, name))) => { (Name(&name)) " is gone: the complete list no longer has the account." }
                                _ => {}
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// What follows the number of something that was not read to its end.
fn and_more(found: &Found) -> &'static str {
    if found.is_too_much { " and more" } else { "" }
}

fn sentence(place: &Place, shift: &Shift) -> Markup {
    html! {
        (principal(place, &shift.principal))
        @if matches!(shift.principal, connector_api::Principal::Group { .. }) { ", a group," }
        @let is_title = shift.access.level == connector_api::AccessLevel::Administer;
        @match (shift.side, is_title) {
            (Side::More, true) => { " is now " } (Side::Less, true) => { " is no longer " }
            (Side::More, false) => { " can now " } (Side::Less, false) => { " can no longer " }
        }
        strong { (level(&shift.access)) " on " (things(place, &shift.things)) }
        @match &shift.other { Some(other) if shift.side == Side::More => { "; before: " (level(other)) } Some(other) => { "; now: " (level(other)) } None => {} }
        "."
        @if let Some(end) = shift.ends { " " span.tag.temporary { "Temporary" } " until " (text::time(end)) }
    }
}

/// Such as `10 devices, 2 applications and LDAP server ldap`: the only one of a type by its name.
fn things(place: &Place, all: &[ResourceRef]) -> Markup {
    let mut types: BTreeMap<&str, Vec<&ResourceRef>> = BTreeMap::new();
    for thing in all {
        types.entry(&thing.resource_type).or_default().push(thing);
    }
    let mut types: Vec<_> = types.into_iter().collect();
    types.sort_by_key(|(_, things)| std::cmp::Reverse(things.len()));
    let (kind, last) = (NodeKind::Resource, types.len() - 1);
    html! {
        @for (at, (of_type, things)) in types.iter().enumerate() {
            @if at > 0 { @if at == last { " and " } @else { ", " } }
            @match &things[..] {
                [only] => { @if let Some(word) = word_before(of_type, &only.name) { (word) " " } (resource(place, only)) }
                several => { (count(several.len() as u64, &type_word(kind, of_type), &type_words(kind, of_type))) }
            }
        }
    }
}

fn protection(visit: &Visit, place: &Place, found: &Found) -> Markup {
    let (all, lines) = (&found.protection, visit.rows(LINES));
    html! {
        @if !found.protection.is_empty() {
            section aria-labelledby="protection" {
                h2 #protection { "Protection (" (number(found.protection.len() as u64)) (and_more(found)) ")" }
                @if all.len() > lines { p.small.soft { "The first " (lines) " of " (number(all.len() as u64)) ". " (visit.all_is()) } }
                ol.changes { @for change in all.iter().take(lines) { li {
                    span class={ "sign " @if change.is_weaker { "more" } @else { "less" } } { @if change.is_weaker { "Weaker" } @else { "Stronger" } }
                    p { @if let Some((link, name)) = record_link(place, &change.account) { (named(link, &name)) } " " (change.words) "." }
                } } }
            }
        }
    }
}

fn rest(visit: &Visit, place: &Place, found: &Found) -> Markup {
    html! {
        @if found.rest() > 0 {
            section aria-labelledby="rest" {
                h2 #rest { "Everything else (" (number(found.rest())) (and_more(found)) ")" }
                @for (title, kind) in &found.others {
                    details.group {
                        summary { (title) " (" (number(kind.count)) ")" }
                        @if kind.count > kind.first.len() as u64 {
                            p.small.soft { "The first " (kind.first.len()) " of " (number(kind.count)) ". " (visit.all_is()) }
                        }
                        ul { @for change in &kind.first { li { (other(place, change)) } } }
                    }
                }
            }
        }
    }
}

fn other(place: &Place, change: &Change) -> Markup {
    let is_gone = matches!(change, Change::Gone(_));
    html! {
        @match change.record() {
            Record::Membership(membership) => {
                (Name(&membership.username)) @if is_gone { " is no longer in " } @else { " is in " } (Name(&membership.group_name))
            }
            Record::Binding(binding) => {
                code.small { (Name(&binding.from.external_id)) } @if is_gone { " is no longer bound to " } @else { " is bound to " } code.small { (Name(&binding.to.external_id)) }
                @if let Some(access) = &binding.access { ": " (level(access)) }
            }
            record => {
                @match record_link(place, record) {
                    Some((link, name)) if !is_gone => { (named(link, &name)) }
                    Some((_, name)) => { (Name(&name)) }
                    None => { (Name(record.key().as_str())) }
                }
            }
        }
    }
}

/// Rows of a CSV file: what a spreadsheet opens.
const SHEET_ROWS: usize = 100_000;

fn sheet(store: &mut Store, place: &Place, from: i64) -> Result<Sheet, ConnectorError> {
    let mut sheet = Sheet::new(&["change", "kind", "key", "name"])?;
    let room = Room::of(SHEET_ROWS);
    let done = store.diff(&place.system, from, place.run.id, &mut |change| {
        room.take()?;
        let word = match &change {
            Change::New(_) => "new",
            Change::Gone(_) => "gone",
            _ => "changed",
        };
        let record = change.record();
        let name = match record {
            Record::Account(row) => row.username.clone(),
            Record::Group(row) => row.name.clone(),
            Record::Resource(row) => row.name.clone(),
            Record::Membership(row) => format!("{} in {}", row.username, row.group_name),
            _ => String::new(),
        };
        sheet.row([word.to_owned(), record.kind().to_owned(), record.key().to_string(), name])
    });
    if room.is_over() { Ok(sheet) } else { done.map(|()| sheet) }
}

#[cfg(test)]
mod tests {
    use connector_store::Counts;

    use super::*;

    #[test]
    fn where_too_much_differs_the_rows_are_counted_by_kind_and_access_is_computed_when_it_is_asked_for() {
        let counts = |new, gone| Counts { new, changed: 0, gone };
        let changes = [("account".to_owned(), counts(10_000, 1)), ("membership".to_owned(), counts(12_345, 0))];
        let of = |most, counted| {
            let found = Found { most, counted, is_too_much: true, ..Found::default() };
            too_much(&found, &Link::to("/changes").with("from", 1)).into_string()
        };
        let note = of(found::AT_ONCE, Some(Changes(changes.into())));
        let expected =
            "More than 2,000 rows or rights differ: 10,000 accounts and 12,345 memberships new; 1 account gone. So";
        assert!(note.contains(expected), "{note}");
        assert!(note.contains("href=\"/changes?from=1&amp;count=all\""), "{note}");
        let note = of(found::MOST, None);
        assert!(note.contains("More than 20,000 rows or rights differ. So") && note.contains("harness diff"), "{note}");
        assert!(!note.contains("href"), "{note}");
    }
}
