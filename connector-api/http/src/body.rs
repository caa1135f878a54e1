//! The bodies of responses: bounded in size, and decompressed.
//!
//! A body is decompressed once it has arrived completely. Decompressing each part as it arrives, as the HTTP client
//! would, takes nearly twice as long, and nothing can be parsed before the last part anyway.

use std::io;

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
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

/// The most that deflate makes of a byte.
const MOST_DENSE: usize = 1032;
/// Room that is added at least where the declared size was too small.
const MORE: usize = 64 * 1024;
/// The window of gzip data, as a power of two.
const WINDOW: u8 = 15;

/// Decompresses a body, one member after the other; `None` if the result is larger than `limit` bytes.
fn inflated(gzip: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    // The last bytes of gzip data declare its decompressed size. It may be wrong, but then memory that is reserved for it is
    // never touched.
    let declared = gzip.last_chunk().map_or(0, |size| u32::from_le_bytes(*size)) as usize;
    let possible = gzip.len().saturating_mul(MOST_DENSE).min(limit);
    let mut plain = Vec::with_capacity(declared.min(possible));
    let mut rest = gzip;
    loop {
        let mut member = Decompress::new_gzip(WINDOW);
        loop {
            let read = member.total_in();
            let status = member.decompress_vec(rest, &mut plain, FlushDecompress::Finish)?;
            rest = &rest[(member.total_in() - read) as usize..];
            match status {
                _ if plain.len() > limit => return Ok(None),
                Status::StreamEnd => break,
                _ if plain.len() == plain.capacity() => plain.reserve(MORE),
                // There is room, so what is missing is input.
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        if rest.is_empty() {
            return Ok(Some(plain));
        }
    }
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
    fn a_declared_size_is_reserved_once_and_a_wrong_one_is_not_trusted() {
        let plain = b"{\"results\":[]}".repeat(1000);
        let honest = inflated(&gzip(&plain), usize::MAX).unwrap().unwrap();
        assert_eq!((honest.len(), honest.capacity()), (plain.len(), plain.len()));
        // The declared size of several members is that of the last one.
        let small_last = [gzip(&plain), gzip(b"[]")].concat();
        let large_last = [gzip(b"[]"), gzip(&plain)].concat();
        for (members, whole) in [(small_last, [&plain[..], b"[]"]), (large_last, [b"[]", &plain[..]])] {
            assert_eq!(inflated(&members, usize::MAX).unwrap(), Some(whole.concat()));
        }
        let mut liar = gzip(b"[]");
        liar.splice(liar.len() - 4.., u32::MAX.to_le_bytes());
        assert!(inflated(&liar, usize::MAX).is_err(), "the size is checked at the end");
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
