//! Edges of JumpCloud's graph: members (`GET /api/v2/{usergroups|systemgroups}/{id}/members`) and associations
//! (`GET /api/v2/{users|usergroups|systems|systemgroups|applications|…}/{id}/associations?targets=T`), both answering
//! lists of `GraphConnection`. Neither has a `sort` parameter.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::Value;

use super::Id;
use super::kind::Kind;
use super::lenient::{self, WireText};
use super::level::Level;
use crate::client::{Call, Identified, Listing, listing};

/// Requests a single object by id, to see whether it exists.
pub(crate) fn one(kind: Kind, id: &Id) -> Call {
    match kind {
        Kind::User => Call::get(format!("/api/systemusers/{id}")),
        Kind::System | Kind::Application | Kind::RadiusServer => Call::get(format!("/api/{}/{id}", kind.path())),
        _ => Call::get(format!("/api/v2/{}/{id}", kind.path())),
    }
}

/// Lists a group's direct members.
pub(crate) fn members(group: Kind, id: &Id, limit: u64) -> Listing {
    listing(Call::get(format!("/api/v2/{}/{id}/members", group.path())), limit).of_edges()
}

/// Lists the objects of some kinds that an object is directly bound to. Several kinds are one parameter, separated by commas,
/// which not every service answers completely.
pub(crate) fn associations(of: Kind, id: &Id, targets: &[Kind], limit: u64) -> Listing {
    let targets = targets.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(",");
    let call = Call::get(format!("/api/v2/{}/{id}/associations", of.path())).query("targets", targets);
    listing(call, limit).of_edges()
}

/// Lists the device groups that contain a device, with paths: `GET /api/v2/systems/{id}/memberof`, definition
/// `GraphObjectWithPaths`.
pub(crate) fn groups_of_device(device: &Id, limit: u64) -> Listing {
    listing(Call::get(format!("/api/v2/systems/{device}/memberof")), limit)
}

/// Lists the objects of one kind that an object reaches, directly or through others, with paths: for the members of a group
/// `GET /api/v2/{usergroups|systemgroups}/{id}/membership`, else `GET /api/v2/{of}/{id}/{to}`, definition
/// `GraphObjectWithPaths`.
pub(crate) fn traversal(of: Kind, id: &Id, to: Kind, limit: u64) -> Listing {
    let last = match (of, to) {
        (Kind::UserGroup, Kind::User) | (Kind::SystemGroup, Kind::System) => "membership",
        _ => to.path(),
    };
    listing(Call::get(format!("/api/v2/{}/{id}/{last}", of.path())), limit)
}

/// A reached object.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    pub(crate) id: Id,
    /// The word for its kind, empty if there is none.
    pub(crate) kind: String,
    /// Whether a path of one step leads there; unknown if there are no paths.
    pub(crate) direct: Option<bool>,
}

impl Identified for Reached {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl<'de> Deserialize<'de> for Reached {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            id: Id,
            #[serde(default, rename = "type")]
            kind: Option<Value>,
            #[serde(default)]
            paths: Option<Vec<Option<Vec<IgnoredAny>>>>,
        }
        let Wire { id, kind, paths } = Wire::deserialize(deserializer)?;
        let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let paths = paths.filter(|paths| !paths.is_empty());
        let direct = paths.map(|paths| paths.iter().flatten().any(|steps| steps.len() == 1));
        Ok(Self { id, kind, direct })
    }
}

/// The far end of an edge, definition `GraphConnection`, with the edge's attributes.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) id: Id,
    /// The word for its kind: a [`Kind`]'s, or one that is not known.
    pub(crate) kind: Cow<'static, str>,
    /// The level that `attributes.sudo` gives.
    pub(crate) access: Level,
}

impl Identified for Edge {
    type Wire = EdgeOrNull;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

/// An edge of a list of several kinds, where ids may be the same for objects of different kinds.
#[derive(Debug, Clone)]
pub(crate) struct MixedEdge {
    id: (Cow<'static, str>, Id),
    access: Level,
}

impl From<MixedEdge> for Edge {
    fn from(MixedEdge { id: (kind, id), access }: MixedEdge) -> Self {
        Self { id, kind, access }
    }
}

impl Identified for MixedEdge {
    type Wire = MixedEdgeOrNull;
    type Id = (Cow<'static, str>, Id);

    fn id(&self) -> &Self::Id {
        &self.id
    }
}

/// The same, or a null record.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct MixedEdgeOrNull(EdgeOrNull);

impl From<MixedEdgeOrNull> for Option<MixedEdge> {
    fn from(MixedEdgeOrNull(edge): MixedEdgeOrNull) -> Self {
        Option::from(edge).map(|Edge { id, kind, access }| MixedEdge { id: (kind, id), access })
    }
}

/// An edge, or a null record for one that is not returned: `null`, or a far end that is null, absent or without an id.
#[derive(Debug)]
pub(crate) struct EdgeOrNull(Option<Edge>);

impl From<EdgeOrNull> for Option<Edge> {
    fn from(EdgeOrNull(edge): EdgeOrNull) -> Self {
        edge
    }
}

impl<'de> Deserialize<'de> for EdgeOrNull {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow, default)]
            to: Option<To<'a>>,
            #[serde(borrow, default)]
            attributes: WireText<'a>,
        }
        #[derive(Deserialize)]
        struct To<'a> {
            #[serde(borrow, default)]
            id: WireText<'a>,
            #[serde(borrow, default, rename = "type")]
            kind: WireText<'a>,
            #[serde(borrow, default)]
            attributes: WireText<'a>,
        }
        let Some(Wire { to: Some(to), attributes }) = Option::deserialize(deserializer)? else {
            return Ok(Self(None));
        };
        let Some(id) = to.id.0.filter(|id| *id != r#""""#) else { return Ok(Self(None)) };
        let id = match to.id.plain() {
            Some(id) => id.parse().map_err(D::Error::custom)?,
            None => serde_json::from_str(id).map_err(D::Error::custom)?,
        };
        let access = |attributes: WireText<'_>| sudo(attributes.get().as_ref());
        let named = to.kind.string();
        let known = named.and_then(|kind| Kind::of_word(|word| kind == word)).map(Kind::word);
        let kind = known.map_or_else(|| to.kind.any_text().unwrap_or_default().into(), Cow::Borrowed);
        // The attributes here may be those of a user group at the far end. They are ignored, because they are read from
        // the group itself, whichever end of the edge is listed.
        let of_group = kind == Kind::UserGroup.word();
        let access = access(attributes).max(if of_group { Level::Login } else { access(to.attributes) });
        Ok(Self(Some(Edge { id, kind, access })))
    }
}

/// The level that graph attributes give: `{"sudo":{"enabled":true,"withoutPassword":false}}`.
pub(crate) fn sudo(attributes: Option<&Value>) -> Level {
    let Some(sudo) = attributes.and_then(|attributes| attributes.get("sudo")) else { return Level::Login };
    let set = |name| sudo.get(name).and_then(lenient::flag).unwrap_or(false);
    match (set("enabled"), set("withoutPassword")) {
        (false, _) => Level::Login,
        (true, false) => Level::Sudo,
        (true, true) => Level::SudoWithoutPassword,
    }
}
