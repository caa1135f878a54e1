//! HTTP: the same client library as the connector's, with the same settings.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use flate2::bufread::MultiGzDecoder;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode};

use crate::Result;

/// The variable that holds the key.
const KEY: &str = "ORBISID_CREDENTIAL_PASSWORD";

/// Makes requests to one server and counts them.
#[derive(Debug)]
pub(super) struct Web {
    client: Client,
    url: String,
    concurrency: usize,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// The rows of the whole list, if the page states them.
    pub(super) total: u64,
}

impl Web {
    pub(super) fn new(url: &str, concurrency: usize) -> Result<Self> {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut key = HeaderValue::from_str(&std::env::var(KEY)?)?;
        key.set_sensitive(true);
        let headers = [(ACCEPT_ENCODING, HeaderValue::from_static("gzip")), ("x-api-key".parse()?, key)];
        // A body is decompressed at once when it is complete: in parts, as the library would, it takes longer.
        let client = Client::builder()
            .no_proxy()
            .no_gzip()
            .http1_only()
            .pool_max_idle_per_host(concurrency)
            .default_headers(HeaderMap::from_iter(headers))
            .build()?;
        let [requests, bytes] = [AtomicU64::new(0), AtomicU64::new(0)];
        Ok(Self { client, url: url.to_owned(), concurrency, requests, bytes })
    }

    /// Requests in flight at once: for the caller to keep to.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Page> {
        let page = self.send(Method::GET, path, None).await?;
        if page.status.is_success() { Ok(page) } else { Err(format!("{path}: {}", page.status).into()) }
    }

    /// Makes a request to a path with its query, whatever the status of the response.
    pub(super) async fn send(&self, method: Method, path: &str, json: Option<String>) -> Result<Page> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(json) = json {
            request = request.header(CONTENT_TYPE, "application/json").body(json);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let number = |name| answer.headers().get(name)?.to_str().ok()?.parse().ok();
        let total = number("x-total-count");
        let is_compressed = answer.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = answer.bytes().await?;
        let body = if is_compressed { decompressed(&body)? } else { body.into() };
        self.requests.fetch_add(1, Relaxed);
        self.bytes.fetch_add(body.len() as u64, Relaxed);
        Ok(Page { total: total.or_else(|| total_count(&body)).unwrap_or(0), status, body })
    }
}

fn decompressed(gzip: &[u8]) -> Result<Vec<u8>> {
    // The last bytes of gzip data state its decompressed size.
    let size = gzip.last_chunk().map_or(0, |size| u32::from_le_bytes(*size)) as usize;
    let mut plain = Vec::with_capacity(size);
    MultiGzDecoder::new(gzip).read_to_end(&mut plain)?;
    Ok(plain)
}

/// The number behind `"totalCount":`, which stands at the front.
fn total_count(body: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"totalCount\":";
    let front = &body[..body.len().min(64)];
    let at = front.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let digits = front[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |total, digit| total * 10 + u64::from(digit - b'0')))
}
