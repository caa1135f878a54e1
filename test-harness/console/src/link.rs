//! Addresses of pages. Names and ids of a target are in the query, where every character can stand.

use std::borrow::Cow;
use std::fmt::Write;

use url::form_urlencoded::Serializer;

/// An address within this server, such as `/account?system=demo&id=5f1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    path: Cow<'static, str>,
    pairs: Vec<(&'static str, String)>,
    fragment: Option<&'static str>,
}

impl Link {
    pub(crate) fn to(path: &'static str) -> Self {
        Self { path: path.into(), pairs: Vec::new(), fragment: None }
    }

    /// Leads to the page of a request, by the path that it was found under.
    pub(crate) fn to_path(path: &str) -> Self {
        Self { path: path.to_owned().into(), pairs: Vec::new(), fragment: None }
    }

    /// Sets a parameter, or replaces it.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self = self.without(name);
        self.pairs.push((name, value.to_string()));
        self
    }

    /// Sets a parameter if there is a value.
    pub(crate) fn with_any(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| *known != name);
        self
    }

    /// Leads to a place in the page.
    pub(crate) fn at(mut self, fragment: &'static str) -> Self {
        self.fragment = Some(fragment);
        self
    }

    /// The path, for the action of a form with the [`pairs`](Self::pairs) as hidden fields.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn pairs(&self) -> &[(&'static str, String)] {
        &self.pairs
    }
}

impl maud::Render for Link {
    fn render_to(&self, to: &mut String) {
        let mut address = self.path.clone().into_owned();
        if !self.pairs.is_empty() {
            let query =
                Serializer::new(String::new()).extend_pairs(self.pairs.iter().map(|(n, v)| (*n, v.as_str()))).finish();
            let _ = write!(address, "?{query}");
        }
        if let Some(fragment) = self.fragment {
            let _ = write!(address, "#{fragment}");
        }
        address.as_str().render_to(to);
    }
}

#[cfg(test)]
mod tests {
    use maud::Render;

    use super::*;

    #[test]
    fn whatever_an_id_contains_stays_one_parameter() {
        let link = Link::to("/account").with("system", "a").with("id", "../x?&=#\"<\u{202e}").with("system", "b / c");
        assert_eq!(link.render().0, "/account?id=..%2Fx%3F%26%3D%23%22%3C%E2%80%AE&amp;system=b+%2F+c");
        assert_eq!(Link::to("/").at("held").render().0, "/#held");
    }
}
