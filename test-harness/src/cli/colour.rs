//! The colours of answers: on a terminal only, and not with `NO_COLOR`.

use connector_api::Severity;
use console::{StyledObject, style};

/// A text that stands for a severity, on standard output.
pub(super) fn severity(severity: Severity, text: String) -> StyledObject<String> {
    let text = style(text);
    match severity {
        Severity::Critical => text.red().bold(),
        Severity::High => text.red(),
        Severity::Medium => text.yellow(),
        _ => text,
    }
}

/// A sentence whose end says that something is new or gone.
pub(super) fn change(sentence: &str) -> String {
    if let Some(what) = sentence.strip_suffix(": new") {
        return format!("{what}: {}", style("new").green());
    }
    match sentence.split_once(": gone") {
        Some((what, more)) if more.is_empty() || more.starts_with(',') => {
            format!("{what}: {}{more}", style("gone").red())
        }
        _ => sentence.to_owned(),
    }
}
