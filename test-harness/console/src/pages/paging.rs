//! The end of a list: where the next page is.

use connector_store::pages::{Counted, RowKey};
use maud::{Markup, html};

use crate::link::Link;
use crate::visit::Query;

/// Where the page of an address begins.
pub(super) fn after(query: &Query) -> Option<RowKey> {
    query.get("after").and_then(RowKey::from_text)
}

/// How many of a list are counted, unless somebody wants to know it of all.
const COUNTED: u64 = 1_000;

/// How far to count for an address.
pub(super) fn most(query: &Query) -> u64 {
    if query.get("count") == Some("all") { u64::MAX } else { COUNTED }
}

/// What counts all, where that was not done.
pub(super) fn count_all(here: &Link, counted: Counted) -> Markup {
    html! {
        @if let Counted::MoreThan(_) = counted { " " a href=(here.clone().with("count", "all")) { "Count all" } }
    }
}

/// The foot of a list. `here` is its address with all filters.
pub(super) fn next(what: &str, here: &Link, is_first: bool, next: Option<RowKey>) -> Markup {
    html! {
        @if next.is_some() || !is_first {
            nav.pages aria-label={ "Pages of " (what) } {
                span.row {
                    @if !is_first { a.button href=(here) { "First page" } }
                    @if next.is_none() { span.soft { "This is the last page." } }
                }
                @if let Some(next) = next {
                    a.button rel="next" href=(here.clone().with("after", next.to_text())) { "Next page" }
                }
            }
        }
    }
}
