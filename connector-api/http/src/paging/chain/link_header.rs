//! The header `Link` (RFC 8288).

use reqwest::header::{HeaderMap, LINK};

/// Returns the target of the link with the relation `next`, as written in the header.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_of)
}

fn next_of(mut rest: &str) -> Option<String> {
    loop {
        let (_, behind) = rest.split_once('<')?;
        let (target, behind) = behind.split_once('>')?;
        let (parameters, behind) = split_unquoted(behind, ',');
        if relation(parameters).is_some_and(|relation| {
            relation.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        }) {
            return Some(target.trim().to_owned());
        }
        rest = behind?;
    }
}

/// Returns the value of the first `rel`; further ones do not count.
fn relation(mut parameters: &str) -> Option<&str> {
    loop {
        let (parameter, behind) = split_unquoted(parameters, ';');
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            return Some(value.trim().trim_matches('"'));
        }
        parameters = behind?;
    }
}

/// Splits a text at the first `mark` outside quotes.
fn split_unquoted(text: &str, mark: char) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == mark && !quoted => return (&text[..at], Some(&text[at + c.len_utf8()..])),
            _ => {}
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others_however_they_are_written() {
        let found = |values: &[&str]| next(&values.iter().map(|value| (LINK, value.parse().unwrap())).collect());
        for values in [
            &[r#"<https://a.example/?p=2>; rel="next""#][..],
            &["<https://a.example/?p=2>;rel=next"],
            &[
                r#"<https://a.example/?p=0>; rel="prev", <https://a.example/?p=2> ; title="a, b; rel=\"x\""; REL="last NEXT""#,
            ],
            &[r#"<https://a.example/>; rel="self""#, r#"<https://a.example/?p=2>; rel="next"; type="x/y""#],
        ] {
            assert_eq!(found(values).as_deref(), Some("https://a.example/?p=2"), "{values:?}");
        }
        assert_eq!(found(&["</users?p=a,b;c>; rel=next"]).as_deref(), Some("/users?p=a,b;c"));
        for values in [
            &[][..],
            &[r#"<https://a.example/>; rel="nextish""#],
            &[r#"<https://a.example/>; rel="self"; rel="next""#],
            &[r#"<https://a.example/>; title="rel=next""#],
            &["<https://a.example/"],
            &["https://a.example/; rel=next"],
        ] {
            assert_eq!(found(values), None, "{values:?}");
        }
    }
}
