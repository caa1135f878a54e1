//! Files that pages load: they are part of the program.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// One file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset { name: "console.css", media_type: "text/css; charset=utf-8", content: STYLES },
    Asset {
        name: "times.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/times.js"),
    },
    Asset { name: "live.js", media_type: "text/javascript; charset=utf-8", content: include_str!("../assets/live.js") },
    Asset {
        name: "htmx.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/vendor/htmx-2.0.11.min.js"),
    },
    Asset {
        name: "htmx-sse.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../assets/vendor/htmx-ext-sse-2.2.4.min.js"),
    },
    Asset { name: "icon.svg", media_type: "image/svg+xml", content: include_str!("../assets/icon.svg") },
];

/// Returns where a page finds a file. The address changes with the content, so browsers may keep it for good.
pub(crate) fn address(name: &str) -> String {
    let version = ASSETS.iter().find(|asset| asset.name == name).map(digest).unwrap_or_default();
    format!("/static/{name}?v={version}")
}

/// The stylesheet, for a page that stands alone.
pub(crate) const STYLES: &str = include_str!("../assets/console.css");

fn digest(asset: &Asset) -> String {
    Sha256::digest(asset.content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) async fn show(uri: Uri, headers: HeaderMap) -> Response {
    let name = uri.path().trim_start_matches("/static/");
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Failure::not_found().into_response();
    };
    let tag = format!("\"{}\"", digest(asset));
    let caching =
        [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.media_type)], asset.content).into_response()
}
