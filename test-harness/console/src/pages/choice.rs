//! Choices of a filter: forms that are links.

use maud::{Markup, html};

/// A choice: the value in the address, and what people read.
pub(super) type Choice<'a> = (&'a str, String);

/// A list of choices, the first of which stands for no filter.
pub(super) fn choose(label: &str, name: &str, chosen: Option<&str>, choices: &[Choice<'_>]) -> Markup {
    html! {
        label {
            (label) " "
            select name=(name) {
                @for (value, title) in choices {
                    option value=(value) selected[chosen.unwrap_or_default() == *value] { (title) }
                }
            }
        }
    }
}
