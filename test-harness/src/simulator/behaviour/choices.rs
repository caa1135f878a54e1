//! The ways in which the service was seen, documented or feared to answer.

use serde::{Deserialize, Serialize};

/// Declares enums whose values are written in kebab case.
macro_rules! choices {
    ($($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $value:ident,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$meaning])* $value,)* }
    )*};
}

choices! {
    /// What lists of the V2 API take as `sort`. What they do not take is answered
    /// `400 failed to list collection objects: invalid sort field: …`.
    V2Sort {
        /// Groups take `name`, policies `id` or `name`, directories nothing; lists of edges ignore it.
        Name,
        /// As `Name`, but groups take nothing either.
        Nothing,
        /// Any field.
        Any,
    }

    /// What the lists of user groups and device groups hold of each group. The group by its id has all.
    GroupRows {
        /// Id, name, type, description, e-mail address, and `attributes: null`.
        NullAttributes,
        /// The same without `attributes`.
        NoAttributes,
        /// All.
        Whole,
    }

    /// What becomes of filters on what the rows of groups lack: `attributes.sudo.enabled`, `membershipMethod` and the
    /// like.
    GroupFilter {
        /// They choose groups.
        Applied,
        /// They are answered 400.
        Refused,
        /// All groups are listed.
        Ignored,
    }

    /// The body of an error of the V2 API.
    V2Errors {
        /// `{"message"}`
        Message,
        /// `{"code", "message", "status"}`
        Coded,
    }
}
