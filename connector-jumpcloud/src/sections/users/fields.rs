//! Fast access to the fields of a user: an organisation may have a million users with about eighty fields each.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use connector_api::Attributes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a JSON object, borrowed from its text. Reads from JSON text only, not from a [`Value`](serde_json::Value).
///
/// If a name occurs several times, the last field is used.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    fields: Vec<Field<'a>>,
    /// Their positions, sorted by name: this is cheaper than sorting the fields, which are large.
    order: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Field<'a> {
    name: Cow<'a, str>,
    value: &'a RawValue,
}

/// The position of a field, and the start of its name.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: Start,
    at: u32,
}

/// The first bytes of a name as a number: it sorts like the name, and is faster to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Start(u64);

impl Start {
    fn of(name: &str) -> Self {
        let start = name.as_bytes().first_chunk().copied().unwrap_or_else(|| {
            let mut start = [0; 8];
            start.iter_mut().zip(name.bytes()).for_each(|(byte, named)| *byte = named);
            start
        });
        Self(u64::from_be_bytes(start))
    }
}

impl<'a> Fields<'a> {
    /// A field's value as JSON text.
    pub(crate) fn json(&self, name: &str) -> Option<&'a str> {
        Some(self.fields[self.find(name)?].value.get())
    }

    /// The values of several fields as JSON text, found in one pass; `names` must be sorted.
    pub(crate) fn select<const N: usize>(&self, names: [&str; N]) -> [Option<&'a str>; N] {
        debug_assert!(names.is_sorted(), "{names:?} are not in order");
        let mut places = self.order.iter().peekable();
        names.map(|name| {
            let start = Start::of(name);
            while places.next_if(|place| self.order_of(place, start, name).is_lt()).is_some() {}
            let place = places.next_if(|place| self.order_of(place, start, name).is_eq())?;
            Some(self.at(place).value.get())
        })
    }

    /// Reads a field; `None` if it is missing or of another shape.
    pub(crate) fn get<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.json(name)?).ok()
    }

    /// Removes and returns a field; a field of another shape stays.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        let value = self.get(name)?;
        self.remove(name);
        Some(value)
    }

    /// Removes a field of any shape.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(at) = self.find(name) {
            self.fields[at].value = RawValue::NULL;
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let start = Start::of(name);
        let found = self.order.binary_search_by(|place| self.order_of(place, start, name)).ok()?;
        Some(self.order[found].at as usize)
    }

    fn at(&self, place: &Place) -> &Field<'a> {
        &self.fields[place.at as usize]
    }

    /// The order of a field's name relative to a name with this start.
    fn order_of(&self, place: &Place, start: Start, name: &str) -> Ordering {
        place.start.cmp(&start).then_with(|| self.at(place).name.as_ref().cmp(name))
    }

    /// The remaining fields that are not null.
    ///
    /// # Errors
    /// If a value is JSON but cannot be read: nested too deeply, a number out of range, or text with half a surrogate pair.
    pub(crate) fn into_attributes(self) -> Result<Attributes, serde_json::Error> {
        Attributes::from_json(self.order.iter().map(|place| self.at(place)).map(|it| (it.name.as_ref(), it.value)))
    }

    /// Sorts fields by name. The order of the row before is tried first: rows of one list usually have the same fields.
    fn in_order(fields: Vec<Field<'a>>, before: &mut FieldOrder) -> Self {
        let place = |at: u32| Place { start: Start::of(&fields[at as usize].name), at };
        let by_name = |a: &Place, b: &Place| {
            let name = |place: &Place| fields[place.at as usize].name.as_ref();
            a.start.cmp(&b.start).then_with(|| name(a).cmp(name(b)))
        };
        if before.0.len() == fields.len() {
            let order: Vec<Place> = before.0.iter().copied().map(place).collect();
            if order.is_sorted_by(|a, b| by_name(a, b).is_lt()) {
                return Self { fields, order };
            }
        }
        let mut order: Vec<Place> = (0..fields.len() as u32).map(place).collect();
        order.sort_unstable_by(|a, b| by_name(a, b).then_with(|| b.at.cmp(&a.at)));
        // Of fields with the same name, the last one is now first.
        order.dedup_by(|later, first| by_name(later, first).is_eq());
        before.0 = order.iter().map(|place| place.at).collect();
        Self { fields, order }
    }
}

/// The positions of a row's fields, sorted by name. With repeated names, some positions are missing: then the order fits no
/// other row with as many fields.
#[derive(Debug, Default)]
pub(crate) struct FieldOrder(Vec<u32>);

/// Reads the fields of a row, with the order of the row before.
impl<'de> DeserializeSeed<'de> for &mut FieldOrder {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields<'de>, D::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct FieldsVisitor<'o>(&'o mut FieldOrder);
        impl<'de> Visitor<'de> for FieldsVisitor<'_> {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(96);
                while let Some((Name(name), value)) = entries.next_entry()? {
                    fields.push(Field { name, value });
                }
                Ok(Fields::in_order(fields, self.0))
            }
        }
        deserializer.deserialize_map(FieldsVisitor(self))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(json: &str) -> Fields<'_> {
        read_after(&mut FieldOrder::default(), json)
    }

    /// Reads a row with the order of the row before.
    fn read_after<'a>(before: &mut FieldOrder, json: &'a str) -> Fields<'a> {
        before.deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    #[test]
    fn what_is_taken_out_is_no_attribute() {
        let mut user = read(r#"{"uid": 5005, "mail": "ada@x.org", "phone": null, "shell": 7}"#);
        assert_eq!(user.take("mail"), Some("ada@x.org".to_owned()));
        assert_eq!(user.take::<String>("shell"), None, "of another shape");
        assert_eq!(user.into_attributes().unwrap().as_json(), r#"{"shell":7,"uid":5005}"#);
    }

    #[test]
    fn several_fields_are_found_in_one_go() {
        let user = read(r#"{"uid": 5005, "mail": "ada@x.org"}"#);
        assert_eq!(user.select(["mail", "phone", "uid"]), [Some(r#""ada@x.org""#), None, Some("5005")]);
    }

    #[test]
    fn of_several_with_one_name_the_last_counts() {
        let user = read(r#"{"displayname":1,"a":2,"displayName":0,"a":"x","displayn\u0061me":3}"#);
        assert_eq!(user.select(["a", "displayname"]), [Some(r#""x""#), Some("3")]);
        assert_eq!(user.into_attributes().unwrap().as_json(), r#"{"a":"x","displayName":0,"displayname":3}"#);
        assert!(read(r#"{"a":1,"a":null}"#).into_attributes().unwrap().is_empty());
    }

    #[test]
    fn the_order_of_the_row_before_never_changes_what_is_read() {
        let rows = [
            r#"{"uid":1,"mail":"a","shell":"x"}"#,
            // The same fields in the same order, then in another.
            r#"{"uid":2,"mail":"b","shell":"y"}"#,
            r#"{"shell":"z","uid":3,"mail":"c"}"#,
            // As many, of which one is another; one fewer; one more.
            r#"{"shell":"z","uid":4,"phone":5}"#,
            r#"{"uid":5,"mail":"d"}"#,
            r#"{"uid":6,"mail":"e","shell":"z","phone":7}"#,
            // Repeated names, with as many fields as the row before and the row after.
            r#"{"uid":7,"mail":"f","uid":8,"phone":7}"#,
            r#"{"uid":9,"mail":"g","uid":10,"uid":11}"#,
            r#"{"uid":12,"mail":"h","shell":"z","phone":13}"#,
            // Two names with the same first bytes, with escapes, and in the other order.
            r#"{"displaynam\u0065":1,"displayName":2,"\u0061":3,"b":4}"#,
            r#"{"displayName":2,"displayname":1,"b":4,"\u0061":3}"#,
            r#"{"displayname":1,"displayN\u0061me":2,"a":3,"b":4}"#,
            "{}",
            r#"{"uid":14}"#,
        ];
        let mut before = FieldOrder::default();
        for row in rows {
            let (after, alone) = (read_after(&mut before, row), read(row));
            let wanted = ["a", "displayName", "displayname", "mail", "phone", "shell", "uid"];
            assert_eq!(after.select(wanted), alone.select(wanted), "{row}");
            assert_eq!(after.into_attributes().unwrap(), alone.into_attributes().unwrap(), "{row}");
        }
    }

    #[test]
    fn a_row_with_the_fields_of_the_row_before_is_not_sorted_again() {
        let mut before = FieldOrder::default();
        read_after(&mut before, r#"{"b":1,"a":2,"c":3}"#);
        assert_eq!(before.0, [1, 0, 2]);
        let kept = before.0.as_ptr();
        let row = read_after(&mut before, r#"{"b":4,"a":5,"c":6}"#);
        assert_eq!(row.select(["a", "b", "c"]), [Some("5"), Some("4"), Some("6")]);
        assert_eq!(before.0.as_ptr(), kept);
        read_after(&mut before, r#"{"a":4,"b":5,"c":6}"#);
        assert_eq!(before.0, [0, 1, 2]);
    }
}
