//! Fast access to the fields of a user: an organisation may have a million users with about eighty fields each.

use std::borrow::Cow;
use std::fmt;

use connector_api::{AttributeNames, Attributes};
use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::api::secrets;

/// The fields of a JSON object, borrowed from its text. Reads from JSON text only, not from a [`Value`](serde_json::Value).
///
/// If a name occurs several times, the last field is used.
#[derive(Debug)]
pub(crate) struct Fields<'l, 'a> {
    layout: &'l Layout,
    /// In the order in which they were received.
    values: Vec<&'a RawValue>,
}

/// The layouts of a list's rows so far. Of hundreds of rows, most have the same names in the same order as one before, so
/// each layout is made once. They are kept as a tree of names: one path from the root for each layout.
#[derive(Debug)]
pub(crate) struct Layouts<'a> {
    /// The names of the fields that are used of every row.
    wanted: &'static [&'static str],
    /// The root first. It has no name, and no sibling.
    nodes: Vec<Node<'a>>,
    layouts: Vec<Layout>,
    /// Whether the field of a name may hold a secret: many layouts have the same names.
    secret: HashMap<Cow<'a, str>, bool>,
}

/// A name that may follow the names before it.
#[derive(Debug, Default)]
struct Node<'a> {
    name: Cow<'a, str>,
    /// The first of the names that may follow.
    next: Option<u32>,
    /// Another name in place of this one.
    sibling: Option<u32>,
    /// The layout that ends here.
    layout: Option<u32>,
}

/// Names beyond which the tree is made anew: with more, a page has hardly two rows alike, and it would not help.
const MOST_NODES: usize = 1024;

/// The names of a row's fields, and where they are.
#[derive(Debug)]
struct Layout {
    /// All, as attributes.
    names: AttributeNames,
    /// The positions of the wanted fields, if the row has them.
    selected: Vec<Option<usize>>,
    /// The positions of the fields that may hold a secret.
    secret: Vec<usize>,
}

impl<'a> Layouts<'a> {
    /// No layouts, before the first row.
    pub(crate) fn new(wanted: &'static [&'static str]) -> Self {
        Self { wanted, nodes: vec![Node::default()], layouts: Vec::new(), secret: HashMap::new() }
    }

    /// Begins a row: the root.
    fn begin(&mut self) -> u32 {
        if self.nodes.len() > MOST_NODES {
            *self = Self::new(self.wanted);
        }
        0
    }

    /// The node of the name that follows in a row.
    fn follow(&mut self, before: u32, name: Cow<'a, str>) -> u32 {
        let mut link = self.nodes[before as usize].next;
        let mut last = None;
        while let Some(at) = link {
            let node = &self.nodes[at as usize];
            if node.name == name {
                return at;
            }
            (last, link) = (Some(at), node.sibling);
        }
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { name, ..Node::default() });
        match last {
            Some(last) => self.nodes[last as usize].sibling = Some(at),
            None => self.nodes[before as usize].next = Some(at),
        }
        at
    }

    /// The layout of a row with the nodes of its `path`.
    fn end(&mut self, path: &[u32]) -> Result<&Layout, serde_json::Error> {
        let last = path.last().copied().unwrap_or(0) as usize;
        let at = match self.nodes[last].layout {
            Some(at) => at,
            None => {
                let layout = self.layout(path)?;
                self.layouts.push(layout);
                self.layouts.len() as u32 - 1
            }
        };
        self.nodes[last].layout = Some(at);
        Ok(&self.layouts[at as usize])
    }

    fn layout(&mut self, path: &[u32]) -> Result<Layout, serde_json::Error> {
        let Self { wanted, nodes, secret, .. } = self;
        let names = || path.iter().map(|at| &nodes[*at as usize].name);
        // Of several with the same name, the last one remains.
        let places: HashMap<&str, usize> = names().map(|name| &**name).zip(0..).collect();
        let mut may_be_secret =
            |name: &Cow<'a, str>| *secret.entry(name.clone()).or_insert_with(|| secrets::may_be(name));
        Ok(Layout {
            names: AttributeNames::new(names().map(|name| &**name).zip(0..))?,
            selected: wanted.iter().map(|name| places.get(name).copied()).collect(),
            secret: names().zip(0..).filter(|(name, _)| may_be_secret(name)).map(|(_, at)| at).collect(),
        })
    }
}

impl<'a> Fields<'_, 'a> {
    /// The values of the wanted fields as JSON text, in the order of the wanted names.
    pub(crate) fn selected(&self) -> impl Iterator<Item = Option<&'a str>> {
        self.layout.selected.iter().map(|at| Some(self.values[(*at)?].get()))
    }

    /// Removes a field of any shape, by its position among the wanted names.
    pub(crate) fn remove(&mut self, wanted: usize) {
        if let Some(Some(at)) = self.layout.selected.get(wanted) {
            self.values[*at] = RawValue::NULL;
        }
    }

    /// The remaining fields that are not null and hold no secret.
    ///
    /// # Errors
    /// If a value is JSON but cannot be read: nested too deeply, a number out of range, or text with half a surrogate pair.
    pub(crate) fn into_attributes(mut self) -> Result<Attributes, serde_json::Error> {
        for at in &self.layout.secret {
            let value = &mut self.values[*at];
            if !secrets::is_harmless_json(value.get())? {
                *value = RawValue::NULL;
            }
        }
        Attributes::from_row(&self.layout.names, &self.values)
    }
}

/// Reads the fields of a row.
impl<'l, 'de> DeserializeSeed<'de> for &'l mut Layouts<'de> {
    type Value = Fields<'l, 'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct FieldsVisitor<'l, 'a>(&'l mut Layouts<'a>);
        impl<'l, 'de> Visitor<'de> for FieldsVisitor<'l, 'de> {
            type Value = Fields<'l, 'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let Self(layouts) = self;
                let (mut path, mut values) = (Vec::with_capacity(96), Vec::with_capacity(96));
                let mut at = layouts.begin();
                while let Some((Name(name), value)) = entries.next_entry()? {
                    at = layouts.follow(at, name);
                    path.push(at);
                    values.push(value);
                }
                let layout = layouts.end(&path).map_err(A::Error::custom)?;
                Ok(Fields { layout, values })
            }
        }
        deserializer.deserialize_map(FieldsVisitor(self))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const WANTED: &[&str] = &["uid", "a", "displayName", "displayname", "mail", "phone", "shell"];

    fn layouts<'a>() -> Layouts<'a> {
        Layouts::new(WANTED)
    }

    /// Reads a row with the layouts of the rows before.
    fn read<'l, 'a>(before: &'l mut Layouts<'a>, json: &'a str) -> Fields<'l, 'a> {
        before.deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    #[test]
    fn what_is_removed_is_no_attribute() {
        let mut before = layouts();
        let mut user = read(&mut before, r#"{"uid": 5005, "mail": "ada@x.org", "phone": null, "shell": 7}"#);
        let mail = WANTED.iter().position(|name| *name == "mail").unwrap();
        [mail, WANTED.len()].into_iter().for_each(|wanted| user.remove(wanted));
        assert_eq!(user.into_attributes().unwrap().as_json(), r#"{"shell":7,"uid":5005}"#);
    }

    #[test]
    fn the_wanted_fields_are_found_in_any_row() {
        let mut before = layouts();
        let user = read(&mut before, r#"{"uid": 5005, "other": 1, "mail": "ada@x.org"}"#);
        let found: Vec<_> = user.selected().collect();
        assert_eq!(found, [Some("5005"), None, None, None, Some(r#""ada@x.org""#), None, None]);
        let none = read(&mut before, "{}");
        assert!(none.selected().all(|found| found.is_none()) && none.into_attributes().unwrap().is_empty());
    }

    #[test]
    fn of_several_with_one_name_the_last_counts() {
        let mut before = layouts();
        let user = read(&mut before, r#"{"displayname":1,"a":2,"displayName":0,"a":"x","displayn\u0061me":3}"#);
        let found: Vec<_> = user.selected().flatten().collect();
        assert_eq!(found, [r#""x""#, "0", "3"]);
        assert_eq!(user.into_attributes().unwrap().as_json(), r#"{"a":"x","displayName":0,"displayname":3}"#);
        assert!(read(&mut before, r#"{"a":1,"a":null}"#).into_attributes().unwrap().is_empty());
    }

    #[test]
    fn the_layouts_of_the_rows_before_never_change_what_is_read() {
        let rows = [
            r#"{"uid":1,"mail":"a","shell":"x"}"#,
            // The same fields in the same order, then in another.
            r#"{"uid":2,"mail":"b","shell":"y"}"#,
            r#"{"shell":"z","uid":3,"mail":"c"}"#,
            // As many, of which one is another; one fewer; one more.
            r#"{"shell":"z","uid":4,"phone":5}"#,
            r#"{"uid":5,"mail":"d"}"#,
            r#"{"uid":6,"mail":"e","shell":"z","phone":7}"#,
            r#"{"uid":6,"mail":"e","shell":"z"}"#,
            // Repeated names, with as many fields as the row before and the row after.
            r#"{"uid":7,"mail":"f","uid":8,"phone":7}"#,
            r#"{"uid":7,"mail":"f","uid":9,"phone":7}"#,
            r#"{"uid":9,"mail":"g","uid":10,"uid":11}"#,
            r#"{"uid":12,"mail":"h","shell":"z","phone":13}"#,
            // Two names with the same first bytes, with escapes, and in the other order.
            r#"{"displaynam\u0065":1,"displayName":2,"\u0061":3,"b":4}"#,
            r#"{"displayName":2,"displayname":1,"b":4,"\u0061":3}"#,
            r#"{"displayname":1,"displayN\u0061me":2,"a":3,"b":4}"#,
            "{}",
            r#"{"uid":14}"#,
        ];
        let mut before = layouts();
        for row in rows {
            let mut fresh = layouts();
            let alone = read(&mut fresh, row);
            let after = read(&mut before, row);
            assert_eq!(after.selected().collect::<Vec<_>>(), alone.selected().collect::<Vec<_>>(), "{row}");
            assert_eq!(after.into_attributes().unwrap(), alone.into_attributes().unwrap(), "{row}");
        }
    }

    #[test]
    fn rows_with_the_same_names_in_the_same_order_have_one_layout() {
        let mut before = layouts();
        let rows = [
            (r#"{"mail":1,"a":2,"uid":3}"#, 1),
            (r#"{"mail":4,"phone":5,"uid":6}"#, 2),
            (r#"{"mail":7,"a":8,"uid":9}"#, 2),
            (r#"{"mail":7,"phone":8,"uid":9}"#, 2),
            (r#"{"mail":7,"phone":8}"#, 3),
            (r#"{"phone":7,"mail":8}"#, 4),
            (r#"{"mail":7,"phone":8}"#, 4),
        ];
        for (row, layouts) in rows {
            read(&mut before, row);
            assert_eq!(before.layouts.len(), layouts, "{row}");
        }
    }

    #[test]
    fn rows_that_are_all_unlike_do_not_fill_the_memory() {
        let rows: Vec<String> = (0..5 * MOST_NODES).map(|at| format!(r#"{{"uid":{at},"a{at}":1}}"#)).collect();
        let mut before = layouts();
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(read(&mut before, row).selected().next(), Some(Some(&*at.to_string())));
            assert!(before.nodes.len() <= MOST_NODES + 3, "{}", before.nodes.len());
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_spoils_no_later_row() {
        let mut before = layouts();
        read(&mut before, r#"{"uid":1,"mail":"a"}"#);
        let broken = (&mut before).deserialize(&mut serde_json::Deserializer::from_str(r#"{"uid":2,"a":3,"#));
        assert!(broken.is_err());
        assert_eq!(read(&mut before, r#"{"uid":4,"a":5}"#).into_attributes().unwrap().as_json(), r#"{"a":5,"uid":4}"#);
    }
}
