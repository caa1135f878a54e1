//! An answer before it goes out.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use hyper::{Response, StatusCode};

/// The body of a response. An error in it breaks the connection.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A status, headers and a body, in memory, and how the body leaves.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
}

/// How a body goes out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    /// Bytes a second.
    pub(crate) pace: Option<u64>,
    /// Breaks in the middle.
    pub(crate) truncated: bool,
    /// White space behind the body.
    pub(crate) padding: u64,
    /// White space in place of the body, compressed.
    pub(crate) bomb: Option<u64>,
}

const CHUNK: usize = 64 * 1024;
static SPACES: [u8; CHUNK] = [b' '; CHUNK];

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        Self { status, headers, body, delivery: Delivery::default() }
    }

    pub(crate) fn ok(body: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// Adds a header; a value that no header can hold is left out.
    pub(crate) fn header(&mut self, name: &'static str, value: impl ToString) {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// Compresses the body, where that pays.
    pub(crate) fn compress(&mut self) {
        if self.body.len() < 1_400 || self.delivery.padding > 0 || self.delivery.bomb.is_some() {
            return;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.body.len() / 4), Compression::fast());
        if encoder.write_all(&self.body).is_ok()
            && let Ok(compressed) = encoder.finish()
        {
            self.body = compressed;
            self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            self.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
    }

    /// The response that goes to the client.
    pub(crate) fn into_response(self) -> Response<Body> {
        let Self { status, mut headers, body, delivery } = self;
        let length = body.len();
        if delivery.bomb.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if delivery.truncated {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut response = Response::new(deliver(body, delivery));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn deliver(mut body: Vec<u8>, delivery: Delivery) -> Body {
    match delivery {
        Delivery { bomb: Some(size), .. } => streamed(bomb(size)),
        Delivery { truncated: true, .. } => {
            body.truncate(body.len() / 2);
            let broken = stream::once(async {
                // Lets what came before leave first.
                tokio::task::yield_now().await;
                Err(io::Error::from(io::ErrorKind::ConnectionAborted))
            });
            streamed(stream::iter([Ok(Bytes::from(body))]).chain(broken))
        }
        Delivery { pace: Some(pace), .. } => streamed(paced(Bytes::from(body), pace)),
        Delivery { padding: 1.., .. } => {
            let head = stream::iter([Ok(Bytes::from(body))]);
            streamed(head.chain(spaces(delivery.padding).map(|part| Ok(Bytes::from_static(part)))))
        }
        _ => Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync(),
    }
}

fn streamed(parts: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(parts.map(|part| part.map(Frame::data))).boxed_unsync()
}

/// The bytes, a tenth of a second's worth at a time.
fn paced(body: Bytes, pace: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let portion = (pace / 10).max(1) as usize;
    stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let part = rest.split_to(portion.min(rest.len()));
        Some((Ok(part), rest))
    })
}

fn spaces(size: u64) -> impl Stream<Item = &'static [u8]> + Send {
    stream::unfold(size, |left| async move {
        let portion = left.min(CHUNK as u64);
        (portion > 0).then(|| (&SPACES[..portion as usize], left - portion))
    })
}

/// Compressed white space, made while it is sent.
fn bomb(size: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let encoder = Some(GzEncoder::new(Vec::new(), Compression::best()));
    stream::unfold((encoder, size), |(encoder, mut left)| async move {
        let mut encoder = encoder?;
        loop {
            let portion = left.min(CHUNK as u64);
            if portion == 0 {
                return Some((encoder.finish().map(Bytes::from), (None, 0)));
            }
            if let Err(error) = encoder.write_all(&SPACES[..portion as usize]) {
                return Some((Err(error), (None, 0)));
            }
            left -= portion;
            let made = std::mem::take(encoder.get_mut());
            if !made.is_empty() {
                return Some((Ok(Bytes::from(made)), (Some(encoder), left)));
            }
        }
    })
}
