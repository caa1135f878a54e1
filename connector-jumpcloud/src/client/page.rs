//! One page of a listing, as it comes from the wire.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::Answer;

/// One page in either of JumpCloud's shapes: `{"totalCount", "results"}` (V1) or a bare array, its total in the
/// header `x-total-count` (V2).
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Rows in the whole listing, as far as the target tells.
    pub(crate) total: Option<u64>,
    pub(crate) rows: Vec<T>,
}

impl<T: DeserializeOwned> Page<T> {
    pub(crate) fn read(answer: &Answer) -> Result<Self, serde_json::Error> {
        let mut page: Self = answer.json()?;
        if page.total.is_none() {
            let header = answer.headers.get("x-total-count").and_then(|value| value.to_str().ok());
            page.total = header.and_then(|value| value.trim().parse().ok());
        }
        Ok(page)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PageVisitor<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or an object with `results`")
    }

    /// `null` stands for no row.
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Page { total: None, rows: Vec::new() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = items.next_element()? {
            rows.push(row);
        }
        Ok(Page { total: None, rows })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (mut total, mut rows) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "totalCount" => total = count(&entries.next_value()?),
                "results" if rows.is_some() => return Err(de::Error::duplicate_field("results")),
                "results" => rows = Some(entries.next_value::<Option<Vec<T>>>()?.unwrap_or_default()),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        let rows = rows.ok_or_else(|| de::Error::missing_field("results"))?;
        Ok(Page { total, rows })
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

    #[test]
    fn both_shapes_are_read_alike() {
        let v1: Page<u8> = serde_json::from_str(r#"{"totalCount":9,"results":[1,2],"more":{"x":[]}}"#).unwrap();
        assert_eq!((v1.total, v1.rows), (Some(9), vec![1, 2]));
        let v2: Page<u8> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!((v2.total, v2.rows), (None, vec![1, 2]));
        let told = |json: &str| serde_json::from_str::<Page<u8>>(json).map(|page| (page.total, page.rows.len())).ok();
        assert_eq!(told("null"), Some((None, 0)));
        assert_eq!(told(r#"{"totalCount":"3","results":null}"#), Some((Some(3), 0)));
        assert_eq!(told(r#"{"totalCount":{},"results":[1]}"#), Some((None, 1)));
        assert_eq!(told(r#"{"totalCount":-1,"results":[1]}"#), Some((None, 1)));
        assert_eq!(told(r#"{"results":[1],"results":[]}"#), None);
        assert!(serde_json::from_str::<Page<u8>>(r#"{"message":"no"}"#).is_err());
        assert!(serde_json::from_str::<Page<u8>>(r#""no""#).is_err());
    }
}
