//! The bodies of responses: bounded in size, and decompressed.
//!
//! A body is decompressed once it has arrived completely. Decompressing each part as it arrives, as the HTTP client
//! would, takes nearly twice as long, and nothing can be parsed before the last part anyway.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};

use super::malformed::{of_malformed, of_too_large};
use super::meter::Meter;
use super::surrogates;
use super::text::Scrubber;
use super::verdict::Verdict;
use super::words::Words;

/// The maximum capacity that is reserved on the strength of a declared size, in bytes. A declared size may be wrong.
const MOST_ANNOUNCED: usize = 1024 * 1024;

/// Returns the headers that ask for compressed bodies.
pub(super) fn accepted() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))])
}

/// A complete body as it arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    bytes: BytesMut,
    compressed: bool,
}

/// Reads a body of up to `limit` bytes, decompressed and without lone surrogates. `broken` judges a body that breaks
/// off.
pub(super) async fn read(
    answer: reqwest::Response,
    limit: usize,
    what: &str,
    words: &Words,
    meter: &Meter,
    broken: impl Fn(reqwest::Error) -> Verdict,
) -> Result<Bytes, Verdict> {
    receive(answer, limit, what, words, broken).await?.open(limit, what, words, meter)
}

/// Receives a body of up to `limit` bytes. `broken` judges a body that breaks off.
pub(super) async fn receive(
    mut answer: reqwest::Response,
    limit: usize,
    what: &str,
    words: &Words,
    broken: impl Fn(reqwest::Error) -> Verdict,
) -> Result<Arrived, Verdict> {
    let announced = usize::try_from(answer.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(of_too_large(what, limit, words));
    }
    let compressed = is_gzip(answer.headers());
    let mut bytes = BytesMut::with_capacity(announced.clamp(16 * 1024, MOST_ANNOUNCED));
    while let Some(chunk) = answer.chunk().await.map_err(&broken)? {
        if bytes.len() + chunk.len() > limit {
            return Err(of_too_large(what, limit, words));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Arrived { bytes, compressed })
}

impl Arrived {
    /// Decompresses it to up to `limit` bytes without lone surrogates.
    pub(super) fn open(self, limit: usize, what: &str, words: &Words, meter: &Meter) -> Result<Bytes, Verdict> {
        let body = if self.compressed {
            let broken = |error| {
                let why = format!("its gzip is broken: {error}");
                Verdict::retry(of_malformed(what, why, b"", &Scrubber::default(), words).error, None)
            };
            inflated(&self.bytes, limit).map_err(broken)?.ok_or_else(|| of_too_large(what, limit, words))?.into()
        } else {
            self.bytes.freeze()
        };
        meter.received(body.len());
        Ok(surrogates::replaced(&body).map_or(body, Bytes::from))
    }
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let coding = headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok()).map(str::trim);
    coding.is_some_and(|coding| coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip"))
}

/// Decompresses a body; `None` if the result is larger than `limit` bytes.
fn inflated(gzip: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    // The last bytes of gzip data state its decompressed size.
    let announced = gzip.last_chunk().map_or(0, |size| u32::from_le_bytes(*size)) as usize;
    let mut plain = Vec::with_capacity(announced.min(MOST_ANNOUNCED));
    MultiGzDecoder::new(gzip).take(limit as u64 + 1).read_to_end(&mut plain)?;
    Ok((plain.len() <= limit).then_some(plain))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_data_of_any_number_of_members_is_decompressed() {
        let plain = b"{\"results\":[]}".repeat(1000);
        assert_eq!(inflated(&gzip(&plain), plain.len()).unwrap().as_deref(), Some(plain.as_slice()));
        let two = [gzip(&plain), gzip(b"[]")].concat();
        assert_eq!(inflated(&two, usize::MAX / 2).unwrap(), Some([plain.as_slice(), b"[]"].concat()));
        assert_eq!(inflated(&gzip(b""), 0).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn more_than_the_limit_is_reported_without_memory_for_all_of_it() {
        let bomb = gzip(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < 1_000_000);
        assert_eq!(inflated(&bomb, 1000).unwrap(), None);
    }

    #[test]
    fn truncated_or_altered_gzip_data_is_an_error() {
        let whole = gzip(&b"{\"results\":[]}".repeat(1000));
        let mut altered = whole.clone();
        *altered.last_mut().unwrap() ^= 1;
        for broken in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], b"", b"{}", altered.as_slice()] {
            assert!(inflated(broken, 1_000_000).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn only_a_body_that_is_declared_as_gzip_is_decompressed() {
        let says = |coding| is_gzip(&HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))]));
        assert!(says("gzip") && says(" GZIP ") && says("x-gzip"));
        assert!(!says("identity") && !says("br") && !is_gzip(&HeaderMap::new()));
    }
}
