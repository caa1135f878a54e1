//! One page of a list, as parsed from the wire.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::row::Identified;
use crate::call::Answer;

/// The JSON of a page: a bare array, or an object with the rows in a field. Both are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageShape {
    /// The field that contains the rows.
    pub rows: &'static str,
    /// The number of rows in the complete list, as a JSON pointer: `/meta/total`.
    pub total: Option<&'static str>,
    /// The header with that number.
    pub total_header: Option<&'static str>,
    /// The token of the next page, as a JSON pointer: `/nextPageToken`.
    pub next: Option<&'static str>,
    /// Whether more rows follow, as a JSON pointer: `/has_more`.
    pub more: Option<&'static str>,
    /// Whether the target omits the rows' field in a page without rows. The total of such a page must not promise any.
    pub may_lack_rows: bool,
}

impl PageShape {
    /// A bare array without a total.
    pub const ARRAY: Self = Self::rows("");

    /// Creates the shape of an object with the rows in a field, without a total.
    pub const fn rows(field: &'static str) -> Self {
        Self { rows: field, total: None, total_header: None, next: None, more: None, may_lack_rows: false }
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The number of rows in the complete list, if the target reports it.
    pub total: Option<u64>,
    /// The rows.
    pub rows: Vec<T>,
    /// Elements that are null in place of a row.
    pub nulls: u64,
    /// The token of the next page, if there is one: a string that is not empty, or a number.
    pub next: Option<String>,
    /// Whether more rows follow, if the target reports it.
    pub more: Option<bool>,
    /// The number of elements of any kind before the last row.
    pub(super) before_last: u64,
}

impl<T> Page<T> {
    fn empty() -> Self {
        Self { total: None, rows: Vec::new(), nulls: 0, next: None, more: None, before_last: 0 }
    }

    /// Returns the number of elements of any kind.
    pub(super) fn length(&self) -> u64 {
        self.rows.len() as u64 + self.nulls
    }
}

impl<T: Identified> Page<T> {
    /// Parses a response as a page of this shape.
    ///
    /// # Errors
    /// Returns an error if it is not JSON, has another shape, or contains a row that cannot be read.
    pub fn read(answer: &Answer, shape: &PageShape) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(answer.text()?);
        let mut page = PageVisitor::<T>(shape, PhantomData).deserialize(&mut json)?;
        json.end()?;
        if page.total.is_none() {
            let header = shape.total_header.and_then(|name| answer.header(name));
            page.total = header.and_then(|value| value.trim().parse().ok());
        }
        Ok(page)
    }
}

struct PageVisitor<'a, T>(&'a PageShape, PhantomData<T>);

impl<'de, T: Identified> DeserializeSeed<'de> for PageVisitor<'_, T> {
    type Value = Page<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Identified> Visitor<'de> for PageVisitor<'_, T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.rows {
            "" => f.write_str("a list"),
            field => write!(f, "a list, or an object with `{field}`"),
        }
    }

    /// `null` means no rows.
    fn visit_unit<E: de::Error>(self) -> Result<Page<T>, E> {
        Ok(Page::empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Page<T>, A::Error> {
        Rows(PhantomData).visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Page<T>, A::Error> {
        let shape = self.0;
        let (mut total, mut next, mut more, mut page) = (None, None, None, None::<Page<T>>);
        while let Some(key) = entries.next_key::<String>()? {
            if key == shape.rows {
                if page.is_some() {
                    return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
                }
                page = Some(entries.next_value_seed(RowsOrNull(PhantomData))?);
                continue;
            }
            let wanted =
                [shape.total, shape.next, shape.more].map(|pointer| pointer.and_then(|pointer| below(pointer, &key)));
            if let [None, None, None] = wanted {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Value = entries.next_value()?;
            let at = |pointer: Option<&str>| pointer.and_then(|pointer| value.pointer(pointer));
            total = at(wanted[0]).map_or(total, count);
            next = at(wanted[1]).map_or(next, token);
            more = at(wanted[2]).map_or(more, Value::as_bool);
        }
        let lacks_rows = shape.may_lack_rows && total.is_none_or(|total| total == 0);
        match page.or_else(|| lacks_rows.then(Page::empty)) {
            Some(page) => Ok(Page { total, next, more, ..page }),
            None => Err(de::Error::custom(format_args!("missing field `{}`", shape.rows))),
        }
    }
}

/// A bare list.
struct Rows<T>(PhantomData<T>);

impl<'de, T: Identified> Visitor<'de> for Rows<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Page<T>, E> {
        Ok(Page::empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Page<T>, A::Error> {
        let mut page = Page::empty();
        T::read_all(items, |row| match row {
            Some(row) => {
                page.before_last = page.length();
                page.rows.push(row);
            }
            None => page.nulls += 1,
        })?;
        Ok(page)
    }
}

struct RowsOrNull<T>(PhantomData<T>);

impl<'de, T: Identified> DeserializeSeed<'de> for RowsOrNull<T> {
    type Value = Page<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_any(Rows(PhantomData))
    }
}

/// Returns the rest of a JSON pointer below its first `key`.
fn below<'a>(pointer: &'a str, key: &str) -> Option<&'a str> {
    let rest = pointer.strip_prefix('/')?.strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Parses a total. A total is only a hint, so anything that is not a number is ignored.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Parses a token. `null` and an empty string mean that there is no next page.
fn token(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use reqwest::header::HeaderMap;
    use serde::Deserialize;

    use super::*;

    const SHAPE: PageShape = PageShape { total: Some("/totalCount"), ..PageShape::rows("results") };

    fn page(json: &str, shape: &PageShape) -> Option<Page<Row>> {
        let answer = Answer { headers: HeaderMap::new(), body: Bytes::copy_from_slice(json.as_bytes()) };
        Page::read(&answer, shape).ok()
    }

    /// A row, or a null record in its place.
    #[derive(Debug)]
    struct Row;

    #[derive(Debug, Deserialize)]
    struct Wire(Option<u8>);

    impl From<Wire> for Option<Row> {
        fn from(Wire(row): Wire) -> Self {
            row.map(|_| Row)
        }
    }

    impl Identified for Row {
        type Wire = Wire;
        type Id = ();

        fn id(&self) -> &() {
            unreachable!("a page does not look at ids")
        }
    }

    #[test]
    fn both_shapes_are_read_alike_and_null_records_are_counted() {
        let read = |json: &str| {
            let page = page(json, &SHAPE)?;
            Some((page.total, page.rows.len(), page.nulls))
        };
        let before_last = |json: &str| page(json, &SHAPE).map(|page| page.before_last);
        assert_eq!(read(r#"{"totalCount":9,"results":[1,2],"more":{"x":[]}}"#), Some((Some(9), 2, 0)));
        assert_eq!(read("[1,2]"), Some((None, 2, 0)));
        assert_eq!(read("[1,null,2]"), Some((None, 2, 1)));
        assert_eq!(before_last("[1,null,2,null,null]"), Some(2));
        assert_eq!(read("null"), Some((None, 0, 0)));
        assert_eq!(read(r#"{"totalCount":"3","results":null}"#), Some((Some(3), 0, 0)));
        assert_eq!(read(r#"{"totalCount":{},"results":[1]}"#), Some((None, 1, 0)));
        assert_eq!(read(r#"{"totalCount":-1,"results":[1]}"#), Some((None, 1, 0)));
        for wrong in
            [r#"{"results":[1],"results":[]}"#, r#"{"results":{"results":[1]}}"#, r#"{"message":"no"}"#, r#""no""#]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
    #[test]
    fn totals_and_tokens_may_be_nested_in_the_object() {
        let shape = PageShape { total: Some("/meta/total"), next: Some("/meta/page/next"), ..PageShape::rows("items") };
        let read = |json: &str| page(json, &shape).map(|page| (page.total, page.next, page.rows.len()));
        let json = r#"{"meta":{"total":7,"page":{"next":"b"}},"items":[1]}"#;
        assert_eq!(read(json), Some((Some(7), Some("b".to_owned()), 1)));
        for last in [r#"{"items":[1],"meta":{"page":{"next":""}}}"#, r#"{"items":[1],"metal":{"total":9}}"#] {
            assert_eq!(read(last), Some((None, None, 1)), "{last}");
        }
    }

    #[test]
    fn rows_may_be_left_out_only_where_the_target_does_so_and_none_are_promised() {
        let may = PageShape { may_lack_rows: true, ..SHAPE };
        let rows = |json: &str, shape| page(json, shape).map(|page| page.rows.len());
        assert_eq!((rows(r#"{"totalCount":0}"#, &may), rows(r#"{"totalCount":0}"#, &SHAPE)), (Some(0), None));
        assert_eq!(rows(r#"{"totalCount":3}"#, &may), None);
    }
}
