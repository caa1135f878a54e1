//! One page of a listing, as it comes from the wire.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::{Answer, Identified};

/// One page in either of JumpCloud's shapes: `{"totalCount", "results"}` (V1) or a bare array, its total in the
/// header `x-total-count` (V2).
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Rows in the whole listing, where the target says so.
    pub(crate) total: Option<u64>,
    pub(crate) rows: Vec<T>,
    /// Elements in addition to the rows, each in place of a row that is not given out.
    pub(crate) nulls: u64,
    /// Elements of any kind before the last row.
    pub(super) before_last: u64,
}

impl<T> Page<T> {
    fn empty() -> Self {
        Self { total: None, rows: Vec::new(), nulls: 0, before_last: 0 }
    }

    /// Elements of any kind.
    pub(super) fn length(&self) -> u64 {
        self.rows.len() as u64 + self.nulls
    }
}

impl<T: Identified> Page<T> {
    pub(crate) fn read(answer: &Answer) -> Result<Self, serde_json::Error> {
        let mut page: Self = answer.json()?;
        if page.total.is_none() {
            let header = answer.headers.get("x-total-count").and_then(|value| value.to_str().ok());
            page.total = header.and_then(|value| value.trim().parse().ok());
        }
        Ok(page)
    }
}

impl<'de, T: Identified> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Identified> Visitor<'de> for PageVisitor<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or an object with `results`")
    }

    /// `null` stands for no row.
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Page::empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut page = Page::empty();
        while let Some(item) = items.next_element::<T::Wire>()? {
            match item.into() {
                Some(row) => {
                    page.before_last = page.length();
                    page.rows.push(row);
                }
                None => page.nulls += 1,
            }
        }
        Ok(page)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (mut total, mut page) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "totalCount" => total = count(&entries.next_value()?),
                "results" if page.is_some() => return Err(de::Error::duplicate_field("results")),
                "results" => {
                    page = Some(entries.next_value::<Option<Elements<T>>>()?.map_or_else(Page::empty, |all| all.0))
                }
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        let page = page.ok_or_else(|| de::Error::missing_field("results"))?;
        Ok(Page { total, ..page })
    }
}

/// A list alone.
struct Elements<T>(Page<T>);

impl<'de, T: Identified> Deserialize<'de> for Elements<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PageVisitor(PhantomData)).map(Self)
    }
}

/// A total is a hint: one that is no number is none.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::Id;

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

        fn id(&self) -> &Id {
            unreachable!("a page does not look at ids")
        }
    }

    #[test]
    fn both_shapes_are_read_alike_and_null_records_are_counted() {
        let read = |json: &str| {
            let page = serde_json::from_str::<Page<Row>>(json).ok()?;
            Some((page.total, page.rows.len(), page.nulls))
        };
        let before_last = |json: &str| serde_json::from_str::<Page<Row>>(json).map(|page| page.before_last).ok();
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
}
