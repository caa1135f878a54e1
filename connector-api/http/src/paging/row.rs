//! What a listing lists.

use std::fmt::Debug;
use std::hash::Hash;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What can distinguish rows.
pub trait RowId: Clone + Debug + Ord + Hash + Send + Sync + 'static {}

impl<I: Clone + Debug + Ord + Hash + Send + Sync + 'static> RowId for I {}

/// Something that a listing lists: [`Row`](crate::Row), or a type of your own by [`identified!`](crate::identified).
///
/// Of rows with equal ids the first is taken and the others are dropped, so the id of an edge holds everything that
/// distinguishes it from others.
pub trait Identified: Sized {
    /// How it comes: itself, or something that may be a null record.
    type Wire: DeserializeOwned + Into<Option<Self>>;

    /// What distinguishes rows. The order of ids must be the target's, where it is asked to sort by them.
    type Id: RowId;

    /// What distinguishes it from the others in the same listing.
    fn id(&self) -> &Self::Id;
}

/// Makes types of your own the rows of a listing: each with the field that is its id and that field's type, or without one where
/// the whole row is.
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
/// /// Who has which access: somebody may have several.
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

/// A row of which everything is kept, for connectors that need no types of their own: a JSON object with an `id` that is a text
/// or a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The whole object.
    pub json: Value,
}

impl Row {
    /// The text at a JSON pointer, without the spaces around it; nothing where it is empty.
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
