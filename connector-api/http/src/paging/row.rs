//! The rows of a list.

use std::fmt::Debug;
use std::hash::Hash;

use serde::de::{DeserializeOwned, Error as _, SeqAccess};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A type that identifies rows.
pub trait RowId: Clone + Debug + Ord + Hash + Send + Sync + 'static {}

impl<I: Clone + Debug + Ord + Hash + Send + Sync + 'static> RowId for I {}

/// A row of a list: [`Row`](crate::Row), or a type of your own by [`identified!`](crate::identified).
///
/// Of several rows with equal ids, the first is taken and the others are dropped. So the id of an edge must contain
/// everything that distinguishes it.
pub trait Identified: Sized {
    /// The type on the wire: the row itself, or one that may be a null record.
    type Wire: DeserializeOwned + Into<Option<Self>>;

    /// The type of the id. If the target is asked to sort by id, the order of ids must match the target's.
    type Id: RowId;

    /// Returns what identifies the row in its list.
    fn id(&self) -> &Self::Id;

    /// Reads the elements of a page and passes each to `take`: a row, or `None` for a null record. A type of row can
    /// have its own way, for example to use for each row what it learned from the one before.
    ///
    /// # Errors
    /// Returns the error of the first element that cannot be read.
    fn read_all<'de, A: SeqAccess<'de>>(mut elements: A, mut take: impl FnMut(Option<Self>)) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Self::Wire>()? {
            take(element.into());
        }
        Ok(())
    }
}

/// Makes your own types the rows of a list. Name the field that is the id and its type, or neither if the whole row
/// is the id.
///
/// ```
/// use connector_http::identified;
///
/// #[derive(serde::Deserialize)]
/// struct Person {
///     uid: String,
///     handle: String,
/// }
///
/// /// One access of a principal, who may have several.
/// #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
/// struct Edge {
///     subject: String,
///     level: String,
/// }
///
/// identified! {
///     Person by uid: String;
///     Edge;
/// }
/// ```
#[macro_export]
macro_rules! identified {
    () => {};
    ($row:ty; $($rest:tt)*) => {
        impl $crate::Identified for $row {
            type Wire = Self;
            type Id = Self;

            fn id(&self) -> &Self {
                self
            }
        }
        $crate::identified! { $($rest)* }
    };
    ($row:ident by $field:ident: $id:ty; $($rest:tt)*) => {
        impl $crate::Identified for $row {
            type Wire = Self;
            type Id = $id;

            fn id(&self) -> &$id {
                &self.$field
            }
        }
        $crate::identified! { $($rest)* }
    };
}

/// A row that keeps its whole JSON, for connectors that need no types of their own: an object whose `id` is a string or
/// a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The id.
    pub id: String,
    /// The whole object.
    pub json: Value,
}

impl Row {
    /// Returns the string at a JSON pointer, trimmed; `None` if it is empty.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.json.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let id = match &json["id"] {
            Value::String(id) if !id.is_empty() => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return Err(D::Error::custom("a row has no `id`")),
        };
        Ok(Self { id, json })
    }
}

impl Identified for Row {
    type Wire = Self;
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
