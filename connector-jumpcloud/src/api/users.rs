//! Directory users: `GET /api/systemusers` (V1, published, definition `systemuserreturn`) and `GET /api/v2/users` (named
//! by the product page). Their fields are read where an account is made of them.

use crate::client::{Call, Listing, listing};

/// The V1 endpoint.
pub(crate) const SYSTEM_USERS: &str = "/api/systemusers";
/// The V2 endpoint, which not every organisation serves.
pub(crate) const V2_USERS: &str = "/api/v2/users";

/// Lists directory users from either endpoint.
pub(crate) fn list(path: &str, limit: u64) -> Listing {
    listing(Call::get(path), limit).by_id("_id")
}

/// Lists only the ids of directory users.
pub(crate) fn list_ids(path: &str, limit: u64) -> Listing {
    let id = if path == V2_USERS { "id" } else { "_id" };
    listing(Call::get(path).query("fields", id), limit).by_id("_id")
}
