//! Whether a secret shows in a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether the text has the secret in it, as it is or in Base64. A secret that is empty shows nowhere.
pub(super) fn shows_in(secret: &str, text: &str) -> bool {
    !secret.is_empty() && (text.contains(secret) || text.contains(&STANDARD.encode(secret)))
}
