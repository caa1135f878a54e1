//! What a client must know of its target.

use std::fmt::Debug;
use std::sync::Arc;

use reqwest::header::HeaderMap;

use super::call::Call;
use super::refusal::Refusal;
use super::verdict::Verdict;
use super::words::Words;

/// What is one target's own: its words, its headers, and which answer means what. [`Words`] alone are a target whose
/// answers mean what HTTP says.
pub trait Target: Debug + Send + Sync + 'static {
    /// Its words.
    fn words(&self) -> &Words;

    /// Headers that a call needs in addition to those of the sign-in.
    fn headers(&self, _call: &Call) -> HeaderMap {
        HeaderMap::new()
    }

    /// What an answer whose status is not 200 means.
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
