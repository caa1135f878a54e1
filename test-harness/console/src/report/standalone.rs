//! The content of a page as a part of a file: without what only a server can answer.
//!
//! The content is what our templates write: elements end where they should, but for the void ones of HTML, and attributes are
//! quoted and escaped. So an XML reader that does not insist on the ends of elements reads it.

use std::collections::BTreeMap;

use connector_api::ConnectorError;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};

use crate::pages::report::address;

/// The elements of HTML that our templates use and that have no end.
const VOID: [&str; 4] = ["br", "input", "link", "meta"];

/// Makes the part. `prefix` keeps its ids apart from those of other parts. A link leads to the place in the file that has its
/// page, or becomes text.
pub(super) fn standalone(
    content: &str,
    prefix: &str,
    places: &BTreeMap<String, String>,
) -> Result<String, ConnectorError> {
    let part = Part { prefix, places, open: Vec::new(), written: Writer::new(Vec::new()) };
    let written = part
        .read(content)
        .map_err(|error| ConnectorError::internal("a page cannot become part of a report").with_source(error))?;
    String::from_utf8(written).map_err(|error| ConnectorError::internal(error.to_string()))
}

struct Part<'a> {
    prefix: &'a str,
    places: &'a BTreeMap<String, String>,
    /// What became of each element that is open, the innermost last.
    open: Vec<Fate>,
    written: Writer<Vec<u8>>,
}

/// What becomes of an element.
enum Fate {
    /// It stays, under the same name or another one. The title of the report comes first, so headings are lower by one.
    Stays { name: String, is_head: bool },
    /// Only its content stays.
    Unwrapped,
    /// It goes, with its content.
    Gone,
}

impl Part<'_> {
    fn read(mut self, content: &str) -> Result<Vec<u8>, quick_xml::Error> {
        let mut reader = Reader::from_str(content);
        // Void elements have none.
        reader.config_mut().check_end_names = false;
        loop {
            let is_gone = matches!(self.open.last(), Some(Fate::Gone));
            match reader.read_event()? {
                Event::Eof => return Ok(self.written.into_inner()),
                Event::Start(element) => self.start(&element)?,
                Event::End(_) => self.end()?,
                _ if is_gone => {}
                other => self.written.write_event(other)?,
            }
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
        let is_void = VOID.contains(&name.as_str());
        let mut kept = BytesStart::new(lowered(&name).to_owned());
        let fate = self.rebuild(&name, element, &mut kept)?;
        if matches!(fate, Fate::Stays { .. }) {
            self.written.write_event(Event::Start(kept))?;
        }
        if !is_void {
            self.open.push(fate);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), quick_xml::Error> {
        match self.open.pop() {
            Some(Fate::Stays { name, .. }) => Ok(self.written.write_event(Event::End(BytesEnd::new(name)))?),
            _ => Ok(()),
        }
    }

    /// Gives `kept` the attributes of an element, and says what becomes of it.
    fn rebuild(
        &self,
        name: &str,
        element: &BytesStart<'_>,
        kept: &mut BytesStart<'_>,
    ) -> Result<Fate, quick_xml::Error> {
        let (mut classes, mut link) = (String::new(), None);
        for attribute in element.html_attributes() {
            let attribute = attribute?;
            let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            let value = attribute.unescape_value()?.into_owned();
            let value = match key.as_str() {
                "id" | "aria-labelledby" | "aria-describedby" => self.prefixed(&value),
                "href" => {
                    link = Some(self.place(&value));
                    link.clone().flatten().unwrap_or_default()
                }
                _ => value,
            };
            if key == "class" {
                classes.clone_from(&value);
            }
            kept.push_attribute((key.as_str(), value.as_str()));
        }
        let is = |class: &str| classes.split_whitespace().any(|one| one == class);
        let in_head = matches!(self.open.last(), Some(Fate::Stays { is_head: true, .. }));
        let leads_within = matches!(&link, Some(Some(_)));
        let acts = matches!(name, "form" | "script" | "nav")
            // What is true only when the page is read.
            || is("of-now")
            || is("acts") && !leads_within
            || is("pages")
            || name == "a" && is("button")
            || in_head && is("row");
        Ok(match (self.open.last(), link) {
            (Some(Fate::Gone), _) => Fate::Gone,
            _ if acts => Fate::Gone,
            (_, Some(None)) if name == "a" => Fate::Unwrapped,
            _ => Fate::Stays { name: lowered(name).to_owned(), is_head: is("head") },
        })
    }

    fn prefixed(&self, ids: &str) -> String {
        let ids: Vec<String> = ids.split_whitespace().map(|id| format!("{}-{id}", self.prefix)).collect();
        ids.join(" ")
    }

    /// Where a link leads to within the file, if its page is there.
    fn place(&self, link: &str) -> Option<String> {
        match link.strip_prefix('#') {
            Some(id) => Some(format!("#{}", self.prefixed(id))),
            None => self.places.get(&address(link)).map(|place| format!("#{place}")),
        }
    }
}

fn lowered(name: &str) -> &str {
    match name {
        "h1" => "h2",
        "h2" => "h3",
        "h3" => "h4",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_acts_is_gone_and_links_lead_to_parts_or_are_text() {
        let places = BTreeMap::from([("/account?system=a&id=1".to_owned(), "part-2".to_owned())]);
        let page = "<div class=\"head\"><div><h1 id=\"x\">T</h1></div><div class=\"row\">gone</div></div>\
                    <form action=\"/y\"><input name=\"n\" required><button>B</button></form>\
                    <a href=\"/account?system=a&amp;id=1#reasons\">one<br></a><a href=\"/group?id=2\"><bdi>two</bdi></a>\
                    <p>10 Jan<span class=\"of-now\">, 9 min ago</span></p><a class=\"acts\" href=\"/why\">why</a>\
                    <a href=\"#x\">up</a><script src=\"/z\"></script><section aria-labelledby=\"x y\">&lt;b&gt;</section>\
                    <a class=\"button\" href=\"#x\">down</a>";
        assert_eq!(
            standalone(page, "part-1", &places).unwrap(),
            "<div class=\"head\"><div><h2 id=\"part-1-x\">T</h2></div></div>\
             <a href=\"#part-2\">one<br></a><bdi>two</bdi><p>10 Jan</p><a href=\"#part-1-x\">up</a>\
             <section aria-labelledby=\"part-1-x part-1-y\">&lt;b&gt;</section>"
        );
    }
}
