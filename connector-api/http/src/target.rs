//! What a client must know about its target.

use std::fmt::Debug;
use std::sync::Arc;

use reqwest::header::HeaderMap;

use super::call::Call;
use super::refusal::Refusal;
use super::verdict::Verdict;
use super::words::Words;

/// A target's words, headers and interpretation of responses. [`Words`] alone are a target whose responses mean what
/// HTTP defines.
pub trait Target: Debug + Send + Sync + 'static {
    /// Returns the target's words.
    fn words(&self) -> &Words;

    /// Returns headers that a call needs in addition to those of the authentication.
    fn headers(&self, _call: &Call) -> HeaderMap {
        HeaderMap::new()
    }

    /// Returns the verdict on a response with a status other than 200.
    fn judge(&self, refusal: &Refusal<'_>) -> Verdict {
        refusal.standard()
    }
}

impl Target for Words {
    fn words(&self) -> &Words {
        self
    }
}

impl<T: Target> Target for Arc<T> {
    fn words(&self) -> &Words {
        T::words(self)
    }

    fn headers(&self, call: &Call) -> HeaderMap {
        T::headers(self, call)
    }

    fn judge(&self, refusal: &Refusal<'_>) -> Verdict {
        T::judge(self, refusal)
    }
}
